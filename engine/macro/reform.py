"""A currency reform: a new crown for a thousand old ones, or the reverse, so that a city can run for
millennia and its money still be counted in int64. Called by `month` at its beginning.

What rounding leaves over is the government's, so that all accounts still sum to nothing. Series are
told in first crowns: `Nation.denomination` says how many of them a crown of today is.
"""

import numpy as np

from engine.kernels import helper, part
from engine.macro.state import ABROAD, DIVIDENDS, GOVERNMENT

FACTOR = 1000
"""Old crowns in a new one."""

LARGEST_MINOR = 2.0**58
"""All deposits and debts together: beyond it a reform is due; int64 has room for 32 times that."""

CHEAPEST = 0.1
"""Crowns for a unit of output: below it the reverse is due, lest amounts round to nothing."""


@helper
def reform_if_due(macro):
    """Rename crowns where there are too many, or too few, to count well."""
    people, firms, nation = macro.households, macro.firms, macro.nation
    gross = 0.0
    for person in range(len(people.employer)):
        gross += people.deposit_minor[person] - people.loan_minor[person]
    for firm in range(len(firms.wage)):
        gross += abs(firms.deposit_minor[firm]) - firms.loan_minor[firm]
    gross += abs(nation.account_minor[GOVERNMENT])
    if gross > LARGEST_MINOR:
        rename(macro, 1.0 / FACTOR)
    elif nation.price_consumer[0] < CHEAPEST and gross * FACTOR < LARGEST_MINOR:
        rename(macro, np.float64(FACTOR))


@part
def rename(macro, factor):
    """Every amount and price times a factor, FACTOR or one over it."""
    people, firms, banks, nation = macro.households, macro.firms, macro.banks, macro.nation
    total_minor = np.int64(0)
    banks.loans_minor[:] = 0
    for person in range(len(people.employer)):
        people.deposit_minor[person] = scaled(people.deposit_minor[person], factor)
        people.loan_minor[person] = scaled(people.loan_minor[person], factor)
        people.imported_minor[person] = scaled(people.imported_minor[person], factor)
        total_minor += people.deposit_minor[person] + people.loan_minor[person]
        banks.loans_minor[people.bank[person]] -= people.loan_minor[person]
        people.income[person] *= factor
        people.income_usual[person] *= factor
        people.income_year[person] *= factor
        people.wage_last[person] *= factor
        people.loan_spending[person] *= factor
    for firm in range(len(firms.wage)):
        firms.deposit_minor[firm] = scaled(firms.deposit_minor[firm], factor)
        firms.loan_minor[firm] = scaled(firms.loan_minor[firm], factor)
        firms.wages_minor[firm] = scaled(firms.wages_minor[firm], factor)
        total_minor += firms.deposit_minor[firm] + firms.loan_minor[firm]
        banks.loans_minor[firms.bank[firm]] -= firms.loan_minor[firm]
        firms.wage[firm] *= factor
        firms.price[firm] *= factor
        firms.price_before[firm] *= factor
        for product in range(firms.product_price.shape[1]):
            firms.product_price[firm, product] *= factor
            firms.product_price_log[firm, product] += np.log(factor)
    for bank in range(len(banks.equity_minor)):
        banks.equity_minor[bank] = scaled(banks.equity_minor[bank], factor)
        banks.state_stake_minor[bank] = scaled(banks.state_stake_minor[bank], factor)
        total_minor += banks.equity_minor[bank]
    account = nation.account_minor
    account[DIVIDENDS] = scaled(account[DIVIDENDS], factor)
    account[ABROAD] = scaled(account[ABROAD], factor)
    account[GOVERNMENT] = -(total_minor + account[DIVIDENDS] + account[ABROAD])
    nation.wage_mean[0] *= factor
    nation.output_value[0] *= factor
    nation.price_consumer[0] *= factor
    nation.price_output[0] *= factor
    nation.price_capital[0] *= factor
    for month in range(len(nation.price_history)):
        nation.price_history[month] *= factor
    nation.exchange_rate[0] *= factor
    nation.denomination[0] /= factor


@part
def scaled(amount_minor, factor):
    """int64: an amount times FACTOR, or over it rounded down."""
    if factor > 1.0:
        return amount_minor * FACTOR
    return amount_minor // FACTOR
