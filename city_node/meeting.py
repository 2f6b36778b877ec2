"""How a node meets others: its listeners, the addresses it was told, and whom it finds around it.

Called by `node`. Every city of one node meets every city of another, in name order; of two nodes
that see each other the one with the lower boot id dials.
"""

import errno

import trio

from city_node.config import NetworkConfig
from city_node.discovery import Discovery, Sighting, announcement, own_addresses
from city_node.errors import ConfigError
from city_node.log import Log
from city_node.travelway import Network, dial
from city_node.world import World

PORT_FIRST = 55_555
PORTS_SCANNED = 1_000

Bound = list[trio.SocketListener]


async def open_listeners(
    world: World, config: NetworkConfig, log: Log
) -> list[list[trio.SocketListener]]:
    """One listening socket a city, in their order.

    Raises:
        ConfigError: a port that was asked for is in use, or the address is not this machine's.
    """
    found = []
    port = config.port or PORT_FIRST
    for city in world.cities:
        while True:
            try:
                found.append(await trio.open_tcp_listeners(port, host=config.legacy_bind))
                break
            except OSError as error:
                in_use = error.errno in (errno.EADDRINUSE, errno.EACCES)
                if not in_use:
                    raise ConfigError(
                        f"legacy_bind = {config.legacy_bind!r}: not an address of this machine"
                    ) from None
                if config.port or port > PORT_FIRST + PORTS_SCANNED:
                    raise ConfigError(
                        f"port = {port}: in use, wanted for {city.name}; without --port a free "
                        f"one is found"
                    ) from None
                port += 1
        port += 1
    if config.legacy_bind not in ("127.0.0.1", "::1"):
        log.say(
            f"listening on {config.legacy_bind}: whoever reaches it may come in unauthenticated"
        )
    return found


async def meet_others(
    network: Network, world: World, config: NetworkConfig, listeners: list[Bound], boot: str
) -> None:
    """Dial the addresses we were told, look around, dial whom we see; until cancelled."""
    async with trio.open_nursery() as nursery:
        for told in config.dial:
            nursery.start_soon(dial, network, world.cities[told.city], told.host, told.port)
        if config.discovery:
            await _look_around(network, world, config, listeners, boot, nursery)


async def _look_around(
    network: Network,
    world: World,
    config: NetworkConfig,
    listeners: list[Bound],
    boot: str,
    nursery: trio.Nursery,
) -> None:
    bound_to = config.interface or config.legacy_bind
    addresses = own_addresses(bound_to)
    cities = [
        (city.name, int(bound[0].socket.getsockname()[1]))
        for city, bound in zip(world.cities, listeners, strict=True)
    ]
    discovery = Discovery([bound_to])
    in_sight: dict[str, Sighting] = {}
    try:
        if not await discovery.start(
            announcement(network.node, boot, cities, addresses), network.log
        ):
            return
        async for sighting in discovery.sightings:
            _see(network, world, config, boot, in_sight, sighting, nursery)
    finally:
        await discovery.stop()


def _see(
    network: Network,
    world: World,
    config: NetworkConfig,
    boot: str,
    in_sight: dict[str, Sighting],
    sighting: Sighting,
    nursery: trio.Nursery,
) -> None:
    """Take note of a node in sight, and dial its cities if that is ours to do."""
    if sighting.gone:
        in_sight.pop(sighting.instance, None)
        return
    known = sighting.instance in in_sight
    in_sight[sighting.instance] = sighting
    if known or sighting.boot <= boot:
        return

    def wanted() -> bool:
        return sighting.instance in in_sight

    for city in sorted(world.cities, key=lambda city: city.name):
        for _, port in sorted(sighting.cities)[: config.roads_max]:
            nursery.start_soon(dial, network, city, sighting.address, port, wanted)
