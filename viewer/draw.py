"""The whole picture: `render(surface, view, history, link)`, pure but for caches of what it drew.

A `Canvas` is the same picture kept between frames: every frame the header and the map, and one
other panel in turn, so that a frame costs a third of a whole picture. The window (`app.py`) uses
the canvas, everything else (`record.py`, tests) the function. Nothing here reads a clock.
"""

import pygame

from protocol.observe import Snapshot
from viewer import charts, footer, header, layout, overlays, peers, waiting
from viewer import map as town_map
from viewer.chart_lines import Lines, course_at
from viewer.history import History
from viewer.scene import Scene, scene
from viewer.state import Link, View
from viewer.tabs import Tab, tabs
from viewer.theme import Colour


def render(surface: pygame.Surface, view: View, history: History, link: Link | None = None) -> None:
    """Draws everything on a surface of any size from 640 x 420 up.

    Args:
        view: what the user chose; its `now_s` is the time for whatever tells time.
        history: what was seen; nothing yet draws the waiting screen.
        link: the connection; by default alive.
    """
    Canvas().paint(surface, view, history, link or Link(phase="live"), whole=True)


class Canvas:
    """A picture kept between frames."""

    def __init__(self) -> None:
        self._base: pygame.Surface | None = None
        self._key: tuple[object, ...] = ()
        self._turn = 0
        self._footer_key: tuple[object, ...] = ()
        self._tab_rects: list[pygame.Rect] = []
        self.panels = 1  # how many frames it takes until all is new
        self.lines: dict[str, Lines] = {}  # charts of lines as last painted, by panel

    def paint(
        self,
        target: pygame.Surface,
        view: View,
        history: History,
        link: Link,
        *,
        whole: bool = False,
        fresh: bool = True,
    ) -> None:
        """Brings the picture up to date and puts it on the target, overlays included.

        Args:
            whole: every panel, not just the next in turn.
            fresh: there is something new to show; else nothing is drawn anew but the map, on
                which merchants walk between two snapshots.
        """
        latest = history.latest
        if latest is None:
            waiting.draw(target, view, history, link)
            if view.help:
                overlays.help_card(target, scene(target.get_size(), view, history, _NOTHING).theme)
            self._key = ()
            return
        at_hand = scene(target.get_size(), view, history, latest)
        if self._base is None or self._base.get_size() != target.get_size():
            self._base = pygame.Surface(target.get_size())
        self._paint_base(self._base, at_hand, link, whole, fresh)
        target.blit(self._base, (0, 0))
        self._overlay(target, at_hand, link)

    def _paint_base(
        self, base: pygame.Surface, at_hand: Scene, link: Link, whole: bool, fresh: bool
    ) -> None:
        size, view, palette = base.get_size(), at_hand.view, at_hand.theme
        views, tab = tabs(at_hand.snapshot), shown_tab(at_hand)
        panels = charts.panels(at_hand, size, tab)
        # What changes any of these is seen at once, and everywhere.
        key = (
            *(
                size,
                palette.name,
                tab,
                view.page,
                view.focus,
                view.span_ticks,
                view.log_prices,
                view.bands,
            ),
            tuple((panel.name, tuple(panel.rect)) for panel in panels),
            tuple(at_hand.names),
        )
        if whole or key != self._key:
            base.fill(palette.background)
            self.lines, self._footer_key = {}, ()
            chosen, fresh = panels, True
        elif fresh:
            self._turn = (self._turn + 1) % max(1, len(panels))
            chosen = panels[self._turn : self._turn + 1]
        else:
            chosen = []
        self._key = key
        self.panels = len(panels)
        for panel in chosen:
            area = panel.rect.inflate(2 * _BLEED, 2 * _BLEED)
            base.fill(palette.background, area)
            base.set_clip(area)
            found = panel.paint(base)
            base.set_clip(None)
            if found is not None:
                self.lines[panel.name] = found
        if tab.slot == "market":
            town_map.draw(base, at_hand, layout.market(size, at_hand.sizes).map)
        if fresh:
            self._tab_rects = header.header(base, at_hand, views, link, size)
            self._footer(base, at_hand, link, size)

    def _footer(
        self, base: pygame.Surface, at_hand: Scene, link: Link, size: tuple[int, int]
    ) -> None:
        if link.phase != "live":
            return  # drawn above the veil
        said: str = shown_span(at_hand, size)
        ink: Colour | None = None
        if "PgDn" in said:  # else nobody would know that there is more
            ink = at_hand.theme.text3
        if at_hand.view.note:
            said, ink = at_hand.view.note, at_hand.theme.text
        keys = footer.keys(len(tabs(at_hand.snapshot)))
        if self._footer_key == (keys, said, ink):
            return
        self._footer_key = keys, said, ink
        footer.footer(base, at_hand.theme, at_hand.sizes, size, keys, said, ink)

    def _overlay(self, target: pygame.Surface, at_hand: Scene, link: Link) -> None:
        view, size = at_hand.view, target.get_size()
        if link.phase != "live":
            top = at_hand.sizes.header + 1
            whole = pygame.Rect(0, top, size[0], size[1] - at_hand.sizes.footer - top)
            overlays.veil(target, whole, at_hand.theme, 120)
            footer.gone_strip(target, at_hand, link, size)
        if view.help:
            overlays.help_card(target, at_hand.theme)
        elif view.mouse is not None:
            tick = overlays.hover_tick(list(self.lines.values()), *view.mouse)
            where = layout.market(size, at_hand.sizes).map
            if tick is not None:
                overlays.crosshair(target, at_hand, list(self.lines.values()), tick)
            elif self._on_map(at_hand) and where.collidepoint(view.mouse):
                overlays.map_hover(target, at_hand, where, view.mouse)

    def _on_map(self, at_hand: Scene) -> bool:
        return shown_tab(at_hand).slot == "market"

    def tab_at(self, at: tuple[int, int]) -> int | None:
        """The view whose title lies under a point."""
        return next((k for k, rect in enumerate(self._tab_rects) if rect.collidepoint(at)), None)

    def city_at(
        self, size: tuple[int, int], view: View, history: History, at: tuple[int, int]
    ) -> str | None:
        """The city whose disc, line or label lies under a point, by its full name."""
        if history.latest is None:
            return None
        at_hand = scene(size, view, history, history.latest)
        where = layout.market(size, at_hand.sizes).map
        if self._on_map(at_hand) and where.collidepoint(at):
            return town_map.city_at(at_hand, where, *at)
        for chart in self.lines.values():
            if chart.rect.collidepoint(at):
                return course_at(chart, *at)
        return None


_BLEED = 4  # pixels by which ends of lines and figures may leave their panel
_NOTHING = Snapshot(node="", tick=0)


def shown_span(at_hand: Scene, size: tuple[int, int]) -> str:
    """How many ticks the charts show, and which goods or charts where not all fit."""
    ticks = at_hand.history.ticks
    shown = min(at_hand.view.span_ticks, int(ticks[-1] - ticks[0])) if len(ticks) else 0
    said = f"{shown:,} ticks shown"
    sizes, page, tab = at_hand.sizes, at_hand.view.page, shown_tab(at_hand)
    what, count, first = "", 0, 0
    rects: list[pygame.Rect] = []
    if tab.slot == "market":
        what, count = "goods", len(at_hand.snapshot.goods)
        rects, first, _ = layout.price_grid(layout.market(size, sizes).prices, count, page, sizes)
    elif tab.slot == "panels" and sizes.name == "small":
        what, count = "charts", len(tab.charts)
        rects, first = layout.panel_page(size, sizes, count, page)
    elif tab.slot == "peers":
        what, count = "peers", len(at_hand.snapshot.peers)
        shown, first = peers.page(at_hand, size)
        rects = [pygame.Rect(0, 0, 0, 0)] * shown
    if len(rects) < count:
        said = f"{what} {first + 1}–{first + len(rects)} of {count}, PgDn · {said}"
    return said


def shown_tab(at_hand: Scene) -> Tab:
    """The view that is chosen, or the last."""
    views = tabs(at_hand.snapshot)
    return views[min(at_hand.view.tab, len(views) - 1)]
