"""Panels of the charts an economy declares, each drawn by its kind alone.

There is no line here for an economy: a chart names a kind, a layout, and series or samples. Called
by `charts.py`.
"""

import functools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pygame

from protocol.observe import Chart, City
from viewer import (
    chart_lines_draw,
    chart_matrix,
    chart_path,
    chart_scatter,
    chart_shares,
    layout,
    scales,
)
from viewer.chart_lines import Course, Lines, Style, current, label_width, prepare
from viewer.chart_matrix import Column
from viewer.history import Key
from viewer.scales import Floats
from viewer.scene import Scene
from viewer.tabs import ASIDE, LINES, Tab

Paint = Callable[[pygame.Surface], Lines | None]


class Panel(NamedTuple):
    """A part of the picture; painting a chart of lines returns its positions."""

    name: str
    rect: pygame.Rect
    paint: Paint


def panels(scene: Scene, size: tuple[int, int], tab: Tab) -> list[Panel]:
    """The layout of many lines, with tables and paths aside; in a small window page by page."""
    aside = [chart for chart in tab.charts if chart.kind in ASIDE]
    lines = [chart for chart in tab.charts if chart.kind not in ASIDE]
    if scene.sizes.name == "small":
        rects, first = layout.panel_page(size, scene.sizes, len(tab.charts), scene.view.page)
        return declared(scene, list(zip([*lines, *aside][first:], rects, strict=False)))
    left, right = layout.panels(size, scene.sizes, len(aside), len(lines))
    return declared(scene, [*zip(aside, left, strict=False), *zip(lines, right, strict=False)])


def distributions(scene: Scene, size: tuple[int, int], tab: Tab) -> list[Panel]:
    """The layout of distributions, with a row of lines above."""
    shapes = [chart for chart in tab.charts if chart.kind not in LINES]
    lines = [chart for chart in tab.charts if chart.kind in LINES]
    wide = next((k for k, chart in enumerate(shapes) if chart.kind == "ridge" and lines), -1)
    top, below = layout.distributions(size, scene.sizes, len(lines), len(shapes), wide)
    return declared(scene, [*zip(lines, top, strict=False), *zip(shapes, below, strict=False)])


def declared(scene: Scene, placed: Sequence[tuple[Chart, pygame.Rect]]) -> list[Panel]:
    """Charts of lines share one gutter; ticks of time stand where no chart lies below."""
    gutter = functools.cache(lambda: _declared_gutter(scene, [chart for chart, _ in placed]))
    found = []
    lines = [place for place, (chart, _) in enumerate(placed) if chart.kind in LINES]
    first = lines[0] if lines else -1
    for place, (chart, rect) in enumerate(placed):
        below = any(
            other.y > rect.y and other.x == rect.x and kind.kind in LINES for kind, other in placed
        )
        paint = functools.partial(
            paint_chart, scene, rect, chart, not below, place == first, gutter
        )
        found.append(Panel(f"declared {place}", rect, paint))
    return found


def _declared_gutter(scene: Scene, charts: Sequence[Chart]) -> int:
    widths = [0]
    for chart in charts:
        if chart.kind in LINES:
            courses = chart_courses(scene, chart)
            now = current(scene, courses)
            style = Style("", decimals=_decimals(chart, now))
            widths.append(label_width(scene, courses, now, style))
    return max(widths)


def city_course(
    scene: Scene, city: City, mean: Key, low: Key | None = None, high: Key | None = None
) -> Course:
    """A city's line in the city's colours."""
    name = city.full_name
    ink, label, mark = scene.ink(name), scene.label(name), scene.mark(name)
    return Course(scene.name(name), name, mean, low, high, ink, label, mark, city.own)


def chart_courses(scene: Scene, chart: Chart) -> list[Course]:
    """A line a city; where a chart of lines names several keys, a line a key."""
    if chart.kind == "line" and len(chart.keys) > 1:
        return _key_courses(scene, chart)
    return [
        city_course(scene, city, *(Key("series", city.full_name, key) for key in chart.keys[:3]))
        for city in scene.snapshot.cities
        if chart.keys and chart.keys[0] in city.series
    ]


def _owner(scene: Scene, chart: Chart) -> tuple[str, str]:
    """Whose series a chart of several keys shows: the world's (""), else those of the focused or
    first city that has them; and what is said of it where it could have been another's."""
    if any(key in scene.snapshot.series for key in chart.keys):
        return "", ""
    having = [c for c in scene.snapshot.cities if any(key in c.series for key in chart.keys)]
    having.sort(key=lambda city: city.full_name != scene.view.focus)
    name = having[0].full_name if having else ""
    return name, scene.name(name) if len(having) > 1 else ""


def _key_courses(scene: Scene, chart: Chart) -> list[Course]:
    """A line a key, in colours that are no city's as long as there are some."""
    owner, _ = _owner(scene, chart)
    found = []
    for place, key in enumerate(chart.keys):
        name = _key_name(chart, place)
        good = next((good for good in scene.snapshot.goods if good in (name, key)), None)
        if good is not None:
            ink, mark = scene.good_colour(good), scene.good_mark(good)
        else:
            ink = scene.theme.keys[place % len(scene.theme.keys)]
            mark = ("disc", "square", "triangle", "diamond")[place % 4]
        label = scene.theme.label(ink)
        found.append(
            Course(name, "", Key("series", owner, key), None, None, ink, label, mark, True)
        )
    return found


def _key_name(chart: Chart, place: int) -> str:
    return chart.names[place] if place < len(chart.names) else chart.keys[place]


def _decimals(chart: Chart, now: Floats) -> int | None:
    """As declared; else one of percents, and none where every value is a whole number worth reading
    as a count or a step."""
    if chart.decimals is not None:
        return chart.decimals
    if chart.unit.startswith("%"):
        return 1
    known = now[np.isfinite(now)]
    whole = len(known) > 0 and bool(np.all(known == np.rint(known)))
    return 0 if whole and (chart.steps or known.max() >= 10) else None


def _summary(chart: Chart, now: Floats, decimals: int | None) -> str:
    known = now[np.isfinite(now)]
    if chart.summary == "reference" and chart.reference is not None:
        return f"target {chart.reference:.6g}"
    if len(known) == 0:
        return ""
    if chart.summary == "spread" and len(known) > 1 and known.mean() != 0:
        return f"spread {100 * (known.max() - known.min()) / abs(known.mean()):.0f}%"
    if chart.summary == "total":
        return f"{scales.figure(float(known.sum()), decimals)} in all"
    if chart.summary == "mean":
        return f"mean {scales.figure(float(known.mean()), decimals)}"
    return ""


def paint_chart(
    scene: Scene,
    rect: pygame.Rect,
    chart: Chart,
    x_labels: bool,
    event_labels: bool,
    gutter: Callable[[], int],
    surface: pygame.Surface,
) -> Lines | None:
    """Draws a chart by its kind."""
    if chart.kind in LINES:
        courses = chart_courses(scene, chart)
        now = current(scene, courses)
        decimals = _decimals(chart, now)
        of_several = chart.kind == "line" and len(chart.keys) > 1
        style = Style(
            chart.title,
            chart.unit,
            _summary(chart, now, decimals) or (_owner(scene, chart)[1] if of_several else ""),
            log=bool(chart.log),
            zero=chart.zero,
            staircase=chart.steps,
            reference=chart.reference,
            decimals=decimals,
            x_labels=x_labels,
            event_labels=event_labels,
        )
        lines = prepare(scene, rect, style, courses, gutter())
        chart_lines_draw.draw(surface, scene, lines)
        return lines
    _paint_shape(scene, rect, chart, surface)
    return None


def _paint_shape(scene: Scene, rect: pygame.Rect, chart: Chart, surface: pygame.Surface) -> None:
    title, unit, cities = chart.title, chart.unit, scene.snapshot.cities
    keys = [*chart.keys, "", ""]
    names = [_key_name(chart, place) for place in range(len(chart.keys))] + ["", ""]
    if chart.kind == "scatter":
        found = chart_scatter.clouds(cities, keys[0], keys[1])
        chart_scatter.scatter(surface, scene, rect, title, unit, found, chart.log)
    elif chart.kind == "path":
        having = [c for c in cities if keys[0] in c.series and keys[1] in c.series]
        axes = (keys[0], keys[1]), (names[0], names[1])
        chart_path.path(surface, scene, rect, title, unit, having, *axes)
    elif chart.kind == "table":
        having = [c for c in cities if any(key in c.series for key in chart.keys)]
        heads = list(zip(chart.keys, names, strict=False))
        chart_matrix.table(surface, scene, rect, title, unit, having, heads, chart.decimals)
    elif chart.kind == "matrix":
        having = [c for c in cities if any(key in c.series for key in chart.keys)]
        columns = [
            Column(name, None, [_number(city, key) for city in having])
            for key, name in zip(chart.keys, names, strict=False)
        ]
        chart_matrix.matrix(surface, scene, rect, title, unit, having, columns)
    else:
        samples = [(city, chart_scatter.numbers(city.samples.get(keys[0], ()))) for city in cities]
        samples = [entry for entry in samples if len(entry[1])]
        if chart.kind == "lorenz":
            chart_shares.lorenz(surface, scene, rect, title, unit, samples)
        else:
            chart_shares.ridge(surface, scene, rect, title, unit, samples, chart.log)


def _number(city: City, key: str) -> float:
    value = city.series.get(key)
    return math.nan if value is None else value
