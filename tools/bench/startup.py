"""How long a user waits: `city-node --help`, a warm start to the first tick, a cold one.

Each is a process of its own. `--help` is timed from its start to its end, and held against a
process that imports typer and trio, which it must be able to load: measured in turns, so that what
else the machine does falls on both. A run of one tick is timed from its start to the line that
tells the first tick; the interpreter's tear-down, which nobody waits for, is not in the figure.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from tools.bench.results import Peer, Result, Row, figure, row_of

REPETITIONS = 9
COLD_REPETITIONS = 2

HELP = (sys.executable, "-m", "city_node", "--help")
IMPORTS = (sys.executable, "-c", "import typer, trio")
FIRST_TICK = (
    *(sys.executable, "-m", "city_node", "Riverwood", "Seaside"),
    *("--headless", "--no-discovery", "--ticks", "1", "--speed", "max", "--log-json"),
)

EXPECTED = """
Python itself takes 15 ms, typer 40, trio 80; `--help` needs no trio, so it should be below the two
together. A run loads numpy and numba (0.3 s), trio, zeroconf, cryptography and msgspec (0.25 s),
reads its kernels from the cache (the first call 0.23 s) and founds two towns: 0.8 s. Compiling the
fused kernel of bazaar and merchants takes about 4 s more.
"""


class Took(NamedTuple):
    """Seconds that one process had a core, and seconds on the wall."""

    core: float
    wall: float


def measure(tell: Callable[[str, float], None]) -> Result:
    """All starts; `tell` hears what is being done and what share of it is."""
    helps, imports, warm, cold = [], [], [], []
    run(FIRST_TICK)  # the kernels are in the cache, and the files in memory
    for number in range(REPETITIONS):
        tell("--help, imports, a warm start in turns", number / (REPETITIONS + 2))
        helps.append(run(HELP))
        imports.append(run(IMPORTS))
        warm.append(first_tick())
    for number in range(COLD_REPETITIONS):
        tell("a cold start", (REPETITIONS + number) / (REPETITIONS + 2))
        with tempfile.TemporaryDirectory() as empty:
            cold.append(first_tick(cache=Path(empty)))
    beside = median(took.core for took in imports)
    rows = (
        row(
            "`city-node --help`",
            helps,
            peers=(Peer("importing typer and trio", beside, "beside"),),
            goal=0.3,
            floor=3.0 * beside,
        ),
        row("first tick of two cities, kernels cached", warm, goal=0.8),
        row("first tick of two cities, nothing cached", cold, goal=10.0),
    )
    least = min(took.wall for took in warm)
    found = (
        "The floor of `--help` is three times what importing typer and trio takes. On the wall the "
        f"quickest warm start took {least:.2f} s."
    )
    return Result("Start-up", EXPECTED, rows, found)


def row(what: str, took: list[Took], **more: Any) -> Row:
    """A row of core seconds, the wall in its note."""
    walls = [each.wall for each in took]
    note = f"on the wall {figure(median(walls))} s ({figure(min(walls))} … {figure(max(walls))})"
    cores = [each.core for each in took]
    return row_of(what, cores, "s", more_is_better=False, note=note, **more)


def run(command: tuple[str, ...]) -> Took:
    """What one process took, from its start to its end; it must end with status 0."""
    before = os.times()
    began = time.perf_counter()
    subprocess.run(command, env=environment(None), check=True, capture_output=True)
    wall, after = time.perf_counter() - began, os.times()
    core = after.children_user - before.children_user
    return Took(core + after.children_system - before.children_system, wall)


def first_tick(cache: Path | None = None) -> Took:
    """What a node took from its start to the line that tells its first tick.

    Args:
        cache: an empty folder for kernels, notes and tokens, instead of the user's.
    """
    began = time.perf_counter()
    with (
        tempfile.TemporaryDirectory() as world,
        subprocess.Popen(
            FIRST_TICK,
            env=environment(cache) | {"CITY_NODE_DATA_DIR": world},
            stderr=subprocess.PIPE,
        ) as process,
    ):
        assert process.stderr
        for line in process.stderr:
            if line.startswith(b"{") and json.loads(line).get("tick") == 1:
                took = Took(core_seconds_of(process.pid), time.perf_counter() - began)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, FIRST_TICK)
    return took


def core_seconds_of(process: int) -> float:
    """Seconds that a process and its threads have had a core so far; Linux, in steps of 10 ms."""
    after_name = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def environment(cache: Path | None) -> dict[str, str]:
    """For a process of its own."""
    inherited = dict(os.environ)
    inherited.pop("NUMBA_CACHE_DIR", None)  # of the bench itself
    if cache is not None:
        inherited |= {"XDG_CACHE_HOME": str(cache), "CITY_NODE_HOME": str(cache / "home")}
    return inherited
