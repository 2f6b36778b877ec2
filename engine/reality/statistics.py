"""Statistics of one or two time series, as economists measure business cycles.

Pure functions of float64[n] arrays, called by `facts`. What cannot be computed (too few values, no
variance, a value that is not finite) is NaN: the score counts that as 0. Knows no economy.
"""

import functools

import numpy as np

from engine.tables import Array

QUARTERLY_SMOOTHING = 1600.0
LEAST_VALUES = 8
"""Correlations of fewer pairs say nothing."""

FLAT_SD = 1e-8
"""Series are in per cent or points; what moves less is rounding, and has no correlation."""


@functools.lru_cache(maxsize=64)
def _cycle_operator(length: int, smoothing: float) -> Array:
    """float64[length, length] that takes a series to its cycle, I - (I + smoothing D'D)^-1."""
    second_difference = np.diff(np.eye(length), n=2, axis=0)
    penalty = np.eye(length) + smoothing * second_difference.T @ second_difference
    operator = np.eye(length) - np.linalg.inv(penalty)
    operator.setflags(write=False)
    return operator


def cycle(values: Array, smoothing: float = QUARTERLY_SMOOTHING) -> Array:
    """Deviations from the Hodrick-Prescott trend (JMCB 1997), NaN where a value is not finite.

    The trend is fitted to the finite values alone, which are taken to follow each other: a series
    may begin late, but should have no holes.

    Args:
        values: float64[n]; usually 100 times a logarithm, so that the cycle is in per cent.
        smoothing: 1600 for quarters.
    """
    known = np.isfinite(values)
    deviations = np.full(len(values), np.nan)
    if known.sum() >= LEAST_VALUES:
        part = values[known]
        deviations[known] = _cycle_operator(len(part), smoothing) @ (part - part.mean())
    return deviations


def deviation(values: Array) -> float:
    """Sample standard deviation (n - 1) of the finite values."""
    known = values[np.isfinite(values)]
    return float(np.std(known, ddof=1)) if len(known) >= LEAST_VALUES else float("nan")


def mean(values: Array) -> float:
    """Of the finite values; NaN where there is none."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def correlation(a: Array, b: Array) -> float:
    """Pearson's coefficient over the pairs that are both finite; NaN without variance."""
    x, y = _pairs(a, b)
    if _is_flat(x) or _is_flat(y):
        return float("nan")
    return float((x * y).sum() / np.sqrt((x * x).sum() * (y * y).sum()))


def lagged_correlation(follower: Array, leader: Array, lag: int) -> float:
    """corr(follower[t + lag], leader[t]); a positive lag: `follower` comes later."""
    n = len(leader)
    if abs(lag) >= n:
        return float("nan")
    return correlation(
        follower[max(lag, 0) : n + min(lag, 0)], leader[max(-lag, 0) : n - max(lag, 0)]
    )


def peak_lag(follower: Array, leader: Array, lag_max: int) -> float:
    """The lag from -lag_max to lag_max at which the lagged correlation is highest."""
    lags = range(-lag_max, lag_max + 1)
    found = np.array([lagged_correlation(follower, leader, lag) for lag in lags])
    return float(lags[int(np.argmax(found))]) if np.isfinite(found).all() else float("nan")


def autocorrelation(values: Array, lag: int) -> float:
    """Pearson's correlation of a series with itself `lag` values earlier."""
    return correlation(values[lag:], values[: len(values) - lag])


def slope(x: Array, y: Array) -> float:
    """Of y on x by ordinary least squares, with a constant."""
    x, y = _pairs(x, y)
    return float("nan") if _is_flat(x) else float((x * y).sum() / (x * x).sum())


def skewness(values: Array) -> float:
    """m3 / m2^1.5 of population moments (Fisher-Pearson g1)."""
    apart, _ = _pairs(values, values)
    if _is_flat(apart):
        return float("nan")
    return float((apart**3).mean() / (apart**2).mean() ** 1.5)


def excess_kurtosis(values: Array) -> float:
    """m4 / m2^2 - 3 of population moments (Fisher's g2): 0 for a normal distribution."""
    apart, _ = _pairs(values, values)
    if _is_flat(apart):
        return float("nan")
    return float((apart**4).mean() / (apart**2).mean() ** 2 - 3.0)


def log(values: Array) -> Array:
    """100 times the natural logarithm, NaN where there is none: a count that fell to zero."""
    return 100.0 * np.log(np.where(values > 0, values, np.nan))


def growth(values: Array) -> Array:
    """float64[n - 1]: change of the logarithm, %, a period."""
    return np.diff(log(values))


def _pairs(a: Array, b: Array) -> tuple[Array, Array]:
    """The finite pairs, less their means."""
    known = np.isfinite(a) & np.isfinite(b)
    x, y = a[known], b[known]
    return (x - x.mean(), y - y.mean()) if len(x) else (x, y)


def _is_flat(deviations: Array) -> bool:
    """Whether they are too few, or no more than rounding."""
    return len(deviations) < LEAST_VALUES or float((deviations**2).mean()) < FLAT_SD**2
