"""Money is counted, not computed: int64 minor units, and one way to move them.

A coin is 10**8 minor units. Prices that agents believe in are float64 coins; a trade posts the
price rounded half-even to minor units. Called by every kernel that pays.
"""

import numpy as np

from engine.kernels import helper, inlined
from engine.tables import Array

MINOR_PER_COIN = 100_000_000

BASIS_POINTS = 10_000
"""Of a whole: in these a rate is a whole number."""

MONEY_MINOR_MAX = 2**62
"""What one city may hold: half of int64, so that no sum of two cities' money can wrap round."""


@inlined
def to_minor(coins):
    """int64 minor units for float64 coins, rounded half-even."""
    return np.int64(np.rint(coins * MINOR_PER_COIN))


@inlined
def post(debit_minor, debit, credit_minor, credit, amount_minor):
    """Move `amount_minor` from account `debit` of one int64 array to `credit` of another.

    The only place where money moves between accounts. The two arrays may be one. Whoever calls has
    checked that the amount is not negative and the debited account holds it: the kernel stays free
    of a branch, and the city asserts the total after every window.
    """
    debit_minor[debit] -= amount_minor
    credit_minor[credit] += amount_minor


@helper
def share_out(money_minor, amount_minor, tick):
    """Divide an amount among all accounts, to the unit: the tax rule.

    Each gets amount // n; the units that remain go one each to the accounts from number tick mod n
    on. The caller has debited the amount elsewhere and checked that there is an account.

    Args:
        money_minor: int64[n], n at least 1.
        amount_minor: int64, not negative.
        tick: int64.
    """
    count = len(money_minor)
    share = amount_minor // count
    if share > 0:
        for account in range(count):
            money_minor[account] += share
    for unit in range(amount_minor - share * count):
        money_minor[(tick + unit) % count] += 1


def share_out_between(money_minor: Array, amount_minor: int, tick: int) -> None:
    """The same between windows, where no kernel runs: `share_out` in numpy."""
    count = len(money_minor)
    share, rest = divmod(amount_minor, count)
    money_minor += share
    money_minor[(tick + np.arange(rest)) % count] += 1
