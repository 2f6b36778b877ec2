"""What can be read off a bazaar: money, prices, stock, series, samples, charts. Changes nothing."""

from collections.abc import Callable

import numpy as np

from engine.bazaar.state import AnyBazaar, MarketBazaar
from engine.economy import Chart
from engine.measures import gini
from engine.money import MINOR_PER_COIN
from engine.tables import Array

FOLD = 256
"""Rows side by side: some thousand numbers."""

CHARTS = (
    Chart(
        "scatter",
        "market",
        "Leisure and wealth",
        "value of an hour off, by money held (log)",
        ("money", "leisure_value"),
        log=True,
    ),
    Chart("line", "panels", "Inequality of money", "Gini", ("gini_money",), zero=True),
    Chart("lorenz", "distributions", "Money", "share", ("money",)),
    Chart("ridge", "distributions", "Money", "coins", ("money",)),
)


def residents(bazaar: AnyBazaar) -> int:
    """How many live here."""
    return len(bazaar.residents.money_minor)


def holdings_minor(bazaar: AnyBazaar) -> int:
    """The residents' money and what is held for bids, minor units."""
    money_minor = int(bazaar.residents.money_minor.sum())
    if isinstance(bazaar, MarketBazaar):
        money_minor += int(bazaar.exchange.held_minor[0])
    return money_minor


def purses(bazaar: AnyBazaar) -> Array:
    """int64[residents]: the residents' money, minor units; not a copy."""
    return bazaar.residents.money_minor


def prices(bazaar: AnyBazaar) -> Array:
    """float64[goods]: mean expected price, coins; NaN for leisure and where nobody lives."""
    return _unless_leisure(bazaar, np.mean)


def price_range(bazaar: AnyBazaar) -> Array:
    """float64[2, goods]: lowest and highest expected price, coins; NaN as in `prices`."""
    return np.stack([_unless_leisure(bazaar, _least), _unless_leisure(bazaar, _most)])


def _least(table: Array, axis: int) -> Array:
    return _folded(np.minimum, table, axis)


def _most(table: Array, axis: int) -> Array:
    return _folded(np.maximum, table, axis)


def _folded(extreme: np.ufunc, table: Array, axis: int) -> Array:
    """An extreme down the columns of a tall table, first of rows laid side by side: numpy takes a
    long row twenty times as quickly as as many numbers in short ones."""
    whole = len(table) // FOLD * FOLD
    if whole > FOLD:
        folded = extreme.reduce(table[:whole].reshape(-1, FOLD * table.shape[1]), axis=axis)
        table = np.concatenate([folded.reshape(FOLD, -1), table[whole:]])
    return extreme.reduce(table, axis=axis)


def _unless_leisure(bazaar: AnyBazaar, summary: Callable[..., Array]) -> Array:
    expected = bazaar.residents.expected_price
    if len(expected) == 0:
        return np.full(expected.shape[1], np.nan)
    return np.where(bazaar.goods.leisure != 0, np.nan, summary(expected, axis=0))


def stock(bazaar: AnyBazaar) -> Array:
    """int64[goods]: units residents own or the market holds; of leisure, the rest they have had."""
    units = bazaar.residents.owned.sum(axis=0, dtype=np.int64)
    return units + bazaar.exchange.held if isinstance(bazaar, MarketBazaar) else units


def trades(bazaar: AnyBazaar) -> int:
    """Units sold since the founding, to residents and to merchants."""
    return int(bazaar.books.trades[0])


def series(bazaar: AnyBazaar) -> dict[str, float]:
    """Numbers to plot over time: the Gini coefficient of money."""
    return {"gini_money": gini(bazaar.residents.money_minor)}


def samples(bazaar: AnyBazaar, most: int) -> dict[str, Array]:
    """Money and base value of leisure, coins, of at most `most` residents, evenly spaced."""
    count = len(bazaar.residents.money_minor)
    rows = np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.int64))
    sampled = {"money": bazaar.residents.money_minor[rows] / MINOR_PER_COIN}
    for good in np.flatnonzero(bazaar.goods.leisure):
        sampled["leisure_value"] = bazaar.residents.base_value[rows, good]
    return sampled
