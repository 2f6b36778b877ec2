"""Peers that mean a node ill, each doing one thing to one port until it is ended.

Called by `tools/bench/hostile.py`, each in a process of its own, the last in line for the machine's
time: on a network they would have machines of their own.
"""

import contextlib
import itertools
import json
import os
import socket
import time
from collections.abc import Callable

HOST = "127.0.0.1"
FINE = {
    "Money": 1000,
    "BuysSells": "bed",
    "CarryingCapacity": 20,
    "ExpectedPrices": {"bed": {"VILLAINY": 50.0, "RIVERWOOD": 40.0}},
}

SYBILS = 63
"""As many names as one city lets in, less one."""

LORISES = 60
"""Connections that send a byte now and again: as many as may be silent at once, nearly."""

RESETS_KEEP_S = 0.05
"""A villain who was thrown out is back after so long."""


def line(**changed: object) -> bytes:
    """A merchant that is fine, but for what was changed."""
    return json.dumps(FINE | changed).encode() + b"\n"


def connected(port: int, greeting: bytes) -> socket.socket:
    """A connection that has greeted and was greeted."""
    stream = socket.create_connection((HOST, port), timeout=10.0)
    stream.sendall(greeting)
    if greeting:
        stream.recv(64)
        time.sleep(0.06)  # the quiet after the greeting
    return stream


def again(act: Callable[[int], None]) -> Callable[[int], None]:
    """Do it again and again, however often the node throws one out."""

    def acting(port: int) -> None:
        os.nice(19)
        while True:
            with contextlib.suppress(OSError):
                act(port)
            time.sleep(RESETS_KEEP_S)

    return acting


def poured(data: bytes) -> Callable[[int], None]:
    """Write the same bytes as fast as they are taken, reading whatever comes back."""

    def pour(port: int) -> None:
        with connected(port, b"Villainy\n") as stream:
            stream.setblocking(False)
            rest = data
            while True:
                with contextlib.suppress(BlockingIOError):
                    rest = rest[stream.send(rest) :] or data
                with contextlib.suppress(BlockingIOError):
                    if not stream.recv(1_000_000):
                        return
                time.sleep(0.0005)

    return pour


def never_read(port: int) -> None:
    """Write merchants that go back, and read none of them."""
    with connected(port, b"Villainy\n") as stream:
        stream.settimeout(60.0)
        while True:
            stream.sendall(line(BuysSells="gold") * 100)


def slow_loris(port: int) -> None:
    """Hold many connections open by a byte now and again."""
    with contextlib.ExitStack() as held:
        streams = [held.enter_context(connected(port, b"")) for _ in range(LORISES)]
        for byte in itertools.cycle(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"):
            for stream in streams:
                stream.sendall(bytes([byte]))
            time.sleep(0.1)


def newcomers(port: int) -> None:
    """Connect and go, as fast as it can be done."""
    while True:
        socket.create_connection((HOST, port), timeout=10.0).close()


def sybils(port: int) -> None:
    """Many names, each with as many merchants as it may have, and more."""
    with contextlib.ExitStack() as held:
        streams = []
        for number in range(SYBILS):
            with contextlib.suppress(OSError):
                stream = held.enter_context(connected(port, b"Sybil%d\n" % number))
                stream.setblocking(False)
                streams.append(stream)
        while True:
            for stream in streams:
                with contextlib.suppress(BlockingIOError, ConnectionError):
                    stream.send(line() * 10)
                with contextlib.suppress(BlockingIOError, ConnectionError):
                    stream.recv(1_000_000)
            time.sleep(0.01)


ATTACKS: dict[str, Callable[[int], None]] = {
    "a flood of merchants": again(poured(line() * 100)),
    "a flood of lines that go back": again(poured(line(BuysSells="gold") * 100)),
    "forged money": again(poured(line(Money=999_999) * 100)),
    "garbage": again(poured(b'{"Money":NaN}\n' * 15 + b"garbage\n" * 100)),
    "huge lines": again(poured(b"x" * 1_000_000 + b"\n")),
    "deep lines": again(poured(b"[" * 60_000 + b"\n")),
    "one who does not read": again(never_read),
    "slow-loris": again(slow_loris),
    "newcomers without end": again(newcomers),
    "Sybils": again(sybils),
}
"""What is done to a node."""
