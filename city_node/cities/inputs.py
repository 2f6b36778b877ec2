"""All that comes into a world from outside, as data: what is decided between windows, and applied.

`border`, `crossing` and `control` decide, and hand over by `take`; the ledger keeps what was taken,
and recovery applies it again, in the same order at the same ticks. A world changes by `apply` and
by `advance` alone.
"""

from typing import Any

import msgspec
import numpy as np

from city_node.cities.shocks import schedule
from city_node.cities.world import City, Event, World
from engine.money import BASIS_POINTS, share_out_between
from engine.tables import Array
from merchants.genome import NUMBER
from merchants.roster import Roster, chosen, empty, joined, with_room
from merchants.town import Roads, know_places


class Place(msgspec.Struct, frozen=True, tag="place"):
    """A place has a name: the next one, or one that has been out of use."""

    place: int
    name: str


class Arrivals(msgspec.Struct, frozen=True, tag="arrivals"):
    """Guests on the last step of a road into a city.

    Attributes:
        city: by number.
        peer: the city they come from.
        rows: a Roster, with what they bring; packed where it is stored.
        luggage: genes that nobody here knows, by row.
        tariff_bp: of their money, to the locals before they are in town.
        address: of a peer of the legacy wire, whose quotas they are booked in.
    """

    city: int
    peer: str
    rows: Any
    luggage: dict[int, dict[str, float]]
    tariff_bp: int = 0
    address: str = ""


class Homecomer(msgspec.Struct, frozen=True, tag="homecomer"):
    """One who has left by a road over the network and has not got away after all.

    Attributes:
        peer: the city he was bound for.
        rows: a Roster of one, as he left; number -1: nobody knows any more who he was.
        luggage: genes that nobody here knows.
        address: as of `Arrivals`.
    """

    city: int
    peer: str
    rows: Any
    luggage: dict[str, float]
    address: str = ""


class Way(msgspec.Struct, frozen=True):
    """A road over the network: where to, moving cost in coins, for how many, for which goods."""

    place: int
    cost: float
    room: int
    carries: list[bool]


class Ways(msgspec.Struct, frozen=True, tag="ways"):
    """All roads of a city over the network are these, from now on."""

    city: int
    ways: list[Way]


class Scheduled(msgspec.Struct, frozen=True, tag="scheduled"):
    """An event is to befall a city."""

    tick: int
    city: str
    name: str
    arguments: dict[str, Any]


Input = Place | Arrivals | Homecomer | Ways | Scheduled

_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(list[Input])


def take(world: World, given: Input) -> None:
    """Apply an input, and keep it in `world.taken` for the ledger.

    Raises:
        ValueError: an event that cannot be; nothing has changed.
    """
    apply(world, given)
    world.taken.append(given)


def apply(world: World, given: Input) -> None:
    """The one way into a world.

    Raises:
        ValueError: an event that cannot be; nothing has changed.
    """
    match given:
        case Place(place, name):
            _name(world, place, name)
        case Arrivals():
            _arrive(world, given)
        case Homecomer():
            _come_home(world, given)
        case Ways(here, ways):
            _set_ways(world, world.cities[here], ways)
        case Scheduled(tick, city, name, arguments):
            schedule(world, Event(tick, city, name, arguments))


def _name(world: World, place: int, name: str) -> None:
    if place == len(world.places):
        world.places.append(name)
        for city in world.cities:
            know_places(city.town, len(world.places))
        world.walking = with_room(world.walking, 0, len(world.places))
        return
    world.places[place] = name
    for roster in [world.walking, *(city.town.roster for city in world.cities)]:
        roster.rows.expected_price[:, :, place] = np.nan
        from_there = roster.rows.from_place == place
        roster.rows.from_place[from_there] = roster.rows.to_place[from_there]


def _arrive(world: World, given: Arrivals) -> None:
    city, rows = world.cities[given.city], given.rows
    for row, genes in given.luggage.items():
        world.luggage[given.city, int(rows.rows.number[row])] = genes
    count = int(rows.size[0])
    city.town.lives.next_number[0] += count
    before = int(world.walking.size[0])
    world.walking = joined([world.walking, rows])
    if given.tariff_bp:
        money_minor = world.walking.rows.money_minor[before : before + count]
        _levy(world, city, given, money_minor)


def _levy(world: World, city: City, given: Arrivals, money_minor: Array) -> None:
    """Each pays his tariff, rounded down, out of the money he brings; it goes to the locals by the
    tax rule, and nobody pays where nobody lives."""
    purses = city.economy.purses(city.state)
    if len(purses):
        whole, rest = np.divmod(money_minor, BASIS_POINTS)
        due_minor = whole * given.tariff_bp + rest * given.tariff_bp // BASIS_POINTS
        money_minor -= due_minor
        paid_minor = int(due_minor.sum())
        share_out_between(purses, paid_minor, world.tick)
        city.ledger.entered_minor += paid_minor
        city.tariffs_minor[given.peer] += paid_minor


def _come_home(world: World, given: Homecomer) -> None:
    """He comes from nowhere else, so that he is nobody's guest, and has not departed after all."""
    city = world.cities[given.city]
    city.departures[given.peer] -= 1
    rows, lives = given.rows.rows, city.town.lives
    if rows.number[0] < 0:
        rows.birthplace[:], rows.number[:] = city.here, lives.next_number[0]
        lives.next_number[0] += 1
    if given.luggage:
        world.luggage[int(rows.birthplace[0]), int(rows.number[0])] = given.luggage
    back = chosen(given.rows, np.array([0]))
    back.rows.tick[:] = world.tick
    back.rows.from_place[:] = city.here
    back.rows.to_place[:] = city.here
    world.walking = joined([world.walking, with_room(back, 0, len(world.places))])


def _set_ways(world: World, city: City, ways: list[Way]) -> None:
    """The roads inside the process stay as they are, and come first."""
    roads = city.town.roads
    inside = roads.place < len(world.cities)
    costs = np.array([way.cost for way in ways], np.float64)
    carries = np.array([way.carries for way in ways], np.uint8)
    new = Roads(
        place=np.array([way.place for way in ways], np.int64),
        cost=costs,
        cost_back=costs,
        travel_ticks=np.zeros(len(ways), np.int64),
        open=np.ones(len(ways), np.uint8),
        room=np.array([way.room for way in ways], np.int64),
        carries=carries.reshape(len(ways), len(world.goods)),
    )
    city.town.roads = Roads(
        *(np.concatenate([old[inside], more]) for old, more in zip(roads, new, strict=True))
    )


def unknown_genes(genome: dict[str, float] | None) -> dict[str, float]:
    """Genes that nobody here knows: kept for a merchant's road, by his id."""
    return {name: gene for name, gene in (genome or {}).items() if name not in NUMBER}


def encode(inputs: list[Input]) -> bytes:
    """Inputs as they are stored."""
    return _ENCODER.encode(
        [
            msgspec.structs.replace(given, rows=packed(given.rows))
            if isinstance(given, Arrivals | Homecomer)
            else given
            for given in inputs
        ]
    )


def decode(data: bytes, goods: int) -> list[Input]:
    """Stored inputs of a world with so many goods.

    Raises:
        ValueError: it is none.
    """
    try:
        return [
            msgspec.structs.replace(given, rows=unpacked(given.rows, goods))
            if isinstance(given, Arrivals | Homecomer)
            else given
            for given in _DECODER.decode(data)
        ]
    except (msgspec.MsgspecError, TypeError, RecursionError) as error:
        raise ValueError(f"not inputs of this version: {error}") from None


def packed(roster: Roster) -> tuple[int, int, bytes]:
    """A roster's live rows as (merchants, places, the columns' little-endian bytes in order)."""
    rows = chosen(roster, slice(0, int(roster.size[0]))).rows
    data = b"".join(
        np.ascontiguousarray(column, column.dtype.newbyteorder("<")).tobytes() for column in rows
    )
    return len(rows.number), rows.expected_price.shape[2], data


def unpacked(stored: tuple[int, int, bytes], goods: int) -> Roster:
    """The roster again.

    Raises:
        ValueError: the bytes are not as many as the columns need.
    """
    count, places, data = stored
    roster = empty(goods, places, count)
    if len(data) != sum(column.nbytes for column in roster.rows):
        raise ValueError(f"{count} merchants = {len(data)} bytes: not as many as they need")
    roster.size[0] = count
    start = 0
    for column in roster.rows:
        stored_column = np.frombuffer(data, column.dtype, column.size, start)
        column[...] = stored_column.reshape(column.shape)
        start += column.nbytes
    return roster
