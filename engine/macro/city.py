"""A macro economy as a city: what a file may say of it, and how it is founded among others.

The numbers of its agents' rules come from `params`; here are those that only a city has.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.economy import Setting
from engine.goods import Goods, check
from engine.macro.evolved import Evolution, evolving
from engine.macro.founding import HOUSEHOLDS_MIN, PRICE_FIRST, firm_counts, found_macro
from engine.macro.learned import TABLES
from engine.macro.params import Behaviour
from engine.macro.state import World
from engine.money import MINOR_PER_COIN, MONEY_MINOR_MAX
from engine.tables import allocate

LOCALS_USUAL = 2_000
"""Households where nobody says how many: lively, and a month in half a millisecond."""

LOCALS_LEAST = HOUSEHOLDS_MIN

VISITS_A_MONTH = 1.0
"""Of a household at merchants' stalls."""

CONTENT_LEAST = 1e-6
"""Units of output in a unit of a good that nobody values."""


POLICIES = ("rule", "evolved", "learned")


@dataclass(frozen=True)
class Agents:
    """How one kind of agent decides.

    Attributes:
        policy: "rule"; "evolved" or "learned": genes or a network set what it does beside the rule.
        network: file of that network; none: the one in the package.
    """

    policy: str = "rule"
    network: str = ""

    def __post_init__(self) -> None:
        if self.policy not in POLICIES:
            raise ValueError(f"policy = {self.policy!r}: must be one of {', '.join(POLICIES)}")
        if self.network and self.policy != "learned":
            raise ValueError(
                f'network = {self.network!r}: goes with policy = "learned", not "{self.policy}"'
            )


@dataclass(frozen=True)
class Parameters(Behaviour):
    """The rules' numbers, and how the city lies in its world.

    Attributes:
        step: how much time passes at once, a month or a quarter.
        step_ticks: ticks between two steps; at 6,000 ticks a second ten steps a second.
        reserves: coins a household that the central bank begins with, to pay merchants with.
        sells: goods that its firms sell to merchants, in turn a firm each; none named: all.
        buys: goods that its households buy at merchants' stalls; none named: all.
        firm, household, bank, central_bank: how each kind of agent decides.
        evolution: how those who are evolved hand on their genes.
    """

    step: str = "month"
    step_ticks: int = 600
    reserves: float = 100.0
    sells: tuple[str, ...] = ()
    buys: tuple[str, ...] = ()
    firm: Agents = Agents()
    household: Agents = Agents()
    bank: Agents = Agents()
    central_bank: Agents = Agents()
    evolution: Evolution = Evolution()  # noqa: RUF009 (it is frozen)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.step not in ("month", "quarter"):
            raise ValueError(f"step = {self.step!r}: must be one of month, quarter")
        check("", "step_ticks", self.step_ticks, 1, 10**9)
        check("", "reserves", self.reserves, 0.0, 1e9)


def found(setting: Setting, parameters: Parameters) -> Any:
    """A new city at month 0: a Macro, or an Evolving where agents of some kind evolve.

    Raises:
        ValueError: too few households, more coins than can be counted, or a good that is unknown
            or leisure.
    """
    check("", "locals of a macro economy", setting.residents, LOCALS_LEAST, 10**8)
    world = found_world(setting, parameters)
    goods = len(setting.goods)
    macro = found_macro(parameters, setting.residents, int(setting.key), world, goods=goods)
    kinds = [kind for kind in TABLES if getattr(parameters, kind).policy == "evolved"]
    return evolving(macro, kinds, parameters.evolution, setting.key)


def found_world(setting: Setting, parameters: Parameters) -> World:
    """What the city trades, and at which prices it begins."""
    reserves_minor = round(parameters.reserves * setting.residents * MINOR_PER_COIN)
    check("", "reserves of a city, minor units", reserves_minor, 0, MONEY_MINOR_MAX)
    firms, capital_firms = firm_counts(setting.residents)
    world = allocate(World, goods=len(setting.goods), consumer_firms=firms - capital_firms)
    sells, buys = traded(setting.goods, parameters)
    for number, (name, good) in enumerate(setting.goods.items()):
        world.content[number] = max(sum(good.base_value) / 2.0 / PRICE_FIRST, CONTENT_LEAST)
        world.sold[number] = name in sells
        world.bought[number] = name in buys
    numbers = np.flatnonzero(world.sold)
    world.sold_as[:] = -1
    if len(numbers):
        world.sold_as[:] = numbers[np.arange(len(world.sold_as)) % len(numbers)]
    world.reserves_usual_minor[:] = reserves_minor
    world.exchange_first[:] = 1.0
    world.step_ticks[:] = parameters.step_ticks
    world.step_months[:] = 1 if parameters.step == "month" else 3
    world.visits[:] = VISITS_A_MONTH * setting.residents / parameters.step_ticks
    return world


def traded(goods: Goods, parameters: Parameters) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of what is sold to merchants and of what is bought from them.

    Raises:
        ValueError: a good that is unknown or leisure.
    """
    tradeable = tuple(name for name, good in goods.items() if not good.leisure)
    for field in ("sells", "buys"):
        for name in getattr(parameters, field):
            if name not in tradeable:
                raise ValueError(f"{field} = {name!r}: must be one of {', '.join(tradeable)}")
    return parameters.sells or tradeable, parameters.buys or tradeable
