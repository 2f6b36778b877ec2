"""Where cities, nodes and roads lie on the map: geometry alone, from who is there.

Snapshots carry no coordinates. Places follow from the cities, their nodes and the roads, and from
nothing that changes by the tick, so the map holds still; `map.py` keeps what is made here until a
city, a road or a node comes or goes. Positions are pixels within the map.
"""

import functools
import math
from typing import NamedTuple

import numpy as np

from viewer.scales import Floats

BEND = 0.13  # how far a road's middle leaves the straight way, as a share of its length
CROWD = 8  # with more cities names shrink, and only areas of several cities are drawn
Point = tuple[float, float]


class Town(NamedTuple):
    """A city as the map needs it; `size` is its radius before the map's scale."""

    full_name: str
    name: str
    node: str
    own: bool
    size: int


class Pair(NamedTuple):
    """Two cities with a road between them, in one direction or both."""

    first: str
    second: str
    open: bool
    one_way: bool  # only from first to second


class Way(NamedTuple):
    """A road as a curve: points[n, 2] from edge to edge."""

    pair: Pair
    start: Point
    bend: Point  # control point of the quadratic curve
    end: Point
    points: Floats
    right: Floats  # [n, 2]: one pixel to the right of who goes from start to end


class Area(NamedTuple):
    """What a node covers: its cities' places, and how far it reaches around them."""

    node: str
    own: bool
    points: tuple[Point, ...]
    reach: float


class Places(NamedTuple):
    """The whole map."""

    at: dict[str, Point]
    radius: dict[str, int]
    areas: list[Area]
    ways: list[Way]
    crowded: bool


def town_size(people: int) -> int:
    """Radius for a population, in steps of two so that a birth moves nothing; 0: not known."""
    return 2 * round((8 + 3.9 * math.sqrt(people or 20)) / 2)


@functools.lru_cache(16)
def places(size: tuple[int, int], towns: tuple[Town, ...], pairs: tuple[Pair, ...]) -> Places:
    """Lays out a map of that size in pixels."""
    width, height = size
    groups: dict[str, list[Town]] = {}
    for town in sorted(towns, key=lambda town: not town.own):
        groups.setdefault(town.node, []).append(town)
    units = _units([[town.full_name for town in group] for group in groups.values()])
    # Names stand beside cities, and need their room at the edges.
    inset = min(74.0, width * 0.15), min(66.0, height * 0.16)
    at = {
        name: (
            inset[0] + u * (width - 2 * inset[0]),
            inset[1] + v * (height - 2 * inset[1]),
        )
        for name, (u, v) in units.items()
    }
    nearest = _nearest(list(at.values()))
    largest = max((town.size for town in towns), default=1)
    roomy = min(max(1.0, min(width / 518, height / 425)), 1.4)  # a large map has large cities
    scale = min(roomy, 0.38 * nearest / largest, 0.12 * min(width, height) / largest)
    radius = {town.full_name: max(9, round(town.size * scale)) for town in towns}
    ways = [
        _way(pair, at, radius, (width / 2, height / 2))
        for pair in pairs
        if pair.first in at and pair.second in at and pair.first != pair.second
    ]
    crowded = len(towns) > CROWD
    beyond = 16 if crowded else 28 if len(groups) > 2 else 44 * roomy
    areas = [
        Area(
            node,
            group[0].own,
            tuple(at[town.full_name] for town in group),
            _reach(size, [(at[t.full_name], radius[t.full_name]) for t in group], beyond),
        )
        for node, group in groups.items()
        if not crowded or len(group) > 1
    ]
    return Places(at, radius, areas, ways, crowded)


def _reach(size: tuple[int, int], towns: list[tuple[Point, int]], beyond: float) -> float:
    """How far an area goes around its cities: so far beyond them, but not over the map's edge."""
    edge = min(min(x, y, size[0] - x, size[1] - y) for (x, y), _ in towns)
    largest = max(radius for _, radius in towns)
    return max(largest + 8.0, min(largest + beyond, edge - 2.0))


def _units(groups: list[list[str]]) -> dict[str, Point]:
    """Places in a unit square, the speaking node's cities first in `groups`."""
    if not groups:
        return {}
    if len(groups) == 1:
        return _alone(groups[0])
    if len(groups) == 2 and max(len(group) for group in groups) <= 3:
        return {
            **_column(groups[0], (0.08, 0.18), (0.21, 0.92)),
            **_column(groups[1], (0.96, 0.22), (0.79, 0.78)),
        }
    own, others = groups[0], groups[1:]
    if len(own) > 6:
        return _ring([own, *others])
    found = _ring(others)
    turn = math.radians(57)
    reach = 0.0 if len(own) == 1 else 0.10 + 0.015 * len(own)
    for place, name in enumerate(own):
        angle = turn + math.pi + 2 * math.pi * place / len(own)
        found[name] = 0.5 + reach * math.cos(angle), 0.5 + reach * math.sin(angle)
    return found


def _alone(names: list[str]) -> dict[str, Point]:
    """One node: a point, a slanting pair, or a ring."""
    if len(names) == 1:
        return {names[0]: (0.5, 0.46)}
    if len(names) == 2:
        return {names[0]: (0.20, 0.36), names[1]: (0.80, 0.64)}
    return _ring([names])


def _column(names: list[str], top: Point, bottom: Point) -> dict[str, Point]:
    """Up to three cities from one point to another; the middle one of three steps aside."""
    if len(names) == 1:
        return {names[0]: ((top[0] + bottom[0]) / 2, (top[1] + bottom[1]) / 2)}
    found = {}
    for place, name in enumerate(names):
        along = place / (len(names) - 1)
        aside = 0.12 if 0 < along < 1 else 0.0
        x = top[0] + (bottom[0] - top[0]) * along + (aside if top[0] < 0.5 else -aside)
        found[name] = x, top[1] + (bottom[1] - top[1]) * along
    return found


def _ring(groups: list[list[str]]) -> dict[str, Point]:
    """On an ellipse, node by node with a gap between; many stand alternately in and out."""
    count = sum(len(group) for group in groups)
    gap = 0.5 if len(groups) > 1 else 0.0
    slots = count + gap * len(groups)
    found = {}
    slot = 0.0
    place = 0
    for group in groups:
        for name in group:
            angle = 2 * math.pi * (slot + 0.5) / slots - math.pi / 2 - math.pi / max(3, count)
            out = 0.5 if count <= 10 or place % 2 == 0 else 0.40 if count <= 24 else 0.34
            found[name] = 0.5 + out * math.cos(angle), 0.5 + out * math.sin(angle)
            slot += 1.0
            place += 1
        slot += gap
    return found


def _nearest(points: list[Point]) -> float:
    if len(points) < 2:
        return 1e6
    xy = np.array(points)
    apart = np.hypot(*(xy[:, None, :] - xy[None, :, :]).transpose(2, 0, 1))
    np.fill_diagonal(apart, np.inf)
    return float(apart.min())


def _way(pair: Pair, at: dict[str, Point], radius: dict[str, int], middle: Point) -> Way:
    """The curve, among some, that keeps clear of other cities."""
    start, end = at[pair.first], at[pair.second]
    others = [(at[name], radius[name]) for name in at if name not in (pair.first, pair.second)]
    dx, dy = end[0] - start[0], end[1] - start[1]
    half = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
    outwards = (half[0] - middle[0]) * -dy + (half[1] - middle[1]) * dx
    side = 1.0 if outwards >= 0 else -1.0
    best: tuple[float, Way] | None = None
    for bend in (BEND, -BEND, 2 * BEND, -2 * BEND, 3 * BEND, -3 * BEND):
        control = half[0] - dy * bend * 2 * side, half[1] + dx * bend * 2 * side
        points = _trimmed(start, control, end, radius[pair.first], radius[pair.second])
        clear = min(
            (
                float(np.hypot(points[:, 0] - x, points[:, 1] - y).min()) - size
                for (x, y), size in others
            ),
            default=1e6,
        )
        if best is None or clear > best[0]:
            best = clear, Way(pair, start, control, end, points, _right(points))
        if clear >= 12:
            break
    assert best is not None
    return best[1]


def _right(points: Floats) -> Floats:
    ahead = np.gradient(points, axis=0)
    ahead /= np.maximum(np.hypot(ahead[:, 0], ahead[:, 1]), 1e-9)[:, None]
    return np.column_stack((-ahead[:, 1], ahead[:, 0]))


def curve(start: Point, bend: Point, end: Point, along: Floats) -> Floats:
    """[n, 2]: points of a quadratic curve at 0…1."""
    t = np.asarray(along, dtype=np.float64)[:, None]
    a, b, c = np.array(start), np.array(bend), np.array(end)
    points: Floats = (1 - t) ** 2 * a + 2 * t * (1 - t) * b + t * t * c
    return points


def _trimmed(start: Point, bend: Point, end: Point, from_start: float, from_end: float) -> Floats:
    """The curve between the edges of two discs, in points three pixels apart."""
    fine = curve(start, bend, end, np.linspace(0.0, 1.0, 160))
    clear = (np.hypot(*(fine - np.array(start)).T) > from_start + 1) & (
        np.hypot(*(fine - np.array(end)).T) > from_end + 1
    )
    kept = fine[clear]
    if len(kept) < 2:  # discs that touch: the shortest way between their middles
        kept = fine[[79, 80]]
    along = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(kept, axis=0).T))))
    even = np.linspace(0.0, along[-1], max(2, int(along[-1] / 3)))
    return np.column_stack((np.interp(even, along, kept[:, 0]), np.interp(even, along, kept[:, 1])))


def on_way(way: Way, along: Floats, *, back: bool, aside: float) -> Floats:
    """[n, 2]: places of merchants, 0 where they set out, `aside` pixels to their right."""
    count = len(way.points) - 1
    at = np.minimum(np.maximum(along, 0.0), 1.0) * count
    if back:
        at, aside = count - at, -aside
    lower = np.minimum(at.astype(np.intp), count - 1)
    share = (at - lower)[:, None]
    here = way.points[lower]
    placed: Floats = here + share * (way.points[lower + 1] - here) + aside * way.right[lower]
    return placed
