"""Shapes of distributions across firms and households.

Pure functions of float64[n] arrays, called by `facts`. What cannot be computed is NaN. The Gini
coefficient is `engine.measures.gini`.
"""

import math

import numpy as np

from engine.tables import Array

SIZE_GROUPS = 10


def tail_exponent(sizes: Array, share: float) -> float:
    """Exponent of a Pareto tail, P(S > s) ~ s^-exponent, from the ranks of the largest.

    Log (rank - 1/2) on log size by least squares (Gabaix and Ibragimov, "Rank - 1/2", Journal of
    Business & Economic Statistics 2011).

    Args:
        sizes: float64[n]; those not above zero are left out.
        share: of the largest, 0 to 1.
    """
    ordered = np.sort(sizes[sizes > 0])[::-1]
    largest = ordered[: round(share * len(ordered))]
    if len(largest) < 10 or largest[0] == largest[-1]:
        return float("nan")
    x, y = np.log(largest), np.log(np.arange(1, len(largest) + 1) - 0.5)
    x = x - x.mean()
    return float(-(x * y).sum() / (x * x).sum())


def subbotin_shape(values: Array) -> float:
    """Shape b of the exponential power density ~ exp(-|x - m|^b / (b a^b)), by maximum likelihood.

    2: normal, 1: Laplace. The centre m is the median; a follows from b in closed form (Subbotin
    1923; Bottazzi and Secchi, "Explaining the Distribution of Firm Growth Rates", RAND Journal of
    Economics 2006).

    Returns:
        between 0.2 and 8; NaN for fewer than 50 values or if half of them are equal.
    """
    known = values[np.isfinite(values)]
    if len(known) < 50:
        return float("nan")
    apart = np.abs(known - np.median(known))
    if np.median(apart) == 0.0:
        return float("nan")
    apart = apart / apart.mean()

    def loss(shape: float) -> float:
        """-log likelihood a value, with the best scale for this shape."""
        scale = float((apart**shape).mean()) ** (1.0 / shape)
        return math.log(2 * scale * shape ** (1 / shape)) + math.lgamma(1 + 1 / shape) + 1 / shape

    return _lowest(loss, 0.2, 8.0)


def spread_exponent(sizes: Array, growth: Array) -> float:
    """How the spread of growth falls with size: sd(growth) ~ size^-exponent.

    Firms in ten groups of equal number by size, log sd on mean log size by least squares (Stanley
    et al., "Scaling Behaviour in the Growth of Companies", Nature 1996).

    Args:
        sizes: float64[n], positive.
        growth: float64[n], log growth that followed.
    """
    order = np.argsort(sizes, kind="stable")
    groups = np.array_split(order, SIZE_GROUPS)
    if len(order) < 10 * SIZE_GROUPS:
        return float("nan")
    spreads = np.array([growth[group].std() for group in groups])
    if (spreads == 0).any():
        return float("nan")
    x = np.array([np.log(sizes[group]).mean() for group in groups])
    x, y = x - x.mean(), np.log(spreads)
    return float(-(x * y).sum() / (x * x).sum()) if (x * x).sum() > 0 else float("nan")


def share_of_top(values: Array, share: float) -> float:
    """What the richest `share` of people own of all there is; NaN where there is nothing."""
    ordered = np.sort(values)[::-1]
    total = float(ordered.sum())
    number = round(share * len(ordered))
    return float(ordered[:number].sum()) / total if total > 0 and number else float("nan")


def _lowest(function, low: float, high: float) -> float:  # type: ignore[no-untyped-def]
    """Where a function with one minimum is lowest, by golden section."""
    golden = (math.sqrt(5) - 1) / 2
    left, right = high - golden * (high - low), low + golden * (high - low)
    at_left, at_right = function(left), function(right)
    while high - low > 1e-6:
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - golden * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + golden * (high - low)
            at_right = function(right)
    return (low + high) / 2
