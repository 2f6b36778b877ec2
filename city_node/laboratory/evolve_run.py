"""`city-node evolve`: runs the laboratory with a progress bar, draws what happened, saves the best.

What the laboratory does is in `evolve`; this is its coat.
"""

from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import Progress, TextColumn
from rich.table import Table

from city_node.laboratory.evolve import Laboratory, Lives, best_of, generations, save
from city_node.laboratory.picture import Band, Panel, draw
from engine.tables import Array
from merchants.genome import NAMES, TRAITS
from merchants.report import HIGH_PERCENT, LOW_PERCENT


def run(asked: Laboratory, saved: Path, picture: Path | None) -> None:
    """Evolve, show progress, save the best genomes and the picture.

    Raises:
        ConfigError: a file cannot be written.
    """
    console = Console()
    console.print(
        f"seed {asked.config.seed}: {asked.generations} generations of {asked.ticks:,} ticks in "
        f"{', '.join(city.name for city in asked.config.cities)}",
        highlight=False,
    )
    courses: list[Array] = []
    gains: list[Array] = []
    with Progress(
        *Progress.get_default_columns(), TextColumn("{task.fields[gained]}"), console=console
    ) as bar:
        task = bar.add_task("evolving", total=asked.generations, gained="")
        for lives in generations(asked):
            courses.append(spread(lives.genes))
            gains.append(spread(lives.gained))
            bar.update(task, advance=1, gained=f"{gains[-1][0]:+,.0f} coins")
    best, gained = best_of(asked, last(lives))
    save(asked, best, gained, saved)
    console.print(table(best, gained))
    console.print(f'saved {saved}: [merchants] genome = "{saved}"', markup=False, highlight=False)
    if picture is not None:
        draw(
            picture, panels(np.array(courses), np.array(gains)), "What selection made of merchants"
        )
        console.print(f"drew {picture}", highlight=False)


def last(lives: Lives) -> Array:
    """float64[population, traits]: the genomes in the order in which they were dealt."""
    return lives.genes[np.argsort(lives.number)]


def spread(values: Array) -> Array:
    """[3, ...]: mean, lowest and highest tenth along the first axis."""
    low_high = np.percentile(values, (LOW_PERCENT, HIGH_PERCENT), axis=0)
    return np.concatenate([values.mean(axis=0)[None], low_high])


def panels(courses: Array, gains: Array) -> list[Panel]:
    """A panel a trait, and one of what was gained.

    Args:
        courses: float64[generations, 3, traits].
        gains: float64[generations, 3], coins.
    """
    found = [Panel("gained in a generation", "coins", [Band("", *gains.T)], reference=0.0)]
    for number, trait in enumerate(TRAITS):
        band = Band("", *courses[:, :, number].T)
        found.append(
            Panel(trait.name.replace("_", " "), "gene", [band], reference=0.5, low=0.0, high=1.0)
        )
    return found


def table(best: Array, gained: Array) -> Table:
    """The saved genomes for people: their mean, and the ablest's."""
    shown = Table(title=f"the {len(best)} ablest, +{gained.mean():,.0f} coins on average")
    for name in ("trait", "mean", "ablest", "who has more of it"):
        shown.add_column(name, justify="right" if name in ("mean", "ablest") else "left")
    for number, name in enumerate(NAMES):
        mean, first = best[:, number].mean(), best[0, number]
        shown.add_row(name, f"{mean:.2f}", f"{first:.2f}", TRAITS[number].meaning)
    return shown
