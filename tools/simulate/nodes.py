"""The nodes of a simulated network: their worlds, their machines, one life after the other."""

import contextlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import trio

from city_node.config import Config, Dialling, Wishes, resolve
from city_node.machine import Bound, Machine
from city_node.meeting import PORT_FIRST
from city_node.node import Run, run_node
from city_node.running import Running
from city_node.world import World, found_world
from tools.simulate.internet import Internet
from tools.simulate.streams import End, Host

TICKS_PER_S = 1
"""So that a run of half an hour is 1,800 windows a node."""

CITIES_MAX = 2
LOCALS_MAX, MERCHANTS_MIN, MERCHANTS_MAX = 6, 5, 30
"""Small worlds: what is tested happens between them."""

LEAVE_PROBABILITY, ACT_PROBABILITY = 0.05, 0.3
"""Merchants who wander more than they should."""

DIALLED_MAX = 3
"""By one node, of those before it."""

THREAD_S_MAX = 0.02
"""What is offloaded is done after a while, so that other things happen in between."""


@dataclass(eq=False)
class Node:
    """One node, over all its lives.

    Attributes:
        lives: how often it has been started.
        world: of the life that is lived now, or was last.
        before: worlds of earlier lives.
        scope: of this life.
        away_s: until the next one.
    """

    name: str
    config: Config
    host: Host
    internet: Internet
    random: Random
    lives: int = 0
    world: World | None = None
    before: list[World] = field(default_factory=list)
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    away_s: float = 0.0

    async def live(self) -> None:
        """Live one life after the other; until cancelled."""
        while True:
            if self.world:
                self.before.append(self.world)
            self.lives += 1
            self.world = found_world(self.config)
            self.internet.bring_up(self.host)
            with trio.CancelScope() as self.scope:
                await run_node(
                    self.world, self.config, self.name, Run(headless=True), machine=self._machine()
                )
            if self.host.is_up:
                self.internet.take_down(self.host, told=True)
            await trio.sleep(self.away_s)

    def stop(self, away_s: float) -> None:
        """End this life as a signal does."""
        self.away_s = away_s
        self.scope.cancel()

    def crash(self, away_s: float, *, told: bool) -> None:
        """End this life here and now: what its tasks still do has no effect.

        Args:
            told: whether the system survives and tells the peers.
        """
        self.internet.take_down(self.host, told=told)
        self.stop(away_s)

    def _machine(self) -> Machine:
        async def offload(function: Callable[..., Any], *arguments: Any) -> Any:
            await trio.sleep(self.random.uniform(0, THREAD_S_MAX))
            return function(*arguments)

        def listen(port: int, host: str) -> Awaitable[Bound]:  # noqa: ARG001  (it has but one)
            return self.internet.listen(self.host, port)

        def dial(host: str, port: int) -> Awaitable[End]:
            return self.internet.dial(self.host, host, port)

        return Machine(
            offload=offload,
            listen=listen,
            dial=dial,
            stopwatch_s=lambda: 0.0,
            random=self.random,
            noted=unnoted,
        )


@contextlib.contextmanager
def unnoted(_: Running) -> Iterator[None]:
    """No verb looks for a simulated node."""
    yield


def found_nodes(count: int, internet: Internet, random: Random) -> list[Node]:
    """So many nodes that know each other's addresses, none of them started."""
    nodes: list[Node] = []
    cities = [random.randint(1, CITIES_MAX) for _ in range(count)]
    dials: list[list[str]] = [[] for _ in range(count)]
    for here in range(1, count):
        for there in random.sample(range(here), min(here, DIALLED_MAX)):
            way = random.choice(["there", "here", "both"])
            if way != "here":
                dials[here].append(address_of(there))
            if way != "there":
                dials[there].append(address_of(here))
    for number in range(count):
        name = f"node{number}"
        of = configured(number, cities[number], dials[number], random)
        host = Host(address_of(number))
        internet.hosts[host.address] = host
        nodes.append(Node(name, of, host, internet, Random(random.getrandbits(64))))
    return nodes


def address_of(number: int) -> str:
    """The IP address of a node's host."""
    return f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"


def configured(number: int, cities: int, dials: list[str], random: Random) -> Config:
    """What a node is told on its command line."""
    config = resolve(
        Wishes(
            cities=tuple(f"Town {number}-{city}" for city in range(cities)),
            seed=random.getrandbits(31),
            locals=random.randint(2, LOCALS_MAX),
            merchants=random.randint(MERCHANTS_MIN, MERCHANTS_MAX),
            threads=1,
            discovery=False,
            legacy_bind=address_of(number),
        )
    )
    told = [(random.randrange(cities), address) for address in dials]
    return replace(
        config,
        speed_ticks_per_s=TICKS_PER_S,
        network=replace(
            config.network,
            dial=tuple(Dialling(city, address, PORT_FIRST) for city, address in told),
        ),
        cities=tuple(
            replace(
                city,
                merchant_rules=replace(
                    city.merchant_rules,
                    leave_probability=LEAVE_PROBABILITY,
                    act_probability=ACT_PROBABILITY,
                ),
            )
            for city in config.cities
        ),
    )
