"""A connection: greeting, framing, patience; against itself and against peers that break easily."""

import itertools
import json
import re
from math import inf
from typing import Any

import pytest
from hypothesis import given

from protocol.connection import Connection, NotReadyError, State
from protocol.events import Closed, Dialect, Greeted, Merchants, Ready, Refused, Returned, Send
from protocol.limits import LINE_BYTES_MAX
from protocol.messages import Merchant
from tools.fuzz import wire as fuzz

GOODS = ("bed", "chair", "thread", "wood")
STEP_S = 0.01


def merchant_in(good: str, *goods: str, genome: dict[str, float] | None = None) -> Merchant:
    """A merchant in `good` who expects prices of that and of `goods`."""
    prices = {name: {"RIVERWOOD@ATLAS": 2.0, "SEASIDE": 3.5} for name in (good, *goods)}
    return Merchant(
        money_minor=121_148_000_001,
        good=good,
        capacity=20,
        owned=3,
        expected_prices=prices,
        genome=genome,
    )


def line_in(good: str, *goods: str, **fields: Any) -> bytes:
    prices = {name: {"SEASIDE": 3.5} for name in (good, *goods)}
    line = {"BuysSells": good, "CarryingCapacity": 20, "ExpectedPrices": prices}
    return json.dumps(line | fields).encode() + b"\n"


BAD_LINE = line_in("bed", Money=-1)


def greeted(name: str, chapter: int) -> Greeted:
    spelled = {
        "RIVERWOOD": "Riverwood",
        "RIVERWOOD@ATLAS": "Riverwood@atlas",
        "SEASIDE": "Seaside",
        "PORTSVILLE": "Portsville",
        "PORTSVILLE@BOREAS": "Portsville@boreas",
    }
    return Greeted(name, Dialect[f"CHAPTER_{chapter}"], spelled[name])


def accepting(**options: Any) -> Connection:
    defaults: dict[str, Any] = {"node": "Atlas", "goods": GOODS, "dialling": False, "now_s": 0.0}
    return Connection("Riverwood", **defaults | options)


def opened(name: bytes = b"SEASIDE\n", **options: Any) -> Connection:
    """An accepted connection at 1.0 s, both names said."""
    connection = accepting(**options)
    connection.receive(name, 0.0)
    connection.tick(0.25)
    connection.tick(1.0)
    assert connection.state is State.OPEN
    return connection


@given(*fuzz.WIRE[fuzz.chunking_does_not_matter])
def test_chunking_does_not_matter(stream: bytes, chunk_bytes: list[int]) -> None:
    fuzz.chunking_does_not_matter(stream, chunk_bytes)


class Pipe:
    """Two ends with a clock between them; what one end writes in a step arrives in one piece."""

    def __init__(self, ends: list[Any], names: tuple[str, str]) -> None:
        self.ends = dict(zip(names, ends, strict=True))
        self.heard: dict[str, list[Any]] = {name: [] for name in names}
        self.now_s = 0.0
        self.under_way: dict[str, bytes] = dict.fromkeys(names, b"")

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / STEP_S)):
            self.now_s += STEP_S
            arriving = self.under_way
            self.under_way = dict.fromkeys(self.ends, b"")
            for name, end in self.ends.items():
                events = end.receive(arriving[name], self.now_s) if arriving[name] else []
                events += end.tick(self.now_s)
                for event in events:
                    if isinstance(event, Send):
                        self.write(name, event.data)
                    elif isinstance(event, Returned):
                        self.write(name, event.line)
                    else:
                        self.heard[name] += fuzz.flat([event])

    def write(self, writer: str, data: bytes) -> None:
        [reader] = self.ends.keys() - {writer}
        self.under_way[reader] += data

    def send(self, writer: str, merchant: Merchant) -> None:
        data, staying = self.ends[writer].send_merchants([merchant])
        assert not staying
        self.write(writer, data)


@pytest.mark.parametrize(
    ("speak_first", "our_node", "their_node"),
    list(itertools.product([False, True], ["", "Atlas"], ["", "Boreas"])),
)
def test_two_connections(speak_first: bool, our_node: str, their_node: str) -> None:
    dialler = Connection(
        "Riverwood",
        node=our_node,
        goods=GOODS,
        dialling=True,
        now_s=0.0,
        speak_first=speak_first,
    )
    listener = Connection("Portsville", node=their_node, goods=GOODS, dialling=False, now_s=0.0)
    pipe = Pipe([dialler, listener], ("dialler", "listener"))
    pipe.run(2.0)
    assert pipe.heard == {
        "dialler": [greeted("PORTSVILLE", 8), Ready()],
        "listener": [greeted("RIVERWOOD", 8), Ready()],
    }
    for writer, reader in (("dialler", "listener"), ("listener", "dialler")):
        pipe.heard[reader] = []
        pipe.send(writer, merchant_in("bed", "wood", genome={"greed": 0.5}))
        pipe.run(0.1)
        [(merchant, _)] = pipe.heard[reader]
        assert merchant.good == "bed"
        assert merchant.money_minor == 121_148_000_001
        assert merchant.genome is None  # he has sent none himself


class FragilePeer:
    """A chapter's program as it behaves: both sides write at once, and it dies of little.

    `name` is what it takes our city's name to be.
    """

    def __init__(self, chapter: int) -> None:
        self.own_good = "thread" if chapter == 7 else "fur"
        self.goods = {"wood", "chair", "bed", self.own_good}
        self.chapter = chapter
        self.name: bytes | None = None
        self.unread = b""
        self.merchants: list[dict[str, Any]] = []
        self.greeting = b"SEASIDE" if chapter == 7 else b"SEASIDE\n"

    def tick(self, _now_s: float) -> list[Send]:
        greeting, self.greeting = self.greeting, b""
        return [Send(greeting)] if greeting else []

    def receive(self, data: bytes, _now_s: float) -> list[Send]:
        self.unread += data
        if self.name is None:
            if self.chapter == 7:
                self.name, self.unread = self.unread[:1024], b""
            elif b"\n" in self.unread:
                self.name, self.unread = self.unread.split(b"\n", 1)
            else:
                return []
        *lines, self.unread = self.unread.split(b"\n")
        for merchant in map(json.loads, lines):
            prices = merchant["ExpectedPrices"]
            assert prices
            assert {merchant["BuysSells"], *prices} <= self.goods
            assert all(type(price) is float for good in prices.values() for price in good.values())
            self.merchants.append(merchant)
        return []


@pytest.mark.parametrize("dialling", [False, True])
@pytest.mark.parametrize("chapter", [7, 8])
def test_fragile_peers_live(chapter: int, dialling: bool) -> None:
    peer = FragilePeer(chapter)
    pipe = Pipe([peer, accepting(dialling=dialling)], ("peer", "city"))
    pipe.run(1.0)
    assert peer.name == b"RIVERWOOD"
    assert pipe.heard["city"] == [greeted("SEASIDE", chapter), Ready()]
    city = pipe.ends["city"]
    everybody = [merchant_in(good, *GOODS) for good in GOODS]
    data, staying = city.send_merchants(everybody)
    assert [merchant.good for merchant in staying] == ["thread"]
    pipe.write("city", data)
    pipe.run(0.1)
    assert [merchant["BuysSells"] for merchant in peer.merchants] == ["bed", "chair", "wood"]
    assert peer.merchants[0]["ExpectedPrices"]["bed"] == {"RIVERWOOD": 2.0, "SEASIDE": 3.5}
    peer.merchants.clear()
    pipe.write("peer", line_in(*sorted(peer.goods)) + line_in(peer.own_good, *peer.goods))
    pipe.run(0.1)
    assert [merchant["BuysSells"] for merchant in peer.merchants] == ["fur"] * (chapter == 8)
    data, staying = city.send_merchants(everybody)
    assert [merchant.good for merchant in staying] == ["thread"] * (chapter == 8)
    peer.merchants.clear()
    pipe.write("city", data)
    pipe.run(0.1)
    assert len(peer.merchants) + len(staying) == len(everybody)


def test_foreign_good_goes_back_as_it_came() -> None:
    connection = opened()
    line = b"  " + line_in("fur", "bed", mood="good").replace(b"\n", b"\r\n")
    [event] = connection.receive(line, 1.0)
    assert isinstance(event, Returned)
    assert event.line == line
    assert connection.goods_known == {"bed"}
    for _ in range(100):
        assert len(connection.receive(line, 1.0)) == 1
    assert connection.state is State.OPEN


class TestGoodsKnown:
    def test_until_a_merchant_has_come(self) -> None:
        assert opened().goods_known == {"wood", "chair", "bed"}
        assert opened(goods=["chair", "silk"]).goods_known == {"chair"}

    def test_from_what_the_peer_sends(self) -> None:
        connection = opened()
        connection.receive(line_in("thread", "fur"), 1.0)
        assert connection.goods_known == {"thread"}
        connection.receive(line_in("bed", "thread"), 1.0)
        assert connection.goods_known == {"thread", "bed"}

    def test_genes_go_to_those_who_have_sent_some(self) -> None:
        connection = opened()
        for sends, gets in ((line_in("bed"), False), (line_in("bed", genome={"x": 1}), True)):
            connection.receive(sends, 1.0)
            data, staying = connection.send_merchants([merchant_in("bed", genome={"greed": 0.25})])
            assert not staying
            assert ("genome" in json.loads(data)) is gets


class TestGreeting:
    @pytest.mark.parametrize("name", [b"RIVERWOOD\n", b"seaside\n"])
    def test_name_in_sight(self, name: bytes) -> None:
        connection = accepting(names_taken={"SEASIDE"})
        [event] = connection.receive(name, 0.0)
        assert isinstance(event, Closed)
        assert "is already in sight" in event.reason

    @pytest.mark.parametrize("name", [b"Riverwood@Atlas\n", b"SEASIDE@BOREAS\n", b"@\n"])
    def test_a_nodes_name_is_proved_elsewhere(self, name: bytes) -> None:
        [event] = accepting().receive(name, 0.0)
        assert isinstance(event, Closed)
        assert event.reason.endswith("is a node's, which has to prove it over TLS")

    @pytest.mark.parametrize(
        "name",
        [
            *(b"\n", b"{", b"\xff\n", b"SEA\x00SIDE\n", b"S" * 65 + b"\n", b"@ATLAS\n"),
            b"\x16\x03\x01" + bytes(500),
            b"S" * 1_000_000,
            "SEA\u202eSIDE\n".encode(),
        ],
        ids=lambda name: repr(name[:9]),
    )
    def test_bad_name(self, name: bytes) -> None:
        connection = accepting()
        [event] = connection.receive(name, 0.0)
        assert isinstance(event, Closed)
        assert re.match("name '|name b'|name holds", event.reason)
        assert len(event.reason) < 120
        assert connection.receive(line_in("bed"), 0.0) == []
        assert connection.deadline_s == inf

    def test_name_dripping_in(self) -> None:
        connection = accepting()
        events = []
        for n in range(60):
            events += connection.receive(b"S", n * 0.2)
        assert events == [Closed("no whole greeting within 10 s")]

    def test_pieces_of_a_name_wait_for_each_other(self) -> None:
        connection = accepting()
        assert connection.receive(b"SEA", 0.0) == []
        assert connection.receive(b"SIDE", 0.24) == []
        assert connection.tick(0.48) == []
        assert connection.tick(0.49)[0] == greeted("SEASIDE", 7)

    def test_time_passes_before_bytes(self) -> None:
        connection = accepting()
        connection.receive(b"SEASIDE", 0.0)
        events = connection.receive(line_in("bed"), 0.3)
        assert [type(event) for event in events] == [Greeted, Send, Merchants]

    def test_nothing_is_sent_in_the_quiet(self) -> None:
        connection = accepting()
        with pytest.raises(NotReadyError):
            connection.send_merchants([])
        connection.receive(b"SEASIDE\n", 1.0)
        assert connection.deadline_s == pytest.approx(1.05)
        with pytest.raises(NotReadyError):
            connection.send_merchants([])
        assert connection.tick(1.05) == [Ready()]
        assert connection.send_merchants([]) == (b"", [])
        connection.close("a reason")
        assert connection.send_merchants([merchant_in("bed")]) == (b"", [merchant_in("bed")])

    def test_one_that_answers_a_raw_name_with_a_newline_gets_the_rest(self) -> None:
        connection = accepting()
        assert connection.tick(3.0) == [Send(b"RIVERWOOD")]
        assert connection.receive(b"SEASIDE\n", 3.1)[1] == Send(b"\n")

    def test_legacy_listener_that_answers_late_hears_no_second_name(self) -> None:
        connection = accepting(dialling=True)
        assert connection.tick(1.5) == [Send(b"RIVERWOOD\n")]
        assert connection.receive(b"SEASIDE\n", 1.6) == [greeted("SEASIDE", 8)]


class TestLines:
    def test_twentieth_refusal_within_a_minute_closes(self) -> None:
        connection = opened()
        events = connection.receive(BAD_LINE * 19 + line_in("bed") + BAD_LINE * 9, 1.0)
        *first, merchants, last, closed = events
        assert [type(event) for event in first] == [Refused] * 19
        assert isinstance(merchants, Merchants)
        assert isinstance(last, Refused)
        assert closed == Closed("20 lines refused within 60 s")
        assert connection.receive(line_in("bed"), 1.0) == []

    def test_refusals_spread_over_more_than_a_minute_do_not(self) -> None:
        connection = opened()
        for n in range(100):
            [event] = connection.receive(BAD_LINE, 1.0 + n * 3.2)
            assert isinstance(event, Refused)

    @pytest.mark.parametrize("chunk_bytes", [1_000, LINE_BYTES_MAX, 3 * LINE_BYTES_MAX])
    def test_longest_line(self, chunk_bytes: int) -> None:
        longest = line_in("bed").strip().ljust(LINE_BYTES_MAX - 1) + b"\n"
        stream = longest + b" " + longest + line_in("wood")
        connection = opened()
        events = []
        for start in range(0, len(stream), chunk_bytes):
            events += connection.receive(stream[start : start + chunk_bytes], 1.0)
        first, refused, last = fuzz.flat(events)
        assert first[0].good == "bed"
        assert refused == Refused("line is over 65,536 bytes")
        assert last[0].good == "wood"

    def test_line_without_end_is_refused_once_and_kept_nowhere(self) -> None:
        connection = opened()
        events = []
        for _ in range(200):
            events += connection.receive(b"x" * LINE_BYTES_MAX, 1.0)
            assert len(connection._heard) < LINE_BYTES_MAX
        assert events == [Refused("line is over 65,536 bytes")]
        [event] = connection.receive(b"x\n" + line_in("bed"), 1.0)
        assert isinstance(event, Merchants)

    def test_last_line_needs_no_newline(self) -> None:
        connection = opened()
        assert connection.receive(line_in("bed").strip(), 1.0) == []
        merchants, closed = connection.receive(b"", 1.0)
        assert isinstance(merchants, Merchants)
        assert closed == Closed("closed by the peer")

    @pytest.mark.parametrize("name", [b"", b"SEASIDE", b"SEASIDE\n"])
    def test_end_without_lines(self, name: bytes) -> None:
        connection = accepting()
        if name:
            connection.receive(name, 0.0)
        assert connection.receive(b"", 0.0) == [Closed("closed by the peer")]
        assert connection.receive(b"", 0.0) == []

    def test_empty_lines_are_nothing(self) -> None:
        assert opened().receive(b"\n \r\n\n", 1.0) == []

    def test_merchants_come_in_batches(self) -> None:
        connection = opened()
        lines = b"".join(line_in("bed", Owned=n % 20) for n in range(500))
        connection.receive(line_in("bed"), 1.0)
        [event] = connection.receive(lines, 1.0)
        assert isinstance(event, Merchants)
        assert event.owned.tolist() == [n % 20 for n in range(500)]
