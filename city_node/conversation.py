"""What is said on a link between nodes, from hello to its end: the tasks of links.

What a message means is decided in `protocol`; who may come in, by `gate`. Nothing here touches a
world: what a peer says waits in its `PeerNode` for the next window, and what is said of merchants
is put there by `migrating` once it is durable. Called by `link`.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import trio

from city_node.gate import Visitor, answers
from city_node.identity import chartered_key
from city_node.link import Link, Links
from city_node.log import Log
from city_node.machine import Machine
from city_node.network import Network, NodeWay
from city_node.peer_nodes import HEARD_MAX, Conversation, PeerNode, PeerNodes, spelled
from city_node.policy import Policy
from city_node.travelway import NOT_READING_S_MAX
from city_node.trust import ChangedKeyError
from protocol.events import Send
from protocol.limits import LINE_BYTES_MAX
from protocol.migration import Contradiction, Offence
from protocol.node_connection import (
    Ended,
    Heard,
    LinkState,
    Met,
    NodeConnection,
    NodeEvent,
    Welcomed,
)

FAREWELL_S_MAX = 2.0
"""For the last line of a conversation to be written."""


@dataclass(eq=False)
class Speaker:
    """Speaks with other nodes for this one.

    Args:
        home: the user's folder of trust.
        policies: of our cities, by their names.
        boot: a random word of this run of the program.

    Attributes:
        links: whose links these are.
    """

    network: Network
    nodes: PeerNodes
    home: Path
    policies: Mapping[str, Policy]
    boot: str
    links: Links = field(init=False)

    @property
    def machine(self) -> Machine:
        """What the node runs on."""
        return self.network.machine

    @property
    def log(self) -> Log:
        """Where it says what it does."""
        return self.network.log

    async def speak(self, link: Link) -> None:
        """Run an authenticated link to its end."""
        hello = self.nodes.hello(self.boot, link.cities)
        connection = NodeConnection(
            hello, peer_id=link.peer_id, dialling=link.dialled, now_s=trio.current_time()
        )
        talk = Conversation(link, connection)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._read, talk, nursery.cancel_scope)
                await _write(talk)
                nursery.cancel_scope.cancel()
        finally:
            peer = self.nodes.by_id.get(link.peer_id)
            if peer and peer.talk is talk:
                self._part(peer)

    async def _read(self, talk: Conversation, both: trio.CancelScope) -> None:
        """Feed the connection with bytes and the time until it is closed."""
        connection, stream = talk.connection, talk.link.stream
        while connection.state is not LinkState.CLOSED:
            data = None
            with trio.move_on_at(connection.deadline_s):
                await trio.sleep_until(connection.read_at_s)
                peer = self.nodes.by_id.get(talk.link.peer_id)
                while peer and peer.talk is talk and len(peer.heard) >= HEARD_MAX:
                    peer.drained = trio.Event()
                    await peer.drained.wait()
                data = bytes(await stream.receive_some(LINE_BYTES_MAX))
            now_s = trio.current_time()
            events = connection.tick(now_s) if data is None else connection.receive(data, now_s)
            await self._act(talk, events)
        both.deadline = trio.current_time() + FAREWELL_S_MAX
        talk.wake.set()

    async def _act(self, talk: Conversation, events: list[NodeEvent]) -> None:
        link = talk.link
        for event in events:
            match event:
                case Send(data):
                    talk.say(data)
                case Met():
                    await self._meet(talk, event)
                case Welcomed():
                    self._be_welcomed(talk, event)
                case Heard(messages):
                    self.nodes.peer(link.peer_id).heard.extend(messages)
                case Ended(reason, offence):
                    link.why_closed = link.why_closed or reason
                    if offence:
                        self.links.ban(link.peer_id, reason)

    def _close(self, talk: Conversation, code: str, detail: str) -> None:
        """End a conversation for a reason of ours; the last line says it."""
        talk.wake.set()
        for event in talk.connection.close(code, detail, offence=code == "offence"):
            match event:
                case Send(data):
                    talk.say(data)
                case Ended(reason, offence):
                    talk.link.why_closed = talk.link.why_closed or reason
                    if offence:
                        self.links.ban(talk.link.peer_id, reason)

    # --- hello ---

    async def _meet(self, talk: Conversation, met: Met) -> None:
        """Decide whether the peer may come in, and for which of our cities."""
        link = talk.link
        names = [city.name for city in met.hello.cities]
        keys = {
            city.name: chartered_key(link.peer_id, city.name, city.charter)
            for city in met.hello.cities
        }
        unproved = [name for name, key in keys.items() if key is None]
        if unproved:
            self._close(talk, "offence", f"{unproved[0]} has no charter of its node's")
            return
        peer = self.nodes.peer(link.peer_id)
        if peer.quarantined:
            self._close(talk, "rolled_back", peer.quarantined)
            return
        visitor = Visitor(link.peer_id, link.certificate, link.address, names)
        ask = functools.partial(
            answers, self.home, visitor, self.policies, self.links.trusted, self.machine.wall_s()
        )
        try:
            said = await self.machine.offload(ask)
            await self.machine.offload(self.nodes.bind, link.peer_id, names)
        except (ChangedKeyError, OSError) as error:
            self._close(talk, "key_changed", str(error)[:500])
            return
        ours = range(len(self.nodes.cities)) if link.cities is None else link.cities
        cities = [self.nodes.cities[here] for here in ours]
        talk.cities = tuple(city.here for city in cities if said[city.name] == "let in")
        if not talk.cities:
            asked = "knock" in said.values()
            link.knocked = asked
            code = "knock" if asked else next(iter(said.values()))
            why = (
                f"knocks; let it in with: city-node trust {link.peer_id[:7]}"
                if asked
                else "is not let in"
            )
            self.log.complain(f"node {visitor.node.lower()} at {link.address} {why}")
            self._close(talk, code, "you have to be trusted here first")
            return
        peer.keys = {name: key for name, key in keys.items() if key}
        if not link.dialled:
            self._let_in(talk, peer)

    def _let_in(self, talk: Conversation, peer: PeerNode) -> bool:
        """Queue our welcome, unless another link with that node is the one that stays."""
        if not self.links.greeted(talk.link):
            return False
        if peer.talk:
            self._part(peer)
        peer.talk = talk
        hello = talk.connection.peer
        assert hello is not None
        theirs = [city.name for city in hello.cities]
        ours = self.nodes.names if talk.link.cities is None else self._names(talk.link.cities)
        peer.pairs.greet(talk.connection.version, ours, theirs)
        return True

    def _names(self, cities: tuple[int, ...]) -> list[str]:
        return [self.nodes.names[here] for here in cities]

    def _be_welcomed(self, talk: Conversation, welcomed: Welcomed) -> None:
        """The peer lets us in; if we let it in too, the link is up."""
        peer = self.nodes.peer(talk.link.peer_id)
        if talk.link.dialled and not (talk.cities and self._let_in(talk, peer)):
            return
        try:
            peer.pairs.connect(welcomed.welcome, trio.current_time())
        except Contradiction as error:
            self.quarantine(peer, str(error))
            return
        except Offence as error:
            self._close(talk, "offence", str(error))
            return
        hello = talk.connection.peer
        assert hello is not None
        for here in talk.cities:
            city = self.nodes.cities[here]
            for said in hello.cities:
                way = NodeWay(
                    city,
                    said.name,
                    spelled(said.name),
                    talk.link.address,
                    talk.link.dialled,
                    functools.partial(self.links.part, talk.link.peer_id),
                )
                peer.ways.append(way)
                self.network.linked[here, said.name.casefold()] = way
                self.log.say(f"{city.name}: road to {way.peer} open ({talk.link.address})")

    # --- the end ---

    def _part(self, peer: PeerNode) -> None:
        """The link is gone; what was heard on it and not yet taken never was."""
        talk, peer.talk = peer.talk, None
        assert talk is not None
        peer.pairs.cut()
        peer.heard.clear()
        for way in peer.ways:
            if self.network.linked.get((way.city.here, way.name.casefold())) is way:
                del self.network.linked[way.city.here, way.name.casefold()]
            why = talk.link.why_closed or "stopped"
            self.log.say(f"{way.city.name}: road to {way.peer} closed: {why}")
        peer.ways.clear()

    def quarantine(self, peer: PeerNode, why: str) -> None:
        """Use no link with a node any more: its journal and ours cannot both be true."""
        peer.quarantined = why
        self.log.say(f"quarantined: {why}: one of the two has been rolled back")
        if peer.talk:
            self._close(peer.talk, "rolled_back", why)

    def offend(self, peer: PeerNode, why: str) -> None:
        """Keep a node out for an hour, for what no honest one does."""
        if peer.talk:
            self._close(peer.talk, "offence", why)


async def _write(talk: Conversation) -> None:
    """Send what is queued, until the conversation is over and all is said."""
    while talk.to_send or talk.connection.state is not LinkState.CLOSED:
        await talk.wake.wait()
        talk.wake = trio.Event()
        while talk.to_send:
            data = bytes(talk.to_send)
            with trio.move_on_after(NOT_READING_S_MAX) as in_time:
                await talk.link.stream.send_all(data)
            if in_time.cancelled_caught:
                talk.link.close(f"has not read for {NOT_READING_S_MAX:g} s")
                return
            del talk.to_send[: len(data)]
