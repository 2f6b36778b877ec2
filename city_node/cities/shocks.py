"""The events that befall cities: scheduled by tick, checked when they are, and made to happen.

What an economy declares as its EVENTS, and what happens to roads. Called by `inputs` and by
`advance`.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, get_type_hints

import msgspec
import numpy as np

from city_node.cities.world import City, Event, World, city_named
from engine.economy import Issued
from engine.rng import key_of


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
