"""Residents as points: one sample against another, a panel a city on common axes.

Called by `charts_declared.py`; samples may hold NaN. `chart_shares.py` and `chart_path.py` share
its axis of figures.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pygame

from protocol.observe import City, Number
from viewer import scales, sprites, strokes, text
from viewer.chart_lines_draw import no_data
from viewer.scales import Axis, Floats
from viewer.scene import Scene, heading, title_height
from viewer.theme import Colour, mix


def numbers(sample: Sequence[Number]) -> Floats:
    """float64, NaN where not known, or so large that its square would not be a number."""
    known = [math.nan if value is None or abs(value) > 1e100 else value for value in sample]
    return np.array(known, dtype=np.float64)


def wants_log(values: Floats) -> bool:
    """Whether positive data reach so far that a linear axis would crowd most of them."""
    values = values[np.isfinite(values)]
    if len(values) == 0 or values.min() <= 0:
        return False
    return bool(np.percentile(values, 97) > 6 * np.percentile(values, 3))


class Cloud(NamedTuple):
    """The points of one city."""

    city: City
    x: Floats
    y: Floats


def clouds(cities: Sequence[City], x_key: str, y_key: str) -> list[Cloud]:
    """Of the cities that have both samples, the pairs of which both are known."""
    found = []
    for city in cities:
        x, y = numbers(city.samples.get(x_key, ())), numbers(city.samples.get(y_key, ()))
        count = min(len(x), len(y))
        known = np.isfinite(x[:count]) & np.isfinite(y[:count])
        if known.any():
            found.append(Cloud(city, x[:count][known], y[:count][known]))
    return found


def scatter(
    surface: pygame.Surface,
    scene: Scene,
    rect: pygame.Rect,
    title: str,
    unit: str,
    found: Sequence[Cloud],
    log: bool | None,
) -> None:
    """A panel a city on common axes; as many cities as fit, the focused one first of all."""
    fits = max(1, (rect.w + scene.sizes.gutter) // (190 + scene.sizes.gutter))
    ordered = sorted(found, key=lambda cloud: cloud.city.full_name != scene.view.focus)
    chosen = {id(cloud) for cloud in ordered[:fits]}
    shown = [cloud for cloud in found if id(cloud) in chosen]
    left_out = len(found) - len(shown)
    summary = f"{left_out} more: click a city" if left_out else ""
    heading(surface, scene, rect, title, unit, summary)
    top = rect.y + title_height(scene.sizes)
    if not shown:
        no_data(surface, scene, pygame.Rect(rect.x, top, rect.w, rect.bottom - top))
        return
    x_all = np.concatenate([cloud.x for cloud in shown])
    y_all = np.concatenate([cloud.y for cloud in shown])
    logarithmic = wants_log(x_all) if log is None else log and bool(x_all.min() > 0)
    gap = scene.sizes.gutter
    width = (rect.w - gap * (len(shown) - 1)) / len(shown)
    for place, cloud in enumerate(shown):
        box = pygame.Rect(
            round(rect.x + place * (width + gap)), top, round(width), rect.bottom - top
        )
        _cloud(surface, scene, box, cloud, x_all, y_all, logarithmic)


def _cloud(
    surface: pygame.Surface,
    scene: Scene,
    box: pygame.Rect,
    cloud: Cloud,
    x_all: Floats,
    y_all: Floats,
    log: bool,
) -> None:
    sizes, palette = scene.sizes, scene.theme
    city = cloud.city.full_name
    ink = scene.ink(city)
    middle = box.y + round(sizes.sm * 0.4)
    sprites.mark(surface, scene.mark(city), box.x + sizes.axis + 5, middle, 3.8, ink)
    baseline = round(middle + text.height(sizes.sm) / 2)
    x, room = box.x + sizes.axis + 14, box.w - sizes.axis - 14
    name = scene.name(city)
    text.draw(surface, name, x, baseline, sizes.sm, scene.label(city), bold=True, width_max=room)
    frame = pygame.Rect(
        box.x + sizes.axis,
        box.y + round(sizes.sm * 1.5),
        max(1, box.w - sizes.axis - 4),
        max(1, box.h - round(sizes.sm * 1.5) - 26),
    )
    left, right = frame.left + 12, frame.right
    across = scales.axis(float(x_all.min()), float(x_all.max()), left, right, log=log)
    upwards = scales.axis(float(y_all.min()), float(y_all.max()), frame.bottom - 8, frame.top)
    values = scales.ticks(upwards, max(2, min(4, frame.h // (3 * sizes.xs))))
    for value, label in zip(values, scales.tick_labels(values), strict=True):
        y = upwards.pixel(value)
        strokes.horizontal(surface, frame.left, frame.right, y, palette.grid)
        baseline = round(y + text.height(sizes.xs) / 2)
        label = text.fit(label, sizes.xs, sizes.axis)
        text.draw(surface, label, frame.left - 7, baseline, sizes.xs, palette.text3, align="right")
    marks = scales.ticks(across, max(2, min(5, frame.w // 60)))
    x_labels(surface, scene, frame, across, frame.bottom + 9, marks)
    thick = palette.label(ink) if ink != palette.context else palette.text3
    range_frame(surface, scene, across.at(cloud.x), frame.bottom, thick, upright=False)
    range_frame(surface, scene, upwards.at(cloud.y), frame.left, thick, upright=True)
    radius = 3 if len(cloud.x) <= 80 else 2
    dot = sprites.disc(radius, mix(ink, palette.background, 0.5), ink, 1.0)
    half = dot.get_width() // 2
    places = np.column_stack((across.at(cloud.x), upwards.at(cloud.y)))
    surface.blits([(dot, (round(a) - half, round(b) - half)) for a, b in places.tolist()])


def x_labels(
    surface: pygame.Surface,
    scene: Scene,
    frame: pygame.Rect,
    across: Axis,
    top: float,
    marks: Sequence[float],
) -> None:
    """Figures under a plot, where they have room."""
    size = scene.sizes.xs
    baseline = round(top + text.height(size))
    for value in marks:
        label = scales.plain(value)
        x, half = across.pixel(value), text.width(label, size) / 2
        if frame.left <= x - half and x + half <= frame.right + 4:
            text.draw(surface, label, x, baseline, size, scene.theme.text3, align="centre")


def range_frame(
    surface: pygame.Surface, scene: Scene, at: Floats, edge: float, ink: Colour, *, upright: bool
) -> None:
    """An axis that ends where the data end; thick between the quartiles, open at the median."""
    low, first, median, third, high = np.percentile(at, (0, 25, 50, 75, 100))
    strips = [(low, high, 1, scene.theme.text3), (first, third, 3, ink)]
    for begin, end, thick, colour in strips:
        length = max(1, round(end - begin))
        side = (thick, length) if upright else (length, thick)
        corner = (edge - thick // 2, begin) if upright else (begin, edge - thick // 2)
        surface.fill(colour, (round(corner[0]), round(corner[1]), *side))
    gap = (
        (round(edge) - 1, round(median) - 1, 3, 3)
        if upright
        else (round(median) - 1, round(edge) - 1, 3, 3)
    )
    surface.fill(scene.theme.background, gap)
