"""Which panels a view has; here those of the market, which every city tells of: prices and cargo.

`panels` returns rectangles with what paints them; `draw.py` decides which to paint when. What an
economy declares is in `charts_declared.py`.
"""

import functools
import math
from collections.abc import Callable, Sequence

import numpy as np
import pygame

from protocol.observe import EMPTY_HANDED, City
from viewer import (
    chart_carry,
    chart_lines_draw,
    chart_matrix,
    charts_declared,
    layout,
    peers,
    text,
)
from viewer.chart_lines import Course, Lines, Style, current, label_width, prepare
from viewer.chart_matrix import Column
from viewer.charts_declared import Panel, city_course
from viewer.history import Key
from viewer.scene import Scene
from viewer.tabs import Tab


def panels(scene: Scene, size: tuple[int, int], tab: Tab) -> list[Panel]:
    """The panels of a view, but for the map."""
    if tab.slot == "panels":
        return charts_declared.panels(scene, size, tab)
    if tab.slot == "distributions":
        return charts_declared.distributions(scene, size, tab)
    if tab.slot == "peers":
        return peers.panels(scene, size)
    return _market(scene, size, tab)


# The market.


def _market(scene: Scene, size: tuple[int, int], tab: Tab) -> list[Panel]:
    places = layout.market(size, scene.sizes)
    goods = scene.snapshot.goods
    rects, first, _ = layout.price_grid(places.prices, len(goods), scene.view.page, scene.sizes)
    shown = goods[first : first + len(rects)]
    gutter = functools.cache(lambda: _price_gutter(scene, shown))
    lowest = max((rect.y for rect in rects), default=0)
    found = [
        Panel(
            f"price {good}",
            rect,
            functools.partial(
                _paint_price, scene, rect, good, rect.y == lowest, place == 0, gutter
            ),
        )
        for place, (good, rect) in enumerate(zip(shown, rects, strict=True))
    ]
    if not goods:
        message = "No goods are traded here."
        paint = functools.partial(_paint_message, scene, places.prices, message)
        found.append(Panel("prices", places.prices, paint))
    matrix = places.matrix
    if not tab.charts:
        matrix = matrix.union(places.cloud)
    found.append(Panel("cargo", matrix, functools.partial(_paint_cargo, scene, matrix)))
    charts = tab.charts[:2]
    rects = layout.grid(places.cloud, max(1, len(charts)), 1, scene.sizes)
    return found + charts_declared.declared(scene, list(zip(charts, rects, strict=False)))


def price_courses(scene: Scene, good: str) -> list[Course]:
    """A line for each city that has or had a price for the good."""
    return [
        city_course(
            scene,
            city,
            Key("price", city.full_name, good),
            Key("low", city.full_name, good),
            Key("high", city.full_name, good),
        )
        for city in scene.snapshot.cities
        if good in city.prices
    ]


def _price_gutter(scene: Scene, goods: Sequence[str]) -> int:
    """The widest labels of all panels, so that their plots are equally wide."""
    widths = [0]
    for good in goods:
        courses = price_courses(scene, good)
        widths.append(label_width(scene, courses, current(scene, courses), Style("")))
    return max(widths)


def _paint_price(
    scene: Scene,
    rect: pygame.Rect,
    good: str,
    x_labels: bool,
    event_labels: bool,
    gutter: Callable[[], int],
    surface: pygame.Surface,
) -> Lines:
    courses = price_courses(scene, good)
    now = current(scene, courses)
    now = now[np.isfinite(now)]
    summary = ""
    if len(now) > 1 and now.mean() > 0:
        summary = f"spread {100 * (now.max() - now.min()) / now.mean():.0f}%"
    style = Style(
        good[:1].upper() + good[1:],
        "coins",
        summary,
        good=good,
        log=scene.view.log_prices,
        trim=1.2,
        x_labels=x_labels,
        event_labels=event_labels,
    )
    chart = prepare(scene, rect, style, courses, gutter())
    chart_lines_draw.draw(surface, scene, chart)
    return chart


def _paint_message(scene: Scene, rect: pygame.Rect, message: str, surface: pygame.Surface) -> None:
    size = scene.sizes.sm
    message = text.fit(message, size, rect.w)
    text.draw(surface, message, rect.centerx, rect.centery, size, scene.theme.text3, align="centre")


def _paint_cargo(scene: Scene, rect: pygame.Rect, surface: pygame.Surface) -> None:
    """Merchants in each city by what they carry; for a focused city, what would pay."""
    focused = scene.city(scene.view.focus) if scene.view.focus is not None else None
    if focused is not None:
        chart_carry.what_to_carry(surface, scene, rect, focused)
        return
    cities = scene.snapshot.cities

    def told(city: City) -> bool:
        """A remote city may keep its merchants to itself."""
        return city.own or bool(city.cargo) or city.merchants > 0

    carried = [*scene.snapshot.goods, EMPTY_HANDED]
    columns = [
        Column(
            good or "empty",
            good,
            [float(city.cargo.get(good, 0)) if told(city) else math.nan for city in cities],
        )
        for good in carried
    ]
    totals = [
        float(city.merchants or sum(city.cargo.values())) if told(city) else math.nan
        for city in cities
    ]
    title, unit = "Merchants by cargo", "count per city"
    chart_matrix.matrix(surface, scene, rect, title, unit, cities, columns, totals)
