"""A city's merchants as Python holds them between windows: roster, roads, and who left.

Made by `city_node.city`; its arrays go into the fused loops.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import numpy as np

from engine.goods import Goods, check
from engine.money import MINOR_PER_COIN, MONEY_MINOR_MAX
from engine.tables import Array, Column, packed
from merchants.params import Parameters, Rules
from merchants.roster import Roster, empty, with_room

ROOM_UNLIMITED = 2**62
"""On a road inside the process: nobody is ever sent home for want of room."""


class Roads(NamedTuple):
    """The roads out of a city, in the order in which merchants consider them."""

    place: Annotated[Array, Column("i8", "roads", "where it leads")]
    cost: Annotated[Array, Column("f8", "roads", "moving cost weighed, coins a unit; unpaid")]
    cost_back: Annotated[Array, Column("f8", "roads", "of the way back; infinite: there is none")]
    travel_ticks: Annotated[Array, Column("i8", "roads", "ticks under way; 0 over the network")]
    open: Annotated[Array, Column("u1", "roads", "0: closed now")]
    room: Annotated[Array, Column("i8", "roads", "how many may still leave")]
    carries: Annotated[Array, Column("u1", "roads goods", "0: that good is unknown there")]


@dataclass
class Town:
    """What the merchants of one city are, beside its economy.

    Attributes:
        key: uint64, the city's key of randomness.
        here: the city's own place.
        rules: the merchants' numbers as kernels take them.
        roster: who is in town.
        departures: who left in the last window; kept to be filled again.
        roads: the ways out.
    """

    key: np.uint64
    here: int
    rules: Any
    roster: Roster
    departures: Roster
    roads: Roads


def found_town(
    key: np.uint64, here: int, places: int, goods: Goods, merchants: int, parameters: Parameters
) -> Town:
    """A town with its first merchants, each in a random trade, none having heard of a price.

    Args:
        key: the city's key; the draws are not those of the economy.
        here: the city's place.
        places: how many places there are.
        goods: what may be dealt in.
        merchants: how many are founded, numbered from 0.
        parameters: their rules' numbers.

    Raises:
        ValueError: more money than can be counted.
    """
    total_minor = merchants * parameters.starting_money * MINOR_PER_COIN
    check("", "money of all merchants, minor units", total_minor, 0, MONEY_MINOR_MAX)
    roster = empty(len(goods), places, merchants)
    rows = roster.rows
    roster.size[0] = merchants
    tradeable = [number for number, good in enumerate(goods.values()) if not good.leisure]
    random = np.random.Generator(np.random.Philox(key=[int(key), 1]))
    rows.birthplace[:] = rows.from_place[:] = rows.to_place[:] = here
    rows.number[:] = np.arange(merchants)
    rows.money_minor[:] = round(parameters.starting_money * MINOR_PER_COIN)
    rows.good[:] = random.choice(tradeable, merchants)
    rows.capacity[:] = parameters.capacity
    rows.ask[:] = np.inf
    rows.place[:] = -1
    rows.expected_price[:] = np.nan
    roads = no_roads(len(goods))
    return Town(key, here, packed(Rules, parameters), roster, empty(len(goods), places), roads)


def no_roads(goods: int) -> Roads:
    """The roads of a city that stands alone."""
    return roads_to([], goods)


def roads_to(ways: Sequence[tuple[int, float, int]], goods: int) -> Roads:
    """Open roads with unlimited room: (place, coins of moving cost both ways, travel ticks)."""
    count = len(ways)
    costs = np.array([way[1] for way in ways], np.float64)
    return Roads(
        place=np.array([way[0] for way in ways], np.int64),
        cost=costs,
        cost_back=costs.copy(),
        travel_ticks=np.array([way[2] for way in ways], np.int64),
        open=np.ones(count, np.uint8),
        room=np.full(count, ROOM_UNLIMITED, np.int64),
        carries=np.ones((count, goods), np.uint8),
    )


def make_room(town: Town, arrivals: int, places: int) -> None:
    """Grow the arrays so that a window with so many arrivals cannot run out of rows."""
    most = int(town.roster.size[0]) + arrivals
    town.roster = with_room(town.roster, most, places)
    town.departures = with_room(town.departures, most, places)
    town.departures.size[0] = 0


def know_places(town: Town, places: int) -> None:
    """Widen what the merchants may have heard of to so many places."""
    town.roster = with_room(town.roster, 0, places)
    town.departures = with_room(town.departures, 0, places)
