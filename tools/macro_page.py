"""`python -m tools.macro_page`: what docs/macro.md shows: responses, drift, parameters.

    python -m tools.macro_page responses --seeds 12     docs/macro-responses.svg
    python -m tools.macro_page drift --seeds 20         prints means by window over 110 years
    python -m tools.macro_page parameters               prints every value with unit and reason

A response is what a shock changes: the same city on the same draws with and without it; the line is
the mean over seeds, the band the middle two thirds of them. Seeds are those of evaluation.

A mean drifts if the last window differs from the first by more than luck and by more than matters:
beyond DRIFT_ERRORS standard errors, and beyond DRIFT_POINTS of what is a rate in per cent or
DRIFT_SHARE of what is not.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.progress import track

from city_node.kernel_cache import prepare

prepare()  # before anything imports numba

from engine.macro import events  # noqa: E402
from engine.macro.laboratory import (  # noqa: E402
    HOUSEHOLDS,
    advance_alone,
    found_alone,
    response,
)
from engine.macro.params import Behaviour  # noqa: E402
from engine.macro.state import Macro  # noqa: E402
from engine.macro.tally import TALLY  # noqa: E402
from engine.tables import Array  # noqa: E402
from tools.svg import Line, Panel, line_chart  # noqa: E402

FILE = Path(__file__).parents[1] / "docs" / "macro-responses.svg"
SHOCKS = {
    "policy rate +1 point": ("policy_rate", {"points": 1.0}),
    "productivity +1 %": ("productivity", {"percent": 1.0}),
    "a bank's failure": ("bank_failure", {"bank": 1}),
}
SHOWN = {
    "Output, %": "log output",
    "Unemployed people, %": "log unemployed",
    "Consumer prices, %": "log price_consumer",
    "Policy rate, points": "policy_rate",
    "Credit, %": "log credit",
}
MONTHS, TOLD_MONTHS = 48, 18
"""Drawn, and those whose extremes are printed: later on luck has parted the two histories."""

DRIFT_ERRORS = 3.3
"""What 14 means of 20 seeds exceed by luck in one table of twenty (Student's t, Bonferroni)."""

DRIFT_POINTS, DRIFT_SHARE = 0.5, 0.05
app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
Seeds = Annotated[int, typer.Option(help="How many.")]
FirstSeed = Annotated[int, typer.Option(help="The first of them.")]
Households = Annotated[int, typer.Option(help="A city.")]


@app.command()
def responses(seeds: Seeds = 12, households: Households = HOUSEHOLDS) -> None:
    """Draw the responses, and print their extremes."""
    found: dict[str, dict[str, Array]] = {}
    for name, (event, arguments) in SHOCKS.items():

        def shock(macro: Macro, event=event, arguments=arguments) -> None:  # type: ignore[no-untyped-def]
            events.EVENTS[event](macro, np.random.default_rng(0), **arguments)

        def one(seed: int, shock=shock) -> list[Array]:  # type: ignore[no-untyped-def]
            said = response(Behaviour(), seed, shock, months=MONTHS, households=households)
            return [said[key] for key in SHOWN.values()]

        with ThreadPoolExecutor() as pool:
            runs = pool.map(one, range(1, seeds + 1))
            courses = np.array(list(track(runs, f"{name:22}", total=seeds)))
        found[name] = {title: courses[:, place] for place, title in enumerate(SHOWN)}
    for name, panels in found.items():
        for title, courses in panels.items():
            mean = courses.mean(axis=0)
            month = int(np.abs(mean[:TOLD_MONTHS]).argmax())
            error = courses[:, month].std(ddof=1) / np.sqrt(seeds)
            print(f"{name}: {title}: largest {mean[month]:+.2f} ± {error:.2f} in month {month + 1}")
    FILE.write_text(drawn(found, seeds, households), "utf-8")
    print(f"wrote {FILE}")


def drawn(found: dict[str, dict[str, Array]], seeds: int, households: int) -> str:
    """A panel a shock and series, one below the other."""
    months = np.arange(1.0, MONTHS + 1)
    panels = []
    for title in SHOWN:
        lines = []
        for place, (name, courses) in enumerate(found.items()):
            low, high = np.percentile(courses[title], (16.7, 83.3), axis=0)
            key = ("Riverwood", "Seaside", "Portsville")[place]
            shock = SHOCKS[name][0].replace("_", " ")
            lines.append(Line(shock, key, months, courses[title].mean(axis=0), low, high))
        panels.append(Panel(title, lines))
    title = f"Responses of a macro city: {seeds} seeds of {households:,} households"
    return line_chart(title, panels, "months after the shock")


@app.command()
def drift(
    seeds: Seeds = 20, first_seed: FirstSeed = 201, households: Households = HOUSEHOLDS
) -> None:
    """Print the means of four windows of 25 years, and how far they move for the luck of seeds."""

    def one(seed: int) -> Array:
        macro, key = found_alone(Behaviour(), seed, households)
        series = advance_alone(macro, key, 12 * 110)
        return np.array([_means(series[120 + 300 * k : 420 + 300 * k]) for k in range(4)])

    with ThreadPoolExecutor() as pool:
        runs = pool.map(one, range(first_seed, first_seed + seeds))
        windows = np.array(list(track(runs, "110 years", total=seeds)))
    print("| mean of | 10–35 | 35–60 | 60–85 | 85–110 | last less first | drifts |")
    print("|---|--:|--:|--:|--:|--:|---|")
    for place, name in enumerate(_MEANS):
        means = windows[:, :, place].mean(axis=0)
        gaps = windows[:, 3, place] - windows[:, 0, place]
        gap, error = gaps.mean(), gaps.std(ddof=1) / np.sqrt(seeds)
        matters = DRIFT_POINTS if name.endswith("%") else DRIFT_SHARE * abs(means[0])
        drifts = abs(gap) > max(DRIFT_ERRORS * error, matters)
        shown = " | ".join(f"{mean:.3f}" for mean in means)
        print(f"| {name} | {shown} | {gap:+.3f} ± {error:.3f} | {'yes' if drifts else 'no'} |")


_MEANS = ("unemployment, %", "employment", "inflation, %", "growth, %", "policy rate, %",
          "spread, %", "utilisation, %", "consumption share", "investment share", "credit / output",
          "public debt / output, %", "bank capital", "firms failing a month", "price dispersion",
)  # fmt: skip


def _means(series: Array) -> list[float]:
    said = {name: series[:, place] for place, name in enumerate(TALLY)}
    force = said["unemployed"] + said["employment"]
    years = (len(series) - 1) / 12.0
    return [
        float(100.0 * (said["unemployed"] / force).mean()),
        float(said["employment"].mean()),
        float(100.0 * np.log(said["price_consumer"][-1] / said["price_consumer"][0]) / years),
        float(100.0 * np.log(said["output"][-1] / said["output"][0]) / years),
        float(said["policy_rate"].mean()),
        float(said["spread"].mean()),
        float(said["utilisation"].mean()),
        float((said["consumption"] / said["output"]).mean()),
        float((said["investment"] / said["output"]).mean()),
        float((said["credit"] / said["output_value"]).mean() / 12.0),
        float(100.0 * said["debt_ratio"].mean()),
        float(said["equity_ratio"].mean()),
        float(said["firms_failed"].mean()),
        float(said["price_dispersion"].mean()),
    ]


@app.command()
def parameters() -> None:
    """Print a table of every value, its unit and its reason, for docs/macro.md."""
    print("| name | value | unit | what |\n|---|---|---|---|")
    for field in fields(Behaviour):
        said = field.metadata
        print(f"| {field.name} | {field.default:.4g} | {said['unit']} | {said['reason']} |")


if __name__ == "__main__":
    app()
