"""What a month is summed up in: one row of float64, the same for the ruler, a city's charts and
tests. Volumes are units of output, money is first crowns (see `Nation.denomination`).
"""

TALLY = (
    "output", "consumption", "investment", "government", "employment", "hours", "unemployed",
    "short_unemployed", "vacancies", "price_consumer", "price_output", "wage", "credit",
    "policy_rate", "spread", "utilisation", "prices", "prices_changed", "prices_cut",
    "price_change_sum", "price_dispersion", "household_credit", "separations", "hires",
    "entries", "firms_failed", "banks_failed", "loans_lost", "equity_ratio", "debt_ratio",
    "stock_ratio", "real_rate", "inflation", "unserved", "orders_refused", "output_value",
    "exports", "imports", "exchange_rate", "confidence", "borrowed", "tax_rate",
)  # fmt: skip
"""Names of the columns, in order."""

(
    OUTPUT, CONSUMED, INVESTED, GOVERNMENT_BOUGHT, EMPLOYED, HOURS, UNEMPLOYED_PEOPLE,
    SHORT_UNEMPLOYED, VACANCIES, PRICE_CONSUMER, PRICE_OUTPUT, WAGE, CREDIT, POLICY_RATE, SPREAD,
    UTILISATION, PRICES, PRICES_CHANGED, PRICES_CUT, PRICE_CHANGE_SUM, PRICE_DISPERSION,
    HOUSEHOLD_CREDIT, SEPARATIONS, HIRES, ENTRIES, FIRMS_FAILED, BANKS_FAILED, LOANS_LOST,
    EQUITY_RATIO, DEBT_RATIO, STOCK_RATIO, REAL_RATE, INFLATION, UNSERVED, ORDERS_REFUSED,
    OUTPUT_VALUE, EXPORTED, IMPORTED, EXCHANGE_RATE, CONFIDENCE, BORROWED, TAX_RATE,
) = range(len(TALLY))  # fmt: skip
"""Their numbers."""
