"""The call auction against its definition, tick by tick, and to the unit."""

import call_auction_reference as plain
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.markets.call_auction import PRO_RATA, TIME, clear
from engine.markets.uniform_price import HIGHEST, LOWEST, MIDDLE, NEAREST, PRESSURE, TICK_MAX

TIES = [LOWEST, HIGHEST, MIDDLE, NEAREST, PRESSURE]


def side(*orders: tuple[int, int]):
    """(ticks, quantities) from pairs."""
    table = np.array(orders, np.int32).reshape(-1, 2)
    return np.ascontiguousarray(table[:, 0]), np.ascontiguousarray(table[:, 1])


sides = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 8)), max_size=14).map(
    lambda orders: side(*orders)
)


@settings(max_examples=600)
@given(sides, sides, st.sampled_from(TIES), st.integers(0, 30), st.sampled_from([TIME, PRO_RATA]))
def test_price_and_fills_are_those_of_the_definition(bids, asks, tie, reference, ration):
    result, bids_filled, asks_filled = clear(
        *bids, *asks, tie=tie, reference=reference, ration=ration
    )
    ticks = [*bids[0].tolist(), *asks[0].tolist()] or [0]
    expected = plain.price(bids, asks, min(ticks), max(ticks), tie, reference)
    assert result.tick == expected
    volume = min(plain.demand(bids, expected), plain.supply(asks, expected)) if expected >= 0 else 0
    assert result.volume == volume
    assert bids_filled.tolist() == plain.fills(*bids, volume, 1, ration)
    assert asks_filled.tolist() == plain.fills(*asks, volume, -1, ration)
    assert not bids_filled[bids[0] < expected].any(), "nobody pays more than he bid"
    assert not asks_filled[asks[0] > expected].any(), "nobody gets less than he asked"


@pytest.mark.parametrize("spread", [3, 700, 10**4, 10**6, 10**9])
@pytest.mark.parametrize("ration", [TIME, PRO_RATA])
def test_any_range_of_prices_and_many_orders(spread, ration):
    """Too many ticks to try all: the price is one where an order is, or next to one."""
    random = np.random.default_rng(spread)
    for orders in (1, 70, 3000):
        bids, asks = (
            (
                random.integers(0, spread, orders, dtype=np.int32),
                random.integers(1, 2**20, orders, dtype=np.int32),
            )
            for _ in range(2)
        )
        result, bids_filled, asks_filled = clear(*bids, *asks, ration=ration, tie=LOWEST)
        near = np.concatenate([bids[0], bids[0] + 1, asks[0], asks[0] - 1])
        some = random.choice(near, 500)
        best = max(min(plain.demand(bids, t), plain.supply(asks, t)) for t in some)
        assert result.volume >= best
        demand, supply = plain.demand(bids, result.tick), plain.supply(asks, result.tick)
        assert result.volume == (min(demand, supply) if result.tick >= 0 else 0)
        assert bids_filled.tolist() == plain.fills(*bids, result.volume, 1, ration)
        assert asks_filled.tolist() == plain.fills(*asks, result.volume, -1, ration)


def test_the_ties_have_names():
    bids, asks = side((20, 5)), side((10, 5))
    ticks = {tie: clear(*bids, *asks, tie=tie, reference=13)[0].tick for tie in TIES}
    assert ticks == {LOWEST: 10, HIGHEST: 20, MIDDLE: 15, NEAREST: 13, PRESSURE: 15}


@pytest.mark.parametrize(("wanted", "offered", "tick"), [(6, 5, 20), (5, 6, 10), (5, 5, 15)])
def test_pressure_moves_the_price_to_the_side_that_is_short(wanted, offered, tick):
    result, *_ = clear(*side((20, wanted)), *side((10, offered)), tie=PRESSURE)
    assert result.tick == tick


@pytest.mark.parametrize(("ration", "filled"), [(TIME, [9, 3, 0]), (PRO_RATA, [8, 3, 1])])
def test_the_last_price_is_served_by_time_or_pro_rata(ration, filled):
    bids = side((10, 9), (10, 4), (10, 2))
    assert clear(*bids, *side((10, 12)), ration=ration)[1].tolist() == filled


def test_shares_are_exact_where_products_do_not_fit_64_bits():
    units = np.full(5000, 2**31 - 1, np.int32)
    ticks = np.full(5000, 3, np.int32)
    asks = side((3, 2**31 - 1), (3, 1))
    bids_filled = clear(ticks, units, *asks, ration=PRO_RATA)[1]
    assert bids_filled.sum(dtype=np.int64) == 2**31
    assert bids_filled.max() - bids_filled.min() <= 1


@pytest.mark.parametrize("bids", [side(), side((5, 3))])
@pytest.mark.parametrize("asks", [side(), side((6, 2))])
def test_without_a_crossing_nothing_happens(bids, asks):
    result, bids_filled, asks_filled = clear(*bids, *asks)
    assert (result.tick, result.volume) == (-1, 0)
    assert not bids_filled.any()
    assert not asks_filled.any()


def test_columns_out_of_range_are_refused():
    assert clear(*side((TICK_MAX, 1)), *side((0, 1)))[0].volume == 1
    with pytest.raises(ValueError, match="ticks from -1 to 0: must be from 0"):
        clear(*side((-1, 1)), *side((0, 1)))
    with pytest.raises(ValueError, match="quantities from 0: must be from 1"):
        clear(*side((1, 1)), *side((1, 0)))
