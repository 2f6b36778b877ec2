"""Merchants a second between two nodes: version 2 of the wire through TLS, two processes, loopback.

Measured is one side of a travel-way between nodes, with TLS 1.3 and certificates made for the run:
trio receives, `protocol.node_connection` cuts and decodes lines, `protocol.offers` checks merchants
and turns them into columns; and, in a row of its own, `protocol.pairs` takes them through the whole
migration in memory, without a journal. Beside it, in the same round, what one would first write:
read a line from the same TLS, parse it, keep it. The other process only pours prepared lines. Time
is that of the measured process on its core, as in wire.py.
"""

import json
import socket
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import trio

from merchants.lines import read_columns
from protocol.bulk import BulkDecoder
from protocol.events import Send
from protocol.limits import (
    LINE_BYTES_MAX,
    OFFERS_IN_FLIGHT_MAX,
)
from protocol.messages import encode_merchant, encode_record
from protocol.node_connection import Heard, Met, NodeConnection, NodeEvent, Welcomed, hello_of
from protocol.node_lines import decode, encode
from protocol.node_messages import Commit, Message, Offer
from protocol.offers import read
from protocol.pairs import Pairs
from tools.bench.node_wire_peer import (
    IN_A_LINE,
    TO,
    called,
    drain,
    made_certificate,
    migrate,
    offers,
    pour,
    pour_lines,
)
from tools.bench.results import Peer, Result
from tools.bench.wires import GOODS, Clock, Columns, Rate, beside, beside_peer, merchants, row

LINES = 2_000

OURS, NAIVE = 200_000, 40_000
"""Merchants a round: half a second each."""

ROUNDS = 7
GOAL_PER_S = 250_000.0
PLAIN_TLS_PER_S = 291_000.0

EXPECTED = """
A merchant alone has 630 bytes and is not worth a line: an offer holds as many of one pair as fit
into 64 KiB, a hundred, and every answer names numbers as ranges. A migration of a full line then
costs two lines of 62 KB and of a hundred bytes each way, so 0.05 lines and 628 bytes a merchant,
where a line an act would take four and 900. The merchants stay bytes when the line is parsed, which
costs another look at them (0.4 µs), and the journal and a replay get them without encoding again.
TLS decrypts 2 to 4 GB/s, 0.2 µs a merchant, but hands out 16 KB at a time: four receives a line.
With 1.9 µs for columns and checks that should be 3 µs, or 330 k merchants/s.
"""


TRIED = """
What was tried: keeping the bytes of an unfinished line in place instead of joining them at every
receive. A record of TLS holds 16 KB and a receive returns one, so that a full line takes four.
Emptying OpenSSL's buffer at every receive, which trio offers no way to, won little, by a script
that was not kept; a TLS stream of our own for that was rejected.
""".replace("\n", " ").strip()


# --- the measured side ---


class Link:
    """A node's end of a link, as a travel-way drives it."""

    def __init__(self, stream: trio.SSLStream[trio.SocketStream]) -> None:
        hello = hello_of("atlas", "boot", [(TO, "")])
        now_s = trio.current_time()
        self.stream = stream
        self.pairs = Pairs()
        self.connection = NodeConnection(hello, peer_id="boreas", dialling=False, now_s=now_s)

    async def heard(self) -> list[NodeEvent]:
        """What comes of one receive."""
        data = await self.stream.receive_some(LINE_BYTES_MAX)
        return self.connection.receive(bytes(data), trio.current_time())

    async def messages(self) -> list[Message]:
        """What is said in one receive on a link that is up."""
        events = await self.heard()
        return [m for event in events if isinstance(event, Heard) for m in event.messages]

    async def end(self) -> None:
        """Let the peer say all it has to say and close."""
        while await self.stream.receive_some(LINE_BYTES_MAX):
            pass

    async def greet(self) -> list[Message]:
        """Until the link is up; what came behind the welcome already."""
        events = self.connection.tick(trio.current_time())
        behind: list[Message] = []
        up = False
        while not up:
            for event in events:
                match event:
                    case Send(data):
                        await self.stream.send_all(data)
                    case Met(hello, version):
                        self.pairs.greet(version, {TO}, {city.name for city in hello.cities})
                        await self.speak()
                    case Welcomed(welcome):
                        self.pairs.connect(welcome, trio.current_time())
                        up = True
                    case Heard(messages):
                        behind += messages
            events = [] if up else await self.heard()
        return behind

    async def speak(self) -> int:
        """Say what may be said; how many transitions there were."""
        transitions = 0
        said: list[Message] = []
        while group := self.pairs.unwritten():
            transitions += len(group.transitions)
            said += self.pairs.written()
        await self.stream.send_all(self.connection.send(said, trio.current_time()))
        return transitions


async def receive(link: Link, count: int) -> Rate:
    """Take so many merchants into columns."""
    columns = Columns()
    decoder = BulkDecoder(GOODS, read_columns, in_minor=True)
    messages = await link.greet()
    clock = Clock()
    while columns.size < count:
        for message in messages:
            assert isinstance(message, Offer), message
            for _, came in read(decoder, [*map(bytes, message.merchants)]).columns:
                columns.take(came)
        if columns.size < count:
            messages = await link.messages()
    rate = clock.rate(count)
    await link.end()
    return rate


async def hold(link: Link, count: int) -> Rate:
    """Take so many merchants through the whole migration."""
    columns = Columns()
    decoder = BulkDecoder(GOODS, read_columns, in_minor=True)
    messages = await link.greet()
    clock = Clock()
    live = 0
    while live < count:
        for message in messages:
            if isinstance(message, Offer):
                records = link.pairs.to_judge(message)
                found = read(decoder, records)
                for _, came in found.columns:
                    columns.take(came)
                held = zip(found.money_minor, records, strict=True)
                link.pairs.hold(message, zip(held, found.codes, strict=True))
            else:
                link.pairs.receive(message)
                if isinstance(message, Commit):
                    live += sum(size for _, size in message.xids)
        await link.speak()
        if live < count:
            messages = await link.messages()
    rate = clock.rate(count)
    await link.end()
    return rate


async def send(link: Link, records: list[bytes], count: int) -> Rate:
    """Write so many offers out of records."""
    await link.greet()
    clock = Clock()
    for offer in offers(records, count):
        await link.stream.send_all(link.connection.send([offer], trio.current_time()))
    return clock.rate(count)


def on_tls(
    stream: socket.socket, certificate: str, work: Callable[..., Awaitable[Rate]], *arguments: Any
) -> Rate:
    """Run `work(link, ...)` in a trio of its own."""

    async def run() -> Rate:
        plain = trio.SocketStream(trio.socket.from_stdlib_socket(stream.dup()))
        tls = trio.SSLStream(plain, called(certificate), server_side=True, https_compatible=True)
        async with tls:
            await tls.do_handshake()
            return await work(Link(tls), *arguments)

    return trio.run(run)


def receive_ours(certificate: str, records: list[bytes]) -> Rate:
    """Our path, columns."""
    with beside(pour, certificate, records, OURS) as stream:
        return on_tls(stream, certificate, receive, OURS)


def hold_ours(certificate: str, records: list[bytes]) -> Rate:
    """Our path, migrations."""
    with beside(migrate, certificate, records, OURS) as stream:
        return on_tls(stream, certificate, hold, OURS)


def send_ours(certificate: str, records: list[bytes]) -> Rate:
    """Our path, the other way."""
    with beside(drain, certificate) as stream:
        return on_tls(stream, certificate, send, records, OURS)


def receive_naive(certificate: str, data: bytes) -> Rate:
    """A loop: a line, a parse, a list."""
    with beside(pour_lines, certificate, data, NAIVE // LINES) as plain:
        stream = called(certificate).wrap_socket(plain, server_side=True)
        with stream, stream.makefile("rb") as file:
            kept: list[Any] = [json.loads(file.readline())]
            clock = Clock()
            while len(kept) < NAIVE:
                kept.append(json.loads(file.readline()))
            return clock.rate(NAIVE)


def decode_only(records: list[bytes]) -> Rate:
    """Without a socket: lines into columns."""
    data = [encode([offer])[:-1] for offer in offers(records, 10 * LINES)]
    decoder = BulkDecoder(GOODS, read_columns, in_minor=True)
    read(decoder, records[:IN_A_LINE])  # it learns the cities
    clock = Clock()
    for line in data:
        message = decode(line)
        assert isinstance(message, Offer)
        read(decoder, [*map(bytes, message.merchants)])
    return clock.rate(10 * LINES)


# --- all of it ---


def measure(tell: Callable[[str, float], None]) -> Result:
    """Everything in rounds, ours and the peer by turns."""
    travellers = merchants(LINES)
    records = [*map(encode_record, travellers)]
    data = b"".join(map(encode_merchant, travellers))
    rounds = []
    with tempfile.TemporaryDirectory() as folder:
        certificate = str(made_certificate(Path(folder)))
        for number in range(ROUNDS):
            tell(f"round {number + 1} of {ROUNDS}", number / ROUNDS)
            rounds.append(
                (
                    receive_ours(certificate, records),
                    hold_ours(certificate, records),
                    send_ours(certificate, records),
                    receive_naive(certificate, data),
                    decode_only(records),
                )
            )
    columns, held, sent, naive, decoded = map(list, zip(*rounds, strict=True))
    loop = beside_peer("a loop of readline and json.loads through TLS", naive)
    lab = Peer("the laboratory, a line a merchant", PLAIN_TLS_PER_S, "quoted, of such a machine")
    rows = (
        row(
            "received through TLS and checked, into columns", columns, (loop, lab), goal=GOAL_PER_S
        ),
        row("and taken through the migration, no journal", held, (loop,)),
        row("decoded and checked, no socket", decoded, ()),
        row("sent through TLS, from records", sent, ()),
    )
    ours, moved, alone = (1e6 / rows[n].ours for n in range(3))
    found = (
        f"A merchant received costs {ours:.2f} µs of a core, of which TLS, trio and the system "
        f"have {ours - alone:.2f}; his migration, two transitions here with their answers, adds "
        f"{moved - ours:.2f}, at up to {OFFERS_IN_FLIGHT_MAX:,} offers in flight. {TRIED}"
    )
    return Result("The wire between nodes", EXPECTED, rows, found)
