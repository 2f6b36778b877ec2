"""Lines between nodes and the merchants in them; and what must hold of whoever reads them.

Used by `tools.fuzz` and by tests of the protocol between nodes.
"""

import re
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from merchants.lines import read_columns
from protocol.bulk import BulkDecoder
from protocol.checks import LineError
from protocol.limits import LINE_BYTES_MAX, TEXT_CHARS_MAX
from protocol.messages import Merchant, encode_record
from protocol.node_connection import Heard, Met, NodeConnection, hello_of
from protocol.node_lines import decode as decode_node_line
from protocol.node_lines import encode as encode_node_lines
from protocol.node_messages import Welcome
from protocol.offers import read
from tools.fuzz.wire import GOODS, ODD_VALUES, any_lines, damaged, merchants, odd_objects

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
