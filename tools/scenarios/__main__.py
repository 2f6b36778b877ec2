"""`python -m tools.scenarios`: run scenarios over many seeds, beside what the original showed.

Every number is printed with the mean and range of the seeds that were run, with the tolerance that
is stored and how many lie outside; every statement with how many seeds it held for. `--store`
keeps the runs as the new tolerances and rewrites `docs/scenarios.md`; `--pictures` draws one run
of each.
"""

from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from city_node.kernel_cache import prepare

prepare()  # before anything imports numba

from tools.scenarios.catalogue import SCENARIOS  # noqa: E402
from tools.scenarios.claims import Scenario, store, stored, tolerances  # noqa: E402
from tools.scenarios.page import PAGE, figure, page  # noqa: E402

SEEDS_LEAST = 2


def main(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help=f"Of {', '.join(SCENARIOS)}; default: all."),
    ] = None,
    seeds: Annotated[int, typer.Option(min=SEEDS_LEAST, help="How many.")] = 20,
    first_seed: Annotated[int, typer.Option(min=0, help="The first of them.")] = 0,
    pictures: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Draw the first seed's run of each there.")
    ] = None,
    store_runs: Annotated[
        bool, typer.Option("--store", help="Keep the runs as tolerances; rewrite the page.")
    ] = False,
) -> None:
    """Run scenarios over many seeds, beside what the original showed."""
    console = Console()
    for name in names or ():
        if name not in SCENARIOS:
            raise typer.BadParameter(f"name = {name!r}: must be one of {', '.join(SCENARIOS)}")
    failed = False
    for name in names or SCENARIOS:
        scenario = SCENARIOS[name]
        measured = run(scenario, range(first_seed, first_seed + seeds), console)
        runs = scenario.runs_of(measured)
        if store_runs:
            store(scenario, first_seed, runs)
        failed |= show(scenario, measured, console)
        if pictures is not None:
            draw(scenario, first_seed, pictures, console)
    if store_runs:
        PAGE.write_text(page(SCENARIOS.values()), "utf-8")
        console.print(f"wrote {PAGE}")
    raise typer.Exit(int(failed))


def run(scenario: Scenario, seeds: range, console: Console) -> list[object]:
    """The numbers of every seed, a bar meanwhile."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as progress:
        task = progress.add_task(scenario.name, total=len(seeds))
        measured = []
        for seed in seeds:
            measured.append(scenario.measure(seed))
            progress.advance(task)
    return measured


def show(scenario: Scenario, measured: list[object], console: Console) -> bool:
    """Print one scenario's table; returns whether a statement failed for most seeds."""
    kept = tolerances(stored(scenario))
    table = Table(title=f"{scenario.name}: {scenario.title}", title_justify="left", box=SIMPLE_HEAD)
    table.add_column("", min_width=20)
    for heading in ("original", "ours", "range", "tolerated", "outside"):
        table.add_column(heading, justify="right", no_wrap=True)
    runs = scenario.runs_of(measured)
    ours = tolerances(runs)
    for name, number in scenario.numbers().items():
        is_kept = name in kept
        outside = sum(not kept[name].holds(value) for value in runs[name]) if is_kept else 0
        table.add_row(
            number.meaning,
            figure(number.original),
            figure(ours[name].mean),
            f"{figure(ours[name].low)} … {figure(ours[name].high)}",
            f"{figure(kept[name].least)} … {figure(kept[name].most)}" if is_kept else "none",
            f"[red]{outside}[/]" if outside else "",
        )
    console.print(table)
    held = [scenario.statements(each) for each in measured]
    failed = False
    for words in held[0]:
        count = sum(each[words] for each in held)
        failed |= count < len(held)
        mark = "[green]yes[/]" if count == len(held) else "[red]no[/] "
        console.print(f"  {mark} {count:>3}/{len(held)}  {words}")
    console.print()
    return failed


def draw(scenario: Scenario, seed: int, folder: Path, console: Console) -> None:
    """Draw one run."""
    from tools.scenarios.pictures import picture  # the viewer's colours bring pygame along

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{scenario.name}.svg"
    path.write_text(picture(scenario, scenario.play(seed)[1]), "utf-8")
    console.print(f"drew {path}\n")


if __name__ == "__main__":
    typer.run(main)
