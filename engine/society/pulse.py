"""A pulse of the society from end to end: environment, citizens, score, regime, harvest, prices.

Called by `merchants.advance_society`, by tests and benchmarks. What is random is counter-based:
the same state, key and parameters give the same future, however the pieces are spread.
"""

import math
from collections.abc import Callable

import numpy as np

from engine.economy import DEVICES, Spread, one_by_one
from engine.rng import drawn
from engine.society.layout import (
    BORN,
    DIED,
    DIED_WITH,
    DRAWN,
    ENERGY,
    GLEANED,
    MET_AT,
    MOVES_AT,
    PAID,
    POPULATION,
    SPILT,
    TRAITS_AT,
    Now,
    Scratch,
)
from engine.society.state import (
    BINS,
    BOUGHT,
    HARVESTED,
    OVERDRAWN,
    PLACES,
    REFILLED,
    TAXED,
    Society,
    admit,
)
from engine.society.state import (
    DIED as DIED_FLOW,
)
from engine.society.state import (
    GLEANED as GLEANED_FLOW,
)
from engine.society.state import (
    SPILT as SPILT_FLOW,
)
from engine.society.tiles import pair_left_over, pass_tiles
from engine.society.traits import BIN, INDUSTRY, TRAITS
from engine.tables import Array, allocate

PIECES = 16
PAIRS_A_PIECE_MIN = 64
"""32,768 places, some 0.3 ms: below that a hop to another thread costs more than it saves."""


def pulse(state: Society, key: np.uint64, spread: Spread = one_by_one) -> Society:
    """The state after a pulse; arrays are changed in place.

    Args:
        state: of the society.
        key: uint64, the city's key of randomness.
        spread: how pieces are run.
    """
    commons = state.commons
    number = int(commons.pulse[0]) + 1
    commons.pulse[0] = number
    pulse_key = np.uint64(drawn(int(key), number))
    if waiting := len(state.waiting.genes):
        state = admit(state, [drawn(int(pulse_key), who) for who in range(waiting)])
    refill(state)
    now = conditions(state, pulse_key)
    if DEVICES[state.device] == "cpu":
        sums, bins = citizens(state, now, pulse_key, spread)
    else:
        from engine.society.pulse_torch import citizens_on

        sums, bins = citizens_on(state, now, pulse_key)
    book(state, sums, bins)
    score(state)
    set_prices(state)
    return state


def places_of(state: Society) -> int:
    """How many citizens there is room for."""
    return len(state.people.energy) * PLACES


def refill(state: Society) -> None:
    """What flows into the pool, as far as it has room, and what the treasury bought for it."""
    commons, ages, age = state.commons, state.ages, int(state.commons.regime[0])
    places = places_of(state)
    room = max(0, int(ages.pool[age]) * places - int(commons.pool[0]))
    came = min(int(ages.refill[age]) * places, room)
    commons.pool[0] += came + commons.fed[0]
    commons.flows[REFILLED] += came
    commons.flows[BOUGHT] += commons.fed[0]
    commons.fed[0] = 0


def conditions(state: Society, key: np.uint64) -> Now:
    """The numbers of this pulse: crowding, degradation, and how tiles are paired."""
    commons, ages, age = state.commons, state.ages, int(state.commons.regime[0])
    tiles, places = len(state.people.energy), places_of(state)
    crowding = 256 * (places + 2 * int(commons.population[0])) // (2 * places)
    factor = 1 + int(key) % max(1, tiles - 1)
    while math.gcd(factor, tiles) != 1:
        factor = factor % tiles + 1
    return Now(
        tax=int(ages.base_tax[age]) * crowding,
        hazard=round(float(ages.hazard[age]) * 2**16),
        temptation=int(ages.temptation[age]),
        reward=degraded_reward(state),
        sucker=int(ages.sucker[age]),
        punishment=int(ages.punishment[age]),
        birth_cost=state.rules.birth_cost,
        tile_factor=factor,
        tile_shift=int(key >> np.uint64(32)) % tiles,
    )


def depletion_at(state: Society) -> int:
    """Units in the pool below which the reward shrinks."""
    age = int(state.commons.regime[0])
    return max(1, int(state.ages.pool[age] * state.ages.depletion[age] * places_of(state)))


def degraded_reward(state: Society) -> int:
    """R, less in proportion where the pool is below depletion; T, S and P stay what they are."""
    reward = int(state.ages.reward[state.commons.regime[0]])
    pool, depletion = int(state.commons.pool[0]), depletion_at(state)
    return reward if pool >= depletion else reward * pool // depletion


def citizens(
    state: Society, now: Now, key: np.uint64, spread: Spread = one_by_one
) -> tuple[Array, Array]:
    """The citizens' part of the pulse by the fused pass.

    Returns:
        int64[SUMS] and int64[256], the sums of the pulse and the histogram of energy, in which
        empty places count as 0.
    """
    pairs = -(-len(state.people.energy) // 2)
    pieces = max(1, min(PIECES, pairs // PAIRS_A_PIECE_MIN))
    ends = [pairs * piece // pieces for piece in range(pieces + 1)]
    left_over = np.empty(pairs, np.int64)
    scratches = [allocate(Scratch) for _ in range(pieces)]
    for scratch in scratches:
        scratch.kinds[:] = np.arange(PLACES) % state.rules.species

    def work(piece: int) -> Callable[[], None]:
        return lambda: pass_tiles(
            state.people, now, key, ends[piece], ends[piece + 1], left_over, scratches[piece]
        )

    spread([work(piece) for piece in range(pieces)])
    pair_left_over(state.people, now, key, left_over, scratches[0])
    sums = np.sum([scratch.sums for scratch in scratches], axis=0)
    return sums, np.sum([scratch.bins for scratch in scratches], axis=0)


def book(state: Society, sums: Array, bins: Array) -> None:
    """Enter what citizens paid, drew and left behind; what the pool lacks is overdrawn."""
    commons, flows = state.commons, state.commons.flows
    age = int(commons.regime[0])
    commons.population[0], commons.energy[0] = sums[POPULATION], sums[ENERGY]
    commons.trait_sums[:] += sums[TRAITS_AT : TRAITS_AT + TRAITS]
    commons.histogram[:] = bins
    commons.histogram[0] -= places_of(state) - sums[POPULATION]
    commons.met[:] = sums[MET_AT : MET_AT + 3]
    commons.cooperated[:] = sums[MOVES_AT : MOVES_AT + 3]
    commons.born[0] += sums[BORN]
    commons.died[0] += sums[DIED]
    flows[GLEANED_FLOW] += sums[GLEANED]
    flows[SPILT_FLOW] += sums[SPILT]
    flows[DIED_FLOW] += sums[DIED_WITH]
    pool = int(commons.pool[0]) - int(sums[DRAWN])
    commons.pool[0] = max(pool, 0)
    flows[OVERDRAWN] += max(-pool, 0)
    harvest(state, int(sums[PAID]), float(state.ages.productivity[age]))


def harvest(state: Society, paid: int, productivity: float) -> None:
    """A share of the taxes goes to the granary and becomes the good that the treasury sells.

    The share is the regime's productivity x (0.5 + mean industry). What the storehouse has no room
    for is not taken.
    """
    commons, treasury, rules = state.commons, state.treasury, state.rules
    industry = mean_trait(state, INDUSTRY)
    share = productivity * (0.5 + industry) if commons.population[0] else 0.0
    good = int(treasury.sells[0])
    room = max(0, (rules.storehouse_units - int(treasury.stock[good])) * rules.harvest_energy)
    taken = min(int(paid * share), max(0, room - int(commons.granary[0])), paid)
    units, commons.granary[0] = divmod(int(commons.granary[0]) + taken, rules.harvest_energy)
    treasury.stock[good] += units
    treasury.made[good] += units
    commons.flows[HARVESTED] += units * rules.harvest_energy
    commons.flows[TAXED] += paid - taken


def mean_trait(state: Society, trait: int) -> float:
    """The mean of a trait over all citizens, in [0, 1]; NaN: nobody lives."""
    population = int(state.commons.population[0])
    return float(state.commons.trait_sums[trait]) / (255 * population) if population else math.nan


def score(state: Society) -> None:
    """Gini and complexity, and with them perhaps another age."""
    commons, ages = state.commons, state.ages
    commons.gini[0] = gini_of_bins(commons.histogram, int(commons.energy[0]))
    evenness = 0.0 if math.isnan(commons.gini[0]) else 1.0 - float(commons.gini[0])
    commons.complexity[0] = int(commons.energy[0]) * evenness / places_of(state)
    age = int(commons.regime[0])
    if age + 1 < len(ages.refill) and commons.complexity[0] > ages.rises_above[age]:
        commons.regime[0] += 1
        commons.shifts[0] += 1
    elif age > 0 and commons.complexity[0] < ages.falls_below[age]:
        commons.regime[0] -= 1
        commons.shifts[0] += 1


def gini_of_bins(histogram: Array, total: int) -> float:
    """The Gini coefficient of energy as a histogram tells it: within a bin all hold the middle.

    The area under the Lorenz curve by trapezoids (as `engine.measures.gini` sums it over single
    values). Off by less than a bin of 32 units.

    Args:
        histogram: int64[256], citizens by energy.
        total: their energy; NaN is returned where it is 0.
    """
    count = int(histogram.sum())
    if count == 0 or total == 0:
        return math.nan
    middles = np.arange(BINS) * BIN + (BIN - 1) / 2
    held = histogram * middles
    below = np.cumsum(held) - held
    return float(1.0 - ((2.0 * below + held) * histogram).sum() / (count * held.sum()))


def set_prices(state: Society) -> None:
    """Base price x depletion / pool, within the swing: dear when the commons are empty."""
    treasury, swing = state.treasury, state.rules.price_swing
    want = depletion_at(state) / max(1, int(state.commons.pool[0]))
    treasury.price[:] = treasury.base_price * min(max(want, 1.0 / swing), swing)
