"""How a node meets others: its listeners, the addresses it was told, and whom it finds around it.

Called by `node`. Every city of one node meets every city of another, in name order; of two nodes
that see each other the one with the lower boot id dials.
"""

import errno
import ipaddress
import itertools
from typing import Any

import trio

from city_node.config import Dialling, NetworkConfig
from city_node.discovery import (
    Discovery,
    LinkSaid,
    Sighting,
    announcement,
    instance_of,
    own_addresses,
)
from city_node.errors import ConfigError
from city_node.link import Links
from city_node.log import Log
from city_node.machine import Bound, Machine, Stream
from city_node.network import Network
from city_node.sightings import NODES_IN_SIGHT_MAX, NodesInSight
from city_node.sockets import NODE_PORT_FIRST, PORTS_SCANNED
from city_node.travelway import dial, speak
from city_node.world import City, World

PORT_FIRST = 55_555


async def open_listeners(
    world: World, config: NetworkConfig, log: Log, machine: Machine
) -> list[Bound]:
    """One listening socket a city, in their order.

    Raises:
        ConfigError: a port that was asked for is in use, an address is not this machine's, or
            others would see us where nobody listens.
    """
    everywhere = ipaddress.ip_address(config.legacy_bind).is_unspecified
    if config.interface not in (None, config.legacy_bind) and not everywhere:
        raise ConfigError(
            f"interface = {config.interface!r}: must be where listeners are, "
            f"legacy_bind = {config.legacy_bind!r}"
        )
    found: list[Bound] = []
    port = config.port or PORT_FIRST
    try:
        for city in world.cities:
            found.append(await _open_listener(city.name, port, config, machine))
            port = found[-1].port + 1
    except ConfigError:
        for listener in itertools.chain.from_iterable(bound.listeners for bound in found):
            await listener.aclose()
        raise
    if config.legacy_bind not in ("127.0.0.1", "::1"):
        log.say(
            f"listening on {config.legacy_bind}: whoever reaches it may come in unauthenticated"
        )
    return found


async def _open_listener(city: str, port: int, config: NetworkConfig, machine: Machine) -> Bound:
    """The listener of one city, at a port or, if none was asked for, the next that is free."""
    while True:
        try:
            return await machine.listen(port, config.legacy_bind)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise ConfigError(
                    f"legacy_bind = {config.legacy_bind!r}: not an address of this machine"
                ) from None
            if config.port or port > PORT_FIRST + PORTS_SCANNED:
                why = "in use" if error.errno == errno.EADDRINUSE else "not allowed"
                raise ConfigError(
                    f"port = {port}: {why}, wanted for {city}; without --port a free one is found"
                ) from None
            port += 1


async def listen(
    network: Network,
    city: City,
    bound: Bound,
    links: Links | None,
    *,
    task_status: trio.TaskStatus[Any] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Accept whoever dials a city; nodes of ours, who begin with TLS, are left to `links`."""
    network.own.add(city.name.casefold())

    async def legacy(stream: Stream, since_s: float) -> bool:
        return await speak(network, city, stream, since_s=since_s)

    async def accepted(stream: Stream) -> None:
        if links:
            await links.accept(stream, legacy)
        else:
            await legacy(stream, trio.current_time())

    await trio.serve_listeners(accepted, bound.listeners, task_status=task_status)


async def open_node_listener(config: NetworkConfig, machine: Machine) -> Bound:
    """The listener for other nodes: on all interfaces, since whoever comes has to prove his key.

    Raises:
        ConfigError: the port that was asked for, or all of them, cannot be had.
    """
    port = config.node_port or NODE_PORT_FIRST
    while True:
        try:
            return await machine.listen(port, config.interface or "0.0.0.0")
        except OSError as error:
            if config.node_port or port >= NODE_PORT_FIRST + PORTS_SCANNED:
                why = "in use" if error.errno == errno.EADDRINUSE else str(error.strerror)
                raise ConfigError(
                    f"node_port = {port}: {why}; without --node-port a free one is found"
                ) from None
            port += 1


async def keep_told(network: Network, links: Links | None, world: World, told: Dialling) -> None:
    """Keep a road to an address we were told, whoever is there."""
    city = world.cities[told.city or 0]
    if links is None:
        await dial(network, city, [told.host], told.port)
        return
    with trio.CancelScope() as redial:

        async def legacy(stream: Stream, since_s: float) -> bool:
            return await speak(network, city, stream, redial=redial, since_s=since_s)

        cities = None if told.city is None else (told.city,)
        await links.keep(lambda: ([told.host], told.port), cities=cities, legacy=legacy)


async def meet_others(
    network: Network,
    world: World,
    config: NetworkConfig,
    listeners: list[Bound],
    boot: str,
    links: Links | None = None,
    said: LinkSaid | None = None,
) -> None:
    """Dial the addresses we were told, look around, dial whom we see; until cancelled.

    Args:
        boot: a random word.
        links: with nodes of ours; None: there are none.
        said: what others are told of them.
    """
    async with trio.open_nursery() as nursery:
        for told in config.dial:
            nursery.start_soon(keep_told, network, links, world, told)
        if config.discovery:
            horizon = Horizon(network, world.cities, config.roads_max, boot, nursery)
            nodes = NodesInSight(links, nursery) if links else None
            await _look_around(horizon, nodes, config, listeners, said)


async def _look_around(
    horizon: "Horizon",
    nodes: NodesInSight | None,
    config: NetworkConfig,
    listeners: list[Bound],
    said: LinkSaid | None,
) -> None:
    bound_to = config.interface or ("0.0.0.0" if said else config.legacy_bind)
    cities = [
        (city.name, bound.port) for city, bound in zip(horizon.cities, listeners, strict=True)
    ]
    network = horizon.network
    own = announcement(network.node, horizon.boot, cities, own_addresses(bound_to), said)
    discovery = Discovery([bound_to])
    try:
        if await discovery.start(own, network.log):
            async for sighting in discovery.sightings:
                if nodes and (sighting.links or sighting.gone):
                    nodes.see(sighting)
                if not (nodes and sighting.links):
                    horizon.see(sighting)
    finally:
        await discovery.stop()


class Horizon:
    """The nodes in sight, and which of their cities ours dial: at most so many each.

    Args:
        cities: ours.
        roads_max: how many cities of others one of ours dials.
        boot: our random id; a node with a lower one dials us, and is not dialled.
        nursery: where diallers run.
    """

    def __init__(
        self,
        network: Network,
        cities: list[City],
        roads_max: int,
        boot: str,
        nursery: trio.Nursery,
    ) -> None:
        self.network, self.cities, self.boot = network, cities, boot
        self._roads_max = roads_max
        self._nursery = nursery
        self._in_sight: dict[str, Sighting] = {}
        self._dialling: set[tuple[int, str, str]] = set()
        self._given_up: set[tuple[int, str, str]] = set()

    def see(self, sighting: Sighting) -> None:
        """Take note of a node, or that it is gone, and dial its cities if that is ours to do."""
        if self._is_twin(sighting):
            self.network.log.complain(
                f"another node with a city of the same name is called {self.network.node} too; "
                "give one of the nodes another --node-name"
            )
        if sighting.gone:
            self._in_sight.pop(sighting.instance, None)
            self._given_up = {road for road in self._given_up if road[1] != sighting.instance}
        elif sighting.boot > self.boot and (
            sighting.instance in self._in_sight or len(self._in_sight) < NODES_IN_SIGHT_MAX
        ):
            self._in_sight[sighting.instance] = sighting
            self._dial_more()

    def _is_twin(self, sighting: Sighting) -> bool:
        """Whether it is called like us, and so is a city of it: these can never meet."""
        names = {name.casefold() for name, _ in sighting.cities}
        return (
            sighting.boot != self.boot
            and sighting.instance == instance_of(self.network.node, sighting.boot)
            and any(city.name.casefold() in names for city in self.cities)
        )

    def _dial_more(self) -> None:
        """Every city of ours dials those in sight, in name order, until it has roads enough."""
        for city in sorted(self.cities, key=lambda city: city.name):
            for instance, sighting in self._in_sight.items():
                for name, port in sorted(sighting.cities):
                    road = (city.here, instance, name)
                    count = sum(here == city.here for here, _, _ in self._dialling)
                    known = road in self._dialling or road in self._given_up
                    if not known and count < self._roads_max:
                        self._dialling.add(road)
                        self._nursery.start_soon(self._dial, city, road, sighting.addresses, port)

    async def _dial(
        self, city: City, road: tuple[int, str, str], addresses: tuple[str, ...], port: int
    ) -> None:
        _, instance, _ = road
        await dial(self.network, city, addresses, port, lambda: instance in self._in_sight)
        self._dialling.remove(road)
        if instance in self._in_sight:  # somebody has said that this road is not wanted
            self._given_up.add(road)
        self._dial_more()
