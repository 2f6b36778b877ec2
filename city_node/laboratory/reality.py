"""`city-node reality`: runs an economy on many seeds, grades it, and shows the sheet.

How an economy hands its series over is told in `engine.reality.series`; what is measured and how it
is graded, in the rest of `engine.reality`. This is their coat: threads, files, a progress bar.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn

from city_node.errors import ConfigError
from city_node.laboratory.reality_picture import draw_reality
from city_node.laboratory.reality_sheet import as_json, print_accounts, print_sheet
from city_node.laboratory.series_files import read_series, runs_in, write_series
from city_node.laboratory.us_data import us_quarters
from city_node.laboratory.workers import Kept, Workers, working
from engine.economy import UnknownEconomyError, load
from engine.reality.quarters import Quarters
from engine.reality.report import (
    PUBLISHED,
    Control,
    Report,
    Run,
    control,
    data_controls,
    graded_run,
    noise_controls,
    report,
)
from engine.reality.series import RUN_MONTHS, Series

RANDOM_RUNS_MAX = 10
"""Of the control whose agents act at random: enough to see that it is no economy."""


@dataclass(frozen=True)
class Asked:
    """What the user wants.

    Attributes:
        seeds, first_seed: how many runs, and the seed of the first.
        economy: its name.
        data: a file of FRED-QD to measure the control of real data with.
        grade: a folder of series to grade instead of running an economy.
        series: a folder to write the series into.
        plot: a picture to draw.
        json: print one line of JSON and no sheet.
        workers: who runs the seeds, see `workers.workers_of`.
    """

    seeds: int
    first_seed: int
    economy: str
    data: Path | None = None
    grade: Path | None = None
    series: Path | None = None
    plot: Path | None = None
    json: bool = False
    workers: str = "1"


@dataclass(frozen=True)
class Measured:
    """All that is shown: of the economy, of the controls, and the runs themselves."""

    name: str
    report: Report
    controls: list[Control]
    runs: list[Run]
    real: Quarters | None


def show(asked: Asked) -> None:
    """Measure, then print, draw.

    Raises:
        ConfigError: something asked for is impossible.
    """
    measured = measure(asked)
    console = Console()
    if asked.json:
        line = msgspec.json.encode(as_json(measured.report, measured.controls))
        print(line.decode())
    else:
        print_sheet(console, measured.name, measured.report, measured.controls)
    if asked.plot is not None:
        draw_reality(asked.plot, measured.name, measured.runs, measured.real)


def show_accounts(economy: str, seed: int) -> bool:
    """Print an economy's balance sheet and flows; whether all rows and columns are zero.

    Raises:
        ConfigError: it has none.
    """
    accounts = _part(economy, "reality_accounts")(seed, RUN_MONTHS)
    return print_accounts(Console(), accounts)


def measure(asked: Asked) -> Measured:
    """Grade the economy, or the files, and the controls, with a progress bar on stderr.

    Raises:
        ConfigError: something asked for is impossible.
    """
    real = us_quarters(asked.data) if asked.data is not None else None
    acted: list[Control] = []
    if asked.grade is not None:
        runs = [_graded(seed, read_series(here), None) for seed, here in runs_in(asked.grade)]
        name = str(asked.grade)
    else:
        _part(asked.economy, "reality_run")
        seeds = range(asked.first_seed, asked.first_seed + asked.seeds)
        name = f"{asked.economy}, seeds {seeds[0]} to {seeds[-1]}"
        acting = seeds[:RANDOM_RUNS_MAX]
        with _bar() as bar, working(asked.workers) as workers:
            run = partial(_runs, workers, asked.economy)
            task = bar.add_task(asked.economy, total=len(seeds) + len(acting))
            runs = list(run(seeds, "rules", asked.series, lambda: bar.advance(task)))
            bar.update(task, description="random actions")
            random = list(run(acting, "random", None, lambda: bar.advance(task)))
        words = "the same economy, every agent's actions drawn at random"
        acted.append(control("random_actions", words, [each.facts for each in random]))
    of_data = PUBLISHED if real is None else data_controls(real)
    controls = [*of_data, *noise_controls(), *acted]
    return Measured(name, report([run.facts for run in runs]), controls, runs, real)


def _bar() -> Progress:
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True))


def _runs(
    workers: Workers | None,
    economy: str,
    seeds: Sequence[int],
    actions: str,
    folder: Path | None,
    done: Callable[[], None],
) -> Iterator[Run]:
    """Every seed's run, graded, in the order of the seeds; by workers, or in a thread a core."""
    asked = [(economy, seed, actions, folder) for seed in seeds]
    if workers is not None:
        for run in workers.each(_run_of, asked):
            done()
            yield run
        return
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        waiting = [pool.submit(_run_of, {}, each) for each in asked]
        try:
            for finished in as_completed(waiting):
                finished.result()
                done()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    yield from (each.result() for each in waiting)


def _run_of(_: Kept, asked: tuple[str, int, str, Path | None]) -> Run:
    """One seed's run of an economy, graded: a piece of work."""
    economy, seed, actions, folder = asked
    return _graded(seed, _part(economy, "reality_run")(seed, RUN_MONTHS, actions), folder)


def _graded(seed: int, series: Series, folder: Path | None) -> Run:
    if folder is not None:
        write_series(folder, seed, series)
    try:
        return graded_run(seed, series)
    except ValueError as error:
        raise ConfigError(f"series of seed {seed}: {error}") from None


def _part(economy: str, name: str) -> Any:
    """A function that an economy may have.

    Raises:
        ConfigError: there is no such economy, or it has no such function.
    """
    try:
        module = load(economy)
    except UnknownEconomyError as error:
        raise ConfigError(str(error)) from None
    found = getattr(module, name, None)
    if found is None:
        raise ConfigError(f"economy = '{economy}': has no series that could be graded ({name})")
    return found
