"""Every number of the merchants' rules, and of the tax that a city takes from those who arrive."""

from dataclasses import dataclass

from engine.goods import check
from engine.tables import scalars


@dataclass(frozen=True)
class Parameters:
    """The merchants' rules.

    Attributes:
        act_probability: chance to act in a tick, as a resident's.
        starting_money: coins of a merchant when his city is founded.
        capacity: units he can carry, all of one good.
        gossip_weight: how far, per act, what he expects here moves towards what a resident says.
        leave_probability: chance, per act, to set out on a random road.
        tax_free_money: coins that an arriving merchant may bring without tax.
        tax_divisor: of what he brings beyond, one part in so many goes to the residents.
        upkeep: coins that life costs him at every act, paid to a resident; only where merchants
            evolve, and any road leads out.
        founding_money: coins with which he founds another, who gets half of them.
        merchants_max_factor: nobody is founded in a city that has so many times its first
            merchants.
        ruin_money: coins; with less, and nothing to sell, he is ruined.
        retires_after_acts: acts in a row as a ruined man after which he retires.
        mutation_probability: chance, for each gene of one who is founded, to differ.
        mutation_drift: how far, at most; a step that leads out of [0, 1] is reflected.
        founders_spread: how far from neutral, at most, the genes of a city's first merchants lie,
            where merchants evolve.
    """

    act_probability: float = 0.1
    starting_money: float = 1000.0
    capacity: int = 20
    gossip_weight: float = 0.1
    leave_probability: float = 0.01
    tax_free_money: float = 1000.0
    tax_divisor: int = 10
    upkeep: float = 0.0
    founding_money: float = 2000.0
    merchants_max_factor: int = 4
    ruin_money: float = 1.0
    retires_after_acts: int = 1000
    mutation_probability: float = 0.1
    mutation_drift: float = 0.2
    founders_spread: float = 0.0

    def __post_init__(self) -> None:
        check("", "act_probability", self.act_probability, 0.0, 1.0)
        check("", "starting_money", self.starting_money, 0.0, 1e6)
        check("", "capacity", self.capacity, 1, 1_000_000)
        check("", "gossip_weight", self.gossip_weight, 0.0, 1.0)
        check("", "leave_probability", self.leave_probability, 0.0, 1.0)
        check("", "tax_free_money", self.tax_free_money, 0.0, 1e9)
        check("", "tax_divisor", self.tax_divisor, 1, 1_000_000)
        check("", "upkeep", self.upkeep, 0.0, 1e6)
        check("", "founding_money", self.founding_money, 0.0, 1e9)
        check("", "merchants_max_factor", self.merchants_max_factor, 1, 1_000)
        check("", "ruin_money", self.ruin_money, 0.0, 1e9)
        check("", "retires_after_acts", self.retires_after_acts, 1, 10**12)
        check("", "mutation_probability", self.mutation_probability, 0.0, 1.0)
        check("", "mutation_drift", self.mutation_drift, 0.0, 1.0)
        check("", "founders_spread", self.founders_spread, 0.0, 0.5)


Rules = scalars(Parameters, __name__, "Rules")
"""The same as a kernel takes them."""
