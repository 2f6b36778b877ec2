"""What observers are shown of a node: the world between two windows, as one `Snapshot`.

Called by `observer` and `history`. Reads the world, the travel-ways and the pace; changes nothing.
"""

import time

import numpy as np
import trio

from city_node.cities.gauges import Gauges
from city_node.cities.world import City, World, merchants_minor
from city_node.network.network import CROSSING_S, Network, NodeWay, Travelway
from city_node.pace import Pace
from engine.economy import Chart as EconomyChart
from merchants import report as merchants
from protocol import observe

APART = 0.025
"""Of a travel-way's length: between two who cross in one window."""

DECIMALS = 6
"""Significant digits of what is drawn."""


def snapshot(
    world: World, network: Network, pace: Pace, gauges: Gauges, address: str
) -> observe.Snapshot:
    """The whole of it.

    Args:
        address: where peers reach the node, HOST:PORT.
    """
    return observe.Snapshot(
        node=network.node,
        address=address,
        time_ms=int(time.time() * 1_000),
        seed=world.seed,
        tick=world.tick,
        speed="max" if pace.speed_ticks_per_s is None else float(pace.speed_ticks_per_s),
        ticks_per_s=observe.short(pace.achieved_ticks_per_s()),
        paused=pace.paused,
        goods=list(network.goods),
        economies=economies(world, gauges),
        cities=[
            *(own_city(world, network, gauges, city) for city in world.cities),
            *remote_cities(network),
        ],
        roads=inside_roads(world, network) + travel_ways(network),
        nodes=nodes(network, address),
        peers=peers(world, network),
        events=[observe.Event(tick, label) for tick, label in world.happened],
        log=[observe.LogLine(number, world.tick, text) for number, text in network.log.newest()],
    )


def economies(world: World, gauges: Gauges) -> dict[str, list[observe.Chart]]:
    """The charts of each economy; the merchants' and one's own, which all cities share, stand with
    the first."""
    found = {
        city.economy_name: [chart(declared) for declared in city.economy.CHARTS]
        for city in world.cities
    }
    shared = [*merchants.charts(city.town for city in world.cities), *gauges.charts]
    found[world.cities[0].economy_name] += [chart(declared) for declared in shared]
    return found


def chart(declared: EconomyChart) -> observe.Chart:
    """A declared chart as the wire has it."""
    return observe.Chart(
        declared.kind,
        declared.slot,
        declared.title,
        unit=declared.unit,
        keys=list(declared.keys),
        names=list(declared.names),
        log=declared.log,
        view=declared.view,
        zero=declared.zero,
        steps=declared.steps,
        reference=declared.reference,
        summary=declared.summary,
    )


def own_city(world: World, network: Network, gauges: Gauges, city: City) -> observe.City:
    """A city of this node, with all that its economy measures."""
    economy, state = city.economy, city.state
    tradeable = [world.goods.index(good) for good in network.goods]
    low_high = economy.price_range(state)
    stock = economy.stock(state)
    rows = city.town.roster.rows
    count = int(city.town.roster.size[0])
    sampled = economy.samples(state, observe.SAMPLES_MAX)
    return observe.City(
        name=city.name,
        full_name=f"{city.name}@{network.node}",
        node=network.node,
        own=True,
        economy=city.economy_name,
        locals=economy.residents(state),
        merchants=count,
        money_minor=economy.holdings_minor(state) + merchants_minor(city.town),
        trades=economy.trades(state),
        prices=_by_good(network, economy.prices(state)[tradeable]),
        bands={
            good: (observe.short(low_high[0, number]), observe.short(low_high[1, number]))
            for good, number in zip(network.goods, tradeable, strict=True)
        },
        stock=_by_good(network, stock[tradeable].astype(np.float64)),
        cargo=_cargo(world, rows.good[:count], rows.owned[:count]),
        series={name: observe.short(value) for name, value in series(city, gauges).items()},
        samples={name: observe.shorts(values) for name, values in sampled.items()},
    )


def series(city: City, gauges: Gauges) -> dict[str, float]:
    """What may be plotted of a city over time: its economy's, its merchants', one's own."""
    measured = {**city.economy.series(city.state), **merchants.series(city.town)}
    return measured | gauges.series(city)


def _by_good(network: Network, values: np.ndarray) -> dict[str, observe.Number]:
    return {
        good: observe.short(value, DECIMALS)
        for good, value in zip(network.goods, values, strict=True)
    }


def _cargo(world: World, goods: np.ndarray, owned: np.ndarray) -> dict[str, int]:
    carried = np.bincount(goods[owned > 0], minlength=len(world.goods))
    found = {world.goods[number]: int(carried[number]) for number in np.flatnonzero(carried)}
    empty = int((owned == 0).sum())
    return found | ({observe.EMPTY_HANDED: empty} if empty else {})


def remote_cities(network: Network) -> list[observe.City]:
    """The cities at the other ends of travel-ways: their names, and prices of those that tell."""
    peers = sorted({way.peer for way in network.ways})
    news = {way.peer: way.prices or {} for way in network.linked.values()}
    return [
        observe.City(
            name=peer.partition("@")[0],
            full_name=peer,
            node=peer.partition("@")[2] or peer,
            prices={
                good: observe.short(news[peer][good], DECIMALS)
                for good in network.goods
                if good in news.get(peer, {})
            },
        )
        for peer in peers
    ]


def nodes(network: Network, address: str) -> list[observe.Node]:
    """This node, those in sight, and those that are kept apart."""
    found = {network.node: address}
    for way in network.ways:
        found.setdefault(way.peer.partition("@")[2] or way.peer, way.address)
    now_s = trio.current_time()
    return [observe.Node(name=name, address=at) for name, at in found.items()] + [
        observe.Node(name=apart.name, address=apart.address, up=False, why_apart=apart.why)
        for apart in network.apart.values()
        if now_s < apart.until_s
    ]


def peers(world: World, network: Network) -> list[observe.Peer]:
    """Every peer that a city has, or has had since the node started, or refused."""
    ways = {(way.city.name, way.peer): way for way in network.ways}
    own = {city.name for city in world.cities}
    known = {*ways, *network.refused}
    for city in world.cities:
        known |= {(city.name, name) for name in {*city.arrivals, *city.departures} - own}
    traffic = {city.name: city for city in world.cities}
    linked = {(way.city.name, way.peer): way for way in network.linked.values()}
    return [
        observe.Peer(
            city=city,
            name=peer or "(not greeted)",
            address=way.address if way else "",
            dialled=way is not None and way.dialled,
            open=way is not None and way.ready,
            why_closed=_why_closed(way),
            arrived=traffic[city].arrivals[peer],
            departed=traffic[city].departures[peer],
            refused=network.refused[city, peer],
            waiting=way.waiting.total() if way else 0,
            tariff_minor=traffic[city].tariffs_minor[peer],
            **_account(linked.get((city, peer))),
        )
        for city, peer, way in sorted(
            ((city, peer, ways.get((city, peer))) for city, peer in known),
            key=lambda listed: listed[:2],
        )
    ]


def _why_closed(way: Travelway | NodeWay | None) -> str:
    if way is None:
        return "gone"
    if not way.ready:
        return "greeting"
    if isinstance(way, NodeWay) and trio.current_time() < way.closed_until_s:
        return "refuses merchants for now"
    return ""


def _account(way: NodeWay | None) -> dict[str, int]:
    if way is None:
        return {}
    return {
        "balance_minor": way.balance_minor,
        "credit_minor": way.credit_minor,
        "credit_used_minor": max(0, way.used_minor),
    }


def inside_roads(world: World, network: Network) -> list[observe.Road]:
    """The roads between cities of this node, and who walks on them."""
    size = int(world.walking.size[0])
    rows = world.walking.rows
    found = []
    for city in world.cities:
        roads = city.town.roads
        for road in np.flatnonzero(roads.place < len(world.cities)):
            place, length = int(roads.place[road]), int(roads.travel_ticks[road])
            on_it = (rows.from_place[:size] == city.here) & (rows.to_place[:size] == place)
            walking = np.flatnonzero(on_it)
            goods = np.where(rows.owned[walking] > 0, rows.good[walking], -1)
            along = 1.0 - (rows.tick[walking] - world.tick) / length
            found.append(
                observe.Road(
                    origin=f"{city.name}@{network.node}",
                    destination=f"{world.cities[place].name}@{network.node}",
                    open=bool(roads.open[road]),
                    why_closed="" if roads.open[road] else "closed",
                    travel_ticks=length,
                    cost_coins=observe.short(roads.cost[road]),
                    count=_cargo(world, rows.good[walking], rows.owned[walking]),
                    walkers=_walkers(world, goods, along),
                )
            )
    return found


def _walkers(world: World, goods: np.ndarray, along: np.ndarray) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for row in observe.evenly(len(goods), observe.WALKERS_MAX):
        good = world.goods[goods[row]] if goods[row] >= 0 else observe.EMPTY_HANDED
        found.setdefault(good, []).append(round(float(np.clip(along[row], 0.0, 1.0)), 3))
    return found


def travel_ways(network: Network) -> list[observe.Road]:
    """The roads over the network, one each way.

    The crossing itself takes no time: shown, and counted, is who has just crossed.
    """
    now_s = trio.current_time()
    found = []
    for way in network.ways:
        ours = f"{way.city.name}@{network.node}"
        for origin, destination, outward in ((ours, way.peer, True), (way.peer, ours, False)):
            walkers = _crossing(way, outward, now_s)
            found.append(
                observe.Road(
                    origin=origin,
                    destination=destination,
                    network=True,
                    open=way.ready,
                    why_closed=_why_closed(way),
                    count={good: len(along) for good, along in walkers.items()},
                    walkers=walkers,
                )
            )
    return found


def _crossing(way: Travelway | NodeWay, outward: bool, now_s: float) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    before_s, behind = -1.0, 0
    for crossed_s, good, is_outward in way.crossings:
        if is_outward == outward and now_s - crossed_s < CROSSING_S:
            # Who crossed in one window walks one behind the other, so that all can be counted.
            behind = behind + 1 if crossed_s == before_s else 0
            before_s = crossed_s
            along = (now_s - crossed_s) / CROSSING_S - behind * APART
            found.setdefault(good, []).append(round(max(0.0, along), 3))
    return found
