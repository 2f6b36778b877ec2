"""Migrations between two nodes: exactly once, whoever crashes; and peers who lie."""

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec import Raw
from msgspec.structs import replace

from protocol.inbound import Inbound
from protocol.limits import GIVE_UP_S, OFFERS_IN_FLIGHT_FIRST, UNSETTLED_WINDOWS, XID_MAX
from protocol.migration import Contradiction, Offence
from protocol.node_lines import decode, encode
from protocol.node_messages import (
    Accept,
    Cancel,
    Commit,
    Credit,
    Done,
    Forget,
    Offer,
    Refuse,
    ranges_of,
    xids_of,
)
from protocol.outbound import Outbound
from protocol.pairs import Pairs
from tests.two_nodes import CITIES, TwoNodes, record
from tools.model import explore
from tools.model_nodes import BUGS

OURS, THEIRS = CITIES[0][0], CITIES[1][0]
hosts = st.integers(0, 1)


class Crossings(RuleBasedStateMachine):
    """Two nodes, four pairs each way, everything that may happen to them."""

    def __init__(self) -> None:
        super().__init__()
        self.world = TwoNodes(merchants=40)

    @rule(
        host=hosts,
        ours=hosts,
        theirs=hosts,
        count=st.integers(0, 20),
        turns=st.integers(0, 6),
    )
    def depart(self, host: int, ours: int, theirs: int, count: int, turns: int) -> None:
        """And so many turns of talk, so that every point of a migration comes up often."""
        city, peer = CITIES[host][ours], CITIES[1 - host][theirs]
        self.world.hosts[host].depart(city, peer, count, self.world.now_s)
        for turn in range(turns):
            self.world.write((host + turn) % 2)
            self.world.deliver((host + turn + 1) % 2, 1 << 20)

    @rule(host=hosts)
    def write(self, host: int) -> None:
        self.world.write(host)

    @rule(host=hosts, count=st.integers(1, 2_000))
    def deliver(self, host: int, count: int) -> None:
        self.world.deliver(host, count)

    @precondition(lambda self: not self.world.linked)
    @rule(welcomed=st.booleans())
    def link(self, welcomed: bool) -> None:
        self.world.link()
        if welcomed:
            self.world.settle()

    @rule(crashed=st.sampled_from([None, 0, 1]))
    def fail(self, crashed: int | None) -> None:
        if crashed is None:
            self.world.cut()
        else:
            self.world.crash(crashed)

    @rule(host=hosts, part=st.integers(1, 3))
    def give_up(self, host: int, part: int) -> None:
        pairs = self.world.hosts[host].pairs
        for (city, peer), books in list(pairs.outbound.items()):
            pairs.give_up(city, peer, range(books.settled, books.next, part))

    @rule(seconds=st.sampled_from([0.1, 5.0, 20.0, 50.0, 100.0]))
    def wait(self, seconds: float) -> None:
        self.world.now_s += seconds
        for host in self.world.hosts:
            self.world.tick(host)

    @rule()
    def everything_settles(self) -> None:
        self.world.link()
        self.world.settle()
        self.world.check_rest()
        for host in self.world.hosts:
            for city in host.cities:
                for peer in CITIES[1 - host.number]:
                    host.pairs.state(host.pairs.statement(city, peer))
        self.world.settle()
        assert all(not host.quarantined for host in self.world.hosts)

    @invariant()
    def nobody_is_lost_or_doubled(self) -> None:
        self.world.check()
        for host in self.world.hosts:
            assert not host.quarantined
            assert not any(ended.offence for ended in host.ended)

    def teardown(self) -> None:
        self.everything_settles()


TestCrossings = Crossings.TestCase
TestCrossings.settings = settings(
    TestCrossings.settings, stateful_step_count=40, max_examples=60, deadline=None
)


# --- every state ---


def test_no_state_is_wrong() -> None:
    found = explore(merchants=2, departures=2, credit=1)
    assert found.wrong == "", found.trace
    assert found.states > 10_000


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_caught(name: str) -> None:
    found = explore(2, 2, 1, BUGS[name])
    assert found.wrong
    assert found.trace


# --- many at once ---


def linked(merchants: int) -> TwoNodes:
    world = TwoNodes(merchants)
    world.link()
    world.settle()
    return world


def test_thousands_settle_within_their_credit() -> None:
    world = linked(4_000)
    here, there = world.hosts
    here.depart(OURS, THEIRS, 1_000, 0.0)
    there.depart(THEIRS, OURS, 1_000, 0.0)
    world.write(0)
    assert len(xids_of(first_offer(world.under_way[1]).xids)) == OFFERS_IN_FLIGHT_FIRST
    world.settle()
    world.check()
    world.check_rest()
    assert here.pairs.outbound[OURS, THEIRS].next == 1_000
    assert here.pairs.inbound[OURS, THEIRS]._window > OFFERS_IN_FLIGHT_FIRST * 4
    assert sum(m in there.home[THEIRS] for m in world.everybody) >= 800 + 200


def first_offer(data: bytes) -> Offer:
    [message, *_] = [m for m in map(decode, data.splitlines()) if isinstance(m, Offer)]
    return message


def test_journals_stay_small() -> None:
    world = linked(400)
    for _ in range(20):
        world.hosts[0].depart(OURS, THEIRS, 3, 0.0)
        world.settle()
    assert all(len(host.rows) < 40 for host in world.hosts)
    world.crash(0)
    world.crash(1)
    world.link()
    world.settle()
    world.check_rest()
    assert world.linked


def test_little_is_remembered_of_who_settles_nothing() -> None:
    inbound, xid = Inbound(OURS, THEIRS), 0
    while xid < inbound.credit:
        xids = [(xid, 1)]
        offer = Offer(sender=THEIRS, receiver=OURS, xids=xids, merchants=[Raw(b"{}")])
        inbound.hold(offer, [((0, b"{}"), "full")])
        xid += 1
    assert xid == len(inbound.ended) == UNSETTLED_WINDOWS * OFFERS_IN_FLIGHT_FIRST
    inbound.receive(Forget(sender=THEIRS, receiver=OURS, below=xid - 1))
    assert len(inbound.ended) == 1
    assert inbound.credit == xid + OFFERS_IN_FLIGHT_FIRST


def test_lines_hold_as_many_as_fit() -> None:
    books = Outbound(OURS, THEIRS)
    books.connect(4_096, 0.0)
    merchants = [(n, b'"%s"' % (b"x" * (n * 37 % 9_000))) for n in range(500)]
    offers = books.depart(merchants, 0.0).messages
    assert len(offers) < 60
    assert all(len(encode([offer])) <= 65_536 for offer in offers)
    told = [bytes(m) for offer in offers for m in offer.merchants]  # type: ignore[union-attr]
    assert told == [merchant for _, merchant in merchants]


def test_giving_up_takes_its_time() -> None:
    books = Outbound(OURS, THEIRS)
    books.depart([record(1)], 5.0)
    assert books.deadline_s == 5.0 + GIVE_UP_S
    assert books.tick(books.deadline_s - 0.1).entrants == []
    [entrant] = books.tick(books.deadline_s).entrants
    assert entrant.merchant == record(1)[1]
    assert books.settled == 1


def test_credit_ends_with_the_last_number_there_is() -> None:
    """Whatever a peer says is settled, it can read what is granted for it."""
    inbound = Inbound(OURS, THEIRS)
    step = inbound.receive(Forget(sender=THEIRS, receiver=OURS, below=XID_MAX))
    (granted,) = map(decode, encode(step.messages).splitlines())
    assert granted == Credit(sender=THEIRS, receiver=OURS, below=XID_MAX)
    assert inbound.books().credit == XID_MAX


def test_draining_offers_nothing_more() -> None:
    world = linked(40)
    world.hosts[1].pairs.drain()
    world.settle()
    world.hosts[0].depart(OURS, THEIRS, 5, 0.0)
    world.hosts[1].depart(THEIRS, OURS, 5, 0.0)
    world.settle()
    assert [row.state for host in world.hosts for row in host.rows.values()] == ["PREPARED"] * 10
    world.link()
    world.settle()
    world.check_rest()


# --- rolled back, and lying ---


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("settled", [3, 40])
def test_a_disk_rolled_back_is_found_out(number: int, settled: int) -> None:
    """Whichever side it was, before or after both have forgotten."""
    world = linked(400)
    host = world.hosts[number]
    world.hosts[0].depart(OURS, THEIRS, 3, 0.0)
    world.settle()
    rows, kept = dict(host.rows), dict(host.settled)
    world.hosts[0].depart(OURS, THEIRS, settled, 0.0)
    world.settle()
    world.link()
    world.settle()
    host.rows, host.settled = rows, kept
    world.crash(number)
    world.link()
    world.settle()
    found = [host.quarantined for host in world.hosts if host.quarantined]
    assert found
    assert found[0].startswith("Contradiction: RIVERWOOD@ATLAS → SEASIDE@BOREAS")


def answering(kind: Any, *xids: int, **more: Any) -> Any:
    return kind(sender=OURS, receiver=THEIRS, xids=ranges_of(xids), **more)


@pytest.mark.parametrize(
    ("heard", "error"),
    [
        ([answering(Done, 0)], Contradiction),
        ([answering(Accept, 1)], Contradiction),
        ([answering(Accept, 0), answering(Refuse, 0, code="quota")], Contradiction),
        ([answering(Refuse, 0, code="quota"), answering(Done, 0)], None),
        ([answering(Accept, 0), answering(Done, 0), answering(Done, 0)], None),
        ([Credit(sender=OURS, receiver=THEIRS, below=9)], Offence),
    ],
)
def test_a_receiving_side_that_lies(heard: list[Any], error: Any) -> None:
    books = Outbound(OURS, THEIRS)
    books.connect(64, 0.0)
    books.depart([record(1)], 0.0)
    *before, last = heard
    for message in before:
        books.receive(message)
    kept = (dict(books.prepared), dict(books.committed), books.settled)
    if error is None:
        assert books.receive(last).transitions == []
        return
    with pytest.raises(error):
        books.receive(last)
    assert kept == (dict(books.prepared), dict(books.committed), books.settled)


def offering(*xids: int) -> Offer:
    merchants = [Raw(record(xid)[1]) for xid in xids]
    return answering(Offer, *xids, merchants=merchants)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("heard", "error"),
    [
        ([offering(64)], Offence),
        ([answering(Commit, 0)], Contradiction),
        ([offering(0), answering(Commit, 0), answering(Cancel, 0)], Contradiction),
        ([offering(0), answering(Commit, 0), offering(0)], Contradiction),
        ([offering(0), answering(Cancel, 0), answering(Commit, 0)], Contradiction),
        ([Forget(sender=OURS, receiver=THEIRS, below=5), offering(4)], Contradiction),
        ([offering(0), offering(0)], None),
        ([answering(Cancel, 7)], None),
        ([offering(0), answering(Commit, 0), answering(Commit, 0)], None),
    ],
)
def test_a_sending_side_that_lies(heard: list[Any], error: Any) -> None:
    books = Pairs()

    def hear(message: Any) -> int:
        if isinstance(message, Offer):
            books.hold(message, [((1, m), "") for m in books.to_judge(message)])
        else:
            books.receive(message)
        group = books.unwritten()
        if group is None:
            return 0
        books.written()
        return len(group.transitions)

    *before, last = heard
    for message in before:
        hear(message)
    if error is None:
        assert hear(last) == 0
        return
    with pytest.raises(error):
        hear(last)
    assert books.unwritten() is None


def test_a_forged_statement_is_found_out() -> None:
    world = linked(40)
    world.hosts[0].depart(OURS, THEIRS, 5, 0.0)
    world.settle()
    world.link()
    world.settle()
    here, there = (host.pairs for host in world.hosts)
    honest = here.statement(OURS, THEIRS)
    assert honest.balance_minor == -honest.sent_minor < 0
    assert there.statement(THEIRS, OURS).balance_minor == -honest.balance_minor
    there.receive(honest)
    with pytest.raises(Offence):
        there.receive(replace(honest, balance_minor=0))
    forged = replace(honest, sent_minor=1, balance_minor=-1)
    with pytest.raises(Contradiction):
        there.receive(forged)


def test_nothing_is_said_before_it_is_written() -> None:
    books = Pairs()
    books.greet(2, {OURS}, {THEIRS})
    with pytest.raises(AssertionError):
        books.written()
    assert books.unwritten() is not None
    assert len(books.written()) == 1
