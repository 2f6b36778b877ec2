"""Cities on the map: a disc with a dot for each resident, a ring for a remote one, and their names.

Drawn every frame by `map.py`; the crowd of dots is kept until somebody is born or gets rich.
"""

import functools
import math
from typing import NamedTuple

import numpy as np
import pygame

from protocol.observe import City, Node, Number
from viewer import scales, sprites, text
from viewer.map_labels import Spot
from viewer.map_places import Pair, Places
from viewer.scene import Scene
from viewer.theme import Colour, mix

DOTS_MAX = 150  # people beyond are counted together
LEVELS = 5  # of brightness, by wealth
NAME_MAX = 150  # pixels
_GOLDEN = math.pi * (3 - math.sqrt(5))


class Atlas(NamedTuple):
    """The map worked out for a topology: places, and where names stand."""

    places: Places
    names: dict[str, Spot]  # by full name; a city without an entry is named on hover
    nodes: dict[str, Spot]
    badges: dict[Pair, Spot]  # of closed roads


def draw_city(
    surface: pygame.Surface, scene: Scene, rect: pygame.Rect, found: Atlas, city: City
) -> None:
    x, y = found.places.at[city.full_name]
    x, y = x + rect.x, y + rect.y
    radius = found.places.radius[city.full_name]
    palette, ink = scene.theme, scene.ink(city.full_name)
    bright = palette.name == "dark"
    if city.own:
        fill = mix(palette.map, ink, 0.20 if bright else 0.24)
        disc = sprites.disc(radius, fill, ink, 1.6)
    else:
        fill = mix(palette.map, ink, 0.08 if bright else 0.12)
        disc = sprites.disc(radius, fill, ink, 1.6, mix(palette.map, ink, 0.34))
    half = disc.get_width() // 2
    corner = (round(x) - half, round(y) - half)
    surface.blit(disc, corner)
    if city.own and city.locals:
        sample = city.samples.get("wealth") or city.samples.get("money") or ()
        levels = _levels(-(-city.locals // per_dot(city)), tuple(sample))
        surface.blit(_people(radius, levels, ink, fill, palette.text), corner)
    else:
        size = min(6.0, max(3.4, round(radius * 0.2, 1)))
        sprites.mark(surface, scene.mark(city.full_name), x, y, size, ink)


@functools.lru_cache(256)
def _levels(dots: int, sample: tuple[Number, ...]) -> tuple[int, ...]:
    """A brightness for each dot, the richest first; the middle one where wealth is not known."""
    wealth = np.array([value for value in sample if value is not None], dtype=np.float64)
    if len(wealth) == 0:
        return (LEVELS // 2,) * dots
    wealth = np.sort(wealth)[::-1]
    chosen = wealth[np.arange(dots) * len(wealth) // dots]
    median = float(np.median(wealth))
    doublings = np.log2(np.maximum(chosen, 1e-12)) - np.log2(max(median, 1e-12))
    level = LEVELS // 2 + 1.3 * doublings
    return tuple(np.clip(np.rint(level), 0, LEVELS - 1).astype(int).tolist())


def per_dot(city: City) -> int:
    """People that one dot stands for: 1, else the least 2, 5, 10, 20 … that leaves 150 dots."""
    if city.locals <= DOTS_MAX:
        return 1
    step = scales.nice_step(city.locals, DOTS_MAX)
    return max(2, math.ceil(step))


@functools.lru_cache(128)
def _people(
    radius: int, levels: tuple[int, ...], ink: Colour, fill: Colour, bright: Colour
) -> pygame.Surface:
    """A city's residents in sunflower order, on a picture the size of its disc."""
    size = 2 * radius + 4
    image = pygame.Surface((size, size), pygame.SRCALPHA)
    count = len(levels)
    reach = radius - 4.5
    dot = round(max(0.7, min(1.7, 0.5 * reach / math.sqrt(count))), 1)
    colours = [
        *(mix(fill, ink, share) for share in (0.45, 0.65, 0.85)),
        *(mix(ink, bright, share) for share in (0.12, 0.45)),
    ]
    for k, level in enumerate(levels):
        away, angle = reach * math.sqrt((k + 0.5) / count), k * _GOLDEN
        x, y = size / 2 + away * math.cos(angle), size / 2 + away * math.sin(angle)
        sprites.mark(image, "disc", x, y, dot, colours[level])
    return image


def draw_name(
    surface: pygame.Surface, scene: Scene, rect: pygame.Rect, found: Atlas, city: City, spot: Spot
) -> None:
    sizes, palette, name = scene.sizes, scene.theme, scene.name(city.full_name)
    x = rect.x + spot.x
    if found.places.crowded:
        baseline = round(rect.y + spot.y + text.height(sizes.sm) / 2)
        size, ink, bold = sizes.sm, scene.label(city.full_name), city.own
        if not city.own and ink == palette.text3:
            ink = palette.text2 if scene.view.focus is None else palette.text3
        name = text.fit(name, size, NAME_MAX, bold=bold)
        ground = palette.map
        sprites.label(surface, name, x, baseline, size, ink, ground, bold=bold, align="centre")
        return
    focus = scene.view.focus
    ink = palette.text if city.own else palette.text2
    if focus is not None and focus != city.full_name:
        ink = palette.text3
    name = text.fit(name, sizes.md, NAME_MAX, bold=True)
    middle = rect.y + spot.y + text.height(sizes.md) / 2
    if not city.own:
        text.draw(surface, name, x, middle, sizes.md, ink, bold=True, align="centre")
        return
    baseline = round(middle - sizes.sm * 0.58)
    text.draw(surface, name, x, baseline, sizes.md, ink, bold=True, align="centre")
    people = f"{city.locals:,} people" if city.locals != 1 else "1 person"
    baseline += round(sizes.sm * 1.25)
    text.draw(surface, people, x, baseline, sizes.sm, palette.text2, align="centre")


def draw_nodes(surface: pygame.Surface, scene: Scene, rect: pygame.Rect, found: Atlas) -> None:
    """Who a node is, where, and how far away."""
    size = scene.sizes.sm
    known = {node.name: node for node in scene.snapshot.nodes if not node.why_apart}
    for area in found.places.areas:
        spot = found.nodes.get(area.node)
        if spot is None:
            continue
        label = node_label(scene, known.get(area.node), area.node, area.own)
        label = text.fit(label, size, min(190.0, rect.w / 2 - 8))
        half = text.width(label, size) / 2 + 4
        x = min(max(rect.x + spot.x, rect.x + half), rect.right - half)
        baseline = round(rect.y + spot.y + text.height(size) / 2)
        text.draw(surface, label, x, baseline, size, scene.theme.text3, align="centre")


def node_label(scene: Scene, node: Node | None, name: str, own: bool) -> str:
    """this node :55555, or a name, its port and latency."""
    if own:
        return f"this node {port(scene.snapshot.address)}".rstrip()
    parts = [f"{name} {port(node.address if node else '')}".rstrip()]
    if node is not None and not node.up:
        parts.append("gone")
    elif node is not None and node.latency_ms is not None:
        parts.append(f"{scales.figure(node.latency_ms, 0)} ms")
    return " · ".join(parts)


def port(address: str) -> str:
    """:55555 of HOST:PORT."""
    head, colon, tail = address.rpartition(":")
    return f":{tail}" if colon and tail.isdigit() else head
