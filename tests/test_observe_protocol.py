"""The observer protocol: what arrives in any pieces means the same, and nothing bad gets through.

Oracles: a model that decodes whole lines one by one with the standard library's json and a table of
what each command takes, and msgspec's own round trip.
"""

import itertools
import json
import math

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from protocol import observe as o
from protocol.observe_lines import CommandReader, ObserveError, SnapshotReader, encode

TOKEN = "correct horse battery staple"

ids = st.integers(0, 2**63 - 1)
# Letters, digits and more of all scripts, without control characters and lone surrogates.
texts = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=60)
words = texts.filter(bool)
scalars = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    texts,
)
commands = st.one_of(
    st.builds(o.Pause, id=ids),
    st.builds(o.Resume, id=ids),
    st.builds(
        o.SetSpeed,
        ticks_per_s=st.one_of(st.floats(1e-3, 1e9), st.just("max")),
        id=ids,
    ),
    st.builds(o.Step, ticks=st.integers(1, 1_000_000), id=ids),
    st.builds(o.Stop, id=ids),
    st.builds(o.Connect, address=words, city=texts, id=ids),
    st.builds(o.Disconnect, peer=words, id=ids),
    st.builds(
        o.ScheduleEvent,
        event=words,
        city=texts,
        tick=ids,
        arguments=st.dictionaries(words, scalars, max_size=6),
        id=ids,
    ),
)

NOT_COMMANDS = [
    b"GET / HTTP/1.1\r",
    b"POST /pause HTTP/1.1\r",
    b"",
    b"{}",
    b"[]",
    b"null",
    b"NaN",
    b"pause",
    b'{"t":"pause"',
    b'{"t":"Pause"}',
    b'{"t":"snapshot","node":"x","tick":1}',
    b'{"t":"pause","id":-1}',
    b'{"t":"pause","id":9223372036854775808}',
    b'{"t":"pause","id":1.5}',
    b'{"t":"speed"}',
    b'{"t":"speed","ticks_per_s":null}',
    b'{"t":"speed","ticks_per_s":NaN}',
    b'{"t":"speed","ticks_per_s":0}',
    b'{"t":"speed","ticks_per_s":-3}',
    b'{"t":"speed","ticks_per_s":1e999}',
    b'{"t":"speed","ticks_per_s":"fast"}',
    b'{"t":"step","ticks":0}',
    b'{"t":"step","ticks":1000001}',
    b'{"t":"connect"}',
    b'{"t":"connect","address":""}',
    b'{"t":"connect","address":"a\\u0007b:1"}',
    b'{"t":"connect","address":"line\\n"}',
    b'{"t":"connect","address":"\xff\xfe"}',
    b'{"t":"connect","address":"' + b"a" * 300 + b'"}',
    b'{"t":"schedule_event","event":"gift","tick":-1}',
    b'{"t":"schedule_event","event":"gift","arguments":{"coins":null}}',
    b'{"t":"schedule_event","event":"gift","arguments":{"coins":[1]}}',
    b'{"t":"schedule_event","event":"gift","arguments":{"coins":1e400}}',
    b'{"t":"schedule_event","event":"gift","arguments":{"coins":' + b"9" * 400 + b"}}",
    b'{"t":"schedule_event","event":"gift","arguments":{"":1}}',
    b'{"t":"pause","deep":' + b"[" * 3_000,
    b'{"t":"pause","x":"' + b"a" * o.COMMAND_BYTES_MAX + b'"}',
]


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    """The data cut at these places, taken modulo its length."""
    at = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[a:b] for a, b in itertools.pairwise(at)]


@given(st.lists(commands, max_size=8), st.lists(st.integers(0, 10_000), max_size=12))
def test_commands_arrive_whole_however_they_are_cut(sent, cuts):
    reader = CommandReader()
    received = []
    for piece in pieces(b"".join(encode(command) for command in sent), cuts):
        some, refusal = reader.receive(piece)
        assert refusal is None
        received += some
    assert received == sent


@pytest.mark.parametrize("line", NOT_COMMANDS, ids=lambda line: ascii(line[:40]))
def test_the_first_line_that_is_not_a_command_ends_it(line):
    before, after = encode(o.Step(3, id=1)), encode(o.Stop(id=2))
    reader = CommandReader()
    received, refusal = reader.receive(before + line + b"\n" + after)
    assert received == [o.Step(3, id=1)]
    assert refusal is not None
    assert refusal.closing
    assert "\n" not in refusal.why
    assert len(refusal.why) < 300
    assert reader.receive(after) == ([], refusal)


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=6))
def test_no_bytes_raise_anything_but_a_refusal(data, cuts):
    reader = CommandReader()
    for piece in pieces(data, cuts):
        received, refusal = reader.receive(piece)
        assert received == [] or refusal is None or isinstance(refusal, o.Refused)


def test_an_endless_line_is_refused_and_not_kept():
    reader = CommandReader()
    for _ in range(5):
        received, refusal = reader.receive(b"x" * 3_000)
        assert received == []
    assert refusal is not None
    assert str(o.COMMAND_BYTES_MAX - 1) in refusal.why


@pytest.mark.parametrize(
    "first",
    [
        encode(o.Pause()),
        encode(o.Hello()),
        encode(o.Hello(token="guess")),
        encode(o.Hello(token=TOKEN[:-1])),
        encode(o.Hello(token="é")),
        encode(o.Hello(version=o.VERSION + 1, token=TOKEN)),
    ],
)
def test_where_a_token_is_asked_nothing_happens_without_it(first):
    reader = CommandReader(token=TOKEN)
    received, refusal = reader.receive(first + encode(o.Hello(token=TOKEN)) + encode(o.Stop()))
    assert received == []
    assert refusal is not None
    assert not reader.greeted
    assert TOKEN not in refusal.why


def test_the_token_opens_the_door_once():
    reader = CommandReader(token=TOKEN)
    assert reader.receive(encode(o.Hello(token=TOKEN)) + encode(o.Pause(id=4))) == (
        [o.Pause(id=4)],
        None,
    )
    assert reader.greeted
    received, refusal = reader.receive(encode(o.Hello(token=TOKEN)))
    assert received == []
    assert refusal is not None


def test_a_hello_is_optional_where_no_token_is_asked_and_unknown_fields_pass():
    line = b'{"t":"hello","version":1,"colour":"red"}\n{"id":7,"t":"pause","why":{"a":[1]}}\r\n'
    assert CommandReader().receive(line) == ([o.Pause(id=7)], None)


@pytest.mark.parametrize(
    "command",
    [
        o.SetSpeed(math.nan),
        o.SetSpeed(math.inf),
        o.ScheduleEvent("gift", arguments={"coins": math.nan}),
        o.Connect("a\nb"),
        o.Connect(""),
        o.ScheduleEvent("gift", arguments={str(n): "x" * 200 for n in range(40)}),
        o.Hello(token="x" * 300),
    ],
)
def test_what_the_reader_would_refuse_is_not_sent(command):
    with pytest.raises(ObserveError):
        encode(command)


# Snapshots.

numbers = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False, width=32))
cities = st.builds(
    o.City,
    name=texts,
    full_name=texts,
    node=texts,
    own=st.booleans(),
    locals=st.integers(0, 10**9),
    prices=st.dictionaries(texts, numbers, max_size=3),
    bands=st.dictionaries(texts, st.tuples(numbers, numbers), max_size=3),
    cargo=st.dictionaries(texts, st.integers(0, 99), max_size=3),
    series=st.dictionaries(texts, numbers, max_size=3),
    samples=st.dictionaries(texts, st.lists(numbers, max_size=5), max_size=2),
)
messages = st.one_of(
    st.builds(o.Hello, node=texts, cities=st.lists(texts, max_size=3)),
    st.builds(o.Compiling, step=st.integers(0, 9), steps=st.integers(0, 9), what=texts),
    st.builds(o.Accepted, id=ids, tick=ids),
    st.builds(o.Refused, why=texts, closing=st.booleans()),
    st.builds(
        o.Snapshot,
        node=texts,
        tick=ids,
        speed=st.one_of(st.floats(1e-3, 1e9), st.just("max")),
        ticks_per_s=numbers,
        goods=st.lists(texts, max_size=3),
        cities=st.lists(cities, max_size=3),
        events=st.lists(st.builds(o.Event, tick=ids, label=texts), max_size=2),
    ),
)


@given(st.lists(messages, max_size=4), st.lists(st.integers(0, 10_000), max_size=12))
def test_messages_arrive_whole_however_they_are_cut(sent, cuts):
    reader = SnapshotReader()
    received = []
    for piece in pieces(b"".join(encode(message) for message in sent), cuts):
        received += reader.receive(piece)
    assert received == sent


def test_what_a_number_cannot_say_arrives_as_unknown():
    city = o.City(name="A", full_name="A@n", node="n", prices={"wood": math.nan})
    city.samples["money"] = [1.0, math.inf]
    snapshot = o.Snapshot(node="n", tick=1, ticks_per_s=math.nan, cities=[city])
    (received,) = SnapshotReader().receive(encode(snapshot))
    assert received.cities[0].prices == {"wood": None}
    assert received.cities[0].samples == {"money": [1.0, None]}
    assert received.ticks_per_s is None


def test_an_observer_reads_past_messages_and_fields_of_a_later_version():
    lines = b'{"t":"weather","rain":[1]}\n{"t":"snapshot","node":"n","tick":3,"moon":"full"}\n'
    assert SnapshotReader().receive(lines) == [o.Snapshot(node="n", tick=3)]


@pytest.mark.parametrize(
    "line",
    [
        b"SSH-2.0-OpenSSH_9.6\r",
        b'{"t":"snapshot","node":"n"}',
        b'{"t":"snapshot","node":"n","tick":"3"}',
        b'{"t":"hello","node":"\xff"}',
        b'{"t":"new","x":' + b"[" * 100_000,
        b"{}",
    ],
    ids=lambda line: ascii(line[:30]),
)
def test_an_observer_believes_nothing_behind_a_line_that_is_no_message(line):
    with pytest.raises(ObserveError) as caught:
        SnapshotReader().receive(line + b"\n" + encode(o.Hello()))
    assert "\n" not in str(caught.value)


def test_short_numbers_and_even_samples():
    assert o.shorts([1234567.0, 0.000123456, math.nan, -math.inf]) == [
        1235000.0,
        0.0001235,
        None,
        None,
    ]
    assert o.evenly(3, 5) == [0, 1, 2]
    for count in (150, 151, 299, 1_000_000):
        chosen = o.evenly(count, 150)
        assert len(chosen) == 150
        assert chosen == sorted(set(chosen))
        assert 0 <= chosen[0] <= chosen[-1] < count


# A machine: lines good and bad, in pieces, against a model that knows only whole lines.


class ObserverMachine(RuleBasedStateMachine):
    """One connection. The model keeps what was sent; the reader sees it in pieces."""

    @initialize(token=st.sampled_from([None, TOKEN]))
    def connect(self, token):
        self.reader = CommandReader(token=token)
        self.token = token
        self.wire = b""  # sent, not yet delivered
        self.expected = []
        self.delivered = []
        self.open = True  # the model: no bad line sent yet
        self.lines_sent = 0
        self.let_in = token is None

    def send(self, line, *, command=None, good):
        """Puts a line on the wire and tells the model what it is."""
        self.wire += line + b"\n"
        if self.open and good:
            if command is not None:
                self.expected.append(command)
        else:
            self.open = False
        self.lines_sent += 1

    @rule(command=commands)
    def command(self, command):
        self.send(encode(command)[:-1], command=command, good=self.let_in)

    @rule(token=st.sampled_from([None, "", "wrong", TOKEN]), version=st.sampled_from([1, 1, 1, 2]))
    def hello(self, token, version):
        right = self.token is None or token == self.token
        good = self.lines_sent == 0 and version == o.VERSION and right
        self.send(encode(o.Hello(version=version, token=token))[:-1], good=good)
        self.let_in = self.let_in or (self.open and good)

    @rule(line=st.sampled_from(NOT_COMMANDS))
    def something_else(self, line):
        self.send(line, good=False)

    @precondition(lambda self: self.wire)
    @rule(share=st.floats(0, 1))
    def deliver(self, share):
        count = max(1, round(share * len(self.wire)))
        piece, self.wire = self.wire[:count], self.wire[count:]
        received, refusal = self.reader.receive(piece)
        self.delivered += received
        assert refusal is self.reader.refusal

    @invariant()
    def delivered_is_a_beginning_of_what_was_sent(self):
        if hasattr(self, "reader"):
            assert self.delivered == self.expected[: len(self.delivered)]

    @invariant()
    def nothing_is_left_when_the_wire_is_empty(self):
        if hasattr(self, "reader") and not self.wire:
            assert self.delivered == self.expected
            assert (self.reader.refusal is None) == self.open
            assert not self.reader.greeted or self.let_in


ObserverMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
TestObserverMachine = ObserverMachine.TestCase


def test_what_other_languages_write_is_read():
    """A line as the standard library's json writes it, with spaces and in its own order."""
    line = json.dumps(
        {"tick": 9, "arguments": {"coins": 5}, "t": "schedule_event", "event": "gift"}
    )
    assert CommandReader().receive(line.encode() + b"\n") == (
        [o.ScheduleEvent("gift", tick=9, arguments={"coins": 5})],
        None,
    )
    assert msgspec.json.decode(encode(o.Pause())) == {"t": "pause"}
