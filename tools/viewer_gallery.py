"""Writes pictures of the viewer in every state: `python -m tools.viewer_gallery DIR [NAME…]`.

On a made-up world, for looking at after a change of the viewer; README and docs take theirs from a
running node.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pygame

from protocol.observe import Compiling, Hello
from tests import made_up_snapshots as made_up
from viewer import map as town_map
from viewer.draw import render
from viewer.history import History
from viewer.layout import market
from viewer.scene import scene
from viewer.state import Link, View

SMALL, NORMAL, LARGE = (960, 600), (1280, 800), (1920, 1080)
Picture = tuple[str, tuple[int, int], View, History, Link]
LIVE = Link(address="127.0.0.1:55555", phase="live", latency_ms=3.0)


def pictures() -> list[Picture]:
    """Name, size and what is to be seen."""
    four, one, two = made_up.history(), made_up.history(cities=1, own=1), made_up.history(cities=2)
    quiet = made_up.history(cities=2, merchants=False)
    twenty = made_up.history(cities=20)
    six = made_up.history(cities=20, goods=6)
    riverwood, fallow = "Riverwood@riverside", "Fallowfield@node E"
    gone = Link("127.0.0.1:55555", "gone", "connection reset", retry_at_s=15.0)
    found: list[Picture] = []
    for theme in ("dark", "light"):
        view = View(theme=theme)
        for name, size in (("960", SMALL), ("1280", NORMAL), ("1920", LARGE)):
            found.append((f"market-{theme}-{name}", size, view, four, LIVE))
            found.append((f"macro-{theme}-{name}", size, replace(view, tab=1), four, LIVE))
            found.append((f"society-{theme}-{name}", size, replace(view, tab=2), four, LIVE))
        found += [
            (f"focus-{theme}", NORMAL, replace(view, focus=riverwood), four, LIVE),
            (f"focus-macro-{theme}", NORMAL, replace(view, focus=riverwood, tab=1), four, LIVE),
            (f"focus-society-{theme}", NORMAL, replace(view, focus=riverwood, tab=2), four, LIVE),
            (f"hover-{theme}", NORMAL, replace(view, mouse=(690, 190)), four, LIVE),
            (f"hover-1920-{theme}", LARGE, replace(view, mouse=(1000, 250)), four, LIVE),
            (f"help-{theme}", NORMAL, replace(view, help=True), four, LIVE),
            (f"one-city-{theme}", NORMAL, view, one, LIVE),
            (f"two-cities-{theme}", NORMAL, view, two, LIVE),
            (f"no-merchants-{theme}", NORMAL, view, quiet, LIVE),
            (f"twenty-{theme}", NORMAL, view, twenty, LIVE),
            (f"twenty-960-{theme}", SMALL, view, twenty, LIVE),
            (f"twenty-six-goods-{theme}", NORMAL, view, six, LIVE),
            (f"twenty-six-goods-1920-{theme}", LARGE, view, six, LIVE),
            (f"twenty-focus-{theme}", NORMAL, replace(view, focus=fallow), six, LIVE),
            (f"twenty-society-{theme}", NORMAL, replace(view, tab=2), six, LIVE),
            (f"twenty-macro-{theme}", NORMAL, replace(view, tab=1), six, LIVE),
            (f"log-{theme}", NORMAL, replace(view, log_prices=True), four, LIVE),
            (f"gone-{theme}", NORMAL, replace(view, now_s=12.0), four, gone),
            (f"paused-{theme}", NORMAL, view, paused(), LIVE),
            (f"road-card-{theme}", NORMAL, replace(view, mouse=on_road(four)), four, LIVE),
            (f"city-card-{theme}", NORMAL, replace(view, mouse=on_city(six)), six, LIVE),
            (f"forty-goods-{theme}", NORMAL, view, made_up.history(goods=40), LIVE),
            (f"no-goods-{theme}", NORMAL, view, made_up.history(goods=0), LIVE),
        ]
        several = ("peers", 6, NORMAL), ("peers-960", 6, SMALL), ("peers-60", 60, NORMAL)
        for name, count, size in several:
            found.append((f"{name}-{theme}", size, replace(view, tab=3), peers(count), LIVE))
        for name, link, seen in waiting():
            found.append((f"waiting-{name}-{theme}", NORMAL, view, seen, link))
        found.append((f"waiting-960-{theme}", SMALL, view, *reversed(waiting()[2][1:])))
    return found


def paused() -> History:
    """A world that stands still at full speed."""
    seen = made_up.history()
    assert seen.latest is not None
    seen.latest.paused, seen.latest.speed = True, 100.0
    return seen


def peers(count: int) -> History:
    """A world with so many roads to others."""
    seen = made_up.history()
    assert seen.latest is not None
    seen.apply(made_up.with_peers(seen.latest, peers=count), 0.0)
    return seen


def on_road(seen: History) -> tuple[int, int]:
    """A point on the first road of a network, in a normal window."""
    at_hand, rect = _normal_map(seen)
    way = town_map.atlas(at_hand, rect).places.ways[2]
    x, y = way.points[len(way.points) // 2]
    return round(rect.x + x), round(rect.y + y)


def on_city(seen: History) -> tuple[int, int]:
    """The middle of the eleventh city, in a normal window."""
    at_hand, rect = _normal_map(seen)
    x, y = list(town_map.atlas(at_hand, rect).places.at.values())[10]
    return round(rect.x + x), round(rect.y + y)


def _normal_map(seen: History):  # type: ignore[no-untyped-def]
    assert seen.latest is not None
    at_hand = scene(NORMAL, View(), seen, seen.latest)
    return at_hand, market(NORMAL, at_hand.sizes).map


def waiting() -> list[tuple[str, Link, History]]:
    """Before the first snapshot, step by step."""
    greeted, compiling = History(), History()
    hello = Hello(node="riverside", cities=["Riverwood", "Seaside"], goods=list(made_up.GOODS[:4]))
    greeted.apply(hello, 0.0)
    compiling.apply(hello, 0.0)
    compiling.apply(Compiling(step=3, steps=7, what="market matching"), 0.0)
    address = "127.0.0.1:55555"
    return [
        ("socket", Link(address, "connecting", "connection refused", retry_at_s=3.0), History()),
        ("greeted", Link(address, "waiting", open_after_s=0.1, answer_after_s=0.4), greeted),
        ("compiling", Link(address, "waiting", open_after_s=0.1, answer_after_s=0.4), compiling),
        ("refused", Link(address, "refused", "token: not the one this node gave"), History()),
    ]


def write(folder: Path, wanted: Callable[[str], bool]) -> list[Path]:
    """Draws the pictures whose name is wanted; returns their files."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name, size, view, seen, link in pictures():
        if wanted(name):
            surface = pygame.Surface(size)
            render(surface, view, seen, link)
            files.append(folder / f"{name}.png")
            pygame.image.save(surface, str(files[-1]))
    return files


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("python -m tools.viewer_gallery DIR [NAME…]")
    parts = sys.argv[2:]
    for file in write(Path(sys.argv[1]), lambda n: not parts or any(p in n for p in parts)):
        print(file)
