"""The header: who, which view, when, how fast.

Figures stand in fixed slots, counted from the right edge, so that nothing moves when a number
grows. Called by `draw.py` every frame.
"""

import math

import pygame

from protocol.observe import Snapshot
from viewer import scales, sprites, strokes, text
from viewer.map_cities import port
from viewer.scene import Scene
from viewer.state import Link, speed_bars, speed_label
from viewer.tabs import Tab
from viewer.theme import Sizes, mix

# From the right edge: the ends of rate and bars, the play sign, the end of the tick.
_SLOTS = {"small": (80, 155, 252, 272), "normal": (84, 164, 264, 285), "large": (96, 186, 300, 323)}
TABS_FROM = 0.315  # of the window's width
NUMBER, GAP = 8, 13  # pixels of a view's number at most, and to the next one, where room is short
TITLE_MIN = 34  # pixels: shorter ones say no more than their numbers


def header_baseline(sizes: Sizes) -> int:
    """On which all of the header stands."""
    return round(sizes.header / 2 + sizes.lg * 0.36)


def header(
    surface: pygame.Surface, scene: Scene, tabs: list[Tab], link: Link, size: tuple[int, int]
) -> list[pygame.Rect]:
    """The strip at the top; returns where the titles of views may be clicked."""
    sizes, palette = scene.sizes, scene.theme
    surface.fill(palette.background, (0, 0, size[0], sizes.header))
    strokes.horizontal(surface, 0, size[0], sizes.header, palette.rule)
    right = _figures(surface, scene, link, size[0]) - 16
    x = round(size[0] * TABS_FROM)
    chosen = min(scene.view.tab, len(tabs) - 1)
    is_roomy = x + _tabs_width(tabs, sizes) <= right
    numbers = len(tabs) * (NUMBER + GAP)  # of views: they go before names of cities
    end = _cities(surface, scene, min(x - 20, right - numbers), with_node=is_roomy)
    return _tabs(surface, scene, tabs, chosen, (x if is_roomy else end, right), is_roomy)


def _cities(surface: pygame.Surface, scene: Scene, right: int, *, with_node: bool) -> int:
    """Our own cities, as many as there is room for, then the node; returns where they end."""
    sizes, palette = scene.sizes, scene.theme
    baseline = header_baseline(sizes)
    x = sizes.margin + 6
    own = [city for city in scene.snapshot.cities if city.own]
    for place, city in enumerate(own):
        name = scene.name(city.full_name)
        ink = scene.ink(city.full_name)
        left = len(own) - place - 1
        room = right - x - 12 - (34 if left else 0)
        if text.width(name, sizes.lg, bold=True) > room and place > 0:
            more = f"+{left + 1}"
            return text.draw(surface, more, x, baseline, sizes.sm, palette.text3).right + 22
        middle = baseline - text.height(sizes.lg) / 2
        sprites.mark(surface, scene.mark(city.full_name), x, middle, sizes.lg * 0.29, ink)
        dimmed = scene.view.focus not in (None, city.full_name)
        colour = palette.text2 if dimmed else palette.text
        drawn = text.draw(
            surface, name, x + 11, baseline, sizes.lg, colour, bold=True, width_max=room
        )
        x = drawn.right + 22
    where = f"node {port(scene.snapshot.address)}".strip()
    if with_node and x + text.width(where, sizes.sm) < right:
        text.draw(surface, where, x - 6, baseline, sizes.sm, palette.text3)
    return x


def _tabs_width(tabs: list[Tab], sizes: Sizes) -> float:
    """Of all numbers and titles, each behind the other."""
    return sum(
        text.width(f"{place + 1}", sizes.xs) + text.width(tab.title, sizes.md, bold=True) + 25
        for place, tab in enumerate(tabs)
    )


def _tabs(
    surface: pygame.Surface,
    scene: Scene,
    tabs: list[Tab],
    chosen: int,
    within: tuple[int, int],
    is_roomy: bool,
) -> list[pygame.Rect]:
    """Views by number and title; where there is no room, smaller and, but for the one shown,
    without what an earlier one begins with, and cut short; where there is none at all, their
    numbers."""
    sizes, palette = scene.sizes, scene.theme
    x, right = within
    baseline = header_baseline(sizes)
    size, gap = (sizes.md, 20) if is_roomy else (sizes.sm, GAP)
    numbers = sum(text.width(f"{place + 1}", sizes.xs) for place in range(len(tabs)))
    titles = [tab.title for tab in tabs] if is_roomy else _apart(tabs, chosen)
    widths = [text.width(title, size, bold=True) for title in titles]
    room = right - x - numbers - (gap + 5) * len(tabs) + gap
    cap = _cap([*widths[:chosen], *widths[chosen + 1 :]], room - widths[chosen])
    if cap < TITLE_MIN:  # then the gaps between numbers and titles go too
        cap, room = 0.0, room + 5 * (len(tabs) - 1)
    found: list[pygame.Rect] = []
    for place, whole in enumerate(titles):
        shown = place == chosen
        ink = palette.text2 if shown else palette.text3
        number = f"{place + 1}"
        if x + text.width(number, sizes.xs) > right:
            break
        end = text.draw(surface, number, x, baseline, sizes.xs, ink).right
        most = max(room, 0.0) if shown else cap
        title = text.fit(whole, size, most, bold=True) if most else ""
        if title:
            ink = palette.text if shown else palette.text2
            end = text.draw(surface, title, end + 5, baseline, size, ink, bold=shown).right
        if shown:
            surface.fill(palette.text, (x, sizes.header - 2, end - x, 2))
        found.append(pygame.Rect(x - gap // 2, 0, end - x + gap, sizes.header))
        x = end + gap
    return found


def _apart(tabs: list[Tab], chosen: int) -> list[str]:
    """Titles without the first word of an earlier one, for what two share tells neither: Macro and
    Macro: trade as Macro and trade. The one shown is whole."""
    found, begun = [], set()
    for place, tab in enumerate(tabs):
        first, _, rest = tab.title.partition(" ")
        is_told = first.rstrip(":") in begun and bool(rest) and not rest.isdecimal()
        found.append(rest if is_told and place != chosen else tab.title)
        begun.add(first.rstrip(":"))
    return found


def _cap(widths: list[float], room: float) -> float:
    """The width that, as the most of each, lets all of them fit."""
    for place, width in enumerate(sorted(widths)):
        share = room / (len(widths) - place)
        if width > share:
            return share
        room -= width
    return math.inf


def _figures(surface: pygame.Surface, scene: Scene, link: Link, width: int) -> int:
    """Tick, speed, rate, connection; returns where the tick begins."""
    sizes, palette, latest = scene.sizes, scene.theme, scene.snapshot
    baseline = header_baseline(sizes)
    edge = width - sizes.margin
    rate_x, bars_x, play_x, tick_x = (edge - slot for slot in _SLOTS[sizes.name])
    _connection(surface, scene, link, edge)
    gone = link.phase != "live"
    if gone:
        rate, ink = "frozen", palette.text2
    elif latest.paused:
        rate, ink = "paused", palette.paused
    elif latest.ticks_per_s is None:
        rate, ink = "", palette.text2
    else:
        decimals = 1 if latest.ticks_per_s < 10 else 0
        rate, ink = f"{scales.figure(latest.ticks_per_s, decimals)} ticks/s", palette.text2
    text.draw(surface, rate, rate_x, baseline, sizes.sm, ink, align="right")
    _speed(surface, scene, latest, (play_x, bars_x))
    tick = text.draw(
        surface,
        f"{latest.tick:,}",
        tick_x,
        baseline,
        sizes.xl,
        palette.text,
        bold=True,
        align="right",
    )
    label = text.draw(
        surface, "tick", tick.left - 7, baseline, sizes.sm, palette.text3, align="right"
    )
    return label.left


def _speed(
    surface: pygame.Surface, scene: Scene, latest: Snapshot, within: tuple[int, int]
) -> None:
    """A play or pause sign, the speed asked for, five bars of it."""
    sizes, palette = scene.sizes, scene.theme
    baseline = header_baseline(sizes)
    left, right = within
    high = round(sizes.sm * 0.75)
    middle = baseline - text.height(sizes.sm) // 2
    if latest.paused:
        for x in (left + 1, left + 6):
            surface.fill(palette.paused, (x, middle - high // 2, 3, high))
    else:
        _play(surface, left, middle, high, palette.text)
    label = speed_label(latest.speed)
    text.draw(surface, label, left + high + 7, baseline, sizes.sm, palette.text, bold=True)
    lit = 0 if latest.paused else speed_bars(latest.speed)
    for bar in range(5):
        tall = round(high * (0.36 + 0.16 * bar))
        ink = palette.text if bar < lit else mix(palette.rule, palette.text3, 0.25)
        surface.fill(ink, (right - 29 + 6 * bar, baseline - tall, 4, tall))


def _play(
    surface: pygame.Surface, left: int, middle: int, high: int, ink: tuple[int, int, int]
) -> None:
    """A soft triangle pointing right."""
    for row in range(-high // 2, high // 2 + 1):
        length = (1.0 - abs(row) / (high / 2 + 0.5)) * high
        whole = int(length)
        surface.fill(ink, (left, middle + row, whole, 1))
        if 0 <= left + whole < surface.get_width():
            ground = surface.get_at((left + whole, middle + row))
            soft = mix((ground.r, ground.g, ground.b), ink, length - whole)
            surface.set_at((left + whole, middle + row), soft)


def _connection(surface: pygame.Surface, scene: Scene, link: Link, edge: int) -> None:
    sizes, palette = scene.sizes, scene.theme
    silent_s = scene.view.now_s - scene.history.latest_at_s
    if link.phase != "live":
        said, ink, mark = "node gone", palette.error, "ring"
    elif silent_s > 3.0 and not scene.snapshot.paused:
        said, ink, mark = f"silent {silent_s:.0f} s", palette.paused, "ring"
    elif link.latency_ms is None:
        said, ink, mark = "live", palette.text2, "disc"
    else:
        said, ink, mark = f"live · {link.latency_ms:.0f} ms", palette.text2, "disc"
    connection(surface, sizes, edge, said, ink, mark)


def connection(
    surface: pygame.Surface,
    sizes: Sizes,
    edge: int,
    said: str,
    ink: tuple[int, int, int],
    mark: str,
) -> None:
    """What the connection does, at the right edge of the header."""
    baseline = header_baseline(sizes)
    drawn = text.draw(surface, said, edge, baseline, sizes.sm, ink, align="right")
    middle = baseline - text.height(sizes.sm) / 2
    sprites.mark(surface, mark, drawn.left - 9, middle, 3.8, ink)
