"""The sheet of the Reality Score: for people as tables, for programs as plain data.

Called by `reality` and by the tool that writes the page; measures nothing.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from engine.reality.report import Control, Report
from engine.reality.score import Estimate, skill
from engine.reality.series import Matrix
from engine.reality.targets import DRAWN, ROWS, Row, Value


def figure(value: float) -> str:
    """Three digits that count, no exponent; a dash for what is not known."""
    if not math.isfinite(value):
        return "–"
    digits = 0 if value == 0 else max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{min(digits, 3)}f}".replace("-", "−")


def wanted(value: Value) -> str:
    """The target of a value, a band as its two ends."""
    if math.isfinite(value.low):
        return f"{figure(value.low)} to {figure(value.high)}"
    return figure(value.target)


def interval(estimate: Estimate) -> str:
    """The bounds of a confidence interval."""
    return f"{figure(estimate.low)} to {figure(estimate.high)}"


def print_sheet(console: Console, name: str, report: Report, controls: Sequence[Control]) -> None:
    """All tables: statistics, categories, scores."""
    console.print(_statistics(name, report))
    console.print(_categories(report, controls))
    console.print(_scores(report, controls))


def _statistics(name: str, report: Report) -> Table:
    table = Table(title=f"{name}: {report.runs} runs", title_justify="left")
    for head in ("row", "category", "statistic"):
        table.add_column(head, justify="right" if head == "row" else "left")
    for head in ("target", "tolerance", "ours", "95 % interval", "credit"):
        table.add_column(head, justify="right")
    for row in ROWS:
        for number, value in enumerate(row.values):
            first = number == 0
            found = report.facts[value.fact]
            table.add_row(
                str(row.number) if first else "",
                row.category if first else "",
                value.words if value.checked else f"{value.words} °",
                wanted(value),
                figure(value.tolerance),
                figure(found.mean),
                interval(found),
                _credit(report, row) if first else "",
            )
    table.caption = (
        "credit: of the row, mean of runs graded alone. °: target still to be checked. "
        f"Row {DRAWN} is drawn, not graded."
    )
    table.caption_justify = "left"
    return table


def _credit(report: Report, row: Row) -> str:
    return f"{report.credits[row.number]:.2f}" if row.graded else "–"


def _categories(report: Report, controls: Sequence[Control]) -> Table:
    table = Table(title="categories, %", title_justify="left")
    table.add_column("category")
    for head in ("ours", *(control.name.replace("_", " ") for control in controls)):
        table.add_column(head, justify="right")
    for category, score in report.categories.items():
        others = [control.categories.get(category, math.nan) for control in controls]
        table.add_row(category, *(f"{x:.1f}" if x == x else "–" for x in (score, *others)))
    return table


def _scores(report: Report, controls: Sequence[Control]) -> Table:
    table = Table(title="scores, %", title_justify="left")
    table.add_column("what")
    for head in ("score", "95 % interval", "range"):
        table.add_column(head, justify="right")
    for words, estimate, spread in (
        ("rows 1 to 36, mean of runs graded alone: the score", report.score, _range(report)),
        ("rows 1 to 36, statistics averaged over runs first", report.score_averaged, ""),
        ("rows 38 to 45, mean of runs graded alone", report.score_micro, ""),
        ("all graded rows, mean of runs graded alone", report.score_all, ""),
    ):
        bounds = f"{estimate.low:.1f} to {estimate.high:.1f}"
        table.add_row(words, f"{estimate.mean:.1f}", bounds, spread)
    table.add_row("skill: 0 is noise, 1 the real data", f"{skill_of(report, controls):.2f}", "", "")
    table.add_section()
    for control in controls:
        spread = f"{control.lowest:.1f} to {control.highest:.1f}"
        name = control.name.replace("_", " ")
        table.add_row(f"control {name}: {control.words}", f"{control.score:.1f}", "", spread)
    return table


def _range(report: Report) -> str:
    return f"{report.lowest:.1f} to {report.highest:.1f}"


def skill_of(report: Report, controls: Sequence[Control]) -> float:
    """(score - noise) / (real data - noise)."""
    scores = {control.name: control.score for control in controls}
    return skill(report.score.mean, scores["noise"], scores["real"])


def as_json(report: Report, controls: Sequence[Control]) -> dict[str, Any]:
    """For programs; scores in per cent, credits 0 to 1, null what cannot be computed."""
    return {
        "score": report.score.mean,
        "score_averaged": report.score_averaged.mean,
        "score_micro": report.score_micro.mean,
        "skill": skill_of(report, controls),
        "categories": report.categories,
        "controls": {
            control.name: {
                "score": control.score,
                "lowest": control.lowest,
                "highest": control.highest,
                "runs": control.runs,
                "is": control.words,
                "categories": control.categories,
            }
            for control in controls
        },
        "rows": [
            {
                "row": row.number,
                "category": row.category,
                "source": row.source,
                "credit": report.credits.get(row.number),
                "values": [_value_as_json(report, value) for value in row.values],
            }
            for row in ROWS
        ],
    }


def _value_as_json(report: Report, value: Value) -> dict[str, Any]:
    found = report.facts[value.fact]
    return {
        "statistic": value.fact,
        "is": value.words,
        "target": value.target,
        "low": value.low,
        "high": value.high,
        "tolerance": value.tolerance,
        "mean": found.mean,
        "interval": [found.low, found.high],
    }


def print_accounts(console: Console, accounts: Sequence[Matrix]) -> bool:
    """Matrices in units of money, with their sums; whether all rows and columns sum to zero."""
    exact = True
    for matrix in accounts:
        rows, columns = matrix.amounts_minor.sum(axis=1), matrix.amounts_minor.sum(axis=0)
        table = Table(title=matrix.title, title_justify="left")
        table.add_column("")
        for column in (*matrix.columns, "sum"):
            table.add_column(column, justify="right")
        for name, amounts, total in zip(matrix.rows, matrix.amounts_minor, rows, strict=True):
            table.add_row(name, *(_coins(int(each)) for each in (*amounts, total)))
        table.add_section()
        table.add_row("sum", *(_coins(int(each)) for each in (*columns, columns.sum())))
        console.print(table)
        exact = exact and not np.any(rows) and not np.any(columns)
    words = "are zero to the minor unit" if exact else "are NOT all zero"
    console.print(f"All rows and columns {words}.", highlight=False)
    return exact


def _coins(minor: int) -> str:
    """With two decimals; a true zero is a dot."""
    if minor == 0:
        return "·"
    return f"{minor / 10**8:,.2f}".replace("-", "−")
