"""Whether the learner is lucky: CartPole by many seeds.

    python -m tools.pole --seeds 12

Prints how long the pole stays up, of 500 steps, in a hundred new episodes after each seed's 100,000
steps of training: a quarter of a minute of a core a seed. The test of the learner runs one seed.
"""

from collections.abc import Mapping
from typing import Annotated

import gymnasium
import numpy as np
import typer

from engine.learning.environment import Outcome
from engine.learning.ppo import Settings, learn, new_learners
from engine.policy import Actions, Policy, Spaces, outputs
from engine.tables import Array

POLES = 8
STEPS = 100_000
"""Of all poles together, in which the task is to be solved."""

SETTINGS = Settings(
    entropy=0.0, minibatches=4, hidden=(64, 64), learning_rate=1e-3, steps_per_update=128
)
"""Batches of a thousand steps and a horizon of a hundred: with a quarter of either some seeds learn
to balance but not to stay in the middle, and leave the track after some hundreds."""

REWARD = 1.0 - SETTINGS.discount
"""Of a step: to balance for ever is worth one. Where values are some fifty, as with Gymnasium's
reward of one, the critic's gradient leaves the actor's no room until the critic has learned them,
for the two are cut together."""


class CartPole:
    """Gymnasium's, many at once."""

    def __init__(self, agents: int = POLES) -> None:
        self.spaces: Mapping[str, Spaces] = {"pole": Spaces(4, (2,))}
        kind = gymnasium.vector.AutoresetMode.SAME_STEP
        self.poles = gymnasium.make_vec(
            "CartPole-v1", agents, "sync", vector_kwargs={"autoreset_mode": kind}
        )

    def reset(self, seed: int) -> dict[str, Array]:
        """Begin anew."""
        return {"pole": self.poles.reset(seed=seed)[0].astype(np.float32)}

    def step(self, actions: Mapping[str, Actions]) -> dict[str, Outcome]:
        """Push every cart."""
        pushes = actions["pole"].choices[:, 0]
        seen, reward, terminated, truncated, info = self.poles.step(pushes)
        last = seen.copy()
        for agent in np.flatnonzero(terminated | truncated):
            last[agent] = info["final_obs"][agent]
        rewards = (REWARD * reward).astype(np.float32)
        return {"pole": Outcome(seen, rewards, terminated, truncated, last)}


def balanced(seed: int, settings: Settings = SETTINGS) -> float:
    """Mean length of a hundred episodes of who was trained, who pushes as seems best; 500 at most,
    at random some 22."""
    environment = CartPole()
    learners = new_learners(environment.spaces, settings, seed=seed)
    for _ in learn(environment, settings, learners, seed=seed, steps=STEPS // POLES):
        pass
    return float(lengths_of(learners["pole"].policy, seed + 1_000_000).mean())


def lengths_of(policy: Policy, seed: int, episodes: int = 100) -> Array:
    """int64[episodes]: how many steps each lasted."""
    poles = CartPole(episodes)
    seen, still = poles.reset(seed)["pole"], np.ones(episodes, bool)
    lengths = np.zeros(episodes, np.int64)
    while still.any():
        lengths += still
        pushes = outputs(policy, seen).argmax(axis=1)[:, None]
        outcome = poles.step({"pole": Actions(pushes, np.zeros((episodes, 0), np.float32))})["pole"]
        still &= ~(outcome.terminated | outcome.truncated)
        seen = outcome.observations
    return lengths


def main(
    seeds: Annotated[int, typer.Option(help="How many.")] = 12,
    first_seed: Annotated[int, typer.Option(help="Of the first.")] = 1,
) -> None:
    """Train by each seed."""
    found = []
    for seed in range(first_seed, first_seed + seeds):
        found.append(balanced(seed))
        print(f"seed {seed}: {found[-1]:.0f} of 500", flush=True)
    solved = sum(length > 475 for length in found)  # Gymnasium's own threshold
    print(f"{solved} of {seeds} seeds above 475; worst {min(found):.0f}, mean {np.mean(found):.0f}")


if __name__ == "__main__":
    typer.run(main)
