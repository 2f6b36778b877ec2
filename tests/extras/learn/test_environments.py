"""PettingZoo's and Gymnasium's own tests of our environments; that the wrappers hand on arrays."""

import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.wrappers.vector import RecordEpisodeStatistics
from small_tasks import Bandit, PrisonersDilemma, Target, one_act

from city_node.environments import Parallel, Vector, actions_of, done_in, macro, merchants
from engine.policy import Actions, Spaces

with warnings.catch_warnings():  # its tests import a game by a name that it has deprecated
    warnings.simplefilter("ignore", DeprecationWarning)
    from pettingzoo.test import parallel_api_test, parallel_seed_test


def few(worlds=1, **options):
    """Two small cities of merchants."""
    return merchants(
        seed=1,
        worlds=worlds,
        cities=("Elm", "Oak"),
        locals=15,
        merchants=10,
        **{"settling_ticks": 500, **options},
    )


def small(**options):
    """A macro city that is founded at once."""
    return macro(households=100, settling_months=6, horizon_months=24, **options)


class Both:
    """Agents with a choice and two residuals, who are paid for neither; one fails now and then."""

    spaces = {"one": Spaces(1, (2,)), "other": Spaces(1, (3, 2), 2)}  # noqa: RUF012

    def reset(self, seed):
        self.random = np.random.default_rng(seed)
        self.told = []
        return {"one": np.ones((2, 1), np.float32), "other": np.zeros((3, 1), np.float32)}

    def step(self, actions):
        self.told.append(actions)
        outcomes = {}
        for kind, agents in (("one", 2), ("other", 3)):
            failed = self.random.random(agents) < 0.05
            outcome = one_act(self.random.random(agents).astype(np.float32))
            outcomes[kind] = outcome._replace(terminated=failed)
        return outcomes


MAKERS = {
    "merchants": few,
    "macro": lambda: small(kinds=("firm", "bank", "central_bank")),
    "bandit": lambda: Bandit([0.2, 0.4], agents=3),
    "target": lambda: Target(agents=3),
    "two kinds": lambda: PrisonersDilemma(pairs=2),
    "agents who leave": Both,
}


@pytest.mark.parametrize("made", MAKERS.values(), ids=MAKERS)
def test_pettingzoos_own_tests(made):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parallel_api_test(Parallel(made()), num_cycles=1_100)
        parallel_seed_test(lambda: Parallel(made()), num_cycles=20)


class First(gymnasium.Env):
    """The first row of a Vector as an environment, as Gymnasium's checker wants one."""

    def __init__(self, vector):
        self.vector = vector
        self.observation_space = vector.single_observation_space
        self.action_space = vector.single_action_space

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        seen, _ = self.vector.reset(seed=seed, options=options)
        return seen[0], {}

    def step(self, action):
        actions = np.repeat(np.asarray(action)[None], self.vector.num_envs, axis=0)
        seen, reward, terminated, truncated, _ = self.vector.step(actions)
        return seen[0], float(reward[0]), bool(terminated[0]), bool(truncated[0]), {}


MAKERS_OF_ONE = {**MAKERS, "firms": lambda: small(kinds=["firm"], cities=2)}


@pytest.mark.parametrize("name", ["merchants", "firms", "bandit", "target"])
@pytest.mark.filterwarnings("ignore:.*render", "ignore:.*Box observation space m")
def test_gymnasiums_own_checker(name):
    check_env(First(Vector(MAKERS_OF_ONE[name]())), skip_render_check=True)


def test_gymnasiums_own_wrappers_take_it():
    counted = RecordEpisodeStatistics(Vector(few(step_ticks=1_000)))
    counted.reset(seed=2)
    counted.action_space.seed(3)
    for _ in range(9):
        assert counted.step(counted.action_space.sample())[4] == {}
    *_, truncated, infos = counted.step(counted.action_space.sample())
    assert truncated.all()
    assert (infos["episode"]["l"] == 10).all()


def test_a_vector_is_the_arrays():
    vector, plain = Vector(few(worlds=2)), few(worlds=2)
    assert vector.num_envs == 40
    first, infos = vector.reset(seed=7)
    assert infos == {}
    seed = int(np.random.default_rng(7).integers(2**62))
    assert (first == plain.reset(seed)["merchant"]).all()
    vector.action_space.seed(1)
    for step in range(510):
        actions = vector.action_space.sample()
        seen, reward, terminated, truncated, infos = vector.step(actions)
        told = {"merchant": Actions(actions, np.zeros((40, 0), np.float32))}
        outcome = plain.step(told)["merchant"]
        assert (seen == outcome.observations).all()
        assert (reward == outcome.rewards).all()
        assert not terminated.any()
        assert (truncated == outcome.truncated).all()
        assert truncated.tolist() == [False] * 20 + [step == 499] * 20
        if truncated.any():
            assert (infos["final_obs"] == outcome.last_observations).all()
            assert (infos["_final_obs"] == truncated).all()


def test_kinds_of_macro_agents_are_known():
    with pytest.raises(ValueError, match="kinds = 'baker': must be some of firm, household"):
        macro(kinds=["baker"])


def test_a_vector_is_of_one_kind():
    with pytest.raises(ValueError, match="kinds = row, column: must be one"):
        Vector(PrisonersDilemma())


def test_what_agents_do_reaches_the_row_of_their_kind_and_the_gone_are_sober():
    world = Both()
    parallel = Parallel(world)
    assert parallel.possible_agents == ["one_0", "one_1", "other_0", "other_1", "other_2"]
    parallel.reset(seed=1)
    parallel.agents.remove("other_1")
    residuals = np.array([0.5, -0.25], np.float32)
    told = {
        "one_0": [1],
        "one_1": [0],
        "other_0": ([2, 1], residuals),
        "other_2": ([1, 0], residuals),
    }
    parallel.step(told)
    assert world.told[0]["one"].choices.tolist() == [[1], [0]]
    assert world.told[0]["other"].choices.tolist() == [[2, 1], [0, 0], [1, 0]]
    assert world.told[0]["other"].residuals.tolist() == [[0.5, -0.25], [0, 0], [0.5, -0.25]]


def test_spaces_are_what_agents_see_and_do():
    assert done_in(Spaces(1, (2, 3))) == gymnasium.spaces.MultiDiscrete((2, 3))
    assert done_in(Spaces(1, (), 2)) == gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float32)
    both = Spaces(1, (2,), 1)
    done = done_in(both)
    done.seed(0)
    sample = done.sample()
    assert actions_of(both, [sample]).residuals[0] == sample[1]
