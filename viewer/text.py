"""Text that is crisp at 12 pixels: rendered four times too large, scaled down, and kept.

Everything that writes calls `draw`, with a baseline rather than a corner so that sizes line up.
The font is Source Sans Pro from its own package, else what the pygame wheel brings along.
"""

import functools
import importlib.util
import os.path
from typing import Literal

import numpy as np
import pygame

from viewer.theme import Colour

Align = Literal["left", "centre", "right"]

OVERSAMPLING = 4
# Averaging sixteen samples thins strokes; this exponent on the coverage gives them back.
_COVERAGE = np.round(255.0 * (np.arange(256) / 255.0) ** 0.74).astype(np.uint8)
_LENGTH_MAX = 200  # no line on any screen is longer
_KEPT_MAX = 4_096  # strings: many times a screenful; figures that change push the oldest out


@functools.cache
def _font_files() -> tuple[str, str]:
    """Paths of the regular and the semibold face."""
    found = importlib.util.find_spec("font_source_sans_pro")
    if found and found.submodule_search_locations:
        folder = os.path.join(found.submodule_search_locations[0], "files")
        faces = [
            os.path.join(folder, f"SourceSansPro-{face}.ttf") for face in ("Regular", "Semibold")
        ]
        if all(os.path.exists(face) for face in faces):
            return faces[0], faces[1]
    folder = os.path.dirname(pygame.__file__)
    regular = os.path.join(folder, "examples", "data", "sans.ttf")
    bold = os.path.join(folder, "freesansbold.ttf")
    return (regular if os.path.exists(regular) else bold), bold


@functools.cache
def _font(size: int, bold: bool) -> pygame.font.Font:
    if not pygame.font.get_init():
        pygame.font.init()
    return pygame.font.Font(_font_files()[bold], size * OVERSAMPLING)


@functools.lru_cache(_KEPT_MAX)
def _image(string: str, size: int, bold: bool, colour: Colour) -> tuple[pygame.Surface, int]:
    """The picture of a string and the row of its baseline."""
    font = _font(size, bold)
    large = font.render(_printable(string), True, colour)
    # Padded so that pixels fall on whole groups of samples and the baseline between two rows; in
    # the colour at alpha 0, for black would seep into the edges.
    above = -font.get_ascent() % OVERSAMPLING
    columns = -(-large.get_width() // OVERSAMPLING) or 1
    rows = -(-(large.get_height() + above) // OVERSAMPLING)
    padded = pygame.Surface((columns * OVERSAMPLING, rows * OVERSAMPLING), pygame.SRCALPHA)
    padded.fill((*colour, 0))
    padded.blit(large, (0, above), special_flags=pygame.BLEND_RGBA_MAX)
    image = pygame.transform.smoothscale(padded, (columns, rows))
    alpha = pygame.surfarray.pixels_alpha(image)
    alpha[:] = _COVERAGE[alpha]
    del alpha  # the array locks the surface
    return image, (font.get_ascent() + above) // OVERSAMPLING


@functools.lru_cache(_KEPT_MAX)
def _width(string: str, size: int, bold: bool) -> float:
    return _font(size, bold).size(_printable(string))[0] / OVERSAMPLING


def _printable(string: str) -> str:
    return "".join(c if c.isprintable() else "·" for c in string[:_LENGTH_MAX])


def width(string: str, size: int, *, bold: bool = False) -> float:
    """Pixels that the string takes."""
    return _width(string[:_LENGTH_MAX], size, bold)


def height(size: int) -> int:
    """Pixels above the baseline that a capital takes, about."""
    return round(size * 0.66)


def fit(string: str, size: int, width_max: float, *, bold: bool = False) -> str:
    """The string, or as much of it as fits before an ellipsis; empty where not even that fits."""
    string = string[:_LENGTH_MAX]
    if width(string, size, bold=bold) <= width_max:
        return string
    low, high = 0, len(string)  # the longest beginning, by halves: names may be long
    while low < high:
        middle = (low + high + 1) // 2
        if width(string[:middle].rstrip() + "…", size, bold=bold) <= width_max:
            low = middle
        else:
            high = middle - 1
    return string[:low].rstrip() + "…" if low else ""


def draw(
    surface: pygame.Surface,
    string: str,
    x: float,
    baseline: float,
    size: int,
    colour: Colour,
    *,
    bold: bool = False,
    align: Align = "left",
    width_max: float | None = None,
) -> pygame.Rect:
    """Writes the string with its left edge, middle or right edge at x.

    Args:
        baseline: y on which letters stand.
        size: pixels, one of the theme's five.
        width_max: what is longer ends in an ellipsis.

    Returns:
        the rectangle of its ink, without descenders; of no width where nothing is written.
    """
    if width_max is not None:
        string = fit(string, size, width_max, bold=bold)
    taken = width(string, size, bold=bold) if string else 0.0
    if align == "right":
        x -= taken
    elif align == "centre":
        x -= taken / 2
    ink = pygame.Rect(round(x), round(baseline) - height(size), round(taken), height(size))
    if string:
        image, ascent = _image(string[:_LENGTH_MAX], size, bold, colour)
        surface.blit(image, (ink.x, round(baseline) - ascent))
    return ink
