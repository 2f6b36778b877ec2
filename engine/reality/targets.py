"""The table: what is measured, what the United States are like, and how near is near enough.

Data, read by `score` and printed by whoever reports. Rows 1 to 36 were computed from FRED-QD
(McCracken and Ng, "FRED-QD: A Quarterly Database for Macroeconomic Research", 2020) for 1959Q1 to
2019Q4 with the functions of `facts`; `recent` is 1984Q1 to 2019Q4, `lowest` and `highest` are over
the 37 windows of 25 years that begin a year apart. Rows 38 to 45 are from the papers named.
"""

from dataclasses import dataclass

NONE = float("nan")


@dataclass(frozen=True)
class Value:
    """One number of a row.

    Attributes:
        row: its number.
        fact: its name in `facts`.
        words: what it is, for people, with its unit. Y is output, u unemployment.
        target: of the United States; the middle where it is a band.
        tolerance: full credit within one, none from three on.
        recent, lowest, highest: see the module; NaN where not known.
        low, high: a band with full credit inside; beyond, the credit falls over two tolerances.
        checked: whether it was read in, or computed from, the source named; if not it is quoted
            and still to be checked.
    """

    row: int
    fact: str
    words: str
    target: float
    tolerance: float
    recent: float = NONE
    lowest: float = NONE
    highest: float = NONE
    low: float = NONE
    high: float = NONE
    checked: bool = True


@dataclass(frozen=True)
class Row:
    """One row: its credit is the mean of its values'."""

    number: int
    category: str
    source: str
    values: tuple[Value, ...]
    graded: bool = True


def band(row: int, fact: str, words: str, low: float, high: float, tolerance: float) -> Value:
    """A value with full credit between two bounds."""
    return Value(row, fact, words, (low + high) / 2, tolerance, low=low, high=high)


VALUES = (
    Value(1, "output_sd", "sd of GDP, %", 1.44, 0.45, 1.0, 0.95, 1.87),
    Value(2, "consumption_sd", "sd of consumption / Y", 0.81, 0.1, 0.83, 0.71, 0.88),
    Value(3, "investment_sd", "sd of fixed investment / Y", 3.25, 0.7, 3.97, 2.81, 4.25),
    Value(4, "employment_sd", "sd of employment / Y", 0.88, 0.15, 1.06, 0.78, 1.09),
    Value(5, "hours_sd", "sd of hours / Y", 1.25, 0.3, 1.68, 1.04, 1.71),
    Value(6, "real_wage_sd", "sd of real wage / Y", 0.67, 0.4, 1.07, 0.39, 1.18),
    Value(7, "consumption_output", "corr consumption, Y", 0.87, 0.06, 0.87, 0.8, 0.91),
    Value(8, "investment_output", "corr investment, Y", 0.9, 0.05, 0.89, 0.9, 0.95),
    Value(9, "employment_output", "corr employment, Y", 0.8, 0.08, 0.8, 0.76, 0.84),
    Value(10, "unemployment_output", "corr unemployment, Y", -0.86, 0.05, -0.83, -0.91, -0.81),
    Value(11, "inflation_output", "corr CPI inflation, Y", 0.33, 0.15, 0.27, 0.23, 0.52),
    Value(12, "real_wage_output", "corr real wage, Y", 0.16, 0.25, -0.02, -0.03, 0.43),
    Value(13, "productivity_output", "corr productivity, Y", 0.41, 0.4, -0.12, -0.16, 0.67),
    Value(14, "real_credit_output", "corr real bank credit, Y", 0.45, 0.2, 0.26, 0.18, 0.56),
    Value(15, "credit_lag", "quarters by which credit lags", 3, 1, 4, 2, 4),
    Value(16, "real_credit_sd", "sd of real bank credit / Y", 2.2, 0.4, 2.6, 1.8, 2.7),
    Value(17, "spread_output", "corr spread, Y", -0.59, 0.15, -0.44, -0.79, -0.44),
    Value(18, "utilisation_output", "corr capacity utilisation, Y", 0.86, 0.1, 0.77, 0.74, 0.93),
    Value(19, "policy_rate_output", "corr policy rate, Y", 0.41, 0.25, 0.66, 0.23, 0.77),
    Value(
        20, "output_autocorrelation_1", "autocorr. of Y, 1 quarter", 0.86, 0.03, 0.88, 0.82, 0.89
    ),
    Value(
        20, "output_autocorrelation_4", "autocorr. of Y, 4 quarters", 0.25, 0.12, 0.31, 0.1, 0.33
    ),
    Value(21, "growth_mean", "mean growth, % a year", 3.0, 0.6, 2.7, 2.5, 3.7),
    Value(22, "growth_sd", "sd of quarterly growth, annualised", 3.3, 1.0, 2.3, 2.2, 4.3),
    Value(23, "growth_autocorrelation", "autocorr. of growth", 0.29, 0.12, 0.37, 0.23, 0.43),
    Value(24, "growth_skewness", "skewness of growth", -0.26, 0.7, -1.3, -1.4, -0.1),
    Value(24, "growth_kurtosis", "excess kurtosis of growth", 1.7, 2.5, 4.6, 0.0, 5.1),
    Value(25, "falling_share", "share of falling quarters", 0.115, 0.06, 0.084, 0.04, 0.16),
    Value(26, "recession_depth", "depth of recessions, %", -2.2, 1.2, -2.7, -4.1, -1.4),
    Value(26, "recession_quarters", "length of recessions, quarters", 2.9, 1, 3, 2, 4),
    Value(27, "inflation_mean", "mean inflation, % a year", 3.2, 1.2, 2.1, 1.8, 5.1),
    Value(27, "inflation_sd", "sd of inflation", 2.3, 1.0, 1.0, 0.85, 2.8),
    Value(28, "inflation_autocorrelation", "autocorr. of inflation", 0.9, 0.2, 0.64, 0.49, 0.94),
    Value(29, "unemployment_mean", "mean unemployment, %", 6.0, 0.8, 5.9, 5.7, 6.7),
    Value(29, "unemployment_sd", "sd of unemployment", 1.6, 0.4, 1.5, 1.0, 1.7),
    Value(29, "unemployment_skewness", "skewness of unemployment", 0.7, 0.5, 0.7, 0.2, 1.2),
    Value(30, "okun", "Okun: points of u per % of Y", -0.44, 0.1, -0.54, -0.59, -0.38),
    Value(31, "beveridge", "Beveridge curve: corr log u, v", -0.94, 0.05, -0.92, -0.97, -0.92),
    Value(31, "beveridge_slope", "Beveridge curve: slope", -1.06, 0.2, -1.0, -1.3, -0.94),
    Value(32, "unemployment_log_sd", "sd of log unemployment, %", 11, 0.25 * 11, 10, 8, 13),
    Value(32, "vacancies_sd", "sd of vacancies, %", 13, 0.25 * 13, 11, 10, 15),
    Value(32, "tightness_sd", "sd of tightness, %", 24, 0.25 * 24, 21, 18, 27),
    Value(
        33,
        "tightness_ratio",
        "sd of tightness / sd of productivity",
        22.7,
        5,
        24.3,
        20,
        26,
    ),
    Value(34, "job_finding", "job finding, a month", 0.4, 0.12, 0.35, 0.33, 0.46),
    Value(34, "job_finding_output", "corr job finding, Y", 0.69, 0.12, 0.72, 0.68, 0.77),
    Value(35, "separations", "separations, % a month", 2.4, 0.8, 2.2, 1.9, 3.0),
    Value(35, "separations_output", "corr separations, Y", -0.77, 0.15, -0.67, -0.86, -0.59),
    Value(36, "phillips", "Phillips: corr u, CPI inflation", -0.37, 0.25, -0.18, -0.59, -0.12),
    Value(37, "shock_output_trough", "+100 bp: GDP at its trough, %", -0.6, NONE),
    Value(37, "shock_output_trough_quarter", "+100 bp: quarter of the trough", 6, NONE),
    Value(37, "shock_prices_12", "+100 bp: prices after 12 quarters, %", -0.25, NONE),
    Value(37, "shock_prices_20", "+100 bp: prices after 20 quarters, %", -0.91, NONE),
    band(38, "prices_changed", "prices changed a month, sales apart, %", 9, 12, 2.5),
    Value(39, "price_cut_share", "share of cuts", 0.33, 0.07),
    Value(39, "price_change_size", "mean size of a change, %", 8.5, 2, checked=False),
    band(40, "price_dispersion", "sd of one good's price across shops, %", 19, 36, 8.5),
    Value(41, "firm_tail", "tail exponent of firm size", 1.06, 0.2, checked=False),
    Value(42, "firm_growth_shape", "Subbotin shape of growth rates", 1, 0.3),
    Value(42, "firm_growth_scaling", "sd of growth falls with size to the power", 0.2, 0.08),
    Value(43, "job_creation", "gross job creation, % a year", 18, 4, checked=False),
    Value(43, "job_destruction", "gross job destruction, % a year", 16, 4, checked=False),
    band(44, "wealth_top_1", "share of the richest 1 %", 0.3, 0.39, 0.05),
    Value(44, "wealth_gini", "Gini of wealth", 0.85, 0.05, checked=False),
    Value(44, "wealth_bottom_half", "share of the poorer half", 0.02, 0.02, checked=False),
    Value(45, "income_gini", "Gini of income", 0.48, 0.05, checked=False),
)

NAKAMURA = "Nakamura and Steinsson, Five Facts about Prices, QJE 2008"
KLENOW = "Klenow and Kryvtsov, State-Dependent or Time-Dependent Pricing, QJE 2008"
KAPLAN = "Kaplan and Menzio, The Morphology of Price Dispersion, IER 2015"
AXTELL = "Axtell, Zipf Distribution of U.S. Firm Sizes, Science 2001"
BOTTAZZI = "Bottazzi and Secchi, Explaining the Distribution of Firm Growth Rates, RAND 2006"
JOB_FLOWS = "US private firms; the table that was given named no source"
SCF = "Survey of Consumer Finances, 1989 to 2019"
INCOME = "household money income before taxes"

_CATEGORIES_AND_SOURCES = {
    1: ("volatility", "GDPC1"),
    2: ("volatility", "PCECC96"),
    3: ("volatility", "FPIx"),
    4: ("volatility", "PAYEMS"),
    5: ("volatility", "HOANBS"),
    6: ("volatility", "COMPRNFB"),
    7: ("co-movement", "PCECC96"),
    8: ("co-movement", "FPIx"),
    9: ("co-movement", "PAYEMS"),
    10: ("co-movement", "UNRATE"),
    11: ("co-movement", "CPIAUCSL"),
    12: ("co-movement", "COMPRNFB"),
    13: ("co-movement", "OPHNFB"),
    14: ("credit", "BUSLOANSx + REALLNx + CONSUMERx"),
    15: ("credit", "BUSLOANSx + REALLNx + CONSUMERx"),
    16: ("credit", "BUSLOANSx + REALLNx + CONSUMERx"),
    17: ("credit", "BAA10YM"),
    18: ("co-movement", "TCU (from 1967)"),
    19: ("policy", "FEDFUNDS"),
    20: ("persistence", "GDPC1"),
    21: ("growth", "GDPC1"),
    22: ("growth", "GDPC1"),
    23: ("persistence", "GDPC1"),
    24: ("growth", "GDPC1"),
    25: ("cycle", "GDPC1"),
    26: ("cycle", "GDPC1"),
    27: ("prices", "GDPCTPI"),
    28: ("prices", "GDPCTPI"),
    29: ("labour", "UNRATE"),
    30: ("labour", "UNRATE, GDPC1"),
    31: ("labour", "UNRATE, HWIx"),
    32: ("labour", "UNRATE, HWIx"),
    33: ("labour", "UNRATE, HWIx, OPHNFB"),
    34: ("labour", "UEMPLT5, UNRATE, CE16OV"),
    35: ("labour", "UEMPLT5, UNRATE, CE16OV"),
    36: ("prices", "UNRATE, CPIAUCSL"),
    37: ("policy", "a VAR of 1959 to 2007"),
    38: ("micro prices", NAKAMURA),
    39: ("micro prices", f"{NAKAMURA}; {KLENOW} have about 10 % with sales"),
    40: ("micro prices", KAPLAN),
    41: ("firms", AXTELL),
    42: ("firms", BOTTAZZI),
    43: ("firms", JOB_FLOWS),
    44: ("wealth", SCF),
    45: ("income", INCOME),
}

DRAWN = 37
"""The row that is shown, not graded."""

ROWS = tuple(
    Row(number, *what, tuple(v for v in VALUES if v.row == number), number != DRAWN)
    for number, what in _CATEGORIES_AND_SOURCES.items()
)
"""All. Row 46, of daily returns, waits for a city with an exchange."""

MACRO = tuple(row for row in ROWS if row.number < DRAWN)
"""Rows 1 to 36: the goal, where controls and peers can be graded too."""

MICRO = tuple(row for row in ROWS if row.number > DRAWN)
"""Rows 38 to 45."""
