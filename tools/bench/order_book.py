"""The order book beside peers: one recorded flow, 60 % adds, 30 % cancels, 10 % marketable.

Orders a second on one core, our books in batches of 4,096 with owners, escrow and trade log. The
peers, fed one call an order as they take them, know neither; their rate is of a shorter flow over
as large a book. All must end with as many units resting, or the benchmark stops.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from engine.markets.ladder import BUY, SELL
from engine.markets.order_book import Book, depth, submit
from engine.markets.orders import CANCEL, Batch
from tools.bench.machine import core_seconds
from tools.bench.order_flow import Flow, book_and_balances, record, unique
from tools.bench.results import Peer, Result, Row, figure, row_of

RESTING = 22_000
RESTING_MANY = 500_000
ORDERS = 600_000
BATCHES = (1, 16, 256, 4096)
REPETITIONS = 9

EXPECTED = """
Of 22,000 orders at rest the rows are 16 bytes, the links 8, a level 16: 1 MB for two times as many
numbers, which the second cache just holds. An add reads 26 bytes of order, and touches its row, its
links, its level, the last in line and its owner: five lines. A cancel touches a neighbour more.
0.4 of a trade an order, each a line of log. About 90 instructions, one or two mispredicted
branches (what the order is; whether its level was empty): 30 ns, 33 M/s. Of 500,000 at rest little
is near: asked for 12 orders ahead, six lines from the third cache or memory cost 50 to 60 ns, 18
M/s. A call costs 2 µs of Python however few its orders.
"""


def measure(tell: Callable[[str, float], None]) -> Result:
    """Ours at two sizes and four lengths of batch, then the peers that are installed."""
    tell("recording", 0.0)
    flow = record(RESTING, ORDERS, owners_apart=True)
    rates = {}
    for number, batch in enumerate(BATCHES):
        tell(f"ours, {batch} a call", 0.1 + 0.05 * number)
        rates[batch] = ours(flow, batch, 30_000 if batch == 1 else ORDERS)
    peers = tuple(beside(tell))
    rows = [
        row_of(
            f"{figure(RESTING)} resting, 1,000 levels a side, {max(BATCHES):,} a call",
            rates[max(BATCHES)],
            "orders/s",
            peers=peers,
            goal=25e6,
            floor=12e6,
        ),
        *(row_of(f"the same, {batch} a call", rates[batch], "orders/s") for batch in BATCHES[:-1]),
    ]
    tell(f"{figure(RESTING_MANY)} resting", 0.8)
    many = ours(record(RESTING_MANY, ORDERS, owners_apart=True), max(BATCHES), ORDERS)
    rows.append(row_of(f"{figure(RESTING_MANY)} resting", many, "orders/s", goal=15e6))
    return Result("Order book", EXPECTED, tuple(rows), found(rows, peers))


def ours(flow: Flow, size: int, count: int) -> list[float]:
    """Orders a second of each repetition, in batches of `size`."""
    count = min(count, len(flow.orders.kind))
    starts = range(0, count, size)
    batches = [Batch(*(column[s : min(s + size, count)] for column in flow.orders)) for s in starts]
    rates, log = [], None
    for _ in range(REPETITIONS):
        book, balances = book_and_balances(flow.numbers)
        log = submit(book, balances, flow.filling)[1] if log is None else log
        if not book.ladder.rows.any():
            submit(book, balances, flow.filling, log)
        began = core_seconds()
        for batch in batches:
            submit(book, balances, batch, log)
        rates.append(count / (core_seconds() - began))
    return rates


def beside(tell: Callable[[str, float], None]) -> Iterator[Peer]:
    """Every peer that is installed, on a flow of its own length, checked at its end."""
    for number, (name, (count, feed)) in enumerate(PEERS.items()):
        tell(name, 0.4 + 0.1 * number)
        flow = record(RESTING, count, owners_apart=True)
        with suppress(ImportError):
            rate, theirs = feed(flow)
            book, balances = book_and_balances(flow.numbers)
            for batch in (flow.filling, flow.orders):
                submit(book, balances, batch)
            if theirs != units(book):
                raise AssertionError(f"{name}: {theirs} units rest, ours {units(book)}")
            yield Peer(name, rate, "beside")


def units(book: Book) -> int:
    """Units resting on both sides."""
    return int(sum(depth(book, side, 10**6)[:, 1].sum() for side in (BUY, SELL)))


def _rows(batch: Batch, numbers: Any) -> list[tuple[int, int, int, int, int]]:
    """(kind, side, tick, quantity, number) as Python numbers."""
    columns = (batch.kind, batch.side, batch.tick, batch.quantity, numbers)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _limit_order_book(flow: Flow) -> tuple[float, int]:
    """C++ behind ctypes."""
    from limit_order_book import LimitOrderBook

    book = LimitOrderBook()
    began = 0.0
    for batch, numbers in zip((flow.filling, flow.orders), unique(flow), strict=True):
        rows = _rows(batch, numbers)
        began = core_seconds()
        for kind, side, tick, quantity, number in rows:
            if kind == CANCEL:
                book.cancel(number)
            elif side == BUY:
                book.limit_buy(number, quantity, tick)
            else:
                book.limit_sell(number, quantity, tick)
    rate = len(flow.orders.kind) / (core_seconds() - began)
    return rate, book.volume_buy() + book.volume_sell()


def _light_matching_engine(flow: Flow) -> tuple[float, int]:
    """Plain Python; it numbers its orders itself."""
    from lightmatchingengine.lightmatchingengine import LightMatchingEngine, Side

    engine = LightMatchingEngine()
    sides = {BUY: Side.BUY, SELL: Side.SELL}
    theirs: dict[int, int] = {}
    began = 0.0
    for batch, numbers in zip((flow.filling, flow.orders), unique(flow), strict=True):
        rows = _rows(batch, numbers)
        began = core_seconds()
        for kind, side, tick, quantity, number in rows:
            if kind == CANCEL:
                engine.cancel_order(theirs[number], "good")
            else:
                theirs[number] = engine.add_order("good", tick, quantity, sides[side])[0].order_id
    rate = len(flow.orders.kind) / (core_seconds() - began)
    book = engine.order_books["good"]
    lines = [line for side in (book.bids, book.asks) for line in side.values()]
    return rate, int(sum(order.leaves_qty for line in lines for order in line))


def _order_matching(flow: Flow) -> tuple[float, int]:
    """Plain Python with prices and times as objects; its book is filled without matching."""
    from loguru import logger
    from order_matching.enums import Side
    from order_matching.matching_engine import MatchingEngine
    from order_matching.order import LimitOrder
    from order_matching.orders import Orders

    logger.disable("order_matching")
    engine = MatchingEngine(seed=1)
    book = engine.unprocessed_orders
    sides = {BUY: Side.BUY, SELL: Side.SELL}
    began = 0.0
    for batch, numbers in zip((flow.filling, flow.orders), unique(flow), strict=True):
        rows = _rows(batch, numbers)
        began = core_seconds()
        for kind, side, tick, quantity, number in rows:
            if kind == CANCEL:
                engine.cancel_order(str(number))
                continue
            order = LimitOrder(
                side=sides[side],
                price=tick,
                size=quantity,
                timestamp=START + timedelta(microseconds=number),
                order_id=str(number),
                trader_id="",
            )
            if batch is flow.filling:
                book.append(order)
            else:
                engine.place(Orders([order]))
                engine.match(order.timestamp)
    rate = len(flow.orders.kind) / (core_seconds() - began)
    levels = [*book.bids.values(), *book.offers.values()]
    return rate, int(sum(order.size for orders in levels for order in orders))


START = datetime(2000, 1, 1)

PEERS: dict[str, tuple[int, Callable[[Flow], tuple[float, int]]]] = {
    "limit-order-book 2.0 (C++, ctypes)": (40_000, _limit_order_book),
    "lightmatchingengine 2019.1": (40_000, _light_matching_engine),
    "order-matching 0.12": (1_000, _order_matching),
}
"""Each with about how many orders it is fed, and how."""


def found(rows: list[Row], peers: tuple[Peer, ...]) -> str:
    """What the figures say."""
    best = max((peer.value for peer in peers), default=float("nan"))
    return (
        f"An order takes {1e9 / rows[0].ours:.0f} ns, {rows[0].ours / best:.0f} times less than "
        f"with the best peer, and {1e9 / rows[-1].ours:.0f} ns among half a million at rest; "
        "expected were 30 and 55 ns. Ours is told a free number by whoever sends an order, where "
        "the peers look numbers up, and takes arrays, where they take a call an order: one order a "
        f"call, ours makes {figure(rows[1].ours)}/s. order-matching looks through its whole book "
        "for the number of every order."
    )
