"""The viewer's window, opened beside a node where there is a display: a process of its own.

It watches the node over a socket like any other program, and may be closed at any time. While
kernels compile there is no node yet: then it is told here how far that has come, and the node takes
over its connection. Called by `node` and `replay`.
"""

import contextlib
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from protocol.observe import Compiling, Hello
from protocol.observe_lines import encode

if TYPE_CHECKING:
    from city_node.compiling import Progress

HINT = "Kernels are compiled once and kept; only the first start takes so long."


def display_reason() -> str:
    """Why no window can be opened; empty when one can."""
    if sys.platform in ("win32", "darwin"):
        return ""
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        return ""
    return "no display: neither DISPLAY nor WAYLAND_DISPLAY is set"


class Taken(NamedTuple):
    """A window's end of the conversation, as the node takes it over.

    Attributes:
        listener: where the window comes again should it lose its connection.
        connections: those there are; what has come in on them has not been read.
        token: that the window gives, and nobody else has.
    """

    listener: socket.socket
    connections: Sequence[socket.socket]
    token: str


class Window:
    """A window that opens when there is something to see, on a port of its own on loopback."""

    def __init__(self, cities: Sequence[str]) -> None:
        self._hello = encode(Hello(cities=list(cities)))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self._connections: list[socket.socket] = []
        self._token = secrets.token_urlsafe(24)
        self._process: subprocess.Popen[bytes] | None = None
        self._is_taken = False

    def show(self) -> None:
        """Open it, unless it has been."""
        if self._process is not None:
            return
        host, port = self._listener.getsockname()
        program = [sys.executable, "-m", "viewer", f"{host}:{port}", "--token-file", "-"]
        # A session of its own: Ctrl-C in the terminal is for the node, which then ends the viewer.
        self._process = subprocess.Popen(program, start_new_session=True, stdin=subprocess.PIPE)
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.write(self._token.encode() + b"\n")
            self._process.stdin.close()

    def tell(self, progress: "Progress") -> None:
        """Show how far a kernel has been compiled."""
        if self._is_taken:
            return
        self.show()
        with contextlib.suppress(BlockingIOError):
            while True:
                connection, _ = self._listener.accept()
                connection.setblocking(False)
                self._connections.append(connection)
                self._send(connection, self._hello)
        step, steps, kernel = progress.step, progress.steps, progress.kernel
        line = encode(Compiling(step=step, steps=steps, what=kernel, hint=HINT))
        for connection in list(self._connections):
            self._send(connection, line)

    def _send(self, connection: socket.socket, line: bytes) -> None:
        """A whole line or none: who does not read is let go, and comes again."""
        try:
            is_sent = connection.send(line) == len(line)
        except OSError:
            is_sent = False
        if not is_sent:
            connection.close()
            self._connections.remove(connection)

    def take(self) -> Taken:
        """Let the node speak for itself from now on, and show it."""
        self._is_taken = True
        self.show()
        return Taken(self._listener, self._connections, self._token)

    def close(self) -> None:
        """End the viewer's process."""
        if self._process is not None:
            self._process.terminate()
        if not self._is_taken:
            for each in (self._listener, *self._connections):
                each.close()


@contextlib.contextmanager
def opened(cities: Sequence[str], *, wanted: bool) -> Iterator[Window | None]:
    """A window for as long as the context lasts, which shows at once what is compiled; None where
    none is wanted or there is no display: then the status lines say all.

    Args:
        cities: names, to be shown while there is nothing else.
    """
    if not wanted or display_reason():
        yield None
        return
    from city_node.compiling import at_interrupt, followed  # loads numba

    window = Window(cities)
    at_interrupt.append(window.close)
    try:
        with followed(window.tell):
            yield window
    finally:
        at_interrupt.remove(window.close)
        window.close()
