"""Whether a node can listen wherever it was asked to, tried before a world is founded.

Called by `node`, which opens the same ports again once there is a world. Another program may take
one in between: then it is refused there, in the same words.
"""

from importlib.util import find_spec

from city_node.errors import ConfigError
from city_node.machine import Bound, Machine
from city_node.network.meeting import open_listeners, open_node_listener
from city_node.observing.observer import open_listener
from city_node.settings.config import Config
from city_node.settings.wishes import Run

ADAPTERS = {"metrics": "prometheus_client", "websocket": "trio_websocket"}
"""Extras, and what they install; NAME_port says where they listen on loopback."""


async def try_ports(config: Config, asked: Run) -> None:
    """Listen everywhere, and stop at once.

    Raises:
        ConfigError: a port is in use, an address is not this machine's, an extra is not installed.
    """
    machine = Machine()
    opened: list[Bound] = []
    try:
        names = [city.name for city in config.cities]
        opened += await open_listeners(names, config.network, machine)
        opened.append(await open_node_listener(config.network, machine))
        opened.append(await open_listener(config.observe_bind, config.observe_port, machine))
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
                opened.append(await machine.listen(port, "127.0.0.1"))
            except OSError as error:
                raise ConfigError(f"{field} = {port}: {error.strerror or error}") from None
    finally:
        for bound in opened:
            for listener in bound.listeners:
                await listener.aclose()
