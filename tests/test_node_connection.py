"""The conversation of two nodes: who may say what and when, and what no peer may do."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.checks import LineError
from protocol.events import Send
from protocol.limits import (
    DEAD_S,
    HELLO_BYTES_MAX,
    HELLO_S_MAX,
    LINE_BYTES_MAX,
    LINE_S_MAX,
    PING_S,
    UNKNOWN_BYTES_PER_S,
)
from protocol.node_connection import (
    Ended,
    Heard,
    LinkState,
    Met,
    NodeConnection,
    Welcomed,
    hello_of,
)
from protocol.node_lines import decode, encode
from protocol.node_messages import Accept, CharteredCity, Commit, Drain, Hello, News, Ping, Welcome
from tools.fuzz import nodes as fuzz

OURS, THEIRS = "RIVERWOOD@ATLAS", "SEASIDE@BOREAS"
HELLO = Hello(versions=[2], id="boreas", boot="b", cities=[CharteredCity(THEIRS)])
WELCOME = Welcome(version=2)
COMMIT = Commit(sender=THEIRS, receiver=OURS, xids=[(0, 1)])


def node(*, dialling: bool = False) -> NodeConnection:
    """Ours, its hello said, at 0.0."""
    hello = hello_of("atlas", "boot", [(OURS, "")])
    connection = NodeConnection(hello, peer_id="boreas", dialling=dialling, now_s=0.0)
    [send] = connection.tick(0.0)
    assert isinstance(send, Send)
    assert decode(send.data) == hello
    return connection


def up() -> NodeConnection:
    """Accepted and welcomed."""
    connection = node()
    connection.receive(encode([HELLO]), 0.0)
    assert connection.send([WELCOME], 0.0)
    connection.receive(encode([WELCOME]), 0.0)
    assert connection.state is LinkState.UP
    return connection


def ended(events: list[Any]) -> tuple[str, bool]:
    """The code said and whether it is an offence, of a conversation we have ended."""
    *_, said, end = events
    assert isinstance(said, Send)
    assert isinstance(end, Ended)
    error = decode(said.data)
    assert error.fatal  # type: ignore[union-attr]
    assert error.detail == end.reason  # type: ignore[union-attr]
    return error.code, end.offence  # type: ignore[union-attr]


def test_who_accepted_welcomes_first() -> None:
    acceptor, dialler = node(), node(dialling=True)
    [met] = acceptor.receive(encode([HELLO]), 0.0)
    assert met == Met(HELLO, 2)
    dialler.receive(encode([HELLO]), 0.0)
    with pytest.raises(AssertionError):
        dialler.send([WELCOME], 0.0)
    assert dialler.receive(encode([WELCOME]), 0.0) == [Welcomed(WELCOME)]
    assert dialler.send([WELCOME], 0.0) == encode([WELCOME])
    assert acceptor.send([WELCOME], 0.0) == encode([WELCOME])
    assert acceptor.receive(encode([WELCOME, COMMIT]), 0.0) == [Welcomed(WELCOME), Heard([COMMIT])]


def test_nothing_is_said_to_who_is_not_welcome() -> None:
    connection = node()
    connection.receive(encode([HELLO]), 0.0)
    assert connection.send([Drain()], 0.0) == b""
    connection.close("unknown", "nobody knows you here")
    assert connection.send([WELCOME], 0.0) == b""


@pytest.mark.parametrize(
    ("lines", "code", "offence"),
    [
        ([Hello(versions=[3, 7], id="boreas", boot="b", cities=[])], "version", False),
        ([Hello(versions=[2], id="cronos", boot="b", cities=[])], "wrong_id", True),
        (
            [Hello(versions=[2], id="boreas", boot="b", cities=[CharteredCity(OURS)])],
            "name_taken",
            False,
        ),
        ([HELLO, HELLO], "twice", True),
        ([WELCOME], "too_early", True),
        ([HELLO, WELCOME], "too_early", True),
        ([HELLO, COMMIT], "too_early", True),
        ([Drain()], "too_early", True),
    ],
)
def test_a_bad_beginning(lines: list[Any], code: str, offence: bool) -> None:
    connection = node()
    assert ended(connection.receive(encode(lines), 0.0)) == (code, offence)
    assert connection.state is LinkState.CLOSED
    assert connection.receive(encode([HELLO]), 0.0) == []
    assert connection.tick(1_000.0) == []


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (Commit(sender="OAKHAM@BOREAS", receiver=OURS, xids=[(0, 1)]), "not_yours"),
        (Commit(sender=OURS, receiver=THEIRS, xids=[(0, 1)]), "not_yours"),
        (Accept(sender=THEIRS, receiver=OURS, xids=[(0, 1)]), "not_yours"),
        (News(city=OURS, prices={}), "not_yours"),
        (WELCOME, "too_early"),
        (HELLO, "twice"),
    ],
)
def test_a_bad_line_later_on(line: Any, code: str) -> None:
    connection = up()
    events = connection.receive(encode([COMMIT, line, COMMIT]), 0.0)
    assert ended(events) == (code, True)
    assert Heard([COMMIT]) in events


@pytest.mark.parametrize(
    "line", [b"\xff\n", b"{\n", b"[" * 3_000 + b"\n", b'{"t":"ping","x":' + b"[" * 3_000 + b"\n"]
)
def test_what_is_no_line_at_all(line: bytes) -> None:
    assert ended(node().receive(line, 0.0)) == ("malformed", True)


@pytest.mark.parametrize("chunk_bytes", [100, 5_000])
def test_long_lines(chunk_bytes: int) -> None:
    """A stranger's line is cut off at 4 KiB, a friend's at 64 KiB."""
    for connection, limit in ((node(), HELLO_BYTES_MAX), (up(), LINE_BYTES_MAX)):
        fits = encode([HELLO if limit == HELLO_BYTES_MAX else COMMIT])
        events = connection.receive(fits[:-1].ljust(limit - 1) + b"\n", 0.0)
        assert isinstance(events[0], Met | Heard)
        sent = 0
        while connection.state is not LinkState.CLOSED:
            events = connection.receive(b"x" * chunk_bytes, 0.0)
            sent += chunk_bytes
            assert len(connection._heard) < limit
        assert limit <= sent < limit + chunk_bytes
        assert ended(events) == ("too_long", True)


def test_time() -> None:
    connection = node()
    assert connection.deadline_s == HELLO_S_MAX
    assert ended(connection.tick(HELLO_S_MAX)) == ("too_slow", False)
    connection = up()
    for n in range(1, 3):
        assert connection.deadline_s == n * PING_S
        [ping] = connection.tick(n * PING_S)
        assert ping == Send(encode([Ping()]))
    assert connection.tick(DEAD_S - 0.1) == []
    [end] = connection.tick(DEAD_S)
    assert end == Ended("silent for 45 s")
    connection = up()
    connection.receive(b" ", 1.0)
    connection.receive(b" ", 10.0)
    assert len(connection.tick(0.9 + LINE_S_MAX)) == 1
    assert ended(connection.tick(1.0 + LINE_S_MAX)) == ("too_slow", False)


def test_strangers_are_read_slowly() -> None:
    connection = node()
    connection.receive(encode([HELLO]), 0.0)
    assert connection.read_at_s == 0.0
    connection.receive(encode([Ping()] * 1_000), 0.0)
    assert 3.0 < connection.read_at_s < 3.1
    slow = node()
    slow.receive(b" \n" * 100 + b" " * 4_000 + b"\n", 0.0)
    assert slow.read_at_s == 0.0
    for _ in range(100):
        slow.receive((b" " * 4_000 + b"\n") * 10, 0.0)
    assert slow.read_at_s == pytest.approx(40_010 * 100 / UNKNOWN_BYTES_PER_S - 1, abs=0.1)
    assert connection.send([WELCOME], 5.0)
    assert connection.read_at_s == 5.0
    connection.receive(encode([Ping()] * 1_000), 5.0)
    assert connection.read_at_s > 8.0  # let in, and still nobody trusts it
    connection.trusted = True
    read_at_s = connection.read_at_s
    connection.receive(encode([Ping()] * 4_000), 15.0)
    assert connection.read_at_s == read_at_s


def test_news_are_heard_once_a_second() -> None:
    connection = up()
    news = News(city=THEIRS, prices={"bed": 1.5})
    assert connection.receive(encode([news] * 9), 1.0) == [Heard([news])]
    assert connection.receive(encode([news]), 1.9) == []
    assert connection.receive(encode([news]), 2.0) == [Heard([news])]


def test_a_peer_that_goes() -> None:
    assert up().receive(b"", 0.0) == [Ended("closed by the peer")]
    connection = up()
    line = b'{"t":"error","code":"full","detail":"no room"}\n'
    assert connection.receive(line, 0.0) == [Ended("the peer says full: no room", code="full")]
    connection = up()
    assert connection.receive(line.replace(b"}", b',"fatal":false}'), 0.0) == []
    assert connection.state is LinkState.UP


@pytest.mark.parametrize(
    "cities", [[("RIVERWOOD", "")], [(OURS, "")] * 2, [(OURS, "é")], [(OURS, "x" * 600)]]
)
def test_a_hello_that_nobody_would_hear(cities: list[tuple[str, str]]) -> None:
    with pytest.raises(LineError):
        hello_of("atlas", "boot", cities)


def test_as_many_cities_as_fit() -> None:
    assert hello_of("atlas", "boot", [(f"C{n}@ATLAS", "x" * 128) for n in range(20)])
    with pytest.raises(LineError, match="at most 4,096"):
        hello_of("atlas", "boot", [(f"C{n}@ATLAS", "x" * 128) for n in range(40)])


versions = st.lists(st.integers(0, 9), min_size=1, max_size=4)


@given(versions, versions, st.lists(st.integers(1, 90), max_size=30))
def test_negotiation(ours: list[int], theirs: list[int], cuts: list[int]) -> None:
    """However the bytes are cut, both choose the same version, or both end."""
    sides = []
    for number, speaks in enumerate((ours, theirs)):
        hello = Hello(
            versions=speaks, id=f"n{number}", boot="b", cities=[CharteredCity(f"C{number}@N")]
        )
        peer_id = f"n{1 - number}"
        sides.append(NodeConnection(hello, peer_id=peer_id, dialling=number == 0, now_s=0.0))
    under_way = [b"", b""]
    for number, side in enumerate(sides):
        under_way[1 - number] = b"".join(e.data for e in side.tick(0.0) if isinstance(e, Send))
    while any(under_way):
        for number, side in enumerate(sides):
            size = cuts.pop() if cuts else 1_000
            data, under_way[number] = under_way[number][:size], under_way[number][size:]
            for event in side.receive(data, 0.0) if data else []:
                if isinstance(event, Send):
                    under_way[1 - number] += event.data
                if isinstance(event, Welcomed if number == 0 else Met):
                    welcome = Welcome(version=side.version)
                    under_way[1 - number] += side.send([welcome], 0.0)
    common = set(ours) & set(theirs)
    for side in sides:
        assert side.state is (LinkState.UP if common else LinkState.CLOSED)
        assert not common or side.version == max(common)


@given(*fuzz.NODES[fuzz.node_lines_are_bounded])
def test_lines_are_messages_or_one_reason(line: bytes) -> None:
    fuzz.node_lines_are_bounded(line)


@given(*fuzz.NODES[fuzz.node_chunking_does_not_matter])
def test_chunking_does_not_matter(stream: bytes, chunk_bytes: list[int]) -> None:
    fuzz.node_chunking_does_not_matter(stream, chunk_bytes)


@given(*fuzz.NODES[fuzz.records_survive])
def test_records_survive(merchant: Any) -> None:
    fuzz.records_survive(merchant)


@given(*fuzz.NODES[fuzz.odd_records_are_refused_alone])
def test_odd_records_are_refused_alone(records: list[bytes]) -> None:
    fuzz.odd_records_are_refused_alone(records)
