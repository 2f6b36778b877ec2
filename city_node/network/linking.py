"""A node's place among other nodes: its listener for them, who is trusted, and what is under way.

Called by `node` at its start; puts together `link`, `conversation` and `migrating`.
"""

from pathlib import Path
from typing import NamedTuple

import trio

from city_node.cities.world import World
from city_node.durability.keeping import Keeping
from city_node.identity.keys import Identity
from city_node.identity.trust import trusted, watch
from city_node.network.conversation import Speaker
from city_node.network.discovery import LinkSaid
from city_node.network.link import Links
from city_node.network.meeting import open_node_listener
from city_node.network.migrating import Migrations
from city_node.network.network import Network
from city_node.network.peer_nodes import PeerNodes
from city_node.network.policy import most_open
from city_node.settings.config import Config


class Own(NamedTuple):
    """Who this node is, and the folder in which its user says whom he trusts."""

    identity: Identity
    home: Path


class Linked(NamedTuple):
    """What links need of the node, and the node of them."""

    links: Links
    migrations: Migrations
    said: LinkSaid


async def linked(
    nursery: trio.Nursery,
    world: World,
    config: Config,
    network: Network,
    keeping: Keeping,
    own: Own,
    boot: str,
) -> Linked:
    """Listen for other nodes, and take up what was under way with them.

    Args:
        nursery: where the listener, and the watch on whom the user trusts, run.
        boot: a random word of this run of the program.

    Raises:
        ConfigError: the port asked for is in use.
    """
    machine = network.machine
    held_max = [policy.max_held for policy in config.policies]
    nodes = PeerNodes(
        own.identity,
        network.node,
        network.goods,
        world.cities,
        keeping.ledger,
        held_max,
        network.read_columns,
    )
    nodes.restore()
    by_name = dict(zip((city.name for city in world.cities), config.policies, strict=True))
    speaker = Speaker(network, nodes, own.home, by_name, boot)
    policy = most_open(config.policies)
    speaker.links = Links(
        own.identity,
        network.log,
        speaker.speak,
        trusted=await machine.offload(trusted, own.home),
        strangers=policy != "closed",
        cities=range(len(world.cities)),
        machine=machine,
        ungreeted=network.ungreeted,
    )
    bound = await open_node_listener(config.network, machine)
    nursery.start_soon(trio.serve_listeners, speaker.links.accept, bound.listeners)
    nursery.start_soon(watch, own.home, speaker.links.trust_changed, trio.sleep, machine.offload)
    said = LinkSaid(own.identity.id, bound.port, policy)
    return Linked(speaker.links, Migrations(speaker, world), said)
