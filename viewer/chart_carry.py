"""What to carry: for a focused city, each good's price here, the best open road and what it leaves.

Called by `charts.py` in place of the cargo matrix.
"""

import math
from typing import NamedTuple

import pygame

from protocol.observe import City
from viewer import scales, sprites, text
from viewer.chart_matrix import rule, sparkline
from viewer.history import Key
from viewer.scene import Scene, heading, title_height


class Deal(NamedTuple):
    """The best use of one good in a city: where to, its price there, what is left of the gap."""

    partner: str  # full name
    sell: bool  # sell there what is bought here; else the other way
    there: float
    margin: float  # coins, after what a merchant subtracts for the road


def best_deal(scene: Scene, city: City, good: str) -> Deal | None:
    """Over the open roads out of and into a city; None where no neighbour has a price."""
    here = city.prices.get(good)
    if here is None:
        return None
    found = []
    for road in scene.snapshot.roads:
        if not road.open or city.full_name not in (road.origin, road.destination):
            continue
        sell = road.origin == city.full_name
        partner = scene.city(road.destination if sell else road.origin)
        there = partner.prices.get(good) if partner else None
        if partner is None or there is None:
            continue
        gap = there - here if sell else here - there
        found.append(Deal(partner.full_name, sell, there, gap - (road.cost_coins or 0.0)))
    return max(found, key=lambda deal: deal.margin, default=None)


class Columns(NamedTuple):
    """Where columns stand: left edges, but right edges of figures."""

    name: float
    here: float
    price: float  # the course of the price, `course` wide
    course: float  # 0: there is no room for it
    road: float
    there: float
    margin: float


def _columns(rect: pygame.Rect) -> Columns:
    if rect.w < 340:
        shares = (0.0, 0.28, 0.32, 0.0, 0.32, 0.76, 1.0)
    else:
        shares = (0.0, 0.22, 0.255, 0.24, 0.53, 0.815, 1.0)
    name, here, price, course, road, there, margin = (rect.w * share for share in shares)
    x = rect.x
    return Columns(x + name, x + here, x + price, course, x + road, x + there, x + margin)


def what_to_carry(surface: pygame.Surface, scene: Scene, rect: pygame.Rect, city: City) -> None:
    """For a focused city: a row a good, its price here, the best open road, and what it leaves."""
    sizes, at = scene.sizes, _columns(rect)
    people = f"{city.locals:,} people" if city.locals else ""
    coins = f"{city.money_minor / 1e8:,.0f} coins" if city.money_minor else ""
    summary = " · ".join(part for part in (people, coins) if part)
    if not city.own:
        summary = f"remote, {city.node}"
    name = scene.name(city.full_name)
    heading(surface, scene, rect, f"{name}: what to carry", summary=summary)
    head_y = rect.y + title_height(sizes) + round(sizes.sm * 1.05)
    top = head_y + 10
    rule(surface, scene, rect, top - 1)
    _heads(surface, scene, at, head_y)
    row_min = round(sizes.sm * 1.3)
    goods = scene.snapshot.goods[: max(1, (rect.bottom - top) // row_min)]
    row_height = min(46.0, (rect.bottom - top) / max(1, len(goods)))
    for row, good in enumerate(goods):
        y = round(top + row * row_height)
        baseline = round(y + row_height / 2 + text.height(sizes.sm) / 2)
        _good(surface, scene, at, city, good, baseline)
        if at.course:
            box = pygame.Rect(round(at.price), y + 3, round(at.course), round(row_height) - 6)
            key = Key("price", city.full_name, good)
            sparkline(surface, scene, box, key, scene.ink(city.full_name))
        _deal(surface, scene, at, best_deal(scene, city, good), baseline)
        if row_height >= 26:
            rule(surface, scene, rect, y + row_height)


def _heads(surface: pygame.Surface, scene: Scene, at: Columns, baseline: int) -> None:
    size, ink = scene.sizes.xs, scene.theme.text2
    for label, x in (("good", at.name), ("price", at.price), ("best road", at.road)):
        if label != "price" or at.course:
            text.draw(surface, label, x, baseline, size, ink)
    last = "margin − travel"
    if text.width(last, size) > at.margin - at.there - 8:
        last = "margin"
    for label, x in (("here", at.here), ("there", at.there), (last, at.margin)):
        text.draw(surface, label, x, baseline, size, ink, align="right")


def _good(
    surface: pygame.Surface, scene: Scene, at: Columns, city: City, good: str, baseline: int
) -> None:
    """Icon, name, price here."""
    size, side = scene.sizes.sm, scene.sizes.md
    mark, colour, ground = scene.good_mark(good), scene.good_colour(good), scene.theme.background
    middle = baseline - text.height(size) / 2
    sprites.icon(surface, good, mark, at.name + side / 2, middle, side, colour, ground)
    price, ink = city.prices.get(good), scene.theme.text
    label = scales.figure(math.nan if price is None else price)
    figure = text.draw(surface, label, at.here, baseline, size, ink, bold=True, align="right")
    x = at.name + side + 8
    name = text.fit(good, size, figure.left - 8 - x)
    if len(name) > 2:  # the icon says it better
        text.draw(surface, name, x, baseline, size, ink)


def _deal(
    surface: pygame.Surface, scene: Scene, at: Columns, deal: Deal | None, baseline: int
) -> None:
    size, palette = scene.sizes.sm, scene.theme
    if deal is None:
        text.draw(surface, "no open road", at.road, baseline, size, palette.text3)
        return
    pays = deal.margin > 0
    there = scales.figure(deal.there)
    if pays:
        said = "sell in" if deal.sell else "buy in"
        ink = text.draw(surface, said, at.road, baseline, size, palette.text2)
        colour = palette.label(scene.own_colour(deal.partner))
        x = ink.right + 4
        room = at.there - text.width(there, size) - 8 - x
        name = text.fit(scene.name(deal.partner), size, room)
        text.draw(surface, name, x, baseline, size, colour)
    else:
        text.draw(surface, "none pays", at.road, baseline, size, palette.text3)
    text.draw(surface, there, at.there, baseline, size, palette.text2, align="right")
    margin = ("+" if pays else "") + scales.figure(deal.margin)
    shade = palette.text if pays else palette.text3
    text.draw(surface, margin, at.margin, baseline, size, shade, bold=pays, align="right")
