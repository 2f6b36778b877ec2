"""The live lines in the terminal, one a city; plain lines now and then where there is no terminal.

Called by `node` between windows; changes nothing.
"""

import sys
from typing import Any

import trio
from rich.cells import cell_len
from rich.console import Console
from rich.live import Live
from rich.table import Table

from city_node.cities.report import city_summary
from city_node.cities.world import World
from city_node.log import write_json
from city_node.pace import REAL_TIME_TICKS_PER_S, Pace
from engine.money import MINOR_PER_COIN

Column = tuple[str, list[str]]
"""Its heading, and a cell a city."""

LOCALS, TRADES = 3, 6
"""Places of columns that a narrow terminal goes without."""

LIVE_PERIOD_S = 0.25
PLAIN_FIRST_S, PLAIN_PERIOD_S = 1.0, 10.0


class Status:
    """What stands in the terminal while the node runs; a context manager, last shown at its end.

    Args:
        as_json: objects instead of lines, for machines.
    """

    def __init__(self, world: World, pace: Pace, *, as_json: bool = False) -> None:
        self._world, self._pace, self._as_json = world, pace, as_json
        self._shown_tick = -1
        self._console = Console(stderr=True)
        self._live: Live | None = None
        self._due_s = trio.current_time()

    def __enter__(self) -> "Status":
        if self._console.is_terminal and not self._as_json:
            self._live = Live(console=self._console, auto_refresh=False)
            self._live.start()
        else:
            self._due_s += PLAIN_FIRST_S
        return self

    def __exit__(self, *exception: object) -> None:
        if self._shown_tick != self._world.tick:
            self.show(self._world)
        if self._live:
            self._live.stop()

    def look(self, world: World) -> None:
        """Show each city, if it is time."""
        now_s = trio.current_time()
        if now_s >= self._due_s:
            self._due_s = now_s + (LIVE_PERIOD_S if self._live else PLAIN_PERIOD_S)
            self.show(world)

    def show(self, world: World) -> None:
        """Show each city now."""
        self._shown_tick = world.tick
        rows = [city_summary(world, city) for city in world.cities]
        if self._live:
            columns = fitting(world.tick, rows, rate(self._pace), self._console.width)
            self._live.update(table(columns), refresh=True)
        elif self._as_json:
            rate_ticks_per_s = round(self._pace.achieved_ticks_per_s(), 1)
            write_json({"tick": world.tick, "ticks_per_s": rate_ticks_per_s, "cities": rows})
        else:
            for row in rows:
                print(plain_line(world.tick, row, self._pace), file=sys.stderr, flush=True)


def table(columns: list[Column]) -> Table:
    """All cities, one row each."""
    shown = Table(box=None, pad_edge=False, header_style="dim")
    for place, (heading, _) in enumerate(columns):
        shown.add_column(heading, justify="right" if place else "left", no_wrap=True)
    for row in zip(*(cells for _, cells in columns), strict=True):
        shown.add_row(*row)
    return shown


def columns_of(tick: int, rows: list[dict[str, Any]], rate: str) -> list[Column]:
    """What there is to say of each city: seven columns, and one a good."""
    goods = dict.fromkeys(good for row in rows for good in row["prices"])
    found = [
        ("city", [row["name"] for row in rows]),
        ("tick", [f"{tick:,}"] * len(rows)),
        ("ticks/s", [rate] * len(rows)),
        ("locals", [f"{row['locals']:,}" for row in rows]),
        ("merchants", [f"{row['merchants']:,}" for row in rows]),
        ("money", [f"{row['money']['holdings'] / MINOR_PER_COIN:,.0f}" for row in rows]),
        ("trades", [f"{row['trades']:,}" for row in rows]),
    ]
    for good in goods:
        prices = [row["prices"].get(good) for row in rows]
        found.append((good, ["–" if price is None else f"{price:.2f}" for price in prices]))
    return found


def fitting(tick: int, rows: list[dict[str, Any]], rate: str, width: int) -> list[Column]:
    """The columns that fit side by side: figures cut short would say nothing. First how many times
    real time goes, then locals, trades and the last goods."""
    columns = columns_of(tick, rows, rate)
    if _width(columns) > width:
        columns = columns_of(tick, rows, rate.partition(" (")[0])
    kept = dict(enumerate(columns))
    for place in (LOCALS, TRADES, *reversed(range(TRADES + 1, len(columns)))):
        if _width(list(kept.values())) <= width:
            break
        del kept[place]
    return list(kept.values())


def _width(columns: list[Column]) -> int:
    """Characters, with two between columns."""
    widths = [max(cell_len(text) for text in (heading, *cells)) for heading, cells in columns]
    return sum(widths) + 2 * (len(widths) - 1)


def plain_line(tick: int, row: dict[str, Any], pace: Pace) -> str:
    """One city in one line."""
    prices = "  ".join(f"{good} {price:.2f}" for good, price in row["prices"].items())
    unit = "" if pace.paused else " ticks/s"
    return (
        f"{row['name']}  tick {tick:,}  {rate(pace)}{unit}  {row['locals']:,} locals  "
        f"{row['merchants']:,} merchants  money {row['money']['holdings'] / MINOR_PER_COIN:,.0f}  "
        f"trades {row['trades']:,}  {prices}"
    )


def rate(pace: Pace) -> str:
    """The rate achieved, and how many times real time that is."""
    if pace.paused:
        return "paused"
    achieved = pace.achieved_ticks_per_s()
    return f"{achieved:,.0f} ({achieved / REAL_TIME_TICKS_PER_S:,.0f} ×)"
