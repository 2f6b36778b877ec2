"""Small pictures with soft edges: marks, dots, discs, boxes and the icons of goods; kept once made.

Each is drawn eight times too large on a canvas filled beforehand with its own colour at alpha 0
(black there would leave a dark fringe) and scaled down. What moves is kept in sixteen versions, a
quarter of a pixel apart in both directions, so that it glides.
"""

import functools
import math

import pygame

from viewer import text
from viewer.theme import Colour, mix

OVERSAMPLING = 8
PHASES = 4
_KEPT_MAX = 4_096

# Outlines in units of the radius; round marks are drawn as circles.
_S = 0.80
_SHAPES: dict[str, tuple[tuple[float, float], ...]] = {
    "square": ((-_S, -_S), (_S, -_S), (_S, _S), (-_S, _S)),
    "triangle": ((0.0, -0.98), (0.98, 0.74), (-0.98, 0.74)),
    "down": ((0.0, 0.98), (0.98, -0.74), (-0.98, -0.74)),
    "diamond": ((0.0, -1.12), (1.12, 0.0), (0.0, 1.12), (-1.12, 0.0)),
    "hexagon": tuple(
        (math.cos(math.radians(60 * k)), math.sin(math.radians(60 * k))) for k in range(6)
    ),
    "plus": (
        *((-0.36, -1.0), (0.36, -1.0), (0.36, -0.36), (1.0, -0.36), (1.0, 0.36), (0.36, 0.36)),
        *((0.36, 1.0), (-0.36, 1.0), (-0.36, 0.36), (-1.0, 0.36), (-1.0, -0.36), (-0.36, -0.36)),
    ),
    "bar": ((-1.05, -0.45), (1.05, -0.45), (1.05, 0.45), (-1.05, 0.45)),
}


def _canvas(width: int, height: int, colour: Colour, scale: int) -> pygame.Surface:
    canvas = pygame.Surface((width * scale, height * scale), pygame.SRCALPHA)
    canvas.fill((*colour, 0))
    return canvas


def _shrink(canvas: pygame.Surface, scale: int) -> pygame.Surface:
    size = (canvas.get_width() // scale, canvas.get_height() // scale)
    return pygame.transform.smoothscale(canvas, size)


def _shape(
    canvas: pygame.Surface, kind: str, x: float, y: float, radius: float, colour: Colour
) -> None:
    """One mark on an oversampled canvas, in its pixels."""
    if kind in _SHAPES:
        points = [(x + radius * a, y + radius * b) for a, b in _SHAPES[kind]]
        pygame.draw.polygon(canvas, colour, points)
    elif kind == "ring":
        pygame.draw.circle(canvas, colour, (x, y), radius, max(2, round(radius * 0.36)))
    else:
        pygame.draw.circle(canvas, colour, (x, y), radius * 0.96)


@functools.lru_cache(_KEPT_MAX)
def _mark(
    kind: str, radius: float, colour: Colour, halo: Colour | None, phase: tuple[int, int]
) -> pygame.Surface:
    size = 2 * math.ceil(radius * 1.15 + (1.3 if halo else 0.0) + 1.0) + 1
    canvas = _canvas(size, size, halo or colour, OVERSAMPLING)
    x, y = (OVERSAMPLING * (size / 2 + p / PHASES) for p in phase)
    if halo is not None:
        _shape(
            canvas, "disc" if kind == "ring" else kind, x, y, (radius + 1.2) * OVERSAMPLING, halo
        )
    _shape(canvas, kind, x, y, radius * OVERSAMPLING, colour)
    return _shrink(canvas, OVERSAMPLING)


def placed(
    kind: str, x: float, y: float, radius: float, colour: Colour, halo: Colour | None = None
) -> tuple[pygame.Surface, tuple[int, int]]:
    """A mark with its middle at x, y, and where its corner goes: for one `blits` of many."""
    column, row = math.floor(x), math.floor(y)
    phase = (int((x - column) * PHASES), int((y - row) * PHASES))
    sprite = _mark(kind, radius, colour, halo, phase)
    half = sprite.get_width() // 2
    return sprite, (column - half, row - half)


def mark(
    surface: pygame.Surface,
    kind: str,
    x: float,
    y: float,
    radius: float,
    colour: Colour,
    halo: Colour | None = None,
) -> None:
    """Draws one mark; a halo in the ground's colour keeps it apart from lines it lies on."""
    surface.blit(*placed(kind, x, y, radius, colour, halo))


@functools.lru_cache(_KEPT_MAX)
def disc(
    radius: int, fill: Colour, edge: Colour, edge_px: float, ring: Colour | None = None
) -> pygame.Surface:
    """A city: a filled circle with an edge, and for a remote one a second thin ring inside."""
    scale = 4
    size = 2 * radius + 4
    canvas = _canvas(size, size, edge, scale)
    middle = (size * scale / 2, size * scale / 2)
    pygame.draw.circle(canvas, edge, middle, radius * scale)
    pygame.draw.circle(canvas, fill, middle, (radius - edge_px) * scale)
    if ring is not None and radius > 12:
        pygame.draw.circle(canvas, ring, middle, (radius * 0.78) * scale)
        pygame.draw.circle(canvas, fill, middle, (radius * 0.78 - 1.0) * scale)
    return _shrink(canvas, scale)


@functools.lru_cache(_KEPT_MAX)
def _box(
    size: tuple[int, int], fill: Colour, edge: Colour | None, radius: int, alpha: int
) -> pygame.Surface:
    scale = 4
    canvas = _canvas(*size, edge or fill, scale)
    whole = canvas.get_rect()
    pygame.draw.rect(canvas, edge or fill, whole, border_radius=radius * scale)
    if edge is not None:
        inner = whole.inflate(-2 * scale, -2 * scale)
        pygame.draw.rect(canvas, fill, inner, border_radius=max(0, radius - 1) * scale)
    image = _shrink(canvas, scale)
    image.set_alpha(alpha)
    return image


def box(
    surface: pygame.Surface,
    rect: pygame.Rect,
    fill: Colour,
    *,
    edge: Colour | None = None,
    radius: int = 3,
    alpha: int = 255,
) -> None:
    """A rectangle with round corners and, if asked, an edge one pixel wide."""
    if rect.w > 0 and rect.h > 0:
        surface.blit(_box((rect.w, rect.h), fill, edge, radius, alpha), rect)


def label(
    surface: pygame.Surface,
    string: str,
    x: float,
    baseline: float,
    size: int,
    ink: Colour,
    ground: Colour,
    *,
    bold: bool = False,
    align: text.Align = "left",
) -> pygame.Rect:
    """Text over lines: the ground shines through what it hides."""
    taken = text.width(string, size, bold=bold)
    left = x - taken * {"left": 0.0, "centre": 0.5, "right": 1.0}[align]
    high = text.height(size)
    box = pygame.Rect(round(left) - 2, round(baseline) - high - 2, round(taken) + 4, high + 5)
    cover = pygame.Surface(box.size)
    cover.fill(ground)
    cover.set_alpha(150)
    surface.blit(cover, box)
    return text.draw(surface, string, x, baseline, size, ink, bold=bold, align=align)


# Icons, on a square of 16 units: (what, tone, numbers). Tone 0 is the good's colour, 1 darker,
# 2 the ground showing through.
_ICONS: dict[str, tuple[tuple[str, int, tuple[float, ...]], ...]] = {
    "wood": (
        *(("circle", 0, (x, y, 3.9)) for x, y in ((8.0, 4.3), (4.1, 11.2), (11.9, 11.2))),
        *(("circle", 2, (x, y, 2.6)) for x, y in ((8.0, 4.3), (4.1, 11.2), (11.9, 11.2))),
        *(("circle", 0, (x, y, 1.5)) for x, y in ((8.0, 4.3), (4.1, 11.2), (11.9, 11.2))),
    ),
    "chair": (
        ("rect", 0, (3.0, 0.5, 2.0, 15.0)),
        ("rect", 0, (3.0, 8.0, 10.0, 2.2)),
        ("rect", 0, (11.0, 8.0, 2.0, 7.5)),
    ),
    "thread": (
        ("rect", 0, (2.5, 0.6, 11.0, 2.4)),
        ("rect", 0, (2.5, 13.0, 11.0, 2.4)),
        ("polygon", 0, (4.4, 3.0, 11.6, 3.0, 10.9, 8.0, 11.6, 13.0, 4.4, 13.0, 5.1, 8.0)),
        ("polygon", 1, (4.6, 6.2, 11.2, 4.6, 11.1, 5.6, 4.7, 7.2)),
        ("polygon", 1, (4.8, 9.2, 11.0, 7.6, 11.0, 8.6, 4.9, 10.2)),
        ("polygon", 1, (4.6, 12.2, 11.3, 10.6, 11.4, 11.6, 4.6, 13.0)),
    ),
    "bed": (
        ("rect", 0, (0.2, 2.6, 1.9, 11.0)),
        ("rect", 0, (13.9, 7.6, 1.9, 6.0)),
        ("rect", 0, (0.2, 9.2, 15.6, 2.6)),
        ("rect", 0, (6.6, 6.4, 9.2, 3.0)),
        ("circle", 0, (4.4, 6.9, 1.8)),
    ),
    "fur": (
        (
            "polygon",
            0,
            (8, 0.4, 10.2, 3.2, 14.6, 2.2, 13.0, 6.6, 15.6, 10, 12, 11, 12.4, 15, 8, 13.2),
        ),
        ("polygon", 0, (8, 0.4, 5.8, 3.2, 1.4, 2.2, 3.0, 6.6, 0.4, 10, 4, 11, 3.6, 15, 8, 13.2)),
    ),
    "iron": (("polygon", 0, (4.2, 3.6, 11.8, 3.6, 15.6, 12.6, 0.4, 12.6)),),
}


@functools.lru_cache(_KEPT_MAX)
def _icon(good: str, kind: str, size: int, colour: Colour, ground: Colour) -> pygame.Surface:
    canvas = _canvas(size, size, colour, OVERSAMPLING)
    unit = size * OVERSAMPLING / 16.0
    if good not in _ICONS:
        _shape(canvas, kind, 8 * unit, 8 * unit, 5.6 * unit, colour)
        return _shrink(canvas, OVERSAMPLING)
    tones: tuple[tuple[int, ...], ...] = (colour, mix(colour, ground, 0.45), (*colour, 0))
    for what, tone, numbers in _ICONS[good]:
        n = [value * unit for value in numbers]
        if what == "circle":
            pygame.draw.circle(canvas, tones[tone], n[:2], n[2])
        elif what == "rect":
            pygame.draw.rect(canvas, tones[tone], n, border_radius=round(0.5 * unit))
        else:
            pygame.draw.polygon(canvas, tones[tone], list(zip(n[::2], n[1::2], strict=True)))
    return _shrink(canvas, OVERSAMPLING)


def icon(
    surface: pygame.Surface,
    good: str,
    kind: str,
    x: float,
    y: float,
    size: int,
    colour: Colour,
    ground: Colour,
) -> None:
    """The picture of a good with its middle at x, y; a good without one shows its mark `kind`."""
    corner = (round(x - size / 2), round(y - size / 2))
    surface.blit(_icon(good.lower(), kind, size, colour, ground), corner)
