"""Coins off the wire into minor units, rounded down.

Called by messages.py and bulk.py, so that both round alike. Knows nothing of merchants.

`Money` on the legacy wire is a double. Its value here is the shortest decimal that reads back as
that double, which is the very text a program printed, for every text of up to 15 digits and for
every double printed by a program that prints the shortest form. That decimal is rounded down to
whole minor units; what is cut off is dust.
"""

from array import array
from collections.abc import Sequence
from decimal import Decimal
from itertools import repeat
from operator import eq, truediv

from protocol.limits import MINOR_PER_COIN

_BLUR = 3e-16
"""How far `coins * 1e8` in doubles may lie from the decimal it stands for, as a part of it: half a
spacing of doubles for the coins and half a one for the product, 2**-52 together, rounded up."""


def minor_units(coins: Sequence[float]) -> tuple["array[int]", float]:
    """Convert a column of money.

    Args:
        coins: doubles within 0 and 1,000,000.

    Returns:
        The column in minor units (signed 64 bit), and the dust of all of it together, in minor
        units.
    """
    scale = float(MINOR_PER_COIN)
    if coins and round(coins[0] * scale) / scale == coins[0]:
        # From one of ours, who sends whole minor units: so the whole column at once, and quicker.
        column = [round(amount * scale) for amount in coins]
        if all(map(eq, map(truediv, column, repeat(scale)), coins)):
            return array("q", column), 0.0
    column = []
    dust_minor = 0.0
    for amount in coins:
        scaled = amount * scale
        whole = int(scaled)
        rest = scaled - whole
        blur = scaled * _BLUR
        if blur < rest < 1 - blur:
            column.append(whole)
            dust_minor += rest
            continue
        nearest = round(scaled)
        if nearest / scale == amount:
            # 15 digits survive a double, so this is the decimal, not merely close to it.
            column.append(nearest)
            continue
        exact = Decimal(repr(amount)) * MINOR_PER_COIN
        column.append(int(exact))
        dust_minor += float(exact % 1)
    return array("q", column), dust_minor
