"""What a benchmark returns, and how results are kept: docs/performance/NAME.json.

Called by benchmarks, which make results, and by the report, which reads them back.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

KEPT = Path(__file__).parents[2] / "docs" / "performance"


@dataclass(frozen=True)
class Peer:
    """Somebody else's figure for the same work.

    Attributes:
        name: who.
        value: in the row's unit.
        source: "beside" when measured in the same run, "beside, halved" when on one thread there
            and ours on two; else "quoted", and from where.
    """

    name: str
    value: float
    source: str


@dataclass(frozen=True)
class Row:
    """One figure.

    Attributes:
        what: the work.
        ours: the median of the repetitions; `low` and `high` their range.
        unit: of ours, of the peers', the goal's and the floor's.
        more_is_better: false for times.
        peers: of the same work, or work as near to it as there is.
        goal: what we aim at; `floor`: what must be reached; None where there is none.
        note: what one has to know to read the figure.
    """

    what: str
    ours: float
    low: float
    high: float
    unit: str
    more_is_better: bool = True
    peers: tuple[Peer, ...] = ()
    goal: float | None = None
    floor: float | None = None
    note: str = ""

    def ratio(self, other: float) -> float:
        """How many times better ours is than the other."""
        return self.ours / other if self.more_is_better else other / self.ours


@dataclass(frozen=True)
class Result:
    """What one benchmark found, in the order of the page.

    Attributes:
        title: of its part of the page.
        expected: what was worked out before anything was measured, in Markdown.
        rows: the figures.
        found: what they say, in Markdown.
        picture: the text of an SVG file, or nothing.
        where: machine, versions, date: filled in by `keep`.
    """

    title: str
    expected: str
    rows: tuple[Row, ...]
    found: str
    picture: str = ""
    where: dict[str, str] = field(default_factory=dict)


def figure(value: float) -> str:
    """Three digits that count, thousands as k, M, G."""
    for size, letter in ((1e9, " G"), (1e6, " M"), (1e4, " k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}" if size > 1e4 else f"{value / 1e3:.3g}{letter}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def row_of(what: str, values: Sequence[float], unit: str, **more: Any) -> Row:
    """A row from repetitions; `more` as in Row."""
    return Row(what, median(values), min(values), max(values), unit, **more)


def keep(name: str, result: Result, where: dict[str, str]) -> None:
    """Write a benchmark's results and picture, replacing those of an earlier run."""
    KEPT.mkdir(parents=True, exist_ok=True)
    if result.picture:
        (KEPT / f"{name}.svg").write_text(result.picture, "utf-8")
    text = msgspec.json.encode(replace(result, where=where, picture=""))
    (KEPT / f"{name}.json").write_bytes(msgspec.json.format(text, indent=2) + b"\n")


def kept(name: str) -> Result | None:
    """The results kept of a benchmark, without its picture, or None."""
    path = KEPT / f"{name}.json"
    return msgspec.json.decode(path.read_bytes(), type=Result) if path.exists() else None
