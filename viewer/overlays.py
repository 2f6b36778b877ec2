"""What lies over the picture for a moment: the crosshair and its figures, cards, the keys.

Drawn anew every frame from positions that painting the panels returned. Called by `draw.py`.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pygame

from protocol.observe import EMPTY_HANDED, Road
from viewer import map as town_map
from viewer import map_walkers, scales, sprites, strokes, text
from viewer.chart_lines import CROWD, Lines, values_at
from viewer.footer import key_cap
from viewer.map_places import Way
from viewer.scene import Scene
from viewer.theme import Theme, mix, sizes


def hover_tick(lines: Sequence[Lines], x: float, y: float) -> float | None:
    """The tick under a point, when it lies in the plot of one of these charts."""
    for chart in lines:
        if chart.plot.collidepoint(x, y):
            return chart.time.value(x)
    return None


def crosshair(
    surface: pygame.Surface,
    scene: Scene,
    lines: Sequence[Lines],
    tick: float,
    *,
    chips: bool = True,
) -> None:
    """One line through all charts at a tick, with each city's value."""
    palette, size = scene.theme, scene.sizes
    for chart in lines:
        x = chart.time.pixel(tick)
        if not chart.plot.left <= x <= chart.plot.right:
            continue
        strokes.vertical(surface, x, chart.plot.top, chart.plot.bottom, palette.text2)
        if chips:
            _chips(surface, scene, chart, x, values_at(scene, chart, tick))
        if chart.style.x_labels:
            label = f"{round(tick):,}"
            width = round(text.width(label, size.xs, bold=True)) + 12
            box = pygame.Rect(0, 0, width, round(size.xs * 1.4))
            box.midtop = round(x), chart.plot.bottom + 1
            box.clamp_ip(chart.rect.inflate(0, 8))
            sprites.box(surface, box, palette.text2)
            baseline = round(box.centery + text.height(size.xs) / 2)
            ink = palette.background
            text.draw(
                surface, label, box.centerx, baseline, size.xs, ink, bold=True, align="centre"
            )


def _chips(
    surface: pygame.Surface, scene: Scene, chart: Lines, x: float, values: np.ndarray
) -> None:
    """A figure beside each line, kept apart; in a crowd only those that are named."""
    size, plot = scene.sizes.sm, chart.plot
    named = {k for k, _ in chart.labels}
    focus = scene.view.focus
    shown = [
        k
        for k, course in enumerate(chart.courses)
        if math.isfinite(values[k])
        and (len(chart.courses) <= CROWD or k in named)
        and (focus is None or course.city in (focus, ""))
    ]
    room = max(1, plot.h // (size + 3))
    shown = shown[:room]
    ends = [
        float(np.clip(chart.values.pixel(float(values[k])), plot.top, plot.bottom)) for k in shown
    ]
    half = size * 0.6
    apart = scales.keep_apart(ends, size + 3, plot.top + half, plot.bottom - half)
    for k, end in zip(shown, ends, strict=True):
        course = chart.courses[k]
        sprites.mark(surface, "disc", x, end, 3.0, course.ink, scene.theme.background)
    for k, y in zip(shown, apart, strict=True):
        course = chart.courses[k]
        label = scales.figure(float(values[k]), chart.style.decimals)
        box = pygame.Rect(0, 0, round(text.width(label, size, bold=True)) + 10, size + 3)
        box.midleft = round(x) + 7, round(y)
        if box.right > chart.rect.right:
            box.right = round(x) - 7
        sprites.box(surface, box, scene.theme.area, alpha=225)
        baseline = round(box.centery + text.height(size) / 2)
        ink = course.label
        text.draw(surface, label, box.centerx, baseline, size, ink, bold=True, align="centre")


# On the map.


def road_card(
    surface: pygame.Surface, scene: Scene, rect: pygame.Rect, way: Way, at: tuple[int, int]
) -> None:
    """Who walks on a road, each way, by what they carry."""
    palette, size = scene.theme, scene.sizes
    ends = {way.pair.first, way.pair.second}
    roads = [road for road in scene.snapshot.roads if {road.origin, road.destination} == ends]
    roads.sort(key=lambda road: road.origin != way.pair.first)
    counts = [map_walkers.counts(scene, road) for road in roads]
    walking = sum(round(sum(count.values())) for count in counts)
    line = round(size.sm * 1.4)
    columns = max((len(count) for count in counts), default=0)
    names = [text.width(f"to {scene.name(road.destination)}", size.sm) for road in roads]
    name_width = min(160.0, max(names, default=0.0))
    width = round(max(170.0, 24 + name_width + 14 + columns * (size.md + 24)))
    box = pygame.Rect(0, 0, min(width, rect.w - 8), line * (1 + len(roads)) + 16)
    box.midbottom = at[0], at[1] - 12
    box.clamp_ip(rect.inflate(-8, -8))
    card(surface, palette, box)
    baseline = box.y + 8 + round(line * 0.72)
    said, x = f"{walking:,} walking", box.x + 12
    text.draw(surface, said, x, baseline, size.sm, palette.text, bold=True)
    far = _distance(roads)
    text.draw(surface, far, box.right - 12, baseline, size.sm, palette.text3, align="right")
    before = surface.get_clip()
    surface.set_clip(box.clip(before))
    for row, (road, count) in enumerate(zip(roads, counts, strict=True)):
        y = baseline + line * (row + 1)
        x = text.draw(surface, "to", box.x + 12, y, size.sm, palette.text3).right + 4
        name, ink = scene.name(road.destination), palette.label(scene.own_colour(road.destination))
        text.draw(surface, name, x, y, size.sm, ink, width_max=140)
        _cargo(surface, scene, count, round(box.x + 12 + name_width + 14), y)
    surface.set_clip(before)


def _distance(roads: Sequence[Road]) -> str:
    for road in roads:
        if not road.open:
            return road.why_closed or "closed"
        if road.latency_ms is not None:
            return f"{scales.figure(road.latency_ms, 0)} ms"
        if road.travel_ticks:
            return f"{road.travel_ticks:,} ticks"
    return ""


def _cargo(
    surface: pygame.Surface, scene: Scene, counts: Mapping[str, float], x: int, baseline: int
) -> None:
    size = scene.sizes
    for good in [*scene.snapshot.goods, EMPTY_HANDED]:
        count = round(counts.get(good, 0))
        if not count:
            continue
        mark, ink = scene.good_mark(good), scene.good_colour(good)
        middle = baseline - text.height(size.sm) / 2
        if good == EMPTY_HANDED:
            sprites.mark(surface, mark, x + size.md / 2, middle, 3.4, ink)
        else:
            ground = scene.theme.area
            sprites.icon(surface, good, mark, x + size.md / 2, middle, size.md, ink, ground)
        text.draw(surface, f"{count:,}", x + size.md + 4, baseline, size.sm, scene.theme.text)
        x += size.md + 24


def city_card(
    surface: pygame.Surface, scene: Scene, rect: pygame.Rect, name: str, at: tuple[int, int]
) -> None:
    """A city's name, node, people and prices."""
    palette, size = scene.theme, scene.sizes
    city = scene.city(name)
    if city is None:
        return
    lines = [city.node]
    if city.locals:
        lines.append(f"{city.locals:,} people · {city.merchants:,} merchants")
    goods = [good for good in scene.snapshot.goods if city.prices.get(good) is not None][:6]
    step = round(size.sm * 1.35)
    title = scene.name(name)
    width = max([text.width(title, size.md, bold=True), *(text.width(s, size.sm) for s in lines)])
    width = round(min(max(width + 24, 140.0), rect.w - 8))
    box = pygame.Rect(0, 0, width, 18 + size.md + step * (len(lines) + len(goods)))
    box.midleft = at[0] + 16, at[1]
    if box.right > rect.right - 4:
        box.midright = at[0] - 16, at[1]
    box.clamp_ip(rect.inflate(-8, -8))
    card(surface, palette, box)
    x, y, room = box.x + 12, box.y + 8 + round(size.md * 0.8), box.w - 24
    ink = palette.label(scene.own_colour(name))
    text.draw(surface, title, x, y, size.md, ink, bold=True, width_max=room)
    for line in lines:
        y += step
        text.draw(surface, line, x, y, size.sm, palette.text2, width_max=room)
    for good in goods:
        y += step
        price = city.prices[good]
        middle = y - text.height(size.sm) / 2
        sprites.mark(surface, scene.good_mark(good), x + 4, middle, 3.6, scene.good_colour(good))
        text.draw(surface, good, x + 14, y, size.sm, palette.text2, width_max=room - 60)
        label = scales.figure(math.nan if price is None else price)
        right = box.right - 12
        text.draw(surface, label, right, y, size.sm, palette.text, bold=True, align="right")


def card(surface: pygame.Surface, palette: Theme, box: pygame.Rect) -> None:
    """The ground of anything that floats."""
    fill = mix(palette.map, palette.background, 0.4)
    edge = mix(palette.rule, palette.text3, 0.4)
    sprites.box(surface, box, fill, edge=edge, radius=5)


def map_hover(
    surface: pygame.Surface, scene: Scene, rect: pygame.Rect, mouse: tuple[int, int]
) -> None:
    """The card of the city or road under the mouse."""
    name = town_map.city_at(scene, rect, *mouse)
    if name is not None:
        city_card(surface, scene, rect, name, mouse)
        return
    way = town_map.way_at(scene, rect, *mouse)
    if way is not None:
        road_card(surface, scene, rect, way, mouse)


# The keys.

HELP = (
    ("Space", "pause or run"),
    (".", "one tick while paused"),
    ("− +", "halve or double speed"),
    ("1 … 9", "the views named above"),
    ("Tab", "next view"),
    ("[ ]", "shorter or longer time span"),
    ("PgUp PgDn", "more goods, charts, peers"),
    ("hover", "values; who is on a road"),
    ("click", "focus a city or its line"),
    ("Esc", "clear focus, then quit"),
    ("← →", "focus previous or next city"),
    ("L", "log or linear prices"),
    ("B", "bands of lowest to highest"),
    ("T", "dark or light"),
    ("S", "save PNG with tick in name"),
    ("R", "retry the connection"),
    ("?", "these keys"),
)
HELP_NOTE = (
    "Filled city: on this node, a dot a person. Ring: remote, prices only.",
    "Faint band: lowest to highest belief in the city. Merchants too fast to follow are slowed.",
)


def veil(surface: pygame.Surface, rect: pygame.Rect, palette: Theme, alpha: int) -> None:
    """The background drawn over a part of the picture."""
    cover = pygame.Surface(rect.size)
    cover.fill(palette.background)
    cover.set_alpha(alpha)
    surface.blit(cover, rect)


def help_card(surface: pygame.Surface, palette: Theme) -> None:
    """All keys over a veiled picture."""
    whole = surface.get_rect()
    size = sizes(*whole.size)
    veil(surface, whole, palette, 190)
    row = round(size.sm * 2.5) if whole.h >= 560 else round(size.sm * 1.7)
    half = -(-len(HELP) // 2)
    box = pygame.Rect(0, 0, min(660, whole.w - 24), 100 + half * row + 22 * len(HELP_NOTE))
    box.center = whole.center
    box.clamp_ip(whole)
    sprites.box(surface, box, palette.map, edge=mix(palette.rule, palette.text3, 0.3), radius=6)
    x, baseline = box.x + 28, box.y + 28 + round(size.xl * 0.6)
    text.draw(surface, "Keys", x, baseline, size.xl, palette.text, bold=True)
    right = box.right - 28
    text.draw(surface, "any key closes", right, baseline, size.sm, palette.text3, align="right")
    top = baseline + round(row * 0.9)
    for place, (key, meaning) in enumerate(HELP):
        column, at = divmod(place, half)
        x = box.x + 28 + column * (box.w - 28) // 2
        middle = top + at * row + row * 0.2
        end = key_cap(surface, palette, size, x, middle, key)
        meant_x = max(x + 84, end + 10)
        room = box.x + (column + 1) * (box.w - 28) // 2 + 14 - meant_x
        baseline = round(middle + text.height(size.sm) / 2)
        text.draw(surface, meaning, meant_x, baseline, size.sm, palette.text2, width_max=room)
    for place, note in enumerate(HELP_NOTE):
        y = box.bottom - 18 - 18 * (len(HELP_NOTE) - 1 - place)
        text.draw(surface, note, box.x + 28, y, size.xs, palette.text3, width_max=box.w - 56)
