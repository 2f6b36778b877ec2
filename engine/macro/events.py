"""The shocks that can be scheduled in a macro city, of the size that a textbook draws.

Each takes the state and a random generator of its own, then its arguments by name. None makes or
destroys coins; crowns that change hands are booked. A bad argument is a ValueError of one line.
"""

from collections.abc import Callable

import numpy as np

from engine.economy import Issued
from engine.goods import check
from engine.macro.state import GOVERNMENT, WRITTEN_OFF, Macro, rows

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
    """A bank's books were false: claims on the state that are not there are written off, and with
    them its capital. No customer gains or loses by that; at the month's end it is resolved."""
    del random
    banks, books = rows(macro.banks), macro.books
    check("", "bank", bank, 1, len(banks.equity_minor))
    number = bank - 1
    lacking_minor = int(SHORT_OF_CAPITAL * int(banks.loans_minor[number]))
    lost_minor = max(int(banks.equity_minor[number]) + lacking_minor, 0)
    banks.equity_minor[number] -= lost_minor
    books.account_minor[GOVERNMENT] += lost_minor
    books.flows_minor[WRITTEN_OFF] += lost_minor
    return Issued()


EVENTS: dict[str, Callable[..., Issued]] = {
    "policy_rate": policy_rate,
    "productivity": productivity,
    "bank_failure": bank_failure,
}
