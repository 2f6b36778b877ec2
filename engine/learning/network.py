"""The network that learns: an actor and a critic with hidden layers of equal sizes, in torch.

Called by `engine.learning.ppo`. What it has learned leaves as an `engine.policy.Policy`.
"""

from itertools import pairwise
from math import prod
from typing import Any, NamedTuple

import numpy as np

from engine.layers import OBSERVATION_MAX
from engine.policy import Policy, Spaces
from engine.tables import Array

HIDDEN = (128, 128)
"""Units of the hidden layers."""

VOID = -1e9
"""The logit of an option that a choice has not."""


class Parts(NamedTuple):
    """The parameters of a network, or their gradient: views of one vector."""

    weights: list[Any]
    """Of each hidden layer, float32[2, inputs, units]: the actor's and the critic's."""
    biases: list[Any]
    """Of each hidden layer, float32[2, 1, units]."""
    actor: Any
    """float32[outputs, units]: the actor's last layer; the critic's has one output."""
    actor_bias: Any
    """float32[outputs, 1]."""
    critic: Any
    critic_bias: Any
    log_sd: Any
    """float32[residuals, 1]."""


class Network:
    """An actor and a critic, which share no weight but are computed together.

    The gradient is written out (`backward`): torch's own way to it, which keeps a graph and makes
    an array a step, takes nearly twice as long with layers as small as these. A test compares them.

    Orthogonal weights, gain sqrt 2 inside, 0.01 at the actor's outputs (so that every option is as
    likely as any other and residuals begin at the rule), 1 at the critic's (Andrychowicz and
    others, "What matters in on-policy reinforcement learning", 2020).

    Args:
        spaces: of the agents.
        hidden: units of each hidden layer, at least one.
        device: where torch puts it.

    Attributes:
        vector: float32[parameters], all of them; whoever changes it in place changes the network.
        parts: views of it.
        lie: int64[logits]: where logits lie when choices lie side by side, see `options`.
    """

    def __init__(self, spaces: Spaces, hidden: tuple[int, ...], device: str) -> None:
        import torch
        from torch.nn.init import orthogonal_

        self.spaces = spaces
        self.shapes: list[tuple[int, ...]] = []
        for inputs, units in pairwise((spaces.observations, *hidden)):
            self.shapes += [(2, inputs, units), (2, 1, units)]
        last, outputs = hidden[-1], spaces.outputs
        self.shapes += [(outputs, last), (outputs, 1), (1, last), (1, 1), (spaces.residuals, 1)]
        self.sizes = [prod(shape) for shape in self.shapes]
        vector = torch.zeros(sum(self.sizes))
        parts = self.parts_of(vector)
        for weights in parts.weights:
            for one in weights:
                orthogonal_(one, float(np.sqrt(2.0)))
        orthogonal_(parts.actor, 0.01)
        orthogonal_(parts.critic, 1.0)
        parts.log_sd.fill_(-0.5)
        self.vector = vector.to(device)
        self.parts = self.parts_of(self.vector)
        choices, self.most = spaces.choices, max(spaces.choices, default=0)
        lie = [self.most * n + option for n, each in enumerate(choices) for option in range(each)]
        self.lie = torch.tensor(lie, dtype=torch.int64, device=device)

    def parts_of(self, vector: Any) -> Parts:
        """Views of a vector as long as this network's."""
        pairs = zip(vector.split(self.sizes), self.shapes, strict=True)
        *layers, actor, actor_bias, critic, critic_bias, log_sd = (v.view(s) for v, s in pairs)
        return Parts(layers[::2], layers[1::2], actor, actor_bias, critic, critic_bias, log_sd)

    def forward(self, seen: Any) -> tuple[list[Any], Any, Any]:
        """What comes of float32[rows, observations], normalised.

        Returns:
            Of each hidden layer float32[2, rows, units]; the actor's outputs, float32[outputs,
            rows], for torch is quick along what is long; the critic's values, float32[rows].
        """
        import torch

        layer, hidden = seen.expand(2, *seen.shape), []
        for weights, bias in zip(self.parts.weights, self.parts.biases, strict=True):
            # tanh x = 2 / (1 + exp(-2 x)) - 1, which torch computes several times as fast
            layer = torch.baddbmm(bias, layer, weights, beta=2, alpha=2).sigmoid_().mul_(2).sub_(1)
            hidden.append(layer)
        outputs = torch.addmm(self.parts.actor_bias, self.parts.actor, layer[0].t())
        values = torch.addmm(self.parts.critic_bias, self.parts.critic, layer[1].t())
        return hidden, outputs, values[0]

    def backward(
        self, seen: Any, hidden: list[Any], of_outputs: Any, of_values: Any, gradient: Parts
    ) -> None:
        """Write the gradient of a loss into all of `gradient` but `log_sd`.

        Args:
            seen, hidden: what went into `forward`, and its hidden layers.
            of_outputs, of_values: float32[outputs, rows] and float32[rows], the loss's derivatives.
            gradient: views of a vector, see `parts_of`.
        """
        import torch

        of_values = of_values[None]
        torch.mm(of_outputs, hidden[-1][0], out=gradient.actor)
        torch.mm(of_values, hidden[-1][1], out=gradient.critic)
        torch.sum(of_outputs, 1, keepdim=True, out=gradient.actor_bias)
        torch.sum(of_values, 1, keepdim=True, out=gradient.critic_bias)
        back = torch.empty_like(hidden[-1])
        torch.mm(of_outputs.t(), self.parts.actor, out=back[0])
        torch.mm(of_values.t(), self.parts.critic, out=back[1])
        for number in range(len(hidden) - 1, -1, -1):
            layer = hidden[number]
            back.addcmul_(back * layer, layer, value=-1)  # the derivative of tanh is 1 - tanh^2
            below = hidden[number - 1] if number else seen.expand(2, *seen.shape)
            torch.bmm(below.transpose(1, 2), back, out=gradient.weights[number])
            torch.sum(back, 1, keepdim=True, out=gradient.biases[number])
            if number:
                back = torch.bmm(back, self.parts.weights[number].transpose(1, 2))

    def options(self, outputs: Any) -> Any:
        """float32[choices, most options, rows]: the logits, `VOID` where a choice has no option."""
        choices, rows = len(self.spaces.choices), outputs.shape[1]
        logits = outputs.new_full((choices * self.most, rows), VOID)
        logits.index_copy_(0, self.lie, outputs[: len(self.lie)])
        return logits.view(choices, self.most, rows)

    def logits(self, options: Any) -> Any:
        """float32[logits, rows]: what lies where `options` puts logits."""
        return options.flatten(0, 1).index_select(0, self.lie)

    def lean(self, logit: float) -> None:
        """Make the first option of every choice likelier by a logit, whatever is seen."""
        first = 0
        for options in self.spaces.choices:
            self.parts.actor_bias[first] += logit
            first += options


class Normaliser:
    """Mean and variance of every observation seen so far, merged batch by batch.

    Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample
    variances", 1979.
    """

    def __init__(self, size: int) -> None:
        self.count = 1e-4
        self.mean = np.zeros(size)
        self.variance = np.ones(size)

    def see(self, batch: Array) -> None:
        """Merge float[rows, size]."""
        count = len(batch)
        mean = batch.mean(axis=0, dtype=np.float64)
        apart = mean - self.mean
        total = self.count + count
        squares = self.variance * self.count + batch.var(axis=0, dtype=np.float64) * count
        squares += apart**2 * self.count * count / total
        self.mean = self.mean + apart * count / total
        self.variance, self.count = squares / total, total

    @property
    def scale(self) -> Array:
        """float32[size]: one over the standard deviation."""
        return (1.0 / np.sqrt(self.variance + 1e-8)).astype(np.float32)

    def normalised(self, batch: Array) -> Array:
        """float32[rows, size]: as the network sees them."""
        seen = (batch - self.mean.astype(np.float32)) * self.scale
        return np.clip(seen, -OBSERVATION_MAX, OBSERVATION_MAX).astype(np.float32)


def policy_of(network: Network, normaliser: Normaliser, spaces: Spaces) -> Policy:
    """The actor as arrays: the same outputs as torch's, to float32's rounding.

    Raises:
        ValueError: the actor has not two hidden layers, as the forward pass of a city wants.
    """
    parts = network.parts_of(network.vector.detach().cpu())
    if len(parts.weights) != 2:
        raise ValueError(f"hidden = {len(parts.weights)} layers: must be 2 for a city to run it")
    arrays = []
    for weights, bias in zip(parts.weights, parts.biases, strict=True):
        arrays += [weights[0].numpy().copy(), bias[0, 0].numpy().copy()]
    arrays += [np.ascontiguousarray(parts.actor.numpy().T), parts.actor_bias[:, 0].numpy().copy()]
    return Policy._make(
        [
            normaliser.mean.astype(np.float32),
            normaliser.scale,
            *arrays,
            parts.log_sd[:, 0].numpy().copy(),
            np.array(spaces.choices, np.int64),
        ]
    )
