"""What a scenario says about itself, and how far one run may lie from twenty.

Called by the scenarios, the command line and the tests. Knows no scenario.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple, get_type_hints

import numpy as np

from tools.scenarios.film import Film

DEVIATIONS = 4.0
"""A run may lie so many standard deviations from the mean of the stored ones: wide, because twenty
runs say little about rare ones, and a test must not cry wolf."""

HERE = Path(__file__).parent

Runs = Mapping[str, Sequence[float]]
"""A number's name -> its value in each run."""


class Number(NamedTuple):
    """What a scenario measures: an annotation of a field of its `Measured`.

    Attributes:
        meaning: in words, with the unit.
        original: what the tutorial's own program showed, in one run; None: not measured.
    """

    meaning: str
    original: float | None = None


@dataclass(frozen=True)
class Scenario:
    """One scenario.

    Attributes:
        name: as typed and as in file names.
        title: what it is about, in a few words.
        about: the set-up, the docstring of its module.
        measured: a frozen dataclass of floats, each annotated with its Number.
        play: a seed -> such numbers, and the film they were read from.
        statements: numbers -> what must be seen, in words, and whether it is.
        panels: the goods that its picture shows, one panel each.
        differs: what our engine shows otherwise than the original, and why; or nothing.
    """

    name: str
    title: str
    about: str
    measured: type
    play: Callable[[int], tuple[Any, Film]]
    statements: Callable[[Any], dict[str, bool]]
    panels: tuple[str, ...]
    differs: str = ""

    def measure(self, seed: int) -> Any:
        """The numbers alone."""
        return self.play(seed)[0]

    def numbers(self) -> dict[str, Number]:
        """Name -> what it means."""
        hints = get_type_hints(self.measured, include_extras=True)
        return {name: hint.__metadata__[0] for name, hint in hints.items()}

    def runs_of(self, measured: Sequence[Any]) -> dict[str, list[float]]:
        """The same numbers by name."""
        rows = [asdict(each) for each in measured]
        return {name: [float(row[name]) for row in rows] for name in self.numbers()}


class Tolerance(NamedTuple):
    """What the stored runs showed of one number: mean, range, and what is still tolerated."""

    mean: float
    low: float
    high: float
    least: float
    most: float

    def holds(self, value: float) -> bool:
        """Whether a run lies within."""
        return self.least <= value <= self.most


def tolerances(runs: Runs) -> dict[str, Tolerance]:
    """For each number, the mean of at least two runs, give or take so many standard deviations."""
    found = {}
    for name, values in runs.items():
        mean, reach = float(np.mean(values)), DEVIATIONS * float(np.std(values, ddof=1))
        found[name] = Tolerance(mean, min(values), max(values), mean - reach, mean + reach)
    return found


def stored_at(scenario: Scenario) -> Path:
    """The file of a scenario's runs, beside it."""
    return HERE / f"{scenario.name.replace('-', '_')}.json"


def store(scenario: Scenario, first_seed: int, runs: Runs) -> None:
    """Keep runs, rounded to what is worth reading."""
    seeds = len(next(iter(runs.values())))
    rows = [f"    {json.dumps(name)}: {[round(v, 4) for v in runs[name]]}" for name in runs]
    text = f'{{\n  "first_seed": {first_seed},\n  "seeds": {seeds},\n  "runs": {{\n'
    stored_at(scenario).write_text(text + ",\n".join(rows) + "\n  }\n}\n", "utf-8")


def stored(scenario: Scenario) -> dict[str, list[float]]:
    """The runs kept; none where nobody has stored any."""
    path = stored_at(scenario)
    runs = json.loads(path.read_text("utf-8"))["runs"] if path.exists() else {}
    return {name: runs[name] for name in scenario.numbers() if name in runs}
