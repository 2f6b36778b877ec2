"""Measures of one's own in a running node: sampled between windows, shown and written like others.

Made by `views` of what packages offer (`engine.own_measures`). A sample is taken when at least
`SAMPLE_TICKS` have passed since the last one; which ticks these are depends on the speed, the
cities' history does not. `snapshot` and `history` read what was sampled last.
"""

import math
from collections.abc import Sequence

from city_node.cities.world import City, World
from city_node.errors import ConfigError
from city_node.log import Log
from engine.economy import Chart
from engine.own_measures import AGGREGATORS, Gauge, Measure, installed

SAMPLE_TICKS = 100
"""A window at the default speed, and a row of the history."""

VIEW = "Own measures"


def key_of(measure: Measure) -> str:
    """The name of its series, which no economy's can be."""
    return f"measure_{measure.name}"


class Gauges:
    """The measures of all cities.

    Args:
        measures: what to sample; None: what is installed.

    Raises:
        ConfigError: something installed as a measure is none, or two have one name.
    """

    def __init__(self, log: Log, measures: Sequence[Measure] | None = None) -> None:
        try:
            self._measures = installed() if measures is None else measures
        except (TypeError, ValueError, ImportError, AttributeError) as error:
            raise ConfigError(str(error)) from None
        names = [measure.name for measure in self._measures]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ConfigError(f"measure = {min(twice)!r}: installed twice")
        self._log = log
        self._gauges: dict[tuple[int, str], Gauge] = {}
        self._found: dict[int, dict[str, float]] = {}
        self._due_tick = 0

    @property
    def charts(self) -> tuple[Chart, ...]:
        """A chart each, in a view of their own."""
        return tuple(
            Chart("line", "panels", measure.name, _window(measure), (key_of(measure),), view=VIEW)
            for measure in self._measures
        )

    def series(self, city: City) -> dict[str, float]:
        """What each measure of a city was over its window, when it was sampled last."""
        return self._found.get(city.here, {})

    def look(self, world: World) -> None:
        """Take a sample, if enough ticks have passed."""
        if not self._measures or world.tick < self._due_tick:
            return
        self._due_tick = world.tick + SAMPLE_TICKS
        for city in world.cities:
            self._found[city.here] = {
                key_of(measure): self._sample(city, measure) for measure in self._measures
            }

    def _sample(self, city: City, measure: Measure) -> float:
        """NaN, and a line in the log, where somebody else's function fails."""
        gauge = self._gauges.setdefault((city.here, measure.name), Gauge([measure]))
        try:
            return gauge.sample(city.economy, city.state)[measure.name]
        except Exception as error:
            why = f"{type(error).__name__}: {error}"
            self._log.complain(f"{city.name}: measure {measure.name!r} failed: {why}")
            return math.nan


def _window(measure: Measure) -> str:
    """What the axis says: how the newest samples are summed up."""
    how = measure.aggregator
    name = how if isinstance(how, str) and how in AGGREGATORS else "aggregate"
    return name if measure.window_samples == 1 else f"{name} of {measure.window_samples:,}"
