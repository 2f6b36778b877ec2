"""All that drawing needs at hand: theme, sizes, what was seen and what the user chose.

Made anew for every picture by `draw.py`, handed to everything that draws. It answers how a city or
a good looks now: its colour (grey while another city is focused), its mark, the name people see.
"""

from typing import NamedTuple

import pygame

from protocol.observe import EMPTY_HANDED, City, Snapshot
from viewer import text, theme
from viewer.history import History
from viewer.state import View
from viewer.theme import Colour, Sizes, Theme


class Scene(NamedTuple):
    """One picture's worth of context; `snapshot` is the history's latest."""

    theme: Theme
    sizes: Sizes
    view: View
    history: History
    snapshot: Snapshot
    names: dict[str, str]  # full name -> the name people see

    def ink(self, city: str) -> Colour:
        """The colour of a city's line, disc and bars; `city` is a full name, "" for the world."""
        if self.view.focus is not None and city != self.view.focus:
            return self.theme.context
        return self.own_colour(city)

    def own_colour(self, city: str) -> Colour:
        """The same, whatever is focused."""
        slot = self.history.slots.get(city, len(self.theme.cities))
        if city == self.view.focus and slot >= len(self.theme.cities):
            return self.theme.text
        return theme.city_colour(self.theme, slot)

    def label(self, city: str) -> Colour:
        """The colour in which the city's name is written."""
        ink = self.ink(city)
        if ink == self.theme.context:
            return self.theme.text3
        return self.theme.label(ink)

    def mark(self, city: str) -> str:
        return theme.city_mark(self.history.slots.get(city, 0))

    def name(self, city: str) -> str:
        return self.names.get(city, city)

    def good_colour(self, good: str) -> Colour:
        if good == EMPTY_HANDED:
            return self.theme.empty
        return theme.good_colour(self.theme, self.history.good_slots.get(good, 0))

    def good_mark(self, good: str) -> str:
        if good == EMPTY_HANDED:
            return "ring"
        return theme.good_mark(self.history.good_slots.get(good, 0))

    def city(self, full_name: str) -> City | None:
        return next((c for c in self.snapshot.cities if c.full_name == full_name), None)


def scene(size: tuple[int, int], view: View, history: History, snapshot: Snapshot) -> Scene:
    """The context of one picture in a window of that size."""
    palette = theme.THEMES.get(view.theme, theme.DARK)
    sizes = theme.sizes(*size)
    return Scene(palette, sizes, view, history, snapshot, seen_names(snapshot))


def seen_names(snapshot: Snapshot) -> dict[str, str]:
    """People see NAME, and NAME@NODE where two of that name are in sight."""
    plain = [city.name.casefold() for city in snapshot.cities]
    twice = {name for name in plain if plain.count(name) > 1}
    return {
        city.full_name: city.full_name if city.name.casefold() in twice else city.name
        for city in snapshot.cities
    }


def heading(
    surface: pygame.Surface,
    scene: Scene,
    rect: pygame.Rect,
    title: str,
    unit: str = "",
    summary: str = "",
    *,
    indent: int = 0,
) -> None:
    """A panel's title, its unit in grey behind it, one figure at the right.

    Args:
        indent: pixels left free for an icon.
    """
    sizes, palette = scene.sizes, scene.theme
    baseline = rect.y + round(sizes.md * 1.02)
    right = rect.right
    if summary:
        # The figure never takes more than a third from the title.
        summary = text.fit(summary, sizes.sm, rect.w / 3)
        drawn = text.draw(surface, summary, right, baseline, sizes.sm, palette.text2, align="right")
        right = drawn.left - 8
    x = rect.x + indent
    title = text.fit(title, sizes.md, max(0, right - x), bold=True)
    ink = text.draw(surface, title, x, baseline, sizes.md, palette.text, bold=True)
    room = right - ink.right - 8
    if unit and room > 30:
        at = ink.right + 8
        text.draw(surface, unit, at, baseline, sizes.xs, palette.text3, width_max=room)


def title_height(sizes: Sizes) -> int:
    """Pixels from a panel's top to its plot."""
    return round(sizes.md * 1.6)
