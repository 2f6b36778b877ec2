"""Merchants whom a network drives: what they see and choose, and that all laws hold for them."""

from dataclasses import replace
from math import nan

import numpy as np
import pytest
import worlds
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import int64
from test_policy import made_up

from city_node.cities.advance import advance
from city_node.cities.report import state_hash
from city_node.cities.world import found_world
from city_node.durability.folder import founded as founded_with
from city_node.durability.folder import founding, resumed
from city_node.errors import ConfigError
from city_node.laboratory import networks
from city_node.laboratory.merchant_lessons import record_of, worth
from city_node.settings.config import resolve
from city_node.settings.wishes import Wishes
from engine.kernels import kernel
from engine.policy import likeliest, outputs
from engine.tables import allocate, kernel_type
from merchants import report
from merchants.mind import CARRY, DEALS, FETCH, SPACES, STAY, Deals, minds_of, weigh
from merchants.params import Parameters
from merchants.roster import Merchants, empty
from merchants.town import Roads, roads_to

BOLD = made_up(SPACES, (16, 16))
BOLD = BOLD._replace(weights_3=BOLD.weights_3 * np.float32(300.0))
"""So sure of himself that chance decides nothing."""


def town(policy="learned", share=1.0, *, markets=False, evolution=True, **changes):
    """A configuration of three cities, 15 residents and 12 merchants each."""
    wishes = Wishes(cities=worlds.NAMES[:3], seed=5, locals=15, merchants=12)
    rules = Parameters(policy=policy, learned_share=share, founding_money=1100.0, **changes)
    config = resolve(wishes)
    cities = []
    for city in config.cities:
        goods = dict(city.goods)
        if markets:
            goods["wood"] = replace(goods["wood"], market="call")
            goods["chair"] = replace(goods["chair"], market="book")
        cities.append(replace(city, goods=goods, merchant_rules=rules, evolution=evolution))
    return replace(config, cities=tuple(cities))


def founded(config, policy=BOLD, logged=0):
    world = found_world(config)
    for city in world.cities:
        if config.cities[city.here].merchant_rules.policy == "learned":
            city.town.minds = minds_of(policy, logged=logged)
    return world


def hashes(world):
    return [state_hash(world, city) for city in world.cities]


@pytest.mark.parametrize("markets", [False, True])
def test_where_the_network_drives_nobody_all_is_as_without_it(markets):
    with_it, without = (
        founded(town(policy, share=0.0, markets=markets)) for policy in ("learned", "evolved")
    )
    for world in (with_it, without):
        advance(world, 2_000)
    assert hashes(with_it) == hashes(without)


@pytest.mark.parametrize("markets", [False, True])
def test_time_may_be_cut_anywhere(markets):
    """And money is conserved: `advance` asserts it, in windows with foundings and journeys."""
    config = town(share=0.7, markets=markets)
    whole, cut = founded(config, made_up(SPACES)), founded(config, made_up(SPACES))
    advance(whole, 1_500)
    for ticks in (1, 7, 592, 900):
        advance(cut, ticks)
    assert hashes(whole) == hashes(cut)
    assert sum(city.departures.total() for city in whole.cities) > 20
    idle = founded(town("evolved", markets=markets))
    advance(idle, 1_500)
    assert hashes(idle) != hashes(whole)


def test_the_kernel_chooses_what_numpy_would():
    world = founded(town(evolution=False), logged=4_000)
    advance(world, 1_000)
    logs = [city.town.minds.log for city in world.cities]
    seen = np.concatenate([log.seen[: log.size[0]] for log in logs])
    choices = np.concatenate([log.choices[: log.size[0]] for log in logs])
    assert len(seen) > 1_000
    found = outputs(BOLD, seen)
    first = 0
    for number, options in enumerate(SPACES.choices):
        logits = np.sort(found[:, first : first + options], axis=1)
        sure = logits[:, -1] - logits[:, -2] > 30.0
        assert sure.sum() > 300
        expected = likeliest(BOLD, found).choices[sure, number]
        assert (choices[sure, number] == expected).all()
        first += options


def test_a_share_is_driven_and_always_the_same():
    world = founded(town(share=0.5, evolution=False), logged=4_000)
    advance(world, 400)
    once = {
        (int(log.birthplace[row]), int(log.number[row]))
        for log in (city.town.minds.log for city in world.cities)
        for row in range(log.size[0])
    }
    assert 9 <= len(once) <= 27  # of 36
    for city in world.cities:
        city.town.minds.log.size[0] = 0
    advance(world, 400)
    again = {
        (int(log.birthplace[row]), int(log.number[row]))
        for log in (city.town.minds.log for city in world.cities)
        for row in range(log.size[0])
    }
    assert again <= once


def test_records_pair_each_decision_with_the_growth_up_to_the_next():
    world = founded(town(evolution=False), made_up(SPACES), logged=4_000)
    prices = worth(world)
    advance(world, 300)
    logs = [city.town.minds.log for city in world.cities]
    record = record_of(logs, prices)
    assert record.decisions.sum() == sum(int(log.size[0]) for log in logs)
    assert record.rewards.shape == (record.decisions.max(), len(record.decisions))
    acts = sorted(
        (int(log.birthplace[r]), int(log.number[r]), int(log.tick[r]), log, r)
        for log in logs
        for r in range(log.size[0])
    )
    of_first = [(log, r) for place, number, _, log, r in acts if (place, number) == acts[0][:2]]
    wealth = [
        float(log.money_minor[r]) / 1e8 + log.owned[r] * prices[log.good[r]] + 1.0
        for log, r in of_first
    ]
    grown = 100.0 * np.diff(np.log(wealth))
    count = record.decisions[0]
    assert count == len(wealth)
    assert record.rewards[: count - 1, 0] == pytest.approx(grown, abs=1e-4)
    assert record.rewards[count - 1 :, 0].tolist() == [0.0] * (len(record.rewards) - count + 1)
    for row, (log, r) in enumerate(of_first):
        assert (record.seen[row, 0] == log.seen[r]).all()
        assert (record.actions.choices[row, 0] == log.choices[r]).all()


def test_under_the_rule_genes_mean_nothing():
    config = town("rule", evolution=False)
    rows = tuple(map(tuple, np.random.default_rng(1).random((12, 10))))
    cities = [replace(city, genomes=rows) for city in config.cities]
    gifted, plain = found_world(replace(config, cities=tuple(cities))), found_world(config)
    for world in (gifted, plain):
        advance(world, 1_500)
    for city in gifted.cities:
        city.town.roster.rows.genome[:] = 0.5
    gifted.walking.rows.genome[:] = 0.5
    assert hashes(gifted) == hashes(plain)


# The deals he weighs.


@kernel(int64(kernel_type(Merchants), int64, int64, kernel_type(Roads), kernel_type(Deals)))
def weighed(rows, merchant, here, roads, deals):
    return weigh(rows, merchant, here, roads, deals)


prices = st.one_of(st.just(nan), st.floats(0.5, 50.0))


@settings(max_examples=150)
@given(
    beliefs=st.lists(st.lists(prices, min_size=4, max_size=4), min_size=3, max_size=3),
    costs=st.lists(st.floats(0.0, 9.0), min_size=3, max_size=3),
    is_open=st.lists(st.booleans(), min_size=3, max_size=3),
    owned=st.sampled_from([0, 0, 3, 20]),
    coins=st.integers(0, 2_000),
)
def test_the_best_deals_are_weighed(beliefs, costs, is_open, owned, coins):
    roster = empty(3, 4, 1)
    rows = roster.rows
    rows.expected_price[0] = beliefs
    rows.good[0], rows.owned[0], rows.capacity[0] = 1, owned, 20
    rows.money_minor[0] = coins * 10**8
    roads = roads_to([(place, cost, 9) for place, cost in enumerate(costs, 1)], 3)
    roads.open[:] = is_open
    all_of_them = [(0.0, STAY, 1, -1)]
    for good, (here, *elsewhere) in enumerate(beliefs):
        for road, there in enumerate(elsewhere):
            if np.isnan(here) or np.isnan(there) or not is_open[road] or (owned and good != 1):
                continue
            if owned:
                all_of_them.append(((there - here - costs[road]) * 20, CARRY, good, road))
                continue
            load = min(20.0, coins / here), min(20.0, coins / there)
            all_of_them.append(((there - here - costs[road]) * load[0], CARRY, good, road))
            all_of_them.append(((here - there - costs[road]) * load[1], FETCH, good, road))
    expected = sorted(all_of_them, key=lambda deal: -deal[0])[:DEALS]
    deals = allocate(Deals, deals=DEALS)
    known = weighed(rows, 0, 0, roads, deals)
    assert known == len(expected)
    assert deals.gain[:known] == pytest.approx([deal[0] for deal in expected])
    found = list(zip(*(column[:known].tolist() for column in deals[1:]), strict=True))
    if len({round(deal[0], 6) for deal in all_of_them}) == len(all_of_them):  # no ties
        assert found == [deal[1:] for deal in expected]


# Files and settings.


def write_settings(tmp_path, text):
    path = tmp_path / "settings.toml"
    path.write_text(f"[cities.Elm]\nlocals = 3\n[merchants]\n{text}\n")
    return Wishes(config=path, seed=1)


def test_a_network_is_read_as_it_was_written(tmp_path):
    networks.write(tmp_path / "mine.npz", BOLD, {"steps": 7})
    config = resolve(write_settings(tmp_path, 'policy = "learned"\nnetwork = "mine.npz"'))
    world = found_world(config)
    policy = world.cities[0].town.minds.policy
    assert all((a == b).all() for a, b in zip(policy, BOLD, strict=True))
    assert networks.about(config.cities[0].network) == {"steps": 7}


def test_the_package_has_one_that_fits():
    config = town()
    data = networks.data_of("network", None)
    assert networks.about(data)["steps"] > 0
    world = found_world(
        replace(config, cities=tuple(replace(city, network=data) for city in config.cities))
    )
    advance(world, 500)


def test_a_world_keeps_its_network(tmp_path):
    networks.write(tmp_path / "mine.npz", BOLD, {})
    wishes = write_settings(tmp_path, 'policy = "learned"\nnetwork = "mine.npz"')
    config = resolve(wishes)
    stored = founding(config)
    assert founded_with(stored).cities == config.cities
    assert resumed(config, wishes, stored, tmp_path).cities == config.cities
    networks.write(tmp_path / "mine.npz", made_up(SPACES), {})
    with pytest.raises(ConfigError, match=r"cities\.Elm\.network = ") as caught:
        resumed(resolve(wishes), wishes, stored, tmp_path)
    assert len(str(caught.value)) < 800


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('policy = "wise"', "merchants.policy = 'wise'"),
        ("learned_share = 1.5", "learned_share = 1.5: must be from 0 to 1"),
        ('network = "mine.npz"', 'goes with policy = "learned", not "evolved"'),
        ('policy = "learned"\nnetwork = "none.npz"', "cannot be read"),
        ('policy = "learned"\nnetwork = "settings.toml"', "not a file of a network"),
        ('policy = "learned"\nnetwork = "other.npz"', "mean is float32 (7,), must be f4"),
        ('policy = "learned"\nnetwork = "nan.npz"', "bias_3 is not finite"),
        ('policy = "learned"\nnetwork = "large.npz"', "must be at most"),
    ],
)
def test_bad_settings_are_refused_in_a_line(tmp_path, text, said):
    networks.write(tmp_path / "other.npz", made_up(), {})
    nowhere = BOLD._replace(bias_3=BOLD.bias_3 * np.float32(nan))
    networks.write(tmp_path / "nan.npz", nowhere, {})
    (tmp_path / "large.npz").write_bytes(bytes(networks.NETWORK_BYTES_MAX + 1))
    with pytest.raises(ConfigError) as caught:
        resolve(write_settings(tmp_path, text))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_economy_without_such_a_loop_refuses(tmp_path, monkeypatch):
    monkeypatch.delattr("merchants.advance_bazaar.LEARNS")
    with pytest.raises(ConfigError, match="must be rule or evolved in this economy"):
        resolve(write_settings(tmp_path, 'policy = "learned"'))


@pytest.mark.parametrize(
    ("settings", "shown"),
    [
        ("", True),
        ('policy = "learned"\nlearned_share = 0.5', True),
        ('policy = "learned"', False),
        ('policy = "rule"', False),
    ],
)
def test_genes_are_shown_only_where_some_merchant_lives_by_them(tmp_path, settings, shown):
    world = found_world(resolve(write_settings(tmp_path, settings)))
    charts = report.charts([world.cities[0].town])
    assert (report.GENES[0] in charts) == shown
    assert set(report.LIVES) <= set(charts)
