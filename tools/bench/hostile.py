"""What an honest peer notices of a hostile one: its p99 under attack over its p99 alone.

A node runs one city in a process of its own, its border open to any node. The honest peer is
another node: it offers a merchant, and measures until he has entered, through TLS, decoder, border,
a window, the journal and back, twice; whoever comes to it is sent home. It is measured alone, under
an attack and alone again, on a new node for each attack.
"""

import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from statistics import median

import trio

from tools.bench.results import Result, Row, figure, row_of
from tools.hostile import ATTACKS
from tools.node_peer import NodePeer, linked, record_of
from tools.node_process import free_ports, node

ROUNDS = 3
PHASE_S = 5.0
SETTLE_S = 1.0
"""An attack gets so long to begin, and its traces to go."""

PAUSE_S_MAX = 0.02
"""Between two measurements, evenly spread, so that they fall anywhere in a window."""

LATE_S_MAX = 60.0
GOAL = 5.0
OPEN = '[border]\nadmission = "open"\n'

EXPECTED = """
A window is 1/60 s, and a migration takes two with a commit each, so alone the p99 is about 60 ms.
What one guest sends is understood for at most 4 ms at a time, a stranger is read slowly, and a node
that is let in is bounded by credit; several villains take turns of their own. A p99 three times as
long would be four windows more.
"""


async def p99_ms(peer: NodePeer) -> float:
    """Of one phase."""
    random, took_s = Random(1), []
    end_s = time.perf_counter() + PHASE_S
    while time.perf_counter() < end_s:
        await trio.sleep(random.uniform(0, PAUSE_S_MAX))
        began_s = time.perf_counter()
        (xid,) = peer.depart(peer.theirs[0], [record_of()])
        await peer.flush()
        with trio.fail_after(LATE_S_MAX):
            await peer.ended(xid)
        took_s.append(time.perf_counter() - began_s)
    return sorted(took_s)[int(len(took_s) * 0.99)] * 1_000


@contextmanager
def attacked(attack: str, port: int, node_port: int) -> Iterator[None]:
    """Let one villain loose."""
    process = multiprocessing.get_context("spawn").Process
    villain = process(target=act, args=(attack, port, node_port))
    villain.start()
    try:
        yield
    finally:
        villain.kill()
        villain.join()


def act(attack: str, port: int, node_port: int) -> None:
    """What the villain's process does."""
    ATTACKS[attack](port, node_port)


async def phases(attack: str, folder: Path, port: int, node_port: int) -> tuple[float, float]:
    """The p99 alone and under attack, ms."""
    async with linked(folder, node_port, "Honesty", "tool") as peer:
        before_ms = await p99_ms(peer)
        with attacked(attack, port, node_port):
            await trio.sleep(SETTLE_S)
            under_ms = await p99_ms(peer)
        await trio.sleep(SETTLE_S)
        after_ms = await p99_ms(peer)
    return (before_ms + after_ms) / 2, under_ms


def measured(attack: str) -> tuple[float, float]:
    """A node, the honest peer and one villain; its books must balance, or this raises."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "open.toml").write_text(OPEN, "utf-8")
        port, node_port = free_ports(1), free_ports(1)
        ports = ["--port", str(port), "--node-port", str(node_port)]
        asked = ["Riverwood", "--config", str(folder / "open.toml"), "--no-discovery", *ports]
        with node(*asked, "--seed", "1", home=folder / "home") as running:
            running.reach(1)
            found = trio.run(phases, attack, folder / "honesty", port, node_port)
            running.interrupt()
            running.end()
    return found


def measure(tell: Callable[[str, float], None]) -> Result:
    """Every attack in rounds."""
    alone_ms: list[float] = []
    ratios: dict[str, list[float]] = {attack: [] for attack in ATTACKS}
    steps, done = ROUNDS * len(ATTACKS), 0
    for _ in range(ROUNDS):
        for attack, found in ratios.items():
            tell(attack, done / steps)
            done += 1
            alone, under = measured(attack)
            alone_ms.append(alone)
            found.append(under / alone)
    rows = tuple(
        row_of(attack, found, "times alone", more_is_better=False, goal=GOAL)
        for attack, found in ratios.items()
    )
    return Result("Hostile peers", EXPECTED, rows, found_of(rows, alone_ms))


def found_of(rows: tuple[Row, ...], alone_ms: list[float]) -> str:
    """What the figures say."""
    worst = max(rows, key=lambda row: row.ours)
    return (
        f"Alone the honest peer's p99 is {median(alone_ms):.0f} ms "
        f"({min(alone_ms):.0f} … {max(alone_ms):.0f}). Worst is {worst.what}: "
        f"{figure(worst.ours)} times that. Each villain has a process of its own on the node's "
        "machine, niced to the end of the queue. The nodes ran on; their books balanced at the end."
    )
