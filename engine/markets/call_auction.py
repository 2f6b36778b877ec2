"""A call auction: all orders of a good meet at once, at one price.

The price is the tick that trades most; of these, the one that leaves the smallest imbalance between
what is wanted and what is offered at it; of several neighbours that still tie, the rule named by
the caller decides. It is found by histograms that narrow down, 2,048 bins at a time, on the tick
where demand falls below supply: linear for any range of prices, without sorting. The side with too
much is served by price, and at its last price by time or pro rata, to the unit.

Let `low` be the highest tick at which demand (units bid at it or above) is not below supply (units
asked at it or below), and `high` = low + 1. Whatever price is named, the bids above `low` and the
asks below `high` are filled; so much of those at `low` or at `high` as evens out the two.

Called by programs, by economies (the helpers) and by tests; its twin on a GPU is
`call_auction_torch`. Ticks are int32 from 0, quantities int32 from 1; sums are int64.
"""

from typing import Annotated, NamedTuple

import numpy as np
from numba import int32, int64, void

from engine.kernels import helper, kernel
from engine.tables import Array, Column, kernel_type

LOWEST, HIGHEST, MIDDLE, NEAREST, PRESSURE = range(5)
"""Ties: the lowest or highest of the prices; the one in the middle, rounded down; the one nearest
to a reference price; the highest where more is wanted than offered, the lowest where less, else the
one in the middle."""

TIME, PRO_RATA = 0, 1
"""How the last price of a side is served: who is first in the arrays first, whole; or each in
proportion, rounded down, and what then remains one unit each to the first."""

TICK_MAX = 2**31 - 2
BINS_BITS_MAX = 11
BINS = 2**BINS_BITS_MAX
BLOCK = 512


class Result(NamedTuple):
    """How an auction cleared; without trade, price -1 and all else 0."""

    tick: int
    volume: int
    low: int
    bids_at_low: int
    bids_filled_at_low: int
    asks_at_high: int
    asks_filled_at_high: int


class Scratch(NamedTuple):
    """What finding a price writes over."""

    bids: Annotated[Array, Column("i8", "2049", "units bid, a bin; the last: elsewhere")]
    asks: Annotated[Array, Column("i8", "2049", "units asked")]


@helper
def gather(ticks, quantities, first, shift, width, bins):
    """Add up quantities in bins of 2**shift ticks from tick `first`; others in bin `width`."""
    bins[: width + 1] = 0
    end, shift = np.uint64(width), np.uint64(shift)
    for row in range(len(ticks)):
        place = np.uint64(np.int64(ticks[row]) - first) >> shift
        bins[min(place, end)] += quantities[row]


@helper
def crossing(bid_ticks, bid_quantities, ask_ticks, ask_quantities, first, end, scratch):
    """int64: the highest tick with demand not below supply; from `first` - 1 on.

    Narrows down on the last tick p at which demand is not below what is asked under p: the one
    sought is p or the tick before it.

    Args:
        first, end: int64, all ticks are in [first, end).
        scratch: Scratch.
    """
    orders = len(bid_ticks) + len(ask_ticks)
    bits = 6
    while bits < BINS_BITS_MAX and (1 << bits) < orders:
        bits += 1
    shift = 0
    while (end - first) >> shift > 1 << bits:
        shift += bits
    above = below = np.int64(0)
    while True:
        width = min(np.int64(1) << bits, ((end - first - 1) >> shift) + 1)
        gather(bid_ticks, bid_quantities, first, shift, width, scratch.bids)
        gather(ask_ticks, ask_quantities, first, shift, width, scratch.asks)
        demand, supply = above, below
        for place in range(width):
            demand += scratch.bids[place]
        found, there_above, there_below = np.int64(0), above, below
        for place in range(width):
            if demand < supply:
                break
            demand -= scratch.bids[place]
            found, there_above, there_below = place, demand, supply
            supply += scratch.asks[place]
        above, below = there_above, there_below
        if shift == 0:
            covered = above + scratch.bids[found] >= below + scratch.asks[found]
            return first + found if covered else first + found - 1
        first += found << shift
        end = min(end, first + (np.int64(1) << shift))
        shift -= bits


@helper
def bids_around(ticks, quantities, low):
    """(units bid at `low` or above, units above it, highest bid under it, lowest above it)."""
    from_low, from_high = np.int64(0), np.int64(0)
    under, over = np.int32(-1), np.int32(TICK_MAX + 1)
    low = np.int32(low)
    for row in range(len(ticks)):
        tick, quantity = ticks[row], np.int64(quantities[row])
        from_low += quantity if tick >= low else np.int64(0)
        from_high += quantity if tick > low else np.int64(0)
        under = max(under, tick if tick < low else np.int32(-1))
        over = min(over, tick if tick > low else np.int32(TICK_MAX + 1))
    return from_low, from_high, np.int64(under), np.int64(over)


@helper
def asks_around(ticks, quantities, low):
    """(units asked up to `low`, up to low + 1, highest ask up to low, lowest over low + 1)."""
    to_low, to_high = np.int64(0), np.int64(0)
    under, over = np.int32(-1), np.int32(TICK_MAX + 1)
    low = np.int32(low)
    high = np.int32(low + 1)
    for row in range(len(ticks)):
        tick, quantity = ticks[row], np.int64(quantities[row])
        to_low += quantity if tick <= low else np.int64(0)
        to_high += quantity if tick <= high else np.int64(0)
        under = max(under, tick if tick <= low else np.int32(-1))
        over = min(over, tick if tick > high else np.int32(TICK_MAX + 1))
    return to_low, to_high, np.int64(under), np.int64(over)


@helper
def settle(low, bids, asks, tie, reference):
    """The result from what lies around the crossing: pure arithmetic, the same on every machine.

    Args:
        low: int64, see the module.
        bids, asks: as `bids_around` and `asks_around` return them.
        tie, reference: int64.
    """
    demand_low, demand_high, bid_under, bid_over = bids
    supply_low, supply_high, ask_under, ask_over = asks
    volume = max(min(demand_low, supply_low), min(demand_high, supply_high))
    if volume == 0:
        return np.int64(-1), volume, low, volume, volume, volume, volume
    surplus_low, surplus_high = demand_low - supply_low, supply_high - demand_high
    first, last = max(bid_under + 1, ask_under), min(bid_over, ask_over - 1)
    pressure = np.int64(0)
    if supply_low > demand_high or (supply_low == demand_high and surplus_low < surplus_high):
        last, pressure = low, surplus_low
    elif supply_low < demand_high or surplus_high < surplus_low:
        first, pressure = low + 1, -surplus_high
    tick = (first + last) >> 1
    if tie == NEAREST:
        tick = min(max(reference, first), last)
    elif tie == LOWEST or (tie == PRESSURE and pressure < 0):
        tick = first
    elif tie == HIGHEST or (tie == PRESSURE and pressure > 0):
        tick = last
    return (
        tick,
        volume,
        low,
        demand_low - demand_high,
        volume - demand_high,
        supply_high - supply_low,
        volume - supply_low,
    )


@helper
def uniform_price(
    bid_ticks, bid_quantities, ask_ticks, ask_quantities, first, end, tie, reference, scratch
):
    """The fields of a Result; all ticks are in [first, end). For kernels; see `clear`."""
    low = crossing(bid_ticks, bid_quantities, ask_ticks, ask_quantities, first, end, scratch)
    bids = bids_around(bid_ticks, bid_quantities, low)
    asks = asks_around(ask_ticks, ask_quantities, low)
    return settle(low, bids, asks, tie, reference)


@helper
def fill_by_time(ticks, quantities, sign, last, at_last, rest, filled):
    """Fill all better than `last`, and of those at it the first, `rest` units of `at_last`.

    Block by block: only one block holds the order at which `rest` is used up.

    Args:
        sign: int32, 1 for bids, -1 for asks: better is a higher sign * tick.
        last: int32, sign * the last tick served.
        filled: int32[orders], written.
    """
    for start in range(0, len(ticks), BLOCK):
        tick, quantity = ticks[start : start + BLOCK], quantities[start : start + BLOCK]
        units = filled[start : start + BLOCK]
        here = np.int64(0)
        if 0 < rest < at_last:
            for row in range(len(tick)):
                here += quantity[row] if sign * tick[row] == last else np.int32(0)
        served = np.int32(last if rest > 0 else last + 1)
        for row in range(len(tick)):
            units[row] = quantity[row] if sign * tick[row] >= served else np.int32(0)
        if rest < here:
            for row in range(len(tick)):
                if sign * tick[row] == last:
                    units[row] = np.int32(min(rest, np.int64(quantity[row])))
                    rest -= units[row]
        elif rest < at_last:
            rest -= here


@helper
def portion(quantity, rest, at_last):
    """int64: quantity * rest // at_last, exact though the product may not fit 64 bits.

    A float estimate is off by one at most, and the remainder, small, survives wrapping round.
    """
    units = np.int64(np.float64(quantity) * np.float64(rest) / np.float64(at_last))
    over = quantity * rest - units * at_last
    if over < 0:
        return units - 1
    return units + 1 if over >= at_last else units


@helper
def fill_pro_rata(ticks, quantities, sign, last, at_last, rest, filled):
    """As `fill_by_time`, but those at `last` share `rest` in proportion to what they want."""
    left = rest
    for row in range(len(ticks)):
        better = sign * ticks[row] > last
        filled[row] = quantities[row] if better else np.int32(0)
        if sign * ticks[row] == last and rest > 0:
            units = portion(np.int64(quantities[row]), rest, at_last)
            filled[row] = units
            left -= units
    row = 0
    while left > 0:
        if sign * ticks[row] == last and filled[row] < quantities[row]:
            filled[row] += np.int32(1)
            left -= 1
        row += 1


_COLUMN = int32[::1]


@kernel(
    void(
        _COLUMN, _COLUMN, _COLUMN, _COLUMN, int64, int64, int64, int64, int64,
        kernel_type(Scratch), int64[::1], _COLUMN, _COLUMN,
    )
)  # fmt: skip
def clear_into(
    bid_ticks, bid_quantities, ask_ticks, ask_quantities, first, end, tie, reference, ration,
    scratch, into, bids, asks,
):  # fmt: skip
    """Write the fields of a Result and the units filled."""
    found = uniform_price(
        bid_ticks, bid_quantities, ask_ticks, ask_quantities, first, end, tie, reference, scratch
    )
    _, _, low, at_low, some_low, at_high, some_high = found
    into[0], into[1], into[2], into[3], into[4], into[5], into[6] = found
    if found[1] == 0:
        bids[:] = 0
        asks[:] = 0
        return
    one, low = np.int32(1), np.int32(low)
    high = np.int32(-low - 1)
    if ration == TIME:
        fill_by_time(bid_ticks, bid_quantities, one, low, at_low, some_low, bids)
        fill_by_time(ask_ticks, ask_quantities, np.int32(-1), high, at_high, some_high, asks)
    else:
        fill_pro_rata(bid_ticks, bid_quantities, one, low, at_low, some_low, bids)
        fill_pro_rata(ask_ticks, ask_quantities, np.int32(-1), high, at_high, some_high, asks)


def clear(
    bid_ticks: Array,
    bid_quantities: Array,
    ask_ticks: Array,
    ask_quantities: Array,
    *,
    ticks: tuple[int, int] | None = None,
    tie: int = MIDDLE,
    reference: int = 0,
    ration: int = TIME,
) -> tuple[Result, Array, Array]:
    """Hold an auction.

    Args:
        bid_ticks, bid_quantities, ask_ticks, ask_quantities: int32, contiguous, in order of time.
        ticks: lowest and highest tick there may be, when known: saves a look at all of them.
        tie: LOWEST, HIGHEST, MIDDLE, NEAREST (to `reference`, a tick) or PRESSURE.
        ration: TIME or PRO_RATA.

    Returns:
        How it cleared; int32 units filled of each bid and of each ask.

    Raises:
        ValueError: a tick or quantity out of its range, where `ticks` is not given.
    """
    if ticks is None:
        ticks = _range(bid_ticks, bid_quantities, ask_ticks, ask_quantities)
    found = np.empty(len(Result._fields), np.int64)
    bids, asks = np.empty_like(bid_ticks), np.empty_like(ask_ticks)
    clear_into(
        bid_ticks, bid_quantities, ask_ticks, ask_quantities, ticks[0], ticks[1] + 1, tie,
        reference, ration, Scratch(*np.empty((2, BINS + 1), np.int64)), found, bids, asks,
    )  # fmt: skip
    return Result(*found.tolist()), bids, asks


def _range(*columns: Array) -> tuple[int, int]:
    """Lowest and highest tick of ticks, quantities, ticks, quantities."""
    ticks = np.array([(c.min(), c.max()) for c in columns[::2] if len(c)] or [(0, 0)])
    fewest = min((int(c.min()) for c in columns[1::2] if len(c)), default=1)
    low, high = int(ticks[:, 0].min()), int(ticks[:, 1].max())
    if low < 0 or high > TICK_MAX:
        raise ValueError(f"ticks from {low} to {high}: must be from 0 to {TICK_MAX}")
    if fewest < 1:
        raise ValueError(f"quantities from {fewest}: must be from 1")
    return low, high
