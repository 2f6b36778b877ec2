"""Learned agents in held-out macro cities, measured: the trials behind docs/learning-macro.md.

Called by `tools.learning_macro`. Prints nothing.
"""

from collections.abc import Mapping

import numpy as np

from engine.macro import spaces
from engine.macro.environment import KINDS
from engine.macro.laboratory import advance_alone, random_policies, reality_run
from engine.macro.learned import TABLES, driven_by
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


def populations(trained: Mapping[str, Policy], seed: int) -> dict[str, dict[str, spaces.Policy]]:
    """Policies of `spaces.decide` by who lives in the cities; who has none lives by the rule.

    Args:
        trained: networks by kind.
        seed: of those who act at random.
    """
    driven = driven_by(trained)
    random = np.random.default_rng([seed, 4])
    found: dict[str, dict[str, spaces.Policy]] = {RULE: {}}
    for kind in KINDS:
        table = TABLES[kind]
        found[f"{kind} at random"] = random_policies(random, (table,))
        found[f"{kind} trained"] = {table: driven[table]}
    found["all at random"] = random_policies(random)
    found["all trained"] = driven
    return found


def trial(seed: int, households: int, policies: Mapping[str, spaces.Policy]) -> Trial:
    """One population in one city."""
    paid: list[dict[str, float]] = []

    def advance(macro: Macro, key: np.uint64, months: int) -> Array:
        series = np.empty((months, len(TALLY)))
        for month in range(months):
            before = standing(macro)
            series[month] = advance_alone(macro, key, 1, policies)[0]
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
