"""Statistics of arrays, each with its definition and its source. Knows no economy.

A measure of one's own is a function with a window and an aggregator: `engine.own_measures`.
"""

from typing import Any

import numpy as np

from engine.tables import Array


def gini(values: Array) -> float:
    """The Gini coefficient of non-negative values: 0 all equal, towards 1 all with one.

    sum((2 i - n - 1) x_i) / (n sum(x)) over the values sorted upwards, i from 1 (Sen, "On Economic
    Inequality", 1973).

    Args:
        values: [n], any number type; n at least 1.

    Returns:
        NaN where the sum is zero or there are no values.
    """
    ordered = np.sort(values.astype(np.float64))
    total = ordered.sum()
    if len(ordered) == 0 or total == 0.0:
        return float("nan")
    ranks = np.arange(1, len(ordered) + 1)
    return float(((2 * ranks - len(ordered) - 1) * ordered).sum() / (len(ordered) * total))


def herfindahl(values: Array) -> float:
    """Concentration of non-negative values: the sum of squared shares; 1/n: equal, 1: one has all.

    The Herfindahl-Hirschman index (Hirschman, "The Paternity of an Index", AER 1964).

    Returns:
        NaN where the sum is zero.
    """
    shares = _over(values.astype(np.float64), float(values.sum(dtype=np.float64)))
    return float((shares**2).sum()) if len(values) else float("nan")


def spread(bid: float, ask: float) -> float:
    """The quoted spread as a share of the middle: 2 (ask - bid) / (ask + bid).

    (Demsetz, "The Cost of Transacting", QJE 1968.) Both prices positive; NaN where one is missing.
    """
    return 2.0 * (ask - bid) / (ask + bid)


def depth_within(prices: Array, units: Array, middle: float, share: float) -> float:
    """Units resting no further than `share` of the middle price away from it.

    Kyle's depth by its common proxy (Kyle, "Continuous Auctions and Insider Trading", 1985).
    """
    near = np.abs(prices - middle) <= share * middle
    return float(units[near].sum())


def amihud(prices: Array, traded_coins: Array) -> float:
    """Illiquidity: the mean of |return| per coin traded, over the periods in which there was trade.

    (Amihud, "Illiquidity and Stock Returns", Journal of Financial Markets 2002.)

    Args:
        prices: [n + 1], positive; return t is prices[t + 1] / prices[t] - 1.
        traded_coins: [n], the value traded in each period.

    Returns:
        NaN where nothing was traded.
    """
    returns = np.abs(np.diff(prices) / prices[:-1])
    traded = traded_coins > 0
    if not traded.any():
        return float("nan")
    return float((returns[traded] / traded_coins[traded]).mean())


def turnover(traded_units: Array, stock_units: Array) -> float:
    """Units traded over the mean stock there was to trade (Lo and Wang, "Trading Volume", 2000)."""
    return float(_over(traded_units.sum(dtype=np.float64), stock_units.mean(dtype=np.float64)))


def realised_volatility(prices: Array) -> float:
    """The root of the sum of squared log returns, per the whole stretch, positive prices.

    (Andersen and Bollerslev, "Answering the Skeptics", International Economic Review 1998.)
    """
    return float(np.sqrt((np.diff(np.log(prices)) ** 2).sum()))


def price_dispersion(prices: Array) -> float:
    """Coefficient of variation of the prices that different people ask or pay for one good.

    Standard deviation over mean (Stigler, "The Economics of Information", JPE 1961).
    """
    if len(prices) == 0:
        return float("nan")
    return float(_over(np.std(prices), np.mean(prices)))


def laspeyres(old_prices: Array, new_prices: Array, old_units: Array) -> float:
    """The price index with the basket of old: sum(p1 q0) / sum(p0 q0) (Laspeyres 1871)."""
    return float(_over((new_prices * old_units).sum(), (old_prices * old_units).sum()))


def paasche(old_prices: Array, new_prices: Array, new_units: Array) -> float:
    """The price index with the basket of now: sum(p1 q1) / sum(p0 q1) (Paasche 1874)."""
    return float(_over((new_prices * new_units).sum(), (old_prices * new_units).sum()))


def price_elasticity(prices: Array, units: Array) -> float:
    """Of demand: the slope of log units on log prices by least squares; both positive.

    -1 where what is spent does not depend on the price (Marshall, "Principles", 1890, book III;
    constant elasticity as in any log-linear demand function).

    Returns:
        NaN where the prices do not differ.
    """
    x, y = np.log(prices.astype(np.float64)), np.log(units.astype(np.float64))
    x, y = x - x.mean(), y - y.mean()
    return float(_over((x * y).sum(), (x * x).sum()))


def gdp_by_production(made: Array, used: Array, prices_minor: Array) -> int:
    """Value added in a period, minor units: what was made less what went into making it.

    (System of National Accounts 2008, 2.137.) All goods at one set of prices, as
    `gdp_by_expenditure` does: then the two are equal to the unit.

    Args:
        made, used: int64[goods], units in the period.
        prices_minor: int64[goods], minor units.
    """
    return _valued(made - used, prices_minor)


def gdp_by_expenditure(
    consumed: Array,
    stock_before: Array,
    stock_after: Array,
    net_exports: Array,
    prices_minor: Array,
) -> int:
    """Final use in a period, minor units: consumption, change in stocks, exports less imports.

    (System of National Accounts 2008, 2.138.) Equal to `gdp_by_production` because goods are
    counted: made - used = worn + what the stock grew by + what left less what came.

    Args:
        consumed: int64[goods], units worn out or lost.
        stock_before, stock_after: int64[goods], units in the city.
        net_exports: int64[goods], units that left less units that came.
        prices_minor: int64[goods], minor units.
    """
    return _valued(consumed + (stock_after - stock_before) + net_exports, prices_minor)


def _valued(units: Array, prices_minor: Array) -> int:
    return sum(a * b for a, b in zip(units.tolist(), prices_minor.tolist(), strict=True))


def _over(above: Any, below: Any) -> Any:
    """A quotient, NaN where there is nothing below."""
    return above / below if below else above * float("nan")
