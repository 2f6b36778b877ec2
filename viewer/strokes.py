"""Lines, bands and dashes with soft edges, on surfaces that have none of their own.

Called by whatever draws charts and maps. Positions are float pixels, y downwards; NaN is a gap.
Everything stays inside the surface's clip.
"""

import numpy as np
import pygame
from numpy.typing import NDArray

from viewer.theme import Colour

Floats = NDArray[np.floating]
FAR = 20_000.0  # pixels: no window reaches so far

# A soft line is one pixel wide; wider ones are the same line drawn again, moved by so much.
_OFFSETS = {1.1: (0.0,), 1.6: (-0.3, 0.3), 2.2: (-0.62, 0.0, 0.62), 3.0: (-1.0, -0.35, 0.35, 1.0)}


def runs(finite: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last-plus-one position of each run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], finite, [False])).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def line(surface: pygame.Surface, x: Floats, y: Floats, colour: Colour, width: float) -> None:
    """A line through the points, broken where y is NaN; `width` is a key of `_OFFSETS`."""
    # Far outside one cannot see how far, and a line of a billion pixels takes its time.
    x, y = np.clip(x, -FAR, FAR), np.clip(y, -FAR, FAR)
    for begin, end in runs(np.isfinite(y)):
        if end - begin == 1:  # a lone point would draw nothing
            surface.set_at((int(x[begin]), int(y[begin])), colour)
            continue
        for offset in _OFFSETS[width]:
            points = np.column_stack((x[begin:end], y[begin:end] + offset))
            pygame.draw.aalines(surface, colour, False, points.tolist())


def steps(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """The same points as a staircase: each value holds until the next one."""
    return np.repeat(x, 2)[1:], np.repeat(y, 2)[:-1]


def band(
    surface: pygame.Surface, x: Floats, top: Floats, bottom: Floats, colour: Colour, opacity: float
) -> None:
    """Fills between two lines over the same x (ascending), each pixel by the share it is covered.

    Args:
        opacity: 0…1 of a pixel covered wholly.
    """
    clip = surface.get_clip()
    finite = np.isfinite(top) & np.isfinite(bottom)
    if not finite.any() or clip.w < 1 or clip.h < 1:
        return
    left = max(clip.left, int(np.ceil(x[finite][0] - 0.5)))
    right = min(clip.right, int(x[finite][-1] + 0.5) + 1)
    first = max(clip.top, int(np.floor(np.min(top[finite]))))
    last = min(clip.bottom, int(np.ceil(np.max(bottom[finite]))) + 1)
    if right <= left or last <= first:
        return
    centres = np.arange(left, right, dtype=np.float32) + 0.5
    # NaN in a neighbour makes NaN between the two: the gap stays a gap.
    tops = np.interp(centres, x, top).astype(np.float32)[:, None]
    bottoms = np.interp(centres, x, bottom).astype(np.float32)[:, None]
    rows = np.arange(first, last, dtype=np.float32)
    covered = np.minimum(bottoms, rows + 1.0) - np.maximum(tops, rows)
    np.clip(np.nan_to_num(covered, nan=0.0), 0.0, 1.0, out=covered)
    layer = pygame.Surface((right - left, last - first), pygame.SRCALPHA)
    layer.fill((*colour, 0))
    alpha = pygame.surfarray.pixels_alpha(layer)
    alpha[:] = covered * (255.0 * opacity) + 0.5
    del alpha  # the array locks the surface
    surface.blit(layer, (left, first))


def area(
    surface: pygame.Surface, x: Floats, y: Floats, base: float, colour: Colour, opacity: float
) -> None:
    """Fills between a line and a level below it."""
    band(surface, x, y, np.full_like(y, base), colour, opacity)


def horizontal(surface: pygame.Surface, x0: float, x1: float, y: float, colour: Colour) -> None:
    """A hairline, exactly one pixel high; nothing where y is not a number or far away."""
    if not abs(y) < FAR:
        return
    surface.fill(colour, pygame.Rect(round(x0), round(y), max(0, round(x1) - round(x0)), 1))


def vertical(surface: pygame.Surface, x: float, y0: float, y1: float, colour: Colour) -> None:
    """A hairline, exactly one pixel wide; nothing where x is not a number or far away."""
    if not abs(x) < FAR:
        return
    surface.fill(colour, pygame.Rect(round(x), round(y0), 1, max(0, round(y1) - round(y0))))


def dotted(
    surface: pygame.Surface,
    start: tuple[float, float],
    length: float,
    colour: Colour,
    *,
    upright: bool,
    on: int = 2,
    off: int = 3,
) -> None:
    """A dotted hairline downwards or rightwards; nothing where it begins nowhere."""
    if not (abs(start[0]) < FAR and abs(start[1]) < FAR):
        return
    x, y = round(start[0]), round(start[1])
    for at in range(0, round(length), on + off):
        size = min(on, round(length) - at)
        rect = (x, y + at, 1, size) if upright else (x + at, y, size, 1)
        surface.fill(colour, rect)


def dashes(
    surface: pygame.Surface, points: Floats, colour: Colour, *, on: float, off: float, width: float
) -> None:
    """A dashed line along a path [n, 2] of close points."""
    lengths = np.hypot(*np.diff(points, axis=0).T)
    along = np.concatenate(([0.0], np.cumsum(lengths)))
    for begin in np.arange(0.0, along[-1], on + off):
        at = np.linspace(begin, min(begin + on, along[-1]), 4)
        line(
            surface,
            np.interp(at, along, points[:, 0]),
            np.interp(at, along, points[:, 1]),
            colour,
            width,
        )
