"""Merchants who are told what to choose from outside live in the same economy."""

from dataclasses import replace
from math import log

import numpy as np
import pytest
from test_policy import made_up

from city_node.cities.advance import advance
from city_node.cities.report import state_hash
from city_node.errors import ConfigError
from city_node.laboratory.merchant_lessons import HORIZON_TICKS, KIND, copied, worth
from city_node.laboratory.merchant_steps import MerchantSteps
from city_node.laboratory.train import lesson_config
from city_node.settings.wishes import Wishes
from engine.policy import Actions
from merchants.mind import SPACES, is_driven, minds_of

HEARD = 6
"""Number of what he has just heard among what a merchant sees: known at his act only."""


def steps(seed=5, **options):
    wishes = Wishes(cities=("Elm", "Oak", "Ash"), seed=seed, locals=15, merchants=12)
    return MerchantSteps(lesson_config(wishes), settling_ticks=500, **options)


def sober(environment):
    agents = len(environment.ids) * len(environment.lessons.lessons)
    return {KIND: Actions(np.zeros((agents, 5), np.int64), np.zeros((agents, 0), np.float32))}


def hashes(world):
    return [state_hash(world, city) for city in world.cities]


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_told_what_the_network_would_choose_they_make_the_same_history(share):
    environment = steps(share=share, step_ticks=1)
    seen = environment.reset(3)[KIND]
    free = copied(environment.lessons.lessons[0].world)
    for city in free.cities:
        city.town.minds = minds_of(made_up(SPACES), logged=2_000)
    first, ticks = free.tick, 400
    advance(free, ticks)
    rows = {tuple(who): row for row, who in enumerate(environment.ids.tolist())}
    acts = {}
    for log_ in (city.town.minds.log for city in free.cities):
        for act in range(log_.size[0]):
            row = rows[int(log_.birthplace[act]), int(log_.number[act])]
            acts.setdefault(int(log_.tick[act]), []).append(
                (row, log_.choices[act], log_.seen[act])
            )
    alike = []
    for tick in range(first, first + ticks):
        actions = sober(environment)
        for row, choices, saw in acts.get(tick, []):
            actions[KIND].choices[row] = choices
            alike.append((np.delete(saw - seen[row], HEARD) == 0.0).all())
        seen = environment.step(actions)[KIND].observations
    assert hashes(environment.lessons.lessons[0].world) == hashes(free)
    assert len(alike) > 300
    assert np.mean(alike) > 0.9  # others act before him in a tick, and may buy at his stall


def test_who_does_not_learn_is_told_nothing():
    environment = steps(share=0.4)
    environment.reset(1)
    assert 0 < len(environment.ids) < 36
    assert all(is_driven(place, number, 0.4) for place, number in environment.ids)
    assert environment.step(sober(environment))[KIND].rewards.shape == (len(environment.ids),)
    told = environment.given[0][..., 0] >= 0
    assert told.sum() == len(environment.ids)


def test_a_reward_is_the_growth_of_the_logarithm_of_wealth():
    environment = steps(step_ticks=200)
    environment.reset(1)
    world = environment.lessons.lessons[0].world
    prices = worth(world)

    def wealth():
        found = {}
        for roster in [world.walking, *(city.town.roster for city in world.cities)]:
            for row in range(roster.size[0]):
                who = int(roster.rows.birthplace[row]), int(roster.rows.number[row])
                goods = roster.rows.owned[row] * prices[roster.rows.good[row]]
                found[who] = roster.rows.money_minor[row] / 1e8 + goods + 1.0
        return [found[tuple(who)] for who in environment.ids.tolist()]

    before = wealth()
    rewards = environment.step(sober(environment))[KIND].rewards
    expected = [100.0 * log(now / then) for now, then in zip(wealth(), before, strict=True)]
    assert rewards == pytest.approx(expected, abs=1e-5)
    assert np.abs(rewards).max() > 0.1


def test_equal_seeds_give_equal_courses_in_any_number_of_threads():
    def course(seed, threads):
        environment = steps(worlds=2, threads=threads)
        seen = [environment.reset(seed)[KIND]]
        seen += [environment.step(sober(environment))[KIND].observations for _ in range(20)]
        return np.array(seen)

    assert (course(4, 1) == course(4, 2)).all()
    assert (course(4, 1) != course(5, 1)).any()


def test_episodes_are_cut_off_and_begin_again():
    environment = steps(worlds=2, step_ticks=1_000)
    first = environment.reset(1)[KIND]
    ends = []
    for _ in range(HORIZON_TICKS // 1_000):
        outcome = environment.step(sober(environment))[KIND]
        ends.append(outcome.truncated.reshape(2, -1).all(axis=1).tolist())
        assert not outcome.terminated.any()
        if ends[-1][0]:
            assert (outcome.observations[:36] == first[:36]).all()  # settled as it was
            assert (outcome.last_observations[:36] != first[:36]).any()
    assert [row for row, each in enumerate(ends) if each[0]] == [9]
    assert [row for row, each in enumerate(ends) if each[1]] == [4]


def test_what_cannot_be_is_refused_in_a_line():
    with pytest.raises(ConfigError, match="step_ticks = 0: must be from 1 to 1000"):
        steps(step_ticks=0)
    config = lesson_config(Wishes(cities=("Elm", "Oak"), seed=1, locals=9, merchants=4))
    cities = tuple(replace(city, evolution=True) for city in config.cities)
    with pytest.raises(ConfigError, match="evolution = true: must be false"):
        MerchantSteps(replace(config, cities=cities))
