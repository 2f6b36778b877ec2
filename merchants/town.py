"""A city's merchants as Python holds them between windows: roster, roads, and who left.

Made by `city_node.cities.world`; its arrays go into the fused loops.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple

import numpy as np

from engine.economy import Spread, one_by_one
from engine.goods import Goods, check
from engine.money import MINOR_PER_COIN, MONEY_MINOR_MAX
from engine.policy import Policy
from engine.tables import Array, Column, allocate, packed
from merchants.mind import Minds
from merchants.params import Parameters, Rules
from merchants.roster import Roster, chosen, empty, with_room

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


class Lives(NamedTuple):
    """Who was founded and who retired in a city, and what bounds it."""

    evolves: Annotated[Array, Column("u1", "1", "0: nobody is founded, nobody retires")]
    merchants_max: Annotated[Array, Column("i8", "1", "with so many in town, nobody is founded")]
    next_number: Annotated[Array, Column("i8", "1", "of the next who gets his id here")]
    founded: Annotated[Array, Column("i8", "1", "merchants by merchants, so far")]
    retired: Annotated[Array, Column("i8", "1", "merchants, so far")]


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
        lives: foundings and retirements.
        minds: the network that drives merchants here; None: all live by their genes.
        networks: those that drive residents, by kind; a kind without one lives by its rules.
        luggage: genes that merchants carry and nobody reads on the way, by id; the world's own.
        spread: how an economy may use more than one thread.
        device: where large call auctions are cleared: "cpu", or as torch calls it. No part of the
            city: its history is the same on all.
    """

    key: np.uint64
    here: int
    rules: Any
    roster: Roster
    departures: Roster
    roads: Roads
    lives: Lives
    minds: Minds | None = None
    networks: dict[str, Policy] = field(default_factory=dict)
    luggage: dict[tuple[int, int], dict[str, float]] = field(default_factory=dict)
    spread: Spread = one_by_one
    device: str = "cpu"


def found_town(
    key: np.uint64,
    here: int,
    places: int,
    goods: Goods,
    merchants: int,
    parameters: Parameters,
    *,
    evolves: bool = False,
    genomes: Sequence[Sequence[float]] = (),
) -> Town:
    """A town with its first merchants, each in a random trade, none having heard of a price.

    Args:
        key: the city's key; the draws are not those of the economy.
        here: the city's place.
        places: how many places there are.
        goods: what may be dealt in.
        merchants: how many are founded, numbered from 0.
        parameters: their rules' numbers.
        evolves: whether merchants are founded and retire later.
        genomes: rows of `merchants.genome.TRAITS`, dealt out in turn; none: genes are neutral, or
            around it where merchants evolve.

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
    if evolves and parameters.founders_spread > 0.0:
        spread = parameters.founders_spread
        rows.genome[:] += random.uniform(-spread, spread, rows.genome.shape)
    if genomes:
        rows.genome[:] = np.array(genomes)[np.arange(merchants) % len(genomes)]
    return Town(
        key=key,
        here=here,
        rules=packed(Rules, parameters),
        roster=roster,
        departures=empty(len(goods), places),
        roads=no_roads(len(goods)),
        lives=lives_of(merchants, parameters, evolves=evolves),
    )


def lives_of(merchants: int, parameters: Parameters, *, evolves: bool) -> Lives:
    """The books of a city that begins with so many merchants."""
    lives = allocate(Lives)
    lives.evolves[0] = evolves
    lives.merchants_max[0] = merchants * parameters.merchants_max_factor
    lives.next_number[0] = merchants
    return lives


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
    """Before a window with so many arrivals: the roster cannot run out of rows in it.

    Nobody is founded where there are `merchants_max`. The departures can, where merchants who were
    founded leave and others are founded: see `make_room_to_leave`.
    """
    here = int(town.roster.size[0])
    if town.lives.evolves[0]:
        here = max(here, int(town.lives.merchants_max[0]))
    town.roster = with_room(town.roster, here + arrivals, places)
    town.departures = with_room(town.departures, here + arrivals, places)
    town.departures.size[0] = 0


def make_room_to_leave(town: Town, arrivals: Roster, tick: int) -> Roster:
    """In mid-window, when the loop stopped before `tick` for want of rows for departures.

    Args:
        town: whose departures get more rows; those who have left stay in them.
        arrivals: of the window.
        tick: the first that is still to be run.

    Returns:
        the arrivals that are still to come.
    """
    left, here = int(town.departures.size[0]), len(town.roster.rows.number)
    town.departures = with_room(town.departures, 2 * (left + here), 0)
    return still_to_come(arrivals, tick)


def still_to_come(arrivals: Roster, tick: int) -> Roster:
    """Of a window's arrivals, those of `tick` and later."""
    size = int(arrivals.size[0])
    came = int(np.searchsorted(arrivals.rows.tick[:size], tick))
    return chosen(arrivals, slice(came, size))


def know_places(town: Town, places: int) -> None:
    """Widen what the merchants may have heard of to so many places."""
    town.roster = with_room(town.roster, 0, places)
    town.departures = with_room(town.departures, 0, places)
