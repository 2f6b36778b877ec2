"""The uniform price of a call auction, found by histograms that narrow down; no order is sorted.

Let `low` be the highest tick at which demand (units bid at it or above) is not below supply (units
asked at it or below), and `high` = low + 1. Whatever price is named, the bids above `low` and the
asks below `high` are filled; so much of those at `low` or at `high` as evens out the two.

Called by `call_auction` and by economies' kernels. Ticks and quantities are int32 arrays, ticks
from 0, quantities from 1; sums are int64.
"""

from typing import Annotated, NamedTuple

import numpy as np

from engine.kernels import helper
from engine.tables import Array, Column

LOWEST, HIGHEST, MIDDLE, NEAREST, PRESSURE = range(5)
"""Ties: the lowest or highest of the prices; the one in the middle, rounded down; the one nearest
to a reference price; the highest where more is wanted than offered, the lowest where less, else the
one in the middle."""

TICK_MAX = 2**31 - 2
BINS_BITS_MAX = 11
BINS = 2**BINS_BITS_MAX
"""2,048 bins a side fit the fastest cache."""


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
