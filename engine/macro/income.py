"""Wages, taxes, benefits, dividends and interest: what households and firms have before they buy.

Called by `month` after production. Draws of a person here: 1.
"""

import numpy as np

from engine.kernels import helper, part
from engine.macro.accounts import COIN, lend, pay, repay
from engine.macro.draws import PERSON, stream_of
from engine.macro.state import (
    BENEFITS,
    DEFAULTS_HOUSEHOLDS,
    DIVIDENDS,
    GOVERNMENT,
    INTEREST_DEPOSITS,
    INTEREST_FIRMS,
    INTEREST_HOUSEHOLDS,
    TAX_WAGES,
    UNEMPLOYED,
    WAGES,
)
from engine.macro.tally import LOANS_LOST, SPREAD
from engine.money import MINOR_PER_COIN, post, to_minor
from engine.rng import uniform

DEPOSIT_SPREAD = 0.01
"""A year, below the policy rate; where that is less, deposits earn nothing."""

LENDING_ACTION, DEPOSIT_ACTION = 0.01, 0.005
"""A year, added to a bank's spreads: its whole action."""

GIVES_UP_MONTHS, GIVES_UP_SHARE, GIVES_UP_PROBABILITY = 6, 0.02, 0.1
"""An unemployed household stops repaying after so long with deposits of less than such a share of
its debt, with this chance a month."""

BENEFIT_DECAY = 0.998
"""A month: benefits follow a last wage that fades."""


@helper
def pay_households(macro, key):
    """Wages or benefits, dividends, interest, taxes; interest on and repayment of loans."""
    people, firms, nation, rules = macro.households, macro.firms, macro.nation, macro.rules
    banks, account = macro.banks, macro.books.account_minor
    tax = rules.tax - rules.tax_debt * (0.5 + _debt_years(macro))
    nation.tax_rate[0] = tax = min(max(tax, 0.0), 0.95)
    firms.wages_minor[:] = 0
    dividends_minor = account[DIVIDENDS]
    pension = rules.pension * nation.wage_mean[0]
    for person in range(len(people.employer)):
        share_minor = np.int64(dividends_minor * people.ownership[person])
        share_minor = min(share_minor, account[DIVIDENDS])
        post(account, DIVIDENDS, people.deposit_minor, person, share_minor)
        net_minor = share_minor
        gross = share_minor / (1.0 - tax)
        firm = people.employer[person]
        if firm >= 0:
            people.wage_last[person] = firms.wage[firm] * people.skill[person]
            wage_minor = to_minor(people.wage_last[person] * firms.pay_factor[firm])
            tax_minor = np.int64(tax * wage_minor)
            pay(
                macro.books,
                WAGES,
                firms.deposit_minor,
                firm,
                people.deposit_minor,
                person,
                wage_minor,
            )
            pay(
                macro.books, TAX_WAGES, people.deposit_minor, person, account, GOVERNMENT, tax_minor
            )
            firms.wages_minor[firm] += wage_minor
            net_minor += wage_minor - tax_minor
            gross += wage_minor
        else:
            if firm == UNEMPLOYED:
                benefit_minor = to_minor(rules.benefit * people.wage_last[person])
                people.wage_last[person] *= BENEFIT_DECAY
            else:
                benefit_minor = to_minor(pension * (0.5 + 0.5 * people.skill[person]))
            pay(
                macro.books,
                BENEFITS,
                account,
                GOVERNMENT,
                people.deposit_minor,
                person,
                benefit_minor,
            )
            net_minor += benefit_minor
            gross += benefit_minor
        bank = people.bank[person]
        deposit_rate = nation.policy_rate[0] - DEPOSIT_SPREAD
        deposit_rate -= DEPOSIT_ACTION * macro.actions.banks[bank, 1]
        interest_minor = np.int64(max(deposit_rate, 0.0) / 12.0 * people.deposit_minor[person])
        pay(
            macro.books, INTEREST_DEPOSITS,
            banks.equity_minor, bank, people.deposit_minor, person, interest_minor,
        )  # fmt: skip
        net_minor += interest_minor
        people.income_year[person] += (gross + interest_minor) * COIN
        if people.loan_minor[person] < 0:
            net_minor -= serve_loan(macro, person, bank, key)
        people.income[person] = net_minor * COIN
        people.loan_spending[person] = 0.0


@part
def _debt_years(macro):
    """float64: what the government owns, in years of output; below zero where it owes."""
    nation = macro.nation
    return macro.books.account_minor[GOVERNMENT] * COIN / (12.0 * max(nation.output_value[0], 1e-9))


@part
def serve_loan(macro, person, bank, key):
    """Interest, then repayment, as far as the deposit reaches; the long unemployed may give up.

    Returns:
        int64: the interest paid, minor units.
    """
    people, nation, rules, banks = macro.households, macro.nation, macro.rules, macro.banks
    rate = nation.policy_rate[0] + rules.household_spread + banks.margin_own[bank]
    rate += LENDING_ACTION * macro.actions.banks[bank, 0]
    due_minor = np.int64(max(rate, 0.0) / 12.0 * -people.loan_minor[person])
    paid_minor = min(due_minor, max(people.deposit_minor[person], np.int64(0)))
    pay(
        macro.books, INTEREST_HOUSEHOLDS,
        people.deposit_minor, person, banks.equity_minor, bank, paid_minor,
    )  # fmt: skip
    due_minor = np.int64(rules.repayment * -people.loan_minor[person])
    repaid_minor = min(due_minor, max(people.deposit_minor[person], np.int64(0)))
    repay(banks, people.deposit_minor, people.loan_minor, person, bank, repaid_minor)
    owed_minor = -people.loan_minor[person]
    if (
        people.employer[person] == UNEMPLOYED
        and people.spell[person] >= GIVES_UP_MONTHS
        and people.deposit_minor[person] < GIVES_UP_SHARE * owed_minor
        and uniform(stream_of(key, PERSON, person), 1) < GIVES_UP_PROBABILITY
    ):
        pay(
            macro.books, DEFAULTS_HOUSEHOLDS,
            banks.equity_minor, bank, people.loan_minor, person, owed_minor,
        )  # fmt: skip
        banks.loans_minor[bank] -= owed_minor
        macro.books.tally[LOANS_LOST] += owed_minor * COIN
    return paid_minor


@part
def spread_of(macro, firm, worth):
    """float64, a year: what a bank asks over the policy rate: leverage, margin, demand."""
    firms, rules = macro.firms, macro.rules
    debt = -firms.loan_minor[firm] * COIN
    spread = rules.spread_base + rules.spread_leverage * debt / worth
    spread -= rules.spread_margin * (firms.margin[firm] - 0.10)
    spread -= rules.spread_demand * np.log(firms.demand_expected[firm] / firms.demand_long[firm])
    bank = firms.bank[firm]
    spread += macro.banks.margin_own[bank]
    return spread + LENDING_ACTION * macro.actions.banks[bank, 0]


@part
def worth_of(macro, firm):
    """float64 crowns: plant and stock at what a bank would get for them, and cash."""
    firms = macro.firms
    worth = 0.8 * macro.nation.price_capital[0] * firms.capital[firm]
    worth += 0.7 * firms.price[firm] * firms.stock[firm]
    return max(worth + max(firms.deposit_minor[firm], 0) * COIN, 1e-9)


@helper
def firms_pay_banks(macro):
    """Interest and repayment; a firm short of cash after wages borrows the rest."""
    firms, nation, rules, banks = macro.firms, macro.nation, macro.rules, macro.banks
    spreads, debts = 0.0, 0.0
    for firm in range(len(firms.wage)):
        bank = firms.bank[firm]
        wages_minor = firms.wages_minor[firm]
        firms.deposit_minor[firm] += wages_minor  # as before wages: what a bank looks at
        spread = spread_of(macro, firm, worth_of(macro, firm))
        firms.deposit_minor[firm] -= wages_minor
        owed_minor = -firms.loan_minor[firm]
        spreads += spread * owed_minor
        debts += owed_minor
        rate = max(nation.policy_rate[0] + spread, 0.0)
        interest_minor = np.int64(rate / 12.0 * owed_minor)
        repaid_minor = np.int64(rules.amortisation * owed_minor)
        short_minor = interest_minor + repaid_minor - firms.deposit_minor[firm]
        if short_minor > 0:
            lend(banks, firms.loan_minor, firms.deposit_minor, firm, bank, short_minor)
        pay(
            macro.books, INTEREST_FIRMS,
            firms.deposit_minor, firm, banks.equity_minor, bank, interest_minor,
        )  # fmt: skip
        repay(banks, firms.deposit_minor, firms.loan_minor, firm, bank, repaid_minor)
        firms.interest_minor[firm] = interest_minor
    nation.credit_spread[0] = spreads / max(debts, 1.0)
    macro.books.tally[SPREAD] = 100.0 * nation.credit_spread[0]


@part
def wage_bill(macro):
    """float64 crowns: all wages of the month."""
    total_minor = np.int64(0)
    for firm in range(len(macro.firms.wage)):
        total_minor += macro.firms.wages_minor[firm]
    return total_minor / MINOR_PER_COIN
