"""The ruler's own measurements, and the page about them.

    python -m tools.reality data FRED-QD.csv      the table recomputed from the data, beside it
    python -m tools.reality noise FRED-QD.csv     what the noise of the controls is made of
    python -m tools.reality publish [FRED-QD.csv] docs/reality.md and its picture

The first two take a second; the last as long as `city-node reality` takes, and without the file it
quotes what is published of the data. The file is not ours to ship.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from city_node.kernel_cache import prepare

prepare()  # before anything imports numba

from city_node.laboratory.reality import Asked, Measured, measure  # noqa: E402
from city_node.laboratory.reality_picture import draw_reality  # noqa: E402
from city_node.laboratory.reality_sheet import figure, interval, skill_of, wanted  # noqa: E402
from city_node.laboratory.us_data import FIRST_YEAR, us_quarters  # noqa: E402
from engine.reality.controls import NOISE  # noqa: E402
from engine.reality.facts import macro_facts  # noqa: E402
from engine.reality.quarters import QUARTERS, Quarters, window  # noqa: E402
from engine.reality.report import Control, Report, data_controls  # noqa: E402
from engine.reality.score import Estimate  # noqa: E402
from engine.reality.statistics import autocorrelation, deviation, growth, log, mean  # noqa: E402
from engine.reality.targets import DRAWN, MACRO, ROWS  # noqa: E402
from engine.tables import Array  # noqa: E402

RECENT_YEAR = 1984
SEEDS, FIRST_SEED = 40, 261
"""Of what is published: seeds that nobody has looked at when choosing values."""

PAGE, PICTURE = Path("docs/reality.md"), Path("docs/reality.png")

Data = Annotated[Path, typer.Argument(metavar="FRED-QD.csv")]

app = typer.Typer(add_completion=False, rich_markup_mode=None, help=__doc__)
console = Console()


@app.command()
def data(file: Data) -> None:
    """Recompute rows 1 to 36, and grade the windows, from a file of the data."""
    q = us_quarters(file)
    starts = range(0, len(q) - QUARTERS + 1, 4)
    whole, recent = macro_facts(q), macro_facts(window(q, 4 * (RECENT_YEAR - FIRST_YEAR), len(q)))
    windows = [macro_facts(window(q, start)) for start in starts]
    table = Table(title=f"{file}; in brackets what the table says")
    for head in ("row", "statistic", "1959–2019", "1984–2019", f"{len(windows)} windows"):
        table.add_column(head, justify="left" if head == "statistic" else "right")
    for row in MACRO:
        for value in row.values:
            found = [facts[value.fact] for facts in windows]
            table.add_row(
                str(row.number),
                value.words,
                f"{figure(whole[value.fact])} ({figure(value.target)})",
                f"{figure(recent[value.fact])} ({figure(value.recent)})",
                f"{figure(min(found))}…{figure(max(found))} "
                f"({figure(value.lowest)}…{figure(value.highest)})",
            )
    console.print(table)
    for control in data_controls(q):
        console.print(
            f"{control.name}: {control.score:.2f}, from {control.lowest:.2f} "
            f"to {control.highest:.2f} in {control.runs}"
        )
        console.print({name: round(score, 1) for name, score in control.categories.items()})


@app.command()
def noise(file: Data) -> None:
    """Mean, standard deviation and autocorrelation of the data's series, beside the noise's."""
    q = us_quarters(file)
    table = Table(title="mean, sd, first autocorrelation; in brackets the noise's")
    for head in ("series", "of", "mean", "sd", "persistence"):
        table.add_column(head, justify="left" if head in ("series", "of") else "right")
    for name, kind in NOISE.items():
        x = _of(q, name)
        found = (mean(x), deviation(x), autocorrelation(x, 1))
        said = (kind.mean, kind.sd, kind.persistence)
        pairs = (f"{a:.3f} ({b:.3f})" for a, b in zip(found, said, strict=True))
        table.add_row(name, kind.of, *pairs)
    console.print(table)


def _of(q: Quarters, name: str) -> Array:
    """The series that a kind of noise imitates: growth, logarithm or level."""
    values: Array = getattr(q, name)
    if NOISE[name].of == "growth":
        return growth(values)
    return log(values) if NOISE[name].of == "log" else values


@app.command()
def publish(
    file: Annotated[Path | None, typer.Argument(metavar="[FRED-QD.csv]")] = None,
    seeds: Annotated[int, typer.Option(help="How many runs.")] = SEEDS,
    first_seed: Annotated[int, typer.Option(help="The seed of the first.")] = FIRST_SEED,
    economy: Annotated[str, typer.Option(help="Which.")] = "macro",
) -> None:
    """Measure everything and write docs/reality.md."""
    measured = measure(Asked(seeds, first_seed, economy, data=file))
    draw_reality(PICTURE, measured.name, measured.runs, measured.real)
    page = (Path(__file__).parent / "reality_page.md").read_text("utf-8")
    PAGE.write_text(filled_in(page, measured), "utf-8")
    console.print(f"wrote {PAGE} and {PICTURE}")


def filled_in(page: str, measured: Measured) -> str:
    """The page with its figures: every `<name>` of it replaced."""
    report, controls = measured.report, measured.controls
    parts = {
        "name": [measured.name],
        "runs": [str(report.runs)],
        "scores": scores(report, controls),
        "controls": controlled(controls),
        "categories": categories(report, controls),
        "sheet": sheet(report),
        "lost": lost(report),
        "sources": sources(),
    }
    for name, lines in parts.items():
        page = page.replace(f"<{name}>", "\n".join(lines))
    return page


def scores(report: Report, controls: Sequence[Control]) -> list[str]:
    """Markdown: the four scores and the skill."""

    def line(words: str, found: Estimate, note: str = "") -> str:
        return f"| {words} | {found.mean:.1f} | {found.low:.1f} to {found.high:.1f} | {note} |"

    return [
        "| score, % | | 95 % interval | runs |",
        "|---|--:|--:|--:|",
        line("rows 1–36, mean of runs graded alone: **the score**", report.score,
             f"{report.lowest:.1f} to {report.highest:.1f}"),
        line("rows 1–36, statistics averaged over runs first (kinder)", report.score_averaged),
        line("rows 38–45, mean of runs graded alone", report.score_micro),
        line("all graded rows, mean of runs graded alone", report.score_all),
        f"| skill: 0 is noise, 1 the real data | {skill_of(report, controls):.2f} | | |",
    ]  # fmt: skip


def controlled(controls: Sequence[Control]) -> list[str]:
    """Markdown: what the same ruler says of what is no candidate."""
    return [
        "| control | what it is | windows or runs | score, % | lowest | highest |",
        "|---|---|--:|--:|--:|--:|",
        *(
            f"| {each.name.replace('_', ' ')} | {each.words.replace('_', ' ')} | {each.runs} "
            f"| {each.score:.1f} | {each.lowest:.1f} | {each.highest:.1f} |"
            for each in controls
        ),
    ]


def categories(report: Report, controls: Sequence[Control]) -> list[str]:
    """Markdown: the categories of the economy beside those of the controls."""
    names = [each.name.replace("_", " ") for each in controls]
    lines = [
        f"| category, % | ours | {' | '.join(names)} |",
        "|---" + "|--:" * (1 + len(names)) + "|",
    ]
    for category, score in report.categories.items():
        others = [each.categories.get(category, math.nan) for each in controls]
        cells = " | ".join("–" if math.isnan(other) else f"{other:.1f}" for other in others)
        lines.append(f"| {category} | {score:.1f} | {cells} |")
    return lines


def sheet(report: Report) -> list[str]:
    """Markdown: every statistic."""
    lines = [
        "| row | category | statistic | target | tolerance | 1984–2019 | windows | ours "
        "| 95 % interval | credit |",
        "|--:|---|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for row in ROWS:
        for number, value in enumerate(row.values):
            first, found = number == 0, report.facts[value.fact]
            credit = f"{report.credits[row.number]:.2f}" if row.graded and first else ""
            known = not math.isnan(value.lowest)
            cells = (
                str(row.number) if first else "",
                row.category if first else "",
                value.words if value.checked else f"{value.words} °",
                wanted(value),
                figure(value.tolerance),
                figure(value.recent) if known else "",
                f"{figure(value.lowest)} to {figure(value.highest)}" if known else "",
                figure(found.mean),
                interval(found),
                "drawn" if row.number == DRAWN and first else credit,
            )
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def lost(report: Report) -> list[str]:
    """Markdown: the rows that cost most, the worst first."""
    worst = sorted(ROWS, key=lambda row: report.credits.get(row.number, 1.0))[:8]
    lines = ["| row | statistics | ours, target | credit |", "|--:|---|---|--:|"]
    for row in worst:
        words = "; ".join(value.words for value in row.values)
        pairs = "; ".join(
            f"{figure(report.facts[value.fact].mean)}, {wanted(value)}" for value in row.values
        )
        lines.append(f"| {row.number} | {words} | {pairs} | {report.credits[row.number]:.2f} |")
    return lines


def sources() -> list[str]:
    """Markdown: where every target comes from."""
    by_source: dict[str, list[str]] = {}
    for row in ROWS:
        by_source.setdefault(row.source, []).append(str(row.number))
    return [f"- {', '.join(numbers)}: {source}" for source, numbers in by_source.items()]


if __name__ == "__main__":
    app()
