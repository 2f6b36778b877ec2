"""Trained networks as policies of macro agents, without torch: what drives a city whose settings
say so (`merchants.advance_macro`), and tools.

An agent does the mean of what its network says: nothing is left to chance. The network decides row
by row in a kernel, so that the same agent decides alike whoever is decided for beside it.
"""

from collections.abc import Mapping

import numpy as np
from numba import float32, float64, void

from engine.kernels import kernel
from engine.macro import spaces
from engine.macro.state import Macro
from engine.policy import Policy, Spaces, decide
from engine.tables import Array, kernel_type

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
    return {TABLES[kind]: _policy(network) for kind, network in networks.items()}


def _policy(network: Policy) -> spaces.Policy:
    hidden = [np.empty(len(bias), np.float32) for bias in (network.bias_1, network.bias_2)]
    result = np.empty(len(network.bias_3), np.float32)

    def policy(observations: Array) -> Array:
        actions = np.empty((len(observations), len(result)))
        decide_all(network, as_seen(observations), *hidden, result, actions)
        return actions

    return policy


@kernel(
    void(
        kernel_type(Policy),
        float32[:, ::1],
        float32[::1],
        float32[::1],
        float32[::1],
        float64[:, ::1],
    )
)
def decide_all(network, seen, hidden_1, hidden_2, result, actions):
    """Fill float64[agents, actions] with the network's means, cut to -1 to 1; `seen` is used up."""
    for agent in range(len(seen)):
        decide(network, seen[agent], hidden_1, hidden_2, result)
        for number in range(len(result)):
            actions[agent, number] = min(max(result[number], -1.0), 1.0)
