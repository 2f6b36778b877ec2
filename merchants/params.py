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
    """

    act_probability: float = 0.1
    starting_money: float = 1000.0
    capacity: int = 20
    gossip_weight: float = 0.1
    leave_probability: float = 0.01
    tax_free_money: float = 1000.0
    tax_divisor: int = 10

    def __post_init__(self) -> None:
        check("", "act_probability", self.act_probability, 0.0, 1.0)
        check("", "starting_money", self.starting_money, 0.0, 1e6)
        check("", "capacity", self.capacity, 1, 1_000_000)
        check("", "gossip_weight", self.gossip_weight, 0.0, 1.0)
        check("", "leave_probability", self.leave_probability, 0.0, 1.0)
        check("", "tax_free_money", self.tax_free_money, 0.0, 1e9)
        check("", "tax_divisor", self.tax_divisor, 1, 1_000_000)


Rules = scalars(Parameters, __name__, "Rules")
"""The same as a kernel takes them."""
