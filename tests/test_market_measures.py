"""Measures of markets and of an economy, by hand and against the world's own books."""

from math import isnan, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from city_node.cities.advance import advance
from city_node.cities.world import found_world
from city_node.settings.config import resolve
from city_node.settings.wishes import Wishes
from engine import own_measures
from engine.measures import (
    amihud,
    depth_within,
    gdp_by_expenditure,
    gdp_by_production,
    herfindahl,
    laspeyres,
    paasche,
    price_dispersion,
    price_elasticity,
    realised_volatility,
    spread,
    turnover,
)
from engine.own_measures import Gauge, Measure

NAN = float("nan")


def of(*values):
    return np.array(values, np.float64)


def test_measures_by_hand():
    assert herfindahl(of(5, 5, 5, 5)) == 0.25
    assert herfindahl(of(0, 7)) == 1.0
    assert spread(99.0, 101.0) == pytest.approx(0.02)
    assert depth_within(of(90, 99, 101, 120), of(1, 2, 4, 8), 100.0, 0.01) == 6
    assert amihud(of(100, 110, 99), of(10, 20)) == pytest.approx((0.1 / 10 + 0.1 / 20) / 2)
    assert amihud(of(100, 110, 99), of(0, 20)) == pytest.approx(0.1 / 20)
    assert turnover(of(5, 15), of(10, 30)) == 1.0
    assert realised_volatility(of(1, 2, 1)) == pytest.approx(log(2) * 2**0.5)
    assert price_dispersion(of(1, 3)) == 0.5
    assert laspeyres(of(1, 2), of(2, 2), of(3, 1)) == pytest.approx(8 / 5)
    assert paasche(of(1, 2), of(2, 2), of(1, 3)) == pytest.approx(8 / 7)
    assert price_elasticity(of(1, 2, 4), of(8, 4, 2)) == pytest.approx(-1.0)


@pytest.mark.parametrize(
    "nothing",
    [
        herfindahl(of(0, 0)),
        spread(NAN, 1.0),
        amihud(of(1, 2), of(0)),
        turnover(of(3), of(0)),
        price_dispersion(of()),
        laspeyres(of(1), of(1), of(0)),
        paasche(of(1), of(1), of(0)),
        price_elasticity(of(2, 2), of(3, 4)),
    ],
)
def test_where_there_is_nothing_to_say_a_measure_says_nan(nothing):
    assert isnan(nothing)


@given(st.lists(st.integers(1, 1000), min_size=2, max_size=9), st.integers(2, 50))
def test_indices_ask_not_for_the_unit_and_see_a_rise_of_all_prices(prices, factor):
    old, units = np.array(prices), np.arange(1, len(prices) + 1)
    for index in (laspeyres, paasche):
        assert index(old, old, units) == pytest.approx(1.0)
        assert index(old, factor * old, units) == pytest.approx(factor)


def test_production_is_expenditure_to_the_unit():
    """In each of three cities, over many periods, with merchants carrying goods away and in."""
    config = resolve(
        Wishes(cities=("Riverwood", "Seaside", "Winterhold"), seed=4, locals=30, merchants=40)
    )
    world = found_world(config)
    tradeable = np.array([not good.leisure for good in config.cities[0].goods.values()])
    for _ in range(8):
        before = [accounts(world, city) for city in world.cities]
        road = on_the_road(world)
        advance(world, 500)
        total = np.zeros(len(tradeable), np.int64)
        for old, city in zip(before, world.cities, strict=True):
            made, used, worn, units = accounts(world, city) - old
            leaving = made - used - worn - units
            prices = np.nan_to_num(city.economy.prices(city.state) * 1e8).astype(np.int64)
            spent = gdp_by_expenditure(worn, old[3], old[3] + units, leaving, prices)
            assert gdp_by_production(made, used, prices) == spent
            assert leaving[tradeable].any(), "trade, so that the identity is not empty"
            total += leaving
        assert total[tradeable].sum() == on_the_road(world) - road


def accounts(world, city):
    """Units made, used, worn so far, and units in the city now, its merchants' included."""
    books = city.state.books
    here = city.economy.stock(city.state) + carried(world, city)
    return np.stack([books.made, books.used, books.worn, here])


def carried(world, city):
    rows, size = city.town.roster.rows, city.town.roster.size[0]
    return np.bincount(rows.good[:size], rows.owned[:size], len(world.goods)).astype(np.int64)


def on_the_road(world) -> int:
    return int(world.walking.rows.owned[: world.walking.size[0]].sum())


def trades_so_far(economy, state) -> float:
    return economy.trades(state)


def test_a_measure_of_ones_own_is_sampled_and_summed_up():
    world = found_world(resolve(Wishes(cities=("Riverwood",), seed=4)))
    city = world.cities[0]
    trades = Measure("trades a sample", trades_so_far, window_samples=2, aggregator="change")
    most = Measure("dearest", lambda e, s: np.nanmax(e.prices(s)), 3, aggregator=np.max)
    gauge, seen = Gauge([trades, most]), [city.economy.trades(city.state)]
    for _ in range(4):
        advance(world, 300)
        found = gauge.sample(city.economy, city.state)
        seen.append(city.economy.trades(city.state))
    assert found["trades a sample"] == seen[-1] - seen[-2] > 0
    assert found["dearest"] >= np.nanmax(city.economy.prices(city.state))


def test_faulty_measures_are_refused():
    with pytest.raises(ValueError, match="aggregator = 'median': must be one of mean"):
        Measure("mine", trades_so_far, aggregator="median")
    with pytest.raises(ValueError, match="window = 0: must be from 1"):
        Measure("mine", trades_so_far, window_samples=0)


def test_measures_are_found_by_entry_point(monkeypatch):
    class Point:
        name, value = "mine", "my.module:mine"

        def load(self):
            return Measure("mine", trades_so_far)

    monkeypatch.setattr(own_measures, "entry_points", lambda **_: [Point()])
    assert [measure.name for measure in own_measures.installed()] == ["mine"]
    monkeypatch.setattr(Point, "load", lambda _: 3)
    with pytest.raises(TypeError, match=r"my\.module:mine is no"):
        own_measures.installed()
