"""Draws what `chart_lines.prepare` worked out: grid, bands, lines, events, names at the ends."""

import numpy as np
import pygame

from viewer import scales, sprites, strokes, text
from viewer.chart_lines import CROWD, Lines
from viewer.scene import Scene, heading
from viewer.theme import Sizes, mix


def draw(surface: pygame.Surface, scene: Scene, chart: Lines) -> None:
    """The whole panel."""
    style, sizes, palette = chart.style, scene.sizes, scene.theme
    indent = 0
    if style.good:
        side = round(sizes.md * 1.2)
        middle = chart.rect.y + round(sizes.md * 0.62)
        colour, mark = scene.good_colour(style.good), scene.good_mark(style.good)
        x = chart.rect.x + side / 2
        sprites.icon(surface, style.good, mark, x, middle, side, colour, palette.background)
        indent = side + round(sizes.md * 0.5)
    heading(surface, scene, chart.rect, style.title, style.unit, style.summary, indent=indent)
    _draw_grid(surface, scene, chart)
    if not np.isfinite(chart.mean).any():
        no_data(surface, scene, chart.plot)
        return
    before = surface.get_clip()
    surface.set_clip(chart.plot.clip(before))
    _draw_courses(surface, scene, chart)
    surface.set_clip(before)
    _draw_events(surface, scene, chart)
    if chart.peak is not None:
        _draw_peak(surface, scene, chart, chart.peak)
    _draw_ends(surface, scene, chart)


def no_data(surface: pygame.Surface, scene: Scene, plot: pygame.Rect) -> None:
    """Says in the middle of a plot that there is nothing to plot."""
    size = scene.sizes.sm
    x, baseline = plot.centerx, plot.centery + text.height(size) / 2
    message = text.fit("no data yet", size, plot.w)
    text.draw(surface, message, x, baseline, size, scene.theme.text3, align="centre")


def _tick_labels(values: list[float], unit: str, sizes: Sizes) -> list[str]:
    """What stands at the axis: 4k% where 4,000% is too wide."""
    labels: list[str] = []
    for labels in (scales.tick_labels(values), [scales.plain(value) for value in values]):
        if labels and unit.startswith("%"):
            labels[-1] += "%"
        if all(text.width(label, sizes.xs) <= sizes.axis for label in labels):
            break
    return labels


def _draw_grid(surface: pygame.Surface, scene: Scene, chart: Lines) -> None:
    sizes, palette, plot = scene.sizes, scene.theme, chart.plot
    values = scales.ticks(chart.values, max(2, min(5, plot.h // (3 * sizes.xs))))
    labels = _tick_labels(values, chart.style.unit, sizes)
    for value, label in zip(values, labels, strict=True):
        y = chart.values.pixel(value)
        zero = value == 0.0 and chart.values.low < 0
        strokes.horizontal(
            surface, plot.left, plot.right, y, palette.rule if zero else palette.grid
        )
        baseline = min(max(y + text.height(sizes.xs) / 2, plot.top + 4), plot.bottom + 4)
        label = text.fit(label, sizes.xs, sizes.axis)
        x = plot.left - 7
        text.draw(surface, label, x, baseline, sizes.xs, palette.text3, align="right")
    strokes.horizontal(surface, plot.left, plot.right, plot.bottom, palette.rule)
    if chart.style.reference is not None:
        start = (plot.left, chart.values.pixel(chart.style.reference))
        strokes.dotted(surface, start, plot.w, palette.text2, upright=False, on=3, off=3)
    if chart.style.x_labels:
        _draw_time(surface, scene, chart)


def _draw_time(surface: pygame.Surface, scene: Scene, chart: Lines) -> None:
    sizes, palette, plot = scene.sizes, scene.theme, chart.plot
    baseline = plot.bottom + 5 + text.height(sizes.xs)
    for tick in scales.ticks(chart.time, max(1, min(5, plot.w // 75))):
        x = chart.time.pixel(tick)
        label = scales.span_label(tick)
        half = text.width(label, sizes.xs) / 2
        if chart.rect.left + half <= x <= chart.rect.right - half:
            strokes.vertical(surface, x, plot.bottom, plot.bottom + 3, palette.rule)
            text.draw(surface, label, x, baseline, sizes.xs, palette.text3, align="centre")


def _draw_courses(surface: pygame.Surface, scene: Scene, chart: Lines) -> None:
    """Bands first, then lines; the focused city above all, own ones above others."""
    named = {k for k, _ in chart.labels}
    focus = scene.view.focus
    crowd = len(chart.courses) > CROWD
    order = sorted(
        range(len(chart.courses)),
        key=lambda k: (chart.courses[k].city == focus, chart.courses[k].own, k in named, -k),
    )
    if chart.low.size:
        for k in order:
            course = chart.courses[k]
            if course.low is None or (crowd and k not in named):
                continue
            if focus is not None and course.city != focus:
                continue
            opacity = scene.theme.band_opacity(course.ink, len(chart.courses))
            if course.city == focus:
                opacity *= 1.5
            tops, bottoms = chart.values.at(chart.high[k]), chart.values.at(chart.low[k])
            strokes.band(surface, chart.x, tops, bottoms, course.ink, opacity)
    for k in order:
        course = chart.courses[k]
        x, y = chart.x, chart.values.at(chart.mean[k])
        if chart.style.staircase:
            x, y = strokes.steps(x, y)
        if course.city and course.city == focus:
            width = 2.2
        elif focus is not None or (crowd and not course.own):
            width = 1.1
        else:
            width = 1.6
        ink = course.ink
        if crowd and ink == scene.theme.context:  # a grey crowd is ground, not figure
            ink = mix(ink, scene.theme.background, 0.45)
        strokes.line(surface, x, y, ink, width)


def _draw_events(surface: pygame.Surface, scene: Scene, chart: Lines) -> None:
    sizes, palette, plot = scene.sizes, scene.theme, chart.plot
    free = plot.left  # the next label may begin here
    baseline = plot.top + round(sizes.sm * 0.95)
    for event in scene.history.events:
        if not chart.time.low <= event.tick <= chart.time.high:
            continue
        x = chart.time.pixel(event.tick)
        strokes.dotted(surface, (x, plot.top), plot.h, palette.text2, upright=True)
        if not chart.style.event_labels or x + 5 < free:
            continue
        room = plot.right + 8 - x - 5  # a little beyond the plot hides nothing
        if chart.peak is not None and x < chart.peak[0] + 60 and x + 5 > chart.peak[0] - 10:
            continue
        label = text.fit(event.label, sizes.sm, room)
        if len(label) >= min(6, len(event.label)):
            drawn = sprites.label(
                surface, label, x + 5, baseline, sizes.sm, palette.text2, palette.background
            )
            free = drawn.right + 8


def _draw_peak(
    surface: pygame.Surface, scene: Scene, chart: Lines, peak: tuple[float, float]
) -> None:
    """What rises above the range is said in figures."""
    size = scene.sizes.sm
    label = f"↑ {scales.figure(peak[1], chart.style.decimals)}"
    room = text.width(label, size)
    x = peak[0] + 4
    if x + room > chart.plot.right - 2:  # beside the peak, not on it
        x = peak[0] - 6 - room
    baseline = chart.plot.top + round(size * 1.1)
    x = max(x, chart.plot.left + 2)
    sprites.label(surface, label, x, baseline, size, scene.theme.text3, scene.theme.background)


def _draw_ends(surface: pygame.Surface, scene: Scene, chart: Lines) -> None:
    """At each line's end its mark, and beside it name and value with a thin leader."""
    sizes, palette, plot = scene.sizes, scene.theme, chart.plot
    ends = {
        k: float(np.clip(chart.values.pixel(float(chart.now[k])), plot.top, plot.bottom))
        for k, _ in chart.labels
    }
    focus = scene.view.focus
    for k, _ in sorted(chart.labels, key=lambda label: chart.courses[label[0]].city == focus):
        course = chart.courses[k]
        sprites.mark(surface, course.mark, plot.right, ends[k], 3.6, course.ink, palette.background)
    x = plot.right + 11
    for k, y in chart.labels:
        course = chart.courses[k]
        if abs(y - ends[k]) > 2.0:
            leader = mix(course.ink, palette.background, 0.35)
            pygame.draw.aaline(surface, leader, (plot.right + 4, ends[k]), (x - 2, y))
        baseline = round(y + text.height(sizes.sm) / 2)
        figure = scales.figure(float(chart.now[k]), chart.style.decimals)
        right, ink = chart.rect.right, course.label
        value = text.draw(surface, figure, right, baseline, sizes.sm, ink, bold=True, align="right")
        room = value.left - 6 - x
        text.draw(surface, course.name, x, baseline, sizes.sm, ink, width_max=room)
