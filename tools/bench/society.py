"""The society: nanoseconds a citizen and pulse on two threads, beside the same rules in torch.

Societies in their stride, as many places as founders; ours and torch's pulses in turn, so that
what else the machine does befalls both. Wall time, for two threads work at once; and because a
shared machine takes cores away, the best of the repetitions counts, of ours as of torch's.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from engine.economy import Setting, Spread
from engine.goods import Good
from engine.society.params import Parameters
from engine.society.pulse import citizens, conditions, pulse, refill
from engine.society.state import PLACES, Society, found
from tools.bench import society_torch
from tools.bench.results import Peer, Result, Row

SIZES = ((1_000_000, 12), (10_000_000, 6))
"""Citizens at the founding, and repetitions."""

THREADS = 2
SETTLING_PULSES = 30
PLACES_A_CITIZEN = 1.0
LARGEST = 30_000_000
MEMORY_GIB_MAX = 3.0
GOODS = {"wood": Good((0, 19), (4.0, 8.0), 15.0, gathered=True)}

EXPECTED = """
A pulse reads 20 bytes a place, and writes 5: at 10 million and some 10 GB/s for two threads 2.5 ns.
Age, tax and death are vectors of 16 in about forty operations: 1 ns a place on one core. Packing for
the arena is another, listing the grown-up and the empty places two or three additions a place: 1 ns.
An encounter is seated by some twenty loads and stores, 4 ns for two citizens, and played in vectors,
1 ns. The histogram is one addition a place, 0.5 ns. A birth reads and writes three lines of memory
that are in no cache and inherits 27 traits, some 150 ns; one in 50 citizens a pulse: 3 ns; a death
30 ns. In all 10 to 14 ns of one core, 5 to 7 ns on two. Plain torch makes some 150 passes of 4 to 8
bytes a citizen, and gathers at random after its shuffle: 100 to 250 ns.
"""


def measure(tell: Callable[[str, float], None]) -> Result:
    """Both sizes, then the memory of the largest."""
    rows: list[Row] = []
    with ThreadPoolExecutor(THREADS) as pool:
        for number, (size, repetitions) in enumerate(SIZES):
            tell(f"{size:,} citizens", number / (len(SIZES) + 1))
            rows += rows_of(size, repetitions, spread_over(pool))
    tell(f"{LARGEST:,} citizens, memory", len(SIZES) / (len(SIZES) + 1))
    rows.append(memory_row())
    return Result("Society", EXPECTED, tuple(rows), told(rows))


def spread_over(pool: ThreadPoolExecutor) -> Spread:
    """Pieces on the threads of a pool."""
    return lambda pieces: list(pool.map(lambda piece: piece(), pieces))


def society(size: int) -> Society:
    """Founders, as many as there are places."""
    capacity = int(size * PLACES_A_CITIZEN)
    setting = Setting(size, GOODS, {}, np.uint64(1))
    return found(setting, Parameters(population=size, capacity=capacity))


def rows_of(size: int, repetitions: int, spread: Spread) -> list[Row]:
    """A size's row, and how many times torch's it is."""
    state = society(size)
    for _ in range(SETTLING_PULSES):
        state = pulse(state, np.uint64(1), spread)
    refill(state)
    columns: Any = society_torch.started(state, THREADS)
    ours, theirs = [], []
    for number in range(repetitions):
        key = np.uint64(1_000_003 * number + 2**40)
        now = conditions(state, key)
        living = int((state.people.energy > 0).sum())
        began = time.perf_counter()
        citizens(state, now, key, spread)
        ours.append((time.perf_counter() - began) / living * 1e9)
        if columns is not None and number % 2 == 0:
            living = int((columns.energy > 0).sum())
            took_s = society_torch.seconds(columns, now, state.rules.species, number)
            theirs.append(took_s / living * 1e9)
    places = len(state.people.energy) * PLACES
    best = min(ours)
    peers = (Peer("plain torch, the same rules", min(theirs), "beside"),) if theirs else ()
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
    """The largest resident set of a process that founds the largest society and lets one pulse pass."""
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
