"""`docs/scenarios.md`, written from what the scenarios say of themselves and their stored runs.

Called by the command line after it has stored runs.
"""

from collections.abc import Iterable
from pathlib import Path

from tools.markdown import filled
from tools.scenarios.claims import DEVIATIONS, Runs, Scenario, stored, tolerances

DOCS = Path(__file__).parents[2] / "docs"

PAGE = DOCS / "scenarios.md"

HEAD = f"""
Written by `python -m tools.scenarios --store`: do not edit, change the scenario.

The tutorial's chapters 1 to 6 on our engine. Each scenario is a plain function from a seed to
numbers (`tools/scenarios/`), its world a file that anybody may run (`examples/`), its shocks
events that any operator may schedule. *Original* is what the tutorial's own program showed in one
run, or follows from it; *ours* is the mean of the seeds, with the lowest and highest of them;
*tolerated* is that mean give or take {DEVIATIONS:g} standard deviations, to which
`tests/test_scenarios.py` holds three of them. A *picture* is a hundred ticks, as the original drew
them. The charts are of one seed.
"""


def page(scenarios: Iterable[Scenario]) -> str:
    """The page for all scenarios that have runs stored."""
    parts = ["# What the economy shows, against what the original showed\n", filled(HEAD) + "\n"]
    for chapter, scenario in enumerate(scenarios, start=1):
        runs = stored(scenario)
        if runs:
            parts += section(chapter, scenario, runs)
    return "\n".join(parts)


def section(chapter: int, scenario: Scenario, runs: Runs) -> list[str]:
    """One scenario's part of the page."""
    of = tolerances(runs)
    seeds = len(next(iter(runs.values())))
    rows = [
        f"| {number.meaning} | {figure(number.original)} | {figure(of[name].mean)} "
        f"| {figure(of[name].low)} … {figure(of[name].high)} "
        f"| {figure(of[name].least)} … {figure(of[name].most)} |"
        for name, number in scenario.numbers().items()
    ]
    seen = [f"- {words}: {count} of {seeds}" for words, count in counted(scenario, runs).items()]
    parts = [
        f"## {chapter}. {scenario.title}\n",
        f"`python -m tools.scenarios {scenario.name}`\n",
        filled(scenario.about.split("\n\n", 1)[1]),
        f"\n![{scenario.title}](scenarios/{scenario.name}.svg)\n",
        "| | original | ours | lowest … highest | tolerated |",
        "|---|--:|--:|--:|--:|",
        *rows,
        "\nSeen with so many of the seeds:\n",
        *seen,
        "",
    ]
    return (
        [*parts, filled("**What differs.** " + scenario.differs) + "\n"]
        if scenario.differs
        else parts
    )


def counted(scenario: Scenario, runs: Runs) -> dict[str, int]:
    """For each statement, the number of stored runs for which it holds."""
    each_run = [
        scenario.statements(scenario.measured(**dict(zip(runs, values, strict=True))))
        for values in zip(*runs.values(), strict=True)
    ]
    return {words: sum(held[words] for held in each_run) for words in each_run[0]}


def figure(value: float | None) -> str:
    """A number as people write it: three digits that count, or three decimals."""
    if value is None:
        return ""
    size = abs(value)
    decimals = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 0.1 else 3
    text = f"{round(value, decimals) + 0.0:,.{decimals}f}"  # + 0.0: no minus zero
    return "0" if float(text.replace(",", "")) == 0.0 else text.replace("-", "−")
