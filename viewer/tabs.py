"""The views a window has, from the charts that economies declare. Plain data, nothing is drawn.

The market is always the first, peers the last once there are some. Charts of one title and layout
make a view; where one title has a few lines and a few distributions they share a view, for that
layout has room for both.
"""

from typing import Final, NamedTuple

from protocol.observe import CHART_KINDS, Chart, Snapshot

LINES: Final = ("line", "band")
ASIDE: Final = ("table", "path", "matrix", "scatter")  # stand in a column of their own
GRID_MAX: Final = 6  # charts in the grid of the panels layout
ASIDE_MAX: Final = 2
ROW_MAX: Final = 3  # charts in each row of the distributions layout


class Tab(NamedTuple):
    """One of the views named in the header; `slot` is its layout."""

    title: str
    slot: str
    charts: tuple[Chart, ...]


def tabs(snapshot: Snapshot | None) -> list[Tab]:
    """All views, in the order in which they are numbered."""
    found: dict[tuple[str, str], list[Chart]] = {}
    market: list[Chart] = []
    for economy, charts in snapshot.economies.items() if snapshot else ():
        for chart in charts:
            if chart.kind not in CHART_KINDS:
                continue  # of a later version
            if chart.slot == "market":
                market.append(chart)
            elif chart.slot in ("panels", "distributions"):
                title = chart.view or economy
                key = title[:1].upper() + title[1:], chart.slot
                found.setdefault(key, []).append(chart)
    views = [Tab("Market", "market", tuple(market))]
    for title in dict.fromkeys(title for title, _ in found):
        panels = found.get((title, "panels"), [])
        shapes = found.get((title, "distributions"), [])
        if shapes and all(chart.kind in LINES for chart in panels) and len(panels) <= ROW_MAX:
            panels, shapes = [], panels + shapes
        pages = _pages(panels, "panels") + _pages(shapes, "distributions")
        for number, (slot, charts) in enumerate(pages):
            views.append(Tab(f"{title} {number + 1}" if number else title, slot, tuple(charts)))
    if snapshot and (snapshot.peers or any(node.why_apart for node in snapshot.nodes)):
        views.append(Tab("Peers", "peers", ()))
    return views


def _pages(charts: list[Chart], slot: str) -> list[tuple[str, list[Chart]]]:
    """As many views as it takes to show them all."""
    if slot == "panels":
        first = [chart for chart in charts if chart.kind in ASIDE]
        second = [chart for chart in charts if chart.kind not in ASIDE]
        most = ASIDE_MAX, GRID_MAX
    else:
        first = [chart for chart in charts if chart.kind in LINES]
        second = [chart for chart in charts if chart.kind not in LINES]
        most = ROW_MAX, ROW_MAX
    pages = []
    while first or second:
        pages.append((slot, first[: most[0]] + second[: most[1]]))
        first, second = first[most[0] :], second[most[1] :]
    return pages
