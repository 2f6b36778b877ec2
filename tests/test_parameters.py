"""Every number of the default world, written out as the rules give it."""

import dataclasses

import numpy as np
import pytest
import worlds

from city_node.settings.config import resolve
from city_node.settings.wishes import Wishes
from engine.bazaar.params import Parameters
from engine.goods import Good
from engine.markets.haggle import PROBES_MAX
from engine.money import MINOR_PER_COIN
from merchants.params import Parameters as MerchantParameters

GOODS = {  # owned at start, S, D
    "wood": ((0, 19), (4, 8), 15),
    "chair": ((0, 9), (30, 50), 5),
    "thread": ((0, 29), (2, 4), 50),
    "bed": ((0, 1), (50, 60), 2),
    "leisure": ((0, 0), (2, 6), 50),
}
GATHERED = {"wood", "thread"}
WEAR = {"chair": 0.01, "bed": 0.01}


def test_the_goods_are_those_of_the_table():
    expected = {
        name: Good(
            owned=owned,
            base_value=base_value,
            half_value=half_value,
            gathered=name in GATHERED,
            wear=WEAR.get(name, 0.0),
            leisure=name == "leisure",
        )
        for name, (owned, base_value, half_value) in GOODS.items()
    }
    assert dict(worlds.default_city().goods) == expected
    assert list(worlds.default_city().goods) == list(GOODS)


@pytest.mark.parametrize("name", ["Riverwood", "riverWOOD"])
def test_only_riverwood_makes_a_bed_of_one_thread(name):
    cities = resolve(Wishes(cities=(name, "Seaside", "Riverwoods"), seed=0)).cities
    chair = {"wood": 4}
    assert cities[0].recipes == {"chair": chair, "bed": {"wood": 2, "thread": 1}}
    assert cities[1].recipes == {"chair": chair, "bed": {"wood": 2, "thread": 10}}
    assert cities[2].recipes == cities[1].recipes


def test_the_residents_numbers():
    assert dataclasses.asdict(Parameters()) == {
        "act_probability": 0.1,
        "starting_money": 1000.0,
        "money_weight": 1000.0,  # u = 1000 / (money + 1)
        "volatility_share": 1 / 50,  # b = S / 50
        "gossip_probability": 0.01,
        "patience_turns": 10,  # t > 10
    }
    assert worlds.default_city().parameters == Parameters()
    assert MINOR_PER_COIN == 10**8
    assert PROBES_MAX == 128


def test_the_merchants_numbers():
    ours = dataclasses.asdict(MerchantParameters())
    tutorials = {
        "act_probability": 0.1,
        "starting_money": 1000.0,
        "capacity": 20,
        "gossip_weight": 0.1,
        "leave_probability": 0.01,
        "tax_free_money": 1000.0,
        "tax_divisor": 10,
    }
    assert {name: ours[name] for name in tutorials} == tutorials
    assert ours.keys() - tutorials.keys() == {  # what the tutorial's merchants do not know
        "upkeep",
        "founding_money",
        "merchants_max_factor",
        "ruin_money",
        "retires_after_acts",
        "mutation_probability",
        "mutation_drift",
        "policy",
        "learned_share",
        "founders_spread",
    }
    theirs = worlds.default_city().merchant_rules  # who do not evolve
    assert theirs == MerchantParameters(upkeep=0.05, founders_spread=0.5)


def test_where_merchants_evolve_what_founds_another_is_free_of_tax(tmp_path):
    file = tmp_path / "settings.toml"
    for text, free in (
        ("", 2000.0),
        ("[merchants]\nfounding_money = 1500.0", 1500.0),
        ("[merchants]\ntax_free_money = 700.0", 700.0),
    ):
        file.write_text(text)
        (city,) = resolve(Wishes(cities=("A",), config=file)).cities
        assert city.merchant_rules.tax_free_money == free
    (city,) = resolve(Wishes(cities=("A",), evolution=False)).cities
    assert city.merchant_rules.tax_free_money == 1000.0


def test_the_worlds_numbers():
    config = resolve(Wishes(cities=("A", "B", "C")))
    assert [(city.economy, city.locals, city.merchants) for city in config.cities] == [
        ("bazaar", 20, 10)
    ] * 3
    assert config.speed_ticks_per_s == 6000
    assert (config.threads, config.node_name) == (None, None)
    ends = {(road.start, road.to) for road in config.roads}
    assert ends == {(a, b) for a in range(3) for b in range(3) if a != b}
    assert {(road.travel_ticks, road.cost) for road in config.roads} == {(100, 1.0)}


def test_who_founds_a_city_owns_and_expects_what_the_table_says():
    """Every range is used from end to end, and nothing beyond; P is V of what one owns."""
    world = worlds.world([worlds.city("Seaside", locals=20_000, merchants=0)], seed=3)
    people = world.cities[0].state.residents
    assert (people.money_minor == 1000 * 10**8).all()
    assert (people.waited == 0).all()
    for number, (owned, base_value, half_value) in enumerate(GOODS.values()):
        assert set(people.owned[:, number]) == set(range(owned[0], owned[1] + 1))
        values, width = people.base_value[:, number], base_value[1] - base_value[0]
        assert base_value[0] <= values.min() < base_value[0] + 0.01 * width
        assert base_value[1] - 0.01 * width < values.max() <= base_value[1]
        # Means of uniform numbers: within six standard deviations.
        deviation = 6 * width / np.sqrt(12 * 20_000)
        assert abs(values.mean() - sum(base_value) / 2) < deviation
        expected = values / (1.0 + (people.owned[:, number] / half_value) ** 3)
        if number == list(GOODS).index("leisure"):
            expected[:] = np.nan
        np.testing.assert_allclose(people.expected_price[:, number], expected, rtol=1e-15)


def test_two_cities_and_two_seeds_found_different_people():
    cities = [worlds.city("Seaside"), worlds.city("Brook")]
    one, same, other = worlds.world(cities, seed=1), worlds.world(cities), worlds.world(cities)
    founded = [
        city.state.residents.base_value.tobytes()
        for city in (*one.cities, *same.cities, *other.cities)
    ]
    assert founded[2:4] == founded[4:6]
    assert len(set(founded)) == 4
