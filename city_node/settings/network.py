"""How a node meets others: where it listens, whom it calls, whether it looks around.

Called by `config`, and for an address that an operator types while the node runs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from city_node.settings.fields import address_in, whole_number, wish_or, yes_or_no
from city_node.settings.wishes import Wishes

NETWORK_FIELDS = (
    "port",
    "node_port",
    "connect",
    "legacy_bind",
    "discovery",
    "interface",
)


@dataclass(frozen=True)
class Dialling:
    """An address to keep a road to, from one of our cities, by its number.

    Attributes:
        city: None: from all of them to a node of ours, from the first to anybody else.
    """

    city: int | None
    host: str
    port: int


@dataclass(frozen=True)
class NetworkConfig:
    """How the node meets others.

    Attributes:
        port: of the first city's listener, the others above it; None: the first free from
            PORT_FIRST upward.
        node_port: of the listener for other nodes; None: the first free one.
        legacy_bind: IP address that listeners are bound to.
        dial: addresses to connect to.
        discovery: whether to announce this node and look for others.
        interface: IP address of the interface to do that on; None: on all.
    """

    port: int | None
    node_port: int | None
    legacy_bind: str
    dial: tuple[Dialling, ...]
    discovery: bool
    interface: str | None


def network_in(wishes: Wishes, shared: Mapping[str, Any], names: tuple[str, ...]) -> NetworkConfig:
    """What flags and file say of it.

    Args:
        shared: file over defaults.
        names: of the node's cities.

    Raises:
        ValueError: one line with field, value and limit.
    """
    port = wish_or(wishes.port, shared.get("port"))
    most = 65_536 - len(names)
    if port is not None and (type(port) is not int or not 1 <= port <= most):
        raise ValueError(f"port = {port!r}: must be from 1 to {most}, one a city")
    node_port = wish_or(wishes.node_port, shared.get("node_port"))
    discovery = yes_or_no("discovery", wishes.discovery, shared["discovery"])
    written = shared.get("connect", [])
    if not isinstance(written, list):
        raise ValueError(f"connect = {written!r}: must be a list")
    interface = wish_or(wishes.interface, shared.get("interface"))
    return NetworkConfig(
        port=port,
        node_port=None
        if node_port is None
        else whole_number("node_port", node_port, 65_535, least=1),
        legacy_bind=address_in("legacy_bind", wish_or(wishes.legacy_bind, shared["legacy_bind"])),
        dial=tuple(dialling(text, names) for text in wishes.connect or written),
        discovery=discovery,
        interface=None if interface is None else address_in("interface", interface),
    )


def dialling(text: Any, names: tuple[str, ...]) -> Dialling:
    """[CITY=]HOST:PORT; a host that is an IPv6 address stands in brackets.

    Raises:
        ValueError: one line with field, value and limit.
    """
    city, _, address = str(text).rpartition("=")
    host, _, port = address.rpartition(":")
    numbers = {name.casefold(): number for number, name in enumerate(names)}
    if city and city.casefold() not in numbers:
        raise ValueError(f"connect = {text!r}: no city {city!r}, must be one of {', '.join(names)}")
    if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise ValueError(f"connect = {text!r}: must be [CITY=]HOST:PORT, port from 1 to 65535")
    return Dialling(numbers[city.casefold()] if city else None, host.strip("[]"), int(port))
