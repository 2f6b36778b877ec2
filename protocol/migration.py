"""A migration: how merchants of one ordered pair of cities change owner exactly once.

Called by pairs.py, which keeps every pair of two nodes, and explored state by state by
`tools/model.py`. No I/O, no link: inputs go in (departures, messages, giving up, a new link, the
time), a `Step` comes out. It must not know what a merchant is: a record is bytes and money.

Presumed abort in two phases. A record's states, and what is said once they are durable:

| sending city | receiving city |
|---|---|
| departs: PREPARED → offer | offer: HELD → accept, or DROPPED → refuse |
| accept while PREPARED: COMMITTED → commit | commit while HELD: LIVE → done |
| done: GONE | a repeated offer or commit is answered from the records |
| refuse, or giving up, only while PREPARED: BACK → cancel | cancel: DROPPED |
| accept while BACK or unknown → cancel; while COMMITTED or GONE → commit | HELD waits |

Journal, then speak: the messages of a step are true only once its transitions, and those of every
step before it, are durable; pairs.py lets nobody have them earlier. The records in memory run ahead
of the journal by the steps not yet written, and a crash takes those back, said to nobody.

Both sides forget what is below `settled`, the lowest number the sending side has not ended, and
keep of it a digest (the sum of the hashes of those who arrived, which needs no order) and the
money. Two journals that contradict one another raise `Contradiction`: a disk was rolled back.
"""

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Final, Literal, TypeAlias

import msgspec

from protocol.limits import RANGES_IN_LINE_MAX
from protocol.node_messages import Message, ranges_of

Side: TypeAlias = Literal["out", "in"]
Account: TypeAlias = Literal["city", "transit", "escrow", "peer"]

MOVES: Final[dict[tuple[str, str], tuple[Account, Account]]] = {
    ("out", "PREPARED"): ("city", "transit"),
    ("out", "BACK"): ("transit", "city"),
    ("out", "GONE"): ("transit", "peer"),
    ("in", "HELD"): ("peer", "escrow"),
    ("in", "LIVE"): ("escrow", "city"),
    ("in", "DROPPED"): ("escrow", "peer"),
}
"""(side, state entered) → from which account of ours to which a transition moves its money;
COMMITTED moves none. `peer` is the account with the other city, the only one that may be negative.
One who is dropped without having been held has a transition over 0."""


class Contradiction(Exception):
    """The peer's journal and ours cannot both be true: one was rolled back. Quarantine the link."""


class Offence(Exception):
    """An act no honest peer commits, whatever crashed. Drop the link, keep the key out."""


class Transition(msgspec.Struct, frozen=True, gc=False):
    """A record enters a state; to be made durable together with what `MOVES` says of its money.

    Attributes:
        city, peer: full names in upper case, ours and the other.
        side: "out" when the merchant leaves `city`, "in" when he enters it.
        xid: number of the migration; (city, peer, side, xid) is a record's key.
        state: PREPARED, COMMITTED, GONE, BACK; HELD, LIVE, DROPPED.
        money_minor: what moves with him.
        merchant: his bytes when the record is first written, else None.
    """

    city: str
    peer: str
    side: Side
    xid: int
    state: str
    money_minor: int
    merchant: bytes | None = None


class Settled(msgspec.Struct, frozen=True):
    """Records of a pair below `below` may be deleted, once this is durable in their place.

    Attributes:
        digest: of those below who arrived; the sum of their hashes modulo 2**128.
        money_minor: theirs.
    """

    city: str
    peer: str
    side: Side
    below: int
    digest: int
    money_minor: int


class Entrant(msgspec.Struct, frozen=True, gc=False):
    """A merchant whom a transition of the same step puts into `city`: LIVE, or BACK home."""

    city: str
    peer: str
    side: Side
    xid: int
    money_minor: int
    merchant: bytes


class Step(msgspec.Struct, frozen=True):
    """What one input changes. `messages` may be sent only once all else, of this step and of all
    before it, is durable."""

    transitions: list[Transition] = []
    entrants: list[Entrant] = []
    settled: Settled | None = None
    messages: list[Message] = []


Record: TypeAlias = tuple[int, bytes]
"""Money in minor units, and the merchant's bytes."""

Ended: TypeAlias = tuple[int, int] | None
"""Of one who arrived money and hash; None of one who did not."""


class Books:
    """What both sides of a pair keep: outbound.py and inbound.py."""

    SIDE: Side

    def __init__(self, city: str, peer: str, settled: Settled | None) -> None:
        self.city = city
        self.peer = peer
        self.ended: dict[int, Ended] = {}
        self.settled = settled.below if settled else 0
        self.digest = settled.digest if settled else 0
        self.settled_minor = settled.money_minor if settled else 0
        self.next = self.settled

    def entered(self, state: str, xid: int, record: Record, *, first: bool = False) -> Transition:
        money_minor, merchant = record
        return Transition(
            self.city, self.peer, self.SIDE, xid, state, money_minor, merchant if first else None
        )

    def entrant(self, xid: int, record: Record) -> Entrant:
        return Entrant(self.city, self.peer, self.SIDE, xid, *record)

    def fold(self, xids: Iterable[int]) -> None:
        """Forget ended records, keeping the sums of those who arrived."""
        for xid in xids:
            ended = self.ended.pop(xid)
            if ended is not None:
                self.settled_minor += ended[0]
                self.digest = (self.digest + ended[1]) % 2**128

    def kept(self) -> Settled:
        return Settled(
            self.city, self.peer, self.SIDE, self.settled, self.digest, self.settled_minor
        )

    def pair(self) -> str:
        out = self.SIDE == "out"
        return f"{self.city} → {self.peer}" if out else f"{self.peer} → {self.city}"


def hash_of(xid: int, merchant: bytes) -> int:
    return int.from_bytes(blake2b(merchant, digest_size=16, salt=xid.to_bytes(8, "big")).digest())


def in_lines(xids: list[int]) -> Iterator[list[tuple[int, int]]]:
    """Numbers as ranges, no more a line than fit."""
    for start in range(0, len(xids), RANGES_IN_LINE_MAX):
        yield ranges_of(xids[start : start + RANGES_IN_LINE_MAX])
