"""Measures of one's own: a function of an economy's state, a window and an aggregator.

A package offers one by the entry point group `city_node.measures`, whose value is a `Measure`. A
`Gauge` samples those it is given, once a call, and aggregates each over its window. Reads states,
changes none; so no history depends on what is measured.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any

import numpy as np

from engine.economy import Economy
from engine.goods import check

GROUP = "city_node.measures"

WINDOW_SAMPLES_MAX = 1_000_000
"""8 MB a measure and city."""

AGGREGATORS: Mapping[str, Callable[[np.ndarray], float]] = {
    "mean": lambda samples: float(samples.mean()),
    "sum": lambda samples: float(samples.sum()),
    "minimum": lambda samples: float(samples.min()),
    "maximum": lambda samples: float(samples.max()),
    "deviation": lambda samples: float(samples.std()),
    "last": lambda samples: float(samples[-1]),
    "change": lambda samples: float(samples[-1] - samples[0]),
}


@dataclass(frozen=True)
class Measure:
    """What is measured of a city, and how it is summed up.

    Attributes:
        name: of the series.
        value: from the economy's module and a city's state to a number; NaN: nothing to say.
        window_samples: over how many of the newest samples.
        aggregator: one of AGGREGATORS, or a function of float64[1 .. window_samples].
    """

    name: str
    value: Callable[[Economy, Any], float]
    window_samples: int = 1
    aggregator: str | Callable[[np.ndarray], float] = "last"

    def __post_init__(self) -> None:
        check(f"measure {self.name!r}: ", "window", self.window_samples, 1, WINDOW_SAMPLES_MAX)
        if isinstance(self.aggregator, str) and self.aggregator not in AGGREGATORS:
            names = ", ".join(AGGREGATORS)
            raise ValueError(
                f"measure {self.name!r}: aggregator = {self.aggregator!r}: must be one of {names}"
            )


def installed() -> list[Measure]:
    """The measures that packages offer, by name.

    Raises:
        TypeError: an entry point's value is not a Measure.
    """
    found = []
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        measure = point.load()
        if not isinstance(measure, Measure):
            raise TypeError(f"measure = {point.name!r}: {point.value} is no engine.Measure")
        found.append(measure)
    return found


class Gauge:
    """The windows of some measures of one city."""

    def __init__(self, measures: Iterable[Measure]) -> None:
        self._windows = [(m, deque[float](maxlen=m.window_samples)) for m in measures]

    def sample(self, economy: Economy, state: Any) -> dict[str, float]:
        """Take a sample of each measure; what each is over its window now."""
        found = {}
        for measure, window in self._windows:
            window.append(float(measure.value(economy, state)))
            aggregator = measure.aggregator
            aggregate = AGGREGATORS[aggregator] if isinstance(aggregator, str) else aggregator
            found[measure.name] = float(aggregate(np.array(window)))
        return found
