"""Learned and evolved agents in held-out macro cities, measured: the trials behind
docs/learning-macro.md.

Called by `tools.learning_macro`. Prints nothing.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from engine.macro import spaces
from engine.macro.environment import KINDS
from engine.macro.evolved import Evolution, evolving, lineages, pass_months
from engine.macro.laboratory import found_alone, random_policies, reality_run
from engine.macro.learned import TABLES, driven_by
from engine.macro.params import Behaviour
from engine.macro.rewards import rewards, standing
from engine.macro.state import Macro
from engine.macro.tally import TALLY
from engine.policy import Policy
from engine.reality.report import graded_run
from engine.reality.score import grade
from engine.reality.series import RUN_MONTHS
from engine.reality.targets import MACRO
from engine.tables import Array

RULE = "all by the rule"
DROPPED_MONTHS = 120
"""As the ruler drops them."""

BREEDING_MONTHS = 1_200
"""A century of generations, in another city of the same size, before the genes are those of the
founders of the city that is measured: there evolution goes on."""

BREEDING_SEED = 500_000
"""Added to the measured city's: nobody grades or calibrates there."""

Trial = Mapping[str, float]
"""Mean reward a month by kind, and every one of MEASURES."""

MEASURES = {
    "welfare": "welfare, log points",
    "score": "Reality Score",
    "unemployment": "unemployment, %",
    "inflation": "inflation, %",
    "output": "output, %",
    "failing": "firms failing a month, %",
}
"""What everybody has of it, and what it is called.

Welfare is the mean over households and months of 100 log consumption, real and with its trend taken
out: a point is a hundredth more of it for everybody. Output is told as 100 log a household.
"""


class Population(NamedTuple):
    """Who lives in a city.

    Attributes:
        policies: of `spaces.decide`; kinds without one live by their genes, else by the rule.
        evolved: kinds that live by genes.
    """

    policies: Mapping[str, spaces.Policy]
    evolved: tuple[str, ...] = ()


def populations(trained: Mapping[str, Policy], seed: int) -> dict[str, Population]:
    """By what the tables call them.

    Args:
        trained: networks by kind.
        seed: of those who act at random.
    """
    driven = driven_by(trained)
    random = np.random.default_rng([seed, 4])
    found = {RULE: Population({})}
    for kind in KINDS:
        table = TABLES[kind]
        found[f"{kind} at random"] = Population(random_policies(random, (table,)))
        found[f"{kind} evolved"] = Population({}, (kind,))
        found[f"{kind} trained"] = Population({table: driven[table]})
    found["all at random"] = Population(random_policies(random))
    found["all evolved"] = Population({}, KINDS)
    found["all trained"] = Population(driven)
    return found


def bred(seed: int, households: int, kinds: tuple[str, ...]) -> dict[str, Array]:
    """By kind, the genomes that evolution has led to in a city of its own."""
    macro, key = found_alone(Behaviour(), BREEDING_SEED + seed, households)
    state = evolving(macro, kinds, Evolution(), key)
    pass_months(state, key, BREEDING_MONTHS, {})
    return {kind: lineage.genomes for kind, lineage in lineages(state.heredity).items()}


def settled(macro: Macro, key: np.uint64, seed: int, population: Population) -> Any:
    """A city just founded, with its population: whoever evolves has genes bred elsewhere."""
    state = evolving(macro, population.evolved, Evolution(), key)
    if population.evolved:
        genomes = bred(seed, len(macro.households), population.evolved)
        for kind, lineage in lineages(state.heredity).items():
            lineage.genomes[:] = genomes[kind]
    return state


def trial(seed: int, households: int, population: Population) -> Trial:
    """One population in one city."""
    paid: list[dict[str, float]] = []
    states: list[Any] = []

    def advance(macro: Macro, key: np.uint64, months: int) -> Array:
        if not states:
            states.append(settled(macro, key, seed, population))
        series = np.empty((months, len(TALLY)))
        for month in range(months):
            before = standing(macro)
            series[month] = pass_months(states[0], key, 1, population.policies)[0]
            if macro.nation["month"][0] > DROPPED_MONTHS:
                paid.append({kind: _mean(of) for kind, of in rewards(before, macro).items()})
        courses.append(series)
        return series

    courses: list[Array] = []
    run = reality_run(seed, RUN_MONTHS, households=households, advance=advance)
    tally = np.concatenate(courses)[DROPPED_MONTHS:]
    column = {name: tally[:, number] for number, name in enumerate(TALLY)}
    force = column["unemployed"] + column["employment"]
    years = (len(tally) - 1) / 12.0
    firms = len(run.firm_employment[0])
    found = {kind: float(np.mean([month[kind] for month in paid])) for kind in KINDS}
    return found | {
        "welfare": 100.0 * found["household"],
        "score": 100.0 * grade(graded_run(seed, run).facts, MACRO).overall,
        "unemployment": float(100.0 * (column["unemployed"] / force).mean()),
        "inflation": float(
            100.0 * np.log(column["price_consumer"][-1] / column["price_consumer"][0]) / years
        ),
        "output": float(100.0 * np.log(column["output"] / households).mean()),
        "failing": float(100.0 * column["firms_failed"].mean() / firms),
    }


def _mean(rewards: Array) -> float:
    return float(rewards.mean(dtype=np.float64))
