"""A continuous order book: price-time priority, with owners, escrow and a log of trades.

Orders come in batches of arrays, one kernel call a batch. Prices are ticks of `tick_minor` minor
units; a trade is at the price of the order that was there first. What an order may cost is taken
from its owner when it comes to rest and kept in the book's escrow: a resting order can always
settle. Nobody trades with himself: where an order would meet one of its own owner, that one is
cancelled and the order goes on. Conserved to the unit: balances + escrow, money and goods each.

An order's number is a free row of the book that whoever sends it chooses; it is free again when the
order has ended. Balances are one array: owner o has money at 2 o, units at 2 o + 1, so that what an
order of a side gives lies at 2 o + side. Called by programs that trade, by benchmarks and by tests;
a city's own books are `engine.bazaar.exchange`.
"""

from typing import Annotated, NamedTuple

import numpy as np
from numba import int64, void

from engine.kernels import helper, inlined, kernel, part
from engine.markets.ladder import (
    BUY,
    SELL,
    Ladder,
    first_at,
    join,
    key_after,
    key_at,
    ladder_sizes,
    leave,
    owner_of,
    reduce,
    side_of,
    tick_of,
)
from engine.markets.orders import (
    ALL_OR_NONE,
    CANCEL,
    CANCELLED,
    CROSSING,
    DROPPED,
    FILLED,
    IN_USE,
    INVALID,
    KILLED,
    MARKET,
    NOW,
    PASSIVE,
    REPLACE,
    RESTING,
    UNCOVERED,
    UNKNOWN,
    Batch,
    Outcome,
    Trades,
)
from engine.money import post
from engine.prefetch import prefetch
from engine.tables import Array, Column, allocate, kernel_type

QUANTITY_MAX = 2**30
TICK_MINOR_MAX = 10**10
VALUE_MINOR_MAX = 2**62
"""Of one order: price times quantity never wraps round."""

LATER, SOON = 12, 6
"""How many orders ahead memory is asked for: about the time it takes to come from afar."""


class Book(NamedTuple):
    """One good's book."""

    ladder: Ladder
    escrow: Annotated[Array, Column("i8", "2", "money, minor units; units of the good")]
    tick_minor: Annotated[Array, Column("i8", "1", "minor units a tick")]
    quantity_max: Annotated[Array, Column("i8", "1", "units of one order")]


def found_book(levels: int, orders: int, tick_minor: int = 10_000) -> Book:
    """An empty book of ticks 1 to levels - 1; the default tick is 0.0001 coins.

    Args:
        levels: a multiple of 4096; memory is only used where orders have been.
        orders: how many can rest at a time, numbered from 0.
        tick_minor: minor units a tick.

    Raises:
        ValueError: a number out of its range.
    """
    sizes = ladder_sizes(levels, orders)
    if not 1 <= tick_minor <= TICK_MINOR_MAX:
        raise ValueError(f"tick_minor = {tick_minor}: must be from 1 to {TICK_MINOR_MAX}")
    ladder = allocate(Ladder, **sizes)
    ladder.best[:] = levels
    quantity_max = min(QUANTITY_MAX, VALUE_MINOR_MAX // ((levels - 1) * tick_minor))
    return Book(
        ladder, np.zeros(2, np.int64), np.array([tick_minor]), np.array([quantity_max], np.int64)
    )


@inlined
def held_for(side, tick, quantity, tick_minor):
    """int64: what a resting order holds in escrow, of what its side gives."""
    return quantity * (tick * tick_minor if side == BUY else 1)


@inlined
def withdraw(book, balances, order):
    """Cancel a resting order and give its owner back what it held."""
    ladder = book.ladder
    side = side_of(ladder, order)
    held = held_for(side, tick_of(ladder, order), ladder.rows[order, 0], book.tick_minor[0])
    post(book.escrow, side, balances, 2 * owner_of(ladder, order) + side, held)
    leave(ladder, order)


@helper
def offered(ladder, side, limit, owner, enough):
    """int64: units that others offer a side up to a limit key, counted no further than enough."""
    levels = len(ladder.resting)
    other = 1 - side
    key, units = ladder.best[other], np.int64(0)
    while key <= limit and units < enough:
        tick = key_at(levels, other, key)
        node = np.int64(ladder.links[tick, 0])
        while node != tick and units < enough:
            if owner_of(ladder, node - levels) != owner:
                units += ladder.rows[node - levels, 0]
            node = np.int64(ladder.links[node, 0])
        key = key_after(ladder, other, key)
    return units


@part
def match(book, balances, log, entry, side, owner, limit, left):
    """int64: units left of an order, having traded with the best of the other side up to a limit.

    Args:
        limit: the worst key, of the other side's, that it takes.
        left: units wanted.
    """
    ladder, escrow = book.ladder, book.escrow
    other = 1 - side
    while left > 0 and ladder.best[other] <= limit:
        tick = key_at(len(ladder.resting), other, ladder.best[other])
        maker = first_at(ladder, tick)
        whose = owner_of(ladder, maker)
        if whose == owner:
            withdraw(book, balances, maker)
            continue
        there = ladder.rows[maker, 0]
        units = min(left, there)
        price_minor = tick * book.tick_minor[0]
        if side == BUY and units * price_minor > balances[2 * owner]:
            units = balances[2 * owner] // price_minor  # a market order: others are covered
            if units == 0:
                break
        gives = held_for(side, tick, units, book.tick_minor[0])
        takes = held_for(other, tick, units, book.tick_minor[0])
        post(balances, 2 * owner + side, balances, 2 * whose + side, gives)
        post(escrow, other, balances, 2 * owner + other, takes)
        row = log.size[0]
        log.size[0] = row + 1
        log.entry[row] = entry
        log.order[row] = maker
        log.buyer[row] = owner if side == BUY else whose
        log.seller[row] = whose if side == BUY else owner
        log.tick[row] = tick
        log.quantity[row] = units
        if units == there:
            leave(ladder, maker)
        else:
            reduce(ladder, maker, units)
        left -= units
    return left


@part
def handle(book, balances, batch, outcome, log, entry):
    """int64: what became of one order of a batch."""
    ladder, escrow, tick_minor = book.ladder, book.escrow, book.tick_minor[0]
    kind, side = np.int64(batch.kind[entry]), np.int64(batch.side[entry])
    order, owner = np.int64(batch.order[entry]), np.int64(batch.owner[entry])
    tick, quantity = batch.tick[entry], batch.quantity[entry]
    levels = np.int64(len(ladder.resting))
    if order < 0 or order >= len(ladder.rows) or owner < 0 or 2 * owner >= len(balances):
        return INVALID
    there = ladder.rows[order, 0]
    if kind >= CANCEL:
        if there == 0 or owner_of(ladder, order) != owner:
            return UNKNOWN
        if kind == CANCEL:
            withdraw(book, balances, order)
            return CANCELLED
        side = side_of(ladder, order)
    elif there != 0:
        return IN_USE
    if kind == MARKET:
        tick = levels - 1 if side == BUY else np.int64(1)
    if kind > REPLACE or side > SELL or tick < 1 or tick >= levels:
        return INVALID
    if quantity < 1 or quantity > book.quantity_max[0]:
        return INVALID
    account = 2 * owner + side
    may_give = held_for(side, tick, quantity, tick_minor)
    if kind == REPLACE:
        held = held_for(side, tick_of(ladder, order), there, tick_minor)
        if may_give > balances[account] + held:
            return UNCOVERED
        if tick == tick_of(ladder, order) and quantity <= there:
            post(escrow, side, balances, account, held - may_give)
            reduce(ladder, order, there - quantity)
            return RESTING
        withdraw(book, balances, order)
    elif may_give > balances[account] and (kind != MARKET or side == SELL):
        return UNCOVERED
    limit = key_at(levels, 1 - side, tick)
    if kind == ALL_OR_NONE and offered(ladder, side, limit, owner, quantity) < quantity:
        return KILLED
    if kind == PASSIVE and ladder.best[1 - side] <= limit:
        return CROSSING
    left = match(book, balances, log, entry, side, owner, limit, quantity)
    outcome.filled[entry] = quantity - left
    if left == 0:
        return FILLED
    if kind in (MARKET, NOW, ALL_OR_NONE):
        return DROPPED
    post(balances, account, escrow, side, held_for(side, tick, left, tick_minor))
    join(ladder, order, owner, side, tick, left)
    return RESTING


@part
def look_ahead(book, balances, batch, entry):
    """Have the memory that orders to come will touch brought near, while this one is handled.

    First an order's own row, its level and its owner's balances; by the time it is `SOON`, the
    neighbours in its ring. Numbers are not checked yet: a prefetch takes any address, and what is
    read here is checked.
    """
    ladder = book.ladder
    levels = len(ladder.resting)
    if entry + LATER < len(batch.kind):
        order = np.int64(batch.order[entry + LATER])
        tick = batch.tick[entry + LATER]
        prefetch(ladder.rows, order)
        prefetch(ladder.links, levels + order)
        prefetch(ladder.links, tick)
        prefetch(ladder.resting, tick)
        prefetch(balances, 2 * np.int64(batch.owner[entry + LATER]))
    if entry + SOON < len(batch.kind):
        node = batch.tick[entry + SOON]
        if batch.kind[entry + SOON] >= CANCEL:
            node = levels + np.int64(batch.order[entry + SOON])
        if 0 <= node < len(ladder.links):
            prefetch(ladder.links, np.int64(ladder.links[node, 0]))
            prefetch(ladder.links, np.int64(ladder.links[node, 1]))


_BOOK, _BALANCES = kernel_type(Book), int64[::1]


@kernel(void(_BOOK, _BALANCES, kernel_type(Batch), kernel_type(Outcome), kernel_type(Trades)))
def handle_all(book, balances, batch, outcome, log):
    """All orders of a batch, in order; see `submit`."""
    for entry in range(len(batch.kind)):
        look_ahead(book, balances, batch, entry)
        outcome.filled[entry] = 0
        outcome.status[entry] = handle(book, balances, batch, outcome, log, entry)


@kernel(int64(_BOOK, int64, int64[:, ::1]))
def depth_into(book, side, into):
    """int64: how many levels were written, best first: (tick, units, orders) each."""
    ladder = book.ladder
    levels = len(ladder.resting)
    key, row = ladder.best[side], np.int64(0)
    while key < levels and row < len(into):
        tick = key_at(levels, side, key)
        into[row, 0], into[row, 1], into[row, 2] = tick, ladder.resting[tick], 0
        node = np.int64(ladder.links[tick, 0])
        while node != tick:
            into[row, 2] += 1
            node = np.int64(ladder.links[node, 0])
        row += 1
        key = key_after(ladder, side, key)
    return row


def submit(
    book: Book, balances: Array, batch: Batch, log: Trades | None = None
) -> tuple[Outcome, Trades]:
    """Handle a batch of orders, in order.

    Args:
        book: changed in place.
        balances: int64[2 owners], changed in place; owner o has money, minor units, at 2 o and
            units of the good at 2 o + 1.
        batch: the orders.
        log: where trades are written, over what it holds; made where missing or too short.

    Returns:
        What became of each order, and the log of trades.
    """
    most = len(batch.kind) + len(book.ladder.rows)  # each trade ends one who came or one who was
    if log is None or len(log.tick) < most:
        log = allocate(Trades, trades=most)
    log.size[0] = 0
    count = len(batch.kind)
    outcome = Outcome(np.empty(count, np.uint8), np.empty(count, np.int64))
    handle_all(book, balances, batch, outcome, log)
    return outcome, log


def depth(book: Book, side: int, levels: int) -> Array:
    """int64[<= levels, 3]: tick, units and orders of a side's best levels, best first."""
    rows = np.empty((levels, 3), np.int64)
    return rows[: depth_into(book, side, rows)]


def top(book: Book) -> Array:
    """int64[2, 2]: tick and units of the best bid and the best ask; zeros where there is none."""
    best = [depth(book, side, 1) for side in (BUY, SELL)]
    return np.stack([rows[0, :2] if len(rows) else np.zeros(2, np.int64) for rows in best])
