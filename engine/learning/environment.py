"""What a learner needs of a world: many agents of each kind, all of them stepped at once.

Implemented by `merchants.environment`, `engine.macro.environment` and the small tasks of the tests;
called by `engine.learning.ppo`. Arrays only.
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from engine.policy import Actions, Spaces
from engine.tables import Array


class Outcome(NamedTuple):
    """What became of the agents of one kind in a step, a row an agent.

    An agent whose episode ended begins another at once: `observations` are then of its beginning,
    and `last_observations` of its end.
    """

    observations: Array
    """float32[agents, observations]."""
    rewards: Array
    """float32[agents]."""
    terminated: Array
    """bool[agents]: the episode ended, and nothing is to be expected beyond."""
    truncated: Array
    """bool[agents]: it was cut off; what lay beyond is worth what the critic says."""
    last_observations: Array
    """float32[agents, observations]: what was seen last; read where an episode ended."""


class Environment(Protocol):
    """Agents of one or more kinds in as many worlds as their arrays hold."""

    spaces: Mapping[str, Spaces]
    """What each kind sees and does."""

    def reset(self, seed: int) -> Mapping[str, Array]:
        """Begin anew. Returns: float32[agents, observations] by kind."""
        ...

    def step(self, actions: Mapping[str, Actions]) -> Mapping[str, Outcome]:
        """Let every agent act once."""
        ...
