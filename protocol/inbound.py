"""The receiving side of one ordered pair of cities: HELD, then LIVE or DROPPED.

Called by pairs.py; the rules and the table are in migration.py. Knows neither links nor merchants.
"""

from collections.abc import Iterable
from typing import Any

from protocol.limits import (
    OFFERS_IN_FLIGHT_FIRST,
    OFFERS_IN_FLIGHT_MAX,
    UNSETTLED_WINDOWS,
    XID_MAX,
)
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
    xids_of,
)


class Inbound(Books):
    """The receiving side of one ordered pair; arguments as `Outbound`, `peer` the sending city.

    Args:
        held_max: offers in flight, those held included, are never more; at least
            OFFERS_IN_FLIGHT_FIRST.
    """

    SIDE = "in"

    def __init__(
        self,
        city: str,
        peer: str,
        rows: Iterable[Transition] = (),
        settled: Settled | None = None,
        held_max: int = OFFERS_IN_FLIGHT_MAX,
    ) -> None:
        super().__init__(city, peer, settled)
        self._window_max = held_max
        self.held: dict[int, Record] = {}
        self._window = OFFERS_IN_FLIGHT_FIRST
        for row in rows:
            if row.state != "HELD" and row.xid < self.settled:
                continue
            self.next = max(self.next, row.xid + 1)
            if row.state == "DROPPED":
                self.ended[row.xid] = None
                continue
            assert row.merchant is not None
            if row.state == "HELD":
                self.held[row.xid] = (row.money_minor, row.merchant)
            else:
                self.ended[row.xid] = (row.money_minor, hash_of(row.xid, row.merchant))
        self.credit = self._earned()

    def is_new(self, xid: int) -> bool:
        """Whether an offer of this number has to be judged, not answered from the records."""
        return xid not in self.held and xid not in self.ended

    def hold(
        self, offer: Offer, judged: Iterable[tuple[Record, str]], *, retry_after_s: float = 0.0
    ) -> Step:
        """Answer an offer.

        Args:
            retry_after_s: said with every refusal.
            judged: for every number of the offer that `is_new`, in order, the record and the code
                of a refusal; empty for one who may come.

        Raises:
            Contradiction, Offence: before anything has changed.
        """
        xids = xids_of(offer.xids)
        if xids[-1] >= self.credit:
            raise Offence(f"{self.pair()} {xids[-1]} was offered, credit ends at {self.credit}")
        for xid in xids:
            if xid < self.settled or self.ended.get(xid) is not None:
                raise Contradiction(f"{self.pair()} {xid} was offered after it was over")
        transitions, accepts = [], []
        refuses: dict[str, list[int]] = {}
        fresh = iter(judged)
        for xid in xids:
            if xid in self.held:
                accepts.append(xid)
            elif xid in self.ended:
                refuses.setdefault("dropped", []).append(xid)
            else:
                record, code = next(fresh)
                if code:
                    self.ended[xid] = None
                    transitions.append(self.entered("DROPPED", xid, (0, b"")))
                    refuses.setdefault(code, []).append(xid)
                else:
                    self.held[xid] = record
                    transitions.append(self.entered("HELD", xid, record, first=True))
                    accepts.append(xid)
        assert next(fresh, None) is None
        self.next = max(self.next, xids[-1] + 1)
        messages = self._said(Accept, accepts)
        later = {"retry_after_s": retry_after_s} if retry_after_s else {}
        for code, refused in refuses.items():
            messages += self._said(Refuse, refused, code=code, **later)
        return Step(transitions, messages=messages + self._grant())

    def receive(self, message: Commit | Cancel | Forget) -> Step:
        """Hear the sending side.

        Raises:
            Contradiction: before anything has changed.
        """
        if isinstance(message, Forget):
            return Step(settled=self._settle(message.below), messages=self._grant())
        xids = xids_of(message.xids)
        if isinstance(message, Cancel):
            return self._cancelled(xids)
        for xid in xids:
            if xid >= self.settled and xid not in self.held and self.ended.get(xid) is None:
                raise Contradiction(f"{self.pair()} {xid} was committed, but is not held here")
        transitions, entrants = [], []
        for xid in xids:
            record = self.held.pop(xid, None)
            if record is not None:
                assert xid not in self.ended
                self.ended[xid] = (record[0], hash_of(xid, record[1]))
                transitions.append(self.entered("LIVE", xid, record))
                entrants.append(self.entrant(xid, record))
        self._window = min(self._window_max, self._window + len(transitions))
        return Step(transitions, entrants, messages=self._said(Done, xids) + self._grant())

    def _cancelled(self, xids: list[int]) -> Step:
        for xid in xids:
            if self.ended.get(xid) is not None:
                raise Contradiction(f"{self.pair()} {xid} was cancelled after it had entered")
        transitions = []
        for xid in xids:
            record = self.held.pop(xid, None)
            if record is not None:
                transitions.append(self.entered("DROPPED", xid, record))
                if xid >= self.settled:
                    self.ended[xid] = None
        return Step(transitions, messages=self._grant())

    def connect(self) -> Step:
        """A new link is up: replay HELD → accept. Credit stands in the welcome."""
        return Step(messages=self._said(Accept, sorted(self.held)))

    def books(self) -> Entering:
        """For a welcome; from here on `credit` is what the peer has been told on this link."""
        self.credit = self._earned()
        return Entering(
            sender=self.peer,
            receiver=self.city,
            next=self.next,
            settled=self.settled,
            credit=self.credit,
        )

    def compare(self, theirs: Leaving) -> Step:
        """Compare with the books of the sending side.

        Raises:
            Contradiction: it has done less than we have heard of, or other merchants arrived.
        """
        if theirs.next < self.next or theirs.settled < self.settled:
            raise Contradiction(
                f"{self.pair()}: here {self.next} migrations are known, {self.settled} settled, "
                f"but the peer has {theirs.next} and {theirs.settled}"
            )
        arrived = [ended[1] for xid, ended in self.ended.items() if ended and xid < theirs.settled]
        digest = f"{(self.digest + sum(arrived)) % 2**128:032x}"
        if digest != theirs.digest:
            raise Contradiction(
                f"{self.pair()}: of those below {theirs.settled} who arrived the peer's digest is "
                f"{theirs.digest}, ours {digest}"
            )
        return Step(settled=self._settle(theirs.settled), messages=self._grant())

    def _settle(self, below: int) -> Settled | None:
        """Forget the ended below what the sending side has settled; None when it does not move."""
        if below <= self.settled:
            return None
        self.settled = below
        self.next = max(self.next, below)
        self.fold([xid for xid in self.ended if xid < below])
        return self.kept()

    def _earned(self) -> int:
        unsettled_max = UNSETTLED_WINDOWS * self._window
        room = min(self.next - len(self.held) + self._window, self.settled + unsettled_max)
        return min(room, XID_MAX)

    def _grant(self) -> list[Message]:
        """Credit when it has grown by a quarter of what may be in flight: fewer lines do."""
        earned = self._earned()
        if earned - self.credit < max(1, self._window // 4):
            return []
        self.credit = earned
        return [Credit(sender=self.peer, receiver=self.city, below=earned)]

    def _said(
        self, kind: type[Accept] | type[Refuse] | type[Done], xids: list[int], **more: Any
    ) -> list[Message]:
        return [
            kind(sender=self.peer, receiver=self.city, xids=ranges, **more)
            for ranges in in_lines(xids)
        ]
