"""Two series against each other: the recent way of each city, fading into the past.

Called by `charts_declared.py`.
"""

from collections.abc import Sequence

import numpy as np
import pygame

from protocol.observe import City
from viewer import scales, sprites, strokes, text
from viewer.chart_lines import CROWD, time_axis
from viewer.chart_lines_draw import no_data
from viewer.chart_scatter import x_labels
from viewer.history import Key
from viewer.scales import Floats
from viewer.scene import Scene, heading, title_height
from viewer.theme import Colour, mix

PATH_SHARE = 0.2  # of the span shown: a longer path is a knot
PATH_POINTS = 160


def path(
    surface: pygame.Surface,
    scene: Scene,
    rect: pygame.Rect,
    title: str,
    unit: str,
    cities: Sequence[City],
    keys: tuple[str, str],
    names: tuple[str, str],
) -> None:
    """Two series against each other: the recent way of each city, fading into the past."""
    sizes, palette = scene.sizes, scene.theme
    heading(surface, scene, rect, title, unit)
    frame = pygame.Rect(
        rect.x + sizes.axis,
        rect.y + title_height(sizes) + sizes.xs + 4,
        max(1, rect.w - sizes.axis - 8),
        max(1, rect.h - title_height(sizes) - sizes.xs - 4 - 20),
    )
    ways = [(city, *_way(scene, city, keys)) for city in cities]
    ways = [way for way in ways if np.isfinite(way[1] + way[2]).any()]
    if not ways:
        no_data(surface, scene, frame)
        return
    x_all = np.concatenate([x for _, x, _ in ways])
    y_all = np.concatenate([y for _, _, y in ways])
    across = scales.axis(float(np.nanmin(x_all)), float(np.nanmax(x_all)), frame.left, frame.right)
    upwards = scales.axis(float(np.nanmin(y_all)), float(np.nanmax(y_all)), frame.bottom, frame.top)
    values = scales.ticks(upwards, max(2, min(4, frame.h // 50)))
    for value, label in zip(values, scales.tick_labels(values), strict=True):
        y = upwards.pixel(value)
        strokes.horizontal(surface, frame.left, frame.right, y, palette.grid)
        baseline, label = (
            round(y + text.height(sizes.xs) / 2),
            text.fit(label, sizes.xs, sizes.axis),
        )
        text.draw(surface, label, frame.left - 7, baseline, sizes.xs, palette.text3, align="right")
    strokes.horizontal(surface, frame.left, frame.right, frame.bottom, palette.rule)
    marks = scales.ticks(across, max(2, min(5, frame.w // 60)))
    x_labels(surface, scene, frame, across, frame.bottom + 5, marks)
    room, ink = frame.w * 0.6, palette.text3
    label, baseline = text.fit(names[1], sizes.xs, room), frame.top - 5
    text.draw(surface, label, frame.left + 3, baseline, sizes.xs, ink)
    label, baseline = text.fit(names[0], sizes.xs, room), frame.bottom - 6
    taken = [text.draw(surface, label, frame.right, baseline, sizes.xs, ink, align="right")]
    ways.sort(key=lambda way: scene.ink(way[0].full_name) != palette.context)
    for city, xs, ys in ways:
        _fading(surface, scene, across.at(xs), upwards.at(ys), scene.ink(city.full_name))
    if len(ways) > CROWD:  # the grey ones lie there nameless
        ways = [way for way in ways if scene.ink(way[0].full_name) != palette.context]
    for city, xs, ys in sorted(ways, key=lambda way: way[0].full_name != scene.view.focus):
        last = np.flatnonzero(np.isfinite(xs + ys))[-1]
        at = across.pixel(float(xs[last])), upwards.pixel(float(ys[last]))
        _path_end(surface, scene, frame, city, at, taken)


def _way(scene: Scene, city: City, keys: tuple[str, str]) -> tuple[Floats, Floats]:
    """Both series over the recent part of the span, gathered and smoothed."""
    whole = time_axis(scene, 0.0, float(PATH_POINTS))
    recent = whole._replace(low=whole.high - (whole.high - whole.low) * PATH_SHARE)
    begin = scene.history.since(recent.low)
    columns = scales.columns(scene.history.ticks[begin:], recent)
    block = scene.history.block([Key("series", city.full_name, key) for key in keys], begin)
    if not len(columns.x):
        return np.zeros(0), np.zeros(0)
    x, y = scales.means(block, columns.starts)
    return _smooth(_smooth(x)), _smooth(_smooth(y))


def _smooth(values: Floats) -> Floats:
    """A moving mean over a sixth of the points; shorter towards the ends, where it is exact."""
    count = len(values)
    reach = count // 12
    sums = np.concatenate(([0.0], np.cumsum(np.nan_to_num(values))))
    known = np.concatenate(([0], np.cumsum(np.isfinite(values))))
    place = np.arange(count)
    near = np.minimum(np.minimum(place, count - 1 - place), reach)
    begin, end = place - near, place + near + 1
    counts = known[end] - known[begin]
    total = sums[end] - sums[begin]
    return np.divide(total, counts, out=np.full(count, np.nan), where=counts > 0)


def _fading(surface: pygame.Surface, scene: Scene, x: Floats, y: Floats, ink: Colour) -> None:
    pieces = 10
    cuts = np.linspace(0, len(x), pieces + 1).astype(int)
    for piece in range(pieces):
        begin, end = cuts[piece], min(cuts[piece + 1] + 1, len(x))
        faint = mix(ink, scene.theme.background, 0.85 * (1 - (piece + 1) / pieces))
        if end - begin > 1:
            strokes.line(surface, x[begin:end], y[begin:end], faint, 1.6)


def _path_end(
    surface: pygame.Surface,
    scene: Scene,
    frame: pygame.Rect,
    city: City,
    at: tuple[float, float],
    taken: list[pygame.Rect],
) -> None:
    """The mark of now, and the name beside it wherever it hides no other."""
    size, ink = scene.sizes.sm, scene.ink(city.full_name)
    sprites.mark(surface, scene.mark(city.full_name), *at, 4.0, ink, scene.theme.background)
    name = text.fit(scene.name(city.full_name), size, frame.w * 0.5)
    box = pygame.Rect(0, 0, round(text.width(name, size)), size)
    for corner in ((9, 0), (-9 - box.w, 0), (9, -size), (9, size), (-9 - box.w, -size)):
        box.midleft = round(at[0] + corner[0]), round(at[1] + corner[1])
        if frame.contains(box) and box.collidelist(taken) < 0:
            taken.append(box.copy())
            baseline = box.centery + text.height(size) / 2
            text.draw(surface, name, box.x, baseline, size, scene.label(city.full_name))
            return
