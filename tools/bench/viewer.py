"""What a frame of the viewer costs: merchants walking, one panel anew, the whole picture.

On a made-up world and a surface without a screen, so that what is measured is our drawing and no
graphics card. Milliseconds of a core: a viewer runs beside its node, which needs the others.
"""

import time
from collections.abc import Callable

import pygame

from tests import made_up_snapshots as made_up
from tools.bench import lateness
from tools.bench.results import Result, Row, row_of
from viewer.draw import Canvas
from viewer.history import History
from viewer.state import Link, View

FRAMES = 60
FRAME_MS = 1_000 / 60
POINTS = 10_000

EXPECTED = """
A software surface of 1280 × 800 is 4 MB, copied in 0.1 ms. A panel of 20 lines over 10,000 points
gathers 600,000 numbers (0.7 ms) and draws as many soft lines and their bands (2 ms); 300 merchants
are one call (0.5 ms) once their places are known (1 ms). Six panels, map and scatter: 20 ms for the
whole picture, 5 ms when one panel is drawn anew: well below the 16.7 ms of sixty frames a second.
"""


def measure(tell: Callable[[str, float], None]) -> Result:
    """Frames of a small and of a large world, at two sizes."""
    tell("making up four cities", 0.0)
    small = made_up.history(points=500)
    tell(f"making up twenty cities with {POINTS:,} points", 0.05)
    large = made_up.history(cities=20, goods=6, points=POINTS, step=1)
    rows: list[Row] = []
    cases = (
        ("4 cities, 4 goods, 1280 × 800", small, (1280, 800)),
        (f"20 cities, 6 goods, {POINTS:,} points, 1280 × 800", large, (1280, 800)),
        (f"20 cities, 6 goods, {POINTS:,} points, 1920 × 1080", large, (1920, 1080)),
    )
    for number, (what, seen, size) in enumerate(cases):
        tell(what, 0.6 + 0.4 * number / len(cases))
        rows += measure_case(what, seen, size)
    tell("windows of a node, watched and not", 0.9)
    rows += lateness.rows()
    worst = max(row.high for row in rows if "panel" in row.what)
    found = f"The dearest frame with a panel took {worst:.1f} ms; 16.7 are allowed."
    return Result("The viewer's frames, and what it costs the node", EXPECTED, tuple(rows), found)


def measure_case(what: str, seen: History, size: tuple[int, int]) -> list[Row]:
    """Three rows: the map alone, one more panel, all panels."""
    surface, canvas, link = pygame.Surface(size), Canvas(), Link(phase="live", latency_ms=3.0)
    view = View(span_ticks=10**9)
    canvas.paint(surface, view, seen, link, whole=True)
    rows = []
    for name, how, frames in (
        ("merchants walk", {"fresh": False}, FRAMES),
        ("and a panel is drawn anew", {}, FRAMES),
        ("the whole picture", {"whole": True}, FRAMES // 6),
    ):
        took = []
        for _ in range(frames):
            view.walked_s += 1 / 60
            began = time.process_time()
            canvas.paint(surface, view, seen, link, **how)
            took.append((time.process_time() - began) * 1_000)
        goal = FRAME_MS if name != "the whole picture" else None
        rows.append(row_of(f"{what}: {name}", took, "ms", more_is_better=False, goal=goal))
    return rows
