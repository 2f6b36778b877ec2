"""The picture of `city-node reality --plot`: what a graded economy looks like beside the data.

One run's course, how other series lead and follow output, and what a surprise of the policy rate
does. Called by `reality`; measures only what it draws.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from city_node.laboratory.picture import Band, Panel, draw
from engine.reality.quarters import QUARTERS, Quarters, window
from engine.reality.report import Run
from engine.reality.responses import policy_responses
from engine.reality.statistics import cycle, growth, lagged_correlation, log
from engine.tables import Array

LAG_MAX = 8
SHOCK_QUARTERS = (1959, 2007)
LOW_PERCENT, HIGH_PERCENT = 10.0, 90.0

COURSES: tuple[tuple[str, str, Callable[[Quarters], Array]], ...] = (
    ("GDP growth", "% a year", lambda q: 4 * growth(q.output)),
    ("inflation", "% a year", lambda q: 4 * growth(q.price_output)),
    ("unemployment", "%", lambda q: q.unemployment),
    ("policy rate", "% a year", lambda q: q.policy_rate),
    ("output, cycle", "%", lambda q: cycle(log(q.output))),
    ("investment, cycle", "%", lambda q: cycle(log(q.investment))),
    ("real credit, cycle", "%", lambda q: cycle(log(q.real_credit))),
    ("vacancies, cycle", "%", lambda q: cycle(log(q.vacancies))),
)

FOLLOWERS: tuple[tuple[str, Callable[[Quarters], Array]], ...] = (
    ("consumption", lambda q: cycle(log(q.consumption))),
    ("investment", lambda q: cycle(log(q.investment))),
    ("unemployment", lambda q: cycle(q.unemployment)),
    ("real credit", lambda q: cycle(log(q.real_credit))),
)


def draw_reality(path: Path, name: str, runs: Sequence[Run], real: Quarters | None) -> None:
    """Draw and write it; the data, where given, in the second colour.

    Raises:
        ConfigError: it cannot be written.
    """
    panels = [*_courses(runs[0], real), *_leads(runs, real), *_shocks(runs, real)]
    draw(path, panels, f"{name}: courses of seed {runs[0].seed}, the rest of all {len(runs)} runs")


def _courses(run: Run, real: Quarters | None) -> list[Panel]:
    last = None if real is None else window(real, len(real) - QUARTERS)
    found = []
    for title, unit, course in COURSES:
        bands = [_line("ours", course(run.quarters))]
        if last is not None:
            bands.append(_line("US", course(last)))
        found.append(Panel(title, unit, bands, x_end=QUARTERS, x_unit="quarter"))
    return found


def _leads(runs: Sequence[Run], real: Quarters | None) -> list[Panel]:
    """Correlations of output now with another series so many quarters later."""
    found = []
    for name, follower in FOLLOWERS:
        bands = [_spread("ours", [_correlations(run.quarters, follower) for run in runs])]
        if real is not None:
            bands.append(_line("US", _correlations(real, follower)))
        title = f"{name} after output"
        found.append(
            Panel(
                title,
                "corr",
                bands,
                reference=0.0,
                low=-1.0,
                high=1.0,
                x_start=-LAG_MAX,
                x_end=LAG_MAX,
                x_unit="quarter",
            )
        )
    return found


def _correlations(q: Quarters, follower: Callable[[Quarters], Array]) -> Array:
    output, other = cycle(log(q.output)), follower(q)
    lags = range(-LAG_MAX, LAG_MAX + 1)
    return np.array([lagged_correlation(other, output, lag) for lag in lags])


def _shocks(runs: Sequence[Run], real: Quarters | None) -> list[Panel]:
    """Answers to a policy rate a point higher than expected."""
    ours = [_answers(run.quarters) for run in runs]
    first, last = SHOCK_QUARTERS
    us = None if real is None else _answers(window(real, 0, 4 * (last - first + 1)))
    found = []
    for number, (title, unit) in enumerate(
        (("+100 bp: output", "%"), ("+100 bp: prices", "%"), ("+100 bp: policy rate", "points"))
    ):
        bands = [_spread("ours", [each[:, number] for each in ours])]
        if us is not None:
            bands.append(_line("US", us[:, number]))
        found.append(
            Panel(title, unit, bands, reference=0.0, x_end=len(ours[0]) - 1, x_unit="quarter")
        )
    return found


def _answers(q: Quarters) -> Array:
    return policy_responses(log(q.output), log(q.price_consumer), q.policy_rate)


def _line(name: str, values: Array) -> Band:
    return Band(name, values, np.zeros(0), np.zeros(0))


def _spread(name: str, courses: Sequence[Array]) -> Band:
    """The mean of courses, and their lowest and highest tenth where there are several."""
    known = [course for course in courses if np.isfinite(course).all()]
    if not known:
        return _line(name, np.full(len(courses[0]), np.nan))
    low, high = np.percentile(known, (LOW_PERCENT, HIGH_PERCENT), axis=0)
    mean = np.mean(known, axis=0)
    return Band(name, mean, low, high) if len(known) > 1 else _line(name, mean)
