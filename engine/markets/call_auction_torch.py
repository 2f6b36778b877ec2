"""The call auction of `call_auction` on whatever torch runs on: the same prices, the same fills.

For markets of a size that only a GPU makes light: a few passes over the orders, nothing sorted, and
four numbers brought back to the host. torch is imported when called, never before. Called by
programs and benchmarks that were given a device; knows no economy.
"""

from typing import Any

from engine.markets.call_auction import TIME, Result
from engine.markets.uniform_price import MIDDLE, settle

BINS_BITS = 16
EXACT_MAX = 2**53
"""Whole numbers up to here are exact in float64, in which torch counts fastest."""


def clear(
    bid_ticks: Any,
    bid_quantities: Any,
    ask_ticks: Any,
    ask_quantities: Any,
    *,
    ticks: tuple[int, int],
    tie: int = MIDDLE,
    reference: int = 0,
    ration: int = TIME,
) -> tuple[Result, Any, Any]:
    """Hold an auction where the tensors are.

    Args:
        bid_ticks, bid_quantities, ask_ticks, ask_quantities: int32 tensors of one device, in order
            of time; ticks within `ticks`, quantities from 1.
        ticks: lowest and highest tick there may be.
        tie, reference, ration: as for `call_auction.clear`.

    Returns:
        How it cleared; int32 tensors of the units filled of each bid and of each ask.
    """
    import torch

    bids, asks = (bid_ticks, bid_quantities), (ask_ticks, ask_quantities)
    result = price(bids, asks, ticks, tie, reference)
    low = result.low
    if result.volume == 0:
        return result, torch.zeros_like(bid_ticks), torch.zeros_like(ask_ticks)
    at_low, some_low = result.bids_at_low, result.bids_filled_at_low
    at_high, some_high = result.asks_at_high, result.asks_filled_at_high
    filled = (
        _fill(*bids, bid_ticks > low, bid_ticks == low, at_low, some_low, ration),
        _fill(*asks, ask_ticks <= low, ask_ticks == low + 1, at_high, some_high, ration),
    )
    return result, *filled


def missing(device: str) -> str:
    """What is wanting before a device can be used; empty: nothing.

    Args:
        device: "cuda" or "mps".
    """
    try:
        import torch
    except ImportError:
        return "torch is an extra: pip install 'city-node[torch]'"
    found = torch.cuda if device == "cuda" else torch.backends.mps
    return "" if found.is_available() else "torch finds none on this machine"


def price(
    bids: tuple[Any, Any],
    asks: tuple[Any, Any],
    ticks: tuple[int, int],
    tie: int = MIDDLE,
    reference: int = 0,
) -> Result:
    """How an auction clears, without the fills; as `clear`, each side as (ticks, quantities)."""
    if not len(bids[0]) or not len(asks[0]):
        return Result(-1, 0, ticks[0] - 1, 0, 0, 0, 0)
    low = _crossing(bids, asks, *ticks)
    found = settle.py_func(low, _bids_around(*bids, low), _asks_around(*asks, low), tie, reference)
    return Result(*found)


def _gather(ticks: Any, quantities: Any, first: int, shift: int, width: int) -> Any:
    """int64[width]: units in bins of 2**shift ticks from tick `first`; others are left out."""
    import torch

    places = (ticks.long() - first) >> shift
    places = torch.where((places >= 0) & (places < width), places, width)
    if ticks.device.type != "mps" and len(ticks) * 2**31 <= EXACT_MAX:
        return torch.bincount(places, quantities.double(), width + 1)[:width].long()
    bins = torch.zeros(width + 1, dtype=torch.int64, device=ticks.device)
    return bins.index_add_(0, places, quantities.long())[:width]


def _crossing(bids: tuple[Any, Any], asks: tuple[Any, Any], first: int, last: int) -> int:
    """The highest tick with demand not below supply; narrows down as `call_auction.crossing`."""
    end, shift = last + 1, 0
    while (end - first) >> shift > 1 << BINS_BITS:
        shift += BINS_BITS
    above = below = 0
    while True:
        width = min(1 << BINS_BITS, ((end - first - 1) >> shift) + 1)
        wanted = _gather(*bids, first, shift, width)
        offered = _gather(*asks, first, shift, width)
        demand = above + wanted.flip(0).cumsum(0).flip(0)
        supply = below + offered.cumsum(0)
        if shift == 0:
            return first - 1 + int((demand >= supply).sum())
        found = max(0, int((demand >= supply - offered).sum()) - 1)
        above = int(demand[found] - wanted[found])
        below = int(supply[found] - offered[found])
        first += found << shift
        end = min(end, first + (1 << shift))
        shift -= BINS_BITS


def _bids_around(ticks: Any, quantities: Any, low: int) -> tuple[int, int, int, int]:
    units = quantities.long()
    return (
        int((units * (ticks >= low)).sum()),
        int((units * (ticks > low)).sum()),
        int(ticks.where(ticks < low, -1).max()),
        int(ticks.where(ticks > low, 2**31 - 1).min()),
    )


def _asks_around(ticks: Any, quantities: Any, low: int) -> tuple[int, int, int, int]:
    units = quantities.long()
    return (
        int((units * (ticks <= low)).sum()),
        int((units * (ticks <= low + 1)).sum()),
        int(ticks.where(ticks <= low, -1).max()),
        int(ticks.where(ticks > low + 1, 2**31 - 1).min()),
    )


def _fill(
    ticks: Any, quantities: Any, better: Any, at: Any, at_last: int, rest: int, ration: int
) -> Any:
    """int32 units: all of the better, and `rest` of the `at_last` wanted at the last price."""
    import torch

    if rest in (0, at_last):
        return quantities * (better | at if rest else better)
    here = (quantities * at).long()
    if ration == TIME:
        before = here.cumsum(0) - here
        share = (rest - before).clamp(min=0).minimum(here)
    else:
        share = _portions(here, rest, at_last)
        takes_one = at & (share < here)
        left = rest - int(share.sum())
        share += takes_one & (takes_one.cumsum(0) <= left)
    return torch.where(better, quantities, share.to(ticks.dtype))


def _portions(wanted: Any, rest: int, at_last: int) -> Any:
    """int64: wanted * rest // at_last, exact though products wrap round, as in `portion`."""
    if int(wanted.max()) * rest < 2**63:
        return wanted * rest // at_last
    share = (wanted.double() * rest / at_last).long()
    over = wanted * rest - share * at_last
    return share - (over < 0).long() + (over >= at_last).long()
