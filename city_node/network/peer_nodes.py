"""Other nodes of ours, as data: books, links, what they have said and what is to be said to them.

Shared by `conversation`, the tasks of links, which touch no world, and `migrating`, what the world
takes and gives between windows. A peer node is known by its id, which its key
proves; its books outlive its links, and this process.
"""

import contextlib
from collections import Counter, deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import trio

from city_node.cities.world import City
from city_node.durability.books import SETTLED
from city_node.durability.ledger import Ledger, Migration
from city_node.errors import ConfigError
from city_node.identity.keys import Identity, charter
from city_node.identity.trust import ChangedKeyError
from city_node.network.link import Link
from city_node.network.network import NodeWay
from merchants.roster import Roster
from protocol.bulk import BulkDecoder, ReadColumns
from protocol.checks import LineError, shown
from protocol.limits import NODE_CITIES_MAX
from protocol.messages import decode_merchant
from protocol.migration import Settled, Side, Transition
from protocol.node_connection import NodeConnection, hello_of
from protocol.node_messages import Hello, Message
from protocol.pairs import Pairs

HEARD_MAX = 512
"""Messages of one peer waiting for the next window; beyond these its link is not read. An offer is
a line of at most 64 KB, so this is bounded in bytes as well."""

TO_SEND_BYTES_MAX = 64 * 1_024 * 1_024
"""Waiting for one peer's link; one that asks for more than it reads loses its link. All that may be
in flight on a busy pair are 2.5 MB."""

STRANGERS_MAX = 256
"""Nodes nobody trusts that open cities have dealings with, over the life of a world: a limit, not a
leak. A key costs nothing, and the books with whoever has sent one merchant are kept for good, since
their numbers must never come again: a stranger beyond these waits to be trusted, and whoever is
trusted does not count. One takes up 18 KB a pair of cities at most (`UNSETTLED_WINDOWS`)."""

Pair = tuple[str, str]
"""Full names in upper case: a city of ours, a city of the peer."""


@dataclass(eq=False)
class Conversation:
    """What is being said on a link.

    Attributes:
        to_send: bytes waiting for the link; `wake` is set when there are some.
        ours: numbers of our cities whose pairs the link carries.
        cities: of these, who trade with the peer and let it in.
        keys: public keys of the peer's cities, as chartered.
        ids: the peer's own and those of its former keys, newest first, as it has proved.
    """

    link: Link
    connection: NodeConnection
    ours: Sequence[int]
    to_send: bytearray = field(default_factory=bytearray)
    wake: trio.Event = field(default_factory=trio.Event)
    cities: tuple[int, ...] = ()
    keys: dict[str, bytes] = field(default_factory=dict)
    ids: Sequence[str] = ()

    def say(self, data: bytes) -> None:
        """Queue bytes for the link."""
        if len(self.to_send) + len(data) > TO_SEND_BYTES_MAX:
            self.link.close("asks for more than it reads")
        elif data:
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
    quarantined: str = ""

    @property
    def has_books(self) -> bool:
        """Whether a merchant has ever been on his way between its cities and ours."""
        sides = *self.pairs.outbound.values(), *self.pairs.inbound.values()
        return any(side.next for side in sides)


@dataclass
class PeerNodes:
    """All nodes this one has books with.

    Args:
        held_max: of our cities, as of `Policy`.

    Attributes:
        read_columns: a quick reader of their merchants.
        by_id: peer nodes: those with books, and those with a link.
        id_of: whose city a full name is: for good, or until that node's key changes, once there
            are books with it.
        unwritten: names that are to be bound by the ledger with the next commit.
        rebound: likewise, with the window that ends next: their node's key has changed.
        given_minor: coins that peers' merchants brought since the last commit.
    """

    identity: Identity
    node: str
    goods: tuple[str, ...]
    cities: Sequence[City]
    ledger: Ledger
    held_max: Sequence[int] = ()
    read_columns: ReadColumns | None = None
    by_id: dict[str, PeerNode] = field(default_factory=dict)
    id_of: dict[str, str] = field(default_factory=dict)
    unwritten: dict[str, str] = field(default_factory=dict)
    rebound: dict[str, str] = field(default_factory=dict)
    given_minor: Counter[Pair] = field(default_factory=Counter)
    _kept_names: set[str] = field(default_factory=set)
    _charters: dict[str, str] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """Full names of our cities in upper case, by number."""
        return [full_name(city.name, self.node) for city in self.cities]

    def hello(self, boot: str, cities: Sequence[int]) -> Hello:
        """What this node says first.

        Args:
            boot: a random word of this run.
            cities: ours whose pairs the link carries.
        """
        names = [self.names[here] for here in cities]
        for name in names:
            if name not in self._charters:
                self._charters[name] = charter(self.identity, name)
        chartered = [(name, self._charters[name]) for name in names]
        return hello_of(self.identity.id, boot, chartered, self.identity.rotations)

    def carried(self, node_id: str, joined: Collection[int]) -> Sequence[int]:
        """Our cities whose pairs with a node a link carries, as many as a hello holds.

        First those between which and the node's somebody is under way: he must arrive, also if
        they are to trade no more. Then `joined`, who are to.
        """
        peer = self.by_id.get(node_id)
        open_now = peer.pairs.open_cities() if peer else set()
        first = [city.here for city in self.cities if self.names[city.here] in open_now]
        ours = [*first, *sorted(set(joined).difference(first))]
        for count in range(len(ours), 0, -1):
            with contextlib.suppress(LineError):
                self.hello("0" * 32, ours[:count])
                return ours[:count]
        return []

    def peer(self, node_id: str) -> PeerNode:
        """A peer node by its id; new if nothing is known of it."""
        found = self.by_id.get(node_id)
        if found is None:
            found = self.by_id[node_id] = self._new(node_id, [], [])
        return found

    def _new(self, node_id: str, rows: Sequence[Transition], kept: Sequence[Settled]) -> PeerNode:
        pairs = Pairs(rows, kept, dict(zip(self.names, self.held_max, strict=False)))
        decoder = BulkDecoder(self.goods, self.read_columns, in_minor=True)
        return PeerNode(node_id, pairs, decoder)

    def succession(self, ids: Sequence[str]) -> Sequence[str]:
        """Of the ids a node has had, newest first, those down to the one we have books under: what
        still older keys do is not its."""
        for count, each in enumerate(ids, 1):
            if each in self.by_id and self.by_id[each].has_books:
                return ids[:count]
        return ids

    def known_as(self, ids: Sequence[str]) -> PeerNode | None:
        """The peer node that has had these ids, newest first: that with books, if any has."""
        found = [self.by_id[each] for each in self.succession(ids) if each in self.by_id]
        return next((peer for peer in found if peer.has_books), found[0] if found else None)

    def check_names(self, ids: Sequence[str], names: Sequence[str]) -> None:
        """Whether a node may call its cities so.

        Args:
            ids: its own, and those of its former keys, newest first.

        Raises:
            ChangedKeyError: we have books with another node under one of these names.
            ValueError: a name that letters of another case would make another, or too many names.
        """
        node_id, ids = ids[0], self.succession(ids)
        for name in names:
            if self.id_of.get(name, node_id) not in ids:
                raise ChangedKeyError(
                    f"{spelled(name)} is known as a city of {self.id_of[name]}, but now speaks as "
                    f"{node_id}; a world begun anew needs another --node-name, and merchants under "
                    f"way to the old one stay in doubt: city-node limbo"
                )
            if spelled(name).upper() != name:
                raise ValueError(f"{shown(name)}: has letters that have no lower case of their own")
        of_its = {*names, *(name for name, known in self.id_of.items() if known in ids)}
        if len(of_its) > NODE_CITIES_MAX:
            raise ValueError(f"cities of one node = over {NODE_CITIES_MAX}, under all its names")

    def bind(self, ids: Sequence[str], names: Sequence[str]) -> PeerNode:
        """Deal with a node under these names, which have been checked; what there was with it under
        former ids, whose links are over, is its own."""
        node_id, *former = self.succession(ids)
        kept = self.known_as(ids)
        for each in former:
            self.by_id.pop(each, None)
        if kept:
            kept.id, self.by_id[node_id] = node_id, kept
        for name, known in self.id_of.items():
            if known in former:
                self.id_of[name] = node_id
                if name in self._kept_names:
                    self.rebound[name] = node_id
        self.id_of |= dict.fromkeys(names, node_id)
        return self.peer(node_id)

    def keep_name(self, name: str) -> None:
        """There are books with a city from now on, so its name is its node's for good."""
        if name not in self._kept_names:
            self._kept_names.add(name)
            self.unwritten[name] = self.id_of[name]

    def forget(self, peer: PeerNode) -> None:
        """A link is gone: of those without books nothing is kept."""
        if peer.talk is None and not peer.has_books and not peer.writing:
            del self.by_id[peer.id]
            self.id_of = {name: known for name, known in self.id_of.items() if known != peer.id}

    def restore(self) -> None:
        """Take up the books that the ledger has kept.

        Raises:
            ConfigError: it has some of which it does not say whose they are, or a merchant under
                way who is not as he was written down.
        """
        self.id_of = self.ledger.bound()
        self._kept_names = set(self.id_of)
        ours = {city.name: full_name(city.name, self.node) for city in self.cities}
        rows: dict[str, list[Transition]] = {}
        kept: dict[str, list[Settled]] = {}
        for row in self.ledger.migrations():
            self._check_merchant(row)
            peer = row.peer.upper()
            rows.setdefault(self._owner(peer), []).append(_transition(row, ours[row.city], peer))
        for settled in self.ledger.settled():
            peer = settled.peer.upper()
            city = ours[settled.city]
            side: Side = "out" if settled.side == "out" else "in"
            as_wire = Settled(city, peer, side, settled.below, settled.digest, settled.money_minor)
            kept.setdefault(self._owner(peer), []).append(as_wire)
        for node_id in sorted({*rows, *kept, *self.id_of.values()}):
            self.by_id[node_id] = self._new(node_id, rows.get(node_id, []), kept.get(node_id, []))

    def _check_merchant(self, row: Migration) -> None:
        """Whoever may still enter a city has the money that is booked of him: no digest of the
        ledger's holds him."""
        try:
            if row.state not in SETTLED:
                found = decode_merchant(row.merchant or b"", in_minor=True)
                if found.merchant.money_minor != row.money_minor:
                    raise LineError(f"MoneyMinor is not {row.money_minor}")
        except LineError as error:
            way = f"{row.city} to {row.peer}" if row.side == "out" else f"{row.peer} to {row.city}"
            raise ConfigError(
                f"{self.ledger.name}: damaged: merchant {row.xid} from {way}: {error}"
            ) from None

    def _owner(self, name: str) -> str:
        if name not in self.id_of:
            raise ConfigError(
                f"{self.ledger.name}: damaged: whose city {spelled(name)} is, it does not say"
            )
        return self.id_of[name]


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
