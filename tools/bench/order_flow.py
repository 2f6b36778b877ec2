"""A recorded flow of orders for benchmarks of books: 60 % adds near the touch, 30 % cancels, 10 %
marketable, over about 1,000 levels a side.

Recorded by running it through our own book once, so that every cancel finds its order and numbers
are reused as a program would: the one that ended last first. What was refused is left out. `unique`
numbers every order anew, for peers that want a number once.
"""

from typing import NamedTuple

import numpy as np

from engine.markets.ladder import BUY, SELL
from engine.markets.order_book import Book, found_book, submit, top
from engine.markets.orders import CANCEL, KILLED, LIMIT, Batch
from engine.tables import Array, allocate

LEVELS_A_SIDE = 1000
MIDDLE = 500_000
LADDER_LEVELS = 2**20
OWNERS = 1000
MONEY_MINOR, UNITS = 2**52, 2**40
PIECE = 1024


class Flow(NamedTuple):
    """What fills a book, and what then comes."""

    filling: Batch
    orders: Batch
    numbers: int


def book_and_balances(numbers: int) -> tuple[Book, Array]:
    """An empty book and balances that cover whatever the flow asks."""
    book = found_book(LADDER_LEVELS, numbers)
    return book, np.tile(np.array([MONEY_MINOR, UNITS]), OWNERS)


def record(resting: int, count: int, seed: int = 1, owners_apart: bool = False) -> Flow:
    """A flow of about `count` orders over a book of about `resting`.

    Args:
        resting, count, seed: how much, and which.
        owners_apart: owners with even numbers buy, the others sell: nobody meets himself, as in
            books that do not know owners.
    """
    random = np.random.default_rng(seed)
    numbers = 2 * resting + 4 * PIECE
    book, balances = book_and_balances(numbers)
    filling = _filling(random, resting)
    if owners_apart:
        filling.owner[:] = filling.owner // 2 * 2 + filling.side
    submit(book, balances, filling)
    free = list(range(numbers - 1, resting - 1, -1))
    recorded: list[Batch] = []
    log = None
    for _ in range(-(-count // PIECE)):
        batch = _piece(random, book, free, resting)
        if owners_apart:
            adds = batch.kind == LIMIT
            batch.owner[adds] = batch.owner[adds] // 2 * 2 + batch.side[adds]
        before = book.ladder.rows[:, 0] > 0
        outcome, log = submit(book, balances, batch, log)
        kept = outcome.status < KILLED
        recorded.append(Batch(*(column[kept] for column in batch)))
        ended = np.flatnonzero(before & (book.ladder.rows[:, 0] == 0))
        used = batch.order[(batch.kind == LIMIT) & (book.ladder.rows[batch.order, 0] == 0)]
        free += [*ended.tolist(), *used.tolist()]
    joined = Batch(*(np.concatenate(columns) for columns in zip(*recorded, strict=True)))
    return Flow(filling, joined, numbers)


def _filling(random: np.random.Generator, resting: int) -> Batch:
    batch = allocate(Batch, batch=resting)
    batch.side[:] = np.arange(resting) % 2
    batch.order[:] = np.arange(resting)
    batch.owner[:] = random.integers(0, OWNERS, resting)
    away = random.integers(1, LEVELS_A_SIDE + 1, resting)
    batch.tick[:] = np.where(batch.side == BUY, MIDDLE - away, MIDDLE + away)
    batch.quantity[:] = random.integers(1, 100, resting)
    return batch


def _piece(random: np.random.Generator, book: Book, free: list[int], resting: int) -> Batch:
    """The next orders; marketable ones are as large as keeps about `resting` in the book."""
    batch = allocate(Batch, batch=PIECE)
    live = np.flatnonzero(book.ladder.rows[:, 0])
    what = random.random(PIECE)
    cancels = np.flatnonzero(what < 0.3)
    adds = np.flatnonzero(what >= 0.3)
    batch.kind[cancels] = CANCEL
    chosen = random.choice(live, len(cancels), replace=False)
    batch.order[cancels] = chosen
    batch.owner[cancels] = book.ladder.rows[chosen, 1] >> 32
    batch.order[adds] = [free.pop() for _ in adds]
    batch.owner[adds] = random.integers(0, OWNERS, len(adds))
    batch.side[adds] = random.integers(0, 2, len(adds))
    bid, ask = top(book)[:, 0]
    away = random.integers(1, LEVELS_A_SIDE + 1, PIECE)
    middle = (bid + ask) // 2
    passive = np.where(batch.side == BUY, middle - away, middle + away)
    through = np.where(batch.side == BUY, ask + LEVELS_A_SIDE // 2, bid - LEVELS_A_SIDE // 2)
    marketable = what >= 0.9
    batch.tick[:] = np.where(marketable, through, passive)
    batch.tick[cancels] = 0
    batch.quantity[:] = random.integers(1, 100, PIECE)
    batch.quantity[marketable] *= max(1, round(3 * (len(live) / resting) ** 4))
    return batch


def unique(flow: Flow) -> tuple[Array, Array]:
    """int64: a number for each order of the filling and of the flow, no order sharing one."""
    current = np.full(flow.numbers, -1)
    result = []
    counter = 0
    for batch in (flow.filling, flow.orders):
        renamed = np.empty(len(batch.kind), np.int64)
        for entry, (kind, order) in enumerate(
            zip(batch.kind.tolist(), batch.order.tolist(), strict=True)
        ):
            if kind != CANCEL:
                current[order] = counter
                counter += 1
            renamed[entry] = current[order]
        result.append(renamed)
    return result[0], result[1]


__all__ = ["BUY", "SELL", "Flow", "book_and_balances", "record", "unique"]
