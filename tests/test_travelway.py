"""Travel-ways in one process, on a clock that leaps: who is silent, who does not read, who is many.

The streams are trio's own in memory; everything above them is the node's.
"""
# ruff: noqa: ARG001  (pytest-trio looks for its clock among the arguments of a test)

import json
from types import SimpleNamespace

import pytest
import trio
from trio.testing import lockstep_stream_pair, memory_stream_pair, wait_all_tasks_blocked

from city_node.cities.advance import advance
from city_node.log import LINES_BURST, LINES_PER_S, Log
from city_node.machine import Machine
from city_node.network.crossing import give_inputs, take_abroad
from city_node.network.departures import leave
from city_node.network.meeting import listen
from city_node.network.network import (
    INBOX_BYTES_MAX,
    OUTBOX_MERCHANTS_MAX,
    RETURNED_BYTES_MAX,
    Network,
)
from city_node.network.travelway import (
    ACCEPTED_MAX,
    IDLE_S,
    NOT_READING_S_MAX,
    speak,
)
from merchants.lines import read_columns
from protocol.limits import LINE_BYTES_MAX
from tests.worlds import all_roads, city, plain_report, world

GOODS = ("wood", "chair", "thread", "bed")


class Kept(Log):
    """A log that forgets nothing and prints nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def say(self, line: str) -> bool:
        self.lines.append(line)
        return True


def network() -> Network:
    # Loaded already: the time of these tests does not wait for a thread.
    return Network("atlas", GOODS, Kept(), {"riverwood", "seaside"}, quick_reader=read_columns)


def ends(pair=memory_stream_pair):
    """Both ends of a connection; the first looks as if it had a socket."""
    ours, theirs = pair()
    ours.socket = SimpleNamespace(getpeername=lambda: ("192.0.2.7", 55555))
    return ours, theirs


def line(**changed) -> bytes:
    fine = {"Money": 1000, "BuysSells": "bed", "CarryingCapacity": 20}
    fine["ExpectedPrices"] = {"bed": {"SEASHORE": 50.0}}
    return json.dumps(fine | changed).encode() + b"\n"


def window(of: Network, on) -> None:
    """What the node does between windows, and a window."""
    give_inputs(of, on)
    advance(on, 100)
    take_abroad(of, leave(on, of.node_suffix))


@pytest.mark.trio
async def test_who_says_nothing_hears_our_name_and_is_closed(nursery, autojump_clock) -> None:
    here, riverwood = network(), world([city("Riverwood")]).cities[0]
    ours, theirs = ends()
    nursery.start_soon(speak, here, riverwood, ours)
    assert await theirs.receive_some() == b"RIVERWOOD"
    assert trio.current_time() == pytest.approx(3.0)
    assert await theirs.receive_some() == b""
    assert trio.current_time() == pytest.approx(10.0)
    assert here.log.lines == ["Riverwood: 192.0.2.7 not let in: no greeting within 10 s"]
    assert here.ungreeted == []


@pytest.mark.trio
async def test_a_line_that_goes_back_is_not_coalesced_with_our_name(
    nursery, autojump_clock
) -> None:
    """Chapter 7 would take it for a part of the name."""
    here, of = network(), world([city("Riverwood")])
    for sent in (line(BuysSells="fur"), line(Money=5_000)):
        ours, theirs = ends()
        nursery.start_soon(speak, here, of.cities[0], ours)
        await theirs.send_all(b"SEASHORE" + sent)
        assert await theirs.receive_some() == b"RIVERWOOD"
        named_s = trio.current_time()
        give_inputs(here, of)
        assert await theirs.receive_some() == sent
        assert trio.current_time() >= named_s + 0.050
        await theirs.aclose()
        await wait_all_tasks_blocked()


@pytest.mark.trio
@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("SEASIDE", "name 'SEASIDE' is already in sight"),
        ("Portsville@Boreas", "'PORTSVILLE@BOREAS' is a node's, which has to prove it over TLS"),
    ],
)
async def test_a_name_of_our_own(nursery, autojump_clock, name: str, why: str) -> None:
    here, of = network(), world([city("Riverwood"), city("Seaside")], all_roads(2))
    ours, theirs = ends()
    nursery.start_soon(speak, here, of.cities[0], ours)
    await theirs.send_all(name.encode() + b"\n")
    assert await theirs.receive_some() == b""
    (said,) = here.log.lines
    assert why in said


@pytest.mark.trio
async def test_names_are_taken_by_listening(nursery) -> None:
    here = Network("atlas", GOODS, Kept(), quick_reader=read_columns)
    of = world([city("Riverwood"), city("Seaside")], all_roads(2))
    for each in of.cities:
        bound = await Machine().listen(0, "127.0.0.1")
        await nursery.start(listen, here, each, bound, None)
    assert here.own == {"riverwood", "seaside"}
    nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_whoever_is_over_the_limit_is_told_nothing(nursery, autojump_clock) -> None:
    here, of = network(), world([city("Riverwood")])
    for number in range(ACCEPTED_MAX + 1):
        ours, theirs = ends()
        nursery.start_soon(speak, here, of.cities[0], ours)
        await theirs.send_all(b"Peer%d\n" % number)
        expected = b"RIVERWOOD\n" if number < ACCEPTED_MAX else b""
        assert await theirs.receive_some() == expected
    assert here.log.lines[-1] == (
        "Riverwood: 192.0.2.7 not let in: travel-ways = 64: no more are accepted"
    )
    assert len(here.open) == ACCEPTED_MAX
    await trio.sleep(0.1)
    window(here, of)
    assert len(of.cities[0].town.roads.place) == ACCEPTED_MAX
    nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_who_greets_and_then_says_nothing_makes_way_for_newcomers(
    nursery, autojump_clock
) -> None:
    """First of the address with most of them, who has been silent for longest."""
    here, of = network(), world([city("Riverwood")])
    for number in range(ACCEPTED_MAX):
        ours, theirs = ends()
        address = f"192.0.2.{max(0, 10 - number)}"
        ours.socket = SimpleNamespace(getpeername=lambda address=address: (address, 1))
        nursery.start_soon(speak, here, of.cities[0], ours)
        await theirs.send_all(b"Peer%d\n" % number)
        await trio.sleep(0.1)
        if number == 10:
            busy = theirs
    await trio.sleep(IDLE_S)
    await busy.send_all(line(Money=0))
    await trio.sleep(0.1)
    ours, theirs = ends()
    nursery.start_soon(speak, here, of.cities[0], ours)
    await theirs.send_all(b"Newcomer\n")
    assert await theirs.receive_some() == b"RIVERWOOD\n"
    await trio.sleep(0.1)
    names = {way.peer for way in here.open.values()}
    assert "Newcomer" in names
    assert {f"Peer{number}" for number in range(ACCEPTED_MAX)} - names == {"Peer11"}
    nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_newcomers_close_the_oldest_silent_one(nursery, autojump_clock) -> None:
    here, riverwood = network(), world([city("Riverwood")]).cities[0]
    silent = [ends() for _ in range(100)]
    for ours, _ in silent:  # all at once, as they come out of accept
        nursery.start_soon(speak, here, riverwood, ours)
    await wait_all_tasks_blocked()
    still = [way.stream for way in here.ungreeted]
    assert len(still) == 8
    for number, theirs in enumerate(theirs for ours, theirs in silent if ours in still):
        await theirs.send_all(b"Peer%d\n" % number)
        assert await theirs.receive_some() == b"RIVERWOOD\n"
    nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_one_that_never_reads(nursery, autojump_clock) -> None:
    """His road fills and is then closed; those who waited come home, and no money is lost."""
    here, of = network(), world([city("Riverwood", merchants=4_000)])
    riverwood = of.cities[0]
    ours, theirs = ends(lockstep_stream_pair)
    nursery.start_soon(speak, here, riverwood, ours)
    await theirs.send_all(b"Seashore\n")
    assert await theirs.receive_some() == b"RIVERWOOD\n"
    await trio.sleep(0.1)
    before = riverwood.town.roster.size[0]
    for _ in range(100):
        window(here, of)
        await trio.sleep(0)
        await trio.sleep(0)
    gone = before - riverwood.town.roster.size[0]
    assert OUTBOX_MERCHANTS_MAX < gone <= 2 * OUTBOX_MERCHANTS_MAX
    assert riverwood.departures == {"Seashore": gone}
    (way,) = here.open.values()
    waiting = len(way.outbox)
    assert waiting == OUTBOX_MERCHANTS_MAX
    assert riverwood.town.roads.room[0] == 0
    await trio.sleep(NOT_READING_S_MAX + 1)
    assert f"closed: has not read for {NOT_READING_S_MAX:g} s" in here.log.lines[-1]
    window(here, of)
    assert riverwood.town.roster.size[0] == before - gone + waiting
    assert len(riverwood.town.roads.place) == 0
    money = plain_report(of)["cities"][0]["money"]
    assert money["initial"] + money["entered"] - money["left"] == money["holdings"]


@pytest.mark.trio
async def test_a_peer_who_sends_too_much_waits_for_the_next_window(nursery, autojump_clock) -> None:
    here, of = network(), world([city("Riverwood")])
    ours, theirs = ends()
    nursery.start_soon(speak, here, of.cities[0], ours)
    await theirs.send_all(b"Seashore\n" + line(Money=0) * 50_000)
    await trio.sleep(1)
    (way,) = here.open.values()
    assert INBOX_BYTES_MAX <= way.waiting_bytes < INBOX_BYTES_MAX + 2 * LINE_BYTES_MAX
    heard = sum(len(came) for _, came in here.heard)
    window(here, of)
    assert len(here.heard) == 0
    assert way.waiting_bytes == 0
    await trio.sleep(1)
    assert sum(len(came) for _, came in here.heard) == pytest.approx(heard, rel=0.1)
    nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_a_peer_who_does_not_read_what_goes_back_is_not_read(nursery, autojump_clock) -> None:
    here, of = network(), world([city("Riverwood")])
    ours, theirs = ends(lockstep_stream_pair)
    nursery.start_soon(speak, here, of.cities[0], ours)
    await theirs.send_all(b"Seashore\n")
    assert await theirs.receive_some() == b"RIVERWOOD\n"
    taken = 0
    with trio.move_on_after(5):
        while True:
            await theirs.send_all(line(BuysSells="fur") * 100)
            taken += len(line(BuysSells="fur")) * 100
    assert RETURNED_BYTES_MAX <= taken < 2 * RETURNED_BYTES_MAX + 2 * LINE_BYTES_MAX
    assert set(here.log.lines[1:]) == {
        "Riverwood: refused a line of Seashore: BuysSells 'fur' is not traded here"
    }
    nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_what_was_sent_is_read_although_nothing_can_be_written(
    nursery, autojump_clock
) -> None:
    """As when a peer says all it has to say and goes, without reading what waits for it."""
    here, of = network(), world([city("Riverwood", merchants=500)])
    ours, theirs = ends()
    nursery.start_soon(speak, here, of.cities[0], ours)
    await theirs.send_all(b"Seashore\n")
    await trio.sleep(0.1)
    window(here, of)
    theirs.receive_stream.close()
    window(here, of)
    (way,) = here.open.values()
    assert len(way.outbox) > 0
    await wait_all_tasks_blocked()  # the writer has failed
    window(here, of)
    assert len(of.cities[0].town.roads.place) == 0
    await theirs.send_all(line() * 10)
    await theirs.send_stream.aclose()
    await wait_all_tasks_blocked()
    assert sum(len(came) for _, came in here.heard) == 10
    assert here.log.lines[-1] == "Riverwood: road to Seashore closed: closed by the peer"
    nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_one_who_cannot_be_put_on_the_wire_comes_home(nursery, autojump_clock) -> None:
    """The road took his good when he set out; then the peer turns out to deal in another."""
    here, of = network(), world([city("Riverwood", merchants=100)])
    riverwood = of.cities[0]
    ours, theirs = ends()
    nursery.start_soon(speak, here, riverwood, ours)
    await theirs.send_all(b"Seashore\n")
    assert await theirs.receive_some() == b"RIVERWOOD\n"
    await trio.sleep(0.1)
    for _ in range(10):
        window(here, of)
    (way,) = here.open.values()
    assert len(way.outbox) > 0
    way.connection.receive(line(BuysSells="thread", ExpectedPrices={}), trio.current_time())
    await wait_all_tasks_blocked()
    assert len(way.outbox) == 0
    window(here, of)
    assert riverwood.town.roster.size[0] + len(way.outbox) == 100  # who deals in thread may go
    money = plain_report(of)["cities"][0]["money"]
    away = sum(merchant.money_minor for merchant, _ in way.outbox)
    assert money["entered"] == money["left"] - away > 0
    nursery.cancel_scope.cancel()


def test_the_log_is_rationed(capsys) -> None:
    now_s = [100.0]
    log = Log(clock_s=lambda: now_s[0])
    for number in range(1_000):
        log.say(f"line {number}")
    assert len(capsys.readouterr().err.splitlines()) == LINES_BURST
    now_s[0] += 2 / LINES_PER_S
    log.say("first")
    log.say("second")
    log.say("third")
    assert capsys.readouterr().err.splitlines() == [
        "city-node: first (and 980 lines left out before this one)",
        "city-node: second",
    ]


def test_the_same_complaint_is_made_once_a_minute(capsys) -> None:
    now_s = [100.0]
    log = Log(clock_s=lambda: now_s[0])
    for second in range(121):
        now_s[0] = 100.0 + second
        log.complain("bad line")
    assert capsys.readouterr().err.splitlines() == [
        "city-node: bad line",
        "city-node: bad line (and 59 lines left out before this one)",
        "city-node: bad line (and 59 lines left out before this one)",
    ]
