"""A currency reform: a new crown for a thousand old ones, or the reverse, so that a city can run
for millennia and its money still be counted in int64. Called between months, by `laboratory`.

What rounding leaves over is the government's, so that all accounts still sum to nothing. Series are
told in first crowns: `Nation.denomination` says how many of them a crown of today is.
"""

import numpy as np

from engine.macro.accounts import balances_now
from engine.macro.state import ABROAD, DIVIDENDS, GOVERNMENT, Macro, rows
from engine.tables import Array

FACTOR = 1000
"""Old crowns in a new one."""

LARGEST_MINOR = 2.0**57
"""All deposits and debts together: beyond it a reform is due; int64 has room for 64 times that,
more than a year of the wildest inflation."""

CHEAPEST = 0.1
"""Crowns for a unit of output: below it the reverse is due, lest amounts round to nothing."""

_AMOUNTS = {
    "households": ("deposit_minor", "loan_minor", "imported_minor", "spent_minor"),
    "firms": ("deposit_minor", "loan_minor", "wages_minor", "interest_minor", "revenue_minor",
              "dividend_minor"),
    "banks": ("equity_minor", "state_stake_minor", "deposits_minor", "dividend_minor"),
}  # fmt: skip
_PRICES = {
    "households": ("income", "income_usual", "income_year", "income_last_year", "wage_last",
                   "loan_spending"),
    "firms": ("wage", "price", "price_before"),
    "nation": ("wage_mean", "output_value", "price_consumer", "price_output", "price_shops",
               "price_capital", "exchange_rate"),
}  # fmt: skip


def reform_if_due(macro: Macro) -> None:
    """Rename crowns where there are too many, or too few, to count well."""
    gross_minor = 0.0
    for agents in (macro.households, macro.firms):
        for name in ("deposit_minor", "loan_minor"):
            gross_minor += float(np.abs(agents[name]).sum(dtype=np.float64))
    if gross_minor > LARGEST_MINOR:
        rename(macro, is_larger=True)
    elif macro.nation["price_consumer"][0] < CHEAPEST and gross_minor * FACTOR < LARGEST_MINOR:
        rename(macro, is_larger=False)


def rename(macro: Macro, *, is_larger: bool) -> None:
    """Every amount and price in new crowns, each FACTOR old ones, or the reverse."""

    def scaled(amounts_minor: Array) -> Array:
        return amounts_minor // FACTOR if is_larger else amounts_minor * FACTOR

    factor = 1.0 / FACTOR if is_larger else float(FACTOR)
    for kind, names in _AMOUNTS.items():
        for name in names:
            getattr(macro, kind)[name] = scaled(getattr(macro, kind)[name])
    for kind, names in _PRICES.items():
        for name in names:
            getattr(macro, kind)[name] *= factor
    macro.products.price[:] *= factor
    macro.products.price_log[:] += np.log(factor)
    account = macro.books.account_minor
    for number in (DIVIDENDS, ABROAD):
        account[number] = scaled(account[number : number + 1])[0]
    macro.books.price_history[:] *= factor
    rows(macro.nation).denomination[:] /= factor
    balance_anew(macro)


def balance_anew(macro: Macro) -> None:
    """Banks' books from their customers', and the government's account from everybody's."""
    banks, account = rows(macro.banks), macro.books.account_minor
    banks.loans_minor[:] = 0
    owned_minor = int(banks.equity_minor.sum()) + int(account[DIVIDENDS]) + int(account[ABROAD])
    for agents in (rows(macro.households), rows(macro.firms)):
        owned_minor += int(agents.deposit_minor.sum()) + int(agents.loan_minor.sum())
        np.add.at(banks.loans_minor, agents.bank, -agents.loan_minor)
    account[GOVERNMENT] = -owned_minor
    macro.books.balances_end_minor[:] = balances_now(macro)
