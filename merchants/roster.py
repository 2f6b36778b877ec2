"""Merchants as arrays: one table for those in a city, those under way and those who have left.

Places are numbers into the one list of city names that a process keeps, so that a merchant's
beliefs need no translation when he walks from one of its cities to another.
"""

from typing import Annotated, NamedTuple

import numpy as np

from engine.economy import Stalls
from engine.kernels import helper, inlined
from engine.tables import Array, Column, allocate, resized
from merchants.genome import NEUTRAL, TRAITS


class Merchants(NamedTuple):
    """One row a merchant."""

    birthplace: Annotated[Array, Column("i8", "merchants", "place of his founding")]
    number: Annotated[Array, Column("i8", "merchants", "counted there; with birthplace his id")]
    money_minor: Annotated[Array, Column("i8", "merchants", "minor units")]
    good: Annotated[Array, Column("i8", "merchants", "the good he deals in")]
    owned: Annotated[Array, Column("i8", "merchants", "units of it")]
    capacity: Annotated[Array, Column("i8", "merchants", "units he can carry")]
    ask: Annotated[Array, Column("f8", "merchants", "of his stall, coins; infinite: shut")]
    place: Annotated[Array, Column("i8", "merchants", "of his stall in the row, -1: none")]
    tick: Annotated[Array, Column("i8", "merchants", "when he arrived here, or is due to arrive")]
    from_place: Annotated[Array, Column("i8", "merchants", "where he last came from")]
    to_place: Annotated[Array, Column("i8", "merchants", "where he is, or is bound for")]
    generation: Annotated[Array, Column("i8", "merchants", "foundings from the first to him")]
    ruined: Annotated[Array, Column("i8", "merchants", "acts in a row without a coin or goods")]
    stake_minor: Annotated[
        Array, Column("i8", "merchants", "brought from the network, minor units")
    ]
    genome: Annotated[Array, Column("f8", "merchants traits", "genes in [0, 1], 0.5: neutral")]
    expected_price: Annotated[
        Array, Column("f8", "merchants goods places", "coins; NaN: he has not heard")
    ]


class Roster(NamedTuple):
    """Merchants in the first `size` rows; the others are room to grow."""

    size: Annotated[Array, Column("i8", "1", "how many there are")]
    rows: Merchants


def empty(goods: int, places: int, capacity: int = 0) -> Roster:
    """A roster of nobody; whoever is put in is neutral unless his genes are set."""
    rows = allocate(Merchants, merchants=capacity, goods=goods, places=places, traits=len(TRAITS))
    rows.genome[:] = NEUTRAL
    return Roster(np.zeros(1, np.int64), rows)


def with_room(roster: Roster, merchants: int, places: int) -> Roster:
    """The roster, copied only if it has to grow, with rows and places for so many; new is NaN."""
    capacity, goods, known = roster.rows.expected_price.shape
    if capacity >= merchants and known >= places:
        return roster
    room = max(capacity, merchants + merchants // 4) if capacity < merchants else capacity
    rows = resized(roster.rows, merchants=room, goods=goods, places=max(known, places))
    rows.expected_price[:, :, known:] = np.nan
    return Roster(roster.size, rows)


def chosen(roster: Roster, rows: Array | slice) -> Roster:
    """A roster of some of the rows, in the order given: copies for row numbers, views for a slice.

    Args:
        roster: of whom.
        rows: int64 row numbers, or a slice; all of them below the roster's size.
    """
    picked = Merchants(*(column[rows] for column in roster.rows))
    return Roster(np.array([len(picked.number)]), picked)


def joined(rosters: list[Roster]) -> Roster:
    """One roster of all, in order; at least one, all of them with the same goods and places."""
    live = [chosen(roster, slice(0, roster.size[0])).rows for roster in rosters]
    rows = Merchants(*(np.concatenate(columns) for columns in zip(*live, strict=True)))
    return Roster(np.array([len(rows.number)]), rows)


@inlined
def stalls_of(rows):
    """engine.economy.Stalls: the columns that an economy sees, not copies."""
    return Stalls(rows.money_minor, rows.good, rows.owned, rows.ask, rows.place)


@helper
def copy_merchant(source, row, target, target_row):
    """Copy all columns of one merchant; tables of the same goods and places."""
    target.birthplace[target_row] = source.birthplace[row]
    target.number[target_row] = source.number[row]
    target.money_minor[target_row] = source.money_minor[row]
    target.good[target_row] = source.good[row]
    target.owned[target_row] = source.owned[row]
    target.capacity[target_row] = source.capacity[row]
    target.ask[target_row] = source.ask[row]
    target.place[target_row] = source.place[row]
    target.tick[target_row] = source.tick[row]
    target.from_place[target_row] = source.from_place[row]
    target.to_place[target_row] = source.to_place[row]
    target.generation[target_row] = source.generation[row]
    target.ruined[target_row] = source.ruined[row]
    target.stake_minor[target_row] = source.stake_minor[row]
    for trait in range(source.genome.shape[1]):
        target.genome[target_row, trait] = source.genome[row, trait]
    for good in range(source.expected_price.shape[1]):
        for place in range(source.expected_price.shape[2]):
            target.expected_price[target_row, good, place] = source.expected_price[row, good, place]


@helper
def vacate(roster, merchant):
    """Take a merchant's row out of the roster; the last fills it.

    Returns:
        bool: whether another merchant now has row `merchant`.
    """
    last = roster.size[0] - 1
    roster.size[0] = last
    if merchant == last:
        return False
    copy_merchant(roster.rows, last, roster.rows, merchant)
    return True
