"""Where names go on the map: beside what they name, away from roads, over nothing else.

Greedy, in the order of importance. In a crowd a name that finds no free place is left out (it is
shown when the mouse is over its city). Called by `map.py`; geometry alone.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from viewer.map_places import Area, Places, Point, Way
from viewer.scales import Floats

OVERLAP = 100.0
HIDDEN_FROM = 45.0  # what hides this much is left out, where it may be

# Where a text may stand around a disc, in the order people expect it: (direction x, y).
_SIDES = ((0, 1), (0, -1), (1, 0), (-1, 0), (0.8, 0.8), (-0.8, 0.8), (0.8, -0.8), (-0.8, -0.8))


class Spot(NamedTuple):
    """The middle of a text."""

    x: float
    y: float


class Wish(NamedTuple):
    """A text to be placed, and the middles it could have, best first."""

    key: str
    width: float
    height: float
    spots: Sequence[Spot]
    may_hide: bool = False  # rather left out than hiding something


def beside(middle: Point, reach: float, width: float, height: float) -> list[Spot]:
    """Around a disc."""
    x, y = middle
    return [
        Spot(
            x + dx * (reach + 6) + float(np.sign(dx)) * width / 2,
            y + dy * (reach + 5) + float(np.sign(dy)) * height / 2,
        )
        for dx, dy in _SIDES
    ]


def above_or_below(area: Area, height: float) -> list[Spot]:
    """At the top and the bottom of a node's area."""
    top = min(area.points, key=lambda point: point[1])
    bottom = max(area.points, key=lambda point: point[1])
    away = area.reach + 5 + height / 2
    return [Spot(top[0], top[1] - away), Spot(bottom[0], bottom[1] + away)]


def along(way: Way, height: float) -> list[Spot]:
    """On a road or beside it, from its middle outwards."""
    count = len(way.points) - 1
    found = []
    for share in (0.5, 0.4, 0.6, 0.3, 0.7):
        x, y = way.points[round(share * count)]
        found += [Spot(x, y), Spot(x, y - height * 0.9), Spot(x, y + height * 0.9)]
    return found


def place(places: Places, wishes: Sequence[Wish], size: tuple[int, int]) -> dict[str, Spot]:
    """The middle of each text that finds a place."""
    roads = [way.points for way in places.ways]
    points = np.concatenate(roads) if roads else np.zeros((0, 2))
    discs = np.array([(*places.at[name], radius) for name, radius in places.radius.items()])
    discs = discs.reshape(-1, 3)
    taken: list[tuple[float, float, float, float]] = []
    found: dict[str, Spot] = {}
    for wish in wishes:
        ranked = [
            (2.0 * rank + _cost(spot, wish, points, discs, taken, size), spot)
            for rank, spot in enumerate(wish.spots)
        ]
        cost, spot = min(ranked, key=lambda entry: entry[0])
        if wish.may_hide and cost >= HIDDEN_FROM:
            continue
        spot = _inside(spot, wish, size)
        found[wish.key] = spot
        half = wish.width / 2, wish.height / 2
        taken.append((spot.x - half[0], spot.y - half[1], spot.x + half[0], spot.y + half[1]))
    return found


def _inside(spot: Spot, wish: Wish, size: tuple[int, int]) -> Spot:
    half = wish.width / 2 + 4, wish.height / 2 + 3
    return Spot(
        min(max(spot.x, half[0]), max(half[0], size[0] - half[0])),
        min(max(spot.y, half[1]), max(half[1], size[1] - half[1])),
    )


def _cost(
    spot: Spot,
    wish: Wish,
    points: Floats,
    discs: Floats,
    taken: Sequence[tuple[float, float, float, float]],
    size: tuple[int, int],
) -> float:
    """What a text at that spot would hide; being pushed back inside counts like hiding."""
    inside = _inside(spot, wish, size)
    cost = 0.7 * (abs(inside.x - spot.x) + abs(inside.y - spot.y))
    half = wish.width / 2 + 2, wish.height / 2 + 2
    left, right = inside.x - half[0], inside.x + half[0]
    top, bottom = inside.y - half[1], inside.y + half[1]
    for other in taken:
        wide = min(right, other[2]) - max(left, other[0])
        high = min(bottom, other[3]) - max(top, other[1])
        cost += OVERLAP if wide > 0 and high > 0 else 0.0
    covered = (np.abs(points[:, 0] - inside.x) < half[0] + 3) & (
        np.abs(points[:, 1] - inside.y) < half[1] + 3
    )
    cost += 1.6 * float(np.count_nonzero(covered))
    away = np.hypot(
        np.maximum(np.abs(discs[:, 0] - inside.x) - half[0] + 2, 0.0),
        np.maximum(np.abs(discs[:, 1] - inside.y) - half[1] + 2, 0.0),
    )
    return cost + 40.0 * float(np.count_nonzero(away < discs[:, 2]))
