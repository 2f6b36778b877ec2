"""The picture before there is one: a ghost of the frame, and how far the node has come.

Called by `draw.py` while there is no snapshot.
"""

import math

import pygame

from viewer import footer, header, layout, sprites, strokes, text
from viewer.history import History
from viewer.map_cities import port
from viewer.state import Link, View
from viewer.theme import DARK, THEMES, Sizes, Theme, mix, sizes


def draw(surface: pygame.Surface, view: View, history: History, link: Link) -> None:
    """The whole window."""
    palette = THEMES.get(view.theme, DARK)
    size = surface.get_size()
    measures = sizes(*size)
    surface.fill(palette.background)
    _header(surface, palette, measures, history, link)
    places = layout.market(size, measures)
    surface.fill(palette.map, places.map)
    _ghost(surface, palette, measures, places, history)
    _steps(surface, palette, measures, places.map, view, history, link)
    said = f"socket {port(link.address)}"
    footer.footer(surface, palette, measures, size, footer.WAITING_KEYS, said)


def _header(
    surface: pygame.Surface, palette: Theme, measures: Sizes, history: History, link: Link
) -> None:
    width = surface.get_width()
    strokes.horizontal(surface, 0, width, measures.header, palette.rule)
    baseline = header.header_baseline(measures)
    x, right = measures.margin, round(width * 0.62)
    for name in history.hello.cities if history.hello else ():
        room = right - x
        if room < 60:
            break
        drawn = text.draw(
            surface, name, x, baseline, measures.lg, palette.text2, bold=True, width_max=room
        )
        x = drawn.right + 16
    where = f"node {port(link.address)}"
    text.draw(surface, where, x, baseline, measures.sm, palette.text3, width_max=right - x)
    edge = width - measures.margin
    if link.phase == "refused":
        header.connection(surface, measures, edge, "refused", palette.error, "ring")
    else:
        said = "connecting" if link.phase in ("connecting", "gone") else "starting"
        header.connection(surface, measures, edge, said, palette.paused, "ring")


def _ghost(
    surface: pygame.Surface,
    palette: Theme,
    measures: Sizes,
    places: layout.Market,
    history: History,
) -> None:
    """Where everything will be: titles and hairlines, faint."""
    faint, rule = mix(palette.background, palette.text3, 0.6), palette.grid
    goods = list(history.hello.goods if history.hello else ()) or [""] * 4
    rects, first, _ = layout.price_grid(places.prices, len(goods), 0, measures)
    below = [(places.matrix, "Merchants by cargo"), (places.cloud, "")]
    titled = [
        (rect, good[:1].upper() + good[1:])
        for rect, good in zip(rects, goods[first:], strict=False)
    ]
    for rect, title in [*titled, *below]:
        x, baseline = rect.x, rect.y + round(measures.md * 1.02)
        text.draw(surface, title, x, baseline, measures.md, faint, bold=True, width_max=rect.w)
        small = rect.h < 300 and rect in rects
        left = rect.x + (measures.axis if small else 0)
        right = rect.x + round(rect.w * 0.69) if small else rect.right
        for row in range(4):
            y = rect.y + measures.md * 1.6 + 10 + row * (rect.h - measures.md * 1.6 - 10) / 4
            strokes.horizontal(surface, left, right, y, rule)


def _steps(
    surface: pygame.Surface,
    palette: Theme,
    measures: Sizes,
    rect: pygame.Rect,
    view: View,
    history: History,
    link: Link,
) -> None:
    """What has been reached, what is being done, what is to come."""
    title, hint = _title(history, link, view.now_s)
    x = rect.x + min(70, round(rect.w * 0.09))
    width = min(380, rect.right - x - (x - rect.x))
    y = rect.y + max(60, round(rect.h * 0.27)) + measures.xl // 2
    red = link.phase == "refused"
    ink = palette.error if red else palette.text
    text.draw(surface, title, x, y, measures.xl, ink, bold=True, width_max=width)
    y += round(measures.sm * 1.9)
    y = _wrapped(surface, hint, x, y, width, measures.sm, palette.text2)
    y += round(measures.sm * 1.1)
    surface.fill(palette.rule, (x, y, width, 3))
    compiling = history.compiling
    answered = link.phase == "waiting"
    done = 0.25 * (link.open_after_s is not None and answered) + 0.15 * answered
    if compiling is not None and compiling.steps > 0:
        done = 0.2 + 0.75 * min(1.0, max(0.0, (compiling.step - 1) / compiling.steps))
    surface.fill(palette.text, (x, y, round(width * done), 3))
    kernels = "kernels"
    if compiling is not None:
        kernels = f"compiling {compiling.step} of {compiling.steps}"
        kernels += f": {compiling.what}" if compiling.what else ""
    opened = answered and link.open_after_s is not None
    rows = (
        ("socket open", opened, link.open_after_s),
        ("node answered", answered and history.hello is not None, link.answer_after_s),
        (kernels, False, None),
        ("first snapshot", False, None),
    )
    active = next((place for place, row in enumerate(rows) if not row[1]), 0)
    if active == 2 and compiling is None:
        active = 3
    step = round(measures.sm * 1.78)
    y += round(measures.sm * 2.1)
    for place, (said, reached, after_s) in enumerate(rows):
        baseline = y + place * step
        middle = baseline - text.height(measures.sm) / 2
        now = place == active and not red
        ink = palette.text if now else palette.text2 if reached else palette.text3
        if reached:
            sprites.mark(surface, "disc", x + 6, middle, 4.4, palette.text2)
        elif now:
            _spinner(surface, palette, x + 6, middle, view.now_s)
        else:
            sprites.mark(surface, "ring", x + 6, middle, 4.4, palette.text3)
        room = width - 70
        text.draw(surface, said, x + 20, baseline, measures.sm, ink, bold=now, width_max=room)
        if reached and after_s is not None:
            label, right = f"{after_s:.1f} s", x + width
            ink = palette.text3
            text.draw(surface, label, right, baseline, measures.xs, ink, align="right")


def _title(history: History, link: Link, now_s: float) -> tuple[str, str]:
    if link.phase == "refused":
        return "The node refused", link.why
    if link.phase in ("connecting", "gone"):
        wait_s = link.retry_at_s - now_s
        again = f" Trying again in {wait_s:.0f} s." if wait_s >= 0.5 else ""
        why = f"Looking for a node at {link.address}."
        if link.why:
            why = f"Nobody answers at {link.address}: {link.why}."
        return "Waiting for the node…", why + again
    if history.compiling is not None:
        hint = "The first start takes about 20 seconds; later ones use the cache."
        return "Compiling kernels…", history.compiling.hint or hint
    return "Almost there…", "The node has answered; its first snapshot is on the way."


def _wrapped(
    surface: pygame.Surface,
    said: str,
    x: int,
    y: int,
    width: int,
    size: int,
    ink: tuple[int, int, int],
) -> int:
    """Words in up to three lines; returns the last baseline."""
    words = said.split()
    for row in range(3):
        if not words:
            break
        count = len(words)
        while count > 1 and row < 2 and text.width(" ".join(words[:count]), size) > width:
            count -= 1
        text.draw(surface, " ".join(words[:count]), x, y, size, ink, width_max=width)
        words = words[count:]
        if words:
            y += round(size * 1.35)
    return y


def _spinner(surface: pygame.Surface, palette: Theme, x: float, y: float, now_s: float) -> None:
    """Eight dots in a ring, the brightest going round once a second."""
    for dot in range(8):
        angle = 2 * math.pi * dot / 8
        age = int(now_s * 8 - dot) % 8
        ink = mix(palette.text, palette.background, min(0.85, age / 8))
        sprites.mark(surface, "disc", x + 5 * math.cos(angle), y + 5 * math.sin(angle), 1.5, ink)
