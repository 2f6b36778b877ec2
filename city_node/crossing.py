"""What the world takes from the network and gives to it, between two windows.

`node` calls `give_inputs` before a window (arrivals, homecomers and the state of the roads go into
the world) and `take_abroad` after it (who left goes into the outboxes). Who may enter is decided in
`border`; the connections' own tasks, in `travelway`, touch no world.
"""

from typing import Any

import numpy as np
import trio

from city_node.border import Quota, admit, bring_home, on_the_wire, place_of
from city_node.network import CROSSINGS_MAX, OUTBOX_MERCHANTS_MAX, Network, Travelway, bytes_of
from city_node.world import City, World
from merchants.roster import Roster, chosen
from merchants.town import Roads
from protocol.events import Merchants
from protocol.messages import Merchant

MOVING_COST_COINS = 1.0
"""Weighed by merchants on a road over the network, as on any other."""

PEERS_REMEMBERED_MAX = 1_024
"""Names whose quotas are kept. A stranger beyond these waits until an hour has passed for one."""


def give_inputs(network: Network, world: World) -> None:
    """Arrivals, homecomers and the state of the roads, as inputs of the window that begins now."""
    now_s = trio.current_time()
    for travelway in network.gone:  # first: an arrival may need the place of a city that is gone
        _bring_all_home(network, world, travelway, now_s)
    network.gone.clear()
    while network.heard:
        travelway, came = network.heard.popleft()
        _admit(network, world, travelway, came, now_s)
        travelway.waiting_bytes -= bytes_of(came)
        if not travelway.is_full:
            travelway.drained.set()
    for city in world.cities:
        city.town.roads = _roads(network, world, city)


def _admit(
    network: Network, world: World, travelway: Travelway, came: Merchants, now_s: float
) -> None:
    city = travelway.city
    place = _place(network, world, travelway)
    quota = _quota(network, travelway, now_s)
    if place is None or quota is None:
        travelway.close("too many cities in sight")
        return
    admitted = admit(
        world,
        city,
        place,
        came,
        of_ours=travelway.connection.is_node_of_ours,
        quota=quota,
        node_suffix=network.node_suffix,
        now_s=now_s,
    )
    for good, owned in zip(came.good[-CROSSINGS_MAX:], came.owned[-CROSSINGS_MAX:], strict=True):
        travelway.crossings.append((now_s, came.goods[good] if owned else "", False))
    if admitted.turned_back:
        network.refused[city.name, travelway.peer] += len(admitted.turned_back)
        network.log.complain(
            f"{city.name}: turned back merchants of {travelway.peer}: {admitted.reason}"
        )
        travelway.send_back(b"".join(admitted.turned_back))


def _place(network: Network, world: World, travelway: Travelway) -> int | None:
    if travelway.place < 0:
        in_use = {other.peer.casefold() for other in network.open.values() if other.place >= 0}
        place = place_of(world, travelway.peer, in_use)
        if place is None or place < len(world.cities):
            return None
        travelway.place = place
    return travelway.place


def _quota(network: Network, travelway: Travelway, now_s: float) -> Quota | None:
    key = (travelway.city.here, travelway.peer.casefold())
    if key not in network.quotas and len(network.quotas) >= PEERS_REMEMBERED_MAX:
        for old, quota in list(network.quotas.items()):
            if old not in network.open and quota.hour_minor(now_s) == 0:
                del network.quotas[old]
        if len(network.quotas) >= PEERS_REMEMBERED_MAX:
            return None
    return network.quotas.setdefault(key, Quota())


def _bring_all_home(network: Network, world: World, travelway: Travelway, now_s: float) -> None:
    for merchant, row in travelway.outbox:
        _bring_one_home(network, world, travelway, merchant, row, now_s)
    travelway.outbox.clear()


def _bring_one_home(
    network: Network,
    world: World,
    travelway: Travelway,
    merchant: Merchant,
    row: Roster,
    now_s: float,
) -> None:
    quota = network.quotas.get((travelway.city.here, travelway.peer.casefold()))
    if quota:
        quota.book(now_s, merchant.money_minor)
    bring_home(world, travelway.city, row, merchant.genome)


def _roads(network: Network, world: World, city: City) -> Roads:
    """The roads of a city: those inside the process as they are, then its open travel-ways."""
    roads = city.town.roads
    inside = roads.place < len(world.cities)
    ways = [
        way
        for (here, _), way in sorted(network.open.items())
        if here == city.here and way.ready and _place(network, world, way) is not None
    ]
    if not ways and inside.all():
        return roads
    carries = np.array(
        [[good in way.connection.goods_known for good in world.goods] for way in ways], np.uint8
    ).reshape(len(ways), len(world.goods))
    return Roads(
        place=np.concatenate([roads.place[inside], _ints(way.place for way in ways)]),
        cost=np.concatenate([roads.cost[inside], np.full(len(ways), MOVING_COST_COINS)]),
        cost_back=np.concatenate([roads.cost_back[inside], np.full(len(ways), MOVING_COST_COINS)]),
        travel_ticks=np.concatenate([roads.travel_ticks[inside], _ints(0 for _ in ways)]),
        open=np.concatenate([roads.open[inside], np.ones(len(ways), np.uint8)]),
        room=np.concatenate(
            [roads.room[inside], _ints(OUTBOX_MERCHANTS_MAX - len(way.outbox) for way in ways)]
        ),
        carries=np.concatenate([roads.carries[inside], carries]),
    )


def _ints(values: Any) -> np.ndarray:
    return np.array(list(values), np.int64)


def take_abroad(network: Network, world: World) -> None:
    """Put those who left in the last window into the outboxes of their travel-ways."""
    now_s = trio.current_time()
    for city, left in world.abroad:
        ways = {way.place: way for (here, _), way in network.open.items() if here == city.here}
        for number, merchant in enumerate(on_the_wire(world, left, network.node_suffix)):
            row = chosen(left, slice(number, number + 1))
            way = ways.get(int(row.rows.to_place[0]))
            if way is None:  # closed while the window ran
                bring_home(world, city, row, merchant.genome)
                continue
            quota = _quota(network, way, now_s)
            if quota:
                quota.book(now_s, -merchant.money_minor)
            way.outbox.append((merchant, row))
            way.crossings.append((now_s, merchant.good if merchant.owned else "", True))
            way.wake.set()
    world.abroad.clear()
