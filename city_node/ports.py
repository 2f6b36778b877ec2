"""Whether a node can listen wherever it was asked to, tried before a world is founded.

Called by `node`, which opens the same ports again once there is a world. Another program may take
one in between: then it is refused there, in the same words. Ports are taken here without listening,
so that whoever dials too early is refused and tries again, not let in and cut off.
"""

import errno
import os
import socket
from contextlib import ExitStack
from importlib.util import find_spec

import trio

from city_node.errors import ConfigError
from city_node.machine import Bound, Machine
from city_node.network.meeting import open_listeners, open_node_listener
from city_node.observing.observer import open_listener
from city_node.settings.config import Config
from city_node.settings.wishes import Run

ADAPTERS = {"metrics": "prometheus_client", "websocket": "trio_websocket"}
"""Extras, and what they install; NAME_port says where they listen on loopback."""


async def try_ports(config: Config, asked: Run) -> None:
    """Take all ports, and give them back at once.

    Raises:
        ConfigError: a port is in use, an address is not this machine's, an extra is not installed.
    """
    with ExitStack() as taken:
        ours: set[int] = set()

        async def take(port: int, host: str) -> Bound:
            if port in ours:
                raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
            places = await trio.socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            for family, kind, protocol, _, address in places:
                one = taken.enter_context(socket.socket(family, kind, protocol))
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                one.bind(address)
            if port:
                ours.add(port)
            return Bound([], *one.getsockname()[:2])

        machine = Machine(listen=take)
        names = [city.name for city in config.cities]
        await open_listeners(names, config.network, machine)
        await open_node_listener(config.network, machine)
        await open_listener(config.observe_bind, config.observe_port, machine)
        for extra, module in ADAPTERS.items():
            field = f"{extra}_port"
            port = getattr(asked, field)
            if port is None:
                continue
            if find_spec(module) is None:
                raise ConfigError(
                    f"{field} = {port}: needs an extra: pip install 'city-node[{extra}]'"
                )
            try:
                await take(port, "127.0.0.1")
            except OSError as error:
                raise ConfigError(f"{field} = {port}: {error.strerror or error}") from None
