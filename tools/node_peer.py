"""A node of one city, for tools: speaks version 2 with a real node; no journal, no economy.

Whoever comes is sent back at once. Called by `tools/bench/hostile.py`, as the honest peer, and by
the villains of `tools/hostile.py`, who change what it does.
"""

import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import trio

from city_node.identity.keys import Identity, charter, identity_in
from city_node.identity.tls import secure
from protocol.bulk import BulkDecoder
from protocol.events import Send
from protocol.messages import Merchant, encode_record
from protocol.migration import Record
from protocol.node_connection import Ended, Heard, Met, NodeConnection, Welcomed, hello_of
from protocol.node_messages import Message, News, Offer
from protocol.offers import read
from protocol.pairs import Pairs

HOST = "127.0.0.1"
GOODS = ("wood", "chair", "thread", "bed")
RECEIVE_BYTES = 65_536


class PeerEndedError(Exception):
    """The node has ended the link, and why."""


class NodePeer:
    """One link with one node; made by `linked`.

    Attributes:
        city: our city's full name.
        theirs: the node's cities.
        pairs: our books, in memory only.
        done: numbers of migrations of ours that have ended, and how.
        up: set when merchants may be offered.
    """

    def __init__(self, stream: "trio.abc.Stream", identity: Identity, peer_id: str, city: str):
        self.city = city.upper()
        self.theirs: list[str] = []
        self.pairs = Pairs()
        self.done: dict[int, str] = {}
        self.up = trio.Event()
        self.stream = stream
        chartered = [(self.city, charter(identity, self.city))]
        hello = hello_of(identity.id, "tool", chartered, identity.rotations)
        self.connection = NodeConnection(
            hello, peer_id=peer_id, dialling=True, now_s=trio.current_time()
        )
        self._decoder = BulkDecoder(GOODS, in_minor=True)
        self._changed = trio.Event()
        self._sending = trio.Lock()

    async def run(self) -> None:
        """Hear the node until the link ends.

        Raises:
            PeerEndedError: it has.
        """
        while True:
            data = None
            with trio.move_on_at(self.connection.deadline_s):
                data = bytes(await self.stream.receive_some(RECEIVE_BYTES))
            now_s = trio.current_time()
            connection = self.connection
            events = connection.tick(now_s) if data is None else connection.receive(data, now_s)
            for event in events:
                match event:
                    case Send(data=said):
                        await self.say(said)
                    case Met():
                        pass
                    case Welcomed(welcome):
                        self._be_welcomed(welcome)
                    case Heard(messages):
                        for message in messages:
                            self.hear(message)
                    case Ended(reason):
                        raise PeerEndedError(reason)
            await self.flush()

    def _be_welcomed(self, welcome: Message) -> None:
        connection = self.connection
        assert connection.peer
        self.theirs = [city.name for city in connection.peer.cities]
        self.pairs.greet(connection.version, [self.city], self.theirs)
        self.pairs.connect(welcome, trio.current_time())  # type: ignore[arg-type]
        self.up.set()

    def hear(self, message: Message) -> None:
        """Act on what the node says: take everybody who comes."""
        if isinstance(message, Offer):
            fresh = self.pairs.to_judge(message)
            money = read(self._decoder, fresh).money_minor
            judged = [(record, "") for record in zip(money, fresh, strict=True)]
            self.pairs.hold(message, judged)
        elif not isinstance(message, News):
            self.pairs.receive(message)

    async def flush(self) -> None:
        """Say what is to be said; whoever has entered goes home."""
        while (group := self.pairs.unwritten()) is not None:
            for change in group.transitions:
                if change.side == "out" and change.state in ("GONE", "BACK"):
                    self.done[change.xid] = change.state
            for entrant in group.entrants:
                if entrant.side == "in":
                    self.depart(entrant.peer, [(entrant.money_minor, entrant.merchant)])
            now_s = trio.current_time()
            await self.say(self.connection.send(self.pairs.written(), now_s))
        self._changed.set()
        self._changed = trio.Event()

    async def say(self, data: bytes) -> None:
        """Write bytes, one after the other."""
        async with self._sending:
            await self.stream.send_all(data)

    def depart(self, to: str, records: Sequence[Record]) -> range:
        """Offer merchants; returns their numbers."""
        return self.pairs.depart(self.city, to, records, trio.current_time())

    async def ended(self, xid: int) -> str:
        """Wait until a migration of ours is over: GONE, or BACK."""
        while xid not in self.done:
            await self._changed.wait()
        return self.done[xid]


def record_of(money_minor: int = 1, good: str = "bed") -> Record:
    """A merchant as an offer carries him."""
    merchant = Merchant(
        money_minor=money_minor, good=good, capacity=1, expected_prices={good: {"NOWHERE": 1.0}}
    )
    return money_minor, encode_record(merchant)


@contextlib.contextmanager
def _stopped(scope: trio.CancelScope) -> Iterator[None]:
    try:
        yield
    finally:
        scope.cancel()


@contextlib.asynccontextmanager
async def linked(folder: Path, port: int, city: str, node: str) -> AsyncIterator[NodePeer]:
    """A link that is up, for as long as the context lasts.

    Args:
        folder: where its key lies; made if need be.
        port: the node's, for links.
        city, node: what we call ourselves.

    Raises:
        PeerError: TLS came to nothing.
        PeerEndedError: in a group; the node has ended the link.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    identity = identity_in(folder)
    async with await trio.open_tcp_stream(HOST, port) as plain:
        stream, peer_id = await secure(plain, server_side=False, identity=identity)
        async with trio.open_nursery() as nursery:
            peer = NodePeer(stream, identity, peer_id, f"{city}@{node}")
            nursery.start_soon(peer.run)
            await peer.up.wait()
            with _stopped(nursery.cancel_scope):
                yield peer
