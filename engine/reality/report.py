"""Many runs together: every statistic with its confidence interval, the scores, the controls.

Called by whoever reports; knows no economy, prints nothing.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.reality.controls import SIX, noise
from engine.reality.facts import macro_facts, micro_facts
from engine.reality.quarters import QUARTERS, Quarters, graded_quarters, window
from engine.reality.score import (
    Estimate,
    Facts,
    Grade,
    bootstrap,
    grade,
)
from engine.reality.series import Series
from engine.reality.targets import DRAWN, MACRO, MICRO, ROWS, VALUES
from engine.reality.twin import fitted_twin, history
from engine.tables import Array

NOISE_RUNS = 200
"""Enough for the mean of noise to be known to half a point or so; about a second."""


@dataclass(frozen=True)
class Run:
    """What is kept of one run: its facts and the window they were computed from."""

    seed: int
    quarters: Quarters
    facts: Facts


@dataclass(frozen=True)
class Report:
    """An economy's, all scores in per cent.

    Attributes:
        score: rows 1 to 36, the mean of runs graded alone.
        score_averaged: of statistics averaged over runs first: kinder.
        score_micro: rows 38 to 45, the mean of runs graded alone.
        score_all: all graded rows, the mean of runs graded alone.
        lowest, highest: of the runs' scores on rows 1 to 36.
        categories: means over runs.
        facts: by name.
        credits: by row, mean over runs, 0 to 1.
    """

    runs: int
    score: Estimate
    score_averaged: Estimate
    score_micro: Estimate
    score_all: Estimate
    lowest: float
    highest: float
    categories: dict[str, float]
    facts: dict[str, Estimate]
    credits: dict[int, float]


@dataclass(frozen=True)
class Control:
    """What the ruler says of something that is no candidate, in per cent.

    Attributes:
        name, words: short, and what it is.
        runs: how many windows or runs.
        lowest, highest: of them.
        categories: means over them.
    """

    name: str
    words: str
    runs: int
    score: float
    lowest: float
    highest: float
    categories: dict[str, float]


TWIN_RUNS = 200

PUBLISHED = (
    Control(
        "real",
        "37 windows of 25 years of US data, 1959 to 2019, as published on 2026-11-20",
        37,
        98.05,
        90.84,
        100.0,
        {
            "volatility": 97.9,
            "co-movement": 99.2,
            "credit": 98.4,
            "policy": 97.1,
            "persistence": 99.4,
            "growth": 98.0,
            "cycle": 98.7,
            "prices": 94.4,
            "labour": 99.6,
        },
    ),
    Control(
        "twin",
        "other histories of the US, drawn from a VAR: what luck costs; published on 2026-11-20",
        200,
        93.25,
        70.16,
        99.89,
        {
            "volatility": 98.0,
            "co-movement": 91.1,
            "credit": 92.4,
            "policy": 98.6,
            "persistence": 85.3,
            "growth": 99.2,
            "cycle": 89.9,
            "prices": 98.0,
            "labour": 93.2,
        },
    ),
)
"""Where no file of the data is given: `tools.reality data FRED-QD.csv` measures them."""


def graded_run(seed: int, series: Series) -> Run:
    """One run.

    Raises:
        ValueError: it is too short.
    """
    quarters = graded_quarters(series)
    return Run(seed, quarters, {**macro_facts(quarters), **micro_facts(series)})


def report(runs: Sequence[Facts]) -> Report:
    """The facts of runs, each graded alone, and averaged."""
    macro, micro, both = ([grade(run, rows) for run in runs] for rows in (MACRO, MICRO, ROWS))
    names = [value.fact for value in VALUES]
    table = np.array([[run.get(name, np.nan) for name in names] for run in runs])

    def score_of_means(drawn: Array) -> float:
        with np.errstate(invalid="ignore"):
            known = np.isfinite(drawn)
            sums = np.where(known, drawn, 0.0).sum(axis=0)
            means = np.where(known.any(axis=0), sums / np.maximum(known.sum(axis=0), 1), np.nan)
        return 100.0 * grade(dict(zip(names, means.tolist(), strict=True)), MACRO).overall

    return Report(
        runs=len(runs),
        score=_overall(macro),
        score_averaged=bootstrap(table, score_of_means),
        score_micro=_overall(micro),
        score_all=_overall(both),
        lowest=100.0 * min(each.overall for each in macro),
        highest=100.0 * max(each.overall for each in macro),
        categories=_categories(both),
        facts={name: bootstrap(table[:, column]) for column, name in enumerate(names)},
        credits={
            row.number: float(np.mean([each.credits[row.number] for each in both]))
            for row in ROWS
            if row.number != DRAWN
        },
    )


def control(name: str, words: str, runs: Sequence[Facts]) -> Control:
    """Rows 1 to 36 of whatever is to be compared with."""
    graded = [grade(run, MACRO) for run in runs]
    scores = [100.0 * each.overall for each in graded]
    return Control(
        name,
        words,
        len(runs),
        float(np.mean(scores)),
        min(scores),
        max(scores),
        _categories(graded),
    )


@functools.cache
def noise_controls() -> tuple[Control, Control]:
    """Independent noise like all series of the table, and like six of them."""
    every = [macro_facts(noise(seed)) for seed in range(NOISE_RUNS)]
    six = [macro_facts(noise(seed, SIX)) for seed in range(NOISE_RUNS)]
    return (
        control("noise", "independent series with the persistence and variance of the US", every),
        control("six_noise", f"six of them only: {', '.join(SIX)}", six),
    )


def data_controls(quarters: Quarters) -> tuple[Control, Control]:
    """All windows of 25 years of the data, a year apart; and histories of the data's twin."""
    starts = range(0, len(quarters) - QUARTERS + 1, 4)
    windows = [macro_facts(window(quarters, start)) for start in starts]
    twin = fitted_twin(quarters)
    twins = [macro_facts(history(twin, seed)) for seed in range(TWIN_RUNS)]
    return (
        control("real", f"{len(windows)} windows of 25 years of US data", windows),
        control("twin", "other histories of the US, drawn from a VAR: what luck costs", twins),
    )


def _overall(graded: Sequence[Grade]) -> Estimate:
    return bootstrap(np.array([100.0 * each.overall for each in graded]))


def _categories(graded: Sequence[Grade]) -> dict[str, float]:
    names = graded[0].categories
    return {
        name: 100.0 * float(np.mean([each.categories[name] for each in graded])) for name in names
    }
