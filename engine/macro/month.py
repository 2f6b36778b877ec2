"""A month, in order, and what is written down of it.

`advance_months` is the kernel that laboratories call; `pass_month` is what a city's own loop
(`merchants.advance_macro`) merges into its ticks. Draws of the nation: stream 0 shocks, 1 and 2 the
turns of households.
"""

import numpy as np
from numba import float64, int64, uint64

from engine.kernels import helper, kernel, part
from engine.macro.accounts import COIN, balances, is_balanced
from engine.macro.capital_goods import deliver, order
from engine.macro.credit import close_banks, count_deposits, households_borrow
from engine.macro.draws import NATION, copy_into, month_key, normal, stream_of
from engine.macro.firms import close_books, close_some
from engine.macro.goods import government_buys, households_shop
from engine.macro.income import firms_pay_banks, pay_households, wage_bill
from engine.macro.indices import chain, dispersion, levels, reweigh
from engine.macro.labour import produce, search, separate
from engine.macro.plan import plan_all
from engine.macro.state import EXPORTS, GOVERNMENT, IMPORTS, INACTIVE, UNEMPLOYED, Macro
from engine.macro.tally import (
    CONFIDENCE,
    CREDIT,
    DEBT_RATIO,
    EMPLOYED,
    EQUITY_RATIO,
    EXCHANGE_RATE,
    EXPORTED,
    HOURS,
    HOUSEHOLD_CREDIT,
    IMPORTED,
    INFLATION,
    OUTPUT_VALUE,
    POLICY_RATE,
    PRICE_CONSUMER,
    PRICE_OUTPUT,
    PRICES,
    REAL_RATE,
    SHORT_UNEMPLOYED,
    STOCK_RATIO,
    TAX_RATE,
    UNEMPLOYED_PEOPLE,
    VACANCIES,
    WAGE,
)
from engine.tables import kernel_type

RATE_LOW, RATE_HIGH = 0.0, 0.10
"""A year: the central bank's whole action space."""

RATE_ACTION = 0.0025
"""A year, added to the rule's rate each month: the central bank's whole residual."""

REAL_RATE_USUAL = 0.015
"""A year: of the rule."""

UNEMPLOYMENT_LEARNING = 0.01
"""Share a month by which the unemployment thought usual follows unemployment."""


@helper
def shocks(macro, key):
    """The month's aggregate shocks, all of them inputs: mood, technology, purchases, mark-ups."""
    nation, rules = macro.nation, macro.rules
    stream = stream_of(key, NATION, 0)
    nation.productivity[0] *= rules.productivity_persistence
    nation.productivity[0] += rules.productivity_sd * normal(stream, 0)
    nation.participation[0] *= rules.participation_persistence
    nation.participation[0] += rules.participation_sd * normal(stream, 2)
    nation.confidence[0] *= rules.confidence_persistence
    nation.confidence[0] += rules.confidence_sd * normal(stream, 4)
    nation.purchases_shock[0] *= rules.purchases_persistence
    nation.purchases_shock[0] += rules.purchases_sd * normal(stream, 6)
    nation.markup_shock[0] *= rules.markup_persistence
    nation.markup_shock[0] += rules.markup_sd * normal(stream, 8)
    growth = np.exp(np.log1p(rules.growth) / 12.0)
    nation.technology[0] *= growth
    nation.purchases_planned[0] *= growth
    set_policy_rate(macro, rules.policy_sd * normal(stream, 10))


@part
def set_policy_rate(macro, surprise):
    """The central bank follows inflation over the last year and unemployment as published."""
    nation, rules = macro.nation, macro.rules
    month = nation.month[0]
    if month >= 12:
        nation.inflation[0] = nation.price_consumer[0] / macro.books.price_history[month % 12] - 1.0
    macro.books.price_history[month % 12] = nation.price_consumer[0]
    gap = nation.unemployment[0] - nation.unemployment_usual[0]
    nation.unemployment_usual[0] += UNEMPLOYMENT_LEARNING * gap
    gap = nation.unemployment[0] - nation.unemployment_usual[0]
    wished = REAL_RATE_USUAL + nation.inflation[0] - rules.rate_unemployment * gap
    wished += (rules.rate_inflation - 1.0) * (nation.inflation[0] - rules.inflation_target)
    rate = rules.rate_smoothing * nation.policy_rate[0] + (1.0 - rules.rate_smoothing) * wished
    rate += surprise + nation.rate_surprise[0] + RATE_ACTION * macro.actions.central_bank[0]
    nation.rate_surprise[0] = 0.0
    nation.policy_rate[0] = min(max(rate, RATE_LOW), RATE_HIGH)
    nation.real_rate[0] = nation.policy_rate[0] - nation.inflation[0]


@helper
def pass_month(macro, key):
    """One month of everybody.

    Returns:
        bool: whether all accounts still sum to nothing.
    """
    nation = macro.nation
    month = month_key(key, nation.month[0])
    macro.books.tally[:] = 0.0
    shocks(macro, month)
    levels(macro)
    plan_all(macro, month)
    close_some(macro, month)
    separate(macro, month)
    search(macro, month)
    produce(macro)
    chain(macro)
    pay_households(macro, month)
    firms_pay_banks(macro)
    households_borrow(macro, month)
    government_buys(macro)
    households_shop(macro, month)
    deliver(macro)
    order(macro, month)
    close_books(macro)
    count_deposits(macro)
    close_banks(macro)
    write_down(macro)
    nation.month[0] += 1
    return close_accounts(macro)


@part
def close_accounts(macro):
    """The month's flows are complete; the next month's begin. bool: whether all sums to nothing."""
    copy_into(macro.books.balances_minor, macro.books.balances_end_minor)
    balances(macro, macro.books.balances_end_minor)
    copy_into(macro.books.flows_last_minor, macro.books.flows_minor)
    macro.books.flows_minor[:] = 0
    return is_balanced(macro.books.balances_end_minor)


@helper
def write_down(macro):
    """Fill the rest of the tally, and what the next month's rules look at."""
    firms, nation, tally = macro.firms, macro.nation, macro.books.tally
    count_people(macro)
    first = nation.denomination[0]
    nation.output_value[0] = tally[OUTPUT_VALUE]
    reweigh(macro)
    dispersion(macro)
    bill = wage_bill(macro)
    vacancies, wages, stock, expected = 0, 0.0, 0.0, 0.0
    for firm in range(len(firms.wage)):
        vacancies += firms.vacancies[firm]
        wages += firms.wage[firm] * firms.workers[firm]
        stock += firms.stock[firm]
        if firm < len(macro.world.sold_as):
            expected += firms.demand_expected[firm]
    nation.wage_mean[0] = wages / max(tally[EMPLOYED], 1.0)
    if wages == 0.0:
        nation.wage_mean[0] = firms.wage[0]
    loans_minor, equity_minor = np.int64(0), np.int64(0)
    for bank in range(len(macro.banks.equity_minor)):
        loans_minor += macro.banks.loans_minor[bank]
        equity_minor += macro.banks.equity_minor[bank]
    tally[VACANCIES] = vacancies
    tally[WAGE] = first * bill / max(tally[HOURS], 1e-9)
    tally[CREDIT] = first * loans_minor * COIN
    tally[PRICE_CONSUMER] = first * nation.price_consumer[0]
    tally[PRICE_OUTPUT] = first * nation.price_output[0]
    tally[POLICY_RATE] = 100.0 * nation.policy_rate[0]
    tally[REAL_RATE] = 100.0 * nation.real_rate[0]
    tally[INFLATION] = 100.0 * nation.inflation[0]
    tally[PRICES] = macro.products.price.size
    tally[EQUITY_RATIO] = equity_minor / max(loans_minor, np.int64(1))
    debt = -macro.books.account_minor[GOVERNMENT] * COIN
    tally[DEBT_RATIO] = debt / (12.0 * max(nation.output_value[0], 1e-9))
    tally[STOCK_RATIO] = stock / expected
    tally[OUTPUT_VALUE] *= first
    tally[EXCHANGE_RATE] = first * nation.exchange_rate[0]
    tally[EXPORTED] = first * macro.books.flows_minor[EXPORTS] * COIN
    tally[IMPORTED] = first * macro.books.flows_minor[IMPORTS] * COIN
    tally[CONFIDENCE] = nation.confidence[0]
    tally[TAX_RATE] = nation.tax_rate[0]
    end_year(macro)


@part
def count_people(macro):
    """Who works, who looks for work, since when; the unemployment the next month's rules see."""
    people, nation, tally = macro.households, macro.nation, macro.books.tally
    employed, unemployed, short, credit_minor = 0, 0, 0, np.int64(0)
    for person in range(len(people.employer)):
        employer = people.employer[person]
        if employer == UNEMPLOYED:
            unemployed += 1
            short += people.spell[person] == 0
        elif employer != INACTIVE:
            employed += 1
        credit_minor -= people.loan_minor[person]
    nation.unemployment[0] = unemployed / max(unemployed + employed, 1)
    tally[EMPLOYED] = employed
    tally[UNEMPLOYED_PEOPLE] = unemployed
    tally[SHORT_UNEMPLOYED] = short
    tally[HOUSEHOLD_CREDIT] = nation.denomination[0] * credit_minor * COIN


@part
def end_year(macro):
    """In December the year's incomes and sales become last year's."""
    people, firms, nation = macro.households, macro.firms, macro.nation
    if nation.month[0] % 12 != 11:
        return
    copy_into(people.income_last_year, people.income_year)
    people.income_year[:] = 0.0
    copy_into(firms.sales_last_year, firms.sales_year)
    firms.sales_year[:] = 0.0


@kernel(int64(kernel_type(Macro), uint64, int64, float64[:, ::1]))
def advance_months(macro, key, months, series):
    """So many months of an economy without merchants.

    Args:
        macro: changed in place.
        key: uint64, of its randomness.
        months: int64.
        series: float64[at least months, tally], filled.

    Returns:
        int64: months passed; fewer than `months` where the accounts do not sum to nothing.
    """
    for month in range(months):
        if not pass_month(macro, key):
            return np.int64(month)
        copy_into(series[month], macro.books.tally)
    return np.int64(months)
