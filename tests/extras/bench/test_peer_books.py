"""The order book against a foreign one: after the same flow, the same book."""

import limit_order_book
import numpy as np

from engine.markets.ladder import BUY, SELL
from engine.markets.order_book import depth, submit
from engine.markets.orders import CANCEL
from tools.bench.order_flow import book_and_balances, record, unique


def test_limit_order_book_ends_with_the_same_levels():
    """Cancels of orders that their owner's own crossing order took out are its only difference."""
    flow = record(3000, 60_000, seed=5, owners_apart=True)
    book, balances = book_and_balances(flow.numbers)
    peer = limit_order_book.LimitOrderBook()
    for batch, numbers in zip((flow.filling, flow.orders), unique(flow), strict=True):
        outcome, _ = submit(book, balances, batch)
        assert outcome.status.max() <= 3, "nothing refused"
        rows = zip(batch.kind, batch.side, batch.tick, batch.quantity, numbers, strict=True)
        for kind, side, tick, quantity, number in (map(int, row) for row in rows):
            if kind == CANCEL:
                peer.cancel(number)
            elif side == BUY:
                peer.limit_buy(number, quantity, tick)
            else:
                peer.limit_sell(number, quantity, tick)
    for side, volume in ((BUY, peer.volume_buy), (SELL, peer.volume_sell)):
        levels = depth(book, side, 10**5)
        assert len(levels) > 500
        assert levels[0, 0] == (peer.best_buy() if side == BUY else peer.best_sell())
        assert [volume(int(tick)) for tick in levels[:, 0]] == levels[:, 1].tolist()
        assert [peer.count_at(int(tick)) for tick in levels[:, 0]] == levels[:, 2].tolist()
        assert volume() == levels[:, 1].sum()
    assert np.isin(balances[1::2].sum() + book.escrow[1], balances.size // 2 * 2**40)
