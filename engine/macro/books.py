"""The balance sheet and the transaction flow matrix of a month, from the accounts themselves.

The flows are counted where money is paid (`accounts.pay`); the changes of deposits and loans are
taken from the balances. That every column of the flow matrix is zero is therefore a check and not a
definition; so is that every row of the balance sheet is. Called by laboratories, tests and tools.
"""

import numpy as np

from engine.macro.accounts import BALANCES
from engine.macro.state import FLOWS, Macro
from engine.reality.series import Matrix
from engine.tables import Array

SECTORS = ("households", "firms", "banks", "government", "abroad")

_HELD_BY = {
    "deposits of households": "households",
    "dividends not yet paid out": "households",
    "loans to households": "households",
    "deposits of firms": "firms",
    "loans to firms": "firms",
    "banks' own capital": "banks",
    "government": "government",
    "abroad": "abroad",
}


def instruments(balances_minor: Array) -> tuple[tuple[str, ...], Array]:
    """Names, and int64[instruments, sectors]: every claim, positive where it is owned.

    What banks owe and own is what the others own and owe at them; the state owes them the rest,
    less what the world owes the state for coins taken.
    """
    said = dict(zip(BALANCES, (int(amount) for amount in balances_minor), strict=True))
    column = {name: number for number, name in enumerate(SECTORS)}
    names: list[str] = []
    rows: list[Array] = []
    for name in BALANCES[:5]:
        row = np.zeros(len(SECTORS), np.int64)
        row[column[_HELD_BY[name]]] = said[name]
        row[column["banks"]] = -said[name]
        names.append(name)
        rows.append(row)
    abroad_minor = said["abroad"]
    claims = np.zeros(len(SECTORS), np.int64)
    claims[column["banks"]] = said["banks' own capital"] + sum(said[n] for n in BALANCES[:5])
    claims[column["government"]] = said["government"] + abroad_minor
    coins = np.zeros(len(SECTORS), np.int64)
    coins[column["government"]] = -abroad_minor
    coins[column["abroad"]] = abroad_minor
    return (*names, "bonds and reserves", "coins"), np.array([*rows, claims, coins])


def balance_sheet(macro: Macro) -> Matrix:
    """At the end of the last month; the last row is net worth with its sign turned."""
    names, claims = instruments(macro.books.balances_end_minor)
    return Matrix(
        title=f"Balance sheet, end of month {int(macro.nation['month'][0])}",
        rows=(*names, "net worth, sign turned"),
        columns=SECTORS,
        amounts_minor=np.vstack([claims, -claims.sum(axis=0)]),
    )


def flow_matrix(macro: Macro) -> Matrix:
    """Of the last month: who paid whom, then what it changed of deposits, loans and the rest."""
    column = {name: number for number, name in enumerate(SECTORS)}
    flows = np.zeros((len(FLOWS), len(SECTORS)), np.int64)
    for row, (_, payer, paid) in enumerate(FLOWS):
        flows[row, column[payer]] -= macro.books.flows_last_minor[row]
        flows[row, column[paid]] += macro.books.flows_last_minor[row]
    names, before = instruments(macro.books.balances_minor)
    _, after = instruments(macro.books.balances_end_minor)
    return Matrix(
        title=f"Transactions, month {int(macro.nation['month'][0])}",
        rows=(*(what for what, _, _ in FLOWS), *(f"change: {name}" for name in names)),
        columns=SECTORS,
        amounts_minor=np.vstack([flows, before - after]),
    )
