"""Travel-ways for tests in one process: open, with nobody at the other end."""

import json

from trio.testing import memory_stream_pair

from city_node.cities.world import World
from city_node.log import Log
from city_node.network.network import Network, Travelway
from protocol.bulk import BulkDecoder
from protocol.connection import Connection

GOODS = ("wood", "chair", "thread", "bed")


def line(**changed) -> bytes:
    """A merchant of the legacy wire."""
    fine = {"Money": 1000, "BuysSells": "bed", "CarryingCapacity": 20, "Owned": 1}
    fine["ExpectedPrices"] = {"bed": {"SEASHORE": 50.0}}
    return json.dumps(fine | changed).encode() + b"\n"


def road(of: World, peer: str, network: Network | None = None) -> tuple[Network, Travelway]:
    """An open road from the first city of a world to a peer."""
    if network is None:
        network = Network("atlas", GOODS, Log(), {each.name.casefold() for each in of.cities})
    connection = Connection(of.cities[0].name, node="atlas", goods=GOODS, dialling=False, now_s=0.0)
    connection.receive(peer.encode() + b"\n", 0.0)
    connection.tick(1.0)
    stream, _ = memory_stream_pair()
    way = Travelway(of.cities[0], stream, "192.0.2.7", connection, None, peer, ready=True)
    if old := network.open.pop((0, peer.casefold()), None):
        network.send_home(old)
    network.open[0, peer.casefold()] = way
    return network, way


def come(network: Network, way: Travelway, *lines: bytes) -> None:
    """Merchants are heard on a road."""
    (came,) = BulkDecoder(GOODS).decode(b"".join(lines))
    network.heard.append((way, came))


def close(network: Network) -> None:
    """All roads end, with whoever waits on them."""
    for way in network.open.values():
        network.send_home(way)
    network.open.clear()
