"""Merchants found others and retire: by the rules, to the unit, however ticks are cut."""

from dataclasses import replace

import bazaar_reference as plain
import numpy as np
import pytest
import worlds
from hypothesis import given, settings
from hypothesis import strategies as st

from city_node.cities.advance import advance
from city_node.cities.report import state_hash
from engine.money import MINOR_PER_COIN
from merchants.params import Parameters as MerchantParameters

COIN = MINOR_PER_COIN
ALWAYS = MerchantParameters(act_probability=1.0, leave_probability=0.0)


def evolving(name: str = "Seaside", **changes):
    """A default city whose merchants evolve."""
    return worlds.city(name, evolution=True, **changes)


def roster(of, city: int = 0):
    """The live rows of the merchants in a city."""
    town = of.cities[city].town
    return town.roster.rows, int(town.roster.size[0])


def ids(of) -> list[tuple[int, int]]:
    """Of all merchants anywhere."""
    found = []
    for each in [of.walking, *(city.town.roster for city in of.cities)]:
        size = each.size[0]
        found += zip(each.rows.birthplace[:size], each.rows.number[:size], strict=True)
    return found


def test_a_rich_merchant_founds_another():
    world = worlds.world([evolving(merchants=1, locals=0, merchant_rules=ALWAYS)], seed=3)
    rows, _ = roster(world)
    rows.money_minor[0] = 2000 * COIN + 1
    rows.owned[0] = 3
    rows.good[0] = 1
    rows.expected_price[0] = 7.0
    rows.genome[0] = np.linspace(0.0, 1.0, rows.genome.shape[1])
    world.cities[0].ledger.initial_minor += 1000 * COIN + 1
    advance(world, 1)
    rows, size = roster(world)
    assert size == 2
    assert rows.money_minor[:2].tolist() == [1000 * COIN + 1, 1000 * COIN]
    assert rows.owned[:2].tolist() == [3, 0]
    assert rows.good[:2].tolist() == [1, 1]
    assert rows.number[:2].tolist() == [0, 1]
    assert rows.generation[:2].tolist() == [0, 1]
    assert rows.capacity[1] == 20
    assert (rows.expected_price[1] == 7.0).all()
    lives = world.cities[0].town.lives
    assert lives.next_number[0] == 2
    assert lives.founded[0] == 1


def test_the_genes_of_a_child_are_drawn_as_documented():
    """Against the draws of the plain reference."""
    rules = replace(ALWAYS, mutation_probability=0.5, mutation_drift=0.9)
    world = worlds.world([evolving(merchants=1, locals=2, merchant_rules=rules)], seed=4)
    rows, _ = roster(world)
    parent = np.linspace(0.0, 1.0, rows.genome.shape[1])
    rows.genome[0] = parent
    rows.money_minor[0] += 1000 * COIN
    world.cities[0].ledger.initial_minor += 1000 * COIN
    draws = plain.Draws.of(plain.tick_key(int(world.cities[0].town.key), 0), 2)
    expected = []
    for trait, gene in enumerate(parent.tolist()):
        if draws.uniform(16 + 2 * trait) < 0.5:
            gene = abs(gene + 0.9 * (2.0 * draws.uniform(17 + 2 * trait) - 1.0))
            gene = 1.0 - abs(1.0 - gene)
        expected.append(gene)
    advance(world, 1)
    rows, size = roster(world)
    assert size == 2
    assert rows.genome[1].tolist() == expected
    assert rows.genome[1].tolist() != parent.tolist()
    assert rows.genome[0].tolist() == parent.tolist()


def test_genes_that_nothing_selects_drift_as_a_random_walk():
    """Births in the kernel, nine generations from each of a hundred founders who are only rich.

    A descendant of generation g has made g independent steps: each nothing, or, with probability p,
    uniform in plus or minus d. So his distance from his founder has mean 0 and mean square
    g p d**2 / 3. Tested by the z-test of a mean (central limit theorem, with the exact variance of
    each), both of them for eight generations, alpha = 0.001 in all (Bonferroni): |z| below 4.0. One
    descendant a founder, generation and trait, so that the thousand a test are independent.
    """
    founders, deepest, chance, drift = 100, 8, 0.5, 0.05
    rules = replace(ALWAYS, mutation_probability=chance, mutation_drift=drift)
    rules = replace(rules, merchants_max_factor=1_000)
    world = worlds.world([evolving(merchants=founders, locals=0, merchant_rules=rules)], seed=11)
    town, ledger = world.cities[0].town, world.cities[0].ledger
    rich_minor = 2_000 * COIN << deepest
    town.roster.rows.money_minor[:] = rich_minor
    ledger.initial_minor = founders * rich_minor
    town.roster.rows.genome[:] = 0.5
    town.roster.rows.expected_price[:, 0, 0] = np.arange(founders)  # beliefs are inherited
    advance(world, 3 * deepest)
    rows, size = roster(world)
    assert size == founders << deepest + 1
    random = np.random.default_rng(1)
    square, fourth = chance * drift**2 / 3, chance * drift**4 / 5
    for generation in range(1, deepest + 1):
        drifted = []
        for founder in range(founders):
            line = rows.expected_price[:size, 0, 0] == founder
            born = np.flatnonzero(line & (rows.generation[:size] == generation))
            for trait, row in enumerate(random.choice(born, rows.genome.shape[1])):
                drifted.append(rows.genome[row, trait] - 0.5)
        expected = generation * square
        spread = 3 * generation * (generation - 1) * square**2 + generation * fourth - expected**2
        z_mean = np.mean(drifted) / np.sqrt(expected / len(drifted))
        z_square = (np.mean(np.square(drifted)) - expected) / np.sqrt(spread / len(drifted))
        assert abs(z_mean) < 4.0, generation
        assert abs(z_square) < 4.0, generation


def test_life_costs_what_a_resident_gets_where_roads_lead():
    rules = replace(ALWAYS, upkeep=0.25, retires_after_acts=1_000)
    alone = worlds.world([evolving(merchants=3, merchant_rules=rules)])
    before_minor = alone.cities[0].economy.holdings_minor(alone.cities[0].state)
    advance(alone, 10)
    assert alone.cities[0].economy.holdings_minor(alone.cities[0].state) == before_minor
    shy = replace(rules, gossip_weight=0.0)  # they know no price, and neither buy nor leave
    pair = [evolving(name, merchants=3, merchant_rules=shy) for name in ("Ash", "Elm")]
    world = worlds.world(pair, worlds.all_roads(2))
    rows, _ = roster(world)
    rows.money_minor[0] = COIN // 10
    world.cities[0].ledger.initial_minor -= 1_000 * COIN - COIN // 10
    counted = worlds.Counted(world)
    advance(world, 10)
    rows, size = roster(world)
    assert size == 3
    assert sorted(rows.money_minor[:size].tolist()) == [0, *2 * [1_000 * COIN - 10 * COIN // 4]]
    counted.check()


def test_nobody_is_founded_where_there_are_enough():
    rules = replace(ALWAYS, starting_money=100_000.0, merchants_max_factor=3)
    world = worlds.world([evolving(merchants=5, locals=3, merchant_rules=rules)])
    counted = worlds.Counted(world)
    advance(world, 200)
    assert roster(world)[1] == 15
    assert len(set(ids(world))) == 15
    counted.check()


@pytest.mark.parametrize("locals_", [0, 3])
def test_a_ruined_merchant_retires(locals_):
    rules = replace(ALWAYS, starting_money=0.99999999, retires_after_acts=1000)
    world = worlds.world([evolving(merchants=2, locals=locals_, merchant_rules=rules)])
    world.cities[0].state.residents.money_minor[:] = 0
    world.cities[0].ledger.initial_minor = 2 * (COIN - 1)
    advance(world, 999)
    assert roster(world)[1] == 2
    advance(world, 1)
    lives = world.cities[0].town.lives
    if locals_ == 0:  # nobody would share what they leave
        assert roster(world)[1] == 2
        assert lives.retired[0] == 0
    else:
        assert roster(world)[1] == 0
        assert lives.retired[0] == 2
        # Each of two shares to three is 33,333,333 and no unit over.
        assert world.cities[0].state.residents.money_minor.sum() == 2 * (COIN - 1)


def test_a_coin_or_a_good_is_a_new_beginning():
    rules = replace(ALWAYS, starting_money=0.0, retires_after_acts=10)
    world = worlds.world([evolving(merchants=3, locals=1, merchant_rules=rules)])
    rows, _ = roster(world)
    rows.owned[1] = 1
    rows.money_minor[2] = COIN
    world.cities[0].ledger.initial_minor += COIN
    world.cities[0].state.residents.money_minor[:] = 0
    world.cities[0].ledger.initial_minor -= 1000 * COIN
    advance(world, 9)
    rows, _ = roster(world)
    assert rows.ruined[:3].tolist() == [9, 0, 0]
    rows.owned[0] = 1
    advance(world, 5)
    assert roster(world)[1] == 3
    assert rows.ruined[:3].tolist() == [0, 0, 0]


def test_without_evolution_nobody_is_founded_and_nobody_retires():
    rich = MerchantParameters(act_probability=1.0, starting_money=50_000.0)
    poor = MerchantParameters(act_probability=1.0, starting_money=0.0, retires_after_acts=1)
    for rules in (rich, poor):
        world = worlds.world([worlds.city(merchants=5, merchant_rules=rules, evolution=False)])
        advance(world, 300)
        lives = world.cities[0].town.lives
        rows, size = roster(world)
        assert size == 5
        assert lives.founded[0] == lives.retired[0] == 0
        assert not rows.ruined[:5].any()


lively = st.builds(
    MerchantParameters,
    act_probability=st.sampled_from([0.1, 1.0]),
    starting_money=st.sampled_from([0.5, 1000.0, 5000.0]),
    leave_probability=st.sampled_from([0.01, 0.3, 1.0]),
    founding_money=st.sampled_from([0.0, 100.0, 2000.0]),
    merchants_max_factor=st.sampled_from([1, 4, 50]),
    retires_after_acts=st.sampled_from([1, 3, 100]),
    ruin_money=st.sampled_from([1.0, 500.0]),
    mutation_probability=st.sampled_from([0.1, 1.0]),
)


@st.composite
def lively_worlds(draw):
    """A function that makes the same world of evolving cities each time it is called."""
    economies = draw(worlds.any_economies)
    config = draw(worlds.configs(cities_max=3, locals_max=10, merchants_max=8, economies=economies))
    cities = [replace(c, evolution=True, merchant_rules=draw(lively)) for c in config.cities]
    return lambda: worlds.found_world(replace(config, cities=tuple(cities)))


@settings(max_examples=30)
@given(lively_worlds(), st.lists(st.integers(1, 60), min_size=1, max_size=5))
def test_windows_do_not_matter(make, lengths):
    """The same history in one go, in windows and tick by tick: births, ends and ids with it."""
    whole, cut, ticks = make(), make(), make()
    counted = worlds.Counted(whole)
    advance(whole, sum(lengths))
    for length in lengths:
        advance(cut, length)
    for _ in range(sum(lengths)):
        advance(ticks, 1)
    for number in range(len(whole.cities)):
        hashes = {state_hash(each, each.cities[number]) for each in (whole, cut, ticks)}
        assert len(hashes) == 1
    assert len(set(ids(whole))) == len(ids(whole))
    counted.check()


def test_more_leave_in_a_window_than_were_ever_in_town_at_once():
    """The founded leave as they come: the kernel stops for want of room and goes on."""
    rules = MerchantParameters(
        act_probability=1.0, leave_probability=0.5, founding_money=0.0, starting_money=8.0
    )
    cities = [evolving("A", merchants=3, locals=0, merchant_rules=rules)]
    cities += [evolving("B", merchants=0, locals=2)]
    worlds_ = [worlds.world(cities, [(0, 1, 2000, 0.0)]) for _ in range(2)]
    counted = worlds.Counted(worlds_[0])
    advance(worlds_[0], 1000)
    for _ in range(1000):
        advance(worlds_[1], 1)
    assert worlds_[0].walking.size[0] > 100
    assert [state_hash(w, c) for w in worlds_[:1] for c in w.cities] == [
        state_hash(w, c) for w in worlds_[1:] for c in w.cities
    ]
    assert len(set(ids(worlds_[0]))) == len(ids(worlds_[0]))
    counted.check()
