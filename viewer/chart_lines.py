"""Lines over time: a line a city, a band around it, and its name and value where it ends.

`prepare` turns series into positions; `chart_lines_draw.py` puts them on a surface, and what
`prepare` returned also answers what lies under the mouse (`overlays.py`, `app.py`). Called by
`charts.py`; it knows no good and no economy, only courses.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pygame

from viewer import scales, text
from viewer.history import Key
from viewer.scales import Axis, Floats
from viewer.scene import Scene, title_height
from viewer.theme import Colour

CROWD = 10  # more lines than this are thin, and only some are named
X_LABELS = 17  # pixels under the lowest row of panels


class Course(NamedTuple):
    """One line: where its numbers are and how it looks."""

    name: str
    city: str  # full name; "" when it is no city's
    mean: Key
    low: Key | None
    high: Key | None
    ink: Colour
    label: Colour
    mark: str
    own: bool


class Style(NamedTuple):
    """What a chart of lines says about itself."""

    title: str
    unit: str = ""
    summary: str = ""
    good: str = ""  # shown as an icon
    log: bool = False
    zero: bool = False
    staircase: bool = False
    trim: float = 0.0  # percent left out of the range at each end
    reference: float | None = None
    decimals: int | None = None
    x_labels: bool = True
    event_labels: bool = True


class Lines(NamedTuple):
    """A chart with every position worked out."""

    style: Style
    rect: pygame.Rect
    plot: pygame.Rect
    time: Axis
    values: Axis
    courses: Sequence[Course]
    x: Floats  # [columns]
    mean: Floats  # [courses, columns], in values
    low: Floats
    high: Floats
    now: Floats  # [courses]
    labels: list[tuple[int, float]]  # (course, y), from top to bottom
    peak: tuple[float, float] | None  # (x, value) of what is cut off above


def time_axis(scene: Scene, start: float, end: float) -> Axis:
    """The span of ticks shown, laid on pixels start…end."""
    ticks = scene.history.ticks
    last = float(ticks[-1]) if len(ticks) else float(scene.snapshot.tick)
    first = float(ticks[0]) if len(ticks) else last
    low = max(first, last - scene.view.span_ticks)
    return Axis(min(low, last - 1.0), last, start, end)


def label_width(scene: Scene, courses: Sequence[Course], now: Floats, style: Style) -> int:
    """Pixels for the longest name and value, and 20 to keep them apart."""
    size = scene.sizes.sm
    name = max((text.width(course.name, size) for course in courses), default=0.0)
    figures = [scales.figure(float(value), style.decimals) for value in now]
    value = max((text.width(figure, size, bold=True) for figure in figures), default=0.0)
    # In steps of eight, for a figure that grows a digit should not push the plot about.
    return math.ceil((name + value + 20) / 8) * 8 + 4


def current(scene: Scene, courses: Sequence[Course]) -> Floats:
    """[courses]: the latest value of each, NaN where there is none."""
    count = len(scene.history.ticks)
    if count == 0 or not courses:
        return np.full(len(courses), np.nan)
    return scene.history.block([course.mean for course in courses], count - 1)[:, 0]


def prepare(
    scene: Scene, rect: pygame.Rect, style: Style, courses: Sequence[Course], gutter: int
) -> Lines:
    """Works out a chart; `gutter` is the width kept for labels at the right."""
    top = rect.y + title_height(scene.sizes)
    bottom = rect.bottom - (X_LABELS if style.x_labels else 2)
    gutter = min(gutter, int(rect.w * 0.42))
    plot = pygame.Rect(
        rect.x + scene.sizes.axis,
        top,
        max(1, rect.w - scene.sizes.axis - gutter),
        max(1, bottom - top),
    )
    time = time_axis(scene, plot.left, plot.right)
    begin = max(0, scene.history.since(time.low) - 1)  # one before, for the line enters the plot
    columns = scales.columns(scene.history.ticks[begin:], time)
    mean: Floats = np.zeros((len(courses), 0))
    low = high = mean
    if len(columns.x) and courses:
        mean = scales.means(scene.history.block([c.mean for c in courses], begin), columns.starts)
        if scene.view.bands and any(c.low for c in courses):
            lows = [c.low or c.mean for c in courses]
            highs = [c.high or c.mean for c in courses]
            low = scales.lows(scene.history.block(lows, begin), columns.starts)
            high = scales.highs(scene.history.block(highs, begin), columns.starts)
    now = current(scene, courses)
    # Bands of prices reach out to the strangest belief of all; they do not set the scale.
    shown = [mean] if style.trim else [mean, low, high]
    values = _value_axis(style, np.concatenate([each.ravel() for each in shown]), now, plot)
    chosen = _named(scene, courses, now, plot)
    wanted = [float(np.clip(values.pixel(float(now[k])), plot.top, plot.bottom)) for k in chosen]
    reach = text.height(scene.sizes.sm) / 2
    apart = scales.keep_apart(wanted, scene.sizes.line, plot.top + reach, plot.bottom - reach)
    labels = sorted(zip(chosen, apart, strict=True), key=lambda label: label[1])
    peak = _peak(columns.x, mean, values)
    return Lines(
        style, rect, plot, time, values, courses, columns.x, mean, low, high, now, labels, peak
    )


def _value_axis(style: Style, shown: Floats, now: Floats, plot: pygame.Rect) -> Axis:
    low, high = scales.usual_range(shown, now, style.trim)
    reference = style.reference
    if reference is not None and math.isfinite(low) and (reference > 0 or not style.log):
        low, high = min(low, reference), max(high, reference)
    return scales.axis(low, high, plot.bottom, plot.top, log=style.log, zero=style.zero)


def _named(scene: Scene, courses: Sequence[Course], now: Floats, plot: pygame.Rect) -> list[int]:
    """Which lines are named: all, or in a crowd the focused, cheapest, dearest and own ones."""
    have = [k for k in range(len(courses)) if math.isfinite(now[k])]
    room = max(1, plot.h // scene.sizes.line)
    if len(have) <= min(CROWD, room):
        return have
    by_value = sorted(have, key=lambda k: now[k])
    focused = [k for k in have if courses[k].city == scene.view.focus is not None]
    own = [k for k in have if courses[k].own]
    ranked = dict.fromkeys([*focused, by_value[0], by_value[-1], *own])
    return list(ranked)[: min(room, max(4, CROWD // 2))]


def _peak(x: Floats, mean: Floats, values: Axis) -> tuple[float, float] | None:
    if not mean.size or not np.isfinite(mean).any():
        return None
    row, column = np.unravel_index(np.nanargmax(mean), mean.shape)
    value = float(mean[row, column])
    return (float(x[column]), value) if value > values.high else None


# What lies under the mouse.


def values_at(scene: Scene, chart: Lines, tick: float) -> Floats:
    """[courses]: the value of each line at the point of the history nearest to a tick."""
    ticks = scene.history.ticks
    if len(ticks) == 0 or not chart.courses:
        return np.full(len(chart.courses), np.nan)
    at = min(scene.history.since(tick), len(ticks) - 1)
    if at > 0 and tick - ticks[at - 1] < ticks[at] - tick:
        at -= 1
    return scene.history.block([course.mean for course in chart.courses], at)[:, 0]


def course_at(chart: Lines, x: float, y: float) -> str | None:
    """The city whose line or label lies under a point, within 8 pixels."""
    if x > chart.plot.right:
        near = [(abs(at - y), chart.courses[k].city) for k, at in chart.labels]
    elif len(chart.x):
        column = int(np.argmin(np.abs(chart.x - x)))
        at = chart.values.at(chart.mean[:, column])
        near = [
            (abs(float(value) - y), course.city)
            for value, course in zip(at, chart.courses, strict=True)
            if math.isfinite(float(value))
        ]
    else:
        return None
    distance, city = min(near, default=(math.inf, ""))
    return city if city and distance <= 8 else None
