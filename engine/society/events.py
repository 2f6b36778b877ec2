"""The shocks that can be scheduled in a society: named functions that change the state at a tick.

Each takes the state and a random generator of its own, then its arguments by name, and returns the
money it made or destroyed. A bad argument is a ValueError of one line, and nothing has changed.
"""

from collections.abc import Callable

import numpy as np

from engine.economy import Issued
from engine.goods import check
from engine.money import MINOR_PER_COIN, MONEY_MINOR_MAX
from engine.society.pulse import places_of, score, set_prices
from engine.society.state import LOST, REFILLED, Society, count_all


def gift(society: Society, random: np.random.Generator, *, coins: float) -> Issued:
    """The treasury is given so many coins; fewer than none takes away, at most what it has."""
    del random
    check("", "coins", coins, -1e9, 1e9)
    money_minor = society.treasury.money_minor
    change_minor = max(round(coins * MINOR_PER_COIN), -int(money_minor[0]))
    check("", "treasury then, minor units", int(money_minor[0]) + change_minor, 0, MONEY_MINOR_MAX)
    money_minor[0] += change_minor
    return Issued(issued_minor=max(change_minor, 0), destroyed_minor=max(-change_minor, 0))


def drought(society: Society, random: np.random.Generator, *, share: float) -> Issued:
    """A share of the common pool dries up."""
    del random
    check("", "share", share, 0.0, 1.0)
    lost = int(int(society.commons.pool[0]) * share)
    society.commons.pool[0] -= lost
    society.commons.flows[LOST] += lost
    set_prices(society)
    return Issued()


def rain(society: Society, random: np.random.Generator, *, share: float) -> Issued:
    """So large a share of what a full pool holds flows into it, as far as there is room."""
    del random
    check("", "share", share, 0.0, 1.0)
    commons = society.commons
    full = int(society.ages.pool[commons.regime[0]]) * places_of(society)
    came = max(0, min(int(full * share), full - int(commons.pool[0])))
    commons.pool[0] += came
    commons.flows[REFILLED] += came
    set_prices(society)
    return Issued()


def plague(society: Society, random: np.random.Generator, *, share: float) -> Issued:
    """A random share of the citizens dies; what they held is lost."""
    check("", "share", share, 0.0, 1.0)
    energy = society.people.energy.reshape(-1)
    alive = np.flatnonzero(energy)
    dead = random.permutation(alive)[: round(share * len(alive))]
    society.commons.flows[LOST] += int(energy[dead].sum(dtype=np.int64))
    society.commons.died[0] += len(dead)
    energy[dead] = 0
    count_all(society)
    score(society)
    return Issued()


EVENTS: dict[str, Callable[..., Issued]] = {
    "gift": gift,
    "drought": drought,
    "rain": rain,
    "plague": plague,
}
