"""The shocks that can be scheduled in a bazaar: named functions that change the state at a tick.

Each takes the state and a random generator of its own, then its arguments by name; a good is given
by its number. Each returns the money it made or destroyed. Residents renew their offers before the
next tick. A bad argument is a ValueError of one line, and nothing has changed.
"""

import numpy as np

from engine.bazaar.state import AnyBazaar
from engine.economy import Issued
from engine.goods import OWNED_MAX, check
from engine.money import MINOR_PER_COIN, MONEY_MINOR_MAX
from engine.tables import Array

STOCK_MAX = 2**30
"""Units of one good that one resident may own after a harvest: int32 leaves room to work on."""

VALUE_MAX = 1e9
"""Coins; a base value never grows beyond what one may be founded with."""


def gift(bazaar: AnyBazaar, random: np.random.Generator, *, coins: float) -> Issued:
    """Every resident is given so many coins; fewer than none takes away, at most what he has."""
    del random
    check("", "coins", coins, -1e9, 1e9)
    money_minor = bazaar.residents.money_minor
    return _set_money(bazaar, np.maximum(money_minor + round(coins * MINOR_PER_COIN), 0))


def scale_money(bazaar: AnyBazaar, random: np.random.Generator, *, factor: float) -> Issued:
    """Every resident's money is multiplied, rounded down to the minor unit."""
    del random
    check("", "factor", factor, 0.0, 1000.0)
    money_minor = bazaar.residents.money_minor
    return _set_money(bazaar, np.floor(money_minor * factor))


def harvest(bazaar: AnyBazaar, random: np.random.Generator, *, good: int, units: int) -> Issued:
    """A glut: every resident finds so many units of a good."""
    del random
    check("", "units", units, 0, OWNED_MAX)
    most = int(bazaar.residents.owned[:, good].max(initial=0)) + units
    check("", "units that one resident owns then", most, 0, STOCK_MAX)
    bazaar.residents.owned[:, good] += units
    bazaar.books.made[good] += units * len(bazaar.residents.owned)
    return _noticed(bazaar)


def failed_harvest(
    bazaar: AnyBazaar, random: np.random.Generator, *, good: int, share: float
) -> Issued:
    """Every resident loses a share of his stock of a good, rounded up to the unit."""
    del random
    check("", "share", share, 0.0, 1.0)
    lost = np.ceil(bazaar.residents.owned[:, good] * share).astype(np.int32)
    bazaar.residents.owned[:, good] -= lost
    bazaar.books.worn[good] += int(lost.sum())
    return _noticed(bazaar)


def change_values(
    bazaar: AnyBazaar,
    random: np.random.Generator,
    *,
    good: int,
    factor: float = 1.0,
    shift: float = 0.0,
    share: float = 1.0,
) -> Issued:
    """The base value of a good changes, to a random share of the residents: S factor + shift."""
    check("", "factor", factor, 0.0, 1000.0)
    check("", "shift", shift, -1e6, 1e6)
    check("", "share", share, 0.0, 1.0)
    count = len(bazaar.residents.money_minor)
    chosen = random.permutation(count)[: round(share * count)]
    values = np.maximum(bazaar.residents.base_value[chosen, good] * factor + shift, 0.0)
    check("", "base value then", values.max(initial=0.0), 0.0, VALUE_MAX)
    bazaar.residents.base_value[chosen, good] = values
    return _noticed(bazaar)


def _set_money(bazaar: AnyBazaar, money_minor: Array) -> Issued:
    total_minor = money_minor.sum(dtype=np.float64)
    check("", "money of all residents then, minor units", total_minor, 0, MONEY_MINOR_MAX)
    change_minor = money_minor.astype(np.int64) - bazaar.residents.money_minor
    bazaar.residents.money_minor[:] += change_minor
    _noticed(bazaar)
    return Issued(
        issued_minor=int(change_minor[change_minor > 0].sum()),
        destroyed_minor=-int(change_minor[change_minor < 0].sum()),
    )


def _noticed(bazaar: AnyBazaar) -> Issued:
    bazaar.books.shocked[0] = 1
    return Issued()


EVENTS = {
    "gift": gift,
    "scale_money": scale_money,
    "harvest": harvest,
    "failed_harvest": failed_harvest,
    "change_values": change_values,
}
