"""Pictures without a window: a PNG or a GIF of a running node.

Called by `__main__.py` and by the verb `watch`. Surfaces need no display, so this works where there
is none.
"""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pygame

from protocol.observe import Snapshot
from viewer import gif
from viewer.draw import Canvas, render
from viewer.feed import Feed
from viewer.history import History
from viewer.state import Link, View, advance_clock, show_wanted, widen_span

FRAMES_PER_S: Final = 12
PATIENCE_S: Final = 120.0  # with a node that has answered: a window of a large city is long
NOBODY_S: Final = 10.0  # with an address where nobody does


class NothingSeenError(RuntimeError):
    """No snapshot came; the text says what did."""


def watched(
    address: str, seconds: float, *, token: str | None = None, view: View, pause_s: float
) -> Iterator[tuple[History, Link]]:
    """Follows a node for so long after its first snapshot, yielding every `pause_s` seconds.

    Raises:
        NothingSeenError: no snapshot within PATIENCE_S, or nobody there within NOBODY_S.
        ValueError: the address is none, or the view has no such city or tab.
    """
    feed, history = Feed(address, token=token), History()
    feed.start()
    began_s = time.monotonic()
    try:
        first_s: float | None = None
        while first_s is None or time.monotonic() - first_s < seconds:
            live = feed.link.phase == "live"
            advance_clock(view, history, live=live, now_s=time.monotonic())
            for message, came_s in feed.drain():
                history.apply(message, came_s)
                if isinstance(message, Snapshot) and first_s is None:
                    show_wanted(view, message)
                    first_s = came_s
            if first_s is not None:
                widen_span(view, history)
                yield history, feed.link
            elif _is_enough(feed.link, view.now_s - began_s):
                why = feed.link.why or "it sent no snapshot"
                raise NothingSeenError(f"nothing seen of the node at {address}: {why}")
            time.sleep(max(0.0, pause_s - (time.monotonic() - view.now_s)))
        if history.latest is not None:
            yield history, feed.link
    finally:
        feed.stop()


def _is_enough(link: Link, waited_s: float) -> bool:
    """Whether nothing more is to be hoped for."""
    patience_s = NOBODY_S if link.phase == "connecting" and link.why else PATIENCE_S
    return link.phase == "refused" or waited_s > patience_s


def screenshot(
    address: str,
    path: Path,
    *,
    seconds: float = 3.0,
    size: tuple[int, int] = (1280, 800),
    view: View | None = None,
    token: str | None = None,
) -> None:
    """Draws a node into a PNG after watching it for some seconds, so that charts have a course."""
    view = view or View()
    surface = pygame.Surface(size)
    *_, (history, link) = watched(address, seconds, token=token, view=view, pause_s=0.05)
    render(surface, view, history, link)
    try:
        pygame.image.save(surface, str(path))
    except pygame.error as error:
        raise OSError(f"{path}: {error}") from None


def record(
    address: str,
    path: Path,
    *,
    seconds: float = 8.0,
    size: tuple[int, int] = (960, 600),
    view: View | None = None,
    token: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> None:
    """Records a node into a GIF, FRAMES_PER_S frames a second; writing takes about as long."""
    view = view or View()
    progress = progress or _say
    surface, canvas = pygame.Surface(size), Canvas()
    frames: list[gif.Pixels] = []
    pause_s = 1 / FRAMES_PER_S
    for history, link in watched(address, seconds, token=token, view=view, pause_s=pause_s):
        canvas.paint(surface, view, history, link)
        frames.append(np.ascontiguousarray(pygame.surfarray.array3d(surface).swapaxes(0, 1)))
        progress(f"recorded {len(frames) / FRAMES_PER_S:.1f} of {seconds:.0f} s")
    gif.write(
        path,
        frames,
        frame_ms=round(1_000 / FRAMES_PER_S),
        progress=lambda done, count: progress(f"wrote {done} of {count} frames"),
    )
    progress("")


def _say(line: str) -> None:
    """Progress on one line of a terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{line}\x1b[K" if line else "\r\x1b[K")
        sys.stderr.flush()
