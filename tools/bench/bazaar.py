"""The bazaar and its merchants: agent-steps a second on one core, as the node calls the kernel.

Two cities joined by a road, as `city-node Riverwood Seaside` founds them, advanced in windows of a
hundred ticks by `city_node.cities.advance`. An agent-step is one resident, or one merchant in town,
in one tick, whether he acts or not (one in ten does). Time is what this thread had a core for.

A town needs some 100,000 ticks to leave its first years behind, which a large one would take hours
for. So a town of a thousand is settled, and the larger ones are founded as copies of its people.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from city_node.cities.advance import advance, close_window, open_window, run_job
from city_node.cities.world import World, found_world, merchants_minor
from city_node.settings.config import resolve
from city_node.settings.wishes import Wishes
from engine.tables import Array
from tools.bench.machine import core_seconds
from tools.bench.results import Peer, Result, Row, figure, row_of
from tools.svg import Line, Panel, line_chart

CITIES = ("Riverwood", "Seaside")
SEED = 1
WINDOW_TICKS = 100

SETTLING_TICKS = 100_000
NURSERY_LOCALS = 1_000


@dataclass(frozen=True)
class Size:
    """How one size is measured: repetitions of so many ticks."""

    locals: int
    ticks: int
    repetitions: int


SIZES = (
    Size(20, 100_000, 9),
    Size(1_000, 10_000, 9),
    Size(10_000, 1_000, 9),
    Size(100_000, 200, 5),
    Size(1_000_000, 100, 3),
)

QUOTED = "quoted"
PEERS = {
    20: (Peer("tutorial's Go engine, 10 + 5", 1.21e6, QUOTED),),
    1_000: (
        Peer("tutorial's Go engine, 1,000 + 500", 19.5e3, QUOTED),
        Peer("Mesa 3.3", 2.7e6, QUOTED),
        Peer("agentpy", 0.4e6, QUOTED),
        Peer("mesa-frames", 119e6, QUOTED),
        Peer("our prototype without merchants", 30.7e6, QUOTED),
    ),
    10_000: (Peer("our prototype without merchants", 31.7e6, QUOTED),),
    100_000: (Peer("our prototype without merchants", 21e6, QUOTED),),
    1_000_000: (Peer("our prototype without merchants", 15.7e6, QUOTED),),
}
GOALS = {20: 30e6, 1_000: 30e6, 10_000: 30e6, 1_000_000: 15e6}
FLOORS = {1_000: 15e6, 10_000: 15e6}
SLOWER_MOST = 2.5

GO = ((15, 1.21e6), (150, 122e3), (1_500, 19.5e3))
"""The tutorial's engine: agents, agent-steps a second. Every agent asks every other."""

EXPECTED = """
An agent who does not act costs two mixings of his random number, some 2.5 ns, and no memory. One
who acts reads and writes his row, 138 bytes in six arrays, about eight cache lines; decides by
some twenty values V, each with a division (4 goods bought and sold, 5 things to do, offers
renewed), about 120 ns; draws 15 random numbers, 20 ns; corrects up to four offers in the rows of
sellers; and now and then buys, which touches another's row. Say 250 ns while all of it lies in the
second cache: with one in ten acting, 2.5 + 25 ns an agent-step, 36 M/s. Of a million locals
nothing lies in any cache: about ten lines an act come from memory, and half of them (offers,
sellers) wait for each other, some 400 ns; 2.5 + 25 + 40 ns, 15 M/s. At 20 locals what Python does
around a window of a hundred ticks (0.15 ms for 6,000 agent-steps) costs as much again as the
kernel.

Quoted: one run each on two shared cores of a Zen 5 EPYC, before this was written. The tutorial's
engine runs the same rules; in the others a step is a trivial wealth model's, at their best.
"""


class TimedEconomy:
    """An economy whose kernel calls are timed, everything else being its own."""

    def __init__(self, economy: Any) -> None:
        self._economy = economy
        self.seconds = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._economy, name)

    def advance(self, *arguments: Any) -> Any:
        """The economy's own."""
        began = core_seconds()
        state = self._economy.advance(*arguments)
        self.seconds += core_seconds() - began
        return state


def measure(tell: Callable[[str, float], None]) -> Result:
    """All sizes; `tell` hears what is being done and what share of it is."""
    tell(f"settling a town of {NURSERY_LOCALS:,}", 0.0)
    nursery = two_towns(NURSERY_LOCALS)
    advance(nursery, SETTLING_TICKS)
    rows, rates, sizes_bytes = [], {}, {}
    for number, size in enumerate(SIZES):
        tell(f"{size.locals:,} locals", (number + 1) / (len(SIZES) + 1))
        world = settled(size.locals, nursery)
        sizes_bytes[size.locals] = bytes_a_local(world)
        whole, kernel = speeds(world, size)
        row = speed_row(size, whole, kernel)
        rows.append(row)
        rates[size.locals] = row.ours
        del world
    slower = max(rates[1_000], rates[10_000]) / rates[1_000_000]
    rows.append(
        Row(
            "an agent-step among a million, against the best of 1,000 and 10,000",
            slower,
            slower,
            slower,
            "times as long",
            more_is_better=False,
            floor=SLOWER_MOST,
        )
    )
    return Result(
        "Bazaar and merchants",
        EXPECTED,
        tuple(rows),
        found(rates, sizes_bytes[1_000_000]),
        picture(rates),
    )


def two_towns(locals_: int) -> World:
    """Two cities joined by a road, with half as many merchants as locals, at tick 0."""
    wishes = Wishes(cities=CITIES, seed=SEED, locals=locals_, merchants=locals_ // 2)
    return found_world(resolve(wishes))


def settled(locals_: int, nursery: World) -> World:
    """Two towns in their stride: settled themselves if small, else copies of settled people."""
    world = two_towns(locals_)
    if locals_ < NURSERY_LOCALS:
        advance(world, SETTLING_TICKS)
        return world
    for city, pattern in zip(world.cities, nursery.cities, strict=True):
        for new, old in zip(city.state.residents, pattern.state.residents, strict=True):
            _repeat(new, old)
        city.state.residents.place[:] = -1
        city.state.books.shocked[:] = 1  # the first tick puts everybody's offers into the rows
        ours, theirs = city.town.roster.rows, pattern.town.roster.rows
        size = int(pattern.town.roster.size[0])
        for name in ("money_minor", "good", "owned", "expected_price"):
            _repeat(getattr(ours, name), getattr(theirs, name)[:size])
        city.ledger.initial_minor = city.economy.holdings_minor(city.state)
        city.ledger.initial_minor += merchants_minor(city.town)
    advance(world, WINDOW_TICKS)
    return world


def _repeat(new: Array, old: Array) -> None:
    new[:] = old[np.arange(len(new)) % len(old)]


def speeds(world: World, size: Size) -> tuple[list[float], list[float]]:
    """Agent-steps a second of each repetition: as the node runs it, and of the kernel alone."""
    timed = [TimedEconomy(city.economy) for city in world.cities]
    for city, economy in zip(world.cities, timed, strict=True):
        city.economy = economy
    whole, kernel = [], []
    for _ in range(size.repetitions):
        steps, before = 0, sum(economy.seconds for economy in timed)
        began = core_seconds()
        for _ in range(size.ticks // WINDOW_TICKS):
            jobs = open_window(world, WINDOW_TICKS)
            for job in jobs:
                run_job(job)
            close_window(world, jobs)
            for city in world.cities:
                steps += WINDOW_TICKS * (size.locals + int(city.town.roster.size[0]))
        whole.append(steps / (core_seconds() - began))
        kernel.append(steps / (sum(economy.seconds for economy in timed) - before))
    return whole, kernel


def speed_row(size: Size, whole: list[float], kernel: list[float]) -> Row:
    """One size's row."""
    row = row_of(
        f"{size.locals:,} locals, {size.locals // 2:,} merchants a city",
        whole,
        "agent-steps/s",
        peers=PEERS.get(size.locals, ()),
        goal=GOALS.get(size.locals),
        floor=FLOORS.get(size.locals),
    )
    alone = float(np.median(kernel))
    ticks_per_s = row.ours / (1.5 * size.locals)
    note = (
        f"the kernel alone {alone / 1e6:.1f} M; one such city makes {ticks_per_s:,.0f} ticks/s "
        f"on a core, {figure(ticks_per_s / 60)} × (60 ticks/s being 1 ×)"
    )
    return Row(**{**vars(row), "note": note})


def bytes_a_local(world: World) -> dict[str, float]:
    """Bytes of memory: a local's row, his places in the rows of sellers, a merchant."""
    city = world.cities[0]
    state, roster = city.state, city.town.roster
    residents = len(state.residents.money_minor)
    return {
        "local": sum(array.nbytes for array in state.residents) / residents,
        "seller": (state.rows.ask.nbytes + state.rows.seller.nbytes) / state.rows.ask.shape[1],
        "merchant": sum(array.nbytes for array in roster.rows) / len(roster.rows.number),
    }


def found(rates: dict[int, float], size: dict[str, float]) -> str:
    """What the figures say."""
    whole = size["local"] + 1.5 * size["seller"] + 0.5 * size["merchant"]
    small, large = max(rates[1_000], rates[10_000]), rates[1_000_000]
    return (
        f"A local takes {size['local']:.0f} bytes, a place in the rows of sellers "
        f"{size['seller']:.0f} (all goods), a merchant {size['merchant']:.0f}: {whole:.0f} bytes "
        "a local with half a merchant, in a process of two cities. An agent-step takes "
        f"{1e9 / small:.0f} ns while a town fits the caches and {1e9 / large:.0f} ns among a "
        f"million, {small / large:.1f} times as long; expected were 28 and 68 ns."
    )


def picture(rates: dict[int, float]) -> str:
    """Ours, the tutorial's engine and the goal, over the number of agents."""
    agents = np.array([1.5 * count for count in rates])
    ours = Line("ours", "bed", agents, np.array(list(rates.values())))
    go = Line("Go", "chair", *np.array(GO).T)
    goal = Line("goal", "iron", agents[[0, 2]], np.array([30e6, 30e6]))
    panel = Panel("agent-steps a second, one core", (ours, go, goal), log=True)
    return line_chart("One bazaar, from a hamlet to a million", [panel], "agents in a city")
