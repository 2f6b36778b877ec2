"""Foxes and rabbits on a meadow, and the trappers who take furs: the world behind `tools/wilds.py`.

Called once a day. It must not know markets, wires or clocks: how hard people trap is told to it.

Rabbits multiply while the meadow feeds them (logistic growth), foxes eat rabbits at a rate that
saturates (Holling's disc equation), breed by what they eat and die of age: the model of Rosenzweig
and MacArthur, which swings by itself. Trapping takes a share of the animals that is proportional to
the effort, as Schaefer has it for fish. Everything is drawn: births by a Poisson, deaths by a
binomial distribution, so that animals are whole and each is accounted for. A few wander in from
beyond the hills, so that nothing is extinct for good.

- A. J. Lotka, Elements of Physical Biology, 1925; V. Volterra, Nature 118 (1926), 558-560
- C. S. Holling, The Canadian Entomologist 91 (1959), 385-398
- M. L. Rosenzweig, R. H. MacArthur, The American Naturalist 97 (1963), 209-223
- M. B. Schaefer, Bulletin of the Inter-American Tropical Tuna Commission 1 (1954), 27-56
"""

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Habits:
    """The numbers of the model, a day each. Untrapped, some 700 rabbits and 50 foxes balance, in
    swings of about 340 days that do not die down.

    Attributes:
        rabbits_max: how many the meadow feeds.
        litter: rabbits born a rabbit where there is grass enough.
        meals_max: rabbits a fox eats that need not search for them.
        half_fed_rabbits: how many rabbits there must be for half of that.
        cubs_a_meal: foxes born a rabbit eaten.
        fox_deaths: share of the foxes that dies.
        rabbits_trapped, foxes_trapped: share that trappers take at full effort.
        furs_of_a_fox: what a fox's pelt counts; a rabbit's is one.
        rabbits_wander, foxes_wander: how many come from beyond the hills, on average.
    """

    rabbits_max: int = 2_000
    litter: float = 0.06
    meals_max: float = 1.0
    half_fed_rabbits: float = 800.0
    cubs_a_meal: float = 0.05
    fox_deaths: float = 0.02
    rabbits_trapped: float = 0.02
    foxes_trapped: float = 0.002
    furs_of_a_fox: int = 3
    rabbits_wander: float = 0.2
    foxes_wander: float = 0.02


USUAL = Habits()


@dataclass
class Kind:
    """One kind of animal.

    Attributes:
        count: how many live; at first, or all below added up.
        born, came, lost, trapped: how many ever, where `lost` were eaten or died of age.
    """

    count: int
    born: int = 0
    came: int = 0
    lost: int = 0
    trapped: int = 0


@dataclass
class Meadow:
    """The animals of today."""

    rabbits: Kind = field(default_factory=lambda: Kind(800))
    foxes: Kind = field(default_factory=lambda: Kind(40))


def live_a_day(
    meadow: Meadow, random: np.random.Generator, effort: float, habits: Habits = USUAL
) -> int:
    """Let a day pass.

    Args:
        meadow: changed in place.
        effort: 0…1, how hard people trap.

    Returns:
        The furs trapped.
    """
    rabbits, foxes = meadow.rabbits, meadow.foxes
    grass = max(0.0, 1 - rabbits.count / habits.rabbits_max)
    born = int(random.poisson(habits.litter * rabbits.count * grass))
    fed = habits.meals_max / (habits.half_fed_rabbits + rabbits.count)  # a fox, of each rabbit
    eaten = int(random.binomial(rabbits.count, 1 - np.exp(-fed * foxes.count)))
    cubs = int(random.binomial(eaten, habits.cubs_a_meal))
    died = int(random.binomial(foxes.count, habits.fox_deaths))
    caught_rabbits = int(random.binomial(rabbits.count - eaten, habits.rabbits_trapped * effort))
    caught_foxes = int(random.binomial(foxes.count - died, habits.foxes_trapped * effort))
    _change(rabbits, born, int(random.poisson(habits.rabbits_wander)), eaten, caught_rabbits)
    _change(foxes, cubs, int(random.poisson(habits.foxes_wander)), died, caught_foxes)
    return caught_rabbits + habits.furs_of_a_fox * caught_foxes


def _change(kind: Kind, born: int, came: int, lost: int, trapped: int) -> None:
    kind.born += born
    kind.came += came
    kind.lost += lost
    kind.trapped += trapped
    kind.count += born + came - lost - trapped
