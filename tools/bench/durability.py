"""What it costs that nothing is lost: coming back after a crash, checkpoints, the journal.

A city of 100,000 locals is kept in a folder as a node keeps it, then taken up again as after
`kill -9` at the worst moment: just before the next checkpoint is due. The journal takes transitions
of migrations in groups, each group one synced commit. Times are on the wall: a disk is waited for.
"""

import itertools
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from city_node.cities.advance import advance
from city_node.cities.world import World, found_world
from city_node.durability.checkpoint import chunks_of, freeze
from city_node.durability.folder import LEDGER, founding, open_database
from city_node.durability.keeping import CHECKPOINT_S
from city_node.durability.ledger import Ledger
from city_node.durability.recovery import program, recover
from city_node.durability.shelf import FolderShelf, name_of
from city_node.settings.config import Config, resolve
from city_node.settings.wishes import Wishes
from protocol.migration import Transition
from tools.bench.results import Result, Row, row_of

LOCALS, CRASHES = 100_000, 3
GROUP, GROUPS = 1_024, 200
MERCHANT_BYTES = 600

EXPECTED = """
Recovery reads and checks 20 MB (0.1 s), founds the city once to have its shape (0.1 s), and runs
again what was run since the checkpoint, 3 s of it at most: 3.3 s. A group of 1,024 transitions is
1,024 rows of 0.7 KB, some 5 ms of SQLite and Python, and one sync of the disk: at most 10 ms where
a sync takes less than 5.
"""


def measure(tell: Callable[[str, float], None]) -> Result:
    """Both; `tell` hears what is being done and what share of it is."""
    rows, found = recovery(tell)
    with tempfile.TemporaryDirectory() as folder:
        tell("the journal", 0.8)
        more, synced_ms = journal(Path(folder))
    found += f" A sync of this disk alone takes {synced_ms:.1f} ms."
    return Result("Durability", EXPECTED, (*rows, *more), found)


def recovery(tell: Callable[[str, float], None]) -> tuple[tuple[Row, ...], str]:
    """Crashes of a big city just before its next checkpoint."""
    config = resolve(Wishes(cities=("Riverwood",), seed=1, locals=LOCALS))
    took_s, wrote_s, read_s, replayed = [], [], [], 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        database = open_database(folder / LEDGER)
        ledger, shelf = Ledger(database, LEDGER), FolderShelf(folder)
        world = found_world(config)
        ledger.begin(world, "bench", program(), {"founding": founding(config)})
        for crash in range(CRASHES):
            tell(f"crash {crash + 1} of {CRASHES}", 0.8 * crash / CRASHES)
            wrote_s.append(checkpoint(world, ledger, shelf))
            read_s.append(came_back(config, folder))
            run_until_the_next(world)
            ledger.mark(world)
            took_s.append(came_back(config, folder))
        size_mb = len(shelf.read(shelf.names()[-1])) / 1e6
        replayed = world.tick // CRASHES
        database.close()
    rows = (
        row_of(
            f"recovery of {LOCALS:,} locals, checkpoint {CHECKPOINT_S:g} s old",
            took_s,
            "s",
            more_is_better=False,
            floor=5.0,
            note=f"{replayed:,} ticks replayed",
        ),
        row_of("the same, checkpoint just written", read_s, "s", more_is_better=False),
        row_of(
            "a checkpoint of it, copied, written and synced",
            wrote_s,
            "s",
            more_is_better=False,
            note=f"{size_mb:,.0f} MB; the loop waits for the copy alone",
        ),
    )
    return rows, f"Replaying is {median(took_s) / CHECKPOINT_S:.0%} of the time that was run."


def run_until_the_next(world: World) -> None:
    """Windows of a frame, as at top speed, for as long as a checkpoint may be old."""
    end_s = time.perf_counter() + CHECKPOINT_S
    while time.perf_counter() < end_s:
        advance(world, 2)


def checkpoint(world: World, ledger: Ledger, shelf: FolderShelf) -> float:
    """Write one; seconds."""
    began_s = time.perf_counter()
    frozen = freeze(world, ledger.commits, ledger.chain, {}, 0.0)
    shelf.write(name_of(world.tick, ledger.commits), chunks_of(frozen))
    ledger.mark(world)
    return time.perf_counter() - began_s


def came_back(config: Config, folder: Path) -> float:
    """Seconds from opening the folder to a world that could go on."""
    began_s = time.perf_counter()
    database = open_database(folder / LEDGER)
    recover(config, Ledger(database, LEDGER), FolderShelf(folder), say=print)
    database.close()
    return time.perf_counter() - began_s


def journal(folder: Path) -> tuple[tuple[Row, ...], float]:
    """Transitions in groups: rate, latency; and what a sync takes, milliseconds."""
    database = open_database(folder / LEDGER)
    ledger = Ledger(database, LEDGER)
    world = found_world(resolve(Wishes(cities=("Riverwood",), seed=1)))
    ledger.begin(world, "bench", program(), {})
    took_s = []
    merchant = bytes(range(200)) * (MERCHANT_BYTES // 200)
    numbers = itertools.count()
    for _ in range(GROUPS):
        xids = [next(numbers) for _ in range(GROUP // 2)]
        held = [Transition("Riverwood", "Seaside", "in", xid, "HELD", 5, merchant) for xid in xids]
        over = [Transition("Riverwood", "Seaside", "in", xid, "DROPPED", 5, None) for xid in xids]
        began_s = time.perf_counter()
        ledger.commit(world, 0, [], [], [*held, *over], at_s=0.0)
        took_s.append(time.perf_counter() - began_s)
    synced_ms = 1e3 * median(sync_alone(database) for _ in range(50))
    database.close()
    took_s = took_s[GROUPS // 10 :]
    latencies = sorted(1e3 * each for each in took_s)
    rates = [GROUP / each for each in took_s]
    rows = (
        row_of(f"journal, groups of {GROUP:,}", rates, "transitions/s", goal=100e3),
        row_of("a group, until it is durable", latencies, "ms", more_is_better=False, goal=10.0),
    )
    return rows, synced_ms


def sync_alone(database: sqlite3.Connection) -> float:
    """Seconds that the smallest synced commit takes."""
    began_s = time.perf_counter()
    database.execute("UPDATE mark SET tick = tick + 1")
    return time.perf_counter() - began_s
