"""The society's state: citizens in tiles, the commons, the treasury; and how one is founded.

A tile is 256 places for citizens, each column of it contiguous. A place whose energy is 0 is empty:
nobody lives without. Energy is whole units and conserved: what citizens, pool and granary hold is
what came from the declared sources less what went to the declared sinks (`Commons.flows`), always.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, NamedTuple

import numpy as np

from engine.society.traits import (
    BEHAVIOURS,
    BIN,
    MATURITY,
    NATURE,
    TRAITS,
    natures,
)
from engine.tables import Array, Column, resized

PLACES = 256
"""In a tile: of the 20 bytes a citizen that a pulse reads, two tiles lie in the first cache."""

AGE, REST, TRIBE = BEHAVIOURS, BEHAVIOURS + 1, BEHAVIOURS + 2
BORN_WITH = BEHAVIOURS + 3
HOT = BORN_WITH + NATURE
"""Columns that every pulse reads: nine of behaviour, age, rest, tribe, and what nature made. One
after the other in a row of `People.hot`, so that the compiler sees that they do not overlap."""

BINS = 256
"""Of the histogram of energy, 32 units wide: beyond what anyone can hold."""

TILES_AT_ONCE = 256
"""Founded in one go: some 10 MB of scratch."""

SOURCES = ("founded", "refilled", "gleaned", "overdrawn", "bought", "settled")
SINKS = ("taxed", "died", "spilt", "harvested", "lost")
FLOWS = (*SOURCES, *SINKS)
(
    FOUNDED, REFILLED, GLEANED, OVERDRAWN, BOUGHT, SETTLED,
    TAXED, DIED, SPILT, HARVESTED, LOST,
) = range(len(FLOWS))  # fmt: skip
"""Sources: founders' energy and the first pool; what flows into the pool; what each finds alone
(P); what the arena paid and the pool did not hold; goods bought; settlers' energy. Sinks: taxes but
for the harvest; what the dead leave; what nobody could store; the harvest; what shocks destroy."""


class People(NamedTuple):
    """The citizens."""

    energy: Annotated[Array, Column("u2", "tiles 256", "units; 0: an empty place")]
    hot: Annotated[Array, Column("u1", f"tiles {HOT * PLACES}", "HOT columns")]
    genome: Annotated[Array, Column("u1", "places 32", "27 traits: read at births and deaths")]


class Commons(NamedTuple):
    """What all have together, and what is known of them after the last pulse."""

    pulse: Annotated[Array, Column("i8", "1", "pulses so far")]
    regime: Annotated[Array, Column("i8", "1", "which age it is")]
    shifts: Annotated[Array, Column("i8", "1", "advances and falls so far")]
    pool: Annotated[Array, Column("i8", "1", "units in the common pool")]
    granary: Annotated[Array, Column("i8", "1", "units on the way to becoming harvest")]
    fed: Annotated[Array, Column("i8", "1", "units bought since the last pulse, not yet in it")]
    population: Annotated[Array, Column("i8", "1", "citizens")]
    energy: Annotated[Array, Column("i8", "1", "units that citizens hold")]
    trait_sums: Annotated[Array, Column("i8", "27", "over all citizens, 255ths")]
    histogram: Annotated[Array, Column("i8", "256", "citizens by energy, 32 units a bin")]
    met: Annotated[Array, Column("i8", "3", "encounters of the last pulse by relation")]
    cooperated: Annotated[Array, Column("i8", "3", "moves of six an encounter that cooperated")]
    born: Annotated[Array, Column("i8", "1", "since the founding")]
    died: Annotated[Array, Column("i8", "1", "since the founding")]
    flows: Annotated[Array, Column("i8", "11", "units since the founding, as FLOWS")]
    gini: Annotated[Array, Column("f8", "1", "of energy; NaN: nobody lives")]
    complexity: Annotated[Array, Column("f8", "1", "energy x (1 - Gini), units a place")]


class Treasury(NamedTuple):
    """The city's purse, its stall and what it buys. Prices are set anew by every pulse."""

    money_minor: Annotated[Array, Column("i8", "1", "minor units")]
    sells: Annotated[Array, Column("i8", "1", "the harvest")]
    price: Annotated[Array, Column("f8", "goods", "coins: asked or paid at most; NaN: neither")]
    base_price: Annotated[Array, Column("f8", "goods", "coins, where the pool is at depletion")]
    unit_energy: Annotated[Array, Column("i8", "goods", "units of energy in a unit of the good")]
    stock: Annotated[Array, Column("i8", "goods", "units")]
    made: Annotated[Array, Column("i8", "goods", "units harvested since the founding")]
    used: Annotated[Array, Column("i8", "goods", "units bought and turned into energy")]
    trades: Annotated[Array, Column("i8", "1", "units bought and sold")]
    settles: Annotated[Array, Column("f8", "1", "chance an act that one without goods settles")]


class Founders(NamedTuple):
    """Whose genes those who settle get, where they bring none of a name."""

    genes: Annotated[Array, Column("u1", "founders 27", "255ths")]


class Waiting(NamedTuple):
    """Merchants who have settled and become citizens with the next pulse that has a place."""

    genes: Annotated[Array, Column("u1", "waiting 27", "255ths")]


class Rules(NamedTuple):
    pulse_ticks: int
    tribes: int
    species: int
    starting_energy: int
    birth_cost: int
    harvest_energy: int
    storehouse_units: int
    price_swing: float


"""What never changes, as plain numbers."""


class Ages(NamedTuple):
    """Regimes as arrays over ages, in the units of `engine.society.params.Regime`."""

    base_tax: Annotated[Array, Column("i8", "ages", "units a pulse")]
    hazard: Annotated[Array, Column("f8", "ages", "chance of death a pulse")]
    temptation: Annotated[Array, Column("i8", "ages", "T, units a round")]
    reward: Annotated[Array, Column("i8", "ages", "R, units a round")]
    sucker: Annotated[Array, Column("i8", "ages", "S, units a round")]
    punishment: Annotated[Array, Column("i8", "ages", "P, units a round")]
    refill: Annotated[Array, Column("i8", "ages", "units a place and pulse")]
    pool: Annotated[Array, Column("i8", "ages", "units a place")]
    depletion: Annotated[Array, Column("f8", "ages", "share of a full pool")]
    rises_above: Annotated[Array, Column("i8", "ages", "complexity, units a place")]
    falls_below: Annotated[Array, Column("i8", "ages", "complexity, units a place")]
    productivity: Annotated[Array, Column("f8", "ages", "share of the taxes")]


class Society(NamedTuple):
    """All there is to a society. `founders` and what follows (a number of DEVICES) never change."""

    people: People
    commons: Commons
    treasury: Treasury
    waiting: Waiting
    founders: Founders
    rules: Rules
    ages: Ages
    device: int


def hot_columns(people: People) -> Array:
    """uint8[tiles, HOT, 256]: `People.hot` by column, a view."""
    return people.hot.reshape(-1, HOT, PLACES)


def count_all(state: Society) -> None:
    """Count everybody and everything anew: at the founding and after a shock, never in a pulse."""
    people, commons = state.people, state.commons
    lives = people.energy > 0
    commons.population[0] = np.count_nonzero(lives)
    commons.energy[0] = people.energy.sum(dtype=np.int64)
    commons.trait_sums[:], commons.histogram[:] = 0, 0
    genome = people.genome.reshape(len(lives), PLACES, -1)
    for tile in range(0, len(lives), TILES_AT_ONCE):
        some = slice(tile, tile + TILES_AT_ONCE)
        commons.trait_sums[:] += genome[some][lives[some]][:, :TRAITS].sum(axis=0, dtype=np.int64)
        held = people.energy[some][lives[some]]
        commons.histogram[:] += np.bincount(held // BIN, minlength=BINS)


def with_waiting(state: Society, genes: Array) -> Society:
    """The state with one more who has settled; genes uint8[27]."""
    count = len(state.waiting.genes)
    waiting = resized(state.waiting, waiting=count + 1)
    waiting.genes[count] = genes
    return state._replace(waiting=waiting)


def admit(state: Society, draws: Sequence[int]) -> Society:
    """Make citizens of those who wait, as far as there are empty places; the others wait on.

    They are grown up, have a tribe by lot, and bring a founder's energy, which is a source.

    Args:
        draws: 64 random bits for each who waits.
    """
    people, commons = state.people, state.commons
    waiting = state.waiting.genes
    tiles = len(people.energy)
    entered = 0
    for genes, bits in zip(waiting, draws, strict=True):
        first = (bits >> 32) % tiles
        tile = next(
            (t % tiles for t in range(first, first + tiles) if not people.energy[t % tiles].all()),
            None,
        )
        if tile is None:
            break
        place = int(np.argmin(people.energy[tile]))
        nature = natures(genes[None])[0]
        hot = hot_columns(people)[tile, :, place]
        hot[:BEHAVIOURS], hot[BORN_WITH:] = genes[:BEHAVIOURS], nature
        hot[AGE], hot[REST] = nature[MATURITY], 0
        hot[TRIBE] = bits % 2**32 % state.rules.tribes
        people.genome[tile * PLACES + place, :TRAITS] = genes
        energy = state.rules.starting_energy
        people.energy[tile, place] = energy
        commons.population[0] += 1
        commons.energy[0] += energy
        commons.flows[SETTLED] += energy
        commons.trait_sums[:] += genes
        commons.histogram[energy // BIN] += 1
        entered += 1
    return state._replace(waiting=Waiting(waiting[entered:].copy()))


def energy_held(state: Society) -> int:
    """Units that citizens, counted one by one, pool and granary hold."""
    citizens = int(state.people.energy.sum(dtype=np.int64))
    return citizens + int(state.commons.pool[0] + state.commons.granary[0])


def energy_expected(state: Society) -> int:
    """Units that must be held, by the declared sources and sinks."""
    flows = state.commons.flows
    return int(flows[: len(SOURCES)].sum() - flows[len(SOURCES) :].sum())


def live(state: Society) -> Iterator[Array]:
    """Every array that the future depends on, in declared order."""
    yield from state.people
    yield from state.commons
    yield from state.treasury
    yield from state.waiting
    yield from state.founders
