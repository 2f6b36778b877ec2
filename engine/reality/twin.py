"""The data's twin: other histories that the same country might have had.

A vector autoregression of all series of the table is fitted to the data, and windows of 25 years
are drawn from it with the residuals reshuffled. Its statistics are those of the data, its luck is
its own: what it scores tells what luck costs a perfect economy that is graded one run at a time.
The windows of the data themselves share sixty years and their targets, and know less of luck.
Called by `report`, where a file of the data is given.
"""

from dataclasses import dataclass

import numpy as np

from engine.reality.controls import NOISE
from engine.reality.quarters import QUARTERS, Quarters
from engine.reality.statistics import growth, log
from engine.tables import Array

LAGS = 2
ROOT_MAX = 0.985
"""Of the autoregression, a quarter: a disturbance halves in eleven years. The fit's own largest is
a little above 1, whose histories would drift away from anything seen."""

SETTLING_QUARTERS = 200


@dataclass(frozen=True)
class Twin:
    """A fitted autoregression.

    Attributes:
        means: float64[k], of all data, of growth, levels or logarithms as `controls.NOISE` says.
        coefficients: float64[LAGS, k, k]: [lag - 1, i, j] is how j moves i so much later.
        residuals: float64[n, k], with the variance of the shocks.
    """

    means: Array
    coefficients: Array
    residuals: Array


def fitted_twin(quarters: Quarters) -> Twin:
    """Least squares over the quarters in which every series is known, roots shrunk to ROOT_MAX."""
    values = np.column_stack([_stationary(quarters, name) for name in NOISE])
    known = values[np.isfinite(values).all(axis=1)]
    apart = known - known.mean(axis=0)
    n, k = apart.shape
    past = np.concatenate([apart[LAGS - lag : n - lag] for lag in range(1, LAGS + 1)], axis=1)
    stacked = np.linalg.lstsq(past, apart[LAGS:], rcond=None)[0]
    residuals = apart[LAGS:] - past @ stacked
    residuals = residuals - residuals.mean(axis=0)
    residuals *= np.sqrt(len(residuals) / (len(residuals) - past.shape[1]))
    coefficients = stacked.reshape(LAGS, k, k).transpose(0, 2, 1)
    shrinkage = min(1.0, ROOT_MAX / largest_root(coefficients))
    powers = shrinkage ** np.arange(1, LAGS + 1)
    return Twin(np.nanmean(values, axis=0), coefficients * powers[:, None, None], residuals)


def largest_root(coefficients: Array) -> float:
    """The modulus of an autoregression's largest root: below 1 it is stationary."""
    lags, k, _ = coefficients.shape
    companion = np.eye(k * lags, k=-k)
    companion[:k] = np.concatenate(list(coefficients), axis=1)
    return float(np.abs(np.linalg.eigvals(companion)).max())


def history(twin: Twin, seed: int) -> Quarters:
    """One window of 25 years."""
    stream = np.random.default_rng(seed)
    drawn = stream.integers(0, len(twin.residuals), SETTLING_QUARTERS + QUARTERS)
    course = np.zeros((LAGS + len(drawn), len(twin.means)))
    for now, shock in enumerate(twin.residuals[drawn], LAGS):
        course[now] = shock
        for lag, effect in enumerate(twin.coefficients, 1):
            course[now] += effect @ course[now - lag]
    values = course[-QUARTERS:] + twin.means
    return Quarters(
        **{
            name: _as_it_was(values[:, number], kind.of)
            for number, (name, kind) in enumerate(NOISE.items())
        }
    )


def _stationary(quarters: Quarters, name: str) -> Array:
    """Growth, level or 100 times the logarithm; a quarter shorter, for growth is."""
    values: Array = getattr(quarters, name)
    kind = NOISE[name].of
    if kind == "growth":
        return growth(values)
    return (log(values) if kind == "log" else values)[1:]


def _as_it_was(values: Array, kind: str) -> Array:
    """The series again."""
    if kind == "level":
        return values
    return np.exp((np.cumsum(values) if kind == "growth" else values) / 100.0)
