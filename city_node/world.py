"""The cities of a process and the roads between them, as one deterministic machine.

Next state = f(state, inputs): no clock, socket or thread is visible here. Time passes in windows
which end at an event, and are never longer than the shortest road: so whoever sets out in a window
arrives after it, and the cities of one window may be advanced in any order, or at once.

    open_window -> a Job a city -> run_job each, anywhere -> close_window

`advance` does this in the calling thread; `city_node.node` hands the jobs to threads.
"""

import hashlib
import inspect
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, get_type_hints

import msgspec
import numpy as np

from city_node import VERSION
from city_node.config import CityConfig, Config
from engine.economy import Economy, Issued, Setting, load
from engine.goods import check
from engine.money import MONEY_MINOR_MAX
from engine.rng import key_of
from engine.tables import digest_into
from merchants.roster import Roster, chosen, empty, joined
from merchants.town import Town, found_town, roads_to

WINDOW_TICKS_MAX = 10_000
"""Of a city without roads: a window is what cannot be interrupted."""


HAPPENED_MAX = 20
"""Events remembered for charts."""


class BalanceError(Exception):
    """A city's money does not add up: a fault of the program, and the end of the run."""


@dataclass
class Ledger:
    """Where a city's money came from and went; minor units, none negative."""

    initial_minor: int
    issued_minor: int = 0
    destroyed_minor: int = 0
    entered_minor: int = 0
    left_minor: int = 0

    def expected_minor(self) -> int:
        """What residents and merchants in town must hold together."""
        came_minor = self.initial_minor + self.issued_minor + self.entered_minor
        return came_minor - self.left_minor - self.destroyed_minor


@dataclass
class City:
    """One sovereign city.

    Attributes:
        here: its place: its number among the cities of the process.
        arrivals, departures: merchants so far, by the name of the city they came from, went to.
    """

    name: str
    here: int
    economy_name: str
    economy: Economy
    state: Any
    town: Town
    ledger: Ledger
    arrivals: Counter[str] = field(default_factory=Counter)
    departures: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Event:
    """A shock that befalls a city at the start of a tick.

    Attributes:
        name: one of the economy's, or of the roads': close_road, open_road, road_cost.
        arguments: by name, as the event takes them; goods and cities by their names.
    """

    tick: int
    city: str
    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Job:
    """What one city is to do in a window."""

    city: City
    arrivals: Roster
    tick: int
    ticks: int


@dataclass
class World:
    """All that the future of a process depends on.

    Attributes:
        look_ahead_ticks: no window is longer: the shortest road between two of the cities.
        places: names of cities, the process's own first, then those of the network as they spell
            themselves; merchants' beliefs are numbered by it.
        walking: merchants on the roads inside the process, in the order in which they set out.
        events: still to come, by tick, those of one tick in the order in which they were given.
        abroad: who left for the network since this was last emptied, by city.
        happened: the newest events as (tick, what), for people to see.
        luggage: genes of guests that nobody here knows, by id (birthplace, number), kept for the
            road; perhaps of some who have retired.
    """

    seed: int
    goods: list[str]
    look_ahead_ticks: int
    places: list[str]
    cities: list[City]
    walking: Roster
    tick: int = 0
    events: list[Event] = field(default_factory=list)
    abroad: list[tuple[City, Roster]] = field(default_factory=list)
    happened: deque[tuple[int, str]] = field(default_factory=lambda: deque(maxlen=HAPPENED_MAX))
    luggage: dict[tuple[int, int], dict[str, float]] = field(default_factory=dict)


def found_world(config: Config) -> World:
    """A new world at tick 0.

    Raises:
        UnknownEconomyError: a city's economy is not installed.
        ValueError: more money than can be counted.
    """
    places = [city.name for city in config.cities]
    goods = list(config.cities[0].goods)
    cities = [found_city(config, number) for number in range(len(places))]
    total_minor = sum(city.ledger.initial_minor for city in cities)
    check("", "money of all cities, minor units", total_minor, 0, MONEY_MINOR_MAX)
    look_ahead = min([WINDOW_TICKS_MAX, *(road.travel_ticks for road in config.roads)])
    return World(config.seed, goods, look_ahead, places, cities, empty(len(goods), len(places)))


def found_city(config: Config, here: int) -> City:
    """One city of the configured world, its roads leading to the others."""
    ours: CityConfig = config.cities[here]
    places = [city.name for city in config.cities]
    key = key_of(config.seed, ours.name.casefold())
    economy = load(ours.economy)
    setting = Setting(ours.locals, ours.goods, ours.recipes, key, ours.founders, ours.device)
    state = economy.found(setting, ours.parameters)
    town = found_town(
        key,
        here,
        len(places),
        ours.goods,
        ours.merchants,
        ours.merchant_rules,
        evolves=ours.evolution,
        genomes=ours.genomes,
    )
    out = [road for road in config.roads if road.start == here]
    back = {road.start: road.cost for road in config.roads if road.to == here}
    ways = [(road.to, road.cost, road.travel_ticks) for road in out]
    town.roads = roads_to(ways, len(ours.goods))
    town.roads.cost_back[:] = [back.get(road.to, np.inf) for road in out]
    town.roads.carries[:, [good.leisure for good in ours.goods.values()]] = 0
    initial_minor = economy.holdings_minor(state) + merchants_minor(town)
    ledger = Ledger(initial_minor)
    return City(ours.name, here, ours.economy, economy, state, town, ledger)


def merchants_minor(town: Town) -> int:
    """The money of the merchants in town, minor units."""
    return int(town.roster.rows.money_minor[: town.roster.size[0]].sum())


def schedule(world: World, event: Event) -> None:
    """Add an event; one whose tick has passed happens at the start of the next window.

    Raises:
        ValueError: no such city, event, good, argument or road; nothing has changed.
    """
    city = city_named(world, event.city)
    events = events_of(city)
    if event.name not in events:
        raise ValueError(f"event = {event.name!r}: must be one of {', '.join(sorted(events))}")
    try:
        inspect.signature(events[event.name]).bind(None, None, **event.arguments)
    except TypeError as error:
        raise ValueError(f"event = {event.name!r}: {error}") from None
    arguments = _of_declared_types(events[event.name], event.arguments)
    if arguments.get("good", world.goods[0]) not in world.goods:
        raise ValueError(f"good = {arguments['good']!r}: must be one of {', '.join(world.goods)}")
    if event.name in ROAD_EVENTS:
        _roads_to(world, city, arguments["to"])
    world.events.append(replace(event, arguments=arguments))
    world.events.sort(key=lambda scheduled: scheduled.tick)


def _of_declared_types(
    function: Callable[..., Any], arguments: Mapping[str, Any]
) -> dict[str, Any]:
    """The arguments as an event's function declares them; a good is still a name here."""
    hints = get_type_hints(function) | {"good": str}
    converted = {}
    for name, value in arguments.items():
        try:
            converted[name] = msgspec.convert(value, hints[name])
        except msgspec.ValidationError as error:
            raise ValueError(f"{name} = {value!r}: {error}") from None
    return converted


def events_of(city: City) -> dict[str, Callable[..., Any]]:
    """What can befall a city: the events of its economy, and those of its roads."""
    return {**city.economy.EVENTS, **ROAD_EVENTS}


def city_named(world: World, name: str) -> City:
    """The city of that name, ignoring case.

    Raises:
        ValueError: there is none.
    """
    for city in world.cities:
        if city.name.casefold() == name.casefold():
            return city
    raise ValueError(f"city = {name!r}: must be one of {', '.join(c.name for c in world.cities)}")


def window_ticks(world: World, ticks: int) -> int:
    """How many of the `ticks` wished for fit into the window that begins now."""
    ends = [ticks, world.look_ahead_ticks]
    ends += [event.tick - world.tick for event in world.events if event.tick > world.tick][:1]
    return max(1, min(ends))


def open_window(world: World, ticks: int) -> list[Job]:
    """Let the due events happen and hand out the arrivals of the next `ticks` ticks.

    Args:
        ticks: at most what `window_ticks` allows.
    """
    while world.events and world.events[0].tick <= world.tick:
        event = world.events.pop(0)
        what = f"{event.name.replace('_', ' ')} in {event.city}"
        try:
            happen(world, event)
        except ValueError as error:  # by now too much: nothing has changed
            what = f"{what} came to nothing: {error}"
        world.happened.append((world.tick, what))
    for city in world.cities:
        city.town.luggage = world.luggage
    rows = world.walking.rows
    due = np.flatnonzero(rows.tick[: world.walking.size[0]] < world.tick + ticks)
    order = np.lexsort((rows.from_place[due], rows.tick[due], rows.to_place[due]))
    arrivals = chosen(world.walking, due[order])
    if len(due):
        late = np.flatnonzero(rows.tick[: world.walking.size[0]] >= world.tick + ticks)
        world.walking = chosen(world.walking, late)
    ends = np.searchsorted(arrivals.rows.to_place, np.arange(len(world.cities) + 1))
    return [
        Job(city, chosen(arrivals, slice(ends[city.here], ends[city.here + 1])), world.tick, ticks)
        for city in world.cities
    ]


def run_job(job: Job) -> None:
    """Advance one city through a window; touches nothing but that city.

    Raises:
        BalanceError: its money does not add up any more.
    """
    city = job.city
    came = job.arrivals.rows
    city.ledger.entered_minor += int(came.money_minor.sum())
    city.state = city.economy.advance(city.state, city.town, job.arrivals, job.tick, job.ticks)
    left = city.town.departures.rows.money_minor[: city.town.departures.size[0]]
    city.ledger.left_minor += int(left.sum())
    holdings_minor = city.economy.holdings_minor(city.state) + merchants_minor(city.town)
    if holdings_minor != city.ledger.expected_minor():
        raise BalanceError(
            f"{city.name}: holds {holdings_minor} minor units at tick {job.tick + job.ticks}, "
            f"but should hold {city.ledger.expected_minor()}: {city.ledger}"
        )


def close_window(world: World, jobs: list[Job]) -> None:
    """Set the departed on their way and let the time have passed."""
    walking = [world.walking]
    for job in jobs:
        from_place = job.arrivals.rows.from_place
        elsewhere = from_place[from_place != job.city.here]  # who never got away has not arrived
        job.city.arrivals.update(world.places[place] for place in elsewhere)
        departures = job.city.town.departures
        to_place = departures.rows.to_place[: departures.size[0]]
        job.city.departures.update(world.places[place] for place in to_place)
        inside = to_place < len(world.cities)
        if inside.any():
            walking.append(chosen(departures, np.flatnonzero(inside)))
        if not inside.all():
            world.abroad.append((job.city, chosen(departures, np.flatnonzero(~inside))))
    if len(walking) > 1:
        world.walking = joined(walking)
    world.tick += jobs[0].ticks
    drop_luggage(world)


def drop_luggage(world: World) -> None:
    """Forget what the retired carried, once more is kept than there are merchants."""
    rosters = [world.walking, *(city.town.roster for city in world.cities)]
    rosters += [roster for _, roster in world.abroad]
    if len(world.luggage) <= sum(int(roster.size[0]) for roster in rosters):
        return
    alive = {
        (int(place), int(number))
        for roster in rosters
        for place, number in zip(
            roster.rows.birthplace[: roster.size[0]],
            roster.rows.number[: roster.size[0]],
            strict=True,
        )
    }
    world.luggage = {who: genes for who, genes in world.luggage.items() if who in alive}


def advance(world: World, ticks: int) -> None:
    """So many ticks, in this thread."""
    end = world.tick + ticks
    while world.tick < end:
        jobs = open_window(world, window_ticks(world, end - world.tick))
        for job in jobs:
            run_job(job)
        close_window(world, jobs)


def happen(world: World, event: Event) -> None:
    """Let an event befall its city now.

    Raises:
        ValueError: it would be more than can be counted, or out of bounds; nothing has changed.
    """
    city = city_named(world, event.city)
    if event.name in ROAD_EVENTS:
        ROAD_EVENTS[event.name](world, city, **event.arguments)
        return
    arguments = dict(event.arguments)
    if "good" in arguments:
        arguments["good"] = world.goods.index(arguments["good"])
    key = key_of(world.seed, city.name, event.name, str(world.tick))
    random = np.random.Generator(np.random.Philox(key=int(key)))
    issued: Issued = city.economy.EVENTS[event.name](city.state, random, **arguments)
    city.ledger.issued_minor += issued.issued_minor
    city.ledger.destroyed_minor += issued.destroyed_minor


def _roads_to(world: World, city: City, to: str) -> np.ndarray:
    place = city_named(world, to).here
    found = np.flatnonzero(city.town.roads.place == place)
    if not len(found):
        raise ValueError(f"to = {to!r}: no road leads there from {city.name}")
    return found


def open_road(world: World, city: City, *, to: str) -> None:
    """Merchants may leave again by the road to a city."""
    city.town.roads.open[_roads_to(world, city, to)] = 1


def close_road(world: World, city: City, *, to: str) -> None:
    """Nobody leaves any more by the road to a city; those under way arrive."""
    city.town.roads.open[_roads_to(world, city, to)] = 0


def road_cost(world: World, city: City, *, to: str, coins: float) -> None:
    """The moving cost that merchants weigh on the road to a city changes, at both its ends."""
    if not 0.0 <= coins <= 1e9:
        raise ValueError(f"coins = {coins}: must be from 0 to 1e+09")
    city.town.roads.cost[_roads_to(world, city, to)] = coins
    other = city_named(world, to).town.roads
    other.cost_back[other.place == city.here] = coins


ROAD_EVENTS: dict[str, Callable[..., None]] = {
    "open_road": open_road,
    "close_road": close_road,
    "road_cost": road_cost,
}


def state_hash(world: World, city: City) -> str:
    """blake2b over version, tick, seed, the economy's live arrays, merchants and who comes here.

    Merchants go in by id. Equal for one machine and one set of versions, whatever the windows.
    """
    digest = hashlib.blake2b(digest_size=16)
    digest.update(f"{VERSION} {world.tick} {world.seed} {city.name}".encode())
    for array in city.economy.live(city.state):
        digest.update(repr(array.shape).encode())
        digest.update(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes())
    bound = chosen(
        world.walking,
        np.flatnonzero(world.walking.rows.to_place[: world.walking.size[0]] == city.here),
    )
    for roster in (city.town.roster, bound):
        rows = roster.rows
        count = int(roster.size[0])
        by_id = np.lexsort((rows.number[:count], rows.birthplace[:count]))
        digest_into(digest, rows, by_id)
    digest_into(digest, city.town.roads)
    digest_into(digest, city.town.lives)
    return digest.hexdigest()


def report(world: World, node_name: str, wall_s: float) -> dict[str, Any]:
    """What `--report` writes; money in minor units, prices in coins."""
    return {
        "seed": world.seed,
        "wall_s": round(wall_s, 3),
        "node": node_name,
        "cities": [
            city_summary(world, city) | {"hash": state_hash(world, city)} for city in world.cities
        ],
    }


def city_summary(world: World, city: City) -> dict[str, Any]:
    """What the report says of a city, without the hash, which costs a pass over all its arrays."""
    economy, state, ledger = city.economy, city.state, city.ledger
    rows = city.town.roster.rows
    count = int(city.town.roster.size[0])
    carried = np.bincount(rows.good[:count], rows.owned[:count], len(world.goods))
    stock = economy.stock(state) + carried.astype(np.int64)
    prices = {
        good: float(price)
        for good, price in zip(world.goods, economy.prices(state), strict=True)
        if not np.isnan(price)
    }
    return {
        "name": city.name,
        "tick": world.tick,
        "locals": economy.residents(state),
        "merchants": count,
        "money": {
            "initial": ledger.initial_minor,
            "issued": ledger.issued_minor,
            "destroyed": ledger.destroyed_minor,
            "entered": ledger.entered_minor,
            "left": ledger.left_minor,
            "holdings": economy.holdings_minor(state) + merchants_minor(city.town),
        },
        "prices": prices,
        "stock": {good: int(stock[world.goods.index(good)]) for good in prices},
        "trades": economy.trades(state),
        "arrivals": dict(sorted((+city.arrivals).items())),
        "departures": dict(sorted((+city.departures).items())),
    }
