"""One node of the model, and the bugs that are planted in it: for `tools.model`.

Knows the shipped `protocol.pairs` from within, for a state of the model is all that it remembers.
"""

from collections import deque
from copy import copy
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace as replaced

from protocol import inbound
from protocol.inbound import Inbound
from protocol.migration import MOVES, Settled, Step, Transition
from protocol.node_lines import encode
from protocol.node_messages import Message, Offer
from protocol.outbound import Outbound
from protocol.pairs import Pairs

CITIES = ("RIVERWOOD@ATLAS", "SEASIDE@BOREAS")
"""Merchants go from the first to the second."""


class Violation(Exception):
    """Something that must always be true is not."""


class Node:
    """A node: what it knows, what it has written, and which merchants are active in its city.

    Merchant m has 2**m minor units, so that money tells who he is.
    """

    def __init__(self, number: int, merchants: int) -> None:
        self.number = number
        self.pairs = Pairs()
        self.rows: dict[int, Transition] = {}
        self.settled: dict[str, Settled] = {}
        here = merchants if number == 0 else 0
        self.here = self.here_written = 2**here - 1
        self.accounts = {"city": self.here, "transit": 0, "escrow": 0, "peer": 0}
        self.greeted = False

    def clone(self) -> "Node":
        """A copy that shares nothing that changes."""
        new = _copied(self)
        new.pairs = _copied(self.pairs)
        for sides in (new.pairs.outbound, new.pairs.inbound):
            for key, side in sides.items():
                sides[key] = _copied(side)
        return new

    def key(self) -> tuple[Any, ...]:
        """Equal for equal states."""
        queue = tuple(
            (tuple((t.xid, t.state) for t in step.transitions), encode(step.messages), step.settled)
            for step in self.pairs._steps
        )
        rows = tuple((xid, row.state) for xid, row in sorted(self.rows.items()))
        known = (*_known(self.pairs, links=True), *self.settled.values())
        return (rows, queue, known, self.here, self.here_written, self.greeted)

    def note(self, before: int) -> None:
        """Merchants come into circulation, or out of it, with the steps after the first few."""
        for step in list(self.pairs._steps)[before:]:
            for transition in step.transitions:
                self.here = _moved(self.here, transition)

    def write(self) -> list[Message]:
        """Make the next group durable and return what may be said."""
        group = self.pairs.unwritten()
        assert group is not None
        for transition in group.transitions:
            first = self.rows.get(transition.xid, transition)
            self.rows[transition.xid] = replaced(transition, merchant=first.merchant)
            self.here_written = _moved(self.here_written, transition)
            if move := MOVES.get((transition.side, transition.state)):
                self.accounts[move[0]] -= transition.money_minor
                self.accounts[move[1]] += transition.money_minor
        for settled in group.settled:
            self.settled[settled.side] = settled
            for xid in [xid for xid in self.rows if xid < settled.below]:
                if self.rows[xid].state != "HELD":
                    del self.rows[xid]
        return self.pairs.written()

    def recover(self) -> None:
        """Crash: what was not written is gone."""
        self.pairs = Pairs(self.rows.values(), self.settled.values())
        self.here = self.here_written
        self.greeted = False

    def check_memory(self) -> None:
        """Memory is the journal and the steps not yet written, nothing else."""
        twin = self.clone()
        while twin.pairs._steps:
            twin.write()
        if _known(Pairs(twin.rows.values(), twin.settled.values())) != _known(twin.pairs):
            raise Violation(f"node {self.number} remembers what no journal will hold")


def _copied(thing: Any) -> Any:
    new = copy(thing)
    for name, value in vars(new).items():
        if isinstance(value, dict | deque | list):
            setattr(new, name, copy(value))
    return new


def _known(books: Pairs, *, links: bool = False) -> tuple[Any, ...]:
    """What a node knows of its pair, and of the link if asked."""
    sides: list[Any] = []
    for out in books.outbound.values():
        if out.next:
            sides.append((tuple(sorted(out.prepared)), tuple(sorted(out.committed)), _sums(out)))
        if links:
            sides += [out.credit, tuple(out._unoffered), out.linked, out._forgotten]
    for came in books.inbound.values():
        if came.next:
            sides.append((tuple(sorted(came.held)), _sums(came)))
        if links:
            sides += [came.credit, came._window]
    return (*sides, books._linked) if links else tuple(sides)


def _sums(side: Outbound | Inbound) -> tuple[Any, ...]:
    ended = tuple(sorted((xid, end is not None) for xid, end in side.ended.items()))
    return ended, side.next, side.settled, side.digest, side.settled_minor


def _moved(here: int, transition: Transition) -> int:
    if transition.state == "PREPARED":
        return here & ~transition.money_minor
    return here | transition.money_minor if transition.state in ("BACK", "LIVE") else here


# --- bugs to plant -------------------------------------------------------------------------


class ReturnsAfterCommit(Outbound):
    """Brings home who is already committed."""

    def give_up(self, xids: Any) -> Step:
        late = [xid for xid in xids if xid in self.committed]
        for xid in late:
            self.prepared[xid] = self.committed.pop(xid)
        return super().give_up(xids)


class AdmitsWithoutCommit(Inbound):
    """Lets merchants in as soon as they are offered."""

    def hold(self, offer: Offer, judged: Any, **more: Any) -> Step:
        step = super().hold(offer, judged, **more)
        for xid in [t.xid for t in step.transitions if t.state == "HELD"]:
            record = self.held.pop(xid)
            self.ended[xid] = (record[0], inbound.hash_of(xid, record[1]))
            step.transitions.append(self.entered("LIVE", xid, record))
        return step


class ForgetsTooEarly(Inbound):
    """Forgets who has entered before the sending side has said that it is over."""

    def receive(self, message: Any) -> Step:
        step = super().receive(message)
        self.ended.clear()
        return step


class ReusesNumbers(Outbound):
    """Gives the number of one who came back to the next."""

    def give_up(self, xids: Any) -> Step:
        step = super().give_up(xids)
        for transition in step.transitions:
            if transition.xid == self.next - 1:
                self.ended.pop(transition.xid, None)
                self.next = transition.xid
                self.settled = min(self.settled, self.next)
        return step


@dataclass(frozen=True)
class Bug:
    """A planted bug: another class for one side, or another world."""

    sending: type[Outbound] = Outbound
    receiving: type[Inbound] = Inbound
    speaks_early: int | None = None
    drops_escrow: bool = False


BUGS = {
    "return after commit": Bug(sending=ReturnsAfterCommit),
    "admit without commit": Bug(receiving=AdmitsWithoutCommit),
    "speak before journalling, sending side": Bug(speaks_early=0),
    "speak before journalling, receiving side": Bug(speaks_early=1),
    "escrow dropped by the receiver alone": Bug(drops_escrow=True),
    "entered merchants forgotten too early": Bug(receiving=ForgetsTooEarly),
    "numbers used twice": Bug(sending=ReusesNumbers),
}
