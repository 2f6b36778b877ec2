"""How something is shared out: Lorenz curves and densities, a curve or a row a city.

Called by `charts_declared.py`; samples may hold NaN.
"""

from collections.abc import Sequence

import numpy as np
import pygame

from protocol.observe import City
from viewer import scales, sprites, strokes, text
from viewer.chart_lines import CROWD
from viewer.chart_lines_draw import no_data
from viewer.chart_scatter import wants_log, x_labels
from viewer.scales import Axis, Floats
from viewer.scene import Scene, heading, title_height
from viewer.theme import Colour, mix

ROW_MAX = 300  # pixels: a density higher than that says no more


def lorenz(
    surface: pygame.Surface,
    scene: Scene,
    rect: pygame.Rect,
    title: str,
    unit: str,
    samples: Sequence[tuple[City, Floats]],
) -> None:
    """The share held by the poorest: the further below the diagonal, the less equal."""
    sizes, palette = scene.sizes, scene.theme
    heading(surface, scene, rect, title, unit)
    names = [text.width(scene.name(city.full_name), sizes.sm) for city, _ in samples]
    gutter = min(max(names, default=0.0) + 24, rect.w * 0.34)
    top, bottom = rect.y + title_height(sizes), rect.bottom - 22
    side = max(1, min(rect.w - sizes.axis - gutter, (bottom - top) * 1.25))
    bottom = min(bottom, round(top + side * 1.1))
    across = Axis(0.0, 100.0, rect.x + sizes.axis, rect.x + sizes.axis + side)
    upwards = Axis(0.0, 100.0, bottom, top)
    for value in (0, 25, 50, 75, 100):
        y = upwards.pixel(value)
        ink = palette.grid if value else palette.rule
        strokes.horizontal(surface, across.start, across.end, y, ink)
        label = f"{value}%" if value == 100 else f"{value}"
        baseline = round(y + text.height(sizes.xs) / 2)
        x = across.start - 7
        text.draw(surface, label, x, baseline, sizes.xs, palette.text3, align="right")
        x, baseline = across.pixel(value), bottom + 6 + text.height(sizes.xs)
        text.draw(surface, f"{value}", x, baseline, sizes.xs, palette.text3, align="centre")
    ends = (across.start, upwards.start), (across.end, upwards.end)
    pygame.draw.aaline(surface, palette.rule, *ends)
    marks: list[tuple[City, float]] = []
    grey = palette.context
    # Grey ones first, so that they hide none that is named.
    for city, values in sorted(samples, key=lambda entry: scene.ink(entry[0].full_name) != grey):
        held = np.sort(np.clip(values[np.isfinite(values)], 0.0, None))
        if not held.sum() > 0:
            continue
        share = np.concatenate(([0.0], np.cumsum(held))) * (100.0 / held.sum())
        poorest = np.linspace(0.0, 100.0, len(share))
        width = 2.2 if city.full_name == scene.view.focus else 1.6
        ink = scene.ink(city.full_name)
        strokes.line(surface, across.at(poorest), upwards.at(share), ink, width)
        marks.append((city, upwards.pixel(float(np.interp(90.0, poorest, share)))))
    if not marks:
        no_data(surface, scene, pygame.Rect(across.start, top, side, bottom - top))
    room = max(1, int((bottom - top) // sizes.line))
    marks = _named(scene, marks, room)
    within = across.end + 10, float(rect.right)
    _names_beside(surface, scene, marks, across.pixel(90.0), within, (top, bottom))


def _named(scene: Scene, marks: list[tuple[City, float]], room: int) -> list[tuple[City, float]]:
    """All, or in a crowd the focused city, the most and the least equal, and our own."""
    if len(marks) <= min(CROWD, room):
        return marks
    ends = [min(marks, key=lambda mark: mark[1]), max(marks, key=lambda mark: mark[1])]
    own = [mark for mark in marks if mark[0].own]
    first = [mark for mark in marks if mark[0].full_name == scene.view.focus]
    chosen = {mark[0].full_name: mark for mark in [*first, *ends, *own]}
    return list(chosen.values())[: min(room, CROWD // 2)]


def _names_beside(
    surface: pygame.Surface,
    scene: Scene,
    marks: Sequence[tuple[City, float]],
    x_mark: float,
    within: tuple[float, float],
    bounds: tuple[float, float],
) -> None:
    """Marks on curves, their names in a column at the right, thin leaders between.

    Args:
        within: left and right edge of the names.
        bounds: highest and lowest y.
    """
    size = scene.sizes.sm
    reach, x_name = text.height(size) / 2, within[0]
    wanted = [y for _, y in marks]
    apart = scales.keep_apart(wanted, scene.sizes.line, bounds[0] + reach, bounds[1] - reach)
    for (city, y), y_name in zip(marks, apart, strict=True):
        ink = scene.ink(city.full_name)
        leader = mix(ink, scene.theme.background, 0.35)
        pygame.draw.aaline(surface, leader, (x_mark + 5, y), (x_name - 3, y_name))
        sprites.mark(
            surface, scene.mark(city.full_name), x_mark, y, 3.8, ink, scene.theme.background
        )
        label, baseline = scene.label(city.full_name), round(y_name + reach)
        name = text.fit(scene.name(city.full_name), size, within[1] - x_name)
        text.draw(surface, name, x_name, baseline, size, label)


def ridge(
    surface: pygame.Surface,
    scene: Scene,
    rect: pygame.Rect,
    title: str,
    unit: str,
    samples: Sequence[tuple[City, Floats]],
    log: bool | None,
) -> None:
    """A row a city: how many have how much, the middle half barred, the median its gap."""
    sizes, palette = scene.sizes, scene.theme
    top, bottom = rect.y + title_height(sizes), rect.bottom - 26
    known = [(city, values[np.isfinite(values)]) for city, values in samples]
    known = [(city, values) for city, values in known if len(values) > 1]
    # The focused city is never among those there is no room for.
    known.sort(key=lambda entry: entry[0].full_name != scene.view.focus)
    fits = max(1, int((bottom - top) // 24))
    more = f"{len(known) - fits} more" if len(known) > fits else ""
    known = known[:fits]
    heading(surface, scene, rect, title, unit, more)
    if not known:
        no_data(surface, scene, pygame.Rect(rect.x, top, rect.w, bottom - top))
        return
    names = [text.width(scene.name(c.full_name), sizes.sm, bold=True) for c, _ in known]
    left = rect.x + 20 + min(max(names) + 10, rect.w * 0.3)
    every = np.concatenate([values for _, values in known])
    logarithmic = wants_log(every) if log is None else log
    if logarithmic:
        known = [(city, values[values > 0]) for city, values in known]
        known = [(city, values) for city, values in known if len(values) > 1]
        every = every[every > 0]
    if not known:
        no_data(surface, scene, pygame.Rect(rect.x, top, rect.w, bottom - top))
        return
    across = _room_for_tails(every, left, rect.right, logarithmic)
    pitch = min((bottom - top) / len(known), ROW_MAX)
    bottom = round(top + pitch * len(known))
    x = np.arange(left, rect.right, 2.0)
    shapes = [_density(x, across.at(values)) for _, values in known]
    tallest = max(float(shape.max()) for shape in shapes)
    frame = pygame.Rect(round(left), top, rect.right - round(left), bottom - top)
    marks = scales.ticks(across, max(2, frame.w // 60))
    for value in marks:
        strokes.vertical(surface, across.pixel(value), top, bottom, palette.grid)
    x_labels(surface, scene, frame, across, bottom + 8, marks)
    for row, ((city, values), shape) in enumerate(zip(known, shapes, strict=True)):
        base = round(top + (row + 1) * pitch) - 4
        ink = scene.ink(city.full_name)
        y = base - shape / tallest * min(pitch * 1.05, base - top)
        y[shape < 0.004 * tallest] = np.nan  # nobody there: the base line alone
        strokes.horizontal(surface, left, rect.right, base, palette.rule)
        strokes.area(surface, x, y, base, ink, 0.30)
        strokes.line(surface, x, y, ink, 1.6)
        at = np.clip(across.at(values), left, rect.right - 1)
        _middle_half(surface, scene, at, base, palette.label(ink))
        middle = base - 6
        sprites.mark(surface, scene.mark(city.full_name), rect.x + 7, middle, 3.8, ink)
        baseline, room = round(middle + text.height(sizes.sm) / 2), left - rect.x - 26
        name, label = scene.name(city.full_name), scene.label(city.full_name)
        text.draw(surface, name, rect.x + 20, baseline, sizes.sm, label, bold=True, width_max=room)


def _room_for_tails(values: Floats, left: float, right: float, log: bool) -> Axis:
    """An axis on which a smoothed density comes down to nothing before its ends."""
    low, high = (float(value) for value in np.percentile(values, (0.3, 99.7)))
    if log:
        tail = max(1.1, (high / low) ** 0.1)
        return scales.axis(low / tail, high * tail, left, right, log=True)
    tail = 0.08 * (high - low)
    return scales.axis(low - tail if low < 0 else max(0.0, low - tail), high + tail, left, right)


def _middle_half(surface: pygame.Surface, scene: Scene, at: Floats, base: int, ink: Colour) -> None:
    first, median, third = np.percentile(at, (25, 50, 75))
    surface.fill(ink, (round(first), base - 1, max(1, round(third - first)), 3))
    surface.fill(scene.theme.background, (round(median) - 1, base - 1, 3, 3))


def _density(x: Floats, at: Floats) -> Floats:
    """A smooth density over pixels x of points at pixels `at` (Gaussian kernel, Silverman)."""
    spread = min(float(np.std(at)), float(np.subtract(*np.percentile(at, (75, 25)))) / 1.34 or 9e9)
    width = max(3.0, 0.9 * spread * len(at) ** -0.2)
    away = (x[:, None] - at[None, :]) / width
    density: Floats = np.exp(-0.5 * away * away).mean(axis=1) / width
    return density
