"""What can be read off a macro city: coins, prices, stock, series, charts. Changes nothing."""

import numpy as np

from engine.economy import Chart
from engine.macro.accounts import COIN
from engine.macro.laboratory import wealth
from engine.macro.spaces import ACTIONS
from engine.macro.state import Macro, rows
from engine.macro.tally import TALLY
from engine.measures import gini
from engine.money import MINOR_PER_COIN
from engine.tables import Array

_TRADE = "Macro: trade and banks"
_BESIDE = "Macro: beside the rules"

_ACTS = {
    table: {
        f"{table}_{action.replace(' ', '_')}": action
        for action in (name.partition(",")[0] for name in space.names)
    }
    for table, space in ACTIONS.items()
}
"""By kind, the series of its mean actions and what people call these."""


def _title(table: str, acts: dict[str, str]) -> str:
    """What a kind's chart is called: one that shows a single action names it."""
    kind = table.replace("_", " ").capitalize()
    return kind if len(acts) > 1 else f"{kind}: {next(iter(acts.values()))}"


CHARTS = (
    Chart("line", "panels", "Output", "units a month", ("gdp",), log=True),
    Chart("line", "panels", "Inflation", "% a year", ("inflation",), zero=True),
    Chart("line", "panels", "Unemployment", "% of the labour force", ("unemployment",), zero=True),
    Chart("line", "panels", "Policy rate", "% a year", ("policy_rate",), zero=True, steps=True),
    Chart("line", "panels", "Credit", "% of a year's output", ("credit",), zero=True),
    Chart("line", "panels", "Inequality of wealth", "Gini", ("gini_wealth",), zero=True),
    Chart(
        "path",
        "panels",
        "Beveridge curve",
        "% of the labour force",
        ("unemployment", "vacancies"),
        names=("unemployment", "vacancies"),
    ),
    Chart(
        "path",
        "panels",
        "Phillips curve",
        "%",
        ("unemployment", "inflation"),
        names=("unemployment", "inflation"),
    ),
    Chart(
        "line",
        "panels",
        "Trade",
        "% of output",
        ("exports", "imports"),
        names=("exports", "imports"),
        zero=True,
        view=_TRADE,
    ),
    Chart("line", "panels", "Reserves", "coins", ("reserves",), zero=True, view=_TRADE),
    Chart("line", "panels", "Exchange rate", "crowns a coin, in the crowns of the founding",
          ("exchange_rate",), log=True, view=_TRADE),
    Chart("line", "panels", "Banks' capital", "% of loans", ("bank_capital",), zero=True,
          view=_TRADE),
    Chart("line", "panels", "Public debt", "% of a year's output", ("public_debt",), zero=True,
          view=_TRADE),
    Chart("line", "panels", "Real wage", "units of consumption an hour", ("real_wage",), log=True,
          view=_TRADE),
    *(
        Chart("line", "panels", _title(table, acts), "mean; 0: the rule, ±1: at most",
              tuple(acts), names=tuple(acts.values()), zero=True, view=_BESIDE)
        for table, acts in _ACTS.items()
    ),
    Chart("lorenz", "distributions", "Wealth", "share", ("wealth",)),
    Chart("ridge", "distributions", "Income of last year", "crowns", ("income",), log=True),
)  # fmt: skip


def residents(macro: Macro) -> int:
    """How many households live here."""
    return len(rows(macro.households).employer)


def holdings_minor(macro: Macro) -> int:
    """The coins in the central bank's reserves, minor units; the city's own money is no coin."""
    return int(rows(macro.nation).reserves_minor[0])


def purses(macro: Macro) -> Array:
    """int64[1]: where the merchants' taxes go: the reserves; `abroad.settle` books them."""
    reserves_minor: Array = macro.nation["reserves_minor"]
    return reserves_minor


def _quotes(macro: Macro) -> list[Array]:
    """A good -> float64[firms]: prices in coins, none where it is not traded."""
    firms, world = rows(macro.firms), macro.world
    prices = firms.price[: len(macro.world.sold_as)] / rows(macro.nation).exchange_rate[0]
    found = []
    for good in range(len(world.content)):
        if world.sold[good]:
            found.append(prices[world.sold_as == good] * world.content[good])
        elif world.bought[good]:
            found.append(prices * world.content[good])
        else:
            found.append(prices[:0])
    return found


def prices(macro: Macro) -> Array:
    """float64[goods]: what firms ask for it on average, or its like where they do not sell it."""
    return np.array([quote.mean() if len(quote) else np.nan for quote in _quotes(macro)])


def price_range(macro: Macro) -> Array:
    """float64[2, goods]: lowest and highest of these, coins."""
    quotes = _quotes(macro)
    return np.array(
        [[pick(quote) if len(quote) else np.nan for quote in quotes] for pick in (np.min, np.max)]
    )


def stock(macro: Macro) -> Array:
    """int64[goods]: units that firms could sell to merchants now."""
    firms, world = rows(macro.firms), macro.world
    consumers = len(macro.world.sold_as)
    units = np.zeros(len(world.content), np.int64)
    for good in np.flatnonzero(world.sold):
        output = firms.stock[:consumers][world.sold_as == good].sum()
        units[good] = int(min(output / world.content[good], 2.0**62))
    return units


def trades(macro: Macro) -> int:
    """Units of the world's goods sold to and bought from merchants."""
    return int(rows(macro.nation).trades[0])


def series(macro: Macro) -> dict[str, float]:
    """What is plotted over time; everything as of the last month. NaN before the first."""
    nation = rows(macro.nation)
    if nation.month[0] == 0:
        return {name: float("nan") for name in _NAMES}
    tally = dict(zip(TALLY, macro.books.tally.tolist(), strict=True))
    force = max(tally["employment"] + tally["unemployed"], 1.0)
    value = max(tally["output_value"], 1e-9)
    return {
        "gdp": tally["output"],
        "inflation": tally["inflation"],
        "unemployment": 100.0 * tally["unemployed"] / force,
        "vacancies": 100.0 * tally["vacancies"] / force,
        "policy_rate": tally["policy_rate"],
        "credit": 100.0 * tally["credit"] / (12.0 * value),
        "gini_wealth": gini(np.maximum(wealth(macro), 0.0)),
        "exports": 100.0 * tally["exports"] / value,
        "imports": 100.0 * tally["imports"] / value,
        "reserves": float(nation.reserves_minor[0]) / MINOR_PER_COIN,
        "exchange_rate": tally["exchange_rate"],
        "bank_capital": 100.0 * tally["equity_ratio"],
        "public_debt": 100.0 * tally["debt_ratio"],
        "real_wage": tally["wage"] / tally["price_consumer"],
        **_beside_the_rules(macro),
    }


def _beside_the_rules(macro: Macro) -> dict[str, float]:
    """What agents of every kind did beside their rules last month, -1 to 1, on average."""
    found: dict[str, float] = {}
    for table, acts in _ACTS.items():
        means = getattr(macro.actions, table).reshape(-1, len(acts)).mean(axis=0)
        found |= dict(zip(acts, means.tolist(), strict=True))
    return found


_NAMES = tuple(dict.fromkeys(key for c in CHARTS if c.kind in ("line", "path") for key in c.keys))


def samples(macro: Macro, most: int) -> dict[str, Array]:
    """Of at most `most` households, evenly spaced, in first crowns: deposits, wealth, income."""
    count = len(rows(macro.households).employer)
    chosen = np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.int64))
    first = float(rows(macro.nation).denomination[0])
    return {
        "money": rows(macro.households).deposit_minor[chosen] * (COIN * first),
        "wealth": np.maximum(wealth(macro)[chosen], 0.0),
        "income": rows(macro.households).income_last_year[chosen] * first,
    }
