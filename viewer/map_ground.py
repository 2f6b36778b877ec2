"""What lies under the cities: areas of nodes and roads, three times too large and scaled down.

Kept until the topology, the size or the theme changes: it costs ten milliseconds. Called by
`map.py` alone.
"""

import functools
import math
from collections.abc import Sequence

import numpy as np
import pygame

from viewer import strokes
from viewer.map_places import Area, Pair, Point, Town, Way, places
from viewer.scales import Floats
from viewer.theme import Colour, Theme, mix

OVERSAMPLING = 3
ROAD_WIDTH = 10


@functools.lru_cache(6)
def ground(
    size: tuple[int, int],
    towns: tuple[Town, ...],
    pairs: tuple[Pair, ...],
    whole: tuple[int, int],
    theme: Theme,
    closed: tuple[Colour, ...],
) -> pygame.Surface:
    """The picture under the cities.

    Args:
        size, towns, pairs: as for `map_places.places`; the map without its caption.
        whole: pixels with the caption.
        closed: a colour for each closed road, in their order.
    """
    found = places(size, towns, pairs)
    canvas = pygame.Surface((whole[0] * OVERSAMPLING, whole[1] * OVERSAMPLING))
    canvas.fill(theme.map)
    # Own area last: it is the one whose inside is shown.
    for area in sorted(found.areas, key=lambda area: area.own):
        fill = theme.area if area.own else mix(theme.map, theme.area, 0.35)
        edge = theme.area_edge if area.own else mix(theme.map, theme.area_edge, 0.6)
        _draw_area(canvas, area, area.reach, edge)
        _draw_area(canvas, area, area.reach - 1.0, fill)
    for way in found.ways:
        if way.pair.open:
            _draw_road(canvas, way, theme)
    image = pygame.transform.smoothscale(canvas, whole)
    dashed = [way for way in found.ways if not way.pair.open]
    for way, colour in zip(dashed, closed, strict=True):  # a hairline is soft already
        strokes.dashes(image, way.points, colour, on=7, off=6, width=1.6)
    return image


def _draw_area(canvas: pygame.Surface, area: Area, reach: float, colour: Colour) -> None:
    """All within `reach` of the node's cities or of what lies between them."""
    points = [(x * OVERSAMPLING, y * OVERSAMPLING) for x, y in _hull(area.points)]
    thick = reach * OVERSAMPLING
    if len(points) > 2:
        pygame.draw.polygon(canvas, colour, points)
    for k, point in enumerate(points):
        pygame.draw.circle(canvas, colour, point, thick)
        other = points[(k + 1) % len(points)]
        length = math.dist(point, other)
        if length > 0:
            aside = (
                thick * (point[1] - other[1]) / length,
                thick * (other[0] - point[0]) / length,
            )
            quad = [
                (point[0] + aside[0], point[1] + aside[1]),
                (other[0] + aside[0], other[1] + aside[1]),
                (other[0] - aside[0], other[1] - aside[1]),
                (point[0] - aside[0], point[1] - aside[1]),
            ]
            pygame.draw.polygon(canvas, colour, quad)


def _hull(points: Sequence[Point]) -> list[Point]:
    """The outermost ones, in the order in which they lie around the others."""
    ordered = sorted(set(points))
    found: list[Point] = []
    for side in (ordered, ordered[::-1]):
        begin = len(found)
        for x, y in side:
            while len(found) >= begin + 2:
                (ax, ay), (bx, by) = found[-2:]
                if (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0:
                    break
                found.pop()
            found.append((x, y))
        found.pop()
    return found or ordered


def _draw_road(canvas: pygame.Surface, way: Way, theme: Theme) -> None:
    """A strip with a broken line along its middle; arrowheads where there is no way back."""
    points = way.points * OVERSAMPLING
    _draw_strip(canvas, points, ROAD_WIDTH * OVERSAMPLING, theme.road)
    faint = mix(theme.road, theme.text3, 0.35)
    lengths = np.hypot(*np.diff(points, axis=0).T)
    along = np.concatenate(([0.0], np.cumsum(lengths)))
    if way.pair.one_way:
        for share in (0.3, 0.5, 0.7):
            _draw_arrowhead(canvas, points, along, along[-1] * share, faint)
        return
    dash = 5.0 * OVERSAMPLING
    for begin in np.arange(dash, along[-1] - dash, 2.2 * dash):
        at = np.linspace(begin, begin + dash, 3)
        piece = np.column_stack(
            (np.interp(at, along, points[:, 0]), np.interp(at, along, points[:, 1]))
        )
        _draw_strip(canvas, piece, 1.0 * OVERSAMPLING, faint)


def _draw_strip(canvas: pygame.Surface, points: Floats, width: float, colour: Colour) -> None:
    """A polygon on both sides of a path."""
    ahead = np.gradient(points, axis=0)
    ahead /= np.maximum(np.hypot(ahead[:, 0], ahead[:, 1]), 1e-9)[:, None]
    aside = np.column_stack((-ahead[:, 1], ahead[:, 0])) * (width / 2)
    outline = np.concatenate((points + aside, (points - aside)[::-1]))
    pygame.draw.polygon(canvas, colour, outline.tolist())


def _draw_arrowhead(
    canvas: pygame.Surface, points: Floats, along: Floats, at: float, colour: Colour
) -> None:
    x, y = float(np.interp(at, along, points[:, 0])), float(np.interp(at, along, points[:, 1]))
    behind = max(0.0, at - 3 * OVERSAMPLING)
    dx = x - float(np.interp(behind, along, points[:, 0]))
    dy = y - float(np.interp(behind, along, points[:, 1]))
    length = math.hypot(dx, dy) or 1.0
    dx, dy = dx / length * 4 * OVERSAMPLING, dy / length * 4 * OVERSAMPLING
    tip, base = (x + dx * 0.6, y + dy * 0.6), (x - dx * 0.6, y - dy * 0.6)
    wings = [(base[0] - dy, base[1] + dx), tip, (base[0] + dy, base[1] - dx)]
    pygame.draw.lines(canvas, colour, False, wings, OVERSAMPLING + 1)
