"""A firm's month closes: profit tax, dividends, failure; where firms close, others enter.

A firm that owes more than it is worth fails: its bank loses what a buyer of the plant does not pay,
its workers are dismissed. Small firms close now and then for reasons of their own. Either way a new
firm takes the place over, with plant, stock and whoever still shops there, and hires afresh.
Called by `month`; draws of a firm here: 10.
"""

import numpy as np

from engine.kernels import helper, part
from engine.macro.accounts import COIN, pay
from engine.macro.draws import FIRM, stream_of
from engine.macro.income import worth_of
from engine.macro.state import (
    DEFAULTS_FIRMS,
    DIVIDENDS,
    DIVIDENDS_FIRMS,
    GOVERNMENT,
    TAX_DIVIDENDS_FIRMS,
    TAX_PROFITS,
)
from engine.macro.tally import ENTRIES, FIRMS_FAILED, LOANS_LOST
from engine.rng import uniform

PROFIT_TAX = 0.2
"""Share of profits."""

PAYOUT, WAGES_KEPT, REPAYMENTS_KEPT = 0.2, 1.2, 3.0
"""Share a month paid out of cash beyond so many months of wages and of repayments."""

PLANT_SALE = 0.4
"""Share of the price of new capital that a buyer of a failed firm's plant takes over as debt."""

SMALL = 20.0
"""Workers: a firm of so many closes half as often as one of none."""

OWED_LEAST = 0.2
"""Units of output at a firm's price: a smaller debt makes nobody fail."""


@helper
def close_some(macro, key):
    """Firms close for reasons of their own, small ones more often."""
    firms, rules = macro.firms, macro.rules
    for firm in range(len(firms.wage)):
        workers = firms.workers[firm]
        if workers > 0:
            luck = uniform(stream_of(key, FIRM, firm), 10)
            if luck < rules.closure * SMALL / (SMALL + workers):
                enter(macro, firm)


@part
def enter(macro, firm):
    """The firm in a place is gone, its workers dismissed; another begins there."""
    firms, nation = macro.firms, macro.nation
    firms.layoffs[firm] = firms.workers[firm]
    firms.identity[firm] = nation.next_identity[0]
    nation.next_identity[0] += 1
    firms.inflation_expected[firm] = nation.inflation[0]
    firms.unfilled[firm] = macro.rules.unfilled_usual
    macro.books.tally[ENTRIES] += 1.0


@helper
def close_books(macro):
    """Taxes and dividends out of profit and cash; who owes more than he is worth fails."""
    firms, nation, rules = macro.firms, macro.nation, macro.rules
    account = macro.books.account_minor
    price = nation.price_capital[0]
    consumers = len(macro.world.sold_as)
    for firm in range(len(firms.wage)):
        if firm >= consumers:
            firms.sales[firm] = firms.output[firm]
        profit_minor = (
            firms.revenue_minor[firm] - firms.wages_minor[firm] - firms.interest_minor[firm]
        )
        revenue = firms.revenue_minor[firm] * COIN
        if revenue > 0.0:
            wear = 0.8 * rules.depreciation * price * firms.capital[firm]
            usual = 0.3 * firms.price[firm] * firms.demand_expected[firm]
            margin = (profit_minor * COIN - wear) / max(revenue, usual)
            firms.margin[firm] += rules.margin_learning * (margin - firms.margin[firm])
        tax_minor = np.int64(PROFIT_TAX * profit_minor)
        if profit_minor > 0 and firms.deposit_minor[firm] > tax_minor:
            pay(macro.books, TAX_PROFITS, firms.deposit_minor, firm, account, GOVERNMENT, tax_minor)
        firms.revenue_minor[firm] = 0  # from here on, next month's: merchants may buy at any tick
        pay_dividend(macro, firm)
        debt = -firms.loan_minor[firm] * COIN
        if debt > worth_of(macro, firm) and debt > OWED_LEAST * firms.price[firm]:
            fail(macro, firm)


@part
def pay_dividend(macro, firm):
    """A share of the cash that is not needed for the next wages and repayments."""
    firms, nation, rules = macro.firms, macro.nation, macro.rules
    account = macro.books.account_minor
    kept = WAGES_KEPT * firms.wages_minor[firm]
    kept -= REPAYMENTS_KEPT * rules.amortisation * firms.loan_minor[firm]
    paid_minor = np.int64(PAYOUT * (firms.deposit_minor[firm] - kept))
    firms.dividend_minor[firm] = max(paid_minor, 0)
    if paid_minor > 0:
        tax_minor = np.int64(nation.tax_rate[0] * paid_minor)
        pay(
            macro.books, TAX_DIVIDENDS_FIRMS,
            firms.deposit_minor, firm, account, GOVERNMENT, tax_minor,
        )  # fmt: skip
        net_minor = paid_minor - tax_minor
        pay(macro.books, DIVIDENDS_FIRMS, firms.deposit_minor, firm, account, DIVIDENDS, net_minor)


@part
def fail(macro, firm):
    """The bank keeps of its loan what the plant is sold for, and loses the rest."""
    firms, nation, banks = macro.firms, macro.nation, macro.banks
    bank = firms.bank[firm]
    kept = PLANT_SALE * nation.price_capital[0] * firms.capital[firm]
    lost_minor = max(-firms.loan_minor[firm] - np.int64(kept / COIN), np.int64(0))
    pay(macro.books, DEFAULTS_FIRMS, banks.equity_minor, bank, firms.loan_minor, firm, lost_minor)
    banks.loans_minor[bank] -= lost_minor
    macro.books.tally[LOANS_LOST] += lost_minor * COIN
    macro.books.tally[FIRMS_FAILED] += 1.0
    firms.failures[firm] += 1
    firms.wage[firm] = nation.wage_mean[0]
    firms.margin[firm] = 0.1
    enter(macro, firm)
