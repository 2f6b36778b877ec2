"""Fuzzing for as long as one likes: `python -m tools.fuzz wire --minutes 10`, or `nodes`.

The properties here are the ones that the default suite runs a little of; this runs rounds of them
with seeds N, N+1, … until the time is over or one fails. A failure is shrunk, printed, and comes
back with the one command printed with it.
"""

import base64
import contextlib
import json
import random
import re
import time
import traceback
from collections.abc import Callable
from typing import Annotated, Any

import typer
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from city_node import kernel_cache

kernel_cache.prepare()

from city_node.identity import (  # noqa: E402
    CertificateError,
    chartered_key,
    id_of_certificate,
    issuer_certificate,
)
from city_node.node_id import ALPHABET, node_id, one_of, read_id  # noqa: E402
from merchants.lines import read_columns  # noqa: E402
from protocol.bulk import BulkDecoder  # noqa: E402
from protocol.checks import LineError  # noqa: E402
from protocol.connection import Connection  # noqa: E402
from protocol.events import Event, Merchants, Refused, Returned  # noqa: E402
from protocol.limits import GOODS_MAX, LINE_BYTES_MAX, TEXT_CHARS_MAX  # noqa: E402
from protocol.messages import (  # noqa: E402
    Merchant,
    UnknownGoodError,
    decode_merchant,
    encode_merchant,
    encode_record,
)
from protocol.node_connection import Heard, Met, NodeConnection, hello_of  # noqa: E402
from protocol.node_lines import decode as decode_node_line  # noqa: E402
from protocol.node_lines import encode as encode_node_lines  # noqa: E402
from protocol.node_messages import Welcome  # noqa: E402
from protocol.offers import read  # noqa: E402

GOODS = ("bed", "chair", "thread", "wood")
EXAMPLES_A_ROUND = 200

# --- what may come over a wire -------------------------------------------------------------

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


# --- what must hold ------------------------------------------------------------------------


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

# --- what is shown to let somebody in ------------------------------------------------------

ids = st.binary(max_size=50).map(node_id)


def every_wrong_letter_is_caught(shown: str, place: int, letter: str) -> None:
    """No single typo makes one id of another."""
    letters = shown.replace("-", "")
    wrong = letters[:place] + letter + letters[place + 1 :]
    try:
        assert read_id("trust", wrong) == shown
        assert wrong == letters
    except ValueError as error:
        said = f"trust = '{wrong}': there is a typo in "
        assert str(error).startswith(said), error  # noqa: PT017


def what_is_typed_is_an_id_or_one_clear_line(text: str, known: list[str]) -> None:
    """Whatever it is."""
    try:
        meant = one_of("trust", text, known)
    except ValueError as error:
        assert re.fullmatch("trust = .*: .*", str(error))  # noqa: PT017
    else:
        assert meant == read_id("id", meant)


def no_certificate_is_an_accident(der: bytes, place: int, byte: int) -> None:
    """A certificate with one byte changed is of some key, or refused in one clear line."""
    changed = der[:place] + bytes([byte]) + der[place + 1 :]
    with contextlib.suppress(CertificateError):
        node = id_of_certificate(changed)
        assert read_id("id", node) == node


def a_charter_is_its_citys(shown: str) -> None:
    """Nothing but a charter is one."""
    assert chartered_key("A", "RIVERWOOD@ATLAS", shown) is None


IDENTITY: dict[Callable[..., None], tuple[st.SearchStrategy[Any], ...]] = {
    every_wrong_letter_is_caught: (ids, st.integers(0, 55), st.sampled_from(ALPHABET)),
    what_is_typed_is_an_id_or_one_clear_line: (
        st.one_of(st.text(max_size=80), ids),
        st.lists(ids, max_size=3),
    ),
    no_certificate_is_an_accident: (
        st.one_of(st.just(issuer_certificate()), st.binary(max_size=400)),
        st.integers(0, 400),
        st.integers(0, 255),
    ),
    a_charter_is_its_citys: (
        st.one_of(
            st.text(max_size=140),
            st.binary(max_size=100).map(lambda raw: base64.b64encode(raw).decode()),
        ),
    ),
}
"""The same for those."""


# --- between nodes -------------------------------------------------------------------------

PAIR = '"from":"SEASIDE@BOREAS","to":"RIVERWOOD@ATLAS"'
NODE_LINES = [
    '{"t":"hello","versions":[2],"id":"boreas","boot":"b","cities":[{"name":"SEASIDE@BOREAS"}]}',
    '{"t":"welcome","version":2}',
    f'{{"t":"welcome","version":2,"entering":[{{{PAIR},"next":3,"settled":1,"credit":9}}]}}',
    *(f'{{"t":"{kind}",{PAIR},"xids":[[0,2],[5,1]]}}' for kind in ("commit", "cancel")),
    f'{{"t":"offer",{PAIR},"xids":[[0,2]],"merchants":[{{"MoneyMinor":1}},{{}}]}}',
    f'{{"t":"forget",{PAIR},"below":7}}',
    '{"t":"news","city":"SEASIDE@BOREAS","prices":{"bed":1.5,"chair":2}}',
    '{"t":"ping"}',
    '{"t":"drain"}',
    '{"t":"error","code":"x","detail":"y","fatal":false}',
]


@st.composite
def odd_node_lines(draw: st.DrawFn) -> bytes:
    """A line between nodes with some value in it replaced by another of any kind."""
    line = draw(st.sampled_from(NODE_LINES))
    places = [match.span(1) for match in re.finditer(r'[:\[,](\d+|"[^"]*"|\[[^\[\]]*\])', line)]
    start, end = draw(st.sampled_from(places)) if places else (0, 0)
    return f"{line[:start]}{draw(st.sampled_from(ODD_VALUES))}{line[end:]}".encode()


whole_node_lines = st.sampled_from(NODE_LINES).map(str.encode)
node_lines = st.one_of(
    whole_node_lines, odd_node_lines(), damaged(whole_node_lines), st.binary(max_size=40), any_lines
).map(lambda line: line.replace(b"\n", b""))


def node_lines_are_bounded(line: bytes) -> None:
    """A line becomes a message that reads back as itself, or one printable reason."""
    try:
        message = decode_node_line(line)
    except LineError as error:
        reason = str(error)
    else:
        reason = ""
    if reason:
        assert reason.isprintable()
        assert len(reason) <= TEXT_CHARS_MAX
        return
    again = encode_node_lines([message])
    assert encode_node_lines([decode_node_line(again)]) == again


def node_chunking_does_not_matter(stream: bytes, chunk_bytes: list[int]) -> None:
    """The same messages and the same end however a stream is cut; never more than a line kept."""

    def heard(chunks: list[bytes]) -> tuple[list[Any], list[Any]]:
        connection = NodeConnection(
            hello_of("atlas", "a", [("RIVERWOOD@ATLAS", "")]),
            peer_id="boreas",
            dialling=False,
            now_s=0.0,
        )
        messages: list[Any] = []
        others: list[Any] = []
        for chunk in chunks:
            for event in connection.receive(chunk, 0.0):
                if isinstance(event, Met):
                    connection.send([Welcome(version=2)], 0.0)
                if isinstance(event, Heard):
                    messages += [encode_node_lines([message]) for message in event.messages]
                else:
                    others.append(event)
            assert len(connection._heard) < LINE_BYTES_MAX
        return messages, others

    chunks, start = [], 0
    for length in [*chunk_bytes, len(stream)]:
        chunks.append(stream[start : start + length])
        start += length
    greeting = NODE_LINES[0].encode() + b"\n"
    assert heard([greeting, *filter(None, chunks)]) == heard([greeting, *filter(None, [stream])])


def records_survive(merchant: Merchant) -> None:
    """A merchant between nodes is the same, carefully and fast."""
    record = encode_record(merchant)
    decoder = BulkDecoder(GOODS, read_columns, in_minor=True)
    for _ in range(2):  # carefully, then fast
        found = read(decoder, [record] * 2)
        assert [m for _, came in found.columns for m in came] == [merchant] * 2
        assert found.codes == ["", ""]
    assert found.money_minor == [merchant.money_minor] * 2


def odd_records_are_refused_alone(records: list[bytes]) -> None:
    """Every record has a verdict of its own, whatever stands beside it and was met before."""
    decoder = BulkDecoder(GOODS, read_columns, in_minor=True)
    alone = [read(BulkDecoder(GOODS, read_columns, in_minor=True), [record]) for record in records]
    for _ in range(2):
        found = read(decoder, records)
        assert found.codes == [code for one in alone for code in one.codes]
        assert found.money_minor == [money for one in alone for money in one.money_minor]
        assert sum(len(came) for _, came in found.columns) == found.codes.count("")
        for start, came in found.columns:
            assert list(came.money_minor) == found.money_minor[start : start + len(came)]


records = merchants().map(encode_record)
odd_records = odd_objects().map(lambda line: line.replace(b'"Money"', b'"MoneyMinor"'))
any_records = st.one_of(records, odd_records, damaged(records)).filter(bool)

NODES: dict[Callable[..., None], tuple[st.SearchStrategy[Any], ...]] = {
    node_lines_are_bounded: (node_lines,),
    node_chunking_does_not_matter: (
        st.lists(node_lines, max_size=8).map(b"\n".join),
        st.lists(st.integers(1, 200), max_size=12),
    ),
    records_survive: (merchants(),),
    odd_records_are_refused_alone: (st.lists(any_records, min_size=1, max_size=4),),
}
"""Each property with what it is given."""


# --- the program ---------------------------------------------------------------------------

app = typer.Typer(add_completion=False, help="Fuzz a part of the program until it breaks.")


Minutes = Annotated[float, typer.Option(min=0, help="How long; at least one round.")]
FirstSeed = Annotated[
    int | None, typer.Option("--seed", help="Of the first round; drawn when not given.")
]


@app.command()
def wire(minutes: Minutes = 1.0, first_seed: FirstSeed = None) -> None:
    """Framing and decoding of merchant lines."""
    _fuzz("wire", WIRE, minutes, first_seed)


@app.command()
def identity(minutes: Minutes = 1.0, first_seed: FirstSeed = None) -> None:
    """Ids, certificates and charters."""
    _fuzz("identity", IDENTITY, minutes, first_seed)


@app.command()
def nodes(minutes: Minutes = 1.0, first_seed: FirstSeed = None) -> None:
    """Lines between nodes, and the merchants in them."""
    _fuzz("nodes", NODES, minutes, first_seed)


def _fuzz(
    part: str,
    properties: dict[Callable[..., None], tuple[st.SearchStrategy[Any], ...]],
    minutes: float,
    first_seed: int | None,
) -> None:
    number = random.SystemRandom().randrange(10**9) if first_seed is None else first_seed
    console = Console()
    console.print(f"seed {number}")
    began_s = time.monotonic()
    rounds = 0
    columns = (SpinnerColumn(), *Progress.get_default_columns()[:-1], TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.fields[rounds]} rounds"), console=console) as bar:
        task = bar.add_task(part, total=minutes * 60, rounds=0)
        while rounds == 0 or time.monotonic() - began_s < minutes * 60:
            for check, strategies in properties.items():
                _run(part, check, strategies, number + rounds, console)
            rounds += 1
            bar.update(task, completed=time.monotonic() - began_s, rounds=rounds)
    examples = rounds * len(properties) * EXAMPLES_A_ROUND
    console.print(f"nothing found in {rounds} rounds, up to {examples:,} examples")


def _run(
    part: str,
    check: Callable[..., None],
    strategies: tuple[st.SearchStrategy[Any], ...],
    number: int,
    console: Console,
) -> None:
    test = given(*strategies)(check)
    test = settings(
        max_examples=EXAMPLES_A_ROUND,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )(test)
    try:
        seed(number)(test)()
    except Exception:
        console.print(f"[bold red]{check.__name__} fails with seed {number}")
        traceback.print_exc()
        console.print(f"again with: python -m tools.fuzz {part} --minutes 0 --seed {number}")
        raise typer.Exit(1) from None


if __name__ == "__main__":
    app()
