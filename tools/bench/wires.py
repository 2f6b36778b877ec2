"""What the benchmarks of both wires share: merchants, a process beside, a clock, columns to fill.

Used by `wire` and `node_wire`.
"""

import multiprocessing
import random
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from protocol.events import Merchants
from protocol.messages import Merchant
from tools.bench.results import Peer, Row, figure, row_of

HOST = "127.0.0.1"
GOODS = ("wood", "chair", "thread", "bed")
CITIES = ("RIVERWOOD", "SEASIDE", "PORTSVILLE", "WINTERHOLD")
INBOX_MERCHANTS_MAX = 4_096
"""Rows of the columns; then they are filled anew."""


class Rate(NamedTuple):
    """Merchants a second: of a core, and on the wall."""

    core: float
    wall: float


class Clock:
    """Runs from where it is made."""

    def __init__(self) -> None:
        self._core_s, self._wall_s = time.process_time(), time.perf_counter()

    def rate(self, count: int) -> Rate:
        """So many since then."""
        core_s, wall_s = time.process_time() - self._core_s, time.perf_counter() - self._wall_s
        return Rate(count / core_s, count / wall_s)


def merchants(count: int) -> list[Merchant]:
    """Merchants as the tutorial's client sends them: prices of four goods in four cities."""
    drawn = random.Random(1)
    return [
        Merchant(
            money_minor=drawn.randrange(10**11, 2 * 10**11),
            good=drawn.choice(GOODS),
            capacity=20,
            owned=drawn.randrange(21),
            expected_prices={
                good: {city: drawn.uniform(1, 60) for city in CITIES} for good in GOODS
            },
        )
        for _ in range(count)
    ]


@contextmanager
def beside(work: Callable[..., None], *arguments: Any) -> Iterator[socket.socket]:
    """Run `work(port, ...)` in another process; the socket on which it calls."""
    with socket.create_server((HOST, 0)) as listener:
        port = listener.getsockname()[1]
        process = multiprocessing.get_context("spawn").Process(target=work, args=(port, *arguments))
        process.start()
        stream, _ = listener.accept()
        with stream:
            yield stream
    process.join()


class Columns:
    """Arrays with a row a merchant, filled from the top and, once full, again: windows pass."""

    def __init__(self) -> None:
        self.size = self.used = 0
        self.numbers = np.empty((4, INBOX_MERCHANTS_MAX), np.int64)
        self.prices = np.empty((INBOX_MERCHANTS_MAX, len(GOODS), len(CITIES)))

    def take(self, came: Merchants) -> None:
        """Append what came."""
        if self.used + len(came) > INBOX_MERCHANTS_MAX:
            self.used = 0
        end = self.used + len(came)
        columns = (came.money_minor, came.good, came.capacity, came.owned)
        for row, column in zip(self.numbers, columns, strict=True):
            row[self.used : end] = np.frombuffer(column, np.int64)
        shape = (len(came), len(came.goods), len(came.cities))
        self.prices[self.used : end] = np.frombuffer(came.prices).reshape(shape)
        self.used = end
        self.size += len(came)


def beside_peer(name: str, rates: list[Rate]) -> Peer:
    """A peer that was measured in the same rounds."""
    return Peer(name, median(rate.core for rate in rates), "beside")


def row(what: str, rates: list[Rate], peers: tuple[Peer, ...], **more: Any) -> Row:
    """A row of rates of a core, the wall in its note."""
    walls = [rate.wall for rate in rates]
    note = f"on the wall {figure(median(walls))} ({figure(min(walls))} … {figure(max(walls))})"
    cores = [rate.core for rate in rates]
    return row_of(what, cores, "merchants/s", peers=peers, note=note, **more)
