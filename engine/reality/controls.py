"""What an economy must beat: series that have nothing to do with each other.

Noise has the persistence and the variance of the United States and no economy behind it: every
series its own first-order autoregression, drawn independently of all others. Called by whoever
reports a score; a ruler by which noise does well is a bad ruler.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.reality.quarters import QUARTERS, Quarters, unknown
from engine.tables import Array

SETTLING_QUARTERS = 200
"""Dropped, so that no series starts at its mean."""


@dataclass(frozen=True)
class Noise:
    """x[t] = mean + persistence (x[t-1] - mean) + e, with standard deviation `sd`.

    Attributes:
        of: x is the growth of the series in % a quarter, its level, or 100 times its logarithm.
    """

    of: Literal["growth", "level", "log"]
    mean: float
    sd: float
    persistence: float


NOISE = {
    "output": Noise("growth", 0.755, 0.815, 0.292),
    "consumption": Noise("growth", 0.797, 0.655, 0.307),
    "investment": Noise("growth", 0.967, 2.094, 0.550),
    "employment": Noise("growth", 0.435, 0.527, 0.805),
    "hours": Noise("growth", 0.327, 0.796, 0.615),
    "productivity": Noise("growth", 0.502, 0.791, 0.000),
    "unemployment": Noise("log", 175.0, 26.15, 0.981),
    "vacancies": Noise("growth", 0.650, 5.770, 0.563),
    "price_consumer": Noise("growth", 0.899, 0.750, 0.760),
    "price_output": Noise("growth", 0.793, 0.576, 0.901),
    "real_wage": Noise("growth", 0.306, 0.782, -0.116),
    "real_credit": Noise("growth", 1.131, 1.340, 0.704),
    "policy_rate": Noise("level", 4.967, 3.624, 0.971),
    "spread": Noise("level", 1.991, 0.803, 0.921),
    "utilisation": Noise("level", 80.28, 4.106, 0.958),
    "job_finding": Noise("log", -95.78, 25.19, 0.985),
    "separations": Noise("log", 85.41, 25.27, 0.985),
}
"""Mean, standard deviation and first autocorrelation, 1959Q1 to 2019Q4, of the series of the table
(`tools.reality noise` computes them from a file of the data)."""

SIX = ("output", "consumption", "investment", "unemployment", "price_consumer", "policy_rate")
"""What many a model has: the other series are missing, and what needs them earns nothing."""


def noise(seed: int, names: tuple[str, ...] = tuple(NOISE)) -> Quarters:
    """One window of noise; series that are not named are unknown."""
    drawn = unknown(QUARTERS)
    for name in names:
        stream = np.random.default_rng((seed, list(NOISE).index(name)))
        drawn[name] = _series(NOISE[name], stream)
    return Quarters(**drawn)


def _series(kind: Noise, stream: np.random.Generator) -> Array:
    innovation = kind.sd * np.sqrt(1.0 - kind.persistence**2)
    shocks = stream.normal(0.0, innovation, SETTLING_QUARTERS + QUARTERS).tolist()
    apart = [0.0]
    for shock in shocks:
        apart.append(kind.persistence * apart[-1] + shock)
    values: Array = kind.mean + np.array(apart[-QUARTERS:])
    if kind.of == "level":
        return values
    return np.exp((np.cumsum(values) if kind.of == "growth" else values) / 100.0)
