"""What a learner needs of a world with many agents of each kind.

Either all of them are stepped at once (`Environment`: the small tasks of the tests), or the world
runs by itself, its kernels choose for its agents by the network, and it hands over what they saw,
did and got (`Recorder`: `city_node.laboratory.merchant_lessons`). Called by `engine.learning.ppo`.
Knows arrays only.
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol, runtime_checkable

from engine.policy import Actions, Policy, Spaces
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


class Record(NamedTuple):
    """What agents of one kind saw, did and got while a world ran; [decisions, agents, ...].

    Agents decide when the world lets them, one more often than another: an agent's decisions are
    its first `decisions` rows, in order. Its last row only says where the one before it led.
    """

    decisions: Array
    """int64[agents]: how many rows are an agent's."""
    seen: Array
    """float32[decisions, agents, observations], not normalised."""
    actions: Actions
    """int64[decisions, agents, choices] and float32[decisions, agents, residuals]."""
    rewards: Array
    """float32[decisions, agents]: from a decision to the agent's next."""


@runtime_checkable
class Recorder(Protocol):
    """Worlds that run by themselves."""

    spaces: Mapping[str, Spaces]
    """What each kind sees and does."""

    def reset(self, seed: int) -> None:
        """Begin anew."""
        ...

    def record(self, policies: Mapping[str, Policy], steps: int) -> Mapping[str, Record]:
        """Run for so many steps of the world's own time, agents choosing by the policies."""
        ...
