"""A node's travel-ways as data: every connection, what waits on it, what peers have brought.

Shared by `travelway` (the connections themselves), `crossing` (what the world takes and gives) and
those who show it. Nothing here is unbounded: a peer that does not read fills its own outbox and
nobody else's, one that writes too fast waits for the next window.
"""

import math
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import trio

from city_node.cities.world import City
from city_node.log import Log
from city_node.machine import Machine, Stream
from city_node.network.departures import Departure
from city_node.network.policy import Policy
from city_node.network.quotas import Quota
from city_node.network.sockets import Ungreeted
from protocol.bulk import Names, ReadColumns
from protocol.connection import Connection
from protocol.events import Merchants
from protocol.messages import Merchant
from protocol.observe import EMPTY_HANDED

OUTBOX_MERCHANTS_MAX = 1_024
"""Merchants on their way to one peer's socket: two windows of a busy city, 0.7 MB of lines."""

INBOX_BYTES_MAX = 1_048_576
"""Of one peer's merchants, lines and prices, waiting for the next window: some 1,200 merchants.
Beyond these its socket is not read, so that what strangers send is never a matter of memory."""

RETURNED_BYTES_MAX = 262_144
"""Lines on their way back to a peer. Beyond these its socket is not read until it reads."""

REFUSED_MAX = 1_024
"""Peers whose refusals are counted each; whoever renames himself must not fill pages."""

CROSSING_S = 1.5
"""How long one who has crossed is shown on his way, for people to see him walk."""

CROSSINGS_MAX = 24
"""Shown on one travel-way, both directions; more would hide each other."""


APART_MAX = 64
KNOCK_SHOWN_S = 30.0
"""Nodes that people are shown though no road leads there; whoever knocks does so every few seconds,
and is not shown when he has ceased to."""


class Apart(NamedTuple):
    """A node that there is no road to, and why; `until_s`: shown for so long."""

    name: str
    address: str
    why: str
    until_s: float


@dataclass(eq=False)
class Travelway:
    """One connection, from accept or dial to close.

    Attributes:
        peer: its name as people see it; empty until it has greeted.
        waiting_bytes: of merchants heard and not yet given to the world.
        drained: set when the world has taken them, or lines that go back have been written.
        outbox: who is to be written, with his departure should he have to come home.
        greeting: bytes of our name, to be written at once and alone.
        going_back: lines to be written back, once the quiet after the greeting is over.
        wake: set when there is something to write.
        redial: of the task that would dial again; None: the peer dialled.
        crossings: who has crossed lately: when, the good he carried or "", whether outward.
        heard_s: when anything was heard of it last.
    """

    city: City
    stream: Stream
    address: str
    connection: Connection
    redial: trio.CancelScope | None
    peer: str = ""
    ready: bool = False
    place: int = -1
    waiting_bytes: int = 0
    drained: trio.Event = field(default_factory=trio.Event)
    outbox: deque[tuple[Merchant, Departure]] = field(default_factory=deque)
    greeting: bytearray = field(default_factory=bytearray)
    going_back: bytearray = field(default_factory=bytearray)
    wake: trio.Event = field(default_factory=trio.Event)
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    why_closed: str = ""
    crossings: deque[tuple[float, str, bool]] = field(
        default_factory=lambda: deque(maxlen=CROSSINGS_MAX)
    )
    heard_s: float = 0.0

    @property
    def dialled(self) -> bool:
        """Whether we dialled."""
        return self.redial is not None

    @property
    def waiting(self) -> Counter[str]:
        """Who is to be written, by the good he carries."""
        return Counter(who.good if who.owned else EMPTY_HANDED for who, _ in self.outbox)

    @property
    def is_full(self) -> bool:
        """Whether nothing more is to be read of this peer for now."""
        return self.waiting_bytes >= INBOX_BYTES_MAX or len(self.going_back) >= RETURNED_BYTES_MAX

    def send_back(self, lines: bytes) -> None:
        """Queue lines that go back."""
        self.going_back += lines
        self.wake.set()

    def close(self, reason: str) -> None:
        """End the connection from any task."""
        self.why_closed = self.why_closed or reason
        self.scope.cancel()


@dataclass(eq=False)
class NodeWay:
    """A travel-way between a city of ours and one of another node of ours, on the nodes' link.

    Attributes:
        name: of the other city, full and in upper case, as the wire has it.
        peer: the same as people see it.
        place: among the world's places; -1: it has none yet.
        prices: there, in coins by good, as its news said; None: nothing has been heard of it.
        room: for how many more merchants there is room.
        closed_until_s: nobody sets out before, since the city refused some.
        waiting: who has left and is not known to have arrived, by the good he carries.
        balance_minor: coins that have come from there, less those that went; settled and held.
        credit_minor: how much of that this city allows all cities of that node; used_minor: of it.
        stop: ends the link, which is dialled no more.
        crossings: as of a Travelway.
    """

    city: City
    name: str
    peer: str
    address: str
    dialled: bool
    stop: Callable[[str], None]
    place: int = -1
    prices: Mapping[str, float] | None = None
    room: int = 0
    closed_until_s: float = -math.inf
    waiting: Counter[str] = field(default_factory=Counter)
    balance_minor: int = 0
    credit_minor: int = 0
    used_minor: int = 0
    crossings: deque[tuple[float, str, bool]] = field(
        default_factory=lambda: deque(maxlen=CROSSINGS_MAX)
    )

    @property
    def ready(self) -> bool:
        """Whether merchants may set out."""
        return self.prices is not None

    def close(self, reason: str) -> None:
        """End the link, and with it all the travel-ways on it."""
        self.stop(reason)


@dataclass
class Network:
    """All travel-ways of a node.

    Attributes:
        node: the node's name.
        own: casefolded names of our cities that are listened for.
        goods: what may travel: the world's goods less leisure, in the world's order.
        open: greeted travel-ways by city and casefolded name of the peer.
        linked: travel-ways to cities of other nodes of ours, likewise.
        apart: nodes that there is no road to, by id, the latest last.
        under_way: names, casefolded, of cities that merchants are under way to or held for.
        ungreeted: connections that peers have dialled and not greeted on, oldest first.
        heard: merchants waiting for the next window, in the order in which they came.
        homeless: who has left, cannot get away, and has to come home.
        quotas: by city and casefolded name of the peer, "@ADDRESS" (coins), or "@ADDRESS heads".
        refused: lines and merchants refused, by city and name of the peer.
        policies: of our cities' borders, by their numbers.
        quick_reader: of lines, once it is loaded; `is_loading_reader` from when that begins.
    """

    node: str
    goods: tuple[str, ...]
    log: Log
    own: set[str] = field(default_factory=set)
    open: dict[tuple[int, str], Travelway] = field(default_factory=dict)
    linked: dict[tuple[int, str], NodeWay] = field(default_factory=dict)
    apart: dict[str, Apart] = field(default_factory=dict)
    under_way: set[str] = field(default_factory=set)
    ungreeted: list[Ungreeted] = field(default_factory=list)
    heard: deque[tuple[Travelway, Merchants]] = field(default_factory=deque)
    homeless: list[Departure] = field(default_factory=list)
    quotas: dict[tuple[int, str], Quota] = field(default_factory=dict)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    machine: Machine = field(default_factory=Machine)
    policies: Mapping[int, Policy] = field(default_factory=lambda: defaultdict(Policy))
    quick_reader: ReadColumns | None = None
    is_loading_reader: bool = False

    def refuse(self, city: str, peer: str, count: int = 1) -> None:
        """Count what a city has refused a peer."""
        if (city, peer) not in self.refused and len(self.refused) >= REFUSED_MAX:
            peer = "(others)"
        self.refused[city, peer] += count

    def send_home(self, way: Travelway) -> None:
        """Let all who wait to be written come home with the next window."""
        self.homeless += [departure for _, departure in way.outbox]
        way.outbox.clear()

    def keep_apart(self, node_id: str, apart: Apart) -> None:
        """Note why there is no road to a node."""
        self.apart.pop(node_id, None)
        self.apart[node_id] = apart
        if len(self.apart) > APART_MAX:
            del self.apart[next(iter(self.apart))]

    @property
    def ways(self) -> list[Travelway | NodeWay]:
        """All that are open, legacy and ours."""
        return [*self.open.values(), *self.linked.values()]

    @property
    def in_use(self) -> set[str]:
        """Names, casefolded, of cities whose places are not to be given away."""
        return self.under_way | {way.peer.casefold() for way in self.ways if way.place >= 0}

    @property
    def node_suffix(self) -> str:
        """What full names of our cities end in on the wire."""
        return f"@{self.node.upper()}"

    def read_columns(
        self, block: bytes, lines: list[bytes], names: Names
    ) -> tuple[Merchants, set[str]] | None:
        """As `protocol.bulk.ReadColumns`; reads nothing until the quick reader is loaded."""
        return self.quick_reader(block, lines, names) if self.quick_reader else None


def note_crossings(way: Travelway | NodeWay, came: Merchants) -> None:
    """Show the last of those who came on their way."""
    now_s = trio.current_time()
    for good, owned in zip(came.good[-CROSSINGS_MAX:], came.owned[-CROSSINGS_MAX:], strict=True):
        way.crossings.append((now_s, came.goods[good] if owned else EMPTY_HANDED, False))


def bytes_of(came: Merchants) -> int:
    """What merchants take up while they wait: their lines, prices and genes."""
    cells = len(came.prices) + len(came.genes)
    return sum(map(len, came.lines)) + came.prices.itemsize * cells


async def load_quick_reader(network: Network) -> None:
    """Not before there is a peer, and elsewhere: the first time its kernel has to be compiled."""
    if network.is_loading_reader or network.quick_reader:
        return
    network.is_loading_reader = True
    try:
        network.quick_reader = await network.machine.offload(_quick_reader)
    finally:
        network.is_loading_reader = False


def _quick_reader() -> ReadColumns:
    from merchants.lines import read_columns

    return read_columns
