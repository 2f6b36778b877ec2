"""Every pair of cities of two nodes: whose records they are, and what may be said when.

Driven by `city_node`'s travel-ways together with node_connection.py: messages and the time go in;
what has to be made durable comes out of `unwritten()`, and what may then be said out of
`written()`. Nothing else here hands out messages, so a node cannot speak before it has journaled.
Knows neither sockets nor the journal's form.

    depart, hold, receive, give_up, tick, connect …  → queue of steps
    group = pairs.unwritten()                         → write group in one transaction
    messages = pairs.written()                        → connection.send(messages)

Conversation on a new link: `greet` queues our welcome with our books, `connect` takes the peer's,
compares and replays. In between and after `cut` nobody hears us, so messages are thrown away then;
the records know what has to be said again.
"""

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from math import inf
from typing import Final, TypeVar

import msgspec

from protocol.inbound import Inbound
from protocol.limits import LINE_BYTES_MAX, OFFERS_IN_FLIGHT_FIRST, OFFERS_IN_FLIGHT_MAX, PAIRS_MAX
from protocol.migration import (
    Contradiction,
    Entrant,
    Offence,
    Record,
    Settled,
    Side,
    Step,
    Transition,
)
from protocol.node_lines import encode
from protocol.node_messages import (
    Accept,
    Cancel,
    Commit,
    Credit,
    Done,
    Drain,
    Forget,
    Message,
    Offer,
    Refuse,
    Statement,
    Welcome,
    xids_of,
)
from protocol.outbound import Outbound

S = TypeVar("S", Outbound, Inbound)

WELCOME_BYTES, BOOKS_BYTES = 128, 128
"""What a welcome holds beside books, and what books hold beside two names, numbers of 16 digits."""

GROUP_TRANSITIONS: Final = 1_024
"""A group is written once it has so many, whatever waits behind: some 10 ms of a journal."""


class Group(msgspec.Struct, frozen=True):
    """Steps to be made durable in one transaction.

    Attributes:
        transitions: in order, with what `migration.MOVES` says of their money.
        entrants: merchants of the transitions who enter a city of ours, LIVE or BACK.
        settled: the newest of every pair and side; records below may be deleted in the same
            transaction.
    """

    transitions: list[Transition]
    entrants: list[Entrant]
    settled: list[Settled]


def fitting(ours: Iterable[str], theirs: Iterable[str]) -> list[tuple[str, str]]:
    """The pairs (ours, theirs) to be traded between: as many as a welcome surely tells of.

    Both sides find the same ones, so nobody has books of others.
    """
    found: list[tuple[str, str]] = []
    left_bytes = LINE_BYTES_MAX - WELCOME_BYTES
    by_names = {(*sorted((a, b)), a, b) for a in ours for b in theirs}
    for *_, a, b in sorted(by_names):
        left_bytes -= 2 * (len(a.encode()) + len(b.encode()) + BOOKS_BYTES)
        if left_bytes < 0 or len(found) == PAIRS_MAX:
            break
        found.append((a, b))
    return found


class Pairs:
    """The books of a node with one other node.

    Args:
        rows: the journal's records with cities of that node, in their last states.
        settled: what the journal keeps in place of records deleted.
        held_max: by city of ours, if fewer offers may be in flight to it than usual.
    """

    def __init__(
        self,
        rows: Iterable[Transition] = (),
        settled: Iterable[Settled] = (),
        held_max: Mapping[str, int] = {},
    ) -> None:
        self._held_max = held_max
        kept = {(s.side, s.city, s.peer): s for s in settled}
        rows_of: dict[tuple[Side, str, str], list[Transition]] = {key: [] for key in kept}
        for row in rows:
            rows_of.setdefault((row.side, row.city, row.peer), []).append(row)
        self.outbound: dict[tuple[str, str], Outbound] = {}
        self.inbound: dict[tuple[str, str], Inbound] = {}
        for (side, city, peer), pair_rows in rows_of.items():
            before = kept.get((side, city, peer))
            if side == "out":
                self.outbound[city, peer] = Outbound(city, peer, pair_rows, before)
            else:
                most = held_max.get(city, OFFERS_IN_FLIGHT_MAX)
                self.inbound[city, peer] = Inbound(city, peer, pair_rows, before, most)
        self._steps: deque[Step] = deque()
        self._writing: list[Message] | None = None
        self._linked = False
        self._draining = False
        self._ours: Collection[str] = ()
        self._theirs: Collection[str] = ()

    # --- journal, then speak ---

    def unwritten(self) -> Group | None:
        """Take the next steps to be made durable; None when there is nothing to write or say.

        A group may hold nothing to write and is still followed by `written()`; several may be
        taken before, to be written together.
        """
        if not self._steps:
            return None
        group = Group([], [], [])
        settled: dict[tuple[str, str, str], Settled] = {}
        messages: list[Message] = []
        while self._steps and len(group.transitions) < GROUP_TRANSITIONS:
            step = self._steps.popleft()
            group.transitions.extend(step.transitions)
            group.entrants.extend(step.entrants)
            messages += step.messages
            if step.settled:
                settled[step.settled.side, step.settled.city, step.settled.peer] = step.settled
        group.settled.extend(settled.values())
        self._writing = [*(self._writing or []), *messages]
        return group

    def written(self) -> list[Message]:
        """The groups taken so far are durable: what may be said now, in order."""
        assert self._writing is not None, "nothing is being written"
        messages, self._writing = self._writing, None
        return messages

    def _add(self, step: Step) -> None:
        if step.messages and not self._linked:
            step = msgspec.structs.replace(step, messages=[])
        if step.transitions or step.settled or step.messages:
            self._steps.append(step)

    # --- the link ---

    def greet(self, version: int, ours: Collection[str], theirs: Collection[str]) -> None:
        """Queue our welcome on a link that carries pairs of these cities.

        Raises:
            ValueError: there are books of more of them than a welcome holds; more than `fitting`.
        """
        self.cut()
        self._ours, self._theirs = ours, theirs
        welcome = Welcome(
            version=version,
            leaving=[side.books() for side in self._carried(self.outbound)],
            entering=[side.books() for side in self._carried(self.inbound)],
        )
        if max(len(welcome.leaving), len(welcome.entering)) > PAIRS_MAX:
            raise ValueError(f"pairs of one link = over {PAIRS_MAX}")
        encode([welcome])
        self._steps.append(Step(messages=[welcome]))

    def connect(self, welcome: Welcome, now_s: float) -> None:
        """The peer's welcome is here: compare its books with ours, replay what is open.

        Raises:
            Contradiction: a disk was rolled back; quarantine this link.
            Offence: it tells of pairs that the link does not carry.
        """
        steps = []
        credits = {}
        for leaving in welcome.leaving:
            self._check_carried(leaving.receiver, leaving.sender)
            steps.append(self._in(leaving.receiver, leaving.sender).compare(leaving))
        for entering in welcome.entering:
            self._check_carried(entering.sender, entering.receiver)
            self._out(entering.sender, entering.receiver).compare(entering)
            credits[entering.sender, entering.receiver] = entering.credit
        told = {(leaving.receiver, leaving.sender) for leaving in welcome.leaving}
        for inbound in self._carried(self.inbound):
            if (inbound.city, inbound.peer) not in told and inbound.next:
                raise Contradiction(f"{inbound.pair()}: the peer knows nothing of {inbound.next}")
        self._linked = True
        self._draining = False
        for step in steps:
            self._add(step)
        for outbound in self._carried(self.outbound):
            credit = credits.get((outbound.city, outbound.peer), OFFERS_IN_FLIGHT_FIRST)
            self._add(outbound.connect(credit, now_s))
        for inbound in self._carried(self.inbound):
            self._add(inbound.connect())

    def cut(self) -> None:
        """The link is gone. What was to be said is forgotten; what was to be written is not."""
        self._linked = False
        steps, self._steps = self._steps, deque()
        for step in steps:
            self._add(step)
        if self._writing is not None:
            self._writing = []
        for outbound in self.outbound.values():
            outbound.cut()

    def drain(self) -> None:
        """We are going away: offer nothing more, and say so; nobody is offered to us then."""
        self._add(Step(messages=[Drain()]))
        self._offer_nothing_more()

    # --- migrations ---

    def depart(self, city: str, peer: str, records: Sequence[Record], now_s: float) -> range:
        """Merchants leave for a city of the peer; returns their numbers."""
        outbound = self._out(city, peer)
        first = outbound.next
        self._add(outbound.depart(records, now_s))
        return range(first, outbound.next)

    def give_up(self, city: str, peer: str, xids: Iterable[int]) -> None:
        """Bring home those still PREPARED."""
        self._add(self._out(city, peer).give_up(xids))

    def wait(self, now_s: float) -> None:
        """After a start: whom nobody answers for GIVE_UP_S from now on comes home."""
        for outbound in self.outbound.values():
            outbound.wait(now_s)

    def tick(self, now_s: float) -> None:
        """Give up whom nobody has answered; to be called at `deadline_s`."""
        for outbound in self.outbound.values():
            self._add(outbound.tick(now_s))

    @property
    def deadline_s(self) -> float:
        """When `tick` has something to do; infinite when it has not."""
        return min((outbound.deadline_s for outbound in self.outbound.values()), default=inf)

    def to_judge(self, offer: Offer) -> list[bytes]:
        """The records of an offer that are new, in order; `hold` answers the others by itself."""
        inbound = self._in(offer.receiver, offer.sender)
        xids = xids_of(offer.xids)
        return [
            bytes(m) for xid, m in zip(xids, offer.merchants, strict=True) if inbound.is_new(xid)
        ]

    def hold(
        self, offer: Offer, judged: Iterable[tuple[Record, str]], *, retry_after_s: float = 0.0
    ) -> None:
        """Answer an offer; `judged` as in `Inbound.hold`, one entry for each of `to_judge`."""
        inbound = self._in(offer.receiver, offer.sender)
        self._add(inbound.hold(offer, judged, retry_after_s=retry_after_s))

    def receive(self, message: Message) -> None:
        """Act on any message that is neither an offer nor the connection's own affair.

        Raises:
            Contradiction: quarantine the link. Offence: drop it, keep its key out.
        """
        match message:
            case Accept() | Refuse() | Done() | Credit():
                self._add(self._out(message.sender, message.receiver).receive(message))
            case Commit() | Cancel() | Forget():
                self._add(self._in(message.receiver, message.sender).receive(message))
            case Statement():
                self._compare_statement(message)
            case Drain():
                self._offer_nothing_more()
            case _:
                raise TypeError(f"not for pairs: {message!r}")

    def open_cities(self) -> set[str]:
        """Cities of ours with migrations that may not be over, here or there."""
        return {side.city for side in self.outbound.values() if side.next > side.settled} | {
            side.city for side in self.inbound.values() if side.held or side.next > side.settled
        }

    # --- accounts ---

    def statement(self, city: str, peer: str) -> Statement:
        """Our city's account with theirs; sign `node_lines.signed_bytes` of it, then `state` it."""
        out, came = self._out(city, peer), self._in(city, peer)
        return Statement(
            sender=city,
            receiver=peer,
            sent_settled=out.settled,
            sent_minor=out.settled_minor,
            received_settled=came.settled,
            received_minor=came.settled_minor,
            balance_minor=came.settled_minor - out.settled_minor,
        )

    def state(self, statement: Statement) -> None:
        """Say it, once all that it tells of is durable."""
        self._add(Step(messages=[statement]))

    def _compare_statement(self, said: Statement) -> None:
        """Their account must mirror ours wherever both have settled the same numbers."""
        if said.balance_minor != said.received_minor - said.sent_minor:
            raise Offence(f"{said.sender}: balance {said.balance_minor} is not received less sent")
        ours = self.statement(said.receiver, said.sender)
        sent = said.sent_settled != ours.received_settled or said.sent_minor == ours.received_minor
        received = (
            said.received_settled != ours.sent_settled or said.received_minor == ours.sent_minor
        )
        if not (sent and received):
            raise Contradiction(
                f"{said.sender} sent {said.sent_minor} and received {said.received_minor} by its "
                f"account with {said.receiver}, by ours {ours.received_minor} and {ours.sent_minor}"
            )

    # --- finding ---

    def _out(self, city: str, peer: str) -> Outbound:
        found = self.outbound.get((city, peer))
        if found is None:
            found = self.outbound[city, peer] = Outbound(city, peer)
            if self._linked and city in self._ours and peer in self._theirs:
                found.connect(OFFERS_IN_FLIGHT_FIRST, 0.0)
                found.draining = self._draining
        return found

    def _in(self, city: str, peer: str) -> Inbound:
        found = self.inbound.get((city, peer))
        if found is None:
            most = self._held_max.get(city, OFFERS_IN_FLIGHT_MAX)
            found = self.inbound[city, peer] = Inbound(city, peer, held_max=most)
        return found

    def _carried(self, sides: dict[tuple[str, str], S]) -> list[S]:
        """Sides of the pairs that the link carries."""
        return [
            side
            for (city, peer), side in sides.items()
            if city in self._ours and peer in self._theirs
        ]

    def _offer_nothing_more(self) -> None:
        self._draining = True
        for outbound in self.outbound.values():
            outbound.drain()

    def _check_carried(self, ours: str, theirs: str) -> None:
        if ours not in self._ours or theirs not in self._theirs:
            raise Offence(f"{ours} and {theirs} are no pair of this link")
