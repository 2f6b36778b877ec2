"""The sending side of one ordered pair of cities: PREPARED, COMMITTED, GONE or BACK.

Called by pairs.py; the rules and the table are in migration.py. Knows neither links nor merchants.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from math import inf

from msgspec import Raw

from protocol.limits import FORGET_EVERY, GIVE_UP_S, RECORD_BYTES_MAX
from protocol.migration import (
    Books,
    Contradiction,
    Offence,
    Record,
    Settled,
    Step,
    Transition,
    hash_of,
    in_lines,
)
from protocol.node_messages import (
    Accept,
    Cancel,
    Commit,
    Credit,
    Done,
    Entering,
    Forget,
    Leaving,
    Message,
    Offer,
    Refuse,
    ranges_of,
    xids_of,
)


class Outbound(Books):
    """The sending side of one ordered pair.

    Args:
        city: ours, which merchants leave.
        peer: the city they travel to.
        rows: the journal's records of the pair, in their last states, merchants included.
        settled: what was kept in place of records deleted.
    """

    SIDE = "out"

    def __init__(
        self, city: str, peer: str, rows: Iterable[Transition] = (), settled: Settled | None = None
    ) -> None:
        super().__init__(city, peer, settled)
        self.prepared: dict[int, Record] = {}
        self.committed: dict[int, Record] = {}
        self.credit = 0
        self.linked = False
        self.draining = False
        self._forgotten = 0  # told on this link
        self._unoffered: deque[int] = deque()
        self._given_up_at: deque[tuple[float, int]] = deque()  # (when, every number below)
        for row in sorted(rows, key=lambda row: row.xid):
            if row.xid < self.settled:
                continue
            self.next = max(self.next, row.xid + 1)
            assert row.merchant is not None
            if row.state == "PREPARED":
                self.prepared[row.xid] = (row.money_minor, row.merchant)
            elif row.state == "COMMITTED":
                self.committed[row.xid] = (row.money_minor, row.merchant)
            else:
                arrived = row.state == "GONE"
                hashed = (row.money_minor, hash_of(row.xid, row.merchant)) if arrived else None
                self.ended[row.xid] = hashed
        self._settle()

    @property
    def deadline_s(self) -> float:
        """When `tick` gives somebody up; infinite when nobody waits."""
        return self._given_up_at[0][0] if self._given_up_at else inf

    def depart(self, records: Sequence[Record], now_s: float) -> Step:
        """Merchants leave: HERE → PREPARED, out of circulation with this step."""
        first = self.next
        self.next += len(records)
        transitions = []
        for xid, record in enumerate(records, first):
            assert len(record[1]) <= RECORD_BYTES_MAX
            self.prepared[xid] = record
            transitions.append(self.entered("PREPARED", xid, record, first=True))
        self._unoffered.extend(range(first, self.next))
        self._given_up_at.append((now_s + GIVE_UP_S, self.next))
        return Step(transitions, messages=self._offers())

    def receive(self, message: Accept | Refuse | Done | Credit) -> Step:
        """Hear the receiving side.

        Raises:
            Contradiction, Offence: before anything has changed.
        """
        if isinstance(message, Credit):
            if message.below < self.credit:
                raise Offence(f"credit of {self.pair()} shrank to {message.below}")
            self.credit = message.below
            return Step(messages=self._offers())
        xids = xids_of(message.xids)
        if xids[-1] >= self.next:
            raise Contradiction(f"{self.pair()} {xids[-1]} was answered, but {self.next} is next")
        if isinstance(message, Accept):
            return self._accepted(xids)
        return self._done(xids) if isinstance(message, Done) else self._refused(xids)

    def give_up(self, xids: Iterable[int]) -> Step:
        """Those of `xids` still PREPARED come home; the others are beyond recall."""
        return self._back([xid for xid in xids if xid in self.prepared])

    def tick(self, now_s: float) -> Step:
        """Give up whom nobody has answered for GIVE_UP_S."""
        below = 0
        while self._given_up_at and self._given_up_at[0][0] <= now_s:
            _, below = self._given_up_at.popleft()
        return self._back([xid for xid in self.prepared if xid < below])

    def wait(self, now_s: float) -> None:
        """Whom nobody answers from now on is given up, whether a link comes or not."""
        self._given_up_at = deque([(now_s + GIVE_UP_S, self.next)] if self.prepared else [])

    def connect(self, credit: int, now_s: float) -> Step:
        """A new link is up: replay PREPARED → offer and COMMITTED → commit in order."""
        self.linked = True
        self.credit = credit
        self.draining = False
        self.wait(now_s)
        messages: list[Message] = []
        open_now = sorted((*self.prepared, *self.committed))
        offerable = [xid for xid in open_now if xid < credit or xid in self.committed]
        self._unoffered = deque(xid for xid in open_now if xid >= credit and xid in self.prepared)
        for committed, run in groupby(offerable, self.committed.__contains__):
            xids = [*run]
            messages += self._said(Commit, xids) if committed else self._offer_lines(xids)
        return Step(messages=messages + self._forget())

    def cut(self) -> None:
        """The link is gone: nothing can be offered, and nothing said reaches anybody."""
        self.linked = False
        self.credit = 0

    def drain(self) -> None:
        """Offer nothing more on this link."""
        self.draining = True

    def books(self) -> Leaving:
        """For a welcome; from here on the peer knows what is settled."""
        self._forgotten = self.settled
        return Leaving(
            sender=self.city,
            receiver=self.peer,
            next=self.next,
            settled=self.settled,
            digest=f"{self.digest:032x}",
        )

    def compare(self, theirs: Entering) -> None:
        """Compare with the books of the receiving side.

        Raises:
            Contradiction: it has heard of more than we have done.
        """
        if theirs.next > self.next or theirs.settled > self.settled:
            raise Contradiction(
                f"{self.pair()}: the peer has heard of {theirs.next} migrations, {theirs.settled} "
                f"settled, but here are {self.next} and {self.settled}"
            )

    def _accepted(self, xids: list[int]) -> Step:
        commits: list[int] = []
        cancels: list[int] = []
        transitions = []
        for xid in xids:
            record = self.prepared.pop(xid, None)
            if record is not None:
                assert xid not in self.ended
                self.committed[xid] = record
                transitions.append(self.entered("COMMITTED", xid, record))
            ours = record is not None or xid in self.committed or self.ended.get(xid) is not None
            (commits if ours else cancels).append(xid)
        said = self._said(Commit, commits) + self._said(Cancel, cancels)
        return Step(transitions, messages=said)

    def _refused(self, xids: list[int]) -> Step:
        for xid in xids:
            if xid in self.committed or self.ended.get(xid) is not None:
                raise Contradiction(f"{self.pair()} {xid} was refused after its commit")
        return self._back([xid for xid in xids if xid in self.prepared])

    def _back(self, xids: list[int]) -> Step:
        transitions, entrants = [], []
        for xid in xids:
            record = self.prepared.pop(xid)
            assert xid not in self.committed
            self.ended[xid] = None
            transitions.append(self.entered("BACK", xid, record))
            entrants.append(self.entrant(xid, record))
        settled = self._settle()
        said = self._said(Cancel, xids) + self._forget()
        return Step(transitions, entrants, settled, said)

    def _done(self, xids: list[int]) -> Step:
        for xid in xids:
            if xid in self.prepared or (xid in self.ended and self.ended[xid] is None):
                raise Contradiction(f"{self.pair()} {xid} is done without a commit")
        transitions = []
        for xid in xids:
            record = self.committed.pop(xid, None)
            if record is not None:
                self.ended[xid] = (record[0], hash_of(xid, record[1]))
                transitions.append(self.entered("GONE", xid, record))
        return Step(transitions, settled=self._settle(), messages=self._forget())

    def _settle(self) -> Settled | None:
        """Move `settled` up to the lowest number not ended; None when it does not move."""
        before = below = self.settled
        while below in self.ended:
            below += 1
        self.settled = below
        self.fold(range(before, below))
        return self.kept() if below > before else None

    def _forget(self) -> list[Message]:
        if not self.linked or self.settled - self._forgotten < FORGET_EVERY:
            return []
        self._forgotten = self.settled
        return [Forget(sender=self.city, receiver=self.peer, below=self.settled)]

    def _offers(self) -> list[Message]:
        """Offer who has not been offered on this link, as far as credit goes."""
        xids = []
        credit = 0 if self.draining else self.credit
        while self._unoffered and self._unoffered[0] < credit:
            xid = self._unoffered.popleft()
            if xid in self.prepared:
                xids.append(xid)
        return self._offer_lines(xids)

    def _offer_lines(self, xids: list[int]) -> list[Message]:
        """Lines as full as they may be: nothing else makes them cheap."""
        lines: list[Message] = []
        for chunk in self._chunks(xids):
            merchants = [Raw(self.prepared[xid][1]) for xid in chunk]
            lines.append(
                Offer(
                    sender=self.city,
                    receiver=self.peer,
                    xids=ranges_of(chunk),
                    merchants=merchants,
                )
            )
        return lines

    def _chunks(self, xids: list[int]) -> Iterator[list[int]]:
        chunk: list[int] = []
        size = 0
        for xid in xids:
            needs = len(self.prepared[xid][1]) + 28  # commas, and a range of his own at worst
            if chunk and size + needs > RECORD_BYTES_MAX:
                yield chunk
                chunk, size = [], 0
            chunk.append(xid)
            size += needs
        if chunk:
            yield chunk

    def _said(self, kind: type[Commit] | type[Cancel], xids: list[int]) -> list[Message]:
        if not self.linked:
            return []
        return [
            kind(sender=self.city, receiver=self.peer, xids=ranges) for ranges in in_lines(xids)
        ]
