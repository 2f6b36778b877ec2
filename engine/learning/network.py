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


class Layer(NamedTuple):
    """Of one network: views of a vector."""

    weights: Any
    """float32[inputs, units]."""
    bias: Any
    """float32[units]."""


class Parts(NamedTuple):
    """The parameters of a network, or their gradient: views of one vector."""

    actor: list[Layer]
    """From what is seen to `Spaces.outputs`."""
    critic: list[Layer]
    """From what is seen to one value."""
    log_sd: Any
    """float32[residuals]."""


class Network:
    """An actor and a critic, which share nothing but what they see.

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
        actor_sizes, critic_sizes: observations, units of the hidden layers, outputs.
        lie: int64[logits]: where logits lie when choices lie side by side, see `options`.
    """

    def __init__(self, spaces: Spaces, hidden: tuple[int, ...], device: str) -> None:
        import torch
        from torch.nn.init import orthogonal_

        self.spaces = spaces
        self.actor_sizes = (spaces.observations, *hidden, spaces.outputs)
        self.critic_sizes = (spaces.observations, *hidden, 1)
        self.shapes: list[tuple[int, ...]] = []
        for sizes in (self.actor_sizes, self.critic_sizes):
            for inputs, units in pairwise(sizes):
                self.shapes += [(inputs, units), (units,)]
        self.shapes.append((spaces.residuals,))
        self.lengths = [prod(shape) for shape in self.shapes]
        vector = torch.zeros(sum(self.lengths))
        parts = self.parts_of(vector)
        for layer in (*parts.actor, *parts.critic):
            orthogonal_(layer.weights, float(np.sqrt(2.0)))
        orthogonal_(parts.actor[-1].weights, 0.01)
        orthogonal_(parts.critic[-1].weights, 1.0)
        parts.log_sd.fill_(-0.5)
        self.vector = vector.to(device)
        self.parts = self.parts_of(self.vector)
        choices, self.most = spaces.choices, max(spaces.choices, default=0)
        lie = [self.most * n + option for n, each in enumerate(choices) for option in range(each)]
        self.lie = torch.tensor(lie, dtype=torch.int64, device=device)

    def parts_of(self, vector: Any) -> Parts:
        """Views of a vector as long as this network's."""
        pairs = zip(vector.split(self.lengths), self.shapes, strict=True)
        *views, log_sd = (view.view(shape) for view, shape in pairs)
        layers = [Layer(*each) for each in zip(views[::2], views[1::2], strict=True)]
        middle = len(layers) // 2
        return Parts(layers[:middle], layers[middle:], log_sd)

    def forward(self, seen: Any, parts: Parts | None = None) -> tuple[Any, Any]:
        """What comes of float32[rows, observations], normalised, with these or other parameters.

        Returns:
            The actor's outputs, float32[rows, outputs]; the critic's values, float32[rows].
        """
        actor, critic, _ = parts or self.parts
        return through(actor, seen), through(critic, seen)[:, 0]

    def options(self, outputs: Any) -> Any:
        """float32[rows, choices, most options]: the logits, `VOID` where a choice has no option."""
        rows, choices = len(outputs), len(self.spaces.choices)
        logits = outputs.new_full((rows, choices * self.most), VOID)
        logits = logits.index_copy(1, self.lie, outputs[:, : len(self.lie)])
        return logits.view(rows, choices, self.most)

    def lean(self, logit: float) -> None:
        """Make the first option of every choice likelier by a logit, whatever is seen."""
        first = 0
        for options in self.spaces.choices:
            self.parts.actor[-1].bias[first] += logit
            first += options


def through(layers: list[Layer], seen: Any) -> Any:
    """float32[rows, units of the last layer]."""
    import torch

    *inner, last = layers
    for weights, bias in inner:
        # tanh x = 2 / (1 + exp(-2 x)) - 1, which torch computes several times as fast
        seen = torch.addmm(bias, seen, weights, beta=2, alpha=2).sigmoid() * 2 - 1
    return torch.addmm(last.bias, seen, last.weights)


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
    if len(parts.actor) != 3:
        raise ValueError(f"hidden = {len(parts.actor) - 1} layers: must be 2 for a city to run it")
    return Policy._make(
        [
            normaliser.mean.astype(np.float32),
            normaliser.scale,
            *(array.numpy().copy() for layer in parts.actor for array in layer),
            parts.log_sd.numpy().copy(),
            np.array(spaces.choices, np.int64),
        ]
    )
