"""The live lines in the terminal, one a city; plain lines now and then where there is no terminal.

Called by `node`; reads the world between windows, changes nothing.
"""

import sys

import trio
from rich.console import Console
from rich.live import Live
from rich.table import Table

from city_node.pace import REAL_TIME_TICKS_PER_S, Pace
from city_node.world import World, city_summary

LIVE_PERIOD_S = 0.25
PLAIN_PERIOD_S = 10.0


async def show_status(world: World, pace: Pace) -> None:
    """Show each city until cancelled, and once more then."""
    console = Console(stderr=True)
    if console.is_terminal:
        with Live(console=console, auto_refresh=False, transient=False) as live:
            try:
                while True:
                    live.update(table(world, pace), refresh=True)
                    await trio.sleep(LIVE_PERIOD_S)
            finally:
                live.update(table(world, pace), refresh=True)
    else:
        pause_s = 1.0
        try:
            while True:
                await trio.sleep(pause_s)
                print_lines(world, pace)
                pause_s = PLAIN_PERIOD_S
        finally:
            print_lines(world, pace)


def table(world: World, pace: Pace) -> Table:
    """All cities, one row each."""
    shown = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("city", "tick", "ticks/s", "locals", "merchants", "money", "trades"):
        shown.add_column(heading, justify="left" if heading == "city" else "right", no_wrap=True)
    rows = [city_summary(world, city) for city in world.cities]
    goods = list(dict.fromkeys(good for now in rows for good in now["prices"]))
    for good in goods:
        shown.add_column(good, justify="right", no_wrap=True)
    for now in rows:
        shown.add_row(
            now["name"],
            f"{world.tick:,}",
            rate(pace),
            f"{now['locals']:,}",
            f"{now['merchants']:,}",
            f"{now['money']['holdings'] / 1e8:,.0f}",
            f"{now['trades']:,}",
            *(f"{now['prices'].get(good, float('nan')):.2f}" for good in goods),
        )
    return shown


def print_lines(world: World, pace: Pace) -> None:
    """All cities, one plain line each, on stderr."""
    for city in world.cities:
        now = city_summary(world, city)
        prices = "  ".join(f"{good} {price:.2f}" for good, price in now["prices"].items())
        print(
            f"{now['name']}  tick {world.tick:,}  {rate(pace)} ticks/s  {now['locals']:,} locals  "
            f"{now['merchants']:,} merchants  money {now['money']['holdings'] / 1e8:,.0f}  "
            f"trades {now['trades']:,}  {prices}",
            file=sys.stderr,
            flush=True,
        )


def rate(pace: Pace) -> str:
    """The rate achieved, and how many times real time that is."""
    achieved = pace.achieved_ticks_per_s()
    return f"{achieved:,.0f} ({achieved / REAL_TIME_TICKS_PER_S:,.0f} ×)"
