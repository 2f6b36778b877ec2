"""What each trait of a citizen does: runs, or single births, at a low and at a high value of it.

Called by `tools.society` and the tests, as is `tools.society_trials`, whose societies these are.
"""

from collections.abc import Callable

import numpy as np

from engine.society.pulse import citizens, pulse
from engine.society.state import (
    AGE,
    BORN_WITH,
    PLACES,
    REST,
    TRIBE,
    Society,
    hot_columns,
)
from engine.society.traits import MATURITY, NUMBER, SPAN, STORE, THRESHOLD, TRAITS
from engine.tables import Array
from tools.society_trials import STILL, couple_tiles, founders, society


def with_trait(name: str, value: float, seed: int, pulses: int = 60) -> tuple[Society, float]:
    """A society of one value of a trait, and the citizen-pulses lived in it."""
    state = society(seed, founders(seed, **{name: value}))
    lived = 0
    for _ in range(pulses):
        lived += int(state.commons.population[0])
        state = pulse(state, np.uint64(seed))
    return state, float(lived)


def _newborn(state: Society) -> Array:
    fresh = (hot_columns(state.people)[:, AGE] == 0) & (state.people.energy > 0)
    return state.people.energy[fresh].astype(np.float64)


def _of_hot(state: Society, column: int) -> float:
    values = hot_columns(state.people)[:, column][state.people.energy > 0]
    return float(values.mean())


EFFECTS: dict[str, tuple[str, Callable[[Society, float], float], int]] = {
    "hardiness": (
        "deaths, % a pulse",
        lambda state, lived: 100 * int(state.commons.died[0]) / lived,
        -1,
    ),
    "longevity": ("span, pulses", lambda state, _: _of_hot(state, BORN_WITH + SPAN), 1),
    "precocity": ("mature at, pulses", lambda state, _: _of_hot(state, BORN_WITH + MATURITY), -1),
    "storage": (
        "highest energy",
        lambda state, _: float(state.people.energy.max()),
        1,
    ),
    "thrift": (
        "tax, units a citizen and pulse",
        lambda state, lived: int(state.commons.flows[6]) / lived,
        -1,
    ),
    "fertility": (
        "births, % a pulse",
        lambda state, lived: 100 * int(state.commons.born[0]) / lived,
        1,
    ),
    "nurture": ("energy of the newborn", lambda state, _: float(_newborn(state).mean()), 1),
    "patience": ("rest, pulses, mean", lambda state, _: _of_hot(state, REST), 1),
    "risk": (
        "deviation of newborns' energy",
        lambda state, _: float(_newborn(state).std()),
        1,
    ),
    "industry": (
        "harvest, units of energy a citizen and pulse",
        lambda state, lived: (int(state.commons.flows[9]) + int(state.commons.granary[0])) / lived,
        1,
    ),
}
"""Of each trait that shows in a short run: what is measured, how, and which way it goes. The other
two, choosiness and generosity, show at a single birth: `at_a_birth`."""


def effect(name: str, seed: int) -> Array:
    """What is measured of a trait at 0.05 and at 0.95."""
    if name not in EFFECTS:
        return np.array([at_a_birth(name, value, seed) for value in (0.05, 0.95)])
    measure = EFFECTS[name][1]
    return np.array([measure(*with_trait(name, value, seed)) for value in (0.05, 0.95)])


AT_A_BIRTH = {
    "choosiness": ("the richer of two is the mate, %", 1),
    "generosity": ("given to the mate, % of what is left", 1),
}


def at_a_birth(name: str, value: float, seed: int) -> float:
    """Tribes of three: one is ready; a rich and a poor one are not, and differ in their marks."""
    random = np.random.default_rng(seed)
    state, _ = couple_tiles(random, 0, seed)
    tribes = 100
    place = random.permutation(2 * PLACES)[: 3 * tribes].reshape(tribes, 3)
    genes = np.full((tribes, 3, TRAITS), 100, np.uint8)
    genes[:, 0, NUMBER[name]] = round(255 * value)
    genes[:, 1, NUMBER["mark_1"] :] = 200
    state.people.genome[place, :TRAITS] = genes
    hot = hot_columns(state.people)
    for role, energy in enumerate((1_400, 1_300, 300)):
        who = place[:, role]
        state.people.energy[who // PLACES, who % PLACES] = energy
        for column, values in (
            (TRIBE, np.arange(tribes)),
            (AGE, 30),
            (REST, 0 if role == 0 else 50),
            (BORN_WITH + SPAN, 255),
            (BORN_WITH + STORE, 255),
            (BORN_WITH + MATURITY, 1),
            (BORN_WITH + THRESHOLD, 20),
        ):
            hot[who // PLACES, column, who % PLACES] = values
    before = state.people.energy.ravel().copy()
    citizens(state, STILL._replace(birth_cost=300), np.uint64(seed))
    after = state.people.energy.ravel()
    if name == "generosity":
        given = (after[place[:, 1:]].astype(int) - before[place[:, 1:]]).sum()
        return 100.0 * given / float(after[place[:, 0]].sum() + given)
    born = (after > 0) & (before == 0)
    marks = state.people.genome[born][:, NUMBER["mark_1"] : NUMBER["mark_6"] + 1]
    return 100.0 * float((marks > 150).any(axis=1).mean())
