"""Small societies for tests: founded without a city around, and with traits as one wishes."""

from itertools import product

import numpy as np

from engine.economy import Setting
from engine.goods import Good
from engine.society.founding import found
from engine.society.layout import Now
from engine.society.params import REGIMES, Parameters
from engine.society.pulse import pulse
from engine.society.state import (
    AGE,
    BORN_WITH,
    REST,
    TRIBE,
    Society,
    count_all,
    hot_columns,
)
from engine.society.traits import (
    BEHAVIOURS,
    MATURITY,
    NAMES,
    SPAN,
    STORE,
    THRESHOLD,
    TRAITS,
    natures,
)

GOODS = {
    "wood": Good((0, 19), (4.0, 8.0), 15.0, gathered=True),
    "bed": Good((0, 1), (50.0, 60.0), 2.0),
}
NOTHING = Now(
    tax=0, hazard=0, temptation=0, reward=0, sucker=0, punishment=0,
    birth_cost=500, tile_factor=1, tile_shift=0,
)  # fmt: skip
"""A pulse in which nothing happens but encounters."""

STRATEGIES = list(product((0, 1), repeat=3))
"""(trust, forgive, opportunism) of those who leave nothing to chance."""


def society(population: int, *, seed: int = 1, founders=None, **rules) -> Society:
    """A society at its founding."""
    parameters = Parameters(population=population, **rules)
    return found(Setting(population, GOODS, {}, np.uint64(seed), founders), parameters)


def after(state: Society, pulses: int, *, seed: int = 1, spread=None) -> Society:
    """So many pulses later."""
    for _ in range(pulses):
        state = pulse(state, np.uint64(seed), *([spread] if spread else []))
    return state


def founders(rows: int = 512, *, seed: int = 0, **traits) -> np.ndarray:
    """A table of founders: every trait uniform, but for those given a value or an array."""
    table = np.random.default_rng(seed).random((rows, TRAITS + 1))
    table[:, TRAITS] = np.nan
    for name, value in traits.items():
        table[:, [*NAMES, "tribe"].index(name)] = value
    return table


def populated(places: np.ndarray, energy=1_000, *, tribe=0, mature=True, behaviour=None) -> Society:
    """A society in whose tiles just these places are taken, by people who neither age nor bear.

    Args:
        places: bool[tiles, 256].
        energy, tribe, mature: of all, or an array of the same shape.
        behaviour: uint8[9], or [tiles, 256, 9], of all; by default nobody ever cooperates.
    """
    tiles = len(places)
    state = society(0, capacity=256 * tiles)
    hot = hot_columns(state.people)
    genes = np.zeros((tiles, 256, TRAITS), np.uint8)
    genes[:, :, :BEHAVIOURS] = (0, 0, 255) * 3 if behaviour is None else behaviour
    state.people.genome.reshape(tiles, 256, -1)[:, :, :TRAITS] = genes
    hot[:, :BEHAVIOURS] = genes[:, :, :BEHAVIOURS].transpose(0, 2, 1)
    nature = natures(genes.reshape(-1, TRAITS)).reshape(tiles, 256, -1)
    hot[:, BORN_WITH:] = nature.transpose(0, 2, 1)
    hot[:, BORN_WITH + SPAN] = hot[:, BORN_WITH + STORE] = hot[:, BORN_WITH + THRESHOLD] = 255
    hot[:, AGE], hot[:, REST], hot[:, TRIBE] = 50, 0, tribe
    hot[:, BORN_WITH + MATURITY] = np.where(mature, 1, 200)
    state.people.energy[:] = places * np.asarray(energy)
    count_all(state)
    return state


def still_regime(**changes):
    """The first age without tax, hazard or any pay-off, but for what is changed."""
    from dataclasses import replace

    none = {"base_tax": 0, "hazard": 0.0, "temptation": 0, "reward": 0, "sucker": 0}
    return replace(REGIMES[0], **{**none, "punishment": 0, "refill": 0, **changes})
