"""The score: from facts to credits, categories and one figure, exactly as the rules are written.

    credit     1 within one tolerance of the target, falling linearly to 0 at three; a band earns 1
               inside and 0 from two tolerances beyond it; what cannot be computed earns 0
    row        the mean of its values' credits
    category   the mean of its rows' credits, at least 1 %
    a run      the geometric mean of its categories: a plain mean lets noise reach 63 %
    an economy the mean of its runs, each graded alone, as windows of real data are

Pure functions; knows no economy.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.reality.targets import Row, Value
from engine.tables import Array

FLOOR = 0.01
"""The least a category counts for, lest one zero ends everything."""

BOOTSTRAPS = 2000
CONFIDENCE = 0.95

Facts = Mapping[str, float]


@dataclass(frozen=True)
class Grade:
    """Of one set of facts, all 0 to 1.

    Attributes:
        credits: of every row's number.
        categories: in the order of the table, not floored.
        overall: geometric mean of the floored categories.
    """

    credits: dict[int, float]
    categories: dict[str, float]
    overall: float


@dataclass(frozen=True)
class Estimate:
    """A mean over runs, and the bounds of its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float


def credit(value: Value, measured: float) -> float:
    """0 to 1, of one number; 0 where it is not finite."""
    if not math.isfinite(measured):
        return 0.0
    is_band = math.isfinite(value.low)
    low = value.low if is_band else value.target - value.tolerance
    high = value.high if is_band else value.target + value.tolerance
    beyond = max(low - measured, measured - high, 0.0)
    return max(0.0, 1.0 - beyond / (2.0 * value.tolerance))


def row_credit(row: Row, facts: Facts) -> float:
    """The mean credit of a row's values; 0 for a value that the facts lack."""
    earned = [credit(value, facts.get(value.fact, math.nan)) for value in row.values]
    return sum(earned) / len(earned)


def grade(facts: Facts, rows: Sequence[Row]) -> Grade:
    """One run, or statistics averaged over runs, by the graded rows among `rows`."""
    graded = [row for row in rows if row.graded]
    credits = {row.number: row_credit(row, facts) for row in graded}
    members: dict[str, list[float]] = {}
    for row in graded:
        members.setdefault(row.category, []).append(credits[row.number])
    categories = {name: sum(earned) / len(earned) for name, earned in members.items()}
    return Grade(credits, categories, geometric_mean(categories.values()))


def geometric_mean(categories: Iterable[float]) -> float:
    """Of the categories, each at least 1 %."""
    floored = [max(FLOOR, each) for each in categories]
    return math.exp(sum(map(math.log, floored)) / len(floored))


def averaged(runs: Sequence[Facts]) -> dict[str, float]:
    """Every fact's mean over the runs in which it could be computed; NaN if in none."""
    found = {}
    for name in runs[0]:
        known = [run[name] for run in runs if math.isfinite(run[name])]
        found[name] = sum(known) / len(known) if known else math.nan
    return found


def bootstrap(values: Array, statistic: Callable[[Array], float] | None = None) -> Estimate:
    """Mean, or another statistic, of runs with its percentile interval (Efron 1979).

    Args:
        values: float64[runs] or [runs, ...]; values that are not finite are left out of means.
        statistic: of such an array; default: the mean.
    """
    if statistic is None:
        values = values[np.isfinite(values)]
        statistic = _mean
    if len(values) == 0:
        return Estimate(math.nan, math.nan, math.nan)
    draws = np.random.default_rng(0).integers(0, len(values), (BOOTSTRAPS, len(values)))
    found = np.array([statistic(values[draw]) for draw in draws])
    edge = 50.0 * (1.0 - CONFIDENCE)
    low, high = np.percentile(found, (edge, 100.0 - edge))
    return Estimate(float(statistic(values)), float(low), float(high))


def skill(score: float, noise: float, real: float) -> float:
    """(score - noise) / (real - noise): 0 as good as noise, 1 as good as the data."""
    return (score - noise) / (real - noise)


def _mean(values: Array) -> float:
    return float(values.mean())
