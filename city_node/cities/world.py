"""The cities of a process and the roads between them, as one deterministic machine.

Next state = f(state, inputs): no clock, socket or thread is visible here. This is the state, and
how it is founded; `advance` lets time pass, `inputs` is all that comes in from outside, `shocks`
are the events that befall cities, `report` is what can be read off.
"""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from city_node.laboratory.networks import policy_in
from city_node.settings.city import CityConfig
from city_node.settings.config import Config
from engine.economy import Economy, Setting, load
from engine.goods import check
from engine.money import MONEY_MINOR_MAX
from engine.rng import key_of
from merchants.mind import SPACES, minds_of
from merchants.roster import Roster, empty
from merchants.town import Town, found_town, roads_to

WINDOW_TICKS_MAX = 10_000
"""Of a city without roads: a window is what cannot be interrupted."""

HAPPENED_MAX = 20
"""Events remembered for charts."""


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
        tariffs_minor: paid to the residents at the border so far, by the same names.
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
    tariffs_minor: Counter[str] = field(default_factory=Counter)


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
        taken: inputs since this was last emptied, in order.
        next_xid: of the next who leaves, by city and casefolded name of where he goes; never one
            that has been given.
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
    taken: list[Any] = field(default_factory=list)
    next_xid: dict[tuple[int, str], int] = field(default_factory=dict)
    happened: deque[tuple[int, str]] = field(default_factory=lambda: deque(maxlen=HAPPENED_MAX))
    luggage: dict[tuple[int, int], dict[str, float]] = field(default_factory=dict)


def found_world(config: Config) -> World:
    """A new world at tick 0.

    Raises:
        UnknownEconomyError: a city's economy is not installed.
        ValueError: more money than can be counted, or what an economy refuses, and of which city.
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
    table = np.array(ours.founders, np.float64) if ours.founders else None
    setting = Setting(ours.locals, ours.goods, ours.recipes, key, table, ours.device)
    try:
        state = economy.found(setting, ours.parameters)
    except ValueError as error:
        raise ValueError(f"cities.{ours.name}.{ours.economy}.{error}") from None
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
    if ours.network:
        town.minds = minds_of(policy_in(f"{ours.name}.network", ours.network, SPACES))
    for kind, data in ours.networks.items():
        spaces = economy.RESIDENTS_LEARN[kind]  # type: ignore[attr-defined]
        town.networks[kind] = policy_in(f"{ours.name}.{kind}.network", data, spaces)
    initial_minor = economy.holdings_minor(state) + merchants_minor(town)
    ledger = Ledger(initial_minor)
    return City(ours.name, here, ours.economy, economy, state, town, ledger)


def merchants_minor(town: Town) -> int:
    """The money of the merchants in town, minor units."""
    return int(town.roster.rows.money_minor[: town.roster.size[0]].sum())


def city_named(world: World, name: str) -> City:
    """The city of that name, ignoring case.

    Raises:
        ValueError: there is none.
    """
    for city in world.cities:
        if city.name.casefold() == name.casefold():
            return city
    raise ValueError(f"city = {name!r}: must be one of {', '.join(c.name for c in world.cities)}")
