"""What each kind of agent sees and may do beside its rule: the spaces that policies live in.

An action is a residual from -1 to 1 a dimension, float64; zero is the rule itself, a working
economy. What a whole action amounts to is a constant of the market it acts in, named beside it
here. A policy is a plain function of observations, float64[agents, observations], that returns
actions, float64[agents, actions]; `decide` asks the policies and sets the actions of next month.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from engine.macro.accounts import COIN
from engine.macro.state import UNEMPLOYED, Macro, rows
from engine.tables import Array

Policy = Callable[[Array], Array]


@dataclass(frozen=True)
class Space:
    """A box of real numbers.

    Attributes:
        names: of the dimensions, with unit.
        low, high: bounds of each; infinite where there are none.
    """

    names: tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


def _actions(*names: str) -> Space:
    return Space(names, (-1.0,) * len(names), (1.0,) * len(names))


def _observations(*bounded: tuple[str, float, float]) -> Space:
    names, low, high = zip(*bounded, strict=True)
    return Space(names, low, high)


_ANY = (-float("inf"), float("inf"))

ACTIONS: Mapping[str, Space] = {
    "central_bank": _actions("policy rate, 0.25 points a month; the rate stays within 0 to 10 %"),
    "banks": _actions(
        "lending spread, 1 point", "deposit spread, 0.5 points", "risk tolerance, log 0.5"
    ),
    "households": _actions("consumption, log 0.2", "borrowing, log 0.5", "pay accepted, log 0.2"),
    "firms": _actions("price asked, log 0.05", "workers, log 0.1", "capital, log 0.5"),
}

OBSERVATIONS: Mapping[str, Space] = {
    "central_bank": _observations(
        ("inflation over the last year", *_ANY),
        ("unemployment as published", 0.0, 1.0),
        ("unemployment thought usual", 0.0, 1.0),
        ("policy rate, a year", 0.0, 0.1),
    ),
    "banks": _observations(
        ("capital over loans", *_ANY),
        ("loans over deposits", 0.0, float("inf")),
        ("mean margin of the firms it lends to", *_ANY),
        ("policy rate, a year", 0.0, 0.1),
    ),
    "households": _observations(
        ("months of usual income in deposits", *_ANY),
        ("debt in months of usual income", 0.0, float("inf")),
        ("income over usual income", *_ANY),
        ("has no job and looks for one", 0.0, 1.0),
        ("unemployment among people met", 0.0, 1.0),
        ("real rate, a year", *_ANY),
    ),
    "firms": _observations(
        ("stock or backlog over its target, log", *_ANY),
        ("price over the index, log", *_ANY),
        ("expected over usual demand, log", *_ANY),
        ("share of vacancies unfilled", 0.0, 1.0),
        ("debt over capital's value", 0.0, float("inf")),
        ("profit over sales", *_ANY),
        ("real rate, a year", *_ANY),
    ),
}


def decide(macro: Macro, policies: Mapping[str, Policy]) -> None:
    """Let policies, by kind of agent, set the actions of the next month.

    Raises:
        ValueError: actions of another shape, or outside their space.
    """
    seen = observe(macro) if policies else {}
    for kind, policy in policies.items():
        slot = getattr(macro.actions, kind)
        chosen = np.asarray(policy(seen[kind]), np.float64).reshape(-1)
        if chosen.size != slot.size or not (np.abs(chosen) <= 1.0).all():
            raise ValueError(f"actions of {kind}: must be {slot.size} numbers from -1 to 1")
        slot[...] = chosen.reshape(slot.shape)


def observe(macro: Macro) -> dict[str, Array]:
    """Of every kind of agent, what each sees now: float64[agents, observations]."""
    nation = rows(macro.nation)
    rate = float(nation.real_rate[0])
    seen = {
        "central_bank": np.array(
            [
                [
                    nation.inflation[0],
                    nation.unemployment[0],
                    nation.unemployment_usual[0],
                    nation.policy_rate[0],
                ]
            ]
        ),
        "banks": _banks(macro),
        "households": _households(macro, rate),
        "firms": _firms(macro, rate),
    }
    return {kind: np.ascontiguousarray(values) for kind, values in seen.items()}


def _banks(macro: Macro) -> Array:
    banks, firms = rows(macro.banks), rows(macro.firms)
    count = len(banks.equity_minor)
    loans = np.maximum(banks.loans_minor, 1)
    customers = np.maximum(np.bincount(firms.bank, minlength=count), 1)
    margins = np.bincount(firms.bank, firms.margin, minlength=count) / customers
    return np.column_stack(
        [
            banks.equity_minor / loans,
            banks.loans_minor / np.maximum(banks.deposits_minor, 1),
            margins,
            np.full(count, rows(macro.nation).policy_rate[0]),
        ]
    )


def _households(macro: Macro, rate: float) -> Array:
    people = rows(macro.households)
    usual = np.maximum(people.income_usual, 1e-9)
    return np.column_stack(
        [
            people.deposit_minor * COIN / usual,
            -people.loan_minor * COIN / usual,
            people.income / usual,
            (people.employer == UNEMPLOYED).astype(np.float64),
            people.met,
            np.full(len(usual), rate),
        ]
    )


def _firms(macro: Macro, rate: float) -> Array:
    firms, nation, rules = rows(macro.firms), rows(macro.nation), macro.rules
    consumers = len(macro.world.sold_as)
    is_consumer = np.arange(len(firms.wage)) < consumers
    held = np.where(
        is_consumer,
        firms.stock / rules.stock_target,
        firms.backlog * rules.backlog_share,
    )
    index = np.where(is_consumer, nation.price_shops[0], nation.price_capital[0])
    plant = np.maximum(nation.price_capital[0] * firms.capital, 1e-9)
    return np.column_stack(
        [
            np.log(np.maximum(held, 1e-9) / firms.demand_expected),
            np.log(firms.price / index),
            np.log(firms.demand_expected / firms.demand_long),
            firms.unfilled,
            -firms.loan_minor * COIN / plant,
            firms.margin,
            np.full(len(firms.wage), rate),
        ]
    )
