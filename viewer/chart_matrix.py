"""Rows of cities: bars on one common scale, or figures with their course.

Called by `charts.py`. A row is never lower than a line of text: what does not fit in a matrix is
added up in a last row, or column, “n more”.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pygame

from protocol.observe import EMPTY_HANDED, City
from viewer import scales, sprites, strokes, text
from viewer.chart_lines import time_axis
from viewer.history import Key
from viewer.scene import Scene, heading, title_height
from viewer.theme import Colour


class Column(NamedTuple):
    """A column of a matrix; `good` shows an icon before its name."""

    name: str
    good: str | None
    values: Sequence[float]  # a row each; NaN: not known
    folded: bool = False  # the sum of several


def _name_width(scene: Scene, names: Sequence[str], most: float) -> int:
    longest = max((text.width(name, scene.sizes.sm, bold=True) for name in names), default=0.0)
    return math.ceil(min(longest + 26, most))


def rule(surface: pygame.Surface, scene: Scene, rect: pygame.Rect, y: float) -> None:
    """A hairline across a panel."""
    strokes.horizontal(surface, rect.x, rect.right, y, scene.theme.rule)


def _city_name(
    surface: pygame.Surface, scene: Scene, city: City, x: int, y: float, room: float
) -> None:
    """A city's mark and name, vertically about y."""
    size = scene.sizes.sm
    sprites.mark(surface, scene.mark(city.full_name), x + 7, y, 3.8, scene.ink(city.full_name))
    name, ink = scene.name(city.full_name), scene.label(city.full_name)
    baseline = round(y + text.height(size) / 2)
    text.draw(surface, name, x + 20, baseline, size, ink, bold=city.own, width_max=room - 22)


def matrix(
    surface: pygame.Surface,
    scene: Scene,
    rect: pygame.Rect,
    title: str,
    unit: str,
    cities: Sequence[City],
    columns: Sequence[Column],
    totals: Sequence[float] | None = None,
) -> None:
    """Bars on one common scale, a row a city, the figure printed beside each.

    Args:
        totals: a last column of figures without bars, one a city.
    """
    sizes, palette = scene.sizes, scene.theme
    heading(surface, scene, rect, title, unit)
    head_y = rect.y + title_height(sizes) + round(sizes.sm * 1.05)
    top = head_y + 8
    rule(surface, scene, rect, top - 1)
    row_max = 60 if sizes.name == "large" else 44
    row_min = round(sizes.sm * 1.24)
    fits = max(1, (rect.bottom - top) // row_min)
    folded = len(cities) > fits
    shown = list(cities[: fits - 1] if folded else cities)
    row_height = min(row_max, (rect.bottom - top) / max(1, len(shown) + folded))
    left = _name_width(scene, [scene.name(c.full_name) for c in cities], rect.w * 0.28)
    right = 44 if totals is not None else 0
    columns = _fold_columns(columns, max(1, int((rect.w - left - right) // 54)))
    cells = [[*c.values[: len(shown)], *_rest(c.values, len(shown), folded)] for c in columns]
    # A bar for many cities or goods together would dwarf those of one.
    alone = [cell[: len(shown)] for cell, c in zip(cells, columns, strict=True) if not c.folded]
    most = max((v for cell in alone for v in cell if math.isfinite(v)), default=0.0)
    width = (rect.w - left - right) / max(1, len(columns))
    for place, column in enumerate(columns):
        x = rect.x + left + place * width
        _column_head(surface, scene, column, x, head_y, width)
        for row, value in enumerate(cells[place]):
            y = top + row * row_height
            city = shown[row] if row < len(shown) else None
            ink = scene.ink(city.full_name) if city and not column.folded else None
            box = pygame.Rect(round(x), round(y), round(width), round(row_height))
            _bar(surface, scene, box, value, most, ink)
    for row, city in enumerate(shown):
        _city_name(surface, scene, city, rect.x, top + (row + 0.5) * row_height, left)
    if folded:
        baseline = top + (len(shown) + 0.5) * row_height + text.height(sizes.sm) / 2
        more = f"{len(cities) - len(shown)} more"
        text.draw(surface, more, rect.x + 20, baseline, sizes.sm, palette.text3)
    if totals is not None:
        text.draw(surface, "all", rect.right, head_y, sizes.xs, palette.text2, align="right")
        sums = [*totals[: len(shown)], *_rest(totals, len(shown), folded)]
        for row, value in enumerate(sums):
            baseline = round(top + (row + 0.5) * row_height + text.height(sizes.sm) / 2)
            label = _count(value)
            ink, right_x = palette.text, rect.right
            text.draw(surface, label, right_x, baseline, sizes.sm, ink, bold=True, align="right")


def _rest(values: Sequence[float], shown: int, folded: bool) -> list[float]:
    """The sum of what is not shown, as one more row."""
    return [float(np.nansum(np.asarray(values[shown:], dtype=np.float64)))] if folded else []


def _fold_columns(columns: Sequence[Column], fits: int) -> Sequence[Column]:
    if len(columns) == fits + 1 and columns[-1].good == EMPTY_HANDED:
        return columns[:fits]  # the one that is missed least; the total still counts them
    if len(columns) <= fits:
        return columns
    rest = columns[fits - 1 :]
    sums = np.nansum(np.array([column.values for column in rest], dtype=np.float64), axis=0)
    return [*columns[: fits - 1], Column(f"{len(rest)} more", None, sums.tolist(), True)]


def _column_head(
    surface: pygame.Surface, scene: Scene, column: Column, x: float, baseline: float, width: float
) -> None:
    sizes, palette = scene.sizes, scene.theme
    at = round(x)
    if column.good is not None:
        side = sizes.md
        mark, colour = scene.good_mark(column.good), scene.good_colour(column.good)
        middle = baseline - text.height(sizes.sm) / 2
        if column.good:
            ground = palette.background
            sprites.icon(surface, column.good, mark, at + side / 2, middle, side, colour, ground)
        else:
            sprites.mark(surface, mark, at + side / 2, middle, 3.4, colour)
        at += side + 6
    name = text.fit(column.name, sizes.xs, x + width - at - 4)
    if name == column.name or not column.good:  # an icon says more than half a name
        text.draw(surface, name, at, baseline, sizes.xs, palette.text2)


def _bar(
    surface: pygame.Surface,
    scene: Scene,
    box: pygame.Rect,
    value: float,
    most: float,
    ink: Colour | None,
) -> None:
    """A bar with its figure; without an ink the figure alone."""
    size = scene.sizes.sm if box.h >= 18 else scene.sizes.xs
    height = min(18, max(5, round(box.h * 0.42)))
    reach = max(4.0, box.w - 38.0)  # the figure stands behind the longest bar, too
    length = min(value / most, 1.0) * reach if most > 0 and value > 0 else 0.0
    middle = box.y + box.h / 2
    strokes.vertical(surface, box.x, box.y + 2, box.bottom - 2, scene.theme.rule)
    baseline = round(middle + text.height(size) / 2)
    if not value > 0:
        label = "·" if value == 0 else _count(value)  # what is below nothing has no bar
        text.draw(surface, label, box.x + 6, baseline, size, scene.theme.text3)
        return
    bar = pygame.Rect(box.x + 1, round(middle - height / 2), max(1, round(length)), height)
    if ink is None:
        bar.w = 0
    else:
        surface.fill(ink, bar)
    room = box.right - bar.right - 6
    label = _count(value)
    text.draw(surface, label, bar.right + 5, baseline, size, scene.theme.text2, width_max=room)


def _count(value: float) -> str:
    """Counts have no decimals, shares have."""
    if math.isfinite(value) and value == int(value) and abs(value) < 10_000:
        return f"{int(value)}"
    return scales.figure(value)


# Figures with their course.


def table(
    surface: pygame.Surface,
    scene: Scene,
    rect: pygame.Rect,
    title: str,
    unit: str,
    cities: Sequence[City],
    columns: Sequence[tuple[str, str]],
    decimals: int | None,
) -> None:
    """A row a city, a column a series: its figure now and, where there is room, its course.

    Args:
        columns: (series, head).
    """
    sizes, palette = scene.sizes, scene.theme
    heading(surface, scene, rect, title, unit)
    head_y = rect.y + title_height(sizes) + round(sizes.sm * 1.05)
    top = head_y + 10
    rule(surface, scene, rect, top - 1)
    row_min = round(sizes.sm * 1.24)
    fits = max(1, (rect.bottom - top) // row_min)
    shown = list(cities[: fits - 1] if len(cities) > fits else cities)
    row_height = min(62, (rect.bottom - top) / max(1, len(shown) + (len(cities) > fits)))
    courses = row_height >= 44
    left = _name_width(scene, [scene.name(c.full_name) for c in shown], rect.w * 0.34)
    columns = columns[: max(1, int((rect.w - left) // 54))]
    width = (rect.w - left) / max(1, len(columns))
    for place, (_, head) in enumerate(columns):
        x = rect.x + left + (place + 1) * width
        label = text.fit(head, sizes.xs, width - 8)
        text.draw(surface, label, x, head_y, sizes.xs, palette.text2, align="right")
    if len(shown) < len(cities):
        baseline = round(top + (len(shown) + 0.5) * row_height + text.height(sizes.sm) / 2)
        more = f"{len(cities) - len(shown)} more"
        text.draw(surface, more, rect.x + 20, baseline, sizes.sm, palette.text3)
    for row, city in enumerate(shown):
        y = top + row * row_height
        middle = y + row_height * (0.42 if courses else 0.5)
        _city_name(surface, scene, city, rect.x, middle, left)
        for place, (series, _) in enumerate(columns):
            x = rect.x + left + (place + 1) * width
            value = city.series.get(series)
            label = scales.figure(math.nan if value is None else value, decimals)
            baseline = round(middle + text.height(sizes.sm) / 2)
            ink = palette.text
            text.draw(surface, label, x, baseline, sizes.sm, ink, bold=True, align="right")
            if courses:
                box = pygame.Rect(0, 0, min(46, round(width - 12)), round(row_height * 0.36))
                box.bottomright = round(x), round(y + row_height - 5)
                key = Key("series", city.full_name, series)
                sparkline(surface, scene, box, key, scene.ink(city.full_name))
        if courses:
            rule(surface, scene, rect, y + row_height)


def sparkline(
    surface: pygame.Surface, scene: Scene, box: pygame.Rect, key: Key, ink: Colour
) -> None:
    """The course of one series over the span shown, without an axis."""
    if box.w < 4 or box.h < 4:
        return
    time = time_axis(scene, box.left, box.right)
    begin = scene.history.since(time.low)
    columns = scales.columns(scene.history.ticks[begin:], time)
    if not len(columns.x):
        return
    mean = scales.means(scene.history.block([key], begin), columns.starts)[0]
    low, high = scales.usual_range(mean, mean[-1:], 1.0)
    if not math.isfinite(low):
        return
    before = surface.get_clip()
    surface.set_clip(box.clip(before))
    values = scales.axis(low, high, box.bottom - 1, box.top + 1)
    strokes.line(surface, columns.x, values.at(mean), ink, 1.1)
    surface.set_clip(before)
