"""What the world takes from the network and gives to it, between two windows.

`node` calls `give_inputs` before a window (arrivals, homecomers and the state of the roads become
inputs of the world) and `take_abroad` after it (who left goes into the outboxes). Who may enter is
decided in `border`; the connections' own tasks, in `travelway`, touch no world.
"""

from dataclasses import replace

import numpy as np
import trio

from city_node.cities.inputs import Way, Ways, take
from city_node.cities.world import City, World
from city_node.network.border import Admitted, admit, place_of
from city_node.network.departures import Departure, bring_home
from city_node.network.network import (
    OUTBOX_MERCHANTS_MAX,
    Network,
    NodeWay,
    Travelway,
    bytes_of,
    note_crossings,
)
from city_node.network.quotas import Brought, Quota, quota_keys
from protocol.events import Merchants
from protocol.observe import EMPTY_HANDED

MOVING_COST_COINS = 1.0
"""Weighed by merchants on a road over the network, as on any other."""

PEERS_REMEMBERED_MAX = 1_024
"""Names whose quotas are kept. A stranger beyond these waits until an hour has passed for one."""


def give_inputs(network: Network, world: World) -> None:
    """Arrivals, homecomers and the state of the roads, as inputs of the window that begins now."""
    now_s = trio.current_time()
    for departure in network.homeless:  # first: an arrival may need the place of a city now gone
        _bring_home(network, world, departure, now_s)
    network.homeless.clear()
    while network.heard:
        travelway, came = network.heard.popleft()
        _admit(network, world, travelway, came, now_s)
        travelway.waiting_bytes -= bytes_of(came)
        if not travelway.is_full:
            travelway.drained.set()
    for city in world.cities:
        _set_ways(network, world, city)


def _admit(
    network: Network, world: World, travelway: Travelway, came: Merchants, now_s: float
) -> None:
    city = travelway.city
    place = place_on(network, world, travelway)
    brought = _brought(network, city.here, travelway.peer, travelway.address, now_s)
    policy = network.policies[city.here]
    if place is None or brought is None:
        travelway.close("too many cities in sight")
        return
    if policy.guests is None:
        admitted = Admitted(0, list(came.lines), "guests = false")
    else:
        admitted = admit(
            world,
            city,
            place,
            came,
            guests=policy.guests,
            brought=brought,
            node_suffix=network.node_suffix,
            now_s=now_s,
            tariff_bp=policy.tariff_bp,
            address=travelway.address,
        )
    note_crossings(travelway, came)
    if admitted.turned_back:
        network.refuse(city.name, travelway.peer, len(admitted.turned_back))
        network.log.complain(
            f"{city.name}: turned back merchants of {travelway.peer}: {admitted.reason}"
        )
        travelway.send_back(b"".join(admitted.turned_back))


def place_on(network: Network, world: World, way: Travelway | NodeWay) -> int | None:
    """The place of the city at the other end of a way, found once; None: it has none."""
    if way.place < 0:
        place = place_of(world, way.peer, network.in_use)
        if place is None or place < len(world.cities):
            return None
        way.place = place
    return way.place


def _brought(network: Network, here: int, peer: str, address: str, now_s: float) -> Brought | None:
    keys = quota_keys(here, peer, address)
    if any(key not in network.quotas for key in keys):
        if len(network.quotas) >= PEERS_REMEMBERED_MAX:
            for old, quota in list(network.quotas.items()):
                if old not in network.open and quota.hour_minor(now_s) == 0:
                    del network.quotas[old]
        if len(network.quotas) >= PEERS_REMEMBERED_MAX:
            return None
    return Brought(*(network.quotas.setdefault(key, Quota()) for key in keys))


def _bring_home(network: Network, world: World, departure: Departure, now_s: float) -> None:
    _book(network, departure, now_s, departure.merchant.money_minor, 1)
    row, genome = departure.row, departure.merchant.genome
    bring_home(world, departure.city, row, genome, departure.address)


def _book(
    network: Network, departure: Departure, now_s: float, money_minor: int, merchants: int
) -> None:
    """Who goes to a guest's city, or comes back from the way there, counts in its quotas."""
    if departure.address:
        where = departure.city.here, departure.peer, departure.address
        if brought := _brought(network, *where, now_s):
            brought.book(now_s, money_minor, merchants)


def _set_ways(network: Network, world: World, city: City) -> None:
    """Tell a city of its open travel-ways, if what it knows of them is no longer so.

    Who leaves takes of the room himself, and what has been written gives it back only when half of
    it is gone: so a quiet window has no input.
    """
    wanted = _wanted(network, world, city)
    roads = city.town.roads
    outside = np.flatnonzero(roads.place >= len(world.cities))
    known = [(int(roads.place[road]), list(roads.carries[road] != 0)) for road in outside]
    if known == [(way.place, way.carries) for way in wanted] and all(
        way.room // 2 <= roads.room[road] <= way.room
        for road, way in zip(outside, wanted, strict=True)
    ):
        return
    take(world, Ways(city.here, wanted))


def _wanted(network: Network, world: World, city: City) -> list[Way]:
    """The open travel-ways of a city, legacy ones first, each in the order of names."""
    found = []
    emigrates = network.policies[city.here].legacy_emigration
    for (here, _), way in sorted(network.open.items()) if emigrates else ():
        if here == city.here and way.ready and place_on(network, world, way) is not None:
            carries = [good in way.connection.goods_known for good in world.goods]
            room = OUTBOX_MERCHANTS_MAX - len(way.outbox)
            found.append(Way(way.place, MOVING_COST_COINS, room, carries))
    for (here, _), linked in sorted(network.linked.items()):
        if here == city.here and linked.prices is not None and linked.place >= 0:
            carries = [good in linked.prices for good in world.goods]
            found.append(Way(linked.place, MOVING_COST_COINS, linked.room, carries))
    return found


def addressed(network: Network, departures: list[Departure]) -> list[Departure]:
    """Departures with the addresses of the peers of the legacy wire that they are bound for."""
    at = {(here, way.place): way.address for (here, _), way in network.open.items()}
    return [
        replace(each, address=at.get((each.city.here, int(each.row.rows.to_place[0])), ""))
        for each in departures
    ]


def take_abroad(network: Network, departures: list[Departure]) -> None:
    """Put those who left in the last window into the outboxes of their travel-ways."""
    now_s = trio.current_time()
    ways = {(here, way.place): way for (here, _), way in network.open.items()}
    for departure in departures:
        merchant = departure.merchant
        _book(network, departure, now_s, -merchant.money_minor, -1)
        way = ways.get((departure.city.here, int(departure.row.rows.to_place[0])))
        if way is None:  # closed while the window ran
            network.homeless.append(departure)
            continue
        way.outbox.append((merchant, departure))
        way.crossings.append((now_s, merchant.good if merchant.owned else EMPTY_HANDED, True))
        way.wake.set()
