"""The call auction as its definition: every tick tried, in plain numpy."""

import numpy as np

from engine.markets.call_auction import TIME
from engine.markets.uniform_price import HIGHEST, LOWEST, MIDDLE, NEAREST, PRESSURE


def demand(bids, tick) -> int:
    return int(bids[1][bids[0] >= tick].sum())


def supply(asks, tick) -> int:
    return int(asks[1][asks[0] <= tick].sum())


def best_ticks(bids, asks, first, last) -> list[int]:
    """All ticks that trade most and, of these, leave the smallest imbalance."""
    curves = [(t, demand(bids, t), supply(asks, t)) for t in range(first, last + 1)]
    most = max(min(d, s) for _, d, s in curves)
    if most == 0:
        return []
    least = min(abs(d - s) for _, d, s in curves if min(d, s) == most)
    return [t for t, d, s in curves if min(d, s) == most and abs(d - s) == least]


def price(bids, asks, first, last, tie, reference) -> int:
    ticks = best_ticks(bids, asks, first, last)
    if not ticks:
        return -1
    assert ticks == list(range(ticks[0], ticks[-1] + 1)), "neighbours"
    surpluses = {np.sign(demand(bids, t) - supply(asks, t)) for t in ticks}
    if tie == PRESSURE:
        tie = {frozenset({1}): HIGHEST, frozenset({-1}): LOWEST}.get(frozenset(surpluses), MIDDLE)
    return {
        LOWEST: ticks[0],
        HIGHEST: ticks[-1],
        MIDDLE: (ticks[0] + ticks[-1]) // 2,
        NEAREST: min(max(reference, ticks[0]), ticks[-1]),
    }[tie]


def fills(ticks, quantities, volume, sign, ration) -> list[int]:
    """Units of each order: best price first, the last price by time or pro rata."""
    filled = [0] * len(ticks)
    for tick in sorted(set(ticks.tolist()), reverse=sign > 0):
        at = [i for i in range(len(ticks)) if ticks[i] == tick]
        wanted = sum(int(quantities[i]) for i in at)
        here = min(wanted, volume)
        volume -= here
        if ration == TIME:
            for i in at:
                filled[i] = min(int(quantities[i]), here)
                here -= filled[i]
        elif wanted:
            for i in at:
                filled[i] = int(quantities[i]) * here // wanted
            rest = here - sum(filled[i] for i in at)
            for i in [i for i in at if filled[i] < quantities[i]][:rest]:
                filled[i] += 1
    return filled
