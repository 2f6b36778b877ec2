"""Merchants a second over one plain connection, between two processes on loopback.

Measured is the node's receiving path as `city_node/network/travelway.py` has it: trio receives 64
KB, `protocol.connection` cuts lines, the bulk decoder parses and checks, numpy columns are filled;
and, in a row of its own, `border.admit` lets everybody into a world. Beside it, in the same round,
what the tutorial's programs do: read a line, parse it, keep it. The other process only pours bytes,
so that one side is measured at a time. Then the same for sending.

Time is that of the measured process on its core, the system's share included, for the other process
and whoever else is busy would otherwise be measured too; the wall is in the notes.
"""

import json
import socket
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import numpy as np
import trio

from city_node.cities.world import World, found_world
from city_node.network.border import admit, enter, place_of
from city_node.network.departures import on_the_wire
from city_node.network.network import OUTBOX_MERCHANTS_MAX
from city_node.network.policy import Guests
from city_node.network.quotas import Brought, Quota
from city_node.settings.config import resolve
from city_node.settings.wishes import Wishes
from merchants.lines import read_columns
from merchants.roster import Roster, empty
from protocol.bulk import BulkDecoder
from protocol.connection import Connection
from protocol.events import Closed, Event, Merchants, Ready, Send
from protocol.limits import LINE_BYTES_MAX
from protocol.messages import Merchant, encode_merchant
from tools.bench.results import Peer, Result
from tools.bench.wires import (
    CITIES,
    GOODS,
    HOST,
    Clock,
    Columns,
    Rate,
    beside,
    beside_peer,
    merchants,
    row,
)

LINES = 2_000
POURED_AT_ONCE = 10_000
OURS, NAIVE, SENT = 300_000, 60_000, 100_000
"""Merchants a round: half a second each."""


WALKING_MAX = 512
"""Let in before the world is emptied, as by a window: a border bounds how many it has in town."""

ROUNDS = 7
GOAL_PER_S = 500_000.0
GO_PER_S = 71_000.0

EXPECTED = """
A line has 620 bytes, with 16 prices of 17 digits. A kernel reads a digit in 0.6 ns and makes a
double of them in 5: 0.3 µs for 20 numbers; comparing 26 names and the signs between them costs as
much. A receive of 64 KB, 30 µs, is shared by 105 merchants: 0.3 µs; cutting the lines for whoever
is sent back 0.1. Together 1.0 µs, or 1 M merchants/s, beyond msgspec's parsing of a line into a
struct of dictionaries. To encode a merchant from Python dictionaries should take 5 µs, to make him
out of a node's arrays 3 more.
"""


TRIED = """
What was tried: msgspec with a struct that has a field a good, each with a field a city, took 0.9 µs
for parsing and 0.7 for moving numbers out of objects, 439 k merchants/s in all; deleting everything
but numbers from a block and parsing one list of them saved a fifth. No garbage collection, a larger
buffer of the socket and smaller blocks saved nothing that could be told from noise.
""".replace("\n", " ").strip()


class Line(msgspec.Struct):
    """A line as msgspec reads it, unchecked."""

    Money: float
    BuysSells: str
    CarryingCapacity: int
    Owned: int
    ExpectedPrices: dict[str, dict[str, float]]


# --- the other process ---


def pour(port: int, data: bytes, times: int) -> None:
    """Greet and write the same lines again and again."""
    with socket.create_connection((HOST, port)) as stream:
        stream.sendall(b"SEASIDE\n")
        stream.recv(1024)
        time.sleep(0.1)
        for _ in range(times):
            stream.sendall(data)
        stream.shutdown(socket.SHUT_WR)
        stream.recv(1)


def drain(port: int) -> None:
    """Greet and read until the end."""
    with socket.create_connection((HOST, port)) as stream:
        stream.sendall(b"SEASIDE\n")
        while stream.recv(LINE_BYTES_MAX):
            pass


# --- receiving ---


class Border:
    """A world into which everybody is let, and which is emptied now and then as by a window."""

    def __init__(self) -> None:
        self.world: World = found_world(resolve(Wishes(cities=("Riverwood",), seed=1)))
        self.place = place_of(self.world, "Seaside@boreas", set()) or 0
        self.size = 0

    def take(self, came: Merchants) -> None:
        """Let them in."""
        world = self.world
        admitted = admit(
            world,
            world.cities[0],
            self.place,
            came,
            guests=Guests(10**9, 10**9, 10**9, 10**9),
            brought=Brought(Quota(), Quota(), Quota()),
            node_suffix="@ATLAS",
            now_s=0.0,
        )
        assert admitted.entered == len(came), admitted.reason
        self.size += admitted.entered
        world.taken.clear()
        if world.walking.size[0] > WALKING_MAX:
            world.walking = empty(len(world.goods), len(world.places))


async def greeted(stream: trio.SocketStream) -> Connection:
    """A connection on which both sides may write."""
    connection = Connection(
        "Riverwood",
        node="Atlas",
        goods=GOODS,
        dialling=False,
        now_s=trio.current_time(),
        read_columns=read_columns,
    )
    while True:
        for event in await heard(stream, connection):
            if isinstance(event, Send):
                await stream.send_all(event.data)
            if isinstance(event, Ready):
                return connection
            assert not isinstance(event, Closed), event.reason


async def heard(stream: trio.SocketStream, connection: Connection) -> list[Event]:
    """What comes of one receive, or of a deadline; as a travel-way reads."""
    data = None
    with trio.move_on_at(connection.deadline_s):
        data = await stream.receive_some(LINE_BYTES_MAX)
    now_s = trio.current_time()
    return connection.tick(now_s) if data is None else connection.receive(data, now_s)


async def receive(stream: trio.SocketStream, count: int, taker: Columns | Border) -> Rate:
    """Take so many merchants."""
    connection = await greeted(stream)
    clock = Clock()
    while taker.size < count:
        for event in await heard(stream, connection):
            assert isinstance(event, Merchants), event
            taker.take(event)
    return clock.rate(count)


def on_trio(stream: socket.socket, work: Callable[..., Awaitable[Rate]], *arguments: Any) -> Rate:
    """Run `work(stream, ...)` in a trio of its own."""

    async def run() -> Rate:
        async with trio.SocketStream(trio.socket.from_stdlib_socket(stream.dup())) as ours:
            return await work(ours, *arguments)

    return trio.run(run)


def receive_ours(data: bytes, taker: Columns | Border) -> Rate:
    """Our path."""
    with beside(pour, data, OURS // POURED_AT_ONCE) as stream:
        return on_trio(stream, receive, OURS, taker)


def receive_naive(data: bytes) -> Rate:
    """A loop as in the tutorial: a line, a parse, a list."""
    kept: list[Any] = []
    with beside(pour, data, NAIVE // POURED_AT_ONCE) as stream, stream.makefile("rb") as file:
        file.readline()
        stream.sendall(b"RIVERWOOD\n")
        kept.append(json.loads(file.readline()))
        clock = Clock()
        while len(kept) < NAIVE:
            kept.append(json.loads(file.readline()))
        return clock.rate(NAIVE)


def codec(data: bytes) -> tuple[Rate, Rate]:
    """Without a socket: our decoder, and msgspec's parsing alone."""
    blocks, start = [], 0
    while start < len(data):
        end = data.rfind(b"\n", start, start + LINE_BYTES_MAX) + 1
        blocks.append(data[start:end])
        start = end
    decoder = BulkDecoder(GOODS, read_columns)
    list(decoder.decode(blocks[0]))  # it learns the cities
    clock = Clock()
    for block in blocks:
        deque(decoder.decode(block), maxlen=0)
    ours = clock.rate(POURED_AT_ONCE)
    parse = msgspec.json.Decoder(Line).decode
    cut = [block.splitlines() for block in blocks]
    clock = Clock()
    for lines in cut:
        list(map(parse, lines))
    return ours, clock.rate(POURED_AT_ONCE)


# --- sending ---


async def send(stream: trio.SocketStream, outbox: Callable[[], list[Merchant]]) -> Rate:
    """Write full outboxes."""
    connection = await greeted(stream)
    clock = Clock()
    for _ in range(SENT // OUTBOX_MERCHANTS_MAX):
        lines, _ = connection.send_merchants(outbox())
        await stream.send_all(lines)
    return clock.rate(SENT // OUTBOX_MERCHANTS_MAX * OUTBOX_MERCHANTS_MAX)


def leavers(travellers: list[Merchant]) -> Callable[[], list[Merchant]]:
    """Merchants made out of a world's arrays, an outbox at a time."""
    border = Border()
    for city in CITIES[1:]:
        place_of(border.world, city, set())
    decoder = BulkDecoder(GOODS)
    came = b"".join(map(encode_merchant, travellers[:OUTBOX_MERCHANTS_MAX]))
    (columns,) = decoder.decode(came)
    assert isinstance(columns, Merchants)
    enter(border.world, border.world.cities[0], border.place, columns, np.arange(len(columns)), "")
    left: Roster = border.world.walking
    return lambda: on_the_wire(border.world, left, "@ATLAS")


def send_ours(outbox: Callable[[], list[Merchant]]) -> Rate:
    """As a travel-way writes."""
    with beside(drain) as stream:
        rate = on_trio(stream, send, outbox)
        stream.shutdown(socket.SHUT_RDWR)
        return rate


def send_naive(travellers: list[Merchant]) -> Rate:
    """A loop as in the tutorial: a line, a write."""
    fields = [json.loads(encode_merchant(merchant)) for merchant in travellers]
    with beside(drain) as stream:
        stream.recv(1024)
        clock = Clock()
        for number in range(NAIVE):
            stream.sendall(json.dumps(fields[number % LINES]).encode() + b"\n")
        return clock.rate(NAIVE)


# --- all of it ---


def measure(tell: Callable[[str, float], None]) -> Result:
    """Everything in rounds, ours and the peers' by turns."""
    travellers = merchants(LINES)
    data = b"".join(map(encode_merchant, travellers)) * (POURED_AT_ONCE // LINES)
    rounds = []
    for number in range(ROUNDS):
        tell(f"round {number + 1} of {ROUNDS}", number / ROUNDS)
        rounds.append(
            (
                receive_ours(data, Columns()),
                receive_ours(data, Border()),
                receive_naive(data),
                *codec(data),
                send_ours(lambda: travellers[:OUTBOX_MERCHANTS_MAX]),
                send_ours(leavers(travellers)),
                send_naive(travellers),
            )
        )
    columns, border, naive, decoded, parsed, sent, made, naive_sent = map(
        list, zip(*rounds, strict=True)
    )
    go = Peer("the tutorial's Go programs", GO_PER_S, "quoted, of such a machine")
    loop = beside_peer("a loop of readline and json.loads", naive)
    rows = (
        row("received and checked, into columns", columns, (loop, go), goal=GOAL_PER_S),
        row("received and let into a world", border, (loop,)),
        row(
            "decoded, no socket",
            decoded,
            (beside_peer("msgspec into a struct of dictionaries", parsed),),
        ),
        row("made out of a world's arrays and sent", made, ()),
        row("sent", sent, (beside_peer("a loop of json.dumps and sendall", naive_sent),)),
    )
    found = (
        f"A line is {len(data) / POURED_AT_ONCE:.0f} bytes. A merchant received costs "
        f"{1e6 / rows[0].ours:.2f} µs of a core, of which reading him into columns, checked, is "
        f"{1e6 / rows[2].ours:.2f}; the rest is trio and the system. Letting him into the world "
        f"adds {1e6 / rows[1].ours - 1e6 / rows[0].ours:.2f}. {TRIED}"
    )
    return Result("The wire", EXPECTED, rows, found)
