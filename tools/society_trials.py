"""Experiments with a society: what must be seen of it, each as numbers over seeds.

Called by `tools.society`, which runs twenty seeds and writes docs/society.md, and by the tests,
which run three of them. Every experiment is a function of a seed alone.
"""

from dataclasses import replace

import numpy as np

from engine.economy import Setting
from engine.goods import Good
from engine.society.founding import found
from engine.society.layout import Now
from engine.society.params import REGIMES, Parameters
from engine.society.pulse import citizens, pulse
from engine.society.report import series
from engine.society.state import (
    AGE,
    BORN_WITH,
    PLACES,
    REST,
    TRIBE,
    Society,
    count_all,
    hot_columns,
)
from engine.society.traits import (
    BEHAVIOURS,
    DRIFT,
    MATURITY,
    NAMES,
    NUMBER,
    RELATIONS,
    SPAN,
    STORE,
    THRESHOLD,
    TRAITS,
    natures,
)
from engine.tables import Array

GOODS = {"wood": Good((0, 19), (4.0, 8.0), 15.0, gathered=True)}
POPULATION, CAPACITY = 4_000, 8_000
STILL = Now(
    tax=0, hazard=0, temptation=0, reward=0, sucker=0, punishment=0,
    birth_cost=500, tile_factor=1, tile_shift=0,
)  # fmt: skip
"""A pulse in which nothing is paid, nobody dies, and nothing is earned."""

ALWAYS, NEVER, RECIPROCAL = (255, 255, 0), (0, 0, 255), (255, 255, 255)
"""(trust, forgive, opportunism) of three who leave nothing to chance."""


def society(seed: int, founders: Array | None = None, **rules: object) -> Society:
    """A society at its founding."""
    wanted = {"population": POPULATION, "capacity": CAPACITY} | rules
    parameters = Parameters(**wanted)  # type: ignore[arg-type]
    setting = Setting(parameters.population, GOODS, {}, np.uint64(seed), founders)
    return found(setting, parameters)


def founders(seed: int, **traits: float | Array) -> Array:
    """A table of 1,024 founders, every trait uniform but for those given."""
    table = np.random.default_rng(seed).random((1_024, TRAITS + 1))
    table[:, TRAITS] = np.nan
    for name, value in traits.items():
        table[:, NUMBER[name]] = value
    return table


def cooperation(state: Society, seed: int, pulses: int, last: int) -> tuple[Society, Array]:
    """So many pulses on, and the share of cooperating moves by relation over the last of them."""
    met, moves = np.zeros(3), np.zeros(3)
    for number in range(pulses):
        state = pulse(state, np.uint64(seed))
        if number >= pulses - last:
            met += state.commons.met
            moves += state.commons.cooperated
    return state, np.divide(moves, 6 * met, out=np.full(3, np.nan), where=met > 0)


# --- (a) ---


def by_relation(seed: int) -> Array:
    """Cooperation with kin, xeno, strangers: pulses 300 to 400 from symmetric founders."""
    return cooperation(society(seed), seed, 400, 100)[1]


def labels_swapped(seed: int) -> Array:
    """Two worlds of 64 tribes and 2 species: xeno and strangers are met equally often (32:31).

    In one the founders trust xeno and not strangers, in the other the other way round.

    Returns:
        cooperation with xeno of one less that with strangers of the other, and the reverse.
    """
    friendly = {"trust": 0.8, "forgive": 0.8, "opportunism": 0.2}
    wary = {"trust": 0.3, "forgive": 0.3, "opportunism": 0.7}
    found_ = []
    for number, (xeno, stranger) in enumerate(((friendly, wary), (wary, friendly))):
        traits = {f"x_{what}": value for what, value in xeno.items()}
        traits |= {f"s_{what}": value for what, value in stranger.items()}
        state = society(2 * seed + number, founders(seed, **traits), tribes=64, species=2)
        found_.append(cooperation(state, 2 * seed + number, 150, 50)[1])
    (_, xeno_a, stranger_a), (_, xeno_b, stranger_b) = found_
    return np.array([xeno_a - stranger_b, stranger_a - xeno_b])


# --- (b) ---


def settled(seed: int, tiles: int, taken: Array, behaviour: Array, **columns: object) -> Society:
    """People in the places taken, who neither age, pay nor bear, with a behaviour to everybody.

    Args:
        taken: bool[tiles, 256].
        behaviour: uint8[tiles, 256, 3], to all relations alike.
        columns: energy, tribe.
    """
    state = society(seed, population=0, capacity=tiles * PLACES)
    hot = hot_columns(state.people)
    hot[:, :BEHAVIOURS] = np.tile(behaviour, 3).transpose(0, 2, 1)
    hot[:, BORN_WITH + SPAN] = hot[:, BORN_WITH + STORE] = hot[:, BORN_WITH + THRESHOLD] = 255
    hot[:, BORN_WITH + MATURITY], hot[:, AGE] = 0, 1
    hot[:, TRIBE] = columns.get("tribe", 0)
    state.people.energy[:] = taken * np.asarray(columns.get("energy", 1_000))
    count_all(state)
    return state


def earned(state: Society, seed: int, groups: list[Array]) -> list[float]:
    """What the members of each group earn in one pulse, in the first age's pay-offs, on average."""
    first = REGIMES[0]
    now = STILL._replace(
        temptation=first.temptation,
        reward=first.reward,
        sucker=first.sucker,
        punishment=first.punishment,
    )
    before = state.people.energy.astype(np.int64)
    citizens(state, now, np.uint64(seed))
    gain = state.people.energy - before
    return [float(gain[group].mean()) for group in groups]


def reciprocators_among_defectors(seed: int) -> Array:
    """Earnings of reciprocators and of defectors: the former are 1 of 40, all in one place.

    One tile of forty, all full: it meets itself and one other tile, so about every second partner
    of a reciprocator is one too. A single one among defectors would earn P - S less than they do.
    """
    taken = np.ones((40, PLACES), bool)
    rare = np.zeros_like(taken)
    rare[7] = True
    behaviour = np.where(rare[:, :, None], RECIPROCAL, NEVER).astype(np.uint8)
    return np.array(earned(settled(seed, 40, taken, behaviour), seed, [rare, ~rare]))


def reciprocators_among_cooperators(seed: int) -> Array:
    """Earnings of reciprocators (1 of 40) and cooperators, where 1 of 10 always defects."""
    random = np.random.default_rng(seed)
    kinds = random.choice(3, (40, PLACES), p=(0.025, 0.875, 0.1))
    behaviour = np.array([RECIPROCAL, ALWAYS, NEVER], np.uint8)[kinds]
    state = settled(seed, 40, np.ones((40, PLACES), bool), behaviour)
    return np.array(earned(state, seed, [kinds == 0, kinds == 1]))


# --- (c) ---


def dead_world(seed: int) -> Array:
    """Cooperation at first and after 300 pulses in a world whose pool is empty, and in a rich one.

    Returns:
        float64[2, 2]: dead and rich world; all relations together, at first and at last.
    """
    found_ = []
    for refill in (0, 60):
        regime = replace(REGIMES[0], refill=refill, pool=1 if refill == 0 else 600)
        state = society(seed, regimes=(regime,))
        if refill == 0:
            state.commons.pool[0] = 0
        ends = []
        for pulses, last in ((10, 10), (290, 30)):
            met = moves = 0
            for number in range(pulses):
                state = pulse(state, np.uint64(seed))
                if number >= pulses - last:
                    met += int(state.commons.met.sum())
                    moves += int(state.commons.cooperated.sum())
            ends.append(moves / (6 * met) if met else np.nan)
        found_.append(ends)
    return np.array(found_)


# --- (d) ---

EVERY, STEPS, LAG, SETTLING = 150, 16, 4, 300


def neutral_walks(seed: int, tribes: int = 1) -> Array:
    """The mean of each trait, every 150 pulses (some four lives), from the 300th on: [17, 27].

    With one tribe anybody is anybody's mate. With several, a mark rises with the tribe it is in.
    """
    state = society(seed, tribes=tribes)
    means = []
    for number in range(SETTLING + EVERY * STEPS + 1):
        if number >= SETTLING and (number - SETTLING) % EVERY == 0:
            means.append(
                state.commons.trait_sums / (255 * max(1, int(state.commons.population[0])))
            )
        state = pulse(state, np.uint64(seed))
    return np.array(means)


def variance_ratios(walks: Array) -> Array:
    """VR(4) of each column: 1 for a random walk, less for one that is drawn back.

    (Lo and MacKinlay, "Stock Market Prices Do Not Follow Random Walks", 1988, without drift.)
    """
    steps = np.diff(walks, axis=0)
    longer = walks[LAG:] - walks[:-LAG]
    return (longer**2).mean(axis=0) / (LAG * (steps**2).mean(axis=0))


# --- (e) ---


def heritability(seed: int) -> Array:
    """Slopes of child on mid-parent, float64[27]: a hundred couples, each a tribe of its own."""
    random = np.random.default_rng(seed)
    couples, parents, childs = 100, [], []
    for attempt in range(12):
        state, genes = couple_tiles(random, couples, attempt + 100 * seed)
        before = state.people.energy.ravel() > 0
        citizens(state, STILL._replace(birth_cost=300), np.uint64(attempt + 100 * seed))
        born = (state.people.energy.ravel() > 0) & ~before
        tribe = hot_columns(state.people)[:, TRIBE].ravel()[born]
        parents.append(genes.reshape(couples, 2, TRAITS).mean(axis=1)[tribe])
        childs.append(state.people.genome[born, :TRAITS].astype(np.float64))
    mid, child = np.concatenate(parents), np.concatenate(childs)
    mid, child = mid - mid.mean(axis=0), child - child.mean(axis=0)
    return (mid * child).sum(axis=0) / (mid**2).sum(axis=0)


def couple_tiles(random: np.random.Generator, couples: int, seed: int) -> tuple[Society, Array]:
    """Two tiles with so many couples, all of them ready; genes float64[2 couples, 27], inside."""
    genes = random.integers(DRIFT, 256 - DRIFT, (2 * couples, TRAITS)).astype(np.uint8)
    state = society(seed, population=0, capacity=2 * PLACES, tribes=256)
    place = random.permutation(2 * PLACES)[: 2 * couples]
    state.people.genome[place, :TRAITS] = genes
    hot = hot_columns(state.people)
    for column, values in (
        *enumerate(genes[:, :BEHAVIOURS].T),
        (TRIBE, np.arange(2 * couples) // 2),
        (AGE, 30),
        (REST, 0),
        *((BORN_WITH + byte, values) for byte, values in enumerate(natures(genes).T)),
        (BORN_WITH + SPAN, 255),
        (BORN_WITH + THRESHOLD, 20),
    ):
        hot[place // PLACES, column, place % PLACES] = values
    state.people.energy.reshape(-1)[place] = 1_400
    count_all(state)
    return state, genes.astype(np.float64)


# --- one long history ---

COURSE_EVERY = 10


def course(seed: int, pulses: int = 2_000) -> Array:
    """Every ten pulses: population, cooperation by relation, pool, Gini, complexity, age, traits.

    Returns:
        float64[pulses / 10, 8 + 27].
    """
    state = society(seed, population=10_000, capacity=20_000)
    found_ = []
    for number in range(pulses):
        state = pulse(state, np.uint64(seed))
        if number % COURSE_EVERY == 0:
            now = series(state)
            names = ("population", *(f"cooperation_{r}" for r in RELATIONS), "pool", "gini_energy")
            names += ("complexity", "regime", *(f"trait_{name}" for name in NAMES))
            found_.append([now[name] for name in names])
    return np.array(found_)


# --- named tests ---


def sign_flip(differences: Array, seed: int = 0, flips: int = 20_000) -> float:
    """p of a two-sided paired permutation test: how often chance signs give as large a mean.

    (Fisher, "The Design of Experiments", 1935.)
    """
    signs = np.random.default_rng(seed).choice((-1.0, 1.0), (flips, len(differences)))
    means = np.abs((signs * differences).mean(axis=1))
    return float((means >= abs(differences.mean()) - 1e-15).mean())
