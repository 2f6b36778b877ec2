"""Line charts as SVG text: small, sharp at every size, readable on light and dark pages.

Called by tools that leave pictures in `docs/`. Colours are the viewer's. Knows nothing of what it
draws: names, numbers and units are given.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

import numpy as np

from engine.tables import Array
from viewer.theme import (
    CITY_SLOTS,
    DARK,
    GOOD_SLOTS,
    LIGHT,
    Colour,
    Theme,
    city_colour,
    good_colour,
)

WIDTH, PANEL_HEIGHT, LOW_PANEL_HEIGHT = 860, 210, 130
"""Three panels and more are low, so that all can be seen at once."""

LEFT, RIGHT, TOP, BOTTOM, BETWEEN = 62, 104, 64, 40, 34
COLUMNS_MAX = 420
"""Points a line: more would not be seen, and make the file heavy."""

LABEL_APART = 15
"""Pixels between the names at the ends of lines."""


@dataclass(frozen=True)
class Line:
    """One line of a panel.

    Attributes:
        name: written at its end.
        key: a city or a good, whose colour it takes.
        x, y: float64[n], x rising.
        low, high: float64[n]: a band around it, or nothing.
    """

    name: str
    key: str
    x: Array
    y: Array
    low: Array | None = None
    high: Array | None = None


@dataclass(frozen=True)
class Panel:
    """Lines over one y axis; `log` for powers of ten on both axes."""

    title: str
    lines: Sequence[Line]
    log: bool = False


def line_chart(
    title: str, panels: Sequence[Panel], x_title: str, notes: Sequence[tuple[float, str]] = ()
) -> str:
    """The text of an SVG file: panels below each other over one x axis.

    Args:
        title: above all.
        panels: at least one, each with at least one line.
        x_title: below the axis, with its unit.
        notes: (x, words): a thin line through all panels, the words above the first.
    """
    each = PANEL_HEIGHT if len(panels) <= 2 else LOW_PANEL_HEIGHT
    height = TOP + len(panels) * (each + BETWEEN) - BETWEEN + BOTTOM
    log = panels[0].log
    ends = [float(x) for panel in panels for line in panel.lines for x in (line.x[0], line.x[-1])]
    x_scale = _Scale(min(ends), max(ends), LEFT, WIDTH - RIGHT, log)
    keys = sorted({line.key for panel in panels for line in panel.lines})
    parts = [_head(title, height, keys)]
    for number, panel in enumerate(panels):
        top = TOP + number * (each + BETWEEN)
        parts += _panel(panel, number, (top, top + each), x_scale, keys)
    foot = height - BOTTOM
    ticks = x_scale.powers() if log else x_scale.steps(8)
    parts += [_text(x_scale(x), foot + 18, _figure(x), "middle t2") for x in ticks]
    parts.append(_text(WIDTH - RIGHT, foot + 34, x_title, "end t2"))
    for x, words in notes:
        at = x_scale(x)
        parts.append(f'<path class="note" d="M{at:.1f} {TOP - 14}V{foot}"/>')
        parts.append(_text(at + 4, TOP - 16, words, "start note-text"))
    return "\n".join([*parts, "</svg>", ""])


@dataclass(frozen=True)
class _Scale:
    """Numbers to pixels, linear or logarithmic."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        low, high = self.low, self.high
        if self.log:
            low, high, value = math.log10(low), math.log10(high), math.log10(value)
        return self.start + (value - low) / (high - low) * (self.end - self.start)

    def steps(self, most: int) -> list[float]:
        """Round numbers, at most so many, that lie on the axis."""
        span = self.high - self.low
        power = 10.0 ** math.floor(math.log10(span / most))
        step = next(power * k for k in (1, 2, 5, 10) if span / (power * k) <= most)
        first, last = math.ceil(self.low / step), math.floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]

    def powers(self) -> list[float]:
        """Powers of ten that lie on the axis."""
        first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high))
        return [10.0**power for power in range(first, last + 1)]


def _panel(
    panel: Panel, number: int, rows: tuple[int, int], x_scale: _Scale, keys: Sequence[str]
) -> list[str]:
    top, bottom = rows
    low, high = _reach(panel)
    y_scale = _Scale(low, high, bottom, top, panel.log)
    parts = [
        f'<clipPath id="p{number}"><path d="M{LEFT} {top}H{WIDTH - RIGHT}V{bottom}H{LEFT}Z"/>'
        "</clipPath>",
        _text(LEFT, top - 6, panel.title, "start t1"),
    ]
    for y in y_scale.powers() if panel.log else y_scale.steps(5):
        kind = "rule" if y == low else "grid"
        parts.append(f'<path class="{kind}" d="M{LEFT} {y_scale(y):.1f}H{WIDTH - RIGHT}"/>')
        parts.append(_text(LEFT - 8, y_scale(y) + 4, _figure(y), "end t2"))
    parts.append(f'<g clip-path="url(#p{number})">')
    for line in panel.lines:
        parts += _line(line, keys.index(line.key), x_scale, y_scale)
    parts.append("</g>")
    for end in sorted({float(line.x[-1]) for line in panel.lines}):
        ending = [line for line in panel.lines if float(line.x[-1]) == end]
        at = [y_scale(float(line.y[-1])) for line in ending]
        for line, y in zip(ending, _apart(at, top, bottom), strict=True):
            kind = f"start t2 k{keys.index(line.key)}-text"
            parts.append(_text(x_scale(end) + 6, y + 4, line.name, kind))
    return parts


def _reach(panel: Panel) -> tuple[float, float]:
    """The ends of a panel's y axis: all of it where something lies below zero, else from zero on.
    The first moments of a town are wild, and may leave it."""
    if panel.log:
        values = np.concatenate([line.y for line in panel.lines])
        return 10.0 ** math.floor(np.log10(values.min())), 2.0 * float(values.max())
    edges = [edge for line in panel.lines for edge in (line.y, line.low, line.high)]
    lowest = min(float(np.nanmin(edge)) for edge in edges if edge is not None)
    if lowest < 0.0:
        highest = max(float(np.nanmax(edge)) for edge in edges if edge is not None)
        return 1.05 * lowest, max(1.05 * highest, 0.0)
    usual = max(float(np.nanquantile(line.y, 0.99)) for line in panel.lines)
    tops = [float(line.high.max()) for line in panel.lines if line.high is not None]
    return 0.0, max(1.12 * usual, min(1.02 * max(tops, default=0.0), 1.6 * usual))


def _line(line: Line, key: int, x_scale: _Scale, y_scale: _Scale) -> list[str]:
    parts = []
    xs = [x_scale(x) for x in _thinned(line.x)]
    if line.low is not None and line.high is not None:
        lows = [y_scale(y) for y in _thinned(line.low)]
        highs = [y_scale(y) for y in _thinned(line.high)]
        outline = _points(xs, highs) + "L" + _points(xs[::-1], lows[::-1])[1:]
        parts.append(f'<path class="band k{key}-fill" d="{outline}Z"/>')
    ys = [y_scale(y) for y in _thinned(line.y)]
    parts.append(f'<path class="line k{key}" d="{_points(xs, ys)}"/>')
    if len(xs) <= 12:
        parts += [
            f'<circle class="k{key}-fill" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>'
            for x, y in zip(xs, ys, strict=True)
        ]
    return parts


def _thinned(values: Array) -> Array:
    """At most so many points: means of equal stretches."""
    if len(values) <= COLUMNS_MAX:
        return values
    stretches = np.array_split(values, COLUMNS_MAX)
    return np.array([stretch.mean() for stretch in stretches])


def _points(xs: Sequence[float], ys: Sequence[float]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in zip(xs, ys, strict=True))


def _apart(wished: Sequence[float], top: float, bottom: float) -> list[float]:
    """Heights near those wished for, none nearer to another than a line of text."""
    order = sorted(range(len(wished)), key=lambda i: wished[i])
    placed = [min(max(wished[i], top), bottom) for i in order]
    for above in range(1, len(placed)):
        placed[above] = max(placed[above], placed[above - 1] + LABEL_APART)
    for below in range(len(placed) - 2, -1, -1):
        limit = bottom if below == len(placed) - 2 else placed[below + 1]
        placed[below + 1] = min(placed[below + 1], limit)
        placed[below] = min(placed[below], placed[below + 1] - LABEL_APART)
    heights = [0.0] * len(wished)
    for place, i in zip(placed, order, strict=True):
        heights[i] = place
    return heights


def _text(x: float, y: float, words: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(words)}</text>'


def _figure(value: float) -> str:
    if value >= 1e6:
        return f"{value / 1e6:g} M"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.6g}"


def _colour(theme: Theme, key: str) -> Colour:
    if key in CITY_SLOTS:
        return city_colour(theme, CITY_SLOTS[key])
    return good_colour(theme, GOOD_SLOTS.get(key, 4))


def _css(theme: Theme, keys: Sequence[str]) -> str:
    rules = [
        f".ground{{fill:{_hex(theme.background)}}}",
        f".title,.t1{{fill:{_hex(theme.text)}}}.t2,.note-text{{fill:{_hex(theme.text2)}}}",
        f".grid{{stroke:{_hex(theme.grid)}}}.rule,.note{{stroke:{_hex(theme.text3)}}}",
    ]
    for number, key in enumerate(keys):
        colour = _colour(theme, key)
        rules.append(
            f".k{number}{{stroke:{_hex(colour)}}}.k{number}-fill{{fill:{_hex(colour)}}}"
            f".k{number}-text{{fill:{_hex(theme.label(colour))}}}"
        )
    return "".join(rules)


def _hex(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _head(title: str, height: float, keys: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}">\n<style>'
        "text{font:13px 'Source Sans 3','Segoe UI',Helvetica,Arial,sans-serif}"
        ".title{font-size:17px;font-weight:600}.t1{font-weight:600}"
        ".start{text-anchor:start}.middle{text-anchor:middle}.end{text-anchor:end}"
        "path{fill:none}.line{stroke-width:1.8;stroke-linejoin:round}.band{opacity:.18;stroke:none}"
        ".grid,.rule{stroke-width:1}.note{stroke-width:1;stroke-dasharray:3 3}"
        f"{_css(LIGHT, keys)}@media(prefers-color-scheme:dark){{{_css(DARK, keys)}}}</style>\n"
        f"<title>{escape(title)}</title>\n"
        f'<rect class="ground" width="{WIDTH}" height="{height}"/>\n'
        + _text(LEFT, 26, title, "start title")
    )
