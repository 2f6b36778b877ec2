"""Merchant lines of the wire into columns, by a kernel: what `protocol.bulk` may be given.

Reads lines as programs write them, field names and cities spelt as always and numbers within
bounds. Anything else (a name not met before, a repeated field, an escape, anything wrong) it leaves
to the careful decoder of `protocol.messages`, block by block: it may refuse what is right but never
accepts what the careful path would not, nor reads it otherwise. Called by
`city_node.network.travelway` through the connection. It must not know who the peer is.
"""

import json
from array import array
from functools import lru_cache
from math import nan

import numpy as np
from numba import boolean, float64, int64, types, uint8, uint64

from engine.kernels import helper, inlined, kernel, part
from engine.tables import Array
from merchants.decimals import NINE, ZERO, read_number
from protocol.bulk import Names
from protocol.events import Merchants
from protocol.limits import (
    CAPACITY_UNITS_MAX,
    GOODS_MAX,
    MINOR_PER_COIN,
    MONEY_COINS_MAX,
    MONEY_MINOR_MAX,
    PRICE_COINS_MAX,
)
from protocol.money import minor_units

FIELDS = ("Money", "BuysSells", "CarryingCapacity", "Owned", "ExpectedPrices", "genome")
MONEY, GOOD, CAPACITY, OWNED, PRICES, GENOME = range(len(FIELDS))

BLANK, TAB, RETURN = (np.uint8(ord(sign)) for sign in " \t\r")
QUOTE, COLON, COMMA, OPEN, CLOSE, NEWLINE = (np.uint8(ord(sign)) for sign in '":,{}\n')
WHOLE_FIGURES_MAX = 18
"""Digits of a whole number that is read: so many fit into 64 bits."""


def read_columns(
    block: bytes, lines: list[bytes], names: Names
) -> tuple[Merchants, set[str]] | None:
    """Read a block of lines, each with its newline.

    Args:
        block: all of them.
        lines: one by one, for whoever sends some back.
        names: what they may name.

    Returns:
        The merchants in the order of their lines and the goods that these name; None when there is
        any line that others must read.
    """
    text, ends, groups = _table(names)
    count = len(lines)
    known = len(names.goods)
    widths = len(names.cities), len(names.traits)
    whole = array("q", bytes(8 * 4 * count))
    prices = array("d", [nan]) * (count * known * widths[0])
    genes = array("d", [nan]) * (count * widths[1])
    coins = np.zeros(count)
    named = np.zeros(2, np.uint64)
    fits = read_lines(
        np.frombuffer(block, np.uint8),
        text,
        ends,
        groups,
        names.in_minor,
        coins,
        np.frombuffer(whole, np.int64).reshape(4, count),
        np.frombuffer(prices).reshape(count, known, widths[0]),
        np.frombuffer(genes).reshape(count, widths[1]),
        np.empty(widths[0]),
        named,
    )
    if not fits:
        return None
    if names.in_minor:
        money_minor, dust_minor = whole[3 * count :], 0.0
    else:
        money_minor, dust_minor = _minor_units(coins)
    has_genes = named[1] and not np.isnan(genes).all()
    merchants = Merchants(
        goods=names.goods,
        cities=names.cities,
        traits=names.traits if has_genes else (),
        money_minor=money_minor,
        good=whole[:count],
        capacity=whole[count : 2 * count],
        owned=whole[2 * count : 3 * count],
        prices=prices,
        genes=genes if has_genes else array("d"),
        lines=lines,
        dust_minor=dust_minor,
    )
    goods = _goods(names)
    return merchants, {good for number, good in enumerate(goods) if int(named[0]) >> number & 1}


def _minor_units(coins: Array) -> tuple["array[int]", float]:
    """As `protocol.money.minor_units`, whole minor units (all that our nodes send) at once."""
    scale = float(MINOR_PER_COIN)
    minor = np.rint(coins * scale)
    odd = np.flatnonzero(minor / scale != coins)
    column = array("q", minor.astype(np.int64).tobytes())
    rounded, dust_minor = minor_units(coins[odd].tolist())
    for row, amount in zip(odd.tolist(), rounded, strict=True):
        column[row] = amount
    return column, dust_minor


def _goods(names: Names) -> tuple[str, ...]:
    """Goods that a line may name, those known here first; as many as a set of bits holds."""
    return (*names.goods, *names.foreign)[:GOODS_MAX]


@lru_cache(maxsize=64)
def _table(names: Names) -> tuple[Array, Array, Array]:
    """The names as one text: uint8[], where each ends, and where each group of them begins."""
    fields = ("MoneyMinor", *FIELDS[1:]) if names.in_minor else FIELDS
    groups = (fields, _goods(names), names.cities, names.traits)
    # As they stand between quotes, so that a name with a quote in it is known with its escape.
    texts = [
        json.dumps(name, ensure_ascii=False)[1:-1].encode() for group in groups for name in group
    ]
    ends = np.cumsum([0, *map(len, texts)])
    firsts = np.cumsum([0, *map(len, groups)])
    return np.frombuffer(b"".join(texts), np.uint8).copy(), ends, firsts


# --- the kernel: `at` is a place in the text, -1 once the line does not fit ---


@inlined
def _skip_blanks(text, at):
    """int64: the next place that is not blank; a line's newline is not."""
    while text[at] == BLANK or text[at] == TAB or text[at] == RETURN:
        at += 1
    return at


@inlined
def _is(text, at, names, ends, number):
    """bool: whether a name stands here, between quotes."""
    first = ends[number]
    size = ends[number + 1] - first
    place = 0
    while place < size and text[at + 1 + place] == names[first + place]:
        place += 1
    return place == size and text[at + 1 + size] == QUOTE


@helper
def _name(text, at, names, ends, first, last, guess):
    """(number of a name in a group, the place behind its closing quote).

    Args:
        first, last: the group.
        guess: the number that is likely, tried first.
    """
    if text[at] != QUOTE:
        return -1, -1
    number = first + guess
    if number >= last or not _is(text, at, names, ends, number):
        number = first
        while number < last and not _is(text, at, names, ends, number):
            number += 1
        if number == last:
            return -1, -1
    return number - first, at + 2 + ends[number + 1] - ends[number]


@part
def _key(text, at, names, ends, first, last, guess):
    """(number of the name, the place of its value)."""
    number, at = _name(text, at, names, ends, first, last, guess)
    if number < 0:
        return -1, -1
    at = _skip_blanks(text, at)
    if text[at] != COLON:
        return -1, -1
    return number, _skip_blanks(text, at + 1)


@inlined
def _enter(text, at):
    """int64: the place behind an opening brace: of the first key, or of the closing brace."""
    return _skip_blanks(text, at + 1) if text[at] == OPEN else -1


@inlined
def _next(text, at):
    """int64: behind a value: the place of the next key, or of the closing brace."""
    at = _skip_blanks(text, at)
    if text[at] == COMMA:
        at = _skip_blanks(text, at + 1)
        return at if text[at] == QUOTE else -1
    return at if text[at] == CLOSE else -1


@helper
def _whole_number(text, at):
    """(int64, int64): a whole number without sign and where it ends."""
    number = 0
    first = at
    while text[at] >= ZERO and text[at] <= NINE:
        number = number * 10 + np.int64(text[at] - ZERO)
        at += 1
        if at - first > WHOLE_FIGURES_MAX:
            return 0, -1
    if at == first or (text[first] == ZERO and at > first + 1):
        return 0, -1
    return number, at


@helper
def _numbers(text, at, names, ends, first, last, lowest, highest, found):
    """int64: an object of named numbers within bounds into `found`; the place behind it."""
    at = _enter(text, at)
    guess = 0
    while at >= 0 and text[at] != CLOSE:
        number, at = _key(text, at, names, ends, first, last, guess)
        if number < 0:
            return -1
        value, at = read_number(text, at)
        if at < 0 or value < lowest or value > highest:
            return -1
        found[number] = value
        guess = number + 1
        at = _next(text, at)
    return at + 1 if at >= 0 else -1


@part
def _prices(text, at, names, ends, groups, row, prices, unused, named):
    """int64: the expected prices of one merchant; the place behind them."""
    at = _enter(text, at)
    guess = 0
    seen = np.uint64(0)
    while at >= 0 and text[at] != CLOSE:
        good, at = _key(text, at, names, ends, groups[1], groups[2], guess)
        if good < 0:
            return -1
        bit = np.uint64(1) << np.uint64(good)
        if seen & bit:  # of a good named twice only the last counts
            return -1
        seen |= bit
        found = prices[row, good] if good < prices.shape[1] else unused
        at = _numbers(
            text, at, names, ends, groups[2], groups[3], -PRICE_COINS_MAX, PRICE_COINS_MAX, found
        )
        if at < 0:
            return -1
        guess = good + 1
        at = _next(text, at)
    named[0] |= seen
    return at + 1 if at >= 0 else -1


@part
def _line(text, at, names, ends, groups, row, in_minor, coins, whole, prices, genes, unused, named):
    """int64: one line into a row; the place of the next line."""
    at = _enter(text, _skip_blanks(text, at))
    seen = guess = 0
    while at >= 0 and text[at] != CLOSE:
        name, at = _key(text, at, names, ends, groups[0], groups[1], guess)
        if name < 0 or seen >> name & 1:
            return -1
        seen |= 1 << name
        guess = name + 1
        if name == MONEY and in_minor:
            whole[3, row], at = _whole_number(text, at)
            if whole[3, row] > MONEY_MINOR_MAX:
                return -1
        elif name == MONEY:
            coins[row], at = read_number(text, at)
            if not 0.0 <= coins[row] <= MONEY_COINS_MAX:
                return -1
        elif name == GOOD:
            whole[0, row], at = _name(text, at, names, ends, groups[1], groups[2], 0)
            if at < 0 or whole[0, row] >= prices.shape[1]:
                return -1
            named[0] |= np.uint64(1) << np.uint64(whole[0, row])
        elif name == CAPACITY:
            whole[1, row], at = _whole_number(text, at)
        elif name == OWNED:
            whole[2, row], at = _whole_number(text, at)
        elif name == PRICES:
            at = _prices(text, at, names, ends, groups, row, prices, unused, named)
        else:
            at = _numbers(text, at, names, ends, groups[3], groups[4], 0.0, 1.0, genes[row])
            named[1] = 1
        if at < 0:
            return -1
        at = _next(text, at)
    if at < 0 or not seen >> GOOD & 1 or not 1 <= whole[1, row] <= CAPACITY_UNITS_MAX:
        return -1
    at = _skip_blanks(text, at + 1)
    return at + 1 if text[at] == NEWLINE and whole[2, row] <= whole[1, row] else -1


@kernel(
    boolean(
        types.Array(uint8, 1, "C", readonly=True),
        uint8[::1],
        int64[::1],
        int64[::1],
        boolean,
        float64[::1],
        int64[:, ::1],
        float64[:, :, ::1],
        float64[:, ::1],
        float64[::1],
        uint64[::1],
    )
)
def read_lines(text, names, ends, groups, in_minor, coins, whole, prices, genes, unused, named):
    """Read whole lines.

    Args:
        text: lines, each with its newline, which ends every loop here.
        names: the bytes of all names; name n ends where n + 1 begins: ends[n + 1].
        groups: first number of the fields, the goods, the cities and the traits, then of no more.
        in_minor: money is a whole number of minor units.
        coins: [lines], zeros; filled with money that is not.
        whole: [good, capacity, owned, money in minor units; lines], zeros; filled.
        prices: [lines, goods known, cities], NaN; filled where a line says one.
        genes: [lines, traits], NaN; likewise.
        unused: as long as there are cities; for goods not known.
        named: goods that lines name, as bits; and whether any line has a genome.

    Returns:
        Whether every line fits; what is filled counts only then.
    """
    at = 0
    for row in range(coins.size):
        at = _line(
            text, at, names, ends, groups, row, in_minor, coins, whole, prices, genes, unused, named
        )
        if at < 0:
            return False
    return at == text.size  # no line holds a newline within
