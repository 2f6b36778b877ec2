"""The window: keys and mouse in, frames out, sixty a second at most.

`run` is the whole program: what came is applied to the history, what was pressed to the view, and
the canvas is brought up to date. Where nothing changed nothing is drawn, so that a viewer of a
paused node costs next to nothing. Called by `__main__.py`.
"""

import os
import re
import time
from pathlib import Path
from typing import Final

import pygame

from protocol.observe import Refused, Snapshot
from viewer import sprites, theme
from viewer.draw import Canvas
from viewer.feed import Feed
from viewer.history import History
from viewer.state import View, advance_clock, press, show_tab, show_wanted, widen_span

FRAMES_PER_S: Final = 60
NOTE_S: Final = 4.0  # how long the footer shows what has just been done
SIZE_MIN: Final = (640, 420)
_INSTEAD: Final = "draw into a file with --screenshot FILE.png"

_NAMED_KEYS: Final = {
    pygame.K_SPACE: "space",
    pygame.K_TAB: "tab",
    pygame.K_ESCAPE: "escape",
    pygame.K_LEFT: "left",
    pygame.K_RIGHT: "right",
    pygame.K_PAGEUP: "pageup",
    pygame.K_PAGEDOWN: "pagedown",
}


class NoDisplayError(RuntimeError):
    """There is no screen to open a window on."""


def run(
    address: str,
    *,
    view: View | None = None,
    size: tuple[int, int] = (1280, 800),
    token: str | None = None,
) -> None:
    """Shows the node at HOST:PORT until the window is closed.

    Raises:
        NoDisplayError: with a line that says what to do instead.
        ValueError: the address is none, or the view has no such city or tab.
    """
    feed = Feed(address, token=token)
    window = _open_window(size)
    feed.start()
    try:
        _loop(window, feed, view or View())
    finally:
        feed.stop()
        pygame.display.quit()


def _open_window(size: tuple[int, int]) -> pygame.Surface:
    try:
        pygame.display.init()
        pygame.font.init()
        pygame.display.set_icon(_icon())
        pygame.display.set_caption("City Node")
        window = pygame.display.set_mode(size, pygame.RESIZABLE)
    except pygame.error as error:
        raise NoDisplayError(f"no display: {error}; {_INSTEAD}") from None
    # SDL falls back on a screen nobody sees, unless it was asked for.
    if pygame.display.get_driver() == "offscreen" and not os.environ.get("SDL_VIDEODRIVER"):
        pygame.display.quit()
        raise NoDisplayError(f"no display; {_INSTEAD}")
    pygame.key.set_repeat(350, 60)
    return window


def _icon() -> pygame.Surface:
    """Two cities and a road."""
    image = pygame.Surface((64, 64), pygame.SRCALPHA)
    sprites.box(image, pygame.Rect(0, 0, 64, 64), theme.DARK.map, radius=12)
    pygame.draw.line(image, theme.DARK.road, (20, 42), (46, 20), 6)
    sprites.mark(image, "disc", 20.0, 42.0, 13.0, theme.DARK.cities[0])
    sprites.mark(image, "square", 46.0, 20.0, 10.0, theme.DARK.cities[1])
    return image


def _loop(window: pygame.Surface, feed: Feed, view: View) -> None:
    history, canvas, clock = History(), Canvas(), pygame.time.Clock()
    note_until_s, frame = 0.0, 0
    owed = 0  # panels that do not show the newest yet
    shown: tuple[object, ...] = ()
    while True:
        frame += 1
        link = feed.link
        advance_clock(view, history, live=link.phase == "live", now_s=time.monotonic())
        for message, came_s in feed.drain():
            history.apply(message, came_s)
            owed = canvas.panels
            if isinstance(message, Refused):
                view.note, note_until_s = f"refused: {message.why}", view.now_s + NOTE_S
            elif isinstance(message, Snapshot):
                pygame.display.set_caption(f"{message.node} · City Node")
                show_wanted(view, message)
        events = pygame.event.get()
        for event in events:
            owed = canvas.panels
            said = _handle(event, window, feed, view, history, canvas)
            if said is None:
                return
            if said:
                view.note, note_until_s = said, view.now_s + NOTE_S
        if view.now_s > note_until_s:
            view.note = ""
        widen_span(view, history)
        # What else changes the picture: countdowns, the connection, merchants on their way.
        now = (link.phase, int(view.now_s * 4), view.note, view.walked_s, view.ticks_ahead)
        # Charts need no sixty pictures a second; what walks does.
        fresh = (owed > 0 and frame % 2 == 0) or now[:3] != shown[:3]
        if fresh or events or now != shown or history.latest is None:
            owed -= fresh
            shown = now
            window = pygame.display.get_surface() or window
            canvas.paint(window, view, history, link, fresh=fresh)
            pygame.display.flip()
        clock.tick(FRAMES_PER_S)


def _handle(
    event: pygame.event.Event,
    window: pygame.Surface,
    feed: Feed,
    view: View,
    history: History,
    canvas: Canvas,
) -> str | None:
    """Acts on one event; returns a note to show, or None to end."""
    if event.type == pygame.QUIT:
        return None
    if event.type == pygame.VIDEORESIZE:
        if event.w < SIZE_MIN[0] or event.h < SIZE_MIN[1]:
            size = max(event.w, SIZE_MIN[0]), max(event.h, SIZE_MIN[1])
            pygame.display.set_mode(size, pygame.RESIZABLE)
    elif event.type == pygame.MOUSEMOTION:
        view.mouse = event.pos
    elif event.type == pygame.WINDOWLEAVE:
        view.mouse = None
    elif event.type == pygame.MOUSEBUTTONDOWN and event.button == 1:
        if view.help:
            view.help = False
        else:
            tab = canvas.tab_at(event.pos)
            if tab is not None:
                show_tab(view, tab)
            else:
                city = canvas.city_at(window.get_size(), view, history, event.pos)
                view.focus = None if city == view.focus else city
    elif event.type == pygame.KEYDOWN:
        return _key(_NAMED_KEYS.get(event.key, event.unicode.lower()), window, feed, view, history)
    return ""


def _key(key: str, window: pygame.Surface, feed: Feed, view: View, history: History) -> str | None:
    if not key:  # shift by itself
        return ""
    asked = press(view, history, key)
    if asked is None:
        return ""
    if asked == "quit":
        return None
    if asked == "retry":
        feed.retry_now()
        return ""
    if asked == "screenshot":
        return save_screenshot(window, history)
    return "" if feed.send(asked) else "not sent: the node is away"


def save_screenshot(surface: pygame.Surface, history: History, folder: Path | None = None) -> str:
    """Writes a PNG named after node and tick, overwriting none; says where, or why not."""
    latest = history.latest
    stem = f"{latest.node}-{latest.tick}" if latest else "city-node-waiting"
    stem = re.sub(r"[^\w.-]+", "_", stem)[:100]
    folder = folder or Path.cwd()
    path = folder / f"{stem}.png"
    number = 2
    while path.exists():
        path, number = folder / f"{stem}-{number}.png", number + 1
    try:
        pygame.image.save(surface, str(path))
    except (pygame.error, OSError) as error:
        return f"not saved: {error}"
    return f"saved {path.name}"
