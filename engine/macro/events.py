"""The shocks that can be scheduled in a macro city, of the size that a textbook draws.

Each takes the state and a random generator of its own, then its arguments by name. None makes or
destroys coins; crowns that change hands are booked. A bad argument is a ValueError of one line.
"""

from collections.abc import Callable

import numpy as np

from engine.economy import Issued
from engine.goods import check
from engine.macro.state import DEFAULTS_FIRMS, DEFAULTS_HOUSEHOLDS, Macro, rows

SHORT_OF_CAPITAL = 0.02
"""Of its loans: what a bank that is made to fail lacks."""


def policy_rate(macro: Macro, random: np.random.Generator, *, points: float = 1.0) -> Issued:
    """The central bank surprises by so many percentage points, next month; its rule goes on."""
    del random
    check("", "points", points, -10.0, 10.0)
    rows(macro.nation).rate_surprise[0] += points / 100.0
    return Issued()


def productivity(macro: Macro, random: np.random.Generator, *, percent: float = 1.0) -> Issued:
    """All firms become so much more productive; it fades as every such shock does."""
    del random
    check("", "percent", percent, -50.0, 50.0)
    rows(macro.nation).productivity[0] += np.log1p(percent / 100.0)
    return Issued()


def bank_failure(macro: Macro, random: np.random.Generator, *, bank: int = 1) -> Issued:
    """So many customers of a bank do not pay back that its capital is gone; it is resolved."""
    del random
    banks = rows(macro.banks)
    check("", "bank", bank, 1, len(banks.equity_minor))
    number = bank - 1
    owed_minor = int(banks.loans_minor[number])
    lost = int(banks.equity_minor[number]) + SHORT_OF_CAPITAL * owed_minor
    share = min(max(lost / max(owed_minor, 1), 0.0), 1.0)
    for customers, what in (
        (rows(macro.households), DEFAULTS_HOUSEHOLDS),
        (rows(macro.firms), DEFAULTS_FIRMS),
    ):
        here = np.flatnonzero(customers.bank == number)
        cut_minor = np.floor(-share * customers.loan_minor[here]).astype(np.int64)
        customers.loan_minor[here] += cut_minor
        total_minor = int(cut_minor.sum())
        banks.equity_minor[number] -= total_minor
        banks.loans_minor[number] -= total_minor
        macro.books.flows_minor[what] += total_minor
    return Issued()


EVENTS: dict[str, Callable[..., Issued]] = {
    "policy_rate": policy_rate,
    "productivity": productivity,
    "bank_failure": bank_failure,
}
