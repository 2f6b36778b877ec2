"""A small plausible world for pictures and tests of the viewer: random walks, no economy at all.

`snapshots` makes the messages a node would send, `history` the same already seen. Prices start
apart, settle, and draw together once a road opens; merchants walk; three made-up economies declare
charts of every kind. The same arguments give the same world.
"""

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from protocol.observe import (
    Chart,
    City,
    Event,
    LogLine,
    Node,
    Peer,
    Road,
    Snapshot,
    shorts,
)
from viewer.history import History

NAMES = (
    *("Riverwood", "Seaside", "Winterhold", "Portsville", "Ashford", "Brightwater", "Dunmere"),
    *("Coldharbour", "Northgate", "Ironbridge", "Eastmarch", "Fallowfield", "Greyhaven"),
    *("Highcliff", "Juniper Vale", "Kestrel Rock", "Larkspur", "Millbrook", "Oakhollow"),
    "Pinecrest",
)
GOODS = ("wood", "chair", "thread", "bed", "fur", "iron")
PRICES = (2.9, 12.9, 2.9, 25.5, 8.0, 16.0)  # where the goods end, coins
FIRST_TICK = 174_220

MARKET = Chart(
    "scatter",
    "market",
    "Leisure and wealth",
    "value of an hour off, by money held (log)",
    ["money", "leisure_value"],
)
MACRO = [
    Chart(
        "table",
        "panels",
        "Cities now",
        keys=["gdp", "inflation", "unemployment", "rate"],
        names=["GDP", "infl %", "unem %", "rate %"],
    ),
    Chart(
        "path",
        "panels",
        "Unemployment and inflation",
        "recent path, mark = now",
        ["unemployment", "inflation"],
        ["unemployment %", "inflation %"],
    ),
    Chart("line", "panels", "Real GDP", "coins of tick 0, log scale", ["gdp"], log=True),
    Chart(
        "line",
        "panels",
        "Inflation",
        "% a year",
        ["inflation"],
        reference=2.0,
        summary="reference",
        decimals=1,
    ),
    Chart(
        "line",
        "panels",
        "Unemployment",
        "% of labour force",
        ["unemployment"],
        zero=True,
        decimals=1,
    ),
    Chart("line", "panels", "Policy rate", "% set by each city", ["rate"], zero=True, steps=True),
    Chart(
        "line",
        "panels",
        "Price dispersion",
        "spread between cities, % of mean",
        ["dispersion_wood", "dispersion_chair", "dispersion_thread", "dispersion_bed"],
        ["wood", "chair", "thread", "bed"],
        zero=True,
        decimals=1,
    ),
    Chart("line", "panels", "Real rate", "% policy rate less inflation", ["real_rate"], decimals=1),
]
SOCIETY = [
    Chart(
        "line", "distributions", "Population", "people", ["population"], zero=True, summary="total"
    ),
    Chart(
        "line",
        "distributions",
        "Cooperation",
        "% of encounters",
        ["cooperation"],
        zero=True,
        decimals=0,
    ),
    Chart("line", "distributions", "Inequality", "Gini of wealth", ["gini"], zero=True),
    Chart(
        "lorenz",
        "distributions",
        "Lorenz curves",
        "share of wealth held by the poorest",
        ["wealth"],
    ),
    Chart("ridge", "distributions", "Who holds how much", "households by wealth", ["wealth"]),
]
ECONOMIES = {"bazaar": [MARKET], "macro": MACRO, "society": SOCIETY}

Floats = NDArray[np.floating]


def full(name: str, place: int, own: int) -> str:
    """NAME@NODE, nodes of two or three cities each behind the speaking one."""
    return f"{name}@{node_of(place, own)}"


def node_of(place: int, own: int) -> str:
    return "riverside" if place < own else f"node {chr(ord('B') + (place - own) // 3)}"


def _walk(random: np.random.Generator, points: int, stiff: float, size: float) -> Floats:
    """A walk that keeps returning to 0."""
    steps = random.normal(0.0, size, points)
    found = np.zeros(points)
    for k in range(1, points):
        found[k] = found[k - 1] * (1 - stiff) + steps[k]
    return found


def _courses(
    random: np.random.Generator, points: int, cities: int, goods: int
) -> NDArray[np.floating]:
    """Prices [points, cities, goods]: apart until half way, then drawing together."""
    found = np.empty((points, cities, goods))
    time = np.linspace(0.0, 1.0, points)
    together = 0.12 + 0.88 / (1 + np.exp((time - 0.6) * 20))
    start = 1 + 1.1 * np.exp(-time * 90)
    for good in range(goods):
        level = PRICES[good % len(PRICES)] * (1 + 0.4 * (good // len(PRICES)))
        for city in range(cities):
            apart = random.normal(0.0, 0.22)
            away = (random.random() - 0.35) * 3 * (start - 1)
            walk = _walk(random, points, 0.10, 0.009)
            found[:, city, good] = level * (1 + apart * together + away + walk).clip(0.2)
    return found


def snapshots(
    *,
    cities: int = 4,
    own: int = 2,
    goods: int = 4,
    points: int = 500,
    step: int = 20,
    seed: int = 7,
    merchants: bool = True,
    economies: dict[str, list[Chart]] | None = None,
    names: Sequence[str] = NAMES,
) -> Iterator[Snapshot]:
    """What a node would send: `points` snapshots, `step` ticks apart.

    Args:
        own: how many of the cities run on the speaking node.
        merchants: whether anybody travels.
    """
    random = np.random.default_rng(seed)
    own = min(own, cities)
    names = [*names, *(f"City {k}" for k in range(len(names), cities))][:cities]
    wares = [GOODS[k] if k < len(GOODS) else f"good {k + 1}" for k in range(goods)]
    prices = _courses(random, points, cities, goods)
    wide = 0.02 + 0.025 * random.random((points, cities, goods))
    series = [_series(random, points, city) for city in range(cities)]
    people = [(20, 34, 27, 15)[k % 4] + k for k in range(cities)]
    samples = [_samples(random, people[k]) for k in range(cities)]
    roads = _roads(random, cities, own, wares, names) if merchants else []
    cargo = [_cargo(random, wares) if merchants else {} for _ in range(cities)]
    declared = ECONOMIES if economies is None else economies
    for point in range(points):
        tick = FIRST_TICK + point * step
        seen = [
            City(
                name=names[k],
                full_name=full(names[k], k, own),
                node=node_of(k, own),
                own=k < own,
                economy="bazaar",
                locals=people[k],
                merchants=sum(cargo[k].values()),
                money_minor=people[k] * 55_000_000_000,
                trades=point * 40,
                prices=dict(zip(wares, shorts(prices[point, k]), strict=True)),
                bands={
                    ware: (
                        float(prices[point, k, g] * (1 - 1.4 * wide[point, k, g])),
                        float(prices[point, k, g] * (1 + 1.6 * wide[point, k, g])),
                    )
                    for g, ware in enumerate(wares)
                },
                stock=dict.fromkeys(wares, 100.0),
                cargo=cargo[k],
                series={name: float(values[point]) for name, values in series[k].items()},
                samples=samples[k] if k < own else {"wealth": samples[k]["wealth"]},
            )
            for k in range(cities)
        ]
        mean = np.maximum(prices[point].mean(axis=0), 1e-9)
        spread = np.ptp(prices[point], axis=0) / mean * 100 if cities else mean
        opening = FIRST_TICK + points * step // 2
        yield Snapshot(
            node="riverside",
            address="127.0.0.1:55555",
            time_ms=1_700_000_000_000 + point * 40,
            seed=seed,
            tick=tick,
            speed=6_000.0,
            ticks_per_s=5_987.0,
            goods=wares,
            economies=declared,
            cities=seen,
            roads=roads,
            nodes=_nodes(cities, own),
            series={f"dispersion_{ware}": float(s) for ware, s in zip(wares, spread, strict=True)},
            events=[Event(opening, "road opens")] if tick >= opening and cities > 1 else [],
            log=[LogLine(point, tick, "all is well")],
        )


def with_peers(snapshot: Snapshot, *, peers: int = 6, knocking: int = 2) -> Snapshot:
    """The same with roads to others, open, full and closed, and nodes that are kept apart."""
    others = [city for city in snapshot.cities if not city.own] or snapshot.cities
    own = [city.name for city in snapshot.cities if city.own]
    table = []
    for k in range(peers):
        account = k % 3 != 2
        table.append(
            Peer(
                city=own[k % len(own)],
                name=others[k % len(others)].full_name,
                address="" if k % 4 == 3 else f"10.0.0.{k + 2}:55500",
                open=k % 4 != 3,
                why_closed=("", "refuses merchants for now", "", "gone")[k % 4],
                arrived=1_234 * k * k,
                departed=98_765_432 if k == 1 else 77 * k,
                waiting=k,
                refused=k % 3,
                tariff_minor=k * 12_345_678_901,
                balance_minor=(k - 2) * 123_456_789_012 if account else None,
                credit_minor=2_000_000_000_000 if account else None,
                credit_used_minor=k * 380_000_000_000 if account else None,
            )
        )
    apart = [
        Node(
            name=f"stranger-{k}",
            address=f"192.168.0.{k}:55500",
            up=False,
            why_apart="knocks; let it in with: city-node trust 5BL4BD3"
            if k % 2
            else "quarantined: "
            "the peer says of 17 what its journal denies: one of the two has been rolled back",
        )
        for k in range(knocking)
    ]
    return msgspec.structs.replace(snapshot, peers=table, nodes=[*snapshot.nodes, *apart])


def history(**world: object) -> History:
    """The same world, already seen; the last snapshot came at second 0."""
    seen = History()
    for snapshot in snapshots(**world):  # type: ignore[arg-type]
        seen.apply(snapshot, 0.0)
    return seen


def _series(random: np.random.Generator, points: int, city: int) -> dict[str, Floats]:
    """Numbers as a macro economy and a society would tell them."""
    time = np.linspace(0.0, 1.0, points)
    inflation = 2.0 + 1.6 * _walk(random, points, 0.03, 0.22)
    unemployment = np.maximum(0.3, 5.3 + 0.9 * _walk(random, points, 0.04, 0.3))
    smooth = np.convolve(inflation, np.ones(20) / 20, mode="same")
    rate = np.maximum(0.0, np.round((0.5 + 1.4 * smooth)[:: max(1, points // 40)] * 4) / 4)
    rate = np.repeat(rate, max(1, points // 40))[:points]
    gdp = (900 + 350 * (city * 7 % 4)) * np.exp(time * 0.8 + _walk(random, points, 0.01, 0.012))
    grown = 1 / (1 + np.exp(-(time - 0.25 - 0.04 * (city % 5)) * 11))
    people = (180 + 75 * (city * 5 % 4)) * grown * (1 + _walk(random, points, 0.1, 0.01))
    trust = 8 + 82 / (1 + np.exp(-(time - 0.2 - 0.13 * (city * 3 % 4)) * 28))
    if city % 4 == 1:
        trust -= 38 / (1 + np.exp(-(time - 0.7) * 40))
    gini = 0.24 + (0.10 + 0.05 * (city * 3 % 4)) * (1 - np.exp(-3 * time))
    return {
        "gdp": gdp,
        "inflation": inflation,
        "unemployment": unemployment,
        "rate": rate,
        "real_rate": rate - inflation,
        "population": np.rint(people),
        "cooperation": (trust + 2.2 * _walk(random, points, 0.25, 0.5)).clip(0, 100),
        "gini": gini + _walk(random, points, 0.1, 0.004),
    }


def _samples(random: np.random.Generator, people: int) -> dict[str, list[float | None]]:
    money = 550 * np.exp(random.normal(0.0, 0.55, people))
    leisure = 9.0 - 1.1 * np.log(money / 500) + random.normal(0.0, 0.9, people)
    wealth = 500 * np.exp(random.normal(0.1, random.uniform(0.4, 0.9), 150))
    return {"money": shorts(money), "leisure_value": shorts(leisure), "wealth": shorts(wealth)}


def _cargo(random: np.random.Generator, wares: Sequence[str]) -> dict[str, int]:
    return {ware: int(random.integers(1, 6) ** 1.6) for ware in [*wares, ""]}


def _nodes(cities: int, own: int) -> list[Node]:
    others = sorted({node_of(k, own) for k in range(own, cities)})
    here = Node(name="riverside", address="127.0.0.1:55555")
    return [here] + [
        Node(name=name, address=f"10.0.0.{k + 2}:{55556 + k}", latency_ms=16.0 + 3 * k)
        for k, name in enumerate(others)
    ]


def _roads(
    random: np.random.Generator,
    cities: int,
    own: int,
    wares: Sequence[str],
    names: Sequence[str],
) -> list[Road]:
    """Inside nodes, around the ring, and from each of our own to some others; one link is down."""
    if cities < 2:
        return []
    joined = [(k, k + 1) for k in range(cities - 1) if node_of(k, own) == node_of(k + 1, own)]
    across = (
        [(0, 3), (1, 3)] if cities == 4 else [(0, 2), (0, 5), (1, 8), (1, 11), (1, 15), (0, 10)]
    )
    ring = [(k, k + 1) for k in range(own, cities - 1, 2)] if cities > 6 else []
    found = []
    for a, b in dict.fromkeys([*joined, *ring, *across]):
        if max(a, b) >= cities:
            continue
        down = (a, b) == (across[-1] if cities > 2 else (None, None))
        for start, end in ((a, b), (b, a)):
            network = node_of(a, own) != node_of(b, own)
            walkers = {} if down else _walkers(random, wares)
            found.append(
                Road(
                    origin=full(names[start], start, own),
                    destination=full(names[end], end, own),
                    network=network,
                    open=not down,
                    why_closed="link down" if down else "",
                    retry_s=4.0 if down else None,
                    travel_ticks=100,
                    latency_ms=16.0 if network else None,
                    cost_coins=1.0,
                    count={ware: len(along) for ware, along in walkers.items()},
                    walkers=walkers,
                )
            )
    return found


def _walkers(random: np.random.Generator, wares: Sequence[str]) -> dict[str, list[float]]:
    carried = [*wares, ""]
    found: dict[str, list[float]] = {}
    for _ in range(int(random.integers(4, 11))):
        ware = carried[int(random.integers(len(carried)))]
        found.setdefault(ware, []).append(round(float(random.random()), 3))
    return found
