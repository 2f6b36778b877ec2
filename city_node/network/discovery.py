"""Nodes that find each other: DNS-SD announcements by zeroconf, as hints and never as trust.

zeroconf runs in threads of its own; what it sees crosses into trio through a bounded channel. A
node announces itself only on the interfaces its listeners are bound to. Called by `meeting`;
knows neither the world nor connections.
"""

from __future__ import annotations

import contextlib
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import ifaddr
import trio

from city_node.identity.node_id import read_id
from city_node.log import Log
from city_node.network.policy import ADMISSIONS

if TYPE_CHECKING:  # loading it takes a tenth of a start, and a node may not look around at all
    from zeroconf import ServiceInfo, ServiceStateChange
    from zeroconf import Zeroconf as ZeroconfThread

SERVICE = "_city-node._tcp.local."
TXT_BYTES_MAX = 255
"""Of one TXT entry, key and all; the list of cities goes on in the next."""

SEEN_MAX = 64
"""Sightings waiting for trio; a flood of announcements beyond these is dropped."""

CITIES_MAX = 64
"""Of one node's announcement."""

RESOLVE_MS = 3_000


@dataclass(frozen=True)
class LinkSaid:
    """What a node says of its links: all hints, proved by TLS or not at all.

    Attributes:
        id: the node's.
        port: of the listener for links.
        policy: the admission of its most open city.
    """

    id: str
    port: int
    policy: str = ""


@dataclass(frozen=True)
class Sighting:
    """A node in sight, or gone from it.

    Attributes:
        instance: its name on the network; what a later sighting updates.
        boot: its random id.
        addresses: where it listens.
        cities: (name, port) in its order.
        links: what it says of its links; None: it has none.
        gone: it has said goodbye, or fallen silent.
    """

    instance: str
    boot: str = ""
    addresses: tuple[str, ...] = ()
    cities: tuple[tuple[str, int], ...] = ()
    links: LinkSaid | None = None
    gone: bool = False


def announcement(
    node: str,
    boot: str,
    cities: list[tuple[str, int]],
    addresses: list[str],
    links: LinkSaid | None = None,
) -> ServiceInfo:
    """What this node tells the network of itself.

    Args:
        node: the node's name.
        boot: its random id.
        cities: name and port of the listener of each.
        addresses: IP addresses its listeners are bound to.
        links: where nodes of ours reach it; their port is the service's, then.
    """
    from zeroconf import ServiceInfo

    properties: dict[str, str] = {"txtvers": "1", "v": "2" if links else "1", "boot": boot}
    if links:
        properties |= {"id": links.id, "pol": links.policy}
    entry, number = "", 0
    for name, port in cities:
        part = f"{name}:{port}"
        key = f"c{number or ''}"
        if entry and len(f"{key}={entry},{part}".encode()) > TXT_BYTES_MAX:
            properties[key] = entry
            entry, number = "", number + 1
        entry = f"{entry},{part}" if entry else part
    properties[f"c{number or ''}"] = entry
    return ServiceInfo(
        SERVICE,
        instance_of(node, links.id if links else boot),
        port=links.port if links else cities[0][1],
        properties=properties,
        server=f"{boot[:16]}.local.",
        parsed_addresses=addresses,
    )


def instance_of(node: str, node_id: str) -> str:
    """What a node is called among the services of the network, by its id, or its random one."""
    label = node.encode()[: 63 - 9].decode("utf-8", "ignore").replace(".", "-")
    return f"{label}-{node_id.replace('-', '')[:8]}.{SERVICE}"


def sighting_of(info: ServiceInfo) -> Sighting | None:
    """What an announcement says, or None when it says nothing we could use."""
    said = {
        key.decode("utf-8", "replace"): (value or b"").decode("utf-8", "replace")
        for key, value in info.properties.items()
    }
    addresses = info.parsed_addresses()
    if not said.get("boot") or not addresses:
        return None
    entries = [said.get("c", "")]
    while (more := said.get(f"c{len(entries)}")) is not None:
        entries.append(more)
    cities = []
    for part in ",".join(entries).split(",")[:CITIES_MAX]:
        name, _, port = part.rpartition(":")
        if name and port.isdecimal() and 0 < int(port) < 65_536:
            cities.append((name, int(port)))
    return Sighting(
        info.name, said["boot"][:64], tuple(addresses), tuple(cities), _links_said(said, info.port)
    )


def _links_said(said: dict[str, str], port: int | None) -> LinkSaid | None:
    """What a node of version 2 says of its links; None of one that says it wrongly."""
    try:
        node_id = read_id("id", said.get("id", ""))
    except ValueError:
        return None
    if said.get("v") != "2" or not port:
        return None
    policy = said.get("pol", "")
    return LinkSaid(node_id, port, policy if policy in ADMISSIONS else "")


class Discovery:
    """zeroconf as trio sees it: start, a channel of sightings, stop."""

    def __init__(self, interfaces: list[str]) -> None:
        self._interfaces = interfaces
        self._zeroconf: ZeroconfThread | None = None
        self._announced = False
        self._send, self.sightings = trio.open_memory_channel[Sighting](SEEN_MAX)

    async def start(self, info: ServiceInfo, log: Log) -> bool:
        """Announce this node and look for others; a warning, and False, where there is no network.

        Registration takes seconds: to be called beside the window loop.
        """
        from zeroconf import Error as ZeroconfError

        token = trio.lowlevel.current_trio_token()
        try:
            await trio.to_thread.run_sync(self._start, info, token, abandon_on_cancel=True)
        except (OSError, RuntimeError, ValueError, ZeroconfError) as error:
            log.say(f"no discovery on {', '.join(self._interfaces)}: {error}; use --connect")
            return False
        return True

    def _start(self, info: ServiceInfo, token: trio.lowlevel.TrioToken) -> None:
        from zeroconf import InterfaceChoice, IPVersion, ServiceBrowser, ServiceStateChange
        from zeroconf import Zeroconf as ZeroconfThread

        addresses = [ipaddress.ip_address(address) for address in self._interfaces]
        if any(address.version != 4 for address in addresses):
            raise ValueError("only IPv4 is looked around on")
        everywhere = any(address.is_unspecified for address in addresses)
        self._zeroconf = ZeroconfThread(
            interfaces=InterfaceChoice.All if everywhere else self._interfaces,
            ip_version=IPVersion.V4Only,
            use_asyncio=False,
        )

        def seen(
            zeroconf: ZeroconfThread,
            service_type: str,
            name: str,
            state_change: ServiceStateChange,
        ) -> None:
            sighting: Sighting | None = Sighting(name, gone=True)
            if state_change is not ServiceStateChange.Removed:
                found = zeroconf.get_service_info(service_type, name, timeout=RESOLVE_MS)
                sighting = sighting_of(found) if found else None
            if sighting is not None:
                with contextlib.suppress(trio.RunFinishedError):
                    token.run_sync_soon(self._pass_on, sighting)

        ServiceBrowser(self._zeroconf, SERVICE, handlers=[seen])
        self._zeroconf.register_service(info, allow_name_change=True)
        self._announced = True

    def _pass_on(self, sighting: Sighting) -> None:
        with contextlib.suppress(trio.WouldBlock, trio.BrokenResourceError):
            self._send.send_nowait(sighting)

    async def stop(self) -> None:
        """Say goodbye, if anybody knows of us; at most a second is spent on it."""
        if self._zeroconf is None or not self._announced:
            return
        with trio.move_on_after(1.0) as scope:
            scope.shield = True
            await trio.to_thread.run_sync(self._zeroconf.close, abandon_on_cancel=True)


def own_addresses(bound_to: str) -> list[str]:
    """The IPv4 addresses that listeners bound to an address can be reached at.

    Args:
        bound_to: an IP address; the unspecified one means all of this machine's.
    """
    if not ipaddress.ip_address(bound_to).is_unspecified:
        return [bound_to]
    addresses = (ip.ip for adapter in ifaddr.get_adapters() for ip in adapter.ips if ip.is_IPv4)
    found = {str(address) for address in addresses if not str(address).startswith("127.")}
    return sorted(found) or ["127.0.0.1"]
