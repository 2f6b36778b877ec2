"""What torch does of a network's decisions, for `tools.bench.learning`."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from engine.learning.network import Network, Normaliser, policy_of
from engine.policy import Policy, Spaces
from engine.tables import Array

BLOCK = 2_048
"""Rows at a time: torch is slower with all at once."""


def sampler(spaces: Spaces, hidden: tuple[int, ...]) -> tuple[Policy, Callable[[Array], None]]:
    """A network as ours, and what decides for float32[agents, observations] by torch."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    layers: list[Any] = []
    for inputs, units in pairwise((spaces.observations, *hidden)):
        layers += [torch.nn.Linear(inputs, units), torch.nn.Tanh()]
    actor = torch.nn.Sequential(*layers, torch.nn.Linear(hidden[-1], spaces.outputs))

    def decide(seen: Array) -> None:
        with torch.no_grad():
            for block in torch.as_tensor(seen).split(BLOCK):
                for logits in actor(block).split(list(spaces.choices), 1):
                    torch.distributions.Categorical(logits=logits, validate_args=False).sample()

    return policy_of(
        Network(spaces, hidden, "cpu"), Normaliser(spaces.observations), spaces
    ), decide
