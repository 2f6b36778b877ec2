"""Trained networks as policies of macro agents, without torch: what drives a city whose settings
say so (`merchants.advance_macro`), and tools.

An agent does the mean of what its network says: nothing is left to chance.
"""

from collections.abc import Mapping
from functools import partial

import numpy as np

from engine.macro import spaces
from engine.macro.state import Macro
from engine.policy import Policy, Spaces, outputs
from engine.tables import Array

TABLES: Mapping[str, str] = {
    "firm": "firms",
    "household": "households",
    "bank": "banks",
    "central_bank": "central_bank",
}
"""Every kind of agent, and where its spaces and actions stand in `spaces` and in a Macro."""

SPACES: Mapping[str, Spaces] = {
    kind: Spaces(len(spaces.OBSERVATIONS[table].names), (), len(spaces.ACTIONS[table].names))
    for kind, table in TABLES.items()
}
"""What a network of each kind sees and sets."""

SEEN_MAX = 100.0
"""Observations are cut here, in their own units: a household without income would see years of it
in its deposit."""


def seen_by_all(macro: Macro) -> dict[str, Array]:
    """Of every kind, what each agent's network sees now: float32[agents, observations]."""
    seen = spaces.observe(macro)
    return {kind: as_seen(seen[table]) for kind, table in TABLES.items()}


def as_seen(observations: Array) -> Array:
    """float32[agents, observations]: as networks see them."""
    return np.clip(observations, -SEEN_MAX, SEEN_MAX).astype(np.float32)


def act(macro: Macro, residuals: Mapping[str, Array]) -> None:
    """Set the actions of next month, cut to -1 to 1.

    Args:
        macro: changed.
        residuals: by kind, float[agents, actions].
    """
    for kind, chosen in residuals.items():
        slot = getattr(macro.actions, TABLES[kind])
        slot[...] = np.clip(chosen, -1.0, 1.0).reshape(slot.shape)


def driven_by(networks: Mapping[str, Policy]) -> dict[str, spaces.Policy]:
    """Policies for `spaces.decide`, of networks by kind."""
    return {TABLES[kind]: partial(means, network) for kind, network in networks.items()}


def means(network: Policy, observations: Array) -> Array:
    """float32[agents, actions]: the network's means, cut to -1 to 1.

    Args:
        network: of one of `SPACES`.
        observations: float64[agents, observations], as `spaces.observe` has them.
    """
    return np.clip(outputs(network, as_seen(observations)), -1.0, 1.0)
