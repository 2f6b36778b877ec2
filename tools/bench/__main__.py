"""`python -m tools.bench [NAME ...]`: measure, keep the results, rewrite docs/performance.md.

`--page` only rewrites the page from what is kept.
"""

from importlib import import_module
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from city_node.kernel_cache import prepare

prepare()  # before anything imports numba

from tools.bench.catalogue import BENCHMARKS  # noqa: E402
from tools.bench.machine import where  # noqa: E402
from tools.bench.report import told, write_page  # noqa: E402
from tools.bench.results import Result, keep  # noqa: E402


def main(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help=f"Of {', '.join(BENCHMARKS)}; default: all."),
    ] = None,
    page: Annotated[
        bool, typer.Option("--page", help="Measure nothing, rewrite the page.")
    ] = False,
) -> None:
    """Measure, keep the results, rewrite docs/performance.md."""
    console = Console()
    for name in names or ():
        if name not in BENCHMARKS:
            raise typer.BadParameter(f"name = {name!r}: must be one of {', '.join(BENCHMARKS)}")
    for name in [] if page else names or BENCHMARKS:
        result = measured(name, console)
        keep(name, result, where())
        show(name, result, console)
    console.print(f"wrote {write_page(BENCHMARKS)}")


def measured(name: str, console: Console) -> Result:
    """Run one benchmark, a bar meanwhile, which moves as the benchmark tells its share done."""
    columns = (TextColumn(name), BarColumn(), TextColumn("{task.description}"))
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
        task = progress.add_task("", total=1.0)

        def tell(doing: str, share_done: float) -> None:
            progress.update(task, description=doing, completed=share_done)

        result: Result = import_module(BENCHMARKS[name]).measure(tell)
    return result


def show(name: str, result: Result, console: Console) -> None:
    """Print what the page will hold."""
    console.print(f"[bold]{name}: {result.title}[/]")
    for row in result.rows:
        for line in told(row):
            console.print(line, highlight=False)
    console.print(f"\n{result.found}\n", highlight=False)


if __name__ == "__main__":
    typer.run(main)
