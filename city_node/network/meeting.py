"""How a node meets others: its listeners, the addresses it was told, and whom it finds around it.

Called by `node`. Of two nodes that see each other the one with the lower id dials (`sightings`).
"""

from __future__ import annotations

import errno
import ipaddress
import itertools
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import trio

from city_node.cities.world import City, World
from city_node.errors import ConfigError
from city_node.log import Log
from city_node.machine import Bound, Machine, Stream
from city_node.network.discovery import (
    Discovery,
    LinkSaid,
    announcement,
    own_addresses,
)
from city_node.network.link import Links
from city_node.network.network import Network
from city_node.network.sightings import NodesInSight
from city_node.network.sockets import NODE_PORT_FIRST, PORTS_SCANNED
from city_node.network.travelway import speak
from city_node.settings.network import Dialling, NetworkConfig

if TYPE_CHECKING:
    from zeroconf import ServiceInfo

PORT_FIRST = 55_555


async def open_listeners(
    cities: Iterable[str], config: NetworkConfig, machine: Machine
) -> list[Bound]:
    """One listening socket a city, in the order of their names.

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
        for city in cities:
            found.append(await _open_listener(city, port, config, machine))
            port = found[-1].port + 1
    except ConfigError:
        for listener in itertools.chain.from_iterable(bound.listeners for bound in found):
            await listener.aclose()
        raise
    return found


def tell_ports(world: World, config: NetworkConfig, listeners: list[Bound], log: Log) -> None:
    """Log where each city listens, and a warning when that is for others than this machine."""
    said = ", ".join(
        f"{city.name} {bound.port}" for city, bound in zip(world.cities, listeners, strict=True)
    )
    wide = config.legacy_bind not in ("127.0.0.1", "::1")
    warning = "; whoever reaches it may come in unauthenticated" if wide else ""
    log.say(f"listening on {config.legacy_bind}: {said}{warning}")


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


async def keep_told(network: Network, links: Links, world: World, told: Dialling) -> None:
    """Keep a road to an address we were told, whoever is there: from all cities to a node of ours,
    from the first to anybody else, unless it is for one."""
    city = world.cities[told.city or 0]
    with trio.CancelScope() as redial:

        async def legacy(stream: Stream, since_s: float) -> bool:
            return await speak(network, city, stream, redial=redial, since_s=since_s)

        cities = range(len(world.cities)) if told.city is None else (told.city,)
        await links.keep(lambda: ([told.host], told.port), cities=cities, legacy=legacy)


async def meet_others(
    network: Network,
    world: World,
    config: NetworkConfig,
    listeners: list[Bound],
    boot: str,
    links: Links,
    said: LinkSaid,
) -> None:
    """Dial the addresses we were told, look around, dial whom we see; until cancelled.

    Args:
        boot: a random word.
        said: what others are told of our links.
    """
    async with trio.open_nursery() as nursery:
        for told in config.dial:
            nursery.start_soon(keep_told, network, links, world, told)
        if config.discovery:
            bound_to = config.interface or "0.0.0.0"
            cities = [
                (city.name, bound.port) for city, bound in zip(world.cities, listeners, strict=True)
            ]
            own = announcement(network.node, boot, cities, own_addresses(bound_to), said)
            await _look_around(NodesInSight(links, nursery), bound_to, own, network.log)


async def _look_around(nodes: NodesInSight, bound_to: str, own: ServiceInfo, log: Log) -> None:
    discovery = Discovery([bound_to])
    try:
        if await discovery.start(own, log):
            async for sighting in discovery.sightings:
                nodes.see(sighting)
    finally:
        await discovery.stop()
