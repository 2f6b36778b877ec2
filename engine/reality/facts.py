"""The statistics of the table, by name: of quarters (rows 1 to 37) and of one run (38 to 45).

Each is computed as it was for the United States, from which the targets come (see `targets`). A
name is what it measures; `_output` at its end: its correlation with output, both as deviations from
their Hodrick-Prescott trends.
"""

import numpy as np

from engine.measures import gini
from engine.reality import series
from engine.reality.distributions import (
    share_of_top,
    spread_exponent,
    subbotin_shape,
    tail_exponent,
)
from engine.reality.quarters import Quarters
from engine.reality.recessions import recessions
from engine.reality.responses import policy_responses
from engine.reality.statistics import (
    autocorrelation,
    correlation,
    cycle,
    deviation,
    excess_kurtosis,
    growth,
    log,
    mean,
    peak_lag,
    skewness,
    slope,
)
from engine.tables import Array

CREDIT_LAG_MAX = 8
TAIL_SHARE = 0.2
"""Of firms, from the largest: where the Pareto tail is fitted."""

Facts = dict[str, float]


def macro_facts(q: Quarters) -> Facts:
    """Rows 1 to 37 of one window; NaN where a statistic cannot be computed."""
    with np.errstate(divide="ignore", invalid="ignore"):
        output = cycle(log(q.output))
        return {
            **_volatility(q, output),
            **_comovement(q, output),
            **_growth(q, output),
            **_prices(q, output),
            **_unemployment(q, output),
            **_flows(q, output),
            **_policy_shock(q),
        }


def _volatility(q: Quarters, output: Array) -> Facts:
    of_output = deviation(output)
    relative = {
        f"{name}_sd": deviation(cycle(log(getattr(q, name)))) / of_output
        for name in ("consumption", "investment", "employment", "hours", "real_wage", "real_credit")
    }
    return {"output_sd": of_output, **relative}


def _comovement(q: Quarters, output: Array) -> Facts:
    logs = ("consumption", "investment", "employment", "real_wage", "productivity", "real_credit")
    levels = ("unemployment", "spread", "utilisation", "policy_rate")
    of_logs = {f"{name}_output": correlation(cycle(log(getattr(q, name))), output) for name in logs}
    of_levels = {f"{name}_output": correlation(cycle(getattr(q, name)), output) for name in levels}
    lag = peak_lag(cycle(log(q.real_credit)), output, CREDIT_LAG_MAX)
    return {**of_logs, **of_levels, "credit_lag": lag}


def _growth(q: Quarters, output: Array) -> Facts:
    quarterly = growth(q.output)
    known = bool(np.isfinite(quarterly).all())
    return {
        "output_autocorrelation_1": autocorrelation(output, 1),
        "output_autocorrelation_4": autocorrelation(output, 4),
        "growth_mean": 4.0 * mean(quarterly),
        "growth_sd": 4.0 * deviation(quarterly),
        "growth_autocorrelation": autocorrelation(quarterly, 1),
        "growth_skewness": skewness(quarterly),
        "growth_kurtosis": excess_kurtosis(quarterly),
        "falling_share": float((quarterly < 0).mean()) if known else float("nan"),
        **_recessions(log(q.output)),
    }


def _recessions(output: Array) -> Facts:
    falls = recessions(output) if np.isfinite(output).all() else []
    if not falls:
        return {"recession_depth": float("nan"), "recession_quarters": float("nan")}
    depths = [output[trough] - output[peak] for peak, trough in falls]
    lengths = [trough - peak for peak, trough in falls]
    return {
        "recession_depth": float(np.mean(depths)),
        "recession_quarters": float(np.mean(lengths)),
    }


def _prices(q: Quarters, output: Array) -> Facts:
    inflation = 4.0 * growth(q.price_output)
    consumer = cycle(4.0 * growth(q.price_consumer))
    return {
        "inflation_mean": mean(inflation),
        "inflation_sd": deviation(inflation),
        "inflation_autocorrelation": autocorrelation(inflation, 1),
        "inflation_output": correlation(consumer, output[1:]),
        "phillips": correlation(cycle(q.unemployment)[1:], consumer),
    }


def _unemployment(q: Quarters, output: Array) -> Facts:
    unemployed, vacancies = cycle(log(q.unemployment)), cycle(log(q.vacancies))
    tightness = deviation(vacancies - unemployed)
    return {
        "unemployment_mean": mean(q.unemployment),
        "unemployment_sd": deviation(q.unemployment),
        "unemployment_skewness": skewness(q.unemployment),
        "okun": slope(output, cycle(q.unemployment)),
        "beveridge": correlation(unemployed, vacancies),
        "beveridge_slope": slope(unemployed, vacancies),
        "unemployment_log_sd": deviation(unemployed),
        "vacancies_sd": deviation(vacancies),
        "tightness_sd": tightness,
        "tightness_ratio": tightness / deviation(cycle(log(q.productivity))),
    }


def _flows(q: Quarters, output: Array) -> Facts:
    return {
        "job_finding": mean(q.job_finding),
        "job_finding_output": correlation(cycle(log(q.job_finding)), output),
        "separations": mean(q.separations),
        "separations_output": correlation(cycle(log(q.separations)), output),
    }


def _policy_shock(q: Quarters) -> Facts:
    answers = policy_responses(log(q.output), log(q.price_consumer), q.policy_rate)
    trough = int(np.argmin(answers[:, 0]))
    return {
        "shock_output_trough": float(answers[trough, 0]),
        "shock_output_trough_quarter": float(trough) if np.isfinite(answers[0, 0]) else np.nan,
        "shock_prices_12": float(answers[12, 1]),
        "shock_prices_20": float(answers[20, 1]),
    }


def micro_facts(run: series.Series) -> Facts:
    """Rows 38 to 45 of the graded window of one run; NaN where a statistic cannot be computed."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return {**_price_changes(run), **_firms(run), **_households(run)}


def _price_changes(run: series.Series) -> Facts:
    first = series.BURN_IN_YEARS * series.MONTHS_A_YEAR
    months = slice(first, series.RUN_MONTHS)
    changed = float(run.prices_changed[months].sum())
    return {
        "prices_changed": 100.0 * float(np.mean(run.prices_changed[months] / run.prices[months])),
        "price_cut_share": float(run.prices_cut[months].sum()) / changed if changed else np.nan,
        "price_change_size": (
            100.0 * float(run.price_change_sum[months].sum()) / changed if changed else np.nan
        ),
        "price_dispersion": 100.0 * float(np.mean(run.price_dispersion[months])),
    }


def _firms(run: series.Series) -> Facts:
    """Means over the years; the growth rates of all years together, each less its year's mean."""
    first, last = series.BURN_IN_YEARS, series.BURN_IN_YEARS + series.WINDOW_YEARS
    years = range(first, last)
    tails = [
        tail_exponent(run.firm_employment[year].astype(np.float64), TAIL_SHARE) for year in years
    ]
    flows = [_job_flows(run, year) for year in years]
    rates = [_firm_growth(run, year) for year in years]
    sizes, growth_rates = (np.concatenate(part) for part in zip(*rates, strict=True))
    return {
        "firm_tail": float(np.mean(tails)),
        "firm_growth_shape": subbotin_shape(growth_rates),
        "firm_growth_scaling": spread_exponent(sizes, growth_rates),
        "job_creation": float(np.mean([created for created, _ in flows])),
        "job_destruction": float(np.mean([destroyed for _, destroyed in flows])),
    }


def _matched(run: series.Series, years: tuple[int, ...], values: Array) -> Array:
    """float64[len(years), firms]: values of every firm there was in any of the years, else 0."""
    present = [run.firm[year] >= 0 for year in years]
    ids = [run.firm[year][here] for year, here in zip(years, present, strict=True)]
    everybody = np.unique(np.concatenate(ids))
    found = np.zeros((len(years), len(everybody)))
    for row, (year, here) in enumerate(zip(years, present, strict=True)):
        found[row, np.searchsorted(everybody, ids[row])] = values[year][here]
    return found


def _job_flows(run: series.Series, year: int) -> tuple[float, float]:
    """Gross job creation and destruction of a year, % of mean employment, entry and exit included.

    (Davis, Haltiwanger and Schuh, "Job Creation and Destruction", 1996.)
    """
    before, after = _matched(run, (year - 1, year), run.firm_employment)
    change, employed = after - before, (before.sum() + after.sum()) / 2.0
    if not employed:
        return float("nan"), float("nan")
    created, destroyed = change[change > 0].sum(), -change[change < 0].sum()
    return 100.0 * float(created / employed), 100.0 * float(destroyed / employed)


def _firm_growth(run: series.Series, year: int) -> tuple[Array, Array]:
    """Sales of the year before, and log growth since less its mean, of firms that were there for
    the whole of both years."""
    years = (year - 2, year - 1, year)
    there = _matched(run, years, np.ones(run.firm.shape))
    _, before, after = _matched(run, years, run.firm_sales)
    whole = (there.sum(axis=0) == len(years)) & (before > 0) & (after > 0)
    rates = np.log(after[whole] / before[whole])
    return before[whole], rates - (rates.mean() if len(rates) else 0.0)


def _households(run: series.Series) -> Facts:
    """Means over the snapshots of the graded window."""
    first = series.BURN_IN_YEARS // series.SNAPSHOT_YEARS
    last = first + series.WINDOW_YEARS // series.SNAPSHOT_YEARS
    wealth, income = (
        [each[np.isfinite(each)] for each in values[first:last]]
        for values in (run.household_wealth, run.household_income)
    )
    return {
        "wealth_top_1": float(np.mean([share_of_top(each, 0.01) for each in wealth])),
        "wealth_gini": float(np.mean([gini(each) for each in wealth])),
        "wealth_bottom_half": float(np.mean([1.0 - share_of_top(each, 0.5) for each in wealth])),
        "income_gini": float(np.mean([gini(each) for each in income])),
    }
