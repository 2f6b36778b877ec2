"""The connection to a node: one thread with a blocking socket, messages in, commands out.

It drives nothing and draws nothing: the window's loop (`app.py`), or `record.py`, takes what has
come with `drain` and asks `link` how things stand. A connection that ends is tried again, sooner at
first, so a viewer may be started before its node and outlives it.
"""

import contextlib
import socket
import threading
import time
from collections import deque
from dataclasses import replace
from typing import Final

from protocol.observe import Command, Hello, Message, Refused, Snapshot
from protocol.observe_lines import ObserveError, SnapshotReader, encode
from viewer.state import Link

RETRY_FIRST_S: Final = 0.5
RETRY_MAX_S: Final = 5.0
CONNECT_S: Final = 3.0
# How long a read blocks before the thread looks whether it should stop, and a write before the node
# counts as stuck.
BLOCK_S: Final = 0.25
# A window that is being dragged drains nothing for seconds; older messages go first.
WAITING_MAX: Final = 512


def parse_address(text: str) -> tuple[str, int]:
    """HOST:PORT, or [HOST]:PORT where the host has colons.

    Raises:
        ValueError: one clear line.
    """
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    number = int(port) if port.isascii() and port.isdigit() else 0
    if not colon or not host or not 0 < number < 65_536:
        raise ValueError(f"address = {text!r}: must be HOST:PORT, port from 1 to 65535")
    return host, number


class Feed:
    """Messages of one node, for as long as it is wanted."""

    def __init__(self, address: str, *, token: str | None = None) -> None:
        """Prepares a connection to HOST:PORT; `start` makes it.

        Raises:
            ValueError: the address is none.
        """
        self._target = parse_address(address)
        self._token = token
        self._link = Link(address=address)
        self._lock = threading.Lock()  # guards the link, the queue and the socket
        self._waiting: deque[tuple[Message, float]] = deque(maxlen=WAITING_MAX)
        self._socket: socket.socket | None = None
        self._ending = threading.Event()
        self._wake = threading.Event()  # retry now
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)

    def start(self) -> None:
        """Begins to connect, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Closes the connection and waits for the thread, a second at most."""
        self._ending.set()
        self._wake.set()
        self._close()
        self._thread.join(1.0)

    def drain(self) -> list[tuple[Message, float]]:
        """What has come since the last call, oldest first, with the time it came (monotonic, s)."""
        with self._lock:
            come = list(self._waiting)
            self._waiting.clear()
        return come

    @property
    def link(self) -> Link:
        """How the connection stands, as it was at this moment."""
        with self._lock:
            return replace(self._link)

    def retry_now(self) -> None:
        """Tries again at once if the connection is away."""
        self._wake.set()

    def send(self, command: Command) -> bool:
        """Sends a command; false when there is no connection to send it on."""
        with self._lock:
            peer = self._socket
        if peer is None:
            return False
        try:
            peer.sendall(encode(command))
        except OSError:
            self._close()  # half a line may have gone: this connection is of no more use
            return False
        return True

    # In the thread.

    def _run(self) -> None:
        wait_s = RETRY_FIRST_S
        while not self._ending.is_set():
            began_s = time.monotonic()
            why = "the node closed the connection"
            try:
                with socket.create_connection(self._target, timeout=CONNECT_S) as peer:
                    self._opened(peer, began_s)
                    why = self._receive(peer) or why
            except (OSError, ObserveError) as error:
                why = _reason(error)
            self._close()
            # A connection that lasted was a good one: begin again with short waits.
            if time.monotonic() - began_s > 2 * RETRY_MAX_S or self.link.phase == "live":
                wait_s = RETRY_FIRST_S
            self._lost(why, wait_s)
            self._wake.wait(wait_s)
            if self._wake.is_set():
                self._wake.clear()
                wait_s = RETRY_FIRST_S
            else:
                wait_s = min(RETRY_MAX_S, wait_s * 2)

    def _opened(self, peer: socket.socket, began_s: float) -> None:
        peer.settimeout(BLOCK_S)
        if self._token is not None:
            peer.sendall(encode(Hello(token=self._token)))
        now_s = time.monotonic()
        with self._lock:
            self._socket = peer
            # Charts stay as they were until there is something to draw in their place.
            self._link.phase = "gone" if self._link.phase == "gone" else "waiting"
            self._link.open_after_s, self._link.answer_after_s = now_s - began_s, None
            self._link.since_s = now_s

    def _receive(self, peer: socket.socket) -> str:
        """Until the connection ends; why, where the node said so."""
        reader = SnapshotReader()
        while not self._ending.is_set():
            try:
                data = peer.recv(1 << 16)
            except TimeoutError:
                continue
            if not data:
                break
            for message in reader.receive(data):
                self._take(message)
                if isinstance(message, Refused) and message.closing:
                    with self._lock:
                        self._link.phase = "refused"
                    return message.why
        return ""

    def _take(self, message: Message) -> None:
        now_s = time.monotonic()
        with self._lock:
            self._waiting.append((message, now_s))
            link = self._link
            if link.answer_after_s is None:
                link.answer_after_s = now_s - link.since_s
            if isinstance(message, Snapshot):
                link.phase, link.why = "live", ""
                link.latency_ms = self._latency(message)

    def _latency(self, snapshot: Snapshot) -> float | None:
        """How old snapshots are when they come, smoothed; clocks of two machines do not compare."""
        if self._target[0] not in ("127.0.0.1", "::1", "localhost"):
            return None
        age_ms = time.time() * 1_000 - snapshot.time_ms
        if not 0 <= age_ms < 10_000:
            return None
        before = self._link.latency_ms
        return age_ms if before is None else before + 0.05 * (age_ms - before)

    def _lost(self, why: str, wait_s: float) -> None:
        now_s = time.monotonic()
        with self._lock:
            link = self._link
            if link.phase == "live":
                link.phase, link.since_s = "gone", now_s
            elif link.phase == "waiting":
                link.phase = "connecting"
            link.why, link.retry_at_s, link.latency_ms = why, now_s + wait_s, None

    def _close(self) -> None:
        with self._lock:
            peer, self._socket = self._socket, None
        if peer is not None:
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)  # wakes the thread out of its read
            peer.close()


def _reason(error: Exception) -> str:
    """One line a person understands."""
    if isinstance(error, TimeoutError):
        return "no answer"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error)
