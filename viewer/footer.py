"""The footer: which keys there are, and what there is to say; or that the node is gone.

Called by `draw.py` every frame, and by `waiting.py`.
"""

import math

import pygame

from viewer import sprites, strokes, text
from viewer.scene import Scene
from viewer.state import Link
from viewer.theme import Sizes, Theme, mix

# (key, meaning, rank): what has the highest rank is dropped first.
KEYS = (
    ("Space", "pause", 0),
    (".", "step", 4),
    ("− +", "speed", 2),
    ("click", "focus", 3),
    ("Esc", "clear", 8),
    ("[ ]", "span", 7),
    ("L", "log", 9),
    ("B", "bands", 10),
    ("T", "theme", 6),
    ("S", "screenshot", 11),
    ("?", "help", 1),
)
WAITING_KEYS = (("R", "retry", 0), ("T", "theme", 2), ("S", "screenshot", 3), ("?", "help", 1))

VIEW_KEYS_MAX = 9
"""There is no key for a tenth view; Tab leads there."""


def keys(views: int) -> tuple[tuple[str, str, int], ...]:
    """The keys of a window with so many views."""
    last = min(views, VIEW_KEYS_MAX)
    numbers = " ".join(map(str, range(1, last + 1))) if last <= 3 else f"1 … {last}"
    return (*KEYS[:3], (numbers, "view", 5), *KEYS[3:])


def footer(
    surface: pygame.Surface,
    palette: Theme,
    sizes: Sizes,
    size: tuple[int, int],
    keys: tuple[tuple[str, str, int], ...],
    said: str,
    ink: tuple[int, int, int] | None = None,
) -> None:
    """Keys from the left, as many as fit, and something said at the right if it fits as well."""
    width, height = size
    top = height - sizes.footer
    surface.fill(palette.background, (0, top, width, sizes.footer))
    strokes.horizontal(surface, 0, width, top, palette.rule)
    room = width - 2 * sizes.margin
    shown = list(keys)
    important = ink is not None  # a message of the moment goes before the rarer keys
    while (
        len(shown) > 1
        and _keys_width(shown, sizes) + (text.width(said, sizes.xs) + 24 if important else 0) > room
    ):
        shown.remove(max(shown, key=lambda key: key[2]))
    x = float(sizes.margin)
    for key, meaning, _ in shown:
        x = key_cap(surface, palette, sizes, x, top + sizes.footer / 2, key)
        x = _meaning(surface, palette, sizes, x + 7, top + sizes.footer / 2, meaning) + 17
    rest = width - sizes.margin - x
    said = said if important or text.width(said, sizes.xs) <= rest else ""
    baseline = round(top + sizes.footer / 2 + text.height(sizes.xs) / 2)
    right, colour = width - sizes.margin, ink or palette.text3
    said = text.fit(said, sizes.xs, max(0.0, rest))
    text.draw(surface, said, right, baseline, sizes.xs, colour, align="right")


def _keys_width(keys: list[tuple[str, str, int]], sizes: Sizes) -> float:
    return (
        sum(
            _cap_width(key, sizes) + 7 + text.width(meaning, sizes.xs) + 17
            for key, meaning, _ in keys
        )
        - 17
    )


def _cap_width(key: str, sizes: Sizes) -> int:
    return max(sizes.xs + 6, math.ceil(text.width(key, sizes.xs, bold=True)) + 10)


def key_cap(
    surface: pygame.Surface, palette: Theme, sizes: Sizes, x: float, middle: float, key: str
) -> float:
    """A key as it lies on the keyboard; returns its right edge."""
    high = round(sizes.xs * 1.42)
    box = pygame.Rect(round(x), round(middle - high / 2), _cap_width(key, sizes), high)
    sprites.box(surface, box, palette.area, edge=mix(palette.rule, palette.text3, 0.35))
    baseline = round(middle + text.height(sizes.xs) / 2)
    ink = palette.text
    text.draw(surface, key, box.centerx, baseline, sizes.xs, ink, bold=True, align="centre")
    return box.right


def _meaning(
    surface: pygame.Surface, palette: Theme, sizes: Sizes, x: float, middle: float, said: str
) -> float:
    baseline = round(middle + text.height(sizes.xs) / 2)
    return text.draw(surface, said, x, baseline, sizes.xs, palette.text2).right


def gone_strip(surface: pygame.Surface, scene: Scene, link: Link, size: tuple[int, int]) -> None:
    """The footer while the node is away: since when, and when it is tried again."""
    sizes, palette = scene.sizes, scene.theme
    width, height = size
    top = height - sizes.footer
    surface.fill(mix(palette.background, palette.error, 0.16), (0, top, width, sizes.footer))
    strokes.horizontal(surface, 0, width, top, mix(palette.background, palette.error, 0.55))
    baseline = round(top + sizes.footer / 2 + text.height(sizes.sm) / 2)
    x, title = sizes.margin, "Refused" if link.phase == "refused" else "Node gone"
    x = text.draw(surface, title, x, baseline, sizes.sm, palette.error, bold=True).right + 12
    right = width - sizes.margin
    drawn = text.draw(surface, "retry now", right, baseline, sizes.sm, palette.text2, align="right")
    cap = drawn.left - 7 - _cap_width("R", sizes)
    key_cap(surface, palette, sizes, cap, top + sizes.footer / 2, "R")
    now_s = scene.view.now_s
    ago_s = max(0.0, now_s - scene.history.latest_at_s)
    said = (
        f"last snapshot {ago_s:.0f} s ago at tick {scene.snapshot.tick:,}; charts are frozen there"
    )
    wait_s = link.retry_at_s - now_s
    said += f"; trying again in {wait_s:.0f} s" if wait_s >= 0.5 else "; trying again now"
    if link.why:
        said += f" ({link.why})"
    text.draw(surface, said, x, baseline, sizes.sm, palette.text, width_max=cap - 16 - x)
