"""The loop of cities with call auctions that are cleared on another device, tick by tick.

A tick runs as in `advance_markets` up to its auctions. Those with orders enough to be worth the way
are priced by `engine.markets.call_auction_torch`, the others here by numba; both are then served by
one kernel, so that the history is the same on every device. Imported only for a city with such a
market on a node that was given a device. Knows no more of torch than its tensors.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import int64, uint64, void

from engine.bazaar.exchange import LEVELS
from engine.bazaar.orders import AUCTIONEER, settle_auction
from engine.bazaar.state import MarketBazaar
from engine.goods import CALL
from engine.kernels import kernel
from engine.markets.call_auction import clear
from engine.markets.call_auction_torch import price
from engine.markets.ladder import BUY, SELL
from engine.rng import agent_stream, draw, tick_key
from engine.tables import Array, kernel_type
from merchants.advance_markets import advance_markets
from merchants.roster import Roster, chosen, stalls_of

ORDERS_MIN = 1_000_000
"""Below so many a device's answer takes longer to ask for than to find: some forty passes over the
orders and ten answers awaited, 0.6 ms or more, in which numba prices 600,000."""


@kernel(void(kernel_type(MarketBazaar), kernel_type(Roster), uint64, int64, int64, int64[::1]))
def serve_auction(bazaar, roster, key, tick, good, found):
    """Settle the auction of one good at a tick; `found`: the fields of a Result."""
    bits = draw(agent_stream(tick_key(key, tick), AUCTIONEER), good)
    fields = (found[0], found[1], found[2], found[3], found[4], found[5], found[6])
    settle_auction(bazaar, stalls_of(roster.rows), good, fields, bits)


def loop_on(device: str) -> Callable[..., int]:
    """The loop for a device: called and returning as `advance_markets.advance_and_clear`."""

    def loop(*arguments: Any) -> int:
        bazaar, roster, roads, rules, lives, arrivals, departures, key, here, tick, ticks = (
            arguments
        )
        size = int(arrivals.size[0])
        for now in range(tick, tick + ticks):
            came = int(np.searchsorted(arrivals.rows.tick[:size], now)) if now > tick else 0
            due = chosen(arrivals, slice(came, size))
            ended = advance_markets(
                bazaar, roster, roads, rules, lives, due, departures, key, here, now, 1, False
            )
            if ended == now:
                return int(now)
            hold_auctions_on(device, bazaar, roster, key, now)
        return int(tick + ticks)

    return loop


def hold_auctions_on(
    device: str, bazaar: MarketBazaar, roster: Roster, key: np.uint64, tick: int
) -> None:
    """Clear every good's auction of a tick and serve it."""
    exchange = bazaar.exchange
    for good in np.flatnonzero(bazaar.goods.market == CALL).tolist():
        auction = int(exchange.number[good])
        bids, asks = (
            exchange.ticks[auction, side, : int(exchange.posted[auction, side])]
            for side in (BUY, SELL)
        )
        if len(bids) + len(asks) > 0:
            found = _result(device, bids, asks, exchange.ones)
            serve_auction(bazaar, roster, key, tick, good, np.array(found, np.int64))


def _result(device: str, bids: Array, asks: Array, ones: Array) -> tuple[int, ...]:
    """How an auction of single units clears, wherever that is quicker."""
    ticks = 1, LEVELS - 1
    if len(bids) + len(asks) < ORDERS_MIN:
        result, *_ = clear(bids, ones[: len(bids)], asks, ones[: len(asks)], ticks=ticks)
        return result
    import torch

    sides = [
        (
            torch.from_numpy(side).to(device),
            torch.ones(len(side), dtype=torch.int32, device=device),
        )
        for side in (bids, asks)
    ]
    return price(sides[0], sides[1], ticks)
