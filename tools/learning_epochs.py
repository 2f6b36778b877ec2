"""Whether fewer epochs cost reward: trainings of equal length, by more and by fewer.

    python -m tools.learning_epochs merchants --seeds 3   train merchants' 10 epochs, and 4
    python -m tools.learning_epochs macro --seeds 3       10 epochs of all acts, and train macro's

Prints the mean reward of the last fifth of each training, for each seed and with 95 % intervals
over seeds, and the paired difference. A seed of merchants takes some minutes of two cores.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import track

from city_node.kernel_cache import prepare

prepare()  # before anything imports numba

from city_node.laboratory import train, train_macro  # noqa: E402
from city_node.laboratory.merchant_lessons import Lessons  # noqa: E402
from city_node.machine import spread_over  # noqa: E402
from city_node.settings.wishes import Wishes  # noqa: E402
from engine.economy import Spread  # noqa: E402
from engine.learning.environment import Environment, Recorder  # noqa: E402
from engine.learning.ppo import Settings, learn, new_learners  # noqa: E402
from engine.learning.saved import use  # noqa: E402
from engine.macro.environment import MacroCities  # noqa: E402
from tools.intervals import interval  # noqa: E402

THREADS = 2
LAST = 0.2
"""Of a training: its updates there are its final reward."""

FEW_EPOCHS = 4
"""Of merchants, to compare with."""

Worlds = Callable[[int, Spread], Environment | Recorder]
"""Of a seed."""

app = typer.Typer(add_completion=False, rich_markup_mode=None, help=__doc__)
console = Console()

Seeds = Annotated[int, typer.Option(min=2, help="How many.")]
WorldsCount = Annotated[int, typer.Option("--worlds", min=1, help="Side by side.")]


@contextmanager
def threads() -> Iterator[Spread]:
    """Two, each with torch's own kept to one."""
    use("cpu")
    with spread_over(THREADS) as spread:
        yield spread


def final_rewards(
    environment: Environment | Recorder, settings: Settings, seed: int, steps: int, spread: Spread
) -> dict[str, float]:
    """By kind: the mean reward an act in the last updates of a training."""
    learners = new_learners(environment.spaces, settings, seed=seed)
    course = learn(environment, settings, learners, seed=seed, steps=steps, spread=spread)
    measures = [update.measures for update in course]
    last = measures[-max(1, round(LAST * len(measures))) :]
    return {kind: float(np.mean([of[kind]["reward"] for of in last])) for kind in learners}


def compare(worlds: Worlds, settings: dict[str, Settings], seeds: int, steps: int) -> None:
    """Train by all settings with every seed, and print."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in settings}
    with threads() as spread:
        for seed in track(range(1, seeds + 1), "training", console=console):
            for name, each in settings.items():
                rewards = final_rewards(worlds(seed, spread), each, seed, steps, spread)
                found[name].append(rewards)
                told = ", ".join(f"{kind} {value:+.4f}" for kind, value in rewards.items())
                console.print(f"seed {seed}, {name}: {told}", highlight=False)
    more, fewer = settings
    for kind in found[more][0]:
        columns = [np.array([of[kind] for of in found[name]]) for name in (more, fewer)]
        for name, values in (
            (more, columns[0]),
            (fewer, columns[1]),
            ("difference, paired", columns[1] - columns[0]),
        ):
            mean, half = interval(values)
            console.print(f"{kind}, {name}: {mean:+.4f} ± {half:.4f}", highlight=False)


@app.command()
def merchants(seeds: Seeds = 3, steps: int = 100_000, worlds: WorldsCount = 16) -> None:
    """Steps are ticks of every world."""
    settings = {
        f"{epochs} epochs": replace(train.SETTINGS, epochs=epochs)
        for epochs in (train.SETTINGS.epochs, FEW_EPOCHS)
    }

    def lessons(seed: int, spread: Spread) -> Lessons:
        del spread  # their kernels have threads of their own
        return Lessons(train.lesson_config(Wishes(seed=seed)), worlds, threads=THREADS)

    compare(lessons, settings, seeds, steps)


@app.command()
def macro(seeds: Seeds = 3, steps: int = train_macro.STEPS, worlds: WorldsCount = 16) -> None:
    """Steps are months of every city."""
    few = train_macro.SETTINGS
    settings = {
        "10 epochs of all acts": replace(few, epochs=10, rows_max=10**9),
        f"{few.epochs} epochs of {few.rows_max:,} acts": few,
    }
    compare(lambda _, spread: MacroCities(worlds, spread=spread), settings, seeds, steps)


if __name__ == "__main__":
    app()
