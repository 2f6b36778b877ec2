"""A node's side of links, for tests in one process: a real world, ledger and conversation, with
peers at the other ends of streams in memory."""

from __future__ import annotations

import functools
from pathlib import Path
from random import Random

import trio
from trio.testing import memory_stream_pair

from city_node.cities.advance import advance
from city_node.durability.ledger import Ledger
from city_node.identity.keys import Identity, identity_in
from city_node.identity.trust import Trusted
from city_node.machine import Machine
from city_node.network.conversation import Speaker
from city_node.network.crossing import give_inputs
from city_node.network.departures import leave
from city_node.network.link import Link, Links
from city_node.network.migrating import Migrations
from city_node.network.network import Network
from city_node.network.peer_nodes import PeerNodes
from city_node.network.policy import Policy
from tests.durable import database
from tests.test_travelway import Kept
from tests.worlds import city, world
from tools.node_peer import GOODS, NodePeer, PeerEndedError


async def offload(function, *arguments):
    """Inline."""
    await trio.lowlevel.checkpoint()
    return function(*arguments)


class Node:
    """A node called atlas, of cities without roads; what it says of itself is in `log`."""

    def __init__(
        self, folder: Path, *cities: str, policy: Policy | None = None, ledger: Ledger | None = None
    ) -> None:
        self.home, self.log = folder / "home", Kept()
        for place in (self.home, folder / "atlas"):
            place.mkdir(parents=True, exist_ok=True)
        self.world = world([city(name, merchants=5) for name in cities or ("Riverwood",)])
        self.machine = Machine(offload=offload, random=Random(0))
        policy = policy or Policy("open")
        policies = dict.fromkeys(range(len(self.world.cities)), policy)
        self.network = Network("atlas", GOODS, self.log, machine=self.machine, policies=policies)
        self.identity = identity_in(folder / "atlas")
        self.ledger = ledger or Ledger(database())
        cities = self.world.cities
        held_max = [policy.max_held] * len(cities)
        self.nodes = PeerNodes(self.identity, "atlas", GOODS, cities, self.ledger, held_max)
        self.nodes.restore()
        by_name = {each.name: policy for each in cities}
        self.speaker = Speaker(self.network, self.nodes, self.home, by_name, "boot")
        self.links = self.speaker.links = Links(
            self.identity,
            self.log,
            self.speaker.speak,
            trusted={},
            strangers=True,
            cities=range(len(cities)),
            machine=self.machine,
            ungreeted=self.network.ungreeted,
        )
        self.migrations = Migrations(self.speaker, self.world)

    def trust(self, *ids: str) -> None:
        """Whom the user trusts from now on."""
        self.links.trust_changed({each: Trusted(each) for each in ids})

    def window(self, ticks: int = 1) -> None:
        """As the node has it."""
        of, tick = self.world, self.world.tick
        self.migrations.hear_nodes(of)
        give_inputs(self.network, of)
        advance(of, ticks)
        departures = leave(of, "@ATLAS")
        guests = self.migrations.see_off(departures)
        assert not guests
        kept = self.migrations.transitions, self.migrations.settled, self.nodes.unwritten
        self.ledger.commit(of, tick, of.taken, departures, *kept, at_s=0.0)
        of.taken.clear()
        self.migrations.speak_up()

    async def linked(
        self,
        nursery: trio.Nursery,
        identity: Identity,
        full_name: str,
        kind: type[NodePeer] = NodePeer,
    ) -> Peer:
        """A link that a peer has dialled; nothing has been said on it yet."""
        ours, theirs = memory_stream_pair()
        link = Link("192.0.2.7", dialled=False)
        link.stream, link.peer_id = ours, identity.id
        link.certificate = identity.certificate
        self.links._secured.add(link)
        peer = Peer(link, kind(theirs, identity, self.identity.id, full_name))
        nursery.start_soon(self._serve, link)
        nursery.start_soon(peer.run)
        await self.pass_on(peer)
        return peer

    async def _serve(self, link: Link) -> None:
        with link.scope:
            await self.speaker.speak(link)
        if self.links.up.get(link.peer_id) is link:
            del self.links.up[link.peer_id]
        self.links._secured.discard(link)
        await trio.aclose_forcefully(link.stream)

    async def pass_on(self, peer: Peer, windows: int = 8) -> None:
        """Let both say what they have to say, window by window."""
        for _ in range(windows):
            await trio.testing.wait_all_tasks_blocked()
            if peer.why_ended is None and peer.said.connection.peer:
                await peer.said.flush()
                await trio.testing.wait_all_tasks_blocked()
            self.window()
        await trio.testing.wait_all_tasks_blocked()


class Peer:
    """The other end of a link.

    Attributes:
        why_ended: as the node said; None while the link is up.
    """

    def __init__(self, link: Link, said: NodePeer) -> None:
        self.link, self.said = link, said
        self.why_ended: str | None = None

    async def run(self) -> None:
        try:
            await self.said.run()
        except (PeerEndedError, trio.BrokenResourceError, trio.ClosedResourceError) as error:
            self.why_ended = str(error)


identity_at = functools.cache(identity_in)
