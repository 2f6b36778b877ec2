"""How late a node's windows are, watched and not: part of the viewer's benchmark.

A node runs in this process at its default speed; viewers are processes of their own, without a
display, and one more observer connects and never reads. Late is what the clock says less what the
ticks say, after each window.
"""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from unittest import mock

import trio

from city_node.cities.world import found_world
from city_node.node import run_node
from city_node.pace import FRAME_S, Pace
from city_node.settings.config import resolve
from city_node.settings.wishes import Run, Wishes
from tools.bench.results import Row, row_of

SPEED_TICKS_PER_S = 6_000
WARM_UP_S, MEASURED_S = 3.0, 6.0
VIEWERS = (0, 1, 3)


def rows() -> list[Row]:
    """A row for each number of viewers; milliseconds beyond the frame a window takes anyway."""
    found = []
    for viewers in VIEWERS:
        late = measure(viewers)
        who = "nobody watching" if not viewers else f"{viewers} viewers and one who never reads"
        found.append(row_of(f"windows late, {who}", late, "ms", more_is_better=False))
    return found


def measure(viewers: int) -> list[float]:
    """Milliseconds that each window of some seconds was late."""
    port = free_port()
    config = resolve(
        Wishes(cities=("Riverwood", "Seaside"), seed=7, discovery=False, observe_port=port)
    )
    windows: list[tuple[float, int]] = []
    plain = Pace.passed

    def passed(pace: Pace, ticks: int, engine_s: float) -> None:
        plain(pace, ticks, engine_s)
        windows.append((trio.current_time(), ticks))

    async def watched() -> None:
        with trio.move_on_after(WARM_UP_S + MEASURED_S):
            async with trio.open_nursery() as nursery:
                run = Run(headless=True, log_json=True)
                nursery.start_soon(run_node, found_world(config), config, "bench", run)
                await trio.sleep(0.5)
                with observing(port, viewers):
                    await trio.sleep_forever()

    with (
        mock.patch.object(Pace, "passed", passed),
        open(os.devnull, "w") as nowhere,
        contextlib.redirect_stderr(nowhere),
    ):
        trio.run(watched)
    return lateness_ms([window for window in windows if window[0] > windows[0][0] + WARM_UP_S])


def lateness_ms(windows: list[tuple[float, int]]) -> list[float]:
    """What the clock says less what the ticks say, less a frame, never below nothing."""
    began_s, _ = windows[0]
    late, ticks = [], 0
    for ended_s, more in windows[1:]:
        ticks += more
        behind_s = ended_s - began_s - ticks / SPEED_TICKS_PER_S
        late.append(1_000 * max(0.0, behind_s - FRAME_S))
    return late


@contextlib.contextmanager
def observing(port: int, viewers: int) -> Iterator[None]:
    """So many viewers, and, if there are any, one observer more who never reads."""
    if not viewers:
        yield
        return
    environment = os.environ | {"SDL_VIDEODRIVER": "dummy"}
    command = [sys.executable, "-m", "viewer", f"127.0.0.1:{port}"]
    started = [subprocess.Popen(command, env=environment) for _ in range(viewers)]
    try:
        with socket.create_connection(("127.0.0.1", port)):
            yield
    finally:
        for process in started:
            process.kill()
            process.wait()


def free_port() -> int:
    """A TCP port that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
