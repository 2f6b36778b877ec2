"""What an honest peer notices of a hostile one: its p99 under attack over its p99 alone.

A node runs one city in a process of its own. The honest peer trades with it: it sends every visitor
back, and now and then a merchant of more money than a guest may bring, who is turned back by the
border with the next window. The time until he is back, through socket, decoder, window and socket,
is what is measured. A minute of it alone and under each attack by turns.
"""

import multiprocessing
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from statistics import median

from tools.bench.results import Result, Row, figure, row_of
from tools.hostile import ATTACKS, HOST, line
from tools.networked import free_ports, node

ROUNDS = 3
PHASE_S = 6.0
SETTLE_S = 1.0
"""An attack gets so long to begin."""

PAUSE_S_MAX = 0.02
"""Between two measurements, evenly spread, so that they fall anywhere in a window."""

LATE_S_MAX = 30.0
GOAL = 5.0

EXPECTED = """
A window is 1/60 s, so alone the p99 is about a window and a half, 25 ms. What one peer sends is
understood for at most 4 ms at a time, then it is everybody else's turn; several villains take turns
of their own. A p99 three times as long would be two windows more.
"""


class Honest:
    """The honest peer's end of the road."""

    def __init__(self, port: int) -> None:
        self._stream = socket.create_connection((HOST, port), timeout=LATE_S_MAX)
        self._stream.sendall(b"Honesty\n")
        self._lines = self._stream.makefile("rb")
        self._lines.readline()
        self._random = Random(1)
        self._sent = 0
        time.sleep(0.1)

    def round_trip_s(self) -> float:
        """Send one who is turned back; how long he took. Visitors are sent home meanwhile."""
        time.sleep(self._random.uniform(0, PAUSE_S_MAX))
        self._sent += 1
        too_rich = line(Money=500_000 + self._sent)
        began_s = time.perf_counter()
        self._stream.sendall(too_rich)
        while (came := self._lines.readline()) != too_rich:
            if not came:
                raise ConnectionError("the honest peer was thrown out")
            self._stream.sendall(came)
        return time.perf_counter() - began_s

    def p99_ms(self) -> float:
        """Of one phase."""
        end_s = time.perf_counter() + PHASE_S
        took_s = []
        while time.perf_counter() < end_s:
            took_s.append(self.round_trip_s())
        return sorted(took_s)[int(len(took_s) * 0.99)] * 1_000

    def close(self) -> None:
        """Go."""
        self._stream.close()


@contextmanager
def attacked(attack: str, port: int) -> Iterator[None]:
    """Let one villain loose."""
    villain = multiprocessing.get_context("spawn").Process(target=act, args=(attack, port))
    villain.start()
    try:
        time.sleep(SETTLE_S)
        yield
    finally:
        villain.kill()
        villain.join()


def act(attack: str, port: int) -> None:
    """What the villain's process does."""
    ATTACKS[attack](port)


def measure(tell: Callable[[str, float], None]) -> Result:
    """Every attack in rounds, alone before and after."""
    alone_ms: list[float] = []
    ratios: dict[str, list[float]] = {attack: [] for attack in ATTACKS}
    steps, done = ROUNDS * len(ATTACKS), 0
    port = free_ports(1)
    with node("Riverwood", "--port", str(port), "--no-discovery", "--seed", "1") as running:
        running.reach(1)
        honest = Honest(port)
        for _ in range(ROUNDS):
            for attack in ATTACKS:
                tell(attack, done / steps)
                done += 1
                before_ms = honest.p99_ms()
                with attacked(attack, port):
                    under_ms = honest.p99_ms()
                time.sleep(SETTLE_S)
                after_ms = honest.p99_ms()
                alone_ms += [before_ms, after_ms]
                ratios[attack].append(under_ms / ((before_ms + after_ms) / 2))
        honest.close()
        running.interrupt()
        running.end()  # its books balance, or this raises
    rows = tuple(
        row_of(attack, found, "times alone", more_is_better=False, goal=GOAL)
        for attack, found in ratios.items()
    )
    worst = max(rows, key=lambda row: row.ours)
    return Result("Hostile peers", EXPECTED, rows, found_of(worst, alone_ms))


def found_of(worst: Row, alone_ms: list[float]) -> str:
    """What the figures say."""
    return (
        f"Alone the honest peer's p99 is {median(alone_ms):.0f} ms "
        f"({min(alone_ms):.0f} … {max(alone_ms):.0f}). Worst is {worst.what}: "
        f"{figure(worst.ours)} times that. Each villain has a process of its own on the node's "
        "machine, niced to the end of the queue. The node ran on; its books balanced at its end."
    )
