"""What is said on a link between nodes, from hello to its end: the tasks of links.

What a message means is decided in `protocol`; who may come in, by `gate`. Nothing here touches a
world: what a peer says waits in its `PeerNode` for the next window, and what is said of merchants
is put there by `migrating` once it is durable. Made by `linking`; `link` hands it every link that
is authenticated.
"""

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import trio

from city_node.identity.keys import chartered_key
from city_node.identity.rotation import former_ids
from city_node.identity.trust import ChangedKeyError, safe_name
from city_node.log import Log
from city_node.machine import Machine
from city_node.network.gate import Visitor, answers
from city_node.network.link import Link, Links
from city_node.network.network import KNOCK_SHOWN_S, Apart, Network, NodeWay, load_quick_reader
from city_node.network.peer_nodes import (
    HEARD_MAX,
    STRANGERS_MAX,
    Conversation,
    PeerNode,
    PeerNodes,
    spelled,
)
from city_node.network.policy import Answer, Policy
from city_node.network.travelway import NOT_READING_S_MAX
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
from protocol.pairs import fitting

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

    def __post_init__(self) -> None:
        cities = self.nodes.cities
        linked = self.nodes.carried("", range(len(cities)))
        others = [city.name for city in cities if city.here not in linked]
        if others:
            self.log.say(f"no links with other nodes for {', '.join(others)}: a hello is full")

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
        ours = self.nodes.carried(link.peer_id, self.links.joined(link.peer_id))
        hello = self.nodes.hello(self.boot, ours)
        connection = NodeConnection(
            hello, peer_id=link.peer_id, dialling=link.dialled, now_s=trio.current_time()
        )
        talk = Conversation(link, connection, ours)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(load_quick_reader, self.network)
                nursery.start_soon(self._read, talk, nursery.cancel_scope)
                await _write(talk)
                nursery.cancel_scope.cancel()
        finally:
            peer = self.nodes.by_id.get(link.peer_id)
            if peer and peer.talk is talk:
                self._part(peer)
                self.nodes.forget(peer)

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
            connection.trusted = talk.link.peer_id in self.links.trusted
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
                    peer = self.nodes.by_id.get(link.peer_id)
                    if peer and peer.talk is talk:  # else another link has taken its place
                        peer.heard.extend(messages)
                case Ended(reason, offence, code):
                    link.why_closed = link.why_closed or reason
                    link.knocked = link.knocked or code == "knock"
                    if code == "knock":
                        own = self.nodes.identity.id[:7]
                        self._note_apart(talk, f"we knock there; its user: city-node trust {own}")
                    if offence:
                        self.links.ban(link.peer_id, reason, link)

    def _close(self, talk: Conversation, code: str, detail: str) -> None:
        """End a conversation for a reason of ours; the last line says it."""
        talk.wake.set()
        talk.link.scope.deadline = trio.current_time() + FAREWELL_S_MAX
        for event in talk.connection.close(code, detail[:500], offence=code == "offence"):
            match event:
                case Send(data):
                    talk.say(data)
                case Ended(reason, offence):
                    talk.link.why_closed = talk.link.why_closed or reason
                    if offence:
                        self.links.ban(talk.link.peer_id, reason, talk.link)

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
        former = former_ids(link.certificate, met.hello.rotations)
        if former is None:
            self._close(talk, "offence", "a change of its key is not signed by both keys")
            return
        if why := next(filter(None, map(self.links.kept_out, former)), ""):
            self._close(talk, "not_now", why)
            return
        talk.ids = (link.peer_id, *former)
        try:
            self.nodes.check_names(talk.ids, names)
            said = await self._answers(link, names, former)
            self.nodes.check_names(talk.ids, names)  # again: others have come meanwhile
        except ChangedKeyError as error:
            self._close(talk, "key_changed", str(error))
            return
        except OSError as error:
            self._close(talk, "not_now", f"cannot look whom it trusts ({error.strerror})")
            return
        except ValueError as error:
            self._close(talk, "names", str(error))
            return
        talk.cities = tuple(here for here in talk.ours if said.get(here) == "let in")
        talk.keys = {name: key for name, key in keys.items() if key}
        peer = self.nodes.known_as(talk.ids)
        if not talk.cities:
            self._turn_away(talk, said)
        elif peer and peer.quarantined:
            self._close(talk, "rolled_back", peer.quarantined)
        elif not peer and self._is_crowded(link.peer_id):
            self._close(talk, "full", f"strangers = {STRANGERS_MAX}: no more are let in")
        elif not link.dialled:
            self._let_in(talk)

    async def _answers(
        self, link: Link, names: list[str], former: Sequence[str]
    ) -> dict[int, Answer]:
        """What those of our cities that are to trade with a peer say to it."""
        visitor = Visitor(link.peer_id, link.certificate, link.address, names, former)
        trusted, now_s = self.links.trusted, self.machine.wall_s()
        ask = functools.partial(answers, self.home, visitor, self.policies, trusted, now_s)
        said: dict[str, Answer] = await self.machine.offload(ask)
        joined = self.links.joined(link.peer_id)
        return {city.here: said[city.name] for city in self.nodes.cities if city.here in joined}

    def _turn_away(self, talk: Conversation, said: Mapping[int, Answer]) -> None:
        link = talk.link
        link.knocked = "knock" in said.values()
        code = "knock" if link.knocked else next(iter(said.values()))
        why = "is not let in"
        if link.knocked:
            why = f"knocks; let it in with: city-node trust {link.peer_id[:7]}"
        self._note_apart(talk, why)
        self.log.complain(f"node {_node_name(talk)} at {link.address} {why}")
        self._close(talk, code, "you have to be trusted here first")

    def _note_apart(self, talk: Conversation, why: str, shown_s: float = KNOCK_SHOWN_S) -> None:
        """Let people see why there is no road to a node."""
        link, until_s = talk.link, trio.current_time() + shown_s
        apart = Apart(_node_name(talk), link.address, why, until_s)
        self.network.keep_apart(link.peer_id, apart)

    def _is_crowded(self, peer_id: str) -> bool:
        """Whether one more stranger is one too many."""
        trusted = self.links.trusted
        strangers = sum(known not in trusted for known in self.nodes.by_id)
        return peer_id not in trusted and strangers >= STRANGERS_MAX

    def _let_in(self, talk: Conversation) -> bool:
        """Queue our welcome, unless another link with that node is the one that stays."""
        hello = talk.connection.peer
        assert hello is not None
        theirs = [city.name for city in hello.cities]
        ours = [self.nodes.names[here] for here in talk.ours]
        try:
            self.nodes.check_names(talk.ids, theirs)
        except (ChangedKeyError, ValueError) as error:  # meanwhile
            self._close(talk, "names", str(error))
            return False
        self._end_former(talk)
        peer = self.nodes.bind(talk.ids, theirs)
        if not self.links.greeted(talk.link):
            self.nodes.forget(peer)
            return False
        if peer.talk:
            self._part(peer)
        peer.talk = talk
        try:
            peer.pairs.greet(talk.connection.version, ours, theirs)
        except ValueError as error:
            self._close(talk, "too_many_pairs", str(error))
            return False
        return True

    def _end_former(self, talk: Conversation) -> None:
        """Of a node that has another key now, links under the former ones are over."""
        node_id, *former_ids = self.nodes.succession(talk.ids)
        for former_id in former_ids:
            former = self.nodes.by_id.get(former_id)
            if former is None:
                continue
            self.log.say(f"node {former_id} has a new key, signed by both: {node_id}")
            if former.talk:
                former.talk.link.close("its node has a new key")
                self._part(former)

    def _be_welcomed(self, talk: Conversation, welcomed: Welcomed) -> None:
        """The peer lets us in; if we let it in too, the link is up."""
        if talk.link.dialled and not (talk.cities and self._let_in(talk)):
            return
        peer = self.nodes.by_id.get(talk.link.peer_id)
        if peer is None or peer.talk is not talk:  # another link has taken its place
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
        number = {self.nodes.names[here]: here for here in talk.cities}
        theirs = [city.name for city in hello.cities]
        ours = [self.nodes.names[here] for here in talk.ours]
        for name, other in fitting(ours, theirs):
            if name in number:
                self._open_way(talk, peer, number[name], other)

    def _open_way(self, talk: Conversation, peer: PeerNode, here: int, other: str) -> None:
        link, city = talk.link, self.nodes.cities[here]
        stop = functools.partial(self.links.part, link.peer_id)
        way = NodeWay(city, other, spelled(other), link.address, link.dialled, stop)
        peer.ways.append(way)
        self.network.linked[here, other.casefold()] = way
        for each in talk.ids:
            self.network.apart.pop(each, None)
        self.log.say(f"{city.name}: road to {way.peer} open ({link.address})")

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
            self._note_apart(peer.talk, f"quarantined: {why}", math.inf)
            self._close(peer.talk, "rolled_back", why)

    def offend(self, peer: PeerNode, why: str) -> None:
        """Keep a node out for an hour, for what no honest one does."""
        if peer.talk:
            self._close(peer.talk, "offence", why)


def _node_name(talk: Conversation) -> str:
    """What the other node calls itself, as people may see it."""
    hello = talk.connection.peer
    name = hello.cities[0].name.partition("@")[2] if hello and hello.cities else "?"
    return safe_name(name.lower())


async def _write(talk: Conversation) -> None:
    """Send what is queued, until the conversation is over and all is said."""
    while talk.to_send or talk.connection.state is not LinkState.CLOSED:
        await talk.wake.wait()
        talk.wake = trio.Event()
        while talk.to_send:
            data = bytes(talk.to_send[:LINE_BYTES_MAX])  # a slow peer is not one that stands still
            with trio.move_on_after(NOT_READING_S_MAX) as in_time:
                await talk.link.stream.send_all(data)
            if in_time.cancelled_caught:
                talk.link.close(f"has not read for {NOT_READING_S_MAX:g} s")
                return
            del talk.to_send[: len(data)]
