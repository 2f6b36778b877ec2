"""What evolution does, measured: the trials behind docs/evolution.md and some of the tests.

Called by `tools.evolution`. Every function runs worlds to their end and returns numbers; none
prints.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from city_node.cities.advance import advance, close_window, open_window, run_job
from city_node.cities.world import World, found_world
from city_node.laboratory.evolve import CITIES, LOCALS, live, wealth
from city_node.settings.config import Config, resolve
from city_node.settings.wishes import Wishes
from engine.measures import gini
from engine.money import MINOR_PER_COIN
from engine.tables import Array
from merchants.genome import NAMES, NEUTRAL, NUMBER
from merchants.roster import Roster

MERCHANTS = 24
"""A city: even, so that half of them can be neutral."""

HELD_OUT = 1_000_000
"""Seeds from here on belong to no laboratory: its own are 63-bit digests."""


def held_out(seeds: int) -> range:
    """Seeds of worlds in which nobody has evolved."""
    return range(HELD_OUT, HELD_OUT + seeds)


# --- evolved against neutral ---------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """One world at its end; coins.

    Attributes:
        gained: [merchants], wealth at the end less wealth when they got their genes.
        wealth: [merchants], at the end.
        evolved: bool[merchants].
        locals_money: mean of the residents.
        prices: [cities, goods], NaN for leisure.
        trades: units sold.
    """

    gained: Array
    wealth: Array
    evolved: Array
    locals_money: float
    prices: Array
    trades: int

    def gain(self, evolved: bool) -> float:
        """Mean gain of one half, or of all where there is one kind only."""
        return float(self.gained[self.evolved == evolved].mean())

    def gap(self) -> float:
        """Highest less lowest price among cities over their mean, averaged over goods."""
        known = self.prices[:, ~np.isnan(self.prices[0])]
        return float(((known.max(axis=0) - known.min(axis=0)) / known.mean(axis=0)).mean())

    def poor(self, evolved: bool) -> float:
        """Share of one kind who have less than half of the thousand coins they began life with."""
        return float((self.wealth[self.evolved == evolved] < 500.0).mean())

    def gini(self) -> float:
        """Of the merchants' wealth."""
        return gini(self.wealth)


def islands(merchants: int = MERCHANTS, locals_: int = LOCALS) -> Config:
    """The laboratory's four cities, without foundings and retirements."""
    wishes = Wishes(cities=CITIES, seed=0, locals=locals_, merchants=merchants, evolution=False)
    return resolve(wishes)


def trial(config: Config, seed: int, best: Array, share: str, ticks: int) -> Outcome:
    """One world, in which none, every second or all of the merchants are evolved.

    Args:
        best: float64[genomes, traits], dealt out in turn.
        share: "neutral", "mixed" or "evolved".
    """
    count = sum(city.merchants for city in config.cities)
    dealt = best[(np.arange(count) // 2) % len(best)]
    row = np.arange(count)
    # Which half of a city begins with the even numbers changes from city to city and seed to seed.
    second = (row + row // MERCHANTS + seed) % 2 == 1
    evolved = {"neutral": second & False, "mixed": second, "evolved": second | True}[share]
    population = np.where(evolved[:, None], dealt, NEUTRAL)
    lives = live(config, seed, population, ticks)
    states = [(city.economy, city.state) for city in lives.world.cities]
    money_minor = sum(economy.holdings_minor(state) for economy, state in states)
    residents = sum(economy.residents(state) for economy, state in states)
    return Outcome(
        gained=lives.gained,
        wealth=lives.wealth,
        evolved=evolved[lives.number],
        locals_money=money_minor / residents / MINOR_PER_COIN,
        prices=np.array([economy.prices(state) for economy, state in states]),
        trades=sum(economy.trades(state) for economy, state in states),
    )


# --- lives in a running node ----------------------------------------------------------------


@dataclass(frozen=True)
class Lived:
    """Two cities after some time, as a node has them unless it is told otherwise.

    Attributes:
        founded, retired, present: merchants in both cities.
        generation: mean of those present.
        richest: coins of the richest merchant.
        locals_money: mean of the residents, coins.
    """

    founded: int
    retired: int
    present: int
    generation: float
    richest: float
    locals_money: float


def lived(seed: int, ticks: int, **rules: Any) -> Lived:
    """A default node's two cities, whose merchants' rules differ as given."""
    config = resolve(Wishes(cities=CITIES[:2], seed=seed))
    cities = tuple(
        replace(city, merchant_rules=replace(city.merchant_rules, **rules))
        for city in config.cities
    )
    world = found_world(replace(config, cities=cities))
    advance(world, ticks)
    rosters = [world.walking, *(city.town.roster for city in world.cities)]
    live = [(roster.rows, int(roster.size[0])) for roster in rosters]
    money = np.concatenate([rows.money_minor[:size] for rows, size in live]) / MINOR_PER_COIN
    generations = np.concatenate([rows.generation[:size] for rows, size in live])
    residents = sum(city.economy.residents(city.state) for city in world.cities)
    residents_minor = sum(city.economy.holdings_minor(city.state) for city in world.cities)
    return Lived(
        founded=sum(int(city.town.lives.founded[0]) for city in world.cities),
        retired=sum(int(city.town.lives.retired[0]) for city in world.cities),
        present=len(money),
        generation=float(generations.mean()) if len(money) else 0.0,
        richest=float(money.max()) if len(money) else 0.0,
        locals_money=residents_minor / residents / MINOR_PER_COIN,
    )


# --- each trait ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Conduct:
    """How merchants of one nature behave in two cities; means over ticks and merchants.

    Attributes:
        departures: from both cities.
        load: units carried at a departure.
        changes: of trade.
        ask: asking price over what its owner expects there, median.
        distance: of what merchants expect here from the residents' mean, as a share of it.
        drift: of what merchants expect here between two looks, as a share of it.
        full: share of merchants in town who are fully loaded.
        trades: units sold.
        gained: coins.
    """

    departures: float
    load: float
    changes: float
    ask: float
    distance: float
    drift: float
    full: float
    trades: float
    gained: float


LOOK_TICKS = 10


def conduct(trait: str, gene: float, seed: int, ticks: int = 3_000) -> Conduct:
    """Two cities whose merchants are neutral but for one trait."""
    genome = [NEUTRAL] * len(NAMES)
    genome[NUMBER[trait]] = gene
    wishes = Wishes(
        cities=("Riverwood", "Seaside"), seed=seed, locals=60, merchants=30, evolution=False
    )
    config = resolve(wishes)
    cities = tuple(replace(city, genomes=(tuple(genome),)) for city in config.cities)
    world = found_world(replace(config, cities=cities))
    looks = list(_looks(world, ticks))
    gained = np.concatenate(
        [
            wealth(world, roster.rows, int(roster.size[0])) - 1000.0
            for roster in [world.walking, *(city.town.roster for city in world.cities)]
        ]
    )
    departures = sum(look["departures"] for look in looks)
    return Conduct(
        departures=departures,
        load=sum(look["load"] for look in looks) / max(1, departures),
        changes=sum(look["changes"] for look in looks),
        ask=_median([ratio for look in looks for ratio in look["asks"]]),
        distance=float(np.nanmean([look["distance"] for look in looks])),
        drift=float(np.nanmean([look["drift"] for look in looks])),
        full=float(np.nanmean([look["full"] for look in looks])),
        trades=float(sum(city.economy.trades(city.state) for city in world.cities)),
        gained=float(gained.mean()),
    )


def mean_conduct(trait: str, gene: float, seeds: Sequence[int]) -> Conduct:
    """The mean over worlds."""
    seen = [conduct(trait, gene, seed) for seed in seeds]
    return Conduct(
        **{name: float(np.mean([getattr(one, name) for one in seen])) for name in vars(seen[0])}
    )


def _looks(world: World, ticks: int) -> Iterator[dict]:
    """What is seen of each city at each look."""
    before: dict[tuple[int, int, int], tuple[int, Array]] = {}
    while world.tick < ticks:
        jobs = open_window(world, LOOK_TICKS)
        for job in jobs:
            run_job(job)
        for job in jobs:
            town, city = job.city.town, job.city
            left = int(town.departures.size[0])
            seen = _look(town.roster, city.here, city.economy.prices(city.state), before)
            load = int(town.departures.rows.owned[:left].sum())
            yield seen | {"departures": left, "load": load}
        close_window(world, jobs)


def _look(roster: Roster, here: int, prices: Array, before: dict) -> dict:
    size = int(roster.size[0])
    rows = roster.rows
    row = np.arange(size)
    expected = rows.expected_price[:size, :, here]
    open_ = np.isfinite(rows.ask[:size])
    changes, drifts = 0, []
    for one in range(size):
        who = (int(rows.birthplace[one]), int(rows.number[one]), here)
        if who in before:
            good, then = before[who]
            changes += good != rows.good[one]
            drifts.append(_mean(np.abs(expected[one] - then) / prices))
        before[who] = (int(rows.good[one]), expected[one].copy())
    return {
        "changes": changes,
        "asks": rows.ask[:size][open_] / expected[row, rows.good[:size]][open_],
        "distance": _mean(np.abs(expected - prices) / prices),
        "drift": _mean(np.array(drifts)),
        "full": _mean((rows.owned[:size] == rows.capacity[:size]).astype(float)),
    }


def _mean(values: Array) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def _median(values: Sequence[float]) -> float:
    return float(np.median(values)) if len(values) else float("nan")


EFFECTS: dict[str, tuple[str, Callable[[Conduct], float], float]] = {
    "risk": ("load at a departure, units", lambda seen: seen.load, 3.0),
    "patience": ("departures", lambda seen: seen.departures, 0.8),
    "curiosity": ("departures", lambda seen: seen.departures, 4.0),
    "gossip": ("drift of beliefs between looks", lambda seen: seen.drift, 2.0),
    "margin": ("load at a departure, units", lambda seen: seen.load, 0.75),
    "loyalty": ("changes of trade", lambda seen: seen.changes, 0.75),
    "asking_price": ("asking price over belief", lambda seen: seen.ask, 1.8),
    "fullness": ("load at a departure, units", lambda seen: seen.load, 2.0),
    "eagerness": ("load at a departure, units", lambda seen: seen.load, 4.0),
    "birthmark": ("departures", lambda seen: seen.departures, 1.0),
}
"""By trait: what changes, and by which factor at least (at most, below 1) from a gene of 0.05 to
one of 0.95; exactly 1 for the one that does nothing."""
