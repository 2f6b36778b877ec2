"""What agents are rewarded for, month by month. Called by `environment` and by tools.

Nothing here is paid for following a rule: a firm and a bank are paid for what they earn, a
household for what it consumes, the central bank for what it is there for. Amounts are compared in
first crowns and, where prices change in between, deflated by the consumer index.
"""

from typing import NamedTuple

import numpy as np

from engine.macro.accounts import COIN
from engine.macro.state import Macro, rows
from engine.tables import Array

PLANT_SHARE = 0.7
"""Of the plant a firm's usual demand asks for: one with less is measured by that."""

COST_OF_FAILURE = 20.0
"""Percent of a firm's plant, beside all that was still to be earned."""

ALL_LOST = 100.0
"""Percent of a bank's capital: what its shareholders lose when it fails."""

SPENT_LEAST = 0.01
"""Units of output a month, of a household of mean skill at the first technology: the logarithm of
nothing is not needed."""

UNEMPLOYMENT_WEIGHT = 1.0
"""Of a point of unemployment against a point of inflation: a balanced approach (Yellen, 2012)."""

POINTS = 100.0
CENTRAL_BANK_SCALE = 0.1
"""Square points are some ten; critics learn numbers near one."""


class Standing(NamedTuple):
    """How agents stood when a month began; what its rewards are measured from."""

    worth: Array
    """float64[firms]: real net worth, in units of consumption."""
    plant: Array
    """float64[firms]: what it is measured by, in units of consumption."""
    firm_failures: Array
    """int64[firms]."""
    equity_minor: Array
    """int64[banks], first crowns."""
    bank_failures: Array
    """int64[banks]."""
    policy_rate: float


def standing(macro: Macro) -> Standing:
    """How agents stand now."""
    firms, nation, rules = rows(macro.firms), rows(macro.nation), macro.rules
    usual = PLANT_SHARE * rules.capital_output * firms.demand_long
    price = nation.price_capital[0] / nation.price_consumer[0]
    banks = rows(macro.banks)
    return Standing(
        worth_of_firms(macro),
        price * np.maximum(firms.capital, usual),
        firms.failures.copy(),
        banks.equity_minor * nation.denomination[0],
        banks.failures.copy(),
        float(nation.policy_rate[0]),
    )


def worth_of_firms(macro: Macro) -> Array:
    """float64[firms]: plant as new, stock at cost and cash, less debt, in units of consumption.

    Stock is worth what it costs on average to make: a firm gets no richer by asking more for it.
    """
    firms, nation = rows(macro.firms), rows(macro.nation)
    index = nation.price_consumer[0]
    worth = nation.price_capital[0] * firms.capital
    worth += index / (1.0 + macro.rules.markup) * firms.stock
    worth += COIN * (firms.deposit_minor + firms.loan_minor)
    return worth / index


def rewards(before: Standing, macro: Macro) -> dict[str, Array]:
    """By kind of agent, float32[agents]: the rewards of the month that has passed since.

    firm: change of real net worth and dividends, percent of its plant; when it fails, only
        `COST_OF_FAILURE` is lost.
    household: logarithm of what it spent on goods, real, per unit of skill and technology.
    bank: change of capital and dividends, percent of its capital; when it fails, all of it is lost.
    central_bank: -(inflation - target)^2 - (unemployment - usual)^2 - (change of its rate)^2, in
        points, a tenth of it.
    """
    found = {
        "firm": _of_firms(before, macro),
        "household": of_households(macro),
        "bank": _of_banks(before, macro),
        "central_bank": _of_central_bank(before, macro),
    }
    return {kind: values.astype(np.float32) for kind, values in found.items()}


def _of_firms(before: Standing, macro: Macro) -> Array:
    firms, nation = rows(macro.firms), rows(macro.nation)
    dividends = COIN * firms.dividend_minor / nation.price_consumer[0]
    earned = worth_of_firms(macro) - before.worth + dividends
    failed = firms.failures > before.firm_failures
    return np.where(failed, -COST_OF_FAILURE, 100.0 * earned / before.plant)


def of_households(macro: Macro) -> Array:
    """float64[households]: the logarithm of real spending, per unit of skill and technology."""
    people, nation = rows(macro.households), rows(macro.nation)
    spent = COIN * people.spent_minor / nation.price_consumer[0]
    return np.log(np.maximum(spent / (people.skill * nation.technology[0]), SPENT_LEAST))


def _of_banks(before: Standing, macro: Macro) -> Array:
    banks, nation = rows(macro.banks), rows(macro.nation)
    now_minor = (banks.equity_minor + banks.dividend_minor) * nation.denomination[0]
    failed = banks.failures > before.bank_failures
    earned = 100.0 * (now_minor / before.equity_minor - 1.0)
    return np.where(failed, -ALL_LOST, earned)


def _of_central_bank(before: Standing, macro: Macro) -> Array:
    nation = rows(macro.nation)
    inflation = nation.inflation - macro.rules.inflation_target
    unemployment = nation.unemployment - nation.unemployment_usual
    moved = nation.policy_rate - before.policy_rate
    lost = inflation**2 + UNEMPLOYMENT_WEIGHT * unemployment**2 + moved**2
    return -CENTRAL_BANK_SCALE * POINTS**2 * lost


def failed(before: Standing, macro: Macro) -> dict[str, Array]:
    """By kind of agent, bool[agents]: whose episode the month ended, as a firm or bank failed."""
    return {
        "firm": rows(macro.firms).failures > before.firm_failures,
        "household": np.zeros(len(macro.households), bool),
        "bank": rows(macro.banks).failures > before.bank_failures,
        "central_bank": np.zeros(1, bool),
    }
