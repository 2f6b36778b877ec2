"""What can be read off a society: money, prices, stock, series, samples, charts. Changes nothing.

Series come from what the last pulse counted; only `samples` looks at citizens, and at few.
"""

import math

import numpy as np

from engine.economy import Chart
from engine.money import MINOR_PER_COIN
from engine.society.pulse import degraded_reward, mean_trait, places_of
from engine.society.state import BORN_WITH, PLACES, Society, hot_columns
from engine.society.traits import BIN, LIFE, NAMES, NUMBER, RELATIONS, STORE
from engine.tables import Array

MOVES = 6
"""An encounter: three rounds of two."""

CHARTS = (
    Chart("line", "distributions", "Population", "citizens", ("population",), summary="total"),
    Chart(
        "line",
        "distributions",
        "Cooperation",
        "% of moves, by relation",
        tuple(f"cooperation_{relation}" for relation in RELATIONS),
        names=RELATIONS,
        zero=True,
    ),
    Chart("line", "distributions", "Inequality", "Gini of energy", ("gini_energy",), zero=True),
    Chart("lorenz", "distributions", "Energy", "share", ("energy",)),
    Chart("ridge", "distributions", "Energy", "units", ("energy",)),
    *(
        Chart("line", "panels", title, unit, (key,), zero=True, steps=steps, view="Commons")
        for title, unit, key, steps in (
            ("Regime", "age, from 0", "regime", True),
            ("Complexity", "units a place", "complexity", False),
            ("Common pool", "% of full", "pool", False),
            ("Reward", "R now, units a round", "reward", False),
            ("Energy", "units a citizen, mean", "energy_mean", False),
            ("Treasury", "coins", "treasury", False),
        )
    ),
    *(
        Chart(
            "line",
            "panels",
            {"trust": "Trust", "forgive": "Forgiveness", "opportunism": "Opportunism"}[what],
            "chance, mean",
            tuple(f"trait_{relation[0]}_{what}" for relation in RELATIONS),
            names=RELATIONS,
            view="Behaviour",
        )
        for what in ("trust", "forgive", "opportunism")
    ),
    Chart(
        "line",
        "panels",
        "Marks",
        "neutral traits, mean",
        tuple(f"trait_mark_{number}" for number in range(1, 7)),
        names=tuple(f"mark {number}" for number in range(1, 7)),
        reference=0.5,
        view="Behaviour",
    ),
    *(
        Chart(
            "line",
            "panels",
            trait.name.capitalize(),
            "mean",
            (f"trait_{trait.name}",),
            reference=0.5,
            view="Life",
        )
        for trait in LIFE
    ),
)


def residents(society: Society) -> int:
    """How many live here."""
    return int(society.commons.population[0])


def holdings_minor(society: Society) -> int:
    """The treasury, minor units: citizens have no money of their own."""
    return int(society.treasury.money_minor[0])


def purses(society: Society) -> Array:
    """int64[1]: where the merchants' taxes go: the treasury."""
    return society.treasury.money_minor


def prices(society: Society) -> Array:
    """float64[goods]: what the treasury asks, or pays at most; coins, NaN: it deals in none."""
    return society.treasury.price.copy()


def price_range(society: Society) -> Array:
    """float64[2, goods]: there is one price."""
    return np.stack([society.treasury.price] * 2)


def stock(society: Society) -> Array:
    """int64[goods]: units of the harvest in store; what is bought is used at once."""
    return society.treasury.stock.copy()


def trades(society: Society) -> int:
    """Units bought and sold since the founding."""
    return int(society.treasury.trades[0])


def series(society: Society) -> dict[str, float]:
    """Numbers to plot over time, NaN where nobody lives or nobody met."""
    commons, age = society.commons, int(society.commons.regime[0])
    population = int(commons.population[0])
    full = int(society.ages.pool[age]) * places_of(society)
    found = {
        "population": float(population),
        "gini_energy": float(commons.gini[0]),
        "complexity": float(commons.complexity[0]),
        "regime": float(age),
        "regime_shifts": float(commons.shifts[0]),
        "pool": 100.0 * int(commons.pool[0]) / full,
        "reward": float(degraded_reward(society)),
        "energy_mean": int(commons.energy[0]) / population if population else math.nan,
        "treasury": int(society.treasury.money_minor[0]) / MINOR_PER_COIN,
    }
    for number, relation in enumerate(RELATIONS):
        moves = MOVES * int(commons.met[number])
        cooperated = int(commons.cooperated[number])
        found[f"cooperation_{relation}"] = 100.0 * cooperated / moves if moves else math.nan
    for name in NAMES:
        found[f"trait_{name}"] = mean_trait(society, NUMBER[name])
    return found


def samples(society: Society, most: int) -> dict[str, Array]:
    """Energy of at most `most` citizens, evenly spaced, and the most that they can hold."""
    places = society.people.energy.size
    if most < 1:
        return {}
    rows = np.unique(np.linspace(0, places - 1, min(places, 4 * most)).astype(np.int64))
    energy = society.people.energy.reshape(-1)[rows]
    rows, energy = rows[energy > 0], energy[energy > 0]
    kept = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), most)).astype(np.int64))
    store = hot_columns(society.people)[
        rows[kept] // PLACES, BORN_WITH + STORE, rows[kept] % PLACES
    ]
    return {"energy": energy[kept].astype(np.float64), "store": float(BIN) * store}
