"""A trained network's forward pass and its choices, without torch: what a city needs to be driven.

A policy has two hidden layers with tanh between and two kinds of outputs: logits of choices, each
one out of so many, and means of residuals, real numbers of which zero means "as the rule says".
Observations are normalised as they were in training. Called in batches by whoever drives many
agents at once, row by row by kernels (`decide`); `engine.learning` trains and hands over such
weights. Knows no economy, no file, no torch.
"""

from dataclasses import dataclass
from typing import Annotated, NamedTuple

import numpy as np
from numba import float32, int64, void

from engine.kernels import helper, kernel
from engine.tables import Array, Column

BLOCK_ROWS = 2_048
"""Rows multiplied at a time: their activations (1 MB at 128 units) stay in the cache of a core."""

OBSERVATION_MAX = 10.0
"""Normalised observations are cut here, in standard deviations, as in training."""


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


def spaces_of(policy: Policy) -> Spaces:
    """What the agents that it drives see and do."""
    choices = tuple(int(options) for options in policy.options)
    return Spaces(len(policy.mean), choices, len(policy.log_sd))


def outputs(policy: Policy, observations: Array) -> Array:
    """float32[agents, outputs]: the forward pass of many agents at once.

    Args:
        policy: the weights.
        observations: float32[agents, observations], as they are in the world.
    """
    result = np.empty((len(observations), len(policy.bias_3)), np.float32)
    for first in range(0, len(observations), BLOCK_ROWS):
        block = (observations[first : first + BLOCK_ROWS] - policy.mean) * policy.scale
        np.clip(block, -OBSERVATION_MAX, OBSERVATION_MAX, out=block)
        for weights, bias in (
            (policy.weights_1, policy.bias_1),
            (policy.weights_2, policy.bias_2),
        ):
            block = block @ weights
            block += bias
            np.tanh(block, out=block)
        np.matmul(block, policy.weights_3, out=result[first : first + BLOCK_ROWS])
        result[first : first + BLOCK_ROWS] += policy.bias_3
    return result


def sampled(policy: Policy, outputs: Array, random: np.random.Generator) -> Actions:
    """What agents do by chance, as in training.

    Args:
        policy: its options and the spread of its residuals are used.
        outputs: float32[agents, outputs], which are overwritten.
        random: where the chances come from.
    """
    agents = len(outputs)
    choices = np.empty((agents, len(policy.options)), np.int64)
    logits = outputs[:, : outputs.shape[1] - len(policy.log_sd)]
    first = 0
    for options in policy.options:
        of_choice = logits[:, first : first + options]
        of_choice -= of_choice.max(axis=1, keepdims=True)
        first += options
    np.exp(logits, out=logits)
    chances = random.random((agents, len(policy.options)), np.float32)
    choose(outputs, policy.options, chances, choices)
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


@kernel(void(float32[:, ::1], int64[::1], float32[:, ::1], int64[:, ::1]))
def choose(weights, options, chances, choices):
    """Sample every choice by the inverse of its distribution function.

    Args:
        weights: float32[agents, outputs], of which the first are the options', not normalised.
        options: int64[choices].
        chances: float32[agents, choices] in [0, 1).
        choices: int64[agents, choices], written.
    """
    for agent in range(len(weights)):
        first = 0
        for choice in range(len(options)):
            last = first + options[choice]
            total = np.float32(0.0)
            for option in range(first, last):
                total += weights[agent, option]
            left = chances[agent, choice] * total
            option = first
            while option < last - 1 and left >= weights[agent, option]:
                left -= weights[agent, option]
                option += 1
            choices[agent, choice] = option - first
            first = last


@helper
def decide(policy, observation, hidden_1, hidden_2, result):
    """One agent's forward pass inside a kernel: the numbers of `outputs`, to float32's rounding.

    Args:
        policy: Policy.
        observation: float32[observations], overwritten by what the network sees.
        hidden_1, hidden_2: float32 of the units' lengths, scratch.
        result: float32[outputs], written.
    """
    for number in range(len(observation)):
        seen = (observation[number] - policy.mean[number]) * policy.scale[number]
        observation[number] = min(
            max(seen, np.float32(-OBSERVATION_MAX)), np.float32(OBSERVATION_MAX)
        )
    layer(observation, policy.weights_1, policy.bias_1, hidden_1)
    for unit in range(len(hidden_1)):
        hidden_1[unit] = np.tanh(hidden_1[unit])
    layer(hidden_1, policy.weights_2, policy.bias_2, hidden_2)
    for unit in range(len(hidden_2)):
        hidden_2[unit] = np.tanh(hidden_2[unit])
    layer(hidden_2, policy.weights_3, policy.bias_3, result)


@helper
def layer(inputs, weights, bias, result):
    """result = inputs @ weights + bias; input by input, so that it needs no reduction."""
    for unit in range(len(result)):
        result[unit] = bias[unit]
    for number in range(len(inputs)):
        value = inputs[number]
        for unit in range(len(result)):
            result[unit] += value * weights[number, unit]


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
