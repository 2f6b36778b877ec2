"""Connections in memory, as `trio.SocketStream` and `trio.SocketListener` are to a node.

A connection is ordered and reliable until it is reset, as TCP's; what is sent takes its cable's
time. Made by `internet`; knows no node.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from socket import MSG_PEEK
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from tools.simulate.internet import Internet

BUFFER_BYTES = 65_536
"""On its way on one connection, one direction; then its writer waits, as for a socket's buffer."""

BACKLOG = 128
"""Connections that a listener has not accepted yet."""

SPLIT_SHARE = 0.1
"""Of the reads that get less than has arrived: TCP promises no boundaries."""

BYTES_PER_S = 10_000_000.0
SEGMENT_BYTES = 1_000
"""On a slow cable arrives so much at a time."""


@dataclass
class Cable:
    """Between two hosts.

    Attributes:
        usual_delay_s: one way, where nothing is wrong.
        delay_s: as it is now.
        parted: nothing arrives, and nobody is told.
        ends: open ones of connections over it, both sides', in the order in which they were opened.
    """

    usual_delay_s: float
    delay_s: float
    bytes_per_s: float = BYTES_PER_S
    parted: bool = False
    ends: dict[End, None] = field(default_factory=dict)


@dataclass(eq=False)
class Host:
    """What the internet knows of a machine.

    Attributes:
        address: its IP address.
        is_up: whether anybody is at home; what one who is not does has no effect.
        frozen: it neither hears nor speaks, and does not know.
        sends: how often it has written.
        on_send: called before each write; may take it down.
        lies: changes what it says.
    """

    address: str
    is_up: bool = False
    frozen: bool = False
    sends: int = 0
    on_send: Callable[[], None] = lambda: None
    lies: Callable[[bytes], bytes] | None = None


class Socket:
    """What a node asks of the socket under a stream."""

    def __init__(self, end: End) -> None:
        self._end = end

    def getpeername(self) -> tuple[str, int]:
        """Who is at the other end."""
        return self._end.there.address, 0

    async def recv(self, count: int, flags: int) -> bytes:
        """What has arrived, left where it is."""
        assert flags == MSG_PEEK
        try:
            return await self._end.receive_some(count, taken=False)
        except trio.BrokenResourceError as error:
            raise ConnectionResetError from error


class End(trio.abc.HalfCloseableStream):
    """One end of a connection: a stream as `trio.SocketStream` is one.

    Attributes:
        certificate: that the peer has shown.
        here, there: hosts.
        other: the other end.
        open_s: since when it is one, or will be.
    """

    def __init__(self, internet: Internet, here: Host, there: Host, cable: Cable) -> None:
        self.here, self.there = here, there
        self.socket = Socket(self)
        self.certificate = b""
        self.other = self  # until it is joined
        self._internet, self.cable = internet, cable
        self._coming: deque[tuple[float, bytes]] = deque()
        self._coming_bytes = 0
        self._changed = trio.lowlevel.ParkingLot()
        self._busy_until_s = self.open_s = 0.0
        self._ends_at_s = self._resets_at_s = inf
        self._closed = self._said_all = self.is_dead = False

    def __repr__(self) -> str:
        return f"<{self.here.address} to {self.there.address}>"

    # --- as the node sees it ---

    async def receive_some(self, max_bytes: int | None = None, *, taken: bool = True) -> bytes:
        """What has arrived; none at the end."""
        await trio.lowlevel.checkpoint()
        while True:
            now_s = trio.current_time()
            hears = not (self.cable.parted or self.here.frozen or self.is_dead)
            if self._closed:
                raise trio.ClosedResourceError
            if hears and self._coming and self._coming[0][0] <= now_s:
                most = max_bytes or BUFFER_BYTES
                return self._take(most) if taken else self._coming[0][1][:most]
            if hears and now_s >= self._resets_at_s:
                raise trio.BrokenResourceError("reset")
            if hears and not self._coming and now_s >= self._ends_at_s:
                return b""
            await self._wait(now_s)

    def getpeercert(self, binary_form: bool = False) -> bytes:
        """As of a stream over TLS."""
        assert binary_form
        return self.certificate

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Put bytes on the cable; waits while too many are under way."""
        await trio.lowlevel.checkpoint()
        if not self.is_dead:
            self.here.sends += 1
            self.here.on_send()
        if self.is_dead:  # it may be by now
            raise trio.ClosedResourceError
        rest = bytes(data)
        if self.here.lies:
            rest = self.here.lies(rest)
        while rest:
            now_s = trio.current_time()
            room = (
                0 if self.is_dead or self.here.frozen else BUFFER_BYTES - self.other._coming_bytes
            )
            if self._closed or self._said_all:
                raise trio.ClosedResourceError
            if not self.is_dead and (now_s >= self._resets_at_s or self.other._closed):
                raise trio.BrokenResourceError("reset")
            if room > 0:
                self._internet.note(self, rest[:room])
                self.other._come(rest[:room])
                rest = rest[room:]
            else:
                await self._wait(now_s)

    async def wait_send_all_might_not_block(self) -> None:
        """At once: `send_all` waits itself."""
        await trio.lowlevel.checkpoint()

    async def send_eof(self) -> None:
        """Say that nothing more will be sent."""
        await trio.lowlevel.checkpoint()
        self._said_all = True
        if not self.is_dead:
            self.other.end()

    async def aclose(self) -> None:
        """Close; what was sent still arrives, unless something came that was not read."""
        if not self._closed:
            self._closed = True
            self._internet.close(self)
            if not self.is_dead:
                self.other.end()
                if self._coming_bytes:
                    self.other.reset(self.cable.delay_s)
            self.wake()
        await trio.lowlevel.checkpoint()

    # --- as the cable sees it ---

    def reset(self, after_s: float = 0.0) -> None:
        """Break the connection at this end."""
        self._resets_at_s = min(self._resets_at_s, trio.current_time() + after_s)
        self.wake()

    def end(self) -> None:
        """Nothing more will arrive than what is under way."""
        last_s = self._coming[-1][0] if self._coming else 0.0
        after_s = trio.current_time() + self.cable.delay_s
        self._ends_at_s = min(self._ends_at_s, max(last_s, after_s))
        self.wake()

    def die(self) -> None:
        """Whoever used it here is no more: what he still does has no effect."""
        self.is_dead = True
        self._internet.close(self)
        self.wake()

    def lose_coming(self, share: float) -> None:
        """The last part of what is under way to here never arrives."""
        for _ in range(round(len(self._coming) * share)):
            _, data = self._coming.pop()
            self._coming_bytes -= len(data)

    def wake(self) -> None:
        """Let whoever waits look again, at both ends."""
        self._changed.unpark_all()
        self.other._changed.unpark_all()

    def _come(self, data: bytes) -> None:
        is_slow = self.cable.bytes_per_s < BYTES_PER_S
        size = SEGMENT_BYTES if is_slow else len(data)
        now_s = trio.current_time()
        for start in range(0, len(data), size):
            segment = data[start : start + size]
            busy_s = len(segment) / self.cable.bytes_per_s
            self._busy_until_s = max(now_s, self._busy_until_s) + busy_s
            due_s = max(self._busy_until_s + self.cable.delay_s, self.open_s)
            if self._coming:
                due_s = max(due_s, self._coming[-1][0])
            self._coming.append((due_s, segment))
        self._coming_bytes += len(data)
        self._changed.unpark_all()

    def _take(self, max_bytes: int) -> bytes:
        due_s, data = self._coming.popleft()
        if self._internet.random.random() < SPLIT_SHARE:
            max_bytes = min(max_bytes, 1 + self._internet.random.randrange(len(data)))
        if len(data) > max_bytes:
            self._coming.appendleft((due_s, data[max_bytes:]))
            data = data[:max_bytes]
        self._coming_bytes -= len(data)
        self.other._changed.unpark_all()
        return data

    async def _wait(self, now_s: float) -> None:
        """Until something happens at this end, or is due to."""
        due_s = self._coming[0][0] if self._coming else self._ends_at_s
        due_s = min((each for each in (due_s, self._resets_at_s) if each > now_s), default=inf)
        if due_s == inf:
            await self._changed.park()
        else:
            with trio.move_on_at(due_s):
                await self._changed.park()


class Listening(trio.abc.Listener[End]):
    """A listening socket."""

    def __init__(self, internet: Internet, host: Host, port: int) -> None:
        self._internet, self._at = internet, (host.address, port)
        self.host = host
        self.came, self._accepted = trio.open_memory_channel[End](BACKLOG)

    async def accept(self) -> End:
        """The next connection."""
        try:
            return await self._accepted.receive()
        except trio.EndOfChannel:
            raise trio.ClosedResourceError from None

    async def aclose(self) -> None:
        """Listen no more."""
        if self._internet.listening.get(self._at) is self:
            del self._internet.listening[self._at]
        self.came.close()
        await trio.lowlevel.checkpoint()
