"""Payments and loans: the only ways in which a city's own money moves, and its books of them.

`pay` moves money and counts what for; `lend` and `repay` turn a loan, an account below zero, into a
deposit and back. So all accounts always sum to zero, and for every sector what it was paid less
what it paid is the change of what it owns; `engine.macro.books` shows and checks both.
"""

import numpy as np

from engine.kernels import helper, inlined
from engine.macro.state import ABROAD, DIVIDENDS, GOVERNMENT, Macro
from engine.money import MINOR_PER_COIN, post
from engine.tables import Array

COIN = 1.0 / MINOR_PER_COIN

BALANCES = (
    "deposits of households", "dividends not yet paid out", "loans to households",
    "deposits of firms", "loans to firms", "banks' own capital", "government", "abroad",
)  # fmt: skip
"""What `balances` counts, in order; loans and debts below zero."""


@inlined
def pay(books, what, debit_minor, debit, credit_minor, credit, amount_minor):
    """Move an amount, not negative, from one sector's account to another's, for a reason."""
    post(debit_minor, debit, credit_minor, credit, amount_minor)
    books.flows_minor[what] += amount_minor


@inlined
def lend(banks, loan_minor, deposit_minor, customer, bank, amount_minor):
    """A bank makes a loan: the customer's debt and his deposit grow."""
    post(loan_minor, customer, deposit_minor, customer, amount_minor)
    banks.loans_minor[bank] += amount_minor


@inlined
def repay(banks, deposit_minor, loan_minor, customer, bank, amount_minor):
    """A customer pays back: his deposit and his debt shrink."""
    post(deposit_minor, customer, loan_minor, customer, amount_minor)
    banks.loans_minor[bank] -= amount_minor


@helper
def balances(macro, found_minor):
    """Fill int64[8] with the sums of all accounts, see BALANCES."""
    found_minor[:] = 0
    people, firms = macro.households, macro.firms
    for person in range(len(people.deposit_minor)):
        found_minor[0] += people.deposit_minor[person]
        found_minor[2] += people.loan_minor[person]
    for firm in range(len(firms.deposit_minor)):
        found_minor[3] += firms.deposit_minor[firm]
        found_minor[4] += firms.loan_minor[firm]
    for bank in range(len(macro.banks.equity_minor)):
        found_minor[5] += macro.banks.equity_minor[bank]
    found_minor[1] = macro.books.account_minor[DIVIDENDS]
    found_minor[6] = macro.books.account_minor[GOVERNMENT]
    found_minor[7] = macro.books.account_minor[ABROAD]


def balances_now(macro: Macro) -> Array:
    """int64[8]: the same, between months."""
    account = macro.books.account_minor
    return np.array(
        [
            macro.households["deposit_minor"].sum(),
            account[DIVIDENDS],
            macro.households["loan_minor"].sum(),
            macro.firms["deposit_minor"].sum(),
            macro.firms["loan_minor"].sum(),
            macro.banks["equity_minor"].sum(),
            account[GOVERNMENT],
            account[ABROAD],
        ]
    )


@inlined
def is_balanced(found_minor):
    """bool: whether all accounts sum to nothing."""
    total = np.int64(0)
    for number in range(len(found_minor)):
        total += found_minor[number]
    return total == 0
