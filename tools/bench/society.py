"""The society: nanoseconds a citizen and pulse on two threads, beside the same rules in torch.

Societies in their stride, in an age so generous that the places are nearly full; ours and torch's
pulses in turn, so that what else the machine does befalls both. Time is what each thread had a core
for: of our two threads the half, and what is not spread over them in full; of torch's one thread
the half as well, as if it used two perfectly, which it does not. Of the repetitions the best
counts, of ours as of torch's, for what others do to the caches can only be against us both.
"""

import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np

from engine.economy import Setting
from engine.goods import Good
from engine.society.founding import found
from engine.society.params import REGIMES, Parameters
from engine.society.pulse import citizens, conditions, pulse, refill
from engine.society.state import PLACES, Society
from tools.bench import society_torch
from tools.bench.machine import core_seconds
from tools.bench.results import Peer, Result, Row

SIZES = ((1_000_000, 12), (10_000_000, 6))
"""Citizens at the founding, and repetitions."""

THREADS = 2
SETTLING_PULSES = 30
GENEROUS = (replace(REGIMES[0], base_tax=30, refill=60, hazard=0.005),)
LARGEST = 30_000_000
MEMORY_GIB_MAX = 3.0
GOODS = {"wood": Good((0, 19), (4.0, 8.0), 15.0, gathered=True)}

EXPECTED = """
A pulse reads 20 bytes a place, and writes 5: at 10 million and some 10 GB/s for two threads 2.5 ns.
Age, tax and death are vectors of 16 in about forty operations: 1 ns a place on one core. Packing
for the arena is another, listing the grown-up and the empty places two or three additions a place:
1 ns. An encounter is seated by some twenty loads and stores, 4 ns for two citizens, and played in
vectors, 1 ns. The histogram is one addition a place, 0.5 ns. A birth reads and writes three lines
of memory that are in no cache and inherits 27 traits, some 150 ns; one in 50 citizens a pulse: 3
ns; a death 30 ns. In all 10 to 14 ns of one core, 5 to 7 ns on two. Plain torch makes some 150
passes of 4 to 8 bytes a citizen, and gathers at random after its shuffle: 100 to 250 ns.
"""


def measure(tell: Callable[[str, float], None]) -> Result:
    """The memory of the largest, then both sizes."""
    tell(f"{LARGEST:,} citizens, memory", 0.0)
    memory = memory_row()  # first: a child's record begins with what its parent had
    rows: list[Row] = []
    with ThreadPoolExecutor(THREADS) as pool:
        for number, (size, repetitions) in enumerate(SIZES):
            tell(f"{size:,} citizens", (number + 1) / (len(SIZES) + 1))
            rows += rows_of(size, repetitions, Timed(pool))
    rows.append(memory)
    return Result("Society", EXPECTED, tuple(rows), told(rows))


class Timed:
    """A Spread over a pool that sums up what its threads had a core for."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self.seconds = 0.0

    def __call__(self, pieces: Sequence[Callable[[], Any]]) -> None:
        """Run the pieces."""
        self.seconds += sum(self._pool.map(self._run, pieces))

    @staticmethod
    def _run(piece: Callable[[], Any]) -> float:
        began = core_seconds()
        piece()
        return core_seconds() - began


def society(size: int) -> Society:
    """Founders, as many as there are places."""
    setting = Setting(size, GOODS, {}, np.uint64(1))
    parameters = Parameters(capacity=size, regimes=GENEROUS, starting_energy=700)
    return found(setting, parameters)


def rows_of(size: int, repetitions: int, spread: Timed) -> list[Row]:
    """A size's row, and how many times torch's it is."""
    state = society(size)
    for _ in range(SETTLING_PULSES):
        state = pulse(state, np.uint64(1), spread)
    refill(state)
    columns: Any = society_torch.started(state)
    ours, theirs = [], []
    for number in range(repetitions):
        key = np.uint64(1_000_003 * number + 2**40)
        now = conditions(state, key)
        living = int((state.people.energy > 0).sum())
        before, began = spread.seconds, core_seconds()
        citizens(state, now, key, spread)
        took_s = core_seconds() - began + (spread.seconds - before) / THREADS
        ours.append(took_s / living * 1e9)
        if columns is not None and number % 2 == 0:
            living = int((columns.energy > 0).sum())
            took_s = society_torch.seconds(columns, now, state.rules.species, number)
            theirs.append(took_s / THREADS / living * 1e9)
    places = len(state.people.energy) * PLACES
    best = min(ours)
    peers = (Peer("plain torch, the same rules", min(theirs), "beside, halved"),) if theirs else ()
    row = Row(
        f"{size:,} founders on two threads, best of {repetitions}",
        best,
        best,
        max(ours),
        "ns a citizen and pulse",
        more_is_better=False,
        peers=peers,
        goal=10.0,
        floor=20.0,
        note=f"{living / places:.0%} of the places taken",
    )
    if not theirs:
        return [row]
    ratio = min(theirs) / best
    return [
        row,
        Row(
            f"{size:,} founders, against plain torch",
            ratio,
            min(theirs) / max(ours),
            max(theirs) / best,
            "times as fast",
            goal=20.0,
            floor=10.0,
        ),
    ]


MEMORY = """
import resource
from city_node.kernel_cache import prepare
prepare()
import numpy as np
from engine.society.pulse import pulse
from tools.bench.society import LARGEST, society
state = pulse(society(LARGEST), np.uint64(1))
assert state.commons.population[0] > 0.9 * LARGEST
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def memory_row() -> Row:
    """The resident set at most of a process that founds the largest society; one pulse passes."""
    ran = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True)
    gib = int(ran.stdout) / 2**20
    return Row(
        f"{LARGEST:,} citizens founded and one pulse passed, resident memory at most",
        gib,
        gib,
        gib,
        "GiB",
        more_is_better=False,
        floor=MEMORY_GIB_MAX,
    )


def told(rows: list[Row]) -> str:
    """What the figures say."""
    speeds = [row for row in rows if row.unit.startswith("ns")]
    ratios = [row.ours for row in rows if row.unit.startswith("times")]
    said = " and ".join(f"{row.ours:.1f}" for row in speeds)
    beside = f", {' and '.join(f'{ratio:.0f}' for ratio in ratios)} times as fast as plain torch"
    return (
        f"{said} ns a citizen and pulse at one and ten million{beside if ratios else ''}; "
        f"{rows[-1].ours:.2f} GiB hold {LARGEST:,} citizens. Not measured: a data-centre GPU, on "
        "which the plain version has not run, and a fused one does not exist."
    )
