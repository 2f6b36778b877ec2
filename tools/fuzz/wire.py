"""Merchants' lines, well made, odd and damaged; and what must hold of whoever reads them.

Used by `tools.fuzz`, by `nodes` beside it, and by tests of the protocol.
"""

import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from merchants.lines import read_columns
from protocol.bulk import BulkDecoder
from protocol.checks import LineError
from protocol.connection import Connection
from protocol.events import Event, Merchants, Refused, Returned
from protocol.limits import GOODS_MAX, LINE_BYTES_MAX
from protocol.messages import Merchant, UnknownGoodError, decode_merchant, encode_merchant

GOODS = ("bed", "chair", "thread", "wood")

# --- what may come over a wire ---

cities = st.sampled_from(["RIVERWOOD", "SEASIDE", "Portsville", "WINTERHOLD@ATLAS", "ÅRHUS"])
goods = st.sampled_from([*GOODS, "fur"])
ODD_VALUES = [
    *("null", "true", "-1", "1.5", "3.0", "1e3", "-0.0", "0", "1e400", "-1e400", "1E+999999"),
    *("NaN", "Infinity", '"5"', '"bed"', "[]", "{}", "[" * 2_000, '{"a":{"b":[1]}}', "01", "1."),
    *('"\\ud800"', '"\\u0000"', '"\\u006c"', "99999999999999999999", "9" * 5_000, "1e-400"),
    *("1000000", "1000000.0000000001", "999999.99999999999", "1000000000.1", "2147483648"),
    '{"bed":{"RIVERWOOD":1,"Riverwood":2}}',
    '{"bed":{"RIVERWOOD":3},"bed":{"SEASIDE":4}}',
    '{"bed":{"SEASIDE":null}}',
    '{"bed":null}',
    '{"b{d":{}}',
    "{" + ",".join(f'"C{n}":{{"X":1}}' for n in range(70)) + "}",
    '{"bed":{' + ",".join(f'"C{n}":1' for n in range(70)) + "}}",
    *('{"greed":0.5,"thrift":7}', '{"greed":1,"":1}', '{"gr\\u0007eed":0}'),
    "{" + ",".join(f'"t{n}":0' for n in range(65)) + "}",
]
NAMES = [
    *("Money", "BuysSells", "CarryingCapacity", "Owned", "ExpectedPrices", "genome"),
    *("money", "MONEY", "buyssells", "Genome", "expectedprices", "carryingCapacity", "owned"),
    *("Mood", "", "\\u004doney"),
]


@st.composite
def merchants(draw: st.DrawFn) -> Merchant:
    """Merchants that every city takes."""
    capacity = draw(st.integers(1, 2**31 - 1))
    prices = st.dictionaries(cities.map(str.upper), st.floats(-1e9, 1e9), min_size=1, max_size=4)
    traits = st.dictionaries(st.sampled_from(["greed", "thrift", "loyalty"]), st.floats(0, 1))
    return Merchant(
        money_minor=draw(st.integers(0, 10**14)),
        good=draw(st.sampled_from(GOODS)),
        capacity=capacity,
        owned=draw(st.integers(0, capacity)),
        expected_prices=draw(st.dictionaries(st.sampled_from(GOODS), prices, min_size=1)),
        genome=draw(st.none() | traits.map(lambda genome: genome or None)),
    )


def _object(pairs: list[tuple[str, str]]) -> bytes:
    fields = ",".join(f'"{name}":{value}' for name, value in pairs)
    return f"{{{fields}}}".encode()


@st.composite
def odd_objects(draw: st.DrawFn) -> bytes:
    """Objects with most of the right fields, and a few of any name and value among them."""
    numbers = st.floats(0, 1e6).map(repr)
    prices = st.dictionaries(goods, st.dictionaries(cities, st.floats(0, 100)))
    fields = {
        "Money": numbers,
        "BuysSells": goods.map(json.dumps),
        "CarryingCapacity": st.just("20"),
        "Owned": st.sampled_from(["0", "3", "20", "21"]),
        "ExpectedPrices": prices.map(json.dumps),
    }
    pairs = [(name, draw(values)) for name, values in fields.items() if draw(st.integers(0, 9))]
    odd = st.tuples(st.sampled_from(NAMES), st.sampled_from(ODD_VALUES))
    for pair in draw(st.lists(odd, max_size=2)):
        pairs.insert(draw(st.integers(0, len(pairs))), pair)
    return _object(pairs)


@st.composite
def damaged(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """A line with a slice of it replaced by other bytes."""
    line = draw(whole)
    start = draw(st.integers(0, len(line)))
    end = min(len(line), start + draw(st.integers(0, 8)))
    return line[:start] + draw(st.binary(max_size=4)) + line[end:]


good_lines = merchants().map(lambda merchant: encode_merchant(merchant).strip())
any_lines = st.one_of(
    good_lines,
    good_lines,
    odd_objects(),
    damaged(good_lines),
    damaged(odd_objects()),
    odd_objects().map(lambda line: b"  " + line + b" \r"),
    st.binary(max_size=20),
    st.sampled_from([b"", b"{}{}", b"{} {}", b"{}\r{}", b"[" * 70_000]),
).map(lambda line: line.replace(b"\n", b""))


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """What a peer may write: a greeting of some kind, and lines that need not be whole."""
    greeting = draw(
        st.sampled_from([b"SEASIDE\n", b"SEASIDE\r\n", b"SEASIDE", b"SEASIDE@BOREAS\n"])
        | damaged(st.just(b"SEASIDE\n"))
        | st.binary(max_size=200)
    )
    lines = draw(st.lists(any_lines | damaged(good_lines) | st.binary(max_size=50), max_size=8))
    return greeting + b"\n".join(lines) + draw(st.sampled_from([b"", b"\n"]))


# --- what must hold ---


def flat(events: list[Any]) -> list[Any]:
    """Events with merchants one by one, each with his line: how they are grouped is no matter."""
    one_by_one: list[Any] = []
    for event in events:
        if isinstance(event, Merchants):
            one_by_one.extend(zip(event, event.lines, strict=True))
        else:
            one_by_one.append(event)
    return one_by_one


def carefully(lines: list[bytes], goods_seen: set[str]) -> list[Any]:
    """What the careful path makes of some lines, in the form of `flat`."""
    outcomes: list[Any] = []
    for line in lines:
        try:
            decoded = decode_merchant(line, GOODS)
            goods_seen |= decoded.goods_seen
            outcomes.append((decoded.merchant, line))
        except UnknownGoodError as error:
            goods_seen |= error.goods_seen
            outcomes.append(Returned(str(error), line))
        except LineError as error:
            if not line.isspace():
                outcomes.append(Refused(str(error)))
    return outcomes


def bulk_equals_careful(blocks: list[list[bytes]]) -> None:
    """The quick reader says what the careful one says, whatever it has learnt before."""
    decoder = BulkDecoder(GOODS, read_columns)
    goods_seen: set[str] = set()
    one_by_one = [[line] for lines in blocks for line in lines]
    for lines in [*blocks, *blocks, *one_by_one]:
        ended = [line + b"\n" for line in lines]
        expected = carefully(ended, goods_seen)
        assert flat(list(decoder.decode(b"".join(ended)))) == expected
        assert decoder.goods_seen == goods_seen or len(goods_seen) > GOODS_MAX


def chunking_does_not_matter(stream: bytes, chunk_bytes: list[int]) -> None:
    """The same events however a stream is cut, and never more than one line kept."""

    def accepting() -> Connection:
        return Connection(
            "Riverwood",
            node="Atlas",
            goods=GOODS,
            dialling=False,
            now_s=0.0,
            read_columns=read_columns,
        )

    in_chunks: list[Event] = []
    connection = accepting()
    start = 0
    for length in [*chunk_bytes, len(stream)]:
        if data := stream[start : start + length]:
            in_chunks += connection.receive(data, 0.0)
        assert len(connection._heard) < LINE_BYTES_MAX
        start += length
    whole = accepting()
    assert flat(in_chunks) == flat(whole.receive(stream, 0.0) if stream else [])
    assert flat(connection.receive(b"", 0.0)) == flat(whole.receive(b"", 0.0))


def merchants_survive_the_wire(merchant: Merchant) -> None:
    """What one city says another believes, to the last minor unit."""
    line = encode_merchant(merchant)
    assert decode_merchant(line, GOODS).merchant == merchant
    [event] = BulkDecoder(GOODS, read_columns).decode(line)
    assert isinstance(event, Merchants)
    assert list(event) == [merchant]
    assert event.dust_minor == 0


WIRE: dict[Callable[..., None], tuple[st.SearchStrategy[Any], ...]] = {
    bulk_equals_careful: (st.lists(st.lists(any_lines, min_size=1, max_size=3), max_size=3),),
    chunking_does_not_matter: (streams(), st.lists(st.integers(1, 200), max_size=12)),
    merchants_survive_the_wire: (merchants(),),
}
"""Each property with what it is given."""
