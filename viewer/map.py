"""The map: nodes as areas, cities with a dot for each resident, roads and who walks on them.

Areas and roads are drawn three times too large, scaled down and kept until the topology or the
theme changes (`map_ground.py`); people and merchants are drawn anew every frame. Called by
`draw.py`; `overlays.py` and `app.py` ask it what lies under the mouse.
"""

import functools
import math

import numpy as np
import pygame

from protocol.observe import EMPTY_HANDED, Road
from viewer import (
    map_cities,
    map_ground,
    map_labels,
    map_places,
    map_walkers,
    sprites,
    strokes,
    text,
)
from viewer.layout import CAPTION
from viewer.map_cities import Atlas
from viewer.map_labels import Spot, Wish
from viewer.map_places import Pair, Town, Way
from viewer.scene import Scene
from viewer.theme import Colour, mix

BADGE = {False: 132.0, True: 76.0}  # pixels kept for a badge with and without its countdown


@functools.lru_cache(16)
def _atlas(
    size: tuple[int, int], towns: tuple[Town, ...], pairs: tuple[Pair, ...], large: int, small: int
) -> Atlas:
    places = map_places.places(size, towns, pairs)
    wishes = []
    for town in sorted(towns, key=lambda town: not town.own):
        middle, reach = places.at[town.full_name], places.radius[town.full_name]
        two_lines = town.own and not places.crowded
        width = text.width(town.name, small if places.crowded else large, bold=True)
        width = min(max(width, 66.0 if two_lines else 0.0), map_cities.NAME_MAX)
        height = large * 0.8 + (small * 1.15 if two_lines else 0.0)
        spots = map_labels.beside(middle, reach, width, height)
        wishes.append(Wish(town.full_name, width, height, spots, places.crowded))
    for area in places.areas if not places.crowded else ():
        spots = map_labels.above_or_below(area, small)
        wishes.append(Wish("node " + area.node, 130.0, small, spots, may_hide=True))
    closed = [way for way in places.ways if not way.pair.open]
    for number, way in enumerate(closed):
        width = BADGE[places.crowded or size[0] < 460]
        spots = map_labels.along(way, small * 1.5)
        wishes.append(Wish(f"badge {number}", width, small * 1.5, spots, places.crowded))
    found = map_labels.place(places, wishes, size)
    return Atlas(
        places,
        {name: found[name] for name in places.at if name in found},
        {a.node: found["node " + a.node] for a in places.areas if "node " + a.node in found},
        {
            way.pair: found[f"badge {number}"]
            for number, way in enumerate(closed)
            if f"badge {number}" in found
        },
    )


def atlas(scene: Scene, rect: pygame.Rect) -> Atlas:
    """The map of this snapshot; kept until a city, a road or a node comes or goes."""
    return _atlas(*_topology(scene, rect), scene.sizes.md, scene.sizes.sm)


def _topology(
    scene: Scene, rect: pygame.Rect
) -> tuple[tuple[int, int], tuple[Town, ...], tuple[Pair, ...]]:
    """All that places depend on, as a key to keep them by."""
    slots = scene.history.slots
    cities = sorted(scene.snapshot.cities, key=lambda city: slots.get(city.full_name, 0))
    towns = tuple(
        Town(c.full_name, scene.name(c.full_name), c.node, c.own, map_places.town_size(c.locals))
        for c in cities
    )
    return (rect.w, max(1, rect.h - CAPTION)), towns, pairs(scene.snapshot.roads)


def pairs(roads: list[Road]) -> tuple[Pair, ...]:
    """Both directions of a road as one, in the order in which they are first named."""
    found: dict[tuple[str, str], list[bool]] = {}
    for road in roads:
        back = (road.destination, road.origin)
        found.setdefault(back if back in found else (road.origin, road.destination), []).append(
            road.open
        )
    return tuple(Pair(a, b, any(ways), len(ways) == 1) for (a, b), ways in found.items())


def draw(surface: pygame.Surface, scene: Scene, rect: pygame.Rect) -> None:
    """The whole map with its caption."""
    found = atlas(scene, rect)
    before = surface.get_clip()
    surface.set_clip(rect.clip(before))
    closed = tuple(_red(scene, way.pair) for way in found.places.ways if not way.pair.open)
    ground = map_ground.ground(*_topology(scene, rect), rect.size, scene.theme, closed)
    surface.blit(ground, rect)
    map_walkers.draw(surface, scene, rect, found)
    for city in scene.snapshot.cities:
        map_cities.draw_city(surface, scene, rect, found, city)
    for city in scene.snapshot.cities:
        spot = found.names.get(city.full_name)
        if spot is not None:
            map_cities.draw_name(surface, scene, rect, found, city, spot)
    map_cities.draw_nodes(surface, scene, rect, found)
    for pair, spot in found.badges.items():
        short = found.places.crowded or rect.w < 460
        _draw_badge(surface, scene, rect, pair, spot, short)
    _draw_caption(surface, scene, rect)
    surface.set_clip(before)


# Roads.


def _draw_badge(
    surface: pygame.Surface, scene: Scene, rect: pygame.Rect, pair: Pair, spot: Spot, short: bool
) -> None:
    """Why a road is closed, and when it is tried again."""
    size, palette = scene.sizes.sm, scene.theme
    ends = {pair.first, pair.second}
    road = next(road for road in scene.snapshot.roads if {road.origin, road.destination} == ends)
    label = road.why_closed or ("link down" if road.network else "closed")
    if road.retry_s is not None and not short:
        label = f"{label} · retry {max(0.0, road.retry_s):.0f} s"
    label = text.fit(label, size, min(200.0, rect.w * 0.45))
    box = pygame.Rect(0, 0, round(text.width(label, size)) + 12, round(size * 1.5))
    box.center = round(rect.x + spot.x), round(rect.y + spot.y)
    box.clamp_ip(pygame.Rect(rect.x + 4, rect.y + 4, rect.w - 8, rect.h - CAPTION - 8))
    red = _red(scene, pair)
    fill, edge = mix(palette.map, red, 0.10), mix(palette.map, red, 0.75)
    sprites.box(surface, box, fill, edge=edge)
    baseline = round(box.centery + text.height(size) / 2)
    text.draw(surface, label, box.centerx, baseline, size, red, align="centre")


def _red(scene: Scene, pair: Pair) -> Colour:
    """Of a closed road; grey when neither of its cities is the focused one."""
    focus = scene.view.focus
    return scene.theme.error if focus in (None, pair.first, pair.second) else scene.theme.context


def _draw_caption(surface: pygame.Surface, scene: Scene, rect: pygame.Rect) -> None:
    """How many walk, what the marks mean, what a dot is."""
    sizes, palette = scene.sizes, scene.theme
    top = rect.bottom - CAPTION
    strokes.horizontal(surface, rect.x, rect.right, top, palette.rule)
    baseline = round(top + CAPTION / 2 + text.height(sizes.sm) / 2)
    if not scene.snapshot.roads and len(scene.snapshot.cities) == 1:
        said = "No roads yet. Merchants set out once another city answers."
        y, ink = top - 24, palette.text2
        fitted = text.fit(said, sizes.sm, rect.w - 24)
        text.draw(surface, fitted, rect.centerx, y, sizes.sm, ink, align="centre")
    walking = sum(
        round(sum(map_walkers.counts(scene, road).values())) for road in scene.snapshot.roads
    )
    said = f"{walking:,} on the road" if walking else "no merchants on the road"
    ink = palette.text if walking else palette.text3
    x, right = rect.x + 12, rect.right - 12
    x = text.draw(
        surface, said, x, baseline, sizes.sm, ink, bold=walking > 0, width_max=right - x
    ).right
    # In a fixed order and for all goods, so that nothing moves when the last bed is sold.
    for good in [*scene.snapshot.goods, EMPTY_HANDED] if walking else ():
        x += 14
        name = good or "empty"
        if x + 12 + text.width(name, sizes.sm) > right:
            break
        middle = baseline - text.height(sizes.sm) / 2
        radius = 2.7 if good == EMPTY_HANDED else 3.6
        mark, colour = scene.good_mark(good), scene.good_colour(good)
        sprites.mark(surface, mark, x + 4, middle, radius, colour)
        x = text.draw(surface, name, x + 12, baseline, sizes.sm, palette.text2).right
    dots = _dot_meaning(scene)
    if dots and x + 12 + text.width(dots, sizes.sm) <= right:
        text.draw(surface, dots, right, baseline, sizes.sm, palette.text3, align="right")


def _dot_meaning(scene: Scene) -> str:
    each = sorted(
        {map_cities.per_dot(city) for city in scene.snapshot.cities if city.own and city.locals}
    )
    if not each:
        return ""
    most = "1 person" if each[-1] == 1 else f"{each[-1]:,} people"
    return f"1 dot = {most}" if len(each) == 1 else f"1 dot = {each[0]:,} to {most}"


# What lies under the mouse.


def city_at(scene: Scene, rect: pygame.Rect, x: float, y: float) -> str | None:
    """The full name of the city under a point."""
    found = atlas(scene, rect)
    for name, (city_x, city_y) in found.places.at.items():
        if math.hypot(x - rect.x - city_x, y - rect.y - city_y) <= found.places.radius[name] + 4:
            return name
    return None


def way_at(scene: Scene, rect: pygame.Rect, x: float, y: float) -> Way | None:
    """The road under a point, within 8 pixels."""
    best: tuple[float, Way] | None = None
    for way in atlas(scene, rect).places.ways:
        away = np.hypot(way.points[:, 0] + rect.x - x, way.points[:, 1] + rect.y - y).min()
        if away <= 8 and (best is None or away < best[0]):
            best = float(away), way
    return best[1] if best else None
