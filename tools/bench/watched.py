"""A city of a million residents with a viewer on it: what a person at the screen gets.

The node is a process of its own, at full speed. This process is the viewer: it hears the node over
the observer socket and paints sixty pictures a second on a surface without a screen, as the window
does. Ticks are counted by what the node tells the viewer, so that a rate nobody is shown does not
count; the node's time is that of its core, for whoever else is busy would otherwise be measured.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import NamedTuple

import pygame

from protocol.observe import Snapshot
from tools.bench.lateness import free_port
from tools.bench.results import Result, figure, row_of
from tools.bench.startup import core_seconds_of
from viewer.draw import Canvas
from viewer.feed import Feed
from viewer.history import History
from viewer.state import View, advance_clock, widen_span

LOCALS = 1_000_000
SIZE = (1280, 800)
FRAMES_PER_S = 60
SETTLE_S, MEASURED_S = 10.0, 20.0
STARTS_S_MAX = 300.0
"""To found a million residents, on a busy machine, and compile first."""

EXPECTED = """
A tick of a million residents takes 45 ms of a core: 22 a second. A snapshot reads every resident's
money, prices and goods, 100 MB in all: 40 ms, which the node spends no more than a twentieth of its
time on, so that one comes every 0.8 s. The viewer's picture costs what it costs for twenty
residents.
"""


class Seen(NamedTuple):
    """What a viewer saw over some time.

    Attributes:
        ticks_per_core_s, ticks_per_s: the node's rate, of its core and on the wall.
        shown_ticks_per_s: the rate as the window showed it last.
        between_ms: milliseconds between two snapshots.
        frame_ms, frame_core_ms: between two pictures, and what painting one took of a core.
    """

    ticks_per_core_s: float
    ticks_per_s: float
    shown_ticks_per_s: float
    between_ms: list[float]
    frame_ms: list[float]
    frame_core_ms: list[float]


def measure(tell: Callable[[str, float], None]) -> Result:
    """One long look."""
    tell(f"founding {LOCALS:,} residents", 0.0)
    with running() as (process, address):
        seen = look(process, address, tell)
    fewer_is_better = {"more_is_better": False}
    rows = (
        row_of(
            f"{LOCALS:,} residents, a viewer attached",
            [seen.ticks_per_core_s],
            "ticks/s",
            goal=10.0,
            note=f"on the wall {figure(seen.ticks_per_s)}, "
            f"and {figure(seen.shown_ticks_per_s)} shown in the window",
        ),
        row_of("from one snapshot to the next", seen.between_ms, "ms", **fewer_is_better),
        row_of("from one picture to the next", seen.frame_ms, "ms", **fewer_is_better),
        row_of(
            "a picture, of a core",
            seen.frame_core_ms,
            "ms",
            goal=1_000 / FRAMES_PER_S,
            **fewer_is_better,
        ),
    )
    late = sum(took > 100 for took in seen.frame_ms) / len(seen.frame_ms)
    found = (
        f"{len(seen.frame_ms):,} pictures and {len(seen.between_ms) + 1:,} snapshots in "
        f"{MEASURED_S:.0f} s; {late:.1%} of the pictures came more than 100 ms after the last. The "
        "node's time includes the snapshots, whose lowest and highest prices numpy took 170 ms "
        "for, down columns of a tall table; rows laid side by side take 6."
    )
    return Result("A million residents, watched", EXPECTED, rows, found)


@contextmanager
def running() -> Iterator[tuple[int, str]]:
    """A node with one large city: (its process id, where observers reach it)."""
    port = free_port()
    command = [
        *(sys.executable, "-m", "city_node", "Riverwood", "--locals", str(LOCALS), "--seed", "1"),
        *("--headless", "--no-discovery", "--speed", "max", "--observe-port", str(port)),
    ]
    environment = {name: text for name, text in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    with tempfile.TemporaryDirectory() as folder:
        environment |= {"XDG_DATA_HOME": folder, "CITY_NODE_HOME": f"{folder}/trust"}
        with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
            try:
                yield process.pid, f"127.0.0.1:{port}"
            finally:
                process.kill()


def look(process: int, address: str, tell: Callable[[str, float], None]) -> Seen:
    """Watch as a window does, first until the node has settled, then for what is measured."""
    feed, history, view, canvas = Feed(address), History(), View(), Canvas()
    surface = pygame.Surface(SIZE)
    snapshots: list[tuple[float, int, float, float]] = []  # when, tick, rate, core seconds
    frames: list[tuple[float, float]] = []  # when, core milliseconds
    feed.start()
    began_s = first_s = time.monotonic()
    try:
        while not snapshots or time.monotonic() < first_s + SETTLE_S + MEASURED_S:
            now_s = time.monotonic()
            if not snapshots and now_s > began_s + STARTS_S_MAX:
                raise TimeoutError(f"nothing seen of the node: {feed.link.why}")
            advance_clock(view, history, live=feed.link.phase == "live", now_s=now_s)
            fresh = False
            for message, came_s in feed.drain():
                history.apply(message, came_s)
                if isinstance(message, Snapshot):
                    fresh = True
                    first_s = first_s if snapshots else now_s
                    rate = float(message.ticks_per_s or 0.0)
                    snapshots.append((came_s, message.tick, rate, core_seconds_of(process)))
            widen_span(view, history)
            core_s = time.thread_time()
            canvas.paint(surface, view, history, feed.link, fresh=fresh)
            frames.append((now_s, 1_000 * (time.thread_time() - core_s)))
            tell("watching", min(1.0, (now_s - first_s) / (SETTLE_S + MEASURED_S)))
            time.sleep(max(0.0, now_s + 1 / FRAMES_PER_S - time.monotonic()))
    finally:
        feed.stop()
    snapshots = [seen for seen in snapshots if seen[0] >= first_s + SETTLE_S]
    frames = [frame for frame in frames if frame[0] >= first_s + SETTLE_S]
    (start_s, start_tick, _, start_core_s), (end_s, end_tick, shown, end_core_s) = (
        snapshots[0],
        snapshots[-1],
    )
    ticks = end_tick - start_tick
    return Seen(
        ticks / (end_core_s - start_core_s),
        ticks / (end_s - start_s),
        shown,
        _between([came_s for came_s, *_ in snapshots]),
        _between([shown_s for shown_s, _ in frames]),
        [core_ms for _, core_ms in frames],
    )


def _between(times_s: list[float]) -> list[float]:
    """Milliseconds from each to the next."""
    return [1_000 * (later - sooner) for sooner, later in pairwise(times_s)]
