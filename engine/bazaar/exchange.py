"""The bazaar's other markets, as arrays: goods that are traded by call auction or in an order book.

An order is for one unit. What it may cost, or the unit it offers, is held by the city while it
stands, out of sight of whoever posted it. Residents are agents 0 .. residents - 1, a merchant is
agent residents + his row; in a book that is also his order's number, for nobody has two orders for
one good. The orders of an auction live for one tick; those of a book until their owner acts again.

Founded with the bazaar's state; used by `engine.bazaar.orders`. Knows the markets' arrays alone.
"""

from collections.abc import Iterator
from typing import Annotated, NamedTuple

import numpy as np

from engine.goods import BOOK, CALL, Good, Goods, GoodsTable
from engine.kernels import inlined
from engine.markets.ladder import BUY, SELL, Ladder, ladder_sizes
from engine.markets.uniform_price import BINS
from engine.money import MINOR_PER_COIN
from engine.tables import Array, Column, allocate, resized

LEVELS = 2**18
RANGE = 16
"""A good's prices reach to so many times the highest base value there is; the tick follows from it.
One who would pay more bids the highest tick, one who asks more stays away."""

TICK_MINOR_MIN = 10_000


class Exchange(NamedTuple):
    """Books and auctions of the goods that have one. Columns from `links` to `best`: see Ladder."""

    number: Annotated[Array, Column("i8", "goods", "which book or auction is the good's")]
    tick_minor: Annotated[Array, Column("i8", "goods", "minor units a tick")]
    held_minor: Annotated[Array, Column("i8", "1", "money held for bids, minor units")]
    held: Annotated[Array, Column("i8", "goods", "units held for asks")]
    links: Annotated[Array, Column("i4", "books nodes 2", "next and previous node")]
    rows: Annotated[Array, Column("i8", "books orders 2", "units left; owner, tick and side")]
    resting: Annotated[Array, Column("i8", "books levels", "units")]
    bits_0: Annotated[Array, Column("u8", "books 2 words_0", "a bit a key")]
    bits_1: Annotated[Array, Column("u8", "books 2 words_1", "a bit a word")]
    bits_2: Annotated[Array, Column("u8", "books 2 words_2", "a bit a word")]
    best: Annotated[Array, Column("i8", "books 2", "lowest key with orders")]
    posted: Annotated[Array, Column("i8", "auctions 2", "orders in this tick's auction, by side")]
    ticks: Annotated[Array, Column("i4", "auctions 2 agents", "their prices")]
    agents: Annotated[Array, Column("i4", "auctions 2 agents", "whose they are")]
    ones: Annotated[Array, Column("i4", "agents", "1: every order is for one unit")]
    bids: Annotated[Array, Column("i8", "bins", "scratch of the auctions")]
    asks: Annotated[Array, Column("i8", "bins", "scratch of the auctions")]


def found_exchange(goods: Goods, table: GoodsTable, agents: int) -> Exchange:
    """The markets of a new city, empty; no memory for goods that are haggled over."""
    books, auctions = (np.cumsum(table.market == kind) for kind in (BOOK, CALL))
    exchange = allocate(
        Exchange,
        **ladder_sizes(LEVELS, agents if books[-1] else 0),
        goods=len(goods),
        books=int(books[-1]),
        auctions=int(auctions[-1]),
        agents=agents if auctions[-1] else 0,
        bins=BINS + 1 if auctions[-1] else 0,
    )
    exchange.number[:] = np.where(table.market == BOOK, books, auctions) - 1
    exchange.tick_minor[:] = [tick_for(good) for good in goods.values()]
    exchange.best[:] = LEVELS
    exchange.ones[:] = 1
    return exchange


def tick_for(good: Good) -> int:
    """Minor units: the least of 1, 2, 5, 10, 20 ... times 0.0001 coins that gives the range."""
    needed = RANGE * good.base_value[1] * MINOR_PER_COIN / (LEVELS - 1)
    ticks = (TICK_MINOR_MIN * step * 10**power for power in range(13) for step in (1, 2, 5))
    return next(tick for tick in ticks if tick >= needed)


def exchange_with_room(exchange: Exchange, agents: int) -> Exchange:
    """The exchange, copied only if it has to grow, with room for the orders of so many agents."""
    books, orders, _ = exchange.rows.shape
    auctions, _, room = exchange.agents.shape
    if (books and orders < agents) or (auctions and room < agents):
        more = agents + agents // 4
        orders, callers = more if books else 0, more if auctions else 0
        exchange = resized(exchange, orders=orders, nodes=LEVELS + orders, agents=callers)
        exchange.ones[:] = 1
    return exchange


@inlined
def ladder_of(exchange, book):
    """Ladder: one of the books, not a copy."""
    return Ladder(
        exchange.links[book],
        exchange.rows[book],
        exchange.resting[book],
        exchange.bits_0[book],
        exchange.bits_1[book],
        exchange.bits_2[book],
        exchange.best[book],
    )


def book_of(exchange: Exchange, good: int) -> Ladder:
    """A good's book, which must have one, for Python to look into."""
    tables = (getattr(exchange, name)[exchange.number[good]] for name in Ladder._fields)
    return Ladder(*tables)


def live_orders(exchange: Exchange, table: GoodsTable) -> Iterator[Array]:
    """What is held, and all that rests in the books, in priority."""
    from engine.markets.listing import orders_into  # compiled when somebody has a book

    yield exchange.held_minor
    yield exchange.held
    for good in np.flatnonzero(table.market == BOOK):
        ladder = book_of(exchange, int(good))
        into = np.empty((np.count_nonzero(ladder.rows[:, 0]), 3), np.int64)
        for side in (BUY, SELL):
            yield into[: orders_into(ladder, side, into)].copy()
