"""Learned merchants in held-out cities, measured: the trials behind docs/learning.md.

Called by `tools.learning`. A seed is one settled world; every population begins from a copy of it
with the same chances, so that whatever differs later is the populations' doing. Prints nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from city_node.cities.advance import advance
from city_node.cities.world import World, found_world
from city_node.laboratory.evolve import SETTLING_TICKS, wealth
from city_node.laboratory.merchant_lessons import copied
from city_node.settings.config import Config
from engine.policy import Policy
from engine.tables import Array
from merchants.mind import is_driven, minds_of
from merchants.roster import Merchants

LOOKS = 10
"""Looks at everybody's wealth while a trial runs."""


@dataclass(frozen=True)
class Population:
    """Who lives in the cities of a trial.

    Attributes:
        share: of merchants whom the network drives, drawn by id.
        evolved: whether the others have the evolved genes; else neutral ones: the rule.
    """

    name: str
    share: float
    evolved: bool


POPULATIONS = (
    Population("all by the rule", 0.0, False),
    Population("all evolved", 0.0, True),
    Population("a quarter learned", 0.25, False),
    Population("half learned", 0.5, False),
    Population("learned and evolved", 0.5, True),
    Population("all learned", 1.0, False),
)


@dataclass(frozen=True)
class Trial:
    """One population in one world; a row a merchant, sorted by id, coins.

    Attributes:
        driven: bool[merchants]: whom the network drives.
        wealth: float64[LOOKS + 1, merchants]: money, and goods at residents' mean price.
        prices: float64[cities, goods], at the end, NaN for leisure.
        locals_money: mean of the residents, at the end.
        trades: units sold, since the founding.
    """

    driven: Array
    wealth: Array
    prices: Array
    locals_money: float
    trades: int

    @property
    def gained(self) -> Array:
        """float64[merchants]: wealth at the end less at the start."""
        return self.wealth[-1] - self.wealth[0]

    def gap(self) -> float:
        """Highest less lowest price among cities over their mean, averaged over goods."""
        known = self.prices[:, ~np.isnan(self.prices[0])]
        return float(((known.max(axis=0) - known.min(axis=0)) / known.mean(axis=0)).mean())


def trials(config: Config, seed: int, policy: Policy, best: Array, ticks: int) -> list[Trial]:
    """All populations in one world.

    Args:
        config: the cities.
        seed: of the world.
        policy: the network.
        best: float64[genomes, traits], the evolved genes, dealt out in turn.
        ticks: how long they live after the cities have settled under neutral merchants.
    """
    settled = found_world(replace(config, seed=seed))
    advance(settled, SETTLING_TICKS)
    return [trial(copied(settled), each, policy, best, ticks) for each in POPULATIONS]


def trial(world: World, population: Population, policy: Policy, best: Array, ticks: int) -> Trial:
    """One population, given to the merchants of a settled world."""
    for rows, size in _rosters(world):
        if population.evolved:
            rows.genome[:size] = best[rows.number[:size] % len(best)]
    for city in world.cities:
        if population.share > 0.0:
            city.town.rules = city.town.rules._replace(learned_share=population.share)
            city.town.minds = minds_of(policy)
    who, first = _wealth(world)
    looks = [first]
    for _ in range(LOOKS):
        advance(world, ticks // LOOKS)
        looks.append(_wealth(world)[1])
    states = [(city.economy, city.state) for city in world.cities]
    residents = sum(economy.residents(state) for economy, state in states)
    money_minor = sum(economy.holdings_minor(state) for economy, state in states)
    return Trial(
        np.array([is_driven(place, number, population.share) for place, number in who]),
        np.array(looks),
        np.array([economy.prices(state) for economy, state in states]),
        money_minor / residents / 1e8,
        sum(economy.trades(state) for economy, state in states),
    )


def _rosters(world: World) -> Iterator[tuple[Merchants, int]]:
    for roster in [world.walking, *(city.town.roster for city in world.cities)]:
        yield roster.rows, int(roster.size[0])


def _wealth(world: World) -> tuple[list[tuple[int, int]], Array]:
    """The merchants' ids, sorted, and their wealth in coins."""
    found: dict[tuple[int, int], float] = {}
    for rows, size in _rosters(world):
        ids = zip(rows.birthplace[:size].tolist(), rows.number[:size].tolist(), strict=True)
        found.update(zip(ids, wealth(world, rows, size).tolist(), strict=True))
    who = sorted(found)
    return who, np.array([found[each] for each in who])
