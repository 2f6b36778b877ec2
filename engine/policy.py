"""A trained network's forward pass and its choices, without torch: what a city needs to be driven.

A policy has two hidden layers with tanh between and two kinds of outputs: logits of choices, each
one out of so many, and means of residuals, real numbers of which zero means "as the rule says".
Observations are normalised as they were in training. Called in batches by whoever drives many
agents at once, row by row by kernels (`decide`); `engine.learning` trains and hands over such
weights. Knows no economy, no file, no torch.
"""

import functools
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import numpy as np
from numba import float32, int64, void

from engine.economy import Spread, one_by_one
from engine.kernels import helper, kernel
from engine.layers import (
    LANES,
    add_product,
    exponentials,
    fill_rows,
    layer,
    normalise,
    squash,
)
from engine.tables import Array, Column, kernel_type

BLOCK_ROWS = 2_048
"""Agents whose forward pass is one piece of work: a millisecond of a core."""


@dataclass(frozen=True)
class Spaces:
    """What agents of one kind see and do.

    Attributes:
        observations: how many numbers they see.
        choices: how many options each of their choices has; at least 2.
        residuals: how many real numbers they set, 0 being what the rule would do.
    """

    observations: int
    choices: tuple[int, ...] = ()
    residuals: int = 0

    @property
    def outputs(self) -> int:
        """How many outputs a policy has: the logits of every choice, then the residuals' means."""
        return sum(self.choices) + self.residuals


class Actions(NamedTuple):
    """What agents do, a row an agent."""

    choices: Array
    """int64[agents, choices]: the option taken."""
    residuals: Array
    """float32[agents, residuals]."""


class Policy(NamedTuple):
    """Weights; inputs are rows, so that a layer is `inputs @ weights + bias`."""

    mean: Annotated[Array, Column("f4", "observations", "subtracted from observations")]
    scale: Annotated[Array, Column("f4", "observations", "multiplied with them afterwards")]
    weights_1: Annotated[Array, Column("f4", "observations units_1", "first hidden layer")]
    bias_1: Annotated[Array, Column("f4", "units_1", "")]
    weights_2: Annotated[Array, Column("f4", "units_1 units_2", "second hidden layer")]
    bias_2: Annotated[Array, Column("f4", "units_2", "")]
    weights_3: Annotated[Array, Column("f4", "units_2 outputs", "outputs")]
    bias_3: Annotated[Array, Column("f4", "outputs", "")]
    log_sd: Annotated[Array, Column("f4", "residuals", "of the residuals, natural logarithm")]
    options: Annotated[Array, Column("i8", "choices", "how many each choice has")]


def outputs(policy: Policy, observations: Array, spread: Spread = one_by_one) -> Array:
    """float32[agents, outputs]: the forward pass of many agents at once.

    Args:
        policy: the weights.
        observations: float32[agents, observations], as they are in the world.
        spread: what runs blocks of agents; the same numbers come out whatever it is.
    """
    observations = np.ascontiguousarray(observations, np.float32)
    result = np.empty((len(observations), len(policy.bias_3)), np.float32)

    def piece(first: int) -> None:
        sizes = (len(policy.mean), len(policy.bias_1), len(policy.bias_2), len(policy.bias_3))
        scratch = [np.zeros((LANES, size), np.float32) for size in sizes]
        last = first + BLOCK_ROWS
        decide_all(policy, observations[first:last], *scratch, result[first:last])

    spread([functools.partial(piece, first) for first in range(0, len(result), BLOCK_ROWS)])
    return result


def sampled(
    policy: Policy, outputs: Array, random: np.random.Generator, spread: Spread = one_by_one
) -> Actions:
    """What agents do by chance, as in training.

    Args:
        policy: its options and the spread of its residuals are used.
        outputs: float32[agents, outputs].
        random: where the chances come from.
        spread: as in `outputs`.
    """
    agents = len(outputs)
    choices = np.empty((agents, len(policy.options)), np.int64)
    chances = random.random((agents, len(policy.options)), np.float32)

    def piece(first: int) -> None:
        last = first + BLOCK_ROWS
        weights = np.empty(outputs.shape[1], np.float32)
        of_block = outputs[first:last], policy.options, chances[first:last], weights
        choose(*of_block, choices[first:last])

    spread([functools.partial(piece, first) for first in range(0, agents, BLOCK_ROWS)])
    residuals = random.standard_normal((agents, len(policy.log_sd)), np.float32)
    residuals *= np.exp(policy.log_sd)
    residuals += outputs[:, outputs.shape[1] - len(policy.log_sd) :]
    return Actions(choices, residuals)


def likeliest(policy: Policy, outputs: Array) -> Actions:
    """What agents do when nothing is left to chance: the likeliest option, the mean residual."""
    choices = np.empty((len(outputs), len(policy.options)), np.int64)
    first = 0
    for number, options in enumerate(policy.options):
        choices[:, number] = outputs[:, first : first + options].argmax(axis=1)
        first += options
    return Actions(choices, outputs[:, first:].copy())


@kernel(
    void(float32[:, ::1], int64[::1], float32[:, ::1], float32[::1], int64[:, ::1]),
)
def choose(outputs, options, chances, weights, choices):
    """Sample every choice by the inverse of its distribution function.

    Args:
        outputs: float32[agents, outputs], of which the first are the options' logits.
        options: int64[choices].
        chances: float32[agents, choices] in [0, 1).
        weights: float32[outputs], scratch.
        choices: int64[agents, choices], written.
    """
    for agent in range(len(outputs)):
        first = 0
        for choice in range(len(options)):
            last = first + options[choice]
            most = outputs[agent, first]
            for option in range(first + 1, last):
                most = max(most, outputs[agent, option])
            for option in range(first, last):
                weights[option] = outputs[agent, option] - most
            first = last
        exponentials(weights[:first])
        first = 0
        for choice in range(len(options)):
            last = first + options[choice]
            total = np.float32(0.0)
            for option in range(first, last):
                total += weights[option]
            left = chances[agent, choice] * total
            option = first
            while option < last - 1 and left >= weights[option]:
                left -= weights[option]
                option += 1
            choices[agent, choice] = option - first
            first = last


@kernel(
    void(
        kernel_type(Policy),
        float32[:, ::1],
        float32[:, ::1],
        float32[:, ::1],
        float32[:, ::1],
        float32[:, ::1],
        float32[:, ::1],
    )
)
def decide_all(policy, observations, seen, hidden_1, hidden_2, last_layer, result):
    """The forward pass of many agents, `LANES` at a time, so that a weight read serves them all.

    Args:
        policy: Policy.
        observations: float32[agents, observations].
        seen, hidden_1, hidden_2, last_layer: float32[LANES, each layer's length], scratch.
        result: float32[agents, outputs], written.
    """
    agents = len(observations)
    for first in range(0, agents, LANES):
        here = min(LANES, agents - first)
        for lane in range(here):
            normalise(observations[first + lane], policy.mean, policy.scale, seen[lane])
        fill_rows(policy.bias_1, hidden_1)
        add_product(seen, policy.weights_1, hidden_1)
        for lane in range(LANES):
            squash(hidden_1[lane])
        fill_rows(policy.bias_2, hidden_2)
        add_product(hidden_1, policy.weights_2, hidden_2)
        for lane in range(LANES):
            squash(hidden_2[lane])
        fill_rows(policy.bias_3, last_layer)
        add_product(hidden_2, policy.weights_3, last_layer)
        for lane in range(here):
            for number in range(result.shape[1]):
                result[first + lane, number] = last_layer[lane, number]


@helper
def decide(policy, observation, hidden_1, hidden_2, result):
    """One agent's forward pass inside a kernel: the numbers of `outputs`, to float32's rounding.

    Args:
        policy: Policy.
        observation: float32[observations], overwritten by what the network sees.
        hidden_1, hidden_2: float32 of the units' lengths, scratch.
        result: float32[outputs], written.
    """
    normalise(observation, policy.mean, policy.scale, observation)
    layer(observation, policy.weights_1, policy.bias_1, hidden_1)
    squash(hidden_1)
    layer(hidden_1, policy.weights_2, policy.bias_2, hidden_2)
    squash(hidden_2)
    layer(hidden_2, policy.weights_3, policy.bias_3, result)


@helper
def option_by(logits, first, options, chance):
    """int64: an option by the inverse of its distribution function, for a chance in [0, 1)."""
    most = logits[first]
    for option in range(first + 1, first + options):
        most = max(most, logits[option])
    total = 0.0
    for option in range(first, first + options):
        total += np.exp(logits[option] - most)
    left = chance * total
    for option in range(first, first + options - 1):
        weight = np.exp(logits[option] - most)
        if left < weight:
            return np.int64(option - first)
        left -= weight
    return np.int64(options - 1)
