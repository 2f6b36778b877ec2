"""A call auction: all orders of a good meet at once, at one price.

The price is the tick that trades most; of these, the one that leaves the smallest imbalance between
what is wanted and what is offered at it; of several neighbours that still tie, the rule named by
the caller decides. It is found by histograms that narrow down, 2,048 bins at a time, on the tick
where demand falls below supply: linear for any range of prices, without sorting. The side with too
much is served by price, and at its last price by time or pro rata, to the unit.

Called by programs and by tests; an economy's kernels call `uniform_price` themselves. The twin on a
GPU is `call_auction_torch`. Ticks are int32 from 0, quantities int32 from 1; sums are int64.
"""

from typing import NamedTuple

import numpy as np
from numba import int32, int64, void

from engine.kernels import helper, kernel
from engine.markets.uniform_price import BINS, MIDDLE, TICK_MAX, Scratch, uniform_price
from engine.tables import Array, kernel_type

TIME, PRO_RATA = 0, 1
"""How the last price of a side is served: who is first in the arrays first, whole; or each in
proportion, rounded down, and what then remains one unit each to the first."""

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
