"""Other nodes of ours, as data: books, links, what they have said and what is to be said to them.

Shared by `conversation`, the tasks of links, which touch no world, and `migrating`, what the world
takes and gives between windows. A peer node is known by its id, which its key
proves; its books outlive its links, and this process.
"""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import trio

from city_node.identity import Identity, charter
from city_node.ledger import Ledger, Migration
from city_node.link import Link
from city_node.network import NodeWay
from city_node.trust import ChangedKeyError
from city_node.world import City
from merchants.roster import Roster
from protocol.bulk import BulkDecoder
from protocol.migration import Settled, Side, Transition
from protocol.node_connection import NodeConnection, hello_of
from protocol.node_messages import Hello, Message
from protocol.pairs import Pairs

HEARD_MAX = 512
"""Messages of one peer waiting for the next window; beyond these its link is not read. An offer is
a line of at most 64 KB, so this is bounded in bytes as well."""

Pair = tuple[str, str]
"""Full names in upper case: a city of ours, a city of the peer."""


@dataclass(eq=False)
class Conversation:
    """What is being said on a link.

    Attributes:
        to_send: bytes waiting for the link; `wake` is set when there are some.
        cities: of ours that let the peer in, by number.
    """

    link: Link
    connection: NodeConnection
    to_send: bytearray = field(default_factory=bytearray)
    wake: trio.Event = field(default_factory=trio.Event)
    cities: tuple[int, ...] = ()

    def say(self, data: bytes) -> None:
        """Queue bytes for the link."""
        if data:
            self.to_send += data
            self.wake.set()


@dataclass(eq=False)
class PeerNode:
    """One other node.

    Attributes:
        pairs: its books with us.
        decoder: of its merchants.
        talk: on the link that has been let in; None: there is none.
        ways: travel-ways of that link, once it is up.
        heard: messages waiting for the next window.
        drained: set when the world has taken them.
        writing: whether steps have been taken that are not yet durable.
        left: who has left for it and may have to come home, as he was; by pair and number.
        keys: public keys of its cities, as chartered.
        quarantined: why no link with it is used; empty: they are.
    """

    id: str
    pairs: Pairs
    decoder: BulkDecoder
    talk: Conversation | None = None
    ways: list[NodeWay] = field(default_factory=list)
    heard: deque[Message] = field(default_factory=deque)
    drained: trio.Event = field(default_factory=trio.Event)
    writing: bool = False
    left: dict[tuple[Pair, int], Roster] = field(default_factory=dict)
    keys: dict[str, bytes] = field(default_factory=dict)
    quarantined: str = ""


@dataclass
class PeerNodes:
    """All nodes this one has books with.

    Attributes:
        by_id: peer nodes.
        id_of: whose city a full name is; bound by the ledger.
        given_minor: coins that peers' merchants brought since the last commit.
    """

    identity: Identity
    node: str
    goods: tuple[str, ...]
    cities: Sequence[City]
    ledger: Ledger
    by_id: dict[str, PeerNode] = field(default_factory=dict)
    id_of: dict[str, str] = field(default_factory=dict)
    given_minor: Counter[Pair] = field(default_factory=Counter)

    @property
    def names(self) -> list[str]:
        """Full names of our cities in upper case, by number."""
        return [full_name(city.name, self.node) for city in self.cities]

    def hello(self, boot: str, cities: Sequence[int] | None = None) -> Hello:
        """What this node says first.

        Args:
            boot: a random word of this run.
            cities: ours that the link is for; None: all.
        """
        names = self.names if cities is None else [self.names[here] for here in cities]
        return hello_of(self.identity.id, boot, [(n, charter(self.identity, n)) for n in names])

    def peer(self, node_id: str) -> PeerNode:
        """A peer node by its id; new if nothing is known of it."""
        found = self.by_id.get(node_id)
        if found is None:
            found = self.by_id[node_id] = self._new(node_id, [], [])
        return found

    def _new(self, node_id: str, rows: Sequence[Transition], kept: Sequence[Settled]) -> PeerNode:
        return PeerNode(node_id, Pairs(rows, kept), BulkDecoder(self.goods, in_minor=True))

    def bind(self, node_id: str, names: Sequence[str]) -> None:
        """Note for good whose cities these are; to be offloaded.

        Raises:
            ChangedKeyError: one of them is known as another node's.
        """
        new = [name for name in names if name not in self.id_of]
        for name in names:
            if self.id_of.get(name, node_id) != node_id:
                raise ChangedKeyError(
                    f"{spelled(name)} is known as a city of {self.id_of[name]}, but now speaks as "
                    f"{node_id}; a node that begins anew needs another --node-name"
                )
        if new:
            self.ledger.bind(new, node_id)
            self.id_of |= dict.fromkeys(new, node_id)

    def restore(self) -> None:
        """Take up the books that the ledger has kept."""
        self.id_of = self.ledger.bound()
        ours = {city.name: full_name(city.name, self.node) for city in self.cities}
        rows: dict[str, list[Transition]] = {}
        kept: dict[str, list[Settled]] = {}
        for row in self.ledger.migrations():
            if (peer := row.peer.upper()) in self.id_of:
                rows.setdefault(self.id_of[peer], []).append(_transition(row, ours[row.city], peer))
        for settled in self.ledger.settled():
            peer = settled.peer.upper()
            city = ours[settled.city]
            side: Side = "out" if settled.side == "out" else "in"
            as_wire = Settled(city, peer, side, settled.below, settled.digest, settled.money_minor)
            kept.setdefault(self.id_of[peer], []).append(as_wire)
        for node_id in {*rows, *kept, *self.id_of.values()}:
            self.by_id[node_id] = self._new(node_id, rows.get(node_id, []), kept.get(node_id, []))


def full_name(city: str, node: str) -> str:
    """A city's name between nodes."""
    return f"{city}@{node}".upper()


def spelled(name: str) -> str:
    """A full name of the wire, which shouts, as people see it: Riverwood@atlas."""
    city, _, node = name.partition("@")
    return f"{city.title()}@{node.lower()}"


def _transition(row: Migration, city: str, peer: str) -> Transition:
    side: Side = "out" if row.side == "out" else "in"
    return Transition(city, peer, side, row.xid, row.state, row.money_minor, row.merchant or b"")


def as_kept(transition: Transition, names: Mapping[str, str]) -> Transition:
    """A transition as the ledger has it: our city by its name, the other as people see it."""
    return Transition(
        names[transition.city],
        spelled(transition.peer),
        transition.side,
        transition.xid,
        transition.state,
        transition.money_minor,
        transition.merchant,
    )
