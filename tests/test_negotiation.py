"""Negotiation of a link: two honest nodes, bytes cut anywhere, time, users who take theirs."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from protocol.events import Send
from protocol.limits import DEAD_S, HELLO_S_MAX, PING_S
from protocol.node_connection import (
    Ended,
    Heard,
    LinkState,
    Met,
    NodeConnection,
    NodeEvent,
    Welcomed,
)
from protocol.node_lines import decode
from protocol.node_messages import CharteredCity, Commit, Hello, Ping, Welcome

NAMES = ("RIVERWOOD@ATLAS", "SEASIDE@BOREAS")
DIALLER, ACCEPTOR = 0, 1
sides = st.integers(0, 1)
versions = st.lists(st.integers(1, 4), min_size=1, max_size=3)


class Negotiation(RuleBasedStateMachine):
    """What each side has been told, said and heard; and what is still on its way to it.

    Attributes:
        spoken, heard: commits, which only a link that is up may carry.
        closing: sides whose stream the other has ended.
    """

    @initialize(ours=versions, theirs=versions, same_name=st.booleans())
    def begin(self, ours: list[int], theirs: list[int], same_name: bool) -> None:
        self.now_s = 0.0
        self.common = set(ours) & set(theirs)
        self.apart = same_name and ours != theirs  # else both have to be able to meet
        names = (NAMES[0], NAMES[0]) if self.apart else NAMES
        self.sides = [
            NodeConnection(
                Hello(versions=speaks, id=f"n{n}", boot="b", cities=[CharteredCity(names[n])]),
                peer_id=f"n{1 - n}",
                dialling=n == DIALLER,
                now_s=0.0,
            )
            for n, speaks in enumerate((ours, theirs))
        ]
        self.under_way = [b"", b""]
        self.events: list[list[NodeEvent]] = [[], []]
        self.welcomed = [False, False]
        self.spoken, self.heard = [0, 0], [0, 0]
        self.refused = False
        self.closing = [False, False]
        self.heard_s = [0.0, 0.0]
        for side in (DIALLER, ACCEPTOR):
            self.take(side, self.sides[side].tick(0.0))

    def take(self, side: int, events: list[NodeEvent]) -> None:
        for event in events:
            match event:
                case Send(data):
                    self.under_way[1 - side] += data
                case Heard(messages):
                    self.heard[side] += len(messages)
                case Ended():
                    self.closing[1 - side] = True
        self.events[side] += events

    def say(self, side: int, message: Welcome | Commit) -> bytes:
        data = self.sides[side].send([message], self.now_s)
        if not self.closing[1 - side]:
            self.under_way[1 - side] += data
        return data

    @rule(side=sides, size=st.integers(1, 300))
    def deliver(self, side: int, size: int) -> None:
        data, self.under_way[side] = self.under_way[side][:size], self.under_way[side][size:]
        if data or self.closing[side]:
            self.heard_s[side] = self.now_s
            self.take(side, self.sides[side].receive(data, self.now_s))

    @rule(side=sides)
    def let_in(self, side: int) -> None:
        """Who accepted does when he likes, who dialled once he is let in."""
        met = any(isinstance(event, Met) for event in self.events[side])
        told = any(isinstance(event, Welcomed) for event in self.events[side])
        if not met or self.welcomed[side] or (side == DIALLER and not told):
            return
        open_now = self.sides[side].state is not LinkState.CLOSED
        said = self.say(side, Welcome(version=self.sides[side].version))
        assert bool(said) == open_now
        self.welcomed[side] = open_now

    @rule(side=sides)
    def speak(self, side: int) -> None:
        """Nothing is said before there is a link."""
        here, there = NAMES[side], NAMES[1 - side]
        up = self.sides[side].state is LinkState.UP and self.welcomed[side]
        if up or not self.welcomed[side]:
            said = self.say(side, Commit(sender=here, receiver=there, xids=[(0, 1)]))
            assert bool(said) == up
            self.spoken[side] += up

    @precondition(lambda self: not self.refused)
    @rule(side=sides)
    def refuse(self, side: int) -> None:
        """Its user lets nobody in."""
        self.refused = True
        self.take(side, self.sides[side].close("knock", "you have to be trusted here first"))

    @rule(seconds=st.sampled_from([0.1, 1.0, PING_S, 60.0]))
    def wait(self, seconds: float) -> None:
        """Both look at the clock when they are due."""
        end_s = self.now_s + seconds
        while (due_s := min(side.deadline_s for side in self.sides)) <= end_s:
            self.now_s = max(self.now_s, due_s)
            for side in (DIALLER, ACCEPTOR):
                self.take(side, self.sides[side].tick(self.now_s))
                assert self.sides[side].deadline_s > self.now_s, "nothing was done of what was due"
        self.now_s = end_s

    @invariant()
    def nobody_is_taken_for_a_villain(self) -> None:
        for side in (DIALLER, ACCEPTOR):
            for event in self.events[side]:
                assert not (isinstance(event, Ended) and event.offence), event
            assert self.heard[side] <= self.spoken[1 - side]

    @invariant()
    def up_is_who_was_welcomed_by_one_who_speaks_the_same(self) -> None:
        for side in (DIALLER, ACCEPTOR):
            if self.sides[side].state is LinkState.UP:
                assert self.welcomed[1 - side]
                assert not self.apart
                assert self.sides[0].version == self.sides[1].version == max(self.common)

    @invariant()
    def who_is_silent_is_left(self) -> None:
        for side, connection in enumerate(self.sides):
            if connection.state is LinkState.GREETING:
                assert self.now_s < HELLO_S_MAX
            if connection.state is not LinkState.CLOSED:
                assert self.now_s < self.heard_s[side] + DEAD_S

    def teardown(self) -> None:
        """All arrives and everybody lets in: then both are up, or both are over."""
        if not hasattr(self, "sides"):
            return
        over = any(side.state is LinkState.CLOSED for side in self.sides)
        for _ in range(6):
            for side in (DIALLER, ACCEPTOR):
                self.deliver(side, len(self.under_way[side]) or 1)
                self.let_in(side)
        states = {side.state for side in self.sides}
        meet = self.common and not (self.apart or over)
        assert states == ({LinkState.UP} if meet else {LinkState.CLOSED})
        if meet:
            assert self.heard == self.spoken[::-1]


TestNegotiation = Negotiation.TestCase
TestNegotiation.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def test_a_ping_is_said_to_who_hears_nothing_else() -> None:
    """What `wait` relies on: a link without news stays up for as long as lines arrive."""
    machine = Negotiation()
    machine.begin([2], [2], same_name=False)
    for _ in range(3):
        for side in (ACCEPTOR, DIALLER):
            machine.deliver(side, 10_000)
            machine.let_in(side)
    for _ in range(20):
        machine.wait(PING_S)
        lines = [machine.under_way[side] for side in (DIALLER, ACCEPTOR)]
        assert [decode(line) for line in lines] == [Ping(), Ping()]
        for side in (DIALLER, ACCEPTOR):
            machine.deliver(side, 10_000)
    assert {side.state for side in machine.sides} == {LinkState.UP}
