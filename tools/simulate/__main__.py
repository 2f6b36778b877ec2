"""`python -m tools.simulate`: replay one seed, or run many, a bar meanwhile."""

import contextlib
import math
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing import get_context
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from city_node.cores import usable_cores
from city_node.kernel_cache import prepare

prepare()  # before anything imports numba

from tools import reliability  # noqa: E402
from tools.simulate.founding import PARAMETERS  # noqa: E402
from tools.simulate.simulation import Outcome, Scene, simulate  # noqa: E402

HOURS = 0.5

SEEDS_A_PROCESS = 20
"""Then a fresh one: after six hundred a process holds a gigabyte."""


def main(
    seed: Annotated[int | None, typer.Option(help="Replay this one, and tell its story.")] = None,
    seeds: Annotated[str | None, typer.Option(metavar="A:B", help="Run these.")] = None,
    hours: Annotated[float, typer.Option(min=0.0, help="Simulated, each.")] = HOURS,
    nodes: Annotated[int | None, typer.Option(min=2, help="Each; default: 2 to 4.")] = None,
    economies: Annotated[
        str | None,
        typer.Option(metavar="A,B,…", help="A node of each, which must trade; default: all kinds."),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Into docs/reliability.md.")] = False,
) -> None:
    """Simulate whole networks, faults and all."""
    console = Console()
    if (seed is None) == (seeds is None):
        raise typer.BadParameter("one of --seed and --seeds must be given")
    if nodes and economies:
        raise typer.BadParameter("of --nodes and --economies only one can be given")
    began_s = time.perf_counter()
    asked = hours, nodes, economies_of(economies) if economies else ()
    if seed is not None:
        outcomes = [simulate(Scene(seed, *asked), lambda line: print(line, flush=True))]
    else:
        scenes = [Scene(number, *asked) for number in numbers_of(seeds or "")]
        outcomes = until_stopped(shown(scenes, console))
        if len(outcomes) < len(scenes):
            console.print(f"stopped after {len(outcomes):,} of {len(scenes):,} seeds")
        if not outcomes:
            sys.exit(1)
    facts = summary(outcomes)
    facts["hours of computing, all cores"] = f"{(time.perf_counter() - began_s) / 3_600:.2f}"
    for what, told in facts.items():
        console.print(f"{what}: {told}", highlight=False, soft_wrap=True)
    failed = [outcome for outcome in outcomes if outcome.failure]
    for outcome in failed:
        console.print(failure_of(outcome), highlight=False, markup=False, soft_wrap=True)
    if keep:
        scene = outcomes[0].scene
        which = f"seeds {seeds}" if seeds else f"seed {seed}"
        command = f"python -m tools.simulate --{which} {scene.asked}"
        kept = reliability.keep(f"{heading(scene)}, {which}", command, facts)
        console.print(f"wrote {kept}")
    sys.exit(bool(failed))


def heading(scene: Scene) -> str:
    """Under which name runs of this kind are kept."""
    if scene.economies:
        return f"Simulated: {', '.join(scene.economies)}"
    return f"Simulated: {f'{scene.nodes:,} nodes' if scene.nodes else 'small networks'}"


def economies_of(names: str) -> tuple[str, ...]:
    """What `A,B,…` means."""
    economies = tuple(names.split(","))
    for name in economies:
        if name not in PARAMETERS:
            known = ", ".join(PARAMETERS)
            raise typer.BadParameter(f"economies = {name!r}: must be one of {known}")
    return economies


def numbers_of(seeds: str) -> range:
    """What `A:B` means: from A to B - 1."""
    first, _, end = seeds.partition(":")
    if not (first.isdecimal() and end.isdecimal() and int(first) < int(end)):
        raise typer.BadParameter(f"seeds = {seeds!r}: must be A:B with A below B, as in 0:50")
    return range(int(first), int(end))


def until_stopped(outcomes: Iterator[Outcome]) -> list[Outcome]:
    """All of them, or those there were when Ctrl-C came: hours of computing are worth a summary."""
    had: list[Outcome] = []
    with contextlib.suppress(KeyboardInterrupt):
        had.extend(outcomes)
    return had


def shown(scenes: list[Scene], console: Console) -> Iterator[Outcome]:
    """Run scenes, one a core at a time; failures are told as they happen."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with (
        get_context("spawn").Pool(
            min(usable_cores(), len(scenes)),
            signal.signal,  # Ctrl-C is the parent's to answer
            (signal.SIGINT, signal.SIG_IGN),
            SEEDS_A_PROCESS,
        ) as pool,
        Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as progress,
    ):
        task = progress.add_task("simulated", total=len(scenes))
        for outcome in pool.imap_unordered(simulate, scenes):
            progress.advance(task)
            if outcome.failure:
                for line in (*outcome.story, failure_of(outcome)):
                    console.print(line, highlight=False, markup=False, soft_wrap=True)
            yield outcome


def failure_of(outcome: Outcome) -> str:
    """What went wrong with a seed, and what replays it."""
    return f"seed {outcome.scene.seed}: {outcome.failure}\n    {outcome.scene.command}"


def summary(outcomes: list[Outcome]) -> dict[str, str]:
    """What was simulated, and what came of it."""
    faults: Counter[str] = Counter()
    for outcome in outcomes:
        faults.update(outcome.faults)
    entered, left = Counter[str](), Counter[str]()
    for outcome in outcomes:
        entered.update(outcome.count.entered)
        left.update(outcome.count.left)
    pairs = sum(math.comb(outcome.nodes, 2) for outcome in outcomes)
    simulated_h = sum(outcome.simulated_s for outcome in outcomes) / 3_600
    return {
        "seeds": f"{len(outcomes):,}",
        "nodes": f"{sum(outcome.nodes for outcome in outcomes):,}",
        "pairs of them joined": f"{sum(outcome.joined for outcome in outcomes):,} of {pairs:,}",
        "simulated hours": f"{simulated_h:,.1f}",
        "migrations": f"{entered.total():,}",
        **{f"- to {kind}, from it": f"{entered[kind]:,}, {left[kind]:,}" for kind in entered},
        "lost": f"{sum(outcome.count.lost for outcome in outcomes):,}",
        "duplicated": f"{sum(outcome.count.duplicated for outcome in outcomes):,}",
        "drift, minor units": f"{sum(outcome.count.drift_minor for outcome in outcomes):,}",
        "stuck": f"{sum(outcome.stuck for outcome in outcomes):,}",
        "faults": f"{faults.total():,}",
        **{f"- {kind}": f"{many:,}" for kind, many in faults.most_common()},
        "seeds failed": f"{sum(bool(outcome.failure) for outcome in outcomes):,}",
    }


if __name__ == "__main__":
    typer.run(main)
