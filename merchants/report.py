"""What can be read off the merchants of a city: traits, generations, foundings, retirements.

Series and charts as an economy declares them (`engine.economy.Chart`), appended to those of
whatever economy the city has. Changes nothing.
"""

from collections.abc import Iterable

import numpy as np

from engine.economy import Chart
from merchants.genome import NAMES, TRAITS
from merchants.town import Town

LOW_PERCENT, HIGH_PERCENT = 10, 90
"""The spread that is shown: four of five merchants lie between."""

PAGES = (("Merchants' way", TRAITS[:6]), ("Merchants' trade", TRAITS[6:]))
"""Views of at most six panels each, with foundings and generations on the second."""


def _keys(name: str) -> tuple[str, str, str]:
    return f"trait_{name}_mean", f"trait_{name}_low", f"trait_{name}_high"


GENES = tuple(
    Chart(
        "band",
        "panels",
        trait.name.replace("_", " ").capitalize(),
        "gene, 0.5 neutral",
        _keys(trait.name),
        reference=0.5,
        view=view,
    )
    for view, traits in PAGES
    for trait in traits
)

LIVES = (
    Chart(
        "line",
        "panels",
        "Generation",
        "foundings from the first, mean",
        ("merchants_generation",),
        zero=True,
        view=PAGES[1][0],
    ),
    Chart(
        "line",
        "panels",
        "Founded and retired",
        "merchants so far",
        ("merchants_founded", "merchants_retired"),
        names=("founded", "retired"),
        zero=True,
        steps=True,
        view=PAGES[1][0],
    ),
)


def charts(towns: Iterable[Town]) -> tuple[Chart, ...]:
    """What to plot of the merchants in some towns: their genes only where any live by them."""
    by_genes = (
        town.rules.genes_act and (town.minds is None or town.rules.learned_share < 1.0)
        for town in towns
    )
    return (*GENES, *LIVES) if any(by_genes) else LIVES


def series(town: Town) -> dict[str, float]:
    """Mean, lowest and highest tenth of every trait; generation; who was founded, who retired.

    NaN for traits and generation where there is no merchant.
    """
    size = int(town.roster.size[0])
    found = {
        "merchants_founded": float(town.lives.founded[0]),
        "merchants_retired": float(town.lives.retired[0]),
        "merchants_generation": float("nan"),
    }
    courses = np.full((3, len(NAMES)), np.nan)
    if size:
        genomes = town.roster.rows.genome[:size]
        courses[0] = genomes.mean(axis=0)
        courses[1:] = np.percentile(genomes, (LOW_PERCENT, HIGH_PERCENT), axis=0)
        found["merchants_generation"] = float(town.roster.rows.generation[:size].mean())
    for number, name in enumerate(NAMES):
        found |= dict(zip(_keys(name), courses[:, number].tolist(), strict=True))
    return found
