"""The network that learns: an actor and a critic of two hidden layers each, in torch.

Called by `engine.learning.ppo`. What it has learned leaves as an `engine.policy.Policy`.
"""

from typing import Any

import numpy as np

from engine.layers import OBSERVATION_MAX
from engine.policy import Policy, Spaces
from engine.tables import Array

HIDDEN = (128, 128)
"""Units of the hidden layers."""


def actor_critic(spaces: Spaces, hidden: tuple[int, ...], device: str) -> Any:
    """A torch.nn.ModuleDict of `actor`, `critic` and a parameter `log_sd`.

    Orthogonal weights, gain sqrt 2 inside, 0.01 at the actor's outputs (so that every option is as
    likely as any other and residuals begin at the rule), 1 at the critic's (Andrychowicz and
    others, "What matters in on-policy reinforcement learning", 2020).

    Args:
        spaces: of the agents.
        hidden: units of each hidden layer, at least one.
        device: where torch puts it.
    """
    import torch
    from torch import nn

    def layers(outputs: int, gain: float) -> Any:
        sizes = [spaces.observations, *hidden]
        parts: list[Any] = []
        for size, units in zip(sizes, hidden, strict=False):
            parts += [_linear(size, units, float(np.sqrt(2.0))), nn.Tanh()]
        return nn.Sequential(*parts, _linear(hidden[-1], outputs, gain))

    network = nn.Module()
    network.actor = layers(spaces.outputs, 0.01)
    network.critic = layers(1, 1.0)
    network.log_sd = nn.Parameter(torch.full((spaces.residuals,), -0.5))
    return network.to(device)


def lean(network: Any, spaces: Spaces, logit: float) -> None:
    """Make the first option of every choice likelier by a logit, whatever is seen."""
    import torch

    first = 0
    with torch.no_grad():
        for options in spaces.choices:
            network.actor[-1].bias[first] += logit
            first += options


def _linear(size: int, units: int, gain: float) -> Any:
    from torch import nn

    layer = nn.Linear(size, units)
    nn.init.orthogonal_(layer.weight, gain)
    nn.init.zeros_(layer.bias)
    return layer


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


def policy_of(network: Any, normaliser: Normaliser, spaces: Spaces) -> Policy:
    """The actor as arrays: the same outputs as torch's, to float32's rounding.

    Raises:
        ValueError: the actor has not two hidden layers, as the forward pass of a city wants.
    """
    linear = [layer for layer in network.actor if hasattr(layer, "weight")]
    if len(linear) != 3:
        raise ValueError(f"hidden = {len(linear) - 1} layers: must be 2 for a city to run it")
    arrays = []
    for layer in linear:
        arrays.append(np.ascontiguousarray(layer.weight.detach().cpu().numpy().T))
        arrays.append(layer.bias.detach().cpu().numpy().copy())
    return Policy._make(
        [
            normaliser.mean.astype(np.float32),
            normaliser.scale,
            *arrays,
            network.log_sd.detach().cpu().numpy().copy(),
            np.array(spaces.choices, np.int64),
        ]
    )
