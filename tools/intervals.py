"""Intervals of means over few seeds. Called by the tools that publish them."""

from collections.abc import Sequence

import numpy as np

from engine.tables import Array

T_95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
        2.145, 2.131, 2.120, 2.110, 2.101, 2.093)  # fmt: skip
"""Student's t at 97.5 %, by degrees of freedom from one; beyond, the last is wide enough."""


def interval(values: Sequence[float] | Array) -> tuple[float, float]:
    """Mean, and half the width of its 95 % interval by Student's t, of at least two values."""
    array = np.asarray(values, float)
    t = T_95[min(len(array) - 1, len(T_95)) - 1]
    return float(array.mean()), float(t * array.std(ddof=1) / np.sqrt(len(array)))
