"""Small multiples of courses over time as a PNG: what a batch command draws when it has run.

A window has the viewer; this is for `city-node evolve` and the tools, where nobody watches. Knows
nothing of what it draws. pygame is loaded only when something is drawn.
"""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from city_node.errors import ConfigError
from engine.tables import Array

if TYPE_CHECKING:
    import pygame

PANEL = (300, 170)
GAP, MARGIN, GUTTER, HEAD, FOOT = 26, 24, 46, 24, 20
PAPER, INK, FAINT, GRID = (252, 252, 250), (34, 36, 42), (120, 124, 132), (226, 228, 230)
COLOURS = ((0, 95, 160), (204, 85, 0), (0, 130, 90), (150, 60, 130))
"""Told apart by most colour-blind people too."""


@dataclass(frozen=True)
class Band:
    """A course with its spread; all float64[times]. Without a spread `low` and `high` are empty."""

    name: str
    mean: Array
    low: Array
    high: Array


@dataclass(frozen=True)
class Panel:
    """One chart; the range is that of the values unless `low` and `high` are given."""

    title: str
    unit: str
    bands: Sequence[Band]
    reference: float | None = None
    low: float | None = None
    high: float | None = None
    x_start: float = 0.0
    x_end: float | None = None
    x_unit: str = "generation"


def draw(path: Path, panels: Sequence[Panel], title: str, columns: int = 4) -> None:
    """Draw panels in rows, so many a row, and write the PNG.

    Raises:
        ConfigError: it cannot be written.
    """
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    import pygame

    pygame.font.init()
    columns = min(columns, len(panels))
    rows = math.ceil(len(panels) / columns)
    width = 2 * MARGIN + columns * (PANEL[0] + GUTTER) + (columns - 1) * GAP
    height = 2 * MARGIN + 34 + rows * (PANEL[1] + HEAD + FOOT) + (rows - 1) * GAP
    surface = pygame.Surface((width, height))
    surface.fill(PAPER)
    _text(surface, title, (MARGIN, MARGIN - 4), 28, INK)
    for place, panel in enumerate(panels):
        row, column = divmod(place, columns)
        x = MARGIN + column * (PANEL[0] + GUTTER + GAP) + GUTTER
        y = MARGIN + 34 + row * (PANEL[1] + HEAD + FOOT + GAP) + HEAD
        _panel(surface, pygame.Rect(x, y, *PANEL), panel)
    try:
        pygame.image.save(surface, str(path))
    except (OSError, pygame.error) as error:
        raise ConfigError(f"picture = '{path}': cannot be written ({error})") from None


def _panel(surface: "pygame.Surface", rect: "pygame.Rect", panel: Panel) -> None:
    import pygame

    low, high = _range(panel)
    times = max(len(band.mean) for band in panel.bands)

    def point(time: int, value: float) -> tuple[float, float]:
        across = time / max(1, times - 1)
        up = (min(max(value, low), high) - low) / (high - low)
        return rect.x + across * rect.w, rect.bottom - up * rect.h

    named = _text(surface, panel.title, (rect.x, rect.y - 21), 21, INK)
    _text(surface, panel.unit, (rect.x + named + 8, rect.y - 19), 18, FAINT)
    for value in _ticks(low, high):
        y = point(0, value)[1]
        pygame.draw.line(surface, GRID, (rect.x, y), (rect.right, y))
        _text(surface, f"{value:g}", (rect.x - 6, y - 6), 17, FAINT, right=True)
    if panel.reference is not None and low <= panel.reference <= high:
        y = point(0, panel.reference)[1]
        for x in range(rect.x, rect.right, 8):
            pygame.draw.line(surface, FAINT, (x, y), (min(x + 4, rect.right), y))
    for number, band in enumerate(panel.bands):
        _band(surface, band, COLOURS[number % len(COLOURS)], point)
    x_end = times if panel.x_end is None else panel.x_end
    _text(surface, f"{panel.x_start:g}", (rect.x, rect.bottom + 4), 17, FAINT)
    end = f"{panel.x_unit} {x_end:,.0f}"
    _text(surface, end, (rect.right, rect.bottom + 4), 17, FAINT, right=True)
    x = rect.right
    for number, band in reversed(list(enumerate(panel.bands))):
        if band.name:
            ink = COLOURS[number % len(COLOURS)]
            x -= _text(surface, band.name, (x, rect.y - 19), 18, ink, right=True) + 10


def _band(surface: "pygame.Surface", band: Band, colour: tuple[int, ...], point: object) -> None:
    import pygame

    assert callable(point)
    if len(band.low) > 1:
        layer = pygame.Surface(surface.get_size(), pygame.SRCALPHA)
        outline = [point(time, value) for time, value in enumerate(band.low)]
        outline += [point(time, value) for time, value in enumerate(band.high)][::-1]
        pygame.draw.polygon(layer, (*colour, 45), outline)
        surface.blit(layer, (0, 0))
    course = [point(time, value) for time, value in enumerate(band.mean) if np.isfinite(value)]
    if len(course) > 1:
        for by in (0, 1):  # aalines are one pixel wide
            pygame.draw.aalines(surface, colour, False, [(x, y + by) for x, y in course])


def _range(panel: Panel) -> tuple[float, float]:
    values = np.concatenate([part for b in panel.bands for part in (b.mean, b.low, b.high)])
    values = values[np.isfinite(values)]
    low = panel.low if panel.low is not None else float(values.min(initial=0.0))
    high = panel.high if panel.high is not None else float(values.max(initial=low))
    return low, high if high > low else low + 1.0


def _ticks(low: float, high: float) -> list[float]:
    """Two to five round numbers."""
    step = 10.0 ** math.floor(math.log10(high - low))
    for factor in (5.0, 2.0, 1.0, 0.5, 0.2):
        first, end = math.ceil(low / (step * factor)), math.floor(high / (step * factor))
        if end - first >= 2:
            return [round(number * step * factor, 12) for number in range(first, end + 1)]
    return [low, high]


def _text(
    surface: "pygame.Surface",
    text: str,
    at: tuple[float, float],
    size: int,
    ink: tuple[int, ...],
    *,
    right: bool = False,
) -> int:
    import pygame

    image = pygame.font.Font(None, size).render(text, True, ink)
    surface.blit(image, (at[0] - image.get_width() if right else at[0], at[1]))
    return image.get_width()
