"""Statistics of arrays against their definitions, and what a bazaar says of itself."""

from math import isnan

import numpy as np
import pytest
import worlds
from hypothesis import given
from hypothesis import strategies as st

from city_node.cities.advance import advance
from engine.bazaar import report
from engine.measures import gini

amounts = st.lists(st.integers(0, 10**15), min_size=1, max_size=50)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([5, 5, 5, 5], 0.0),
        ([0, 0, 0, 8], 0.75),
        ([7], 0.0),
        ([1, 3], 0.25),
        ([1, 2, 3], 2 / 9),
        ([0.0, 1.5, 4.5], 0.5),
    ],
)
def test_gini_of_known_incomes(values, expected):
    assert gini(np.array(values)) == pytest.approx(expected)


@given(amounts.filter(any))
def test_gini_is_half_the_mean_difference_over_the_mean(values):
    array = np.array(values, np.float64)
    differences = np.abs(array[:, None] - array[None, :]).mean()
    assert gini(np.array(values)) == pytest.approx(differences / (2 * array.mean()), abs=1e-12)


@given(amounts.filter(any), st.integers(1, 1000), st.randoms(use_true_random=False))
def test_gini_asks_neither_for_the_unit_nor_for_the_order(values, unit, random):
    other = [value * unit for value in values]
    random.shuffle(other)
    assert gini(np.array(other)) == pytest.approx(gini(np.array(values)), abs=1e-12)


@pytest.mark.parametrize("values", [[], [0], [0, 0, 0]])
def test_gini_of_nothing_is_not_a_number(values):
    assert isnan(gini(np.array(values, np.int64)))


# What a bazaar says of itself.


@pytest.mark.parametrize("locals_", [255, 256, 511, 512, 1_000])
def test_the_price_range_of_many_is_that_of_few(locals_):
    state = worlds.world([worlds.city("Seaside", locals=locals_)]).cities[0].state
    expected = state.residents.expected_price
    expected[:] = np.random.default_rng(1).permutation(expected.size).reshape(expected.shape)
    lowest, highest = report.price_range(state)
    assert lowest[:4].tolist() == expected.min(axis=0)[:4].tolist()
    assert highest[:4].tolist() == expected.max(axis=0)[:4].tolist()


def test_a_bazaar_reports_what_its_arrays_hold():
    world = worlds.world([worlds.city("Seaside", locals=7, merchants=3)])
    advance(world, 200)
    state = world.cities[0].state
    people, leisure = state.residents, 4
    assert report.residents(state) == 7
    assert report.holdings_minor(state) == sum(people.money_minor.tolist())
    prices, (lowest, highest) = report.prices(state), report.price_range(state)
    for good in range(5):
        expected = people.expected_price[:, good].tolist()
        if good == leisure:
            assert isnan(prices[good])
            assert isnan(lowest[good])
        else:
            assert prices[good] == pytest.approx(sum(expected) / 7)
            assert (lowest[good], highest[good]) == (min(expected), max(expected))
    assert report.stock(state).tolist() == np.array(people.owned, np.int64).sum(axis=0).tolist()
    assert report.trades(state) == state.books.trades[0] > 0
    assert report.series(state) == {"gini_money": gini(people.money_minor)}


def test_samples_are_no_more_than_asked_for_and_of_the_same_people():
    world = worlds.world([worlds.city("Seaside", locals=100)])
    people = world.cities[0].state.residents
    people.money_minor[:] = np.arange(100) * 10**8
    for most in (1, 10, 99, 100, 1000):
        sampled = report.samples(world.cities[0].state, most)
        rows = sampled["money"].astype(int)
        assert len(rows) == min(most, 100)
        assert (np.diff(rows) > 0).all()
        assert (sampled["leisure_value"] == people.base_value[rows, 4]).all()
    assert (np.diff(report.samples(world.cities[0].state, 10)["money"]) == 11).all()


def test_where_nobody_lives_there_is_nothing_to_report():
    world = worlds.world([worlds.city("Seaside", locals=0, merchants=0)])
    state = world.cities[0].state
    assert np.isnan(report.prices(state)).all()
    assert np.isnan(report.price_range(state)).all()
    assert report.stock(state).tolist() == [0] * 5
    assert isnan(report.series(state)["gini_money"])
    assert {len(values) for values in report.samples(state, 10).values()} == {0}


def test_charts_name_what_there_is_to_draw():
    state = worlds.world([worlds.city("Seaside")]).cities[0].state
    known = {*report.series(state), *report.samples(state, 5)}
    for chart in report.CHARTS:
        assert set(chart.keys) <= known, chart.title
