"""Where things lie: rectangles for each layout and window class. Nothing here draws.

Left and top edges come first and lengths last, so that a panel keeps its place when what it shows
changes; only the window's size moves it.
"""

from typing import NamedTuple

import pygame

from viewer.theme import Sizes

Rect = pygame.Rect

PANEL_HEIGHT_MIN = 104  # a title, four hairlines and a label each
UPPER_SHARE = 0.645
PAGE_CHARTS = 4  # declared panels in a small window
CAPTION = 28  # the strip under the map


class Market(NamedTuple):
    """Map, price panels, cargo matrix, and the place of what the economy declares."""

    map: Rect
    prices: Rect
    matrix: Rect
    cloud: Rect


def content(size: tuple[int, int], sizes: Sizes) -> Rect:
    """What lies between header and footer, within the margins."""
    width, height = size
    top, bottom = sizes.header + 8, height - sizes.footer - 8
    return Rect(sizes.margin, top, max(1, width - 2 * sizes.margin), max(1, bottom - top))


def market(size: tuple[int, int], sizes: Sizes) -> Market:
    """Two rows, two columns."""
    whole = content(size, sizes)
    left = round(whole.w * (0.40 if sizes.name == "small" else 0.415))
    upper = round(whole.h * UPPER_SHARE)
    right_x = whole.x + left + sizes.gutter
    lower_y = whole.y + upper + sizes.row_gap
    right, lower = whole.right - right_x, whole.bottom - lower_y
    # The map is as wide as the matrix below it, the prices as wide as the clouds.
    return Market(
        Rect(whole.x, whole.y, left, upper),
        Rect(right_x, whole.y, right, upper),
        Rect(whole.x, lower_y, left, lower),
        Rect(right_x, lower_y, right, lower),
    )


def price_grid(area: Rect, count: int, page: int, sizes: Sizes) -> tuple[list[Rect], int, int]:
    """Panels for as many goods as fit.

    Returns:
        rectangles; the first good shown; goods shown at a time.
    """
    columns = 3 if count >= 5 and area.w >= 960 else min(2, max(1, count))
    rows = max(1, (area.h + sizes.row_gap) // (PANEL_HEIGHT_MIN + sizes.row_gap))
    rows = min(rows, -(-count // columns) or 1)
    shown = rows * columns
    pages = max(1, -(-count // shown))
    first = min(page, pages - 1) * shown
    rects = grid(area, columns, rows, sizes)
    return rects[: max(0, min(shown, count - first))], first, shown


def grid(area: Rect, columns: int, rows: int, sizes: Sizes) -> list[Rect]:
    """Equal rectangles, row by row."""
    width = (area.w - (columns - 1) * sizes.gutter) / columns
    height = (area.h - (rows - 1) * sizes.row_gap) / rows
    found = []
    for row in range(rows):
        for column in range(columns):
            x = round(area.x + column * (width + sizes.gutter))
            y = round(area.y + row * (height + sizes.row_gap))
            found.append(Rect(x, y, round(width), round(height)))
    return found


def panels(
    size: tuple[int, int], sizes: Sizes, aside: int, charts: int
) -> tuple[list[Rect], list[Rect]]:
    """The layout of many lines: a column at the left for tables and paths, a grid for the rest.

    Args:
        aside: charts for the left column.
        charts: charts for the grid.

    Returns:
        rectangles of the left column, rectangles of the grid (2 x 3).
    """
    whole = content(size, sizes)
    left: list[Rect] = []
    if aside:
        width = round(whole.w * 0.29) if charts else whole.w
        column = Rect(whole.x, whole.y, width, whole.h)
        left = grid(column, 1, min(aside, 2), sizes)
        whole = Rect(column.right + sizes.gutter, whole.y, whole.w - width - sizes.gutter, whole.h)
    if charts == 0:
        return left, []
    columns = 1 if charts == 1 else 2
    return left, grid(whole, columns, min(-(-charts // columns), 3), sizes)[:charts]


def panel_page(
    size: tuple[int, int], sizes: Sizes, count: int, page: int
) -> tuple[list[Rect], int]:
    """The same in a small window: a grid of 2 x 2, and what does not fit on pages of its own.

    Returns:
        rectangles; the first chart shown.
    """
    pages = max(1, -(-count // PAGE_CHARTS))
    first = min(page, pages - 1) * PAGE_CHARTS
    shown = min(PAGE_CHARTS, count)
    columns = 1 if shown == 1 else 2
    rects = grid(content(size, sizes), columns, -(-shown // columns), sizes)
    return rects[: count - first], first


def distributions(
    size: tuple[int, int], sizes: Sizes, upper: int, lower: int, wide: int
) -> tuple[list[Rect], list[Rect]]:
    """The layout of distributions: lines above (47 % high, at most three), shapes below.

    Args:
        upper, lower: charts for each row.
        wide: which of the lower ones takes two thirds; -1 where none does.
    """
    whole = content(size, sizes)
    both = upper and lower
    height = round(whole.h * 0.47) if both else whole.h
    top = grid(Rect(whole.x, whole.y, whole.w, height), max(1, min(upper, 3)), 1, sizes)
    y = whole.y + (height + sizes.row_gap if both else 0)
    below = Rect(whole.x, y, whole.w, whole.bottom - y)
    lower = min(lower, 3)
    if lower == 2 and wide >= 0:
        thirds = grid(below, 3, 1, sizes)
        narrow = thirds[0]
        broad = Rect(thirds[1].x, below.y, below.right - thirds[1].x, below.h)
        if wide == 0:  # the broad one first
            broad.x, narrow = below.x, thirds[2]
        row = [broad, narrow] if wide == 0 else [narrow, broad]
    else:
        row = grid(below, max(1, lower), 1, sizes)
    return top[:upper], row[:lower]
