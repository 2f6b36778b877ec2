"""A ladder of prices: resting orders in price-time priority, over arrays. Knows no money.

Every tick of the ladder is a level, a ring of orders in the order in which they came. Ring links
live in one array: node `tick` is a level's own, node `levels + order` an order's, so that taking
an order out never asks whether it was the first or the last. A level is of one side at a time: what
crosses has traded. Three layers of 64-bit words say which levels hold orders, best first, so that
the next best price is three words away however far off it is.

Sides are 0 (buy) and 1 (sell). A *key* numbers a side's levels from its best possible price: a
sell's key is its tick, a buy's the tick counted from the top. An order is a number that whoever
sends it chooses, a free row: a city's residents use their own. Called by the order book and by
economies; everywhere `ladder` is a Ladder, numbers are int64.
"""

from typing import Annotated, NamedTuple

import numpy as np
from numba.cpython.unsafe.numbers import trailing_zeros

from engine.kernels import helper, inlined
from engine.tables import Array, Column

BUY, SELL = 0, 1

LAYER = 64 * 64
"""Levels come in multiples of this: one word of the second layer."""

LEVELS_MAX = 2**24
"""16 million ticks: 1,677 coins at a tick of 0.0001. Levels never used cost no memory."""

ORDERS_MAX = 2**30
"""What the packed columns hold."""


class Ladder(NamedTuple):
    """Resting orders. Nodes are levels + orders; rings of empty levels mean nothing."""

    links: Annotated[Array, Column("i4", "nodes 2", "the next and the previous node of a ring")]
    rows: Annotated[Array, Column("i8", "orders 2", "units left, 0: free; owner, tick and side")]
    resting: Annotated[Array, Column("i8", "levels", "units resting at the tick")]
    bits_0: Annotated[Array, Column("u8", "2 words_0", "by side, a bit a key: orders rest there")]
    bits_1: Annotated[Array, Column("u8", "2 words_1", "a bit a word of bits_0: it is not 0")]
    bits_2: Annotated[Array, Column("u8", "2 words_2", "a bit a word of bits_1: it is not 0")]
    best: Annotated[Array, Column("i8", "2", "by side, the lowest key with orders; levels: none")]


def ladder_sizes(levels: int, orders: int) -> dict[str, int]:
    """The named dimensions of a ladder, for `engine.tables.allocate`.

    Raises:
        ValueError: levels not a multiple of 4096, or too many.
    """
    if not 0 < levels <= LEVELS_MAX or levels % LAYER:
        raise ValueError(f"levels = {levels}: must be a multiple of {LAYER} up to {LEVELS_MAX}")
    if not 0 <= orders <= ORDERS_MAX:
        raise ValueError(f"orders = {orders}: must be from 0 to {ORDERS_MAX}")
    return {
        "levels": levels,
        "orders": orders,
        "nodes": levels + orders,
        "words_0": levels // 64,
        "words_1": levels // LAYER,
        "words_2": -(-levels // (64 * LAYER)),
    }


@inlined
def key_at(levels, side, tick):
    """int64: a side's key of a tick; and the tick of a key, for it is its own inverse."""
    return tick if side == SELL else levels - 1 - tick


@inlined
def owner_of(ladder, order):
    """int64: whose resting order it is."""
    return ladder.rows[order, 1] >> 32


@inlined
def tick_of(ladder, order):
    """int64: where an order rests."""
    return (ladder.rows[order, 1] & 0xFFFFFFFF) >> 1


@inlined
def side_of(ladder, order):
    """int64: the side of a resting order."""
    return ladder.rows[order, 1] & 1


@inlined
def bit_of(key):
    """uint64: a key's bit in its word."""
    return np.uint64(1) << np.uint64(key & 63)


@inlined
def first_at(ladder, tick):
    """int64: the order that came first to a tick where some rest."""
    return np.int64(ladder.links[tick, 0]) - len(ladder.resting)


@inlined
def join(ladder, order, owner, side, tick, quantity):
    """Rest an order, whose row is free, behind those at its tick; nothing there may cross it."""
    levels = len(ladder.resting)
    links = ladder.links
    node = levels + order
    ladder.rows[order, 0] = quantity
    ladder.rows[order, 1] = (owner << 32) | (tick << 1) | side
    before = ladder.resting[tick]
    ladder.resting[tick] = before + quantity
    links[node, 0] = tick
    if before == 0:
        links[node, 1] = tick
        links[tick, 0] = node
        links[tick, 1] = node
        open_level(ladder, side, key_at(levels, side, tick))
    else:
        last = np.int64(links[tick, 1])
        links[node, 1] = last
        links[last, 0] = node
        links[tick, 1] = node


@inlined
def leave(ladder, order):
    """Take a resting order out; its row is free afterwards."""
    levels = len(ladder.resting)
    links = ladder.links
    node = levels + order
    following, previous = np.int64(links[node, 0]), np.int64(links[node, 1])
    links[previous, 0] = following
    links[following, 1] = previous
    tick, side = tick_of(ladder, order), side_of(ladder, order)
    left = ladder.resting[tick] - ladder.rows[order, 0]
    ladder.resting[tick] = left
    ladder.rows[order, 0] = 0
    if left == 0:
        close_level(ladder, side, key_at(levels, side, tick))


@inlined
def reduce(ladder, order, units):
    """Take units off a resting order, fewer than it has; it keeps its turn."""
    ladder.rows[order, 0] -= units
    ladder.resting[tick_of(ladder, order)] -= units


@helper
def rename(ladder, order, other):
    """Give a resting order another number, whose row is free; it keeps owner, price and turn."""
    levels = len(ladder.resting)
    links = ladder.links
    for column in range(2):
        ladder.rows[other, column] = ladder.rows[order, column]
        links[levels + other, column] = links[levels + order, column]
    ladder.rows[order, 0] = 0
    links[links[levels + other, 1], 0] = levels + other
    links[links[levels + other, 0], 1] = levels + other


@inlined
def open_level(ladder, side, key):
    """Note that a level has orders now."""
    ladder.bits_0[side, key >> 6] |= bit_of(key)
    ladder.bits_1[side, key >> 12] |= bit_of(key >> 6)
    ladder.bits_2[side, key >> 18] |= bit_of(key >> 12)
    ladder.best[side] = min(ladder.best[side], key)


@inlined
def close_level(ladder, side, key):
    """Note that a level has no orders any more."""
    word = ladder.bits_0[side, key >> 6] & ~bit_of(key)
    ladder.bits_0[side, key >> 6] = word
    if word == 0:
        word = ladder.bits_1[side, key >> 12] & ~bit_of(key >> 6)
        ladder.bits_1[side, key >> 12] = word
        if word == 0:
            ladder.bits_2[side, key >> 18] &= ~bit_of(key >> 12)
    if ladder.best[side] == key:
        ladder.best[side] = best_key(ladder, side)


@inlined
def best_key(ladder, side):
    """int64: the lowest key with orders, found from the top layer down; levels where none has."""
    for top in range(ladder.bits_2.shape[1]):
        if ladder.bits_2[side, top] != 0:
            middle = (top << 6) | np.int64(trailing_zeros(ladder.bits_2[side, top]))
            low = (middle << 6) | np.int64(trailing_zeros(ladder.bits_1[side, middle]))
            return (low << 6) | np.int64(trailing_zeros(ladder.bits_0[side, low]))
    return np.int64(len(ladder.resting))


@inlined
def key_after(ladder, side, key):
    """int64: the lowest key with orders above `key`; levels where there is none."""
    levels = np.int64(len(ladder.resting))
    key += 1
    while key < levels:
        word = ladder.bits_0[side, key >> 6] >> np.uint64(key & 63)
        if word != 0:
            return key + np.int64(trailing_zeros(word))
        key = ((key >> 6) + 1) << 6
        if key < levels:
            word = ladder.bits_1[side, key >> 12] >> np.uint64((key >> 6) & 63)
            if word == 0:
                key = ((key >> 12) + 1) << 12
            else:
                key += np.int64(trailing_zeros(word)) << 6
    return levels
