"""The gradient of PPO's loss, written out in one kernel: what learning on a processor is made of.

The loss is `engine.learning.ppo.loss_of`, of which torch finds the same gradient on any device; a
test holds this one to it. Some rows at a time go forward and back, so that nothing is kept but what
a core's cache holds, and threads with pieces of their own do not wait for each other. Called by
`ppo`; where parameters lie is `engine.learning.network.Network`'s to say. Knows arrays, no torch.

In kernels a network is `numbers`, float32: of each layer its weights, [inputs, units], and its
biases. `sizes` is int64[layers + 1]: observations, units of the hidden layers, outputs. `layers` is
float32: what `count` rows see, then what each layer makes of it, [rows, units].
"""

from math import e, log, pi
from typing import Annotated, NamedTuple

import numpy as np
from numba import float32, int64, void

from engine.kernels import contracted, helper, kernel, part
from engine.layers import add_product, exponentials, fill_rows, squash
from engine.tables import Array, Column, kernel_type

BLOCK_ROWS = 64
"""Rows that go forward and back at once: their layers lie in a core's cache beside the weights."""

LOG_2_PI, LOG_2_PI_E = np.float32(log(2.0 * pi)), np.float32(log(2.0 * pi * e))


class Acts(NamedTuple):
    """What is learned from."""

    seen: Annotated[Array, Column("f4", "acts observations", "normalised")]
    choices: Annotated[Array, Column("i8", "acts choices", "the option taken")]
    residuals: Annotated[Array, Column("f4", "acts residuals", "")]
    log_chance: Annotated[Array, Column("f4", "acts", "that the policy which acted gave the act")]
    target: Annotated[Array, Column("f4", "acts", "what the critic should have said")]


class Scratch(NamedTuple):
    """Room to compute in."""

    block: Acts
    """The acts of a block, but for what they saw, which lies in the layers."""

    turned: Annotated[Array, Column("f4", "parameters", "the networks, every matrix transposed")]
    actor: Annotated[Array, Column("f4", "of_actor", "layers of the actor")]
    critic: Annotated[Array, Column("f4", "of_critic", "layers of the critic")]
    back: Annotated[Array, Column("f4", "widest", "derivatives of a layer")]
    chances: Annotated[Array, Column("f4", "outputs", "of one row's options")]
    entropies: Annotated[Array, Column("f4", "choices", "of one row's choices")]


class Weighing(NamedTuple):
    """The loss's numbers; see `ppo.Settings`."""

    clip: float
    entropy: float
    critic: float
    share: float
    """Of a row in the mean: one over the minibatch's rows."""


def scratch_for(acts: Acts, actor_sizes: tuple[int, ...], parameters: int) -> Scratch:
    """Room for one call of `write_gradient`.

    Args:
        acts: what it is given, for the columns' widths.
        actor_sizes: observations, units of the hidden layers, outputs.
        parameters: of both networks, and log sd.
    """
    *inner, outputs = actor_sizes
    return Scratch(
        Acts(*(np.empty((BLOCK_ROWS, *column.shape[1:]), column.dtype) for column in acts)),
        np.empty(parameters, np.float32),
        np.empty(BLOCK_ROWS * sum(actor_sizes), np.float32),
        np.empty(BLOCK_ROWS * (sum(inner) + 1), np.float32),
        np.empty(BLOCK_ROWS * max(inner), np.float32),
        np.empty(outputs, np.float32),
        np.empty(acts.choices.shape[1], np.float32),
    )


@part
def matrix(numbers, first, rows, columns):
    """float32[rows, columns]: a view of what begins at `first`."""
    return numbers[first : first + rows * columns].reshape((rows, columns))


@contracted
def add_rows(rows, result):
    """result += the sum of the rows."""
    for row in range(rows.shape[0]):
        for column in range(rows.shape[1]):
            result[column] += rows[row, column]


@contracted
def through_tanh(back, layer):
    """layer = back * (1 - layer^2): derivatives by what went into tanh, of those by its results."""
    for number in range(len(layer)):
        layer[number] = back[number] * (np.float32(1.0) - layer[number] * layer[number])


@helper
def go_forward(numbers, sizes, count, layers):
    """Fill the layers above what the rows see: tanh in all but the last. Returns: where that is."""
    at, here = 0, 0
    for number in range(1, len(sizes)):
        inputs, units = sizes[number - 1], sizes[number]
        below = matrix(layers, here, count, inputs)
        here += count * inputs
        above = matrix(layers, here, count, units)
        fill_rows(numbers[at + inputs * units : at + (inputs + 1) * units], above)
        add_product(below, matrix(numbers, at, inputs, units), above)
        if number < len(sizes) - 1:
            squash(layers[here : here + count * units])
        at += (inputs + 1) * units
    return here


@helper
def go_back(turned, sizes, count, layers, back, gradient):
    """Add to a network's gradient what follows from the derivatives of its outputs.

    Args:
        turned: the network, every matrix transposed.
        layers: of `go_forward`, the last of them the loss's derivatives; all become derivatives.
        back: float32[rows * widest layer], scratch.
        gradient: as `turned` in size.
    """
    at, here = len(turned), 0
    for size in sizes[:-1]:
        here += count * size
    for number in range(len(sizes) - 1, 0, -1):
        inputs, units = sizes[number - 1], sizes[number]
        at -= (inputs + 1) * units
        above = matrix(layers, here, count, units)
        here -= count * inputs
        below = matrix(layers, here, count, inputs)
        add_product(below.T, above, matrix(gradient, at, inputs, units))
        of_bias = gradient[at + inputs * units : at + (inputs + 1) * units]
        add_rows(above, of_bias)
        if number > 1:
            back[: count * inputs] = np.float32(0.0)
            derivatives = matrix(back, 0, count, inputs)
            add_product(above, matrix(turned, at, units, inputs), derivatives)
            through_tanh(back, layers[here : here + count * inputs])


@helper
def length_of(sizes):
    """int64: how many parameters a network has."""
    length = 0
    for number in range(1, len(sizes)):
        length += (sizes[number - 1] + 1) * sizes[number]
    return length


@helper
def turn(numbers, sizes, turned):
    """Transpose every matrix of a network, each into its own place."""
    at = 0
    for number in range(1, len(sizes)):
        inputs, units = sizes[number - 1], sizes[number]
        for n in range(inputs):
            for unit in range(units):
                turned[at + unit * inputs + n] = numbers[at + n * units + unit]
        at += (inputs + 1) * units


@helper
def gather(acts, rows, block, actor, critic):
    """Bring some acts together: from here and there, so that one need not wait for another.

    What they saw goes to where the layers of both networks begin, the rest to `block`.
    """
    observations = acts.seen.shape[1]
    for row in range(len(rows)):
        act = rows[row]
        for number in range(observations):
            actor[row * observations + number] = acts.seen[act, number]
            critic[row * observations + number] = acts.seen[act, number]
        for number in range(acts.choices.shape[1]):
            block.choices[row, number] = acts.choices[act, number]
        for number in range(acts.residuals.shape[1]):
            block.residuals[row, number] = acts.residuals[act, number]
        block.log_chance[row] = acts.log_chance[act]
        block.target[row] = acts.target[act]


@part
def differentiate(acts, act, advantage, outputs, log_sd, options, weighing, scratch, noted, of_sd):
    """Turn the actor's outputs for one act into the loss's derivatives by them.

    With chances p, the logarithm l of an act's chance has by the logit of option j the derivative
    [j was chosen] - p_j, the entropy H of its choice -p_j (log p_j + H); where a residual is x
    standard deviations off, l has by its mean x / sd and by log sd x^2 - 1, and H 1.

    Args:
        act: which row of `acts`; advantage: its own.
        outputs: float32[outputs], overwritten; in between they are log p and x.
        log_sd: float32[residuals].
        options: int64[choices].
        noted: float32[3], as `write_gradient`'s.
        of_sd: float32[residuals], the gradient of `log_sd`, added to.
    """
    chances, entropies = scratch.chances, scratch.entropies
    first = 0
    for choice in range(len(options)):
        last = first + options[choice]
        most = outputs[first]
        for option in range(first + 1, last):
            most = max(most, outputs[option])
        for option in range(first, last):
            outputs[option] -= most
            chances[option] = outputs[option]
        first = last
    exponentials(chances[:first])
    log_chance, first = np.float32(0.0), 0
    for choice in range(len(options)):
        last = first + options[choice]
        total = np.float32(0.0)
        for option in range(first, last):
            total += chances[option]
        log_total, entropies[choice] = np.log(total), np.float32(0.0)
        for option in range(first, last):
            chances[option] /= total
            outputs[option] -= log_total
            entropies[choice] -= chances[option] * outputs[option]
        log_chance += outputs[first + acts.choices[act, choice]]
        noted[0] += entropies[choice]
        first = last
    residuals = first
    for number in range(len(log_sd)):
        apart = acts.residuals[act, number] - outputs[residuals + number]
        apart *= np.exp(-log_sd[number])
        outputs[residuals + number] = apart
        log_chance -= np.float32(0.5) * (apart * apart + LOG_2_PI) + log_sd[number]
        noted[0] += log_sd[number] + np.float32(0.5) * LOG_2_PI_E

    ratio = np.exp(log_chance - acts.log_chance[act])
    least, most = np.float32(1.0 - weighing.clip), np.float32(1.0 + weighing.clip)
    near = min(max(ratio, least), most)
    noted[1] += np.float32(ratio != near)
    wanted = 0.0  # of l, to climb
    if ratio == near or ratio * advantage < near * advantage:
        wanted = ratio * advantage * weighing.share
    entropy, first = weighing.entropy * weighing.share, 0
    for choice in range(len(options)):
        last = first + options[choice]
        for option in range(first, last):
            of_entropy = entropy * (outputs[option] + entropies[choice])
            outputs[option] = chances[option] * (wanted + of_entropy)
        outputs[first + acts.choices[act, choice]] -= wanted
        first = last
    for number in range(len(log_sd)):
        apart = outputs[residuals + number]
        outputs[residuals + number] = -wanted * apart * np.exp(-log_sd[number])
        of_sd[number] += wanted * (np.float32(1.0) - apart * apart) - entropy


@kernel(
    void(
        float32[::1],
        int64[::1],
        int64[::1],
        int64[::1],
        kernel_type(Acts),
        int64[::1],
        float32[::1],
        kernel_type(Weighing),
        kernel_type(Scratch),
        float32[::1],
        float32[::1],
    )
)
def write_gradient(
    vector,
    actor_sizes,
    critic_sizes,
    options,
    acts,
    rows,
    advantages,
    weighing,
    scratch,
    gradient,
    noted,
):
    """The gradient of the loss of some rows of a minibatch.

    Args:
        vector: float32[parameters], the actor, the critic, log sd.
        actor_sizes, critic_sizes: `sizes`, of each network.
        options: int64[choices], how many each choice has.
        acts: Acts.
        rows: int64[rows], which of them.
        advantages: float32[rows], theirs.
        weighing: Weighing.
        scratch: of `scratch_for`.
        gradient: float32[parameters], written.
        noted: float32[3], written: sums of entropy, acts clipped, half squares of the critic's
            error.
    """
    gradient[:] = np.float32(0.0)
    noted[:] = np.float32(0.0)
    between = length_of(actor_sizes)
    end = between + length_of(critic_sizes)
    actor, critic, log_sd = vector[:between], vector[between:end], vector[end:]
    of_actor, of_critic, of_sd = gradient[:between], gradient[between:end], gradient[end:]
    turned, block, back = scratch.turned, scratch.block, scratch.back
    turn(actor, actor_sizes, turned[:between])
    turn(critic, critic_sizes, turned[between:end])
    outputs = actor_sizes[-1]
    for first in range(0, len(rows), BLOCK_ROWS):
        count = min(BLOCK_ROWS, len(rows) - first)
        gather(acts, rows[first : first + count], block, scratch.actor, scratch.critic)
        top = go_forward(actor, actor_sizes, count, scratch.actor)
        values = go_forward(critic, critic_sizes, count, scratch.critic)
        for row in range(count):
            mine = scratch.actor[top + row * outputs : top + (row + 1) * outputs]
            gain = advantages[first + row]
            differentiate(block, row, gain, mine, log_sd, options, weighing, scratch, noted, of_sd)
            error = scratch.critic[values + row] - block.target[row]
            noted[2] += np.float32(0.5) * error * error
            scratch.critic[values + row] = weighing.critic * weighing.share * error
        go_back(turned[:between], actor_sizes, count, scratch.actor, back, of_actor)
        go_back(turned[between:end], critic_sizes, count, scratch.critic, back, of_critic)
