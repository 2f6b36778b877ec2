"""`python -m tools.three_markets`: one city, one shock, three ways to trade; docs/markets.svg.

The same two hundred people, seed for seed, haggle, meet in a call auction every tick, or post in an
order book. They settle; then all of them come to value chairs half as much.
"""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal, get_args

import numpy as np
import typer
from rich.console import Console
from rich.progress import track

from city_node.kernel_cache import prepare

prepare()  # before anything imports numba

from city_node.cities.advance import advance  # noqa: E402
from city_node.cities.shocks import schedule  # noqa: E402
from city_node.cities.world import Event, World, found_world  # noqa: E402
from city_node.settings.config import resolve  # noqa: E402
from city_node.settings.wishes import Wishes  # noqa: E402
from engine.measures import price_dispersion  # noqa: E402
from tools.svg import Line, Panel, line_chart  # noqa: E402

CITY, GOOD, RESIDENTS = "Seaside", "chair", 200
SEED = 5
SHOCK_TICK, END_TICK, EVERY_TICKS = 60_000, 64_000, 10
SHOWN_FROM = 56_000
Market = Literal["haggle", "call", "book"]
NAMES = {"haggle": "haggling", "call": "call auction", "book": "order book"}


def main(
    path: Annotated[Path, typer.Argument(help="Where the picture goes.")] = Path(
        "docs/markets.svg"
    ),
) -> None:
    """Draw one shock under three market mechanisms."""
    console = Console()
    panels = []
    for market in track(get_args(Market), "three cities", console=console):
        ticks, prices, trades = history(market)
        mean = prices.mean(axis=1)
        low, high = np.quantile(prices, (0.1, 0.9), axis=1)
        apart = np.mean([price_dispersion(row) for row in prices])
        title = f"{NAMES[market]}: {trades:,} trades, prices {apart:.0%} apart"
        panels.append(Panel(title, [Line(GOOD, GOOD, ticks, mean, low, high)]))
        console.print(title)
    title = "A chair, when everybody comes to value it half as much: coins expected"
    path.write_text(line_chart(title, panels, "tick", [(SHOCK_TICK, "the shock")]), "utf-8")
    console.print(f"wrote {path}")


def city_by(market: Market) -> World:
    """The city, all of its goods traded in one way, and the shock to come."""
    wishes = Wishes(cities=(CITY,), seed=SEED, locals=RESIDENTS, merchants=0)
    config = resolve(wishes)
    goods = {
        name: dataclasses.replace(good, market=market)
        for name, good in config.cities[0].goods.items()
    }
    cities = (dataclasses.replace(config.cities[0], goods=goods),)
    world = found_world(dataclasses.replace(config, cities=cities))
    arguments = {"good": GOOD, "factor": 0.5, "share": 1.0}
    schedule(world, Event(SHOCK_TICK, CITY, "change_values", arguments))
    return world


def history(market: Market) -> tuple[np.ndarray, np.ndarray, int]:
    """Ticks; what each resident expects of a chair then; units of all goods traded meanwhile."""
    world = city_by(market)
    advance(world, SHOWN_FROM)
    state = world.cities[0].state
    column = world.goods.index(GOOD)
    before = world.cities[0].economy.trades(state)
    ticks = np.arange(SHOWN_FROM, END_TICK, EVERY_TICKS, dtype=np.float64)
    rows = []
    for _ in ticks:
        state = world.cities[0].state
        rows.append(state.residents.expected_price[:, column].copy())
        advance(world, EVERY_TICKS)
    trades = world.cities[0].economy.trades(world.cities[0].state) - before
    return ticks, np.array(rows), trades


if __name__ == "__main__":
    typer.run(main)
