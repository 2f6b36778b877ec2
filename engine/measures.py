"""Statistics of arrays, each with its definition and its source."""

import numpy as np

from engine.tables import Array


def gini(values: Array) -> float:
    """The Gini coefficient of non-negative values: 0 all equal, towards 1 all with one.

    sum((2 i - n - 1) x_i) / (n sum(x)) over the values sorted upwards, i from 1 (Sen, "On Economic
    Inequality", 1973).

    Args:
        values: [n], any number type; n at least 1.

    Returns:
        NaN where the sum is zero or there are no values.
    """
    ordered = np.sort(values.astype(np.float64))
    total = ordered.sum()
    if len(ordered) == 0 or total == 0.0:
        return float("nan")
    ranks = np.arange(1, len(ordered) + 1)
    return float(((2 * ranks - len(ordered) - 1) * ordered).sum() / (len(ordered) * total))
