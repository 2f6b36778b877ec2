"""Every number of the bazaar's rules. What belongs to one good is in `engine.goods.Good`."""

from dataclasses import dataclass

from engine.goods import check
from engine.tables import scalars


@dataclass(frozen=True)
class Parameters:
    """The residents' rules.

    Attributes:
        act_probability: chance to act in a tick; a resident acts every tenth tick on average.
        starting_money: coins of a resident when the city is founded.
        money_weight: coins; at this much money (and one coin) a coin is worth a unit of value:
            u = money_weight / (money + 1).
        volatility_share: b over S: how far a belief moves at a time, as a share of the good's base
            value to its owner.
        gossip_probability: chance, per good and act, to hear what one random resident expects.
        patience_turns: turns without a trade, of those in which one was possible, after which a
            belief gives way.
    """

    act_probability: float = 0.1
    starting_money: float = 1000.0
    money_weight: float = 1000.0
    volatility_share: float = 0.02
    gossip_probability: float = 0.01
    patience_turns: int = 10

    def __post_init__(self) -> None:
        check("", "act_probability", self.act_probability, 0.0, 1.0)
        check("", "starting_money", self.starting_money, 0.0, 1e9)
        check("", "money_weight", self.money_weight, 0.0, 1e12)
        check("", "volatility_share", self.volatility_share, 0.0, 1.0)
        check("", "gossip_probability", self.gossip_probability, 0.0, 1.0)
        check("", "patience_turns", self.patience_turns, 1, 30_000)


Rules = scalars(Parameters, __name__, "Rules")
"""The same as a kernel takes them."""
