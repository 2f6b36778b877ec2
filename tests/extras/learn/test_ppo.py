"""The learner solves what is known to be solvable."""

import numpy as np
import pytest
from small_tasks import Bandit, PrisonersDilemma, Target

from city_node.machine import spread_over
from engine.learning.ppo import Rollout, Settings, advantages, learn, new_learners
from engine.policy import likeliest, outputs
from tools.pole import balanced

QUICK = Settings(steps_per_update=16, epochs=4, learning_rate=3e-3, hidden=(32, 32))


def trained(environment, settings, *, steps, seed=1):
    learners = new_learners(environment.spaces, settings, seed=seed)
    for update in learn(environment, settings, learners, seed=seed, steps=steps):
        last = update
    return last


def test_finds_the_best_arm():
    last = trained(Bandit([0.2, 0.4, 0.8, 0.6]), QUICK, steps=640)
    policy = last.learners["player"].policy
    assert likeliest(policy, outputs(policy, np.ones((1, 1), np.float32))).choices[0, 0] == 2
    assert last.measures["player"]["reward"] > 0.75


def test_finds_the_function():
    last = trained(Target(), QUICK, steps=1600)
    policy = last.learners["player"].policy
    seen = np.random.default_rng(5).normal(3.0, 2.0, (500, 2)).astype(np.float32)
    missed = likeliest(policy, outputs(policy, seen)).residuals[:, 0] - 0.5 * (seen[:, 0] - 3.0)
    assert np.sqrt((missed**2).mean()) < 0.15  # wanted has a standard deviation of 1


def test_two_kinds_find_the_equilibrium_of_a_matrix_game():
    last = trained(PrisonersDilemma(), QUICK, steps=640)
    for kind in ("row", "column"):
        policy = last.learners[kind].policy
        assert likeliest(policy, outputs(policy, np.ones((1, 1), np.float32))).choices[0, 0] == 1
        assert last.measures[kind]["reward"] == pytest.approx(1.0, abs=0.1)


def test_balances_a_pole_within_a_hundred_thousand_steps():
    assert balanced(1) > 475  # of 500; python -m tools.pole tries more seeds


def rewards(seed):
    environment = Bandit([0.2, 0.8])
    learners = new_learners(environment.spaces, QUICK, seed=seed)
    updates = learn(environment, QUICK, learners, seed=seed, steps=64)
    return [update.measures["player"]["reward"] for update in updates]


def test_one_seed_one_history():
    assert rewards(3) == rewards(3) != rewards(4)


def test_threads_do_not_change_what_is_learned():
    settings = Settings(steps_per_update=64, epochs=2, minibatches=1, hidden=(32, 32))
    found = []
    for threads in (1, 2, 3):
        with spread_over(threads) as spread:
            learners = new_learners(Target(agents=80).spaces, settings, seed=1)
            course = learn(Target(agents=80), settings, learners, seed=1, steps=128, spread=spread)
            measures = [update.measures for update in course]
        found.append((measures, learners["player"].network.vector.tolist()))
    assert found[0] == found[1] == found[2]


def test_advantages_against_the_sum_they_are():
    random = np.random.default_rng(0)
    steps, agents = 12, 5
    value, beyond, reward = random.normal(size=(3, steps, agents)).astype(np.float32)
    terminated = random.random((steps, agents)) < 0.15
    ended = terminated | (random.random((steps, agents)) < 0.15)
    none = np.zeros((steps, agents, 0))
    valid = np.ones_like(ended)
    rollout = Rollout(none, none, none, none, value, reward, terminated, ended, beyond, valid)
    settings = Settings(discount=0.9, trace=0.8)
    found = advantages(rollout, settings)
    for agent in range(agents):
        for step in range(steps):
            total, weight = 0.0, 1.0
            for later in range(step, steps):
                worth = 0.0 if terminated[later, agent] else beyond[later, agent]
                total += weight * (reward[later, agent] + 0.9 * worth - value[later, agent])
                weight *= 0.9 * 0.8
                if ended[later, agent]:
                    break
            assert found[step, agent] == pytest.approx(total, abs=1e-5)
