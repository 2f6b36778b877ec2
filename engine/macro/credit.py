"""Household loans, and what banks do at the month's end: interest of the state, dividends, failure.

A bank lends while its own capital exceeds a share of its loans. One whose capital falls below half
of that share, after its losses, has failed: it is resolved. Its shareholders lose all; the state
puts in capital up to three quarters of the share, so that it lends nothing for a while, and takes
its dividends until that is paid back. Depositors lose nothing. Called by `month`; draws of a person
here: 2 to 9.
"""

import numpy as np

from engine.kernels import helper, part
from engine.macro.accounts import COIN, lend, pay
from engine.macro.draws import PERSON, stream_of
from engine.macro.state import (
    DIVIDENDS,
    DIVIDENDS_BANKS,
    GOVERNMENT,
    HOUSES,
    INTEREST_BANKS,
    INTEREST_GOVERNMENT,
    RESCUES,
    TAX_DIVIDENDS_BANKS,
)
from engine.macro.tally import BANKS_FAILED, BORROWED
from engine.money import to_minor
from engine.rng import below, draw, uniform

SELLERS = 6
"""How many households a buyer of a house asks."""

BORROWING_ACTION = 0.5
"""Log, of the probability to borrow: a household's whole action."""

LOANS_IN_INCOME_MAX = 2.0
"""Loans, each `borrowing_size` months of income, that a household may owe."""

CAPITAL_WANTED, CAPITAL_OF_DEPOSITS = 0.12, 0.02
"""A bank pays dividends out of capital beyond these shares of its loans and deposits."""

PAYOUT = 0.1
"""Share a month of that excess."""

FAILS_BELOW, RESCUED_TO = 0.5, 0.75
"""Of the capital ratio below which it lends no more: a bank that has failed gets no more from the
state than it needs to stay open, and has to shrink or earn its way back to lending."""


@helper
def households_borrow(macro, key):
    """Some of the employed take a loan; most of it buys a house from another household."""
    people, nation, rules, banks = macro.households, macro.nation, macro.rules, macro.banks
    mood = rules.borrowing_confidence * nation.confidence[0]
    mood -= rules.borrowing_rate * (nation.real_rate[0] - 0.02)
    keeps = 0.9 * (1.0 - nation.tax_rate[0])
    for person in range(len(people.employer)):
        usual = people.income_usual[person]
        if people.employer[person] < 0 or usual <= 0.0:
            continue
        luck = uniform(stream_of(key, PERSON, person), 2)
        eager = mood - rules.borrowing_fear * (people.met[person] - 0.05)
        eager += rules.borrowing_income * (keeps * people.wage_last[person] / usual - 1.0)
        eager += BORROWING_ACTION * macro.actions.households[person, 1]
        if eager < 0.9 and luck * (1.0 - eager) >= rules.borrowing:
            continue  # for e**x <= 1 / (1 - x): spares most the exponential
        if luck >= rules.borrowing * np.exp(min(eager, 50.0)):
            continue
        bank = people.bank[person]
        limit = LOANS_IN_INCOME_MAX * rules.borrowing_size * usual
        owed = -people.loan_minor[person] * COIN
        can_lend = banks.equity_minor[bank] > rules.capital_ratio * banks.loans_minor[bank]
        if owed < limit and can_lend:
            buy_house(macro, person, bank, key)


@part
def buy_house(macro, person, bank, key):
    """Ask a few households for one; with a seller, take the loan, pay him, keep the rest."""
    people, nation, rules = macro.households, macro.nation, macro.rules
    loan_minor = to_minor(rules.borrowing_size * people.income_usual[person])
    spent_minor = np.int64(rules.borrowing_spent * loan_minor)
    house = (loan_minor - spent_minor) * COIN / nation.wage_mean[0]
    stream = stream_of(key, PERSON, person)
    for number in range(SELLERS):
        seller = below(draw(stream, 3 + number), len(people.employer))
        if seller != person and people.houses[seller] >= house:
            lend(macro.banks, people.loan_minor, people.deposit_minor, person, bank, loan_minor)
            paid_minor = loan_minor - spent_minor
            pay(
                macro.books, HOUSES,
                people.deposit_minor, person, people.deposit_minor, seller, paid_minor,
            )  # fmt: skip
            people.houses[seller] -= house
            people.houses[person] += house
            people.loan_spending[person] = spent_minor * COIN
            macro.books.tally[BORROWED] += loan_minor * COIN
            return


@helper
def count_deposits(macro):
    """Fill `banks.deposits_minor`. Dividends not yet paid out lie with all banks alike."""
    people, firms, banks = macro.households, macro.firms, macro.banks
    banks.deposits_minor[:] = 0
    for person in range(len(people.employer)):
        banks.deposits_minor[people.bank[person]] += people.deposit_minor[person]
    for firm in range(len(firms.wage)):
        banks.deposits_minor[firms.bank[firm]] += firms.deposit_minor[firm]
    count = len(banks.equity_minor)
    share_minor = macro.books.account_minor[DIVIDENDS] // count
    for bank in range(count):
        banks.deposits_minor[bank] += share_minor
    banks.deposits_minor[0] += macro.books.account_minor[DIVIDENDS] - share_minor * count


@helper
def close_banks(macro):
    """The state pays interest on what it owes each bank; dividends; resolution of who has failed.

    A bank's claims on the state are what its deposits and capital exceed its loans by; where they
    fall short, it owes the central bank, at the same rate.
    """
    banks, nation, rules = macro.banks, macro.nation, macro.rules
    account = macro.books.account_minor
    for bank in range(len(banks.equity_minor)):
        loans_minor = banks.loans_minor[bank]
        claims_minor = banks.deposits_minor[bank] + banks.equity_minor[bank] - loans_minor
        interest_minor = np.int64(nation.policy_rate[0] / 12.0 * abs(claims_minor))
        if claims_minor > 0:
            pay(
                macro.books, INTEREST_GOVERNMENT,
                account, GOVERNMENT, banks.equity_minor, bank, interest_minor,
            )  # fmt: skip
        else:
            pay(
                macro.books, INTEREST_BANKS,
                banks.equity_minor, bank, account, GOVERNMENT, interest_minor,
            )  # fmt: skip
        enough = CAPITAL_WANTED * loans_minor + CAPITAL_OF_DEPOSITS * banks.deposits_minor[bank]
        excess_minor = np.int64(PAYOUT * (banks.equity_minor[bank] - enough))
        banks.dividend_minor[bank] = max(excess_minor, 0)
        if excess_minor > 0:
            pay_dividend(macro, bank, excess_minor)
        if banks.equity_minor[bank] < FAILS_BELOW * rules.capital_ratio * loans_minor:
            enough_minor = np.int64(RESCUED_TO * rules.capital_ratio * loans_minor)
            needed_minor = enough_minor - banks.equity_minor[bank]
            pay(macro.books, RESCUES, account, GOVERNMENT, banks.equity_minor, bank, needed_minor)
            banks.state_stake_minor[bank] += needed_minor
            banks.failures[bank] += 1
            macro.books.tally[BANKS_FAILED] += 1.0


@part
def pay_dividend(macro, bank, amount_minor):
    """To the state while it owns a stake, else to the owners, less tax."""
    banks, nation = macro.banks, macro.nation
    account = macro.books.account_minor
    to_state_minor = min(amount_minor, banks.state_stake_minor[bank])
    banks.state_stake_minor[bank] -= to_state_minor
    rest_minor = amount_minor - to_state_minor
    taxed_minor = np.int64(nation.tax_rate[0] * rest_minor)
    pay(
        macro.books, TAX_DIVIDENDS_BANKS,
        banks.equity_minor, bank, account, GOVERNMENT, to_state_minor + taxed_minor,
    )  # fmt: skip
    net_minor = rest_minor - taxed_minor
    pay(macro.books, DIVIDENDS_BANKS, banks.equity_minor, bank, account, DIVIDENDS, net_minor)
