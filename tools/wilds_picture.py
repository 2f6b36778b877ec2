"""The picture of a stay in the wilds: animals, the price of furs, and the coins it earned.

Called by `tools/wilds.py` with a row a day; it knows nothing of how these came about. Lines and
letters are the viewer's, on a surface that no screen shows.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pygame
from numpy.typing import NDArray

from viewer import scales, strokes, text
from viewer.theme import LIGHT, Colour, city_colour, good_colour

if TYPE_CHECKING:
    from tools.wilds import Day

WIDTH, HEIGHT = 1120, 840
LEFT, RIGHT, TOP, BOTTOM = 76, 170, 74, 44
BETWEEN = 50
SMALL, NORMAL, LARGE = 13, 15, 20


class Line(NamedTuple):
    """One line of a panel: its name, where it ends, and its numbers."""

    name: str
    values: NDArray[np.floating]
    colour: Colour


def draw(days: "Sequence[Day]", city: str, path: Path) -> None:
    """Draw the days as three panels and write them as PNG."""
    surface = pygame.Surface((WIDTH, HEIGHT))
    surface.fill(LIGHT.background)
    city = city.title()
    column = np.array(days if days else np.full((1, 6), np.nan), np.float64).T
    fox, rabbit = city_colour(LIGHT, 4), city_colour(LIGHT, 5)
    fur, bed, chest = good_colour(LIGHT, 4), good_colour(LIGHT, 3), city_colour(LIGHT, 0)
    panels = [
        ("Animals on the meadow", "", [
            Line("rabbits", column[0], rabbit),
            Line("foxes × 10", column[1] * 10, fox),
        ]),
        ("Price of a fur", "coins", [
            Line(f"in {city}, as heard", column[2], fur),
            Line("in the wilds", column[3], LIGHT.text3),
        ]),
        ("Price of a bed", "coins", [Line(f"in {city}, as heard", column[4], bed)]),
        (f"Gone out of {city}", "coins", [Line("earned", column[5], chest)]),
    ]  # fmt: skip
    title = f"The wilds and {city}: what foxes leave of the rabbits becomes beds"
    text.draw(surface, title, LEFT, 38, LARGE, LIGHT.text, bold=True)
    height = (HEIGHT - TOP - BOTTOM - (len(panels) - 1) * BETWEEN) // len(panels)
    for number, (name, unit, lines) in enumerate(panels):
        plot = pygame.Rect(LEFT, TOP + number * (height + BETWEEN) + 22, WIDTH - LEFT - RIGHT, 0)
        plot.h = height - 22
        _panel(surface, plot, name, unit, lines, last=number == len(panels) - 1)
    pygame.image.save(surface, str(path))


def _panel(
    surface: pygame.Surface,
    plot: pygame.Rect,
    name: str,
    unit: str,
    lines: Sequence[Line],
    *,
    last: bool,
) -> None:
    heading = text.draw(surface, name, plot.left, plot.top - 14, NORMAL, LIGHT.text, bold=True)
    text.draw(surface, unit, heading.right + 8, plot.top - 14, SMALL, LIGHT.text2)
    count = len(lines[0].values)
    time = scales.Axis(0.0, max(1.0, count - 1.0), plot.left, plot.right)
    high = max(float(np.nanmax(line.values, initial=0.0)) for line in lines)
    values = scales.axis(0.0, high, plot.bottom, plot.top, zero=True)
    marks = scales.ticks(values, 4)
    for value, label in zip(marks, scales.tick_labels(marks), strict=True):
        label = label if value else "0"
        y = values.pixel(value)
        strokes.horizontal(surface, plot.left, plot.right, y, LIGHT.grid)
        baseline = y + text.height(SMALL) / 2
        text.draw(surface, label, plot.left - 9, baseline, SMALL, LIGHT.text2, align="right")
    strokes.horizontal(surface, plot.left, plot.right, plot.bottom, LIGHT.rule)
    for mark in scales.ticks(time, 8):
        x = time.pixel(mark)
        strokes.vertical(surface, x, plot.bottom, plot.bottom + 4, LIGHT.rule)
        if last:
            label = scales.span_label(mark) + (" days" if mark else "")
            text.draw(surface, label, x, plot.bottom + 20, SMALL, LIGHT.text2, align="centre")
    across = time.at(np.arange(count, dtype=np.float64))
    for line in lines:
        strokes.line(surface, across, values.at(line.values), line.colour, 2.2)
    lines = [line for line in lines if np.isfinite(line.values[-1])]
    wanted = [values.pixel(float(line.values[-1])) for line in lines]
    for line, y in zip(lines, scales.keep_apart(wanted, 19, plot.top, plot.bottom), strict=True):
        ink, baseline = LIGHT.label(line.colour), y + text.height(SMALL) / 2
        text.draw(surface, line.name, plot.right + 10, baseline, SMALL, ink)
