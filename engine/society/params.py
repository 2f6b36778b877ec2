"""Every number of the society's rules. Energy is counted in whole units, time in pulses."""

from dataclasses import dataclass

from engine.goods import check

POPULATION_MAX = 100_000_000
"""Places at founding: 52 bytes each."""

ENERGY_MAX = 8_000
"""Units that one citizen may hold, below 2**13: what is counted in a byte of 32 units."""

REGIMES_MAX = 16


@dataclass(frozen=True)
class Regime:
    """How the world of a society works in one age.

    Attributes:
        name: as it is shown.
        base_tax: units a pulse at an upkeep of 1 in a half full world.
        hazard: chance of death a pulse for one of average frailty.
        temptation, reward, sucker, punishment: T, R, S, P: units a round of the dilemma.
        refill: units a place and pulse that flow into the common pool.
        pool: units a place that the common pool holds at most.
        depletion: share of a full pool below which the reward shrinks with what is left.
        rises_above, falls_below: complexity, units a place, at which the next age begins or the
            last one returns; of the last and first age without meaning.
        productivity: share of the taxes that is harvested, at an average industry of one half.
    """

    name: str
    base_tax: int
    hazard: float
    temptation: int
    reward: int
    sucker: int
    punishment: int
    refill: int
    pool: int
    depletion: float
    rises_above: int
    falls_below: int
    productivity: float

    def __post_init__(self) -> None:
        where = f"regime {self.name!r}: "
        check(where, "base_tax", self.base_tax, 0, 1_000)
        check(where, "hazard", self.hazard, 0.0, 0.5)
        for field in ("temptation", "reward", "sucker", "punishment"):
            check(where, field, getattr(self, field), 0, 1_000)
        check(where, "refill", self.refill, 0, 10_000)
        check(where, "pool", self.pool, 1, 1_000_000)
        check(where, "depletion", self.depletion, 0.001, 1.0)
        check(where, "rises_above", self.rises_above, 0, ENERGY_MAX)
        check(where, "falls_below", self.falls_below, 0, ENERGY_MAX)
        check(where, "productivity", self.productivity, 0.0, 1.0)


REGIMES = (
    Regime("foraging", 36, 0.012, 50, 30, 0, 10, 14, 600, 0.5, 215, 0, 0.02),
    Regime("agrarian", 40, 0.010, 54, 34, 0, 10, 18, 900, 0.5, 260, 180, 0.05),
    Regime("industrial", 44, 0.008, 60, 38, 0, 10, 24, 1_200, 0.5, 320, 220, 0.08),
    Regime("technological", 48, 0.006, 66, 42, 0, 10, 32, 1_600, 0.5, ENERGY_MAX, 270, 0.12),
)
"""Found by trial: in the first, cooperation among founders feeds half the places; each later one
costs more and yields more, so that it lasts only while people cooperate enough."""


@dataclass(frozen=True)
class Parameters:
    """The rules of one society.

    Attributes:
        population: citizens at the founding; where founders come from a table, these, multiplied.
        capacity: places for citizens, at least as many as are founded; 0: twice as many.
        founders: a table of founders, a file that the node reads; "": everybody's traits are drawn.
        founder_multiplier: how many citizens each row of it becomes.
        pulse_ticks: ticks from pulse to pulse.
        tribes, species: how many there are at the founding; tribe t is of species t modulo species.
        starting_energy: units of a founder, and of one who settles.
        birth_cost: units a child is given by a parent of average nurture.
        sells: the harvest, a good of the world; "": the first that is gathered.
        buys: what the treasury buys; (): all other goods.
        price_share: base price of a good as a share of its mean base value.
        price_swing: how many times the base price a price reaches in want, and the inverse.
        harvest_energy: units of energy in a unit of the harvest; other goods by base price.
        storehouse: units of the harvest that are kept at most, a thousand places.
        treasury: coins at the founding.
        settles: chance an act that a merchant without goods settles.
        regimes: the ages, from the first on.
    """

    population: int = 10_000
    capacity: int = 0
    founders: str = ""
    founder_multiplier: int = 1
    pulse_ticks: int = 100
    tribes: int = 16
    species: int = 4
    starting_energy: int = 400
    birth_cost: int = 500
    sells: str = ""
    buys: tuple[str, ...] = ()
    price_share: float = 0.33
    price_swing: float = 4.0
    harvest_energy: int = 5_000
    storehouse: int = 10
    treasury: float = 20_000.0
    settles: float = 2e-6
    regimes: tuple[Regime, ...] = REGIMES

    def __post_init__(self) -> None:
        check("", "population", self.population, 0, POPULATION_MAX)
        check("", "capacity", self.capacity, 0, POPULATION_MAX)
        check("", "founder_multiplier", self.founder_multiplier, 1, POPULATION_MAX)
        check("", "pulse_ticks", self.pulse_ticks, 1, 1_000_000)
        check("", "tribes", self.tribes, 1, 256)
        check("", "species", self.species, 1, 256)
        check("", "starting_energy", self.starting_energy, 1, 1_500)
        check("", "birth_cost", self.birth_cost, 1, 1_500)
        check("", "price_share", self.price_share, 0.001, 1_000.0)
        check("", "price_swing", self.price_swing, 1.0, 1_000.0)
        check("", "harvest_energy", self.harvest_energy, 1, 1_000_000_000)
        check("", "storehouse", self.storehouse, 0, 1_000_000)
        check("", "treasury", self.treasury, 0.0, 1e9)
        check("", "settles", self.settles, 0.0, 1.0)
        check("", "number of regimes", len(self.regimes), 1, REGIMES_MAX)
