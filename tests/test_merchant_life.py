"""Merchants found others and retire: by the rules, to the unit, however ticks are cut."""

from dataclasses import replace

import bazaar_reference as plain
import numpy as np
import pytest
import worlds
from hypothesis import given, settings
from hypothesis import strategies as st

from city_node.advance import advance
from city_node.report import state_hash
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
    config = draw(worlds.configs(cities_max=3, locals_max=10, merchants_max=8))
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
