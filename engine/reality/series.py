"""What an economy hands to the ruler: the series of one run, and nothing that is already graded.

An economy that can be graded has, in the module that its entry point names (see `engine.economy`),

    reality_run(seed, months, actions="rules") -> Series
        One run of one city at the size the economy wants to be graded at, from its founding; the
        same seed and actions give the same series. The ruler drops the first ten years. `actions`:
        "rules" is the zero action of every deciding agent, "random" an action drawn anew, every
        agent and period, uniformly from its whole action space: the control. It is called from
        several threads at once, so its kernels are `nogil` and it shares no state.
    reality_accounts(seed, months) -> tuple[Matrix, Matrix]
        The financial balance sheet at the end of the last month, and the transaction flow matrix
        of that month.

Everything is raw: no filter, no smoothing, no logarithm, no seasonal adjustment, no clip. A quarter
is the mean of its three months, for flows, stocks, rates and indices alike, as in the quarterly
files of US data that the targets were computed from; units of volumes do not matter, for logs are
taken. Knows neither economies nor targets.
"""

from dataclasses import dataclass
from typing import Annotated, get_type_hints

from engine.tables import Array

MONTHS_A_YEAR = 12
BURN_IN_YEARS = 10
WINDOW_YEARS = 25
RUN_MONTHS = (BURN_IN_YEARS + WINDOW_YEARS) * MONTHS_A_YEAR
"""What one graded run lasts."""

GRADED_SEEDS = range(1, 1000)
"""For grading, and for nothing else: who calibrates or trains takes seeds from a million on."""

SNAPSHOT_YEARS = 5
"""Households are looked at so often; firms every year."""


@dataclass(frozen=True)
class Series:
    """One run. Monthly fields are float64[months], each the whole city's, in the unit noted.

    Attributes:
        output: real GDP made in the month, volume at constant prices (GDPC1).
        consumption: real purchases of households (PCECC96); without government and dwellings.
        investment: real fixed investment, deliveries of capital goods, no inventories (FPIx).
        employment: people with a job at the month's end (CE16OV).
        hours: hours worked in the month by all of them, overtime included (HOANBS).
        unemployed: people at the month's end without a job and searching (UNRATE).
        short_unemployed: those among them whose spell is shorter than five weeks: begun since the
            month's beginning (UEMPLT5).
        vacancies: jobs offered and still open at the month's end (HWI).
        price_consumer: consumer price index, chained, after any discounts (CPIAUCSL).
        price_output: deflator of GDP, chained (GDPCTPI).
        wage: nominal pay for an hour: all wages paid in the month, bonuses and overtime included,
            over its hours (COMPRNFB is this over the CPI).
        credit: nominal loans of banks to firms and households outstanding at the month's end
            (BUSLOANSx, REALLNx and CONSUMERx together, nominal).
        policy_rate: of the central bank, the month's, % a year (FEDFUNDS).
        spread: mean rate on loans to firms less the policy rate, weighted by loans, percentage
            points (BAA10YM).
        utilisation: output over what could be made with all capital in use, % (TCU).
        prices: products on sale: one product of one shop is one.
        prices_changed: those whose price differs from a month before, temporary sales apart.
        prices_cut: those whose price is lower than a month before.
        price_change_sum: sum of |log of new price over old| over those that changed.
        price_dispersion: standard deviation over mean of the price of the same good in different
            shops at the month's end, mean over goods, 1 = 100 %.
        firm: int64[years, places], who is in the place at the year's end; a number is never used
            again for another firm; -1: nobody.
        firm_employment: int64[years, places], employees at the year's end, 0 where there is none.
        firm_sales: float64[years, places], real sales of the year (volume), 0 where there is none.
        household_wealth: float64[snapshots, households], net worth, coins: deposits, dwellings and
            shares less debts; at the end of years 5, 10, 15 ...
        household_income: float64[snapshots, households], coins, of the year that ended then:
            wages, benefits, pensions, interest, dividends; before taxes.
    """

    output: Annotated[Array, "volume"]
    consumption: Annotated[Array, "volume"]
    investment: Annotated[Array, "volume"]
    employment: Annotated[Array, "people"]
    hours: Annotated[Array, "hours"]
    unemployed: Annotated[Array, "people"]
    short_unemployed: Annotated[Array, "people"]
    vacancies: Annotated[Array, "jobs"]
    price_consumer: Annotated[Array, "index"]
    price_output: Annotated[Array, "index"]
    wage: Annotated[Array, "coins an hour"]
    credit: Annotated[Array, "coins"]
    policy_rate: Annotated[Array, "% a year"]
    spread: Annotated[Array, "percentage points"]
    utilisation: Annotated[Array, "%"]
    prices: Annotated[Array, "products"]
    prices_changed: Annotated[Array, "products"]
    prices_cut: Annotated[Array, "products"]
    price_change_sum: Annotated[Array, "log points"]
    price_dispersion: Annotated[Array, "1"]
    firm: Array
    firm_employment: Array
    firm_sales: Array
    household_wealth: Array
    household_income: Array


UNITS: dict[str, str] = {
    name: hint.__metadata__[0]
    for name, hint in get_type_hints(Series, include_extras=True).items()
    if hasattr(hint, "__metadata__")
}
"""The monthly fields, in order, and their units."""


@dataclass(frozen=True)
class Matrix:
    """A balance sheet or the flows of a month, in which every row and every column is zero.

    Financial claims only, so that each row is somebody's asset and somebody else's debt. Columns
    are sectors. In a balance sheet the last row is the sectors' financial net worth with its sign
    turned; in a flow matrix the rows after the transactions are the changes of the stocks of money
    and loans, sources positive and uses negative (Godley and Lavoie, "Monetary Economics", 2007,
    chapter 2).

    Attributes:
        title: what it is, and when; printed in whole units of 1e8 minor ones.
        rows, columns: names.
        amounts_minor: int64[rows, columns], minor units.
    """

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    amounts_minor: Array
