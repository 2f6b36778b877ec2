"""Evolving merchants: agent-steps a second with 10,000 merchants a city, on one core.

The two cities of the bazaar's benchmark with half as many merchants as locals, once with genes and
lives (every merchant of other genes, foundings and retirements on), once as the tutorial has them,
in turns, so that both see the same machine.
"""

from collections.abc import Callable

import numpy as np

from city_node.cities.advance import advance
from city_node.cities.world import World, found_world
from city_node.settings.config import resolve
from city_node.settings.wishes import Wishes
from tools.bench.machine import core_seconds
from tools.bench.results import Result, Row, row_of

LOCALS, MERCHANTS = 20_000, 10_000
SETTLING_TICKS, TICKS, REPETITIONS = 2_000, 200, 7
FLOOR = 10e6

EXPECTED = """
An act of a merchant reads his genes, 80 bytes in two cache lines, and makes some ten divisions,
40 ns on top of about 300; his money, goods and acts as a ruined man are read for the rules of
life. Merchants are a third of the agents, so that an agent-step should take some 5 % longer, and
something more or less because merchants of other genes trade and travel otherwise.
"""


def measure(tell: Callable[[str, float], None]) -> Result:
    """Both kinds in turns; `tell` hears what is being done and what share of it is."""
    worlds = {}
    for kind in (True, False):
        tell("evolving" if kind else "neutral", 0.2 if kind else 0.4)
        worlds[kind] = two_cities(evolving=kind)
        advance(worlds[kind], SETTLING_TICKS)
    rates: dict[bool, list[float]] = {True: [], False: []}
    for repetition in range(REPETITIONS):
        tell(f"round {repetition + 1}", 0.5 + 0.5 * repetition / REPETITIONS)
        for kind, world in worlds.items():
            rates[kind].append(rate(world))
    evolving = row_of(
        f"{MERCHANTS:,} merchants a city, evolving", rates[True], "agent-steps/s", floor=FLOOR
    )
    neutral = row_of(f"{MERCHANTS:,} merchants a city, neutral", rates[False], "agent-steps/s")
    ratios = [a / b for a, b in zip(rates[False], rates[True], strict=True)]
    slower = row_of(
        "an agent-step with genes and lives, against one without",
        ratios,
        "times as long",
        more_is_better=False,
    )
    rows: tuple[Row, ...] = (evolving, neutral, slower)
    found = (
        f"Genes and lives make an agent-step take {100 * float(np.median(ratios)) - 100:+.0f} %."
    )
    return Result("Evolution", EXPECTED, rows, found)


def two_cities(*, evolving: bool) -> World:
    """Two cities; the evolving one's merchants have genes of every kind."""
    world = found_world(
        resolve(
            Wishes(
                cities=("Riverwood", "Seaside"),
                seed=1,
                locals=LOCALS,
                merchants=MERCHANTS,
                evolution=evolving,
            )
        )
    )
    if evolving:
        random = np.random.default_rng(1)
        for city in world.cities:
            rows = city.town.roster.rows
            rows.genome[:] = random.uniform(0.3, 0.7, rows.genome.shape)
    return world


def rate(world: World) -> float:
    """Agent-steps a second of so many ticks; merchants under way do not count."""
    present = sum(int(city.town.roster.size[0]) for city in world.cities)
    began = core_seconds()
    advance(world, TICKS)
    spent = core_seconds() - began
    present += sum(int(city.town.roster.size[0]) for city in world.cities)
    return (LOCALS * len(world.cities) + present / 2) * TICKS / spent
