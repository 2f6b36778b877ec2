"""Worlds that learn, for other people's libraries: PettingZoo's and Gymnasium's interfaces.

    from city_node.environments import Parallel, Vector, merchants

    env = Parallel(merchants(seed=1))                   # every merchant an agent of one world
    env = Vector(merchants(worlds=16, seed=1))          # every merchant a sub-environment
    env = Vector(macro(cities=16, kinds=["firm"]))      # every firm one

Both are thin: a step is one step of an `engine.learning.environment.Environment`, whose arrays are
handed on. Needs the extra `learn`. docs/learning.md says what agents see, choose and get.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from pettingzoo import ParallelEnv

from city_node.kernel_cache import prepare

prepare()  # before anything imports numba

from engine.learning.environment import Environment, Outcome  # noqa: E402
from engine.policy import Actions, Spaces  # noqa: E402
from engine.tables import Array  # noqa: E402

SEED_MAX = 2**62
"""The seeds of episodes lie below."""

RESIDUAL_MAX = 1.0
"""Of what agents set in real numbers: worlds cut there."""


def merchants(
    *,
    seed: int,
    worlds: int = 1,
    cities: tuple[str, ...] = (),
    locals: int | None = None,
    merchants: int | None = None,
    config: Path | None = None,
    **options: Any,
) -> Environment:
    """Merchants of city worlds as those of `city-node train merchants`.

    Args:
        seed: founds the worlds.
        worlds: how many, side by side.
        cities: their names; none: four.
        locals, merchants: of each city; None: 100 and 24.
        config: a file of settings for each world; evolution must be off in it.
        options: those of `city_node.laboratory.merchant_steps.MerchantSteps`.

    Raises:
        ConfigError: what is wrong, in one line.
    """
    from city_node.laboratory.merchant_steps import MerchantSteps
    from city_node.laboratory.train import lesson_config
    from city_node.settings.wishes import Wishes

    wishes = Wishes(cities=cities, config=config, seed=seed, locals=locals, merchants=merchants)
    return MerchantSteps(lesson_config(wishes), worlds, **options)


def macro(
    *,
    kinds: Sequence[str],
    cities: int = 1,
    households: int = 500,
    **options: Any,
) -> Environment:
    """Agents of macro cities, as those of `city-node train macro`.

    Args:
        kinds: who acts, of firm, household, bank and central_bank; the others live by the rule.
        cities: how many, side by side.
        households: of each.
        options: those of `engine.macro.environment.MacroCities`.

    Raises:
        ValueError: there is no such kind.
    """
    from engine.macro.environment import KINDS, MacroCities

    for kind in kinds:
        if kind not in KINDS:
            raise ValueError(f"kinds = {kind!r}: must be some of {', '.join(KINDS)}")
    return MacroCities(cities, households, kinds=kinds, **options)


class Parallel(ParallelEnv[str, Array, Any]):
    """PettingZoo's interface: an agent a row, named "KIND_ROW".

    An agent leaves when his episode ends, and is not heard of until `reset`; in the world his row
    goes on and does what the rule would do.
    """

    metadata = {"name": "city_node", "render_modes": []}  # noqa: RUF012

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.render_mode = None
        self._random = np.random.default_rng()
        self._names = {
            kind: [f"{kind}_{row}" for row in range(len(seen))]
            for kind, seen in environment.reset(0).items()
        }
        self.possible_agents = [name for names in self._names.values() for name in names]
        self.agents: list[str] = []
        self.observation_spaces, self.action_spaces = {}, {}
        for kind, names in self._names.items():
            for name in names:
                self.observation_spaces[name] = seen_in(environment.spaces[kind])
                self.action_spaces[name] = done_in(environment.spaces[kind])

    def observation_space(self, agent: str) -> gymnasium.Space[Any]:
        """A Box of what he sees."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> gymnasium.Space[Any]:
        """See `done_in`."""
        return self.action_spaces[agent]

    def reset(
        self,
        seed: int | None = None,
        options: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> tuple[dict[str, Array], dict[str, dict[str, Any]]]:
        """All agents' first observations; without a seed, the next that follows from the last."""
        if seed is not None:
            self._random = np.random.default_rng(seed)
        began = self.environment.reset(int(self._random.integers(SEED_MAX)))
        self.agents = list(self.possible_agents)
        return self._by_name(began), {name: {} for name in self.agents}

    def step(self, actions: dict[str, Any]) -> tuple[dict[str, Any], ...]:
        """Whoever is still there acts once."""
        told = {
            kind: actions_of(
                self.environment.spaces[kind],
                [actions[name] if name in self.agents else None for name in names],
            )
            for kind, names in self._names.items()
        }
        outcomes = self.environment.step(told)
        seen = {
            kind: np.where(ended(of)[:, None], of.last_observations, of.observations)
            for kind, of in outcomes.items()
        }
        found: tuple[dict[str, Any], ...] = (
            self._by_name(seen),
            self._by_name({kind: of.rewards.tolist() for kind, of in outcomes.items()}),
            self._by_name({kind: of.terminated.tolist() for kind, of in outcomes.items()}),
            self._by_name({kind: of.truncated.tolist() for kind, of in outcomes.items()}),
            {name: {} for name in self.agents},
        )
        _, _, terminated, truncated, _ = found
        self.agents = [x for x in self.agents if not terminated[x] and not truncated[x]]
        return found

    def _by_name(self, of_kinds: Mapping[str, Any]) -> dict[str, Any]:
        """Of all that each kind's rows have, what those have who are still there."""
        here = set(self.agents)
        return {
            name: value
            for kind, values in of_kinds.items()
            for name, value in zip(self._names[kind], values, strict=True)
            if name in here
        }


class Vector(VectorEnv[Array, Any, Array]):
    """Gymnasium's interface to the one kind of agents of a world: a sub-environment a row.

    An episode that ends is followed by another in the same step: `infos["final_obs"]` is then what
    was seen last, in the rows that `infos["_final_obs"]` tells.

    Raises:
        ValueError: agents of several kinds act.
    """

    metadata = {"autoreset_mode": AutoresetMode.SAME_STEP, "render_modes": []}  # noqa: RUF012

    def __init__(self, environment: Environment) -> None:
        if len(environment.spaces) != 1:
            raise ValueError(f"kinds = {', '.join(environment.spaces)}: must be one")
        self.environment = environment
        ((self.kind, space),) = environment.spaces.items()
        self._random = np.random.default_rng()
        self.num_envs = len(environment.reset(0)[self.kind])
        self.single_observation_space = seen_in(space)
        self.single_action_space = done_in(space)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)

    def reset(
        self,
        *,
        seed: int | None = None,
        options: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> tuple[Array, dict[str, Any]]:
        """All rows' first observations; without a seed, the next that follows from the last."""
        if seed is not None:
            self._random = np.random.default_rng(seed)
        began = self.environment.reset(int(self._random.integers(SEED_MAX)))
        return began[self.kind], {}

    def step(self, actions: Any) -> tuple[Array, Array, Array, Array, dict[str, Any]]:
        """Every row acts once."""
        space = self.environment.spaces[self.kind]
        outcome = self.environment.step({self.kind: batch_of(space, actions)})[self.kind]
        infos: dict[str, Any] = {}
        if ended(outcome).any():
            infos = {"final_obs": outcome.last_observations, "_final_obs": ended(outcome)}
        return (
            outcome.observations,
            outcome.rewards,
            outcome.terminated,
            outcome.truncated,
            infos,
        )


def ended(outcome: Outcome) -> Array:
    """bool[agents]: whose episode is over."""
    return outcome.terminated | outcome.truncated


def seen_in(space: Spaces) -> spaces.Box:
    """What one agent sees, float32[observations]."""
    return spaces.Box(-np.inf, np.inf, (space.observations,), np.float32)


def done_in(space: Spaces) -> gymnasium.Space[Any]:
    """What one agent does: a MultiDiscrete of choices, a Box of residuals, or a Tuple of both."""
    choices = spaces.MultiDiscrete(list(space.choices)) if space.choices else None
    residuals = spaces.Box(-RESIDUAL_MAX, RESIDUAL_MAX, (space.residuals,), np.float32)
    if choices is None:
        return residuals
    return spaces.Tuple((choices, residuals)) if space.residuals else choices


def batch_of(space: Spaces, actions: Any) -> Actions:
    """The arrays of all agents' actions, as `done_in` has them, batched as Gymnasium does."""
    choices, residuals = actions, actions
    if space.choices and space.residuals:
        choices, residuals = actions
    rows = len(residuals)
    return Actions(
        np.asarray(choices, np.int64) if space.choices else np.zeros((rows, 0), np.int64),
        np.asarray(residuals, np.float32) if space.residuals else np.zeros((rows, 0), np.float32),
    )


def actions_of(space: Spaces, actions: list[Any]) -> Actions:
    """The same of agents one by one; None is the first option of all choices, residuals of 0."""
    told = Actions(
        np.zeros((len(actions), len(space.choices)), np.int64),
        np.zeros((len(actions), space.residuals), np.float32),
    )
    for row, action in enumerate(actions):
        if action is None:
            continue
        choices, residuals = action if space.choices and space.residuals else (action, action)
        if space.choices:
            told.choices[row] = choices
        if space.residuals:
            told.residuals[row] = residuals
    return told
