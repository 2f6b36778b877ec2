"""The quarterly series that rows 1 to 37 are computed from: an economy's, the data's or noise.

Called by `facts`, by the controls and by whoever reads a file of data.
"""

from dataclasses import dataclass, fields

import numpy as np

from engine.reality import series
from engine.tables import Array

MONTHS_A_QUARTER = 3
QUARTERS = series.WINDOW_YEARS * 4
"""The length of every graded window."""


@dataclass(frozen=True)
class Quarters:
    """Quarterly means, each float64[quarters]; NaN where unknown. Volumes and indices unlogged.

    Attributes:
        output, consumption, investment: volumes.
        employment: people.
        hours: hours worked.
        productivity: output an hour.
        unemployment: % of the labour force.
        vacancies: jobs.
        price_consumer, price_output: indices.
        real_wage: pay an hour over consumer prices.
        real_credit: bank credit over consumer prices.
        policy_rate: % a year.
        spread: percentage points.
        utilisation: %.
        job_finding: short-term unemployed over unemployed, the share that is in its first month.
        separations: short-term unemployed over employed, % a month.
    """

    output: Array
    consumption: Array
    investment: Array
    employment: Array
    hours: Array
    productivity: Array
    unemployment: Array
    vacancies: Array
    price_consumer: Array
    price_output: Array
    real_wage: Array
    real_credit: Array
    policy_rate: Array
    spread: Array
    utilisation: Array
    job_finding: Array
    separations: Array

    def __len__(self) -> int:
        return len(self.output)


def window(quarters: Quarters, first: int, length: int = QUARTERS) -> Quarters:
    """So many quarters from `first` on."""
    names = (each.name for each in fields(quarters))
    return Quarters(**{name: getattr(quarters, name)[first : first + length] for name in names})


def unknown(length: int) -> dict[str, Array]:
    """All fields, NaN: to be replaced by those that are known."""
    return {each.name: np.full(length, np.nan) for each in fields(Quarters)}


def graded_quarters(run: series.Series) -> Quarters:
    """The graded window of a run: ten years dropped, then 25 years of quarters.

    Raises:
        ValueError: the run is too short, or a month of it is missing.
    """
    check(run)
    burn_in = series.BURN_IN_YEARS * series.MONTHS_A_YEAR

    def quarterly(monthly: Array) -> Array:
        graded = monthly[burn_in : burn_in + QUARTERS * MONTHS_A_QUARTER].astype(np.float64)
        means: Array = graded.reshape(QUARTERS, MONTHS_A_QUARTER).mean(axis=1)
        return means

    with np.errstate(divide="ignore", invalid="ignore"):
        unemployment = 100.0 * run.unemployed / (run.unemployed + run.employment)
        job_finding = run.short_unemployed / run.unemployed
        separations = 100.0 * run.short_unemployed / run.employment
        productivity = quarterly(run.output) / quarterly(run.hours)
    return Quarters(
        output=quarterly(run.output),
        consumption=quarterly(run.consumption),
        investment=quarterly(run.investment),
        employment=quarterly(run.employment),
        hours=quarterly(run.hours),
        productivity=productivity,
        unemployment=quarterly(unemployment),
        vacancies=quarterly(run.vacancies),
        price_consumer=quarterly(run.price_consumer),
        price_output=quarterly(run.price_output),
        real_wage=quarterly(run.wage / run.price_consumer),
        real_credit=quarterly(run.credit / run.price_consumer),
        policy_rate=quarterly(run.policy_rate),
        spread=quarterly(run.spread),
        utilisation=quarterly(run.utilisation),
        job_finding=quarterly(job_finding),
        separations=quarterly(separations),
    )


def check(run: series.Series) -> None:
    """Whether a run can be graded at all.

    Raises:
        ValueError: one line naming the field, its length and the least.
    """
    for each in fields(run):
        values = getattr(run, each.name)
        if each.name in series.UNITS:
            least, what = series.RUN_MONTHS, "months"
        elif each.name.startswith("household"):
            least, what = series.RUN_MONTHS // (12 * series.SNAPSHOT_YEARS), "snapshots"
        else:
            least, what = series.RUN_MONTHS // 12, "years"
        if len(values) < least:
            raise ValueError(f"{each.name}: {len(values)} {what}, must be at least {least}")
