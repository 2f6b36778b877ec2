"""What the user chose, what the connection is doing, and what each key means. Plain data.

`press` turns a key into a changed view, an action for the window (`app.py`) or a command for the
node. Nothing here draws, and no clock is read: `now_s` is handed in.
"""

import math
from dataclasses import dataclass
from typing import Final, Literal

from protocol.observe import (
    Command,
    Pause,
    Resume,
    SetSpeed,
    Snapshot,
    Step,
)
from viewer.history import History
from viewer.tabs import tabs

SPANS: Final = tuple(factor * 10**power for power in range(2, 9) for factor in (1, 2, 5))
POINTS_SHOWN: Final = 600  # at least, unless the user chose a shorter span: half a minute
SPEED_ONE: Final = 60.0  # ticks/s called 1×, and the least a node can be asked for
SPEED_MAX: Final = 600_000.0  # the most; beyond lies "max"

Phase = Literal["connecting", "waiting", "live", "gone", "refused"]
Action = Literal["quit", "screenshot", "retry"]


@dataclass
class Link:
    """The connection to the node, as the feed tells it."""

    address: str = ""
    phase: Phase = "connecting"
    why: str = ""  # the last failure, one line
    since_s: float = 0.0  # when the phase began, or the connection was lost
    retry_at_s: float = 0.0  # when it is tried again
    open_after_s: float | None = None  # from the first try to an open socket
    answer_after_s: float | None = None  # from there to the node's hello
    latency_ms: float | None = None


@dataclass
class View:
    """What one window shows of the history."""

    theme: str = "dark"
    tab: int = 0
    focus: str | None = None  # full name of a city
    span_ticks: int = 10_000
    span_chosen: bool = False  # by hand: then it is not widened by itself
    log_prices: bool = False
    bands: bool = True
    help: bool = False
    page: int = 0  # of goods or charts, where not all fit
    wanted: str = ""  # CITY/VIEW that the first snapshot is to be shown with, see `show_wanted`
    mouse: tuple[int, int] | None = None
    ticks_ahead: float = 0.0  # ticks that have passed since the latest snapshot, as one may guess
    walked_s: float = 0.0  # seconds for which merchants have walked before our eyes
    now_s: float = 0.0
    note: str = ""  # what the viewer has just done, for a few seconds


def speed_label(speed: float | str) -> str:
    """4×, 100×, max."""
    if isinstance(speed, str):
        return "max"
    times = speed / SPEED_ONE
    return f"{times:.3g}×" if times < 1_000 else f"{times:,.0f}×"


def speed_bars(speed: float | str) -> int:
    """How many of five bars are lit: one at 1×, another for each power of ten."""
    if isinstance(speed, str):
        return 5
    return sum(speed >= SPEED_ONE * times for times in (1, 10, 100, 1_000, 10_000))


def next_speed(
    speed: float | str, achieved_ticks_per_s: float | None, up: bool
) -> float | Literal["max"]:
    """Twice or half the speed asked for; twice the most is as fast as it goes.

    Down from there, or from a speed the node does not reach, is below what it achieves: else the
    key would seem to do nothing.
    """
    if up:
        if isinstance(speed, str) or speed >= SPEED_MAX:
            return "max"
        return min(max(speed * 2, SPEED_ONE), SPEED_MAX)
    reached = achieved_ticks_per_s or SPEED_MAX
    if isinstance(speed, str) or reached < 0.7 * speed:
        doublings = math.floor(math.log2(max(0.75 * reached, SPEED_ONE) / SPEED_ONE))
        return min(SPEED_ONE * 2.0**doublings, SPEED_MAX)
    return max(speed / 2, SPEED_ONE)


def advance_clock(view: View, history: History, *, live: bool, now_s: float) -> None:
    """Brings the view's time to now, and with it how far merchants have walked."""
    passed_s = min(max(0.0, now_s - view.now_s), 0.25)  # a window that was dragged skips nothing
    view.now_s = now_s
    latest, ticks = history.latest, history.ticks
    view.ticks_ahead = 0.0
    if not live or latest is None or latest.paused or not latest.ticks_per_s:
        return
    view.walked_s += passed_s
    if len(ticks) > 1:
        ahead = max(0.0, now_s - history.latest_at_s) * latest.ticks_per_s
        # When a node falls silent its merchants stand still.
        view.ticks_ahead = min(ahead, float(ticks[-1] - ticks[-2]))


def widen_span(view: View, history: History) -> None:
    """Lengthens a span nobody chose when it holds too little: a fast node outruns it."""
    ticks = history.ticks
    if view.span_chosen or len(ticks) == 0:
        return
    wanted = ticks[-1] - ticks[-min(POINTS_SHOWN, len(ticks))]
    if wanted > view.span_ticks:
        view.span_ticks = next((span for span in SPANS if span >= wanted), SPANS[-1])


def step_focus(view: View, history: History, by: int) -> None:
    """Moves the focus to the next or previous city, in the order of the snapshot."""
    names = [city.full_name for city in history.latest.cities] if history.latest else []
    if not names:
        return
    if view.focus in names:
        view.focus = names[(names.index(view.focus) + by) % len(names)]
    else:
        view.focus = names[0 if by > 0 else -1]


def show_tab(view: View, tab: int) -> None:
    """Turns to a view, its first page."""
    view.tab, view.page = tab, 0


def show_wanted(view: View, snapshot: Snapshot) -> None:
    """Turns to the city and view that were asked for before there was anything to see.

    `wanted` is CITY/VIEW or one of both: a city's name, plain or full, a view's title or number.

    Raises:
        ValueError: there is no such city or view; one line with those there are.
    """
    if not view.wanted:
        return
    titles = [tab.title for tab in tabs(snapshot)]
    views = {title.casefold(): place for place, title in enumerate(titles)}
    views |= {str(place + 1): place for place in range(len(titles))}
    cities = {city.name.casefold(): city.full_name for city in reversed(snapshot.cities)}
    cities |= {city.full_name.casefold(): city.full_name for city in snapshot.cities}
    first, slash, last = (part.strip() for part in view.wanted.casefold().partition("/"))
    if not slash and first in views and first not in cities:
        first, last = "", first
    if (first and first not in cities) or (last and last not in views):
        names = ", ".join(city.name for city in snapshot.cities)
        raise ValueError(
            f"view = {view.wanted!r}: must be CITY/VIEW or one of them: a city of {names}; "
            f"a view of {', '.join(titles)}"
        )
    view.wanted, view.focus = "", cities.get(first)
    show_tab(view, views.get(last, 0))


def press(view: View, history: History, key: str) -> Command | Action | None:
    """What a key does: changes the view in place, or hands back what others must do.

    Args:
        key: the character typed, or space, tab, escape, left, right, pageup, pagedown.
    """
    if view.help:  # any key closes
        view.help = False
        return None
    latest = history.latest
    if key in _SWITCHES:
        field = _SWITCHES[key]
        setattr(view, field, not getattr(view, field))
    elif key == "t":
        view.theme = "light" if view.theme == "dark" else "dark"
    elif key.isdigit():
        if 0 < int(key) <= len(tabs(latest)):
            show_tab(view, int(key) - 1)
    elif key == "tab":
        show_tab(view, (view.tab + 1) % len(tabs(latest)))
    elif key in ("left", "right"):
        step_focus(view, history, 1 if key == "right" else -1)
    elif key in ("[", "]"):
        longer = [span for span in SPANS if span > view.span_ticks] or [SPANS[-1]]
        shorter = [span for span in SPANS if span < view.span_ticks] or [SPANS[0]]
        view.span_ticks = longer[0] if key == "]" else shorter[-1]
        view.span_chosen = True
    elif key in ("pageup", "pagedown"):
        view.page = max(0, view.page + (1 if key == "pagedown" else -1))
    elif key == "escape":
        if view.focus is None:
            return "quit"
        view.focus = None
    elif key in ("s", "r"):
        return "screenshot" if key == "s" else "retry"
    elif latest is not None:
        return _command(latest, key)
    return None


_SWITCHES: Final = {"l": "log_prices", "b": "bands", "?": "help"}


def _command(latest: Snapshot, key: str) -> Command | None:
    if key == "space":
        return Resume() if latest.paused else Pause()
    if key == ".":
        return Step() if latest.paused else Pause()
    if key in ("-", "+", "="):
        return SetSpeed(next_speed(latest.speed, latest.ticks_per_s, key != "-"))
    return None
