"""Merchants on their way, on the right of the road, coloured by what they carry; how many they are.

A node that walks a road in less than a walk one can follow (at the default speed sixty times a
second) is shown slowed down: as many merchants as are on the road on average, carrying what they
carry on average, at a pace for eyes. Each keeps from one end to the other the cargo he set out
with. Figures are of those who are shown. Called by `map.py` every frame, `counts` by cards as well.
"""

import itertools
import math
import zlib
from collections.abc import Mapping

import numpy as np
import pygame

from protocol.observe import EMPTY_HANDED, Road
from viewer import map_places, sprites
from viewer.history import History
from viewer.map_cities import Atlas
from viewer.map_places import Way
from viewer.scene import Scene

ASIDE = 3.2  # pixels to the right of travel, so that both directions read
WALK_S = 1.8  # the shortest walk that is shown as it is
SHOWN_MAX = 40
# Multiples of these, cut to 0…1, are spread evenly, and do not fall into step with each other.
_GOLDEN = (math.sqrt(5) - 1) / 2
_SPREAD = (0.7548776662466927, 0.5698402909980532)


def draw(surface: pygame.Surface, scene: Scene, rect: pygame.Rect, found: Atlas) -> None:
    """All of them in one `blits`; those on roads away from the focus are grey."""
    palette, focus = scene.theme, scene.view.focus
    by_pair = {(way.pair.first, way.pair.second): way for way in found.places.ways}
    blits = []
    for road in scene.snapshot.roads:
        way = by_pair.get((road.origin, road.destination))
        back = way is None
        way = way or by_pair.get((road.destination, road.origin))
        if way is None:
            continue
        walkers = _walkers(scene, road)
        if not walkers:
            continue
        grey = focus is not None and focus not in (road.origin, road.destination)
        for good, (x, y) in zip(
            [good for good, _ in walkers], _places(way, walkers, back, rect), strict=True
        ):
            radius = 2.7 if good == EMPTY_HANDED else 3.6
            colour = palette.context if grey else scene.good_colour(good)
            mark = scene.good_mark(good)
            blits.append(sprites.placed(mark, x, y, radius, colour, palette.map))
    surface.blits(blits, False)


def _places(
    way: Way, walkers: list[tuple[str, float]], back: bool, rect: pygame.Rect
) -> list[list[float]]:
    along = np.array([along for _, along in walkers])
    places = map_places.on_way(way, along, back=back, aside=ASIDE) + rect.topleft
    found: list[list[float]] = places.tolist()
    return found


def _walkers(scene: Scene, road: Road) -> list[tuple[str, float]]:
    """Whom to show: (what he carries, how far he is, 0…1)."""
    if _is_slowed(scene, road):
        return parade(scene.history, road, scene.view.walked_s)
    ahead = scene.view.ticks_ahead / road.travel_ticks if road.travel_ticks > 0 else 0.0
    return [
        (good, along + ahead)
        for good, sampled in road.walkers.items()
        for along in sampled
        if 0.0 <= along + ahead <= 1.0
    ]


def _is_slowed(scene: Scene, road: Road) -> bool:
    rate = scene.snapshot.ticks_per_s or 0.0
    return road.travel_ticks > 0 and rate * WALK_S > road.travel_ticks


def counts(scene: Scene, road: Road) -> Mapping[str, float]:
    """{good or "": merchants on a road}, on average where their walk is shown slowed down."""
    if not _is_slowed(scene, road) or not scene.history.traffic:
        return road.count
    return scene.history.traffic_before(0.0).get((road.origin, road.destination), {})


def parade(history: History, road: Road, walked_s: float) -> list[tuple[str, float]]:
    """The slowed-down walk of a road, from what the history knows of its traffic.

    Args:
        walked_s: seconds that merchants have walked before our eyes; it stands while paused.
    """
    key = road.origin, road.destination
    most = max((sum(counts.get(key, {}).values()) for _, counts in history.traffic), default=0.0)
    own = zlib.crc32("\n".join(key).encode()) / 2**32  # no two roads walk in step
    found = []
    for place in range(min(SHOWN_MAX, round(most))):
        walks, along = divmod(walked_s / WALK_S + own + place * _GOLDEN, 1.0)
        counts = history.traffic_before(along * WALK_S).get(key, {})
        total = sum(counts.values())
        if place + 0.5 > total:
            continue  # he had not set out
        share = (own + place * _SPREAD[0] + walks * _SPREAD[1]) % 1.0 * total
        # Goods laid end to end, each as long as there are merchants who carry it.
        ends = itertools.accumulate(counts[good] for good in sorted(counts))
        carried = zip(sorted(counts), ends, strict=True)
        good = next((good for good, end in carried if share < end), EMPTY_HANDED)
        found.append((good, along))
    return found
