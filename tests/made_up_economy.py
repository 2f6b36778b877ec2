"""A made-up economy for the ruler: equations for whole series, so that its score is known at once.

It has no agents and no market; its series move together because they are all made of one wave. What
a real economy hands over is told in `engine.reality.series`.
"""

import numpy as np

from engine.reality.series import Matrix, Series

FIRMS, HOUSEHOLDS = 400, 500


def reality_run(seed: int, months: int, actions: str = "rules") -> Series:
    """One run; with random actions the wave is lost in noise."""
    stream = np.random.default_rng(seed)
    wave = _wave(stream, months)
    if actions == "random":
        wave = stream.normal(0.0, 0.02, months)
    trend = 0.0025 * np.arange(months)
    price = np.exp(trend + 0.02 * np.cumsum(wave) / 12)
    output = 1000.0 * np.exp(trend + wave)
    unemployed = np.rint(1000.0 * np.exp(-8.0 * wave))
    years = months // 12
    sizes = np.rint(4.0 * (1.0 - np.arange(FIRMS) / FIRMS) ** (-1 / 1.06))
    sales = sizes * np.exp(np.cumsum(stream.laplace(0.0, 0.1, (years, FIRMS)), axis=0))
    wealth = stream.pareto(1.3, (years // 5, HOUSEHOLDS))
    return Series(
        output=output,
        consumption=0.7 * output**0.8,
        investment=0.2 * np.exp(trend + 3.2 * wave),
        employment=np.rint(16000.0 * np.exp(0.8 * wave)),
        hours=np.exp(1.1 * wave),
        unemployed=unemployed,
        short_unemployed=0.4 * unemployed * np.exp(3.0 * wave),
        vacancies=np.rint(1000.0 * np.exp(8.0 * wave)),
        price_consumer=price,
        price_output=price,
        wage=price * np.exp(trend + 0.7 * wave),
        credit=price * np.exp(trend + 2.0 * np.roll(wave, 9)),
        policy_rate=5.0 + 60.0 * wave,
        spread=2.0 - 30.0 * wave,
        utilisation=80.0 + 100.0 * wave,
        prices=np.full(months, 1000),
        prices_changed=np.full(months, 100),
        prices_cut=np.full(months, 33),
        price_change_sum=np.full(months, 8.5),
        price_dispersion=np.full(months, 0.25),
        firm=np.tile(np.arange(FIRMS), (years, 1)),
        firm_employment=np.tile(sizes, (years, 1)).astype(np.int64),
        firm_sales=sales,
        household_wealth=wealth,
        household_income=np.exp(stream.normal(0.0, 0.9, wealth.shape)),
    )


def reality_accounts(_seed: int, _months: int) -> tuple[Matrix, Matrix]:
    """Deposits that banks owe to households, and a wage."""
    sheet = np.array([[700, -700], [-700, 700]], np.int64) * 10**8
    flows = np.array([[5, -5], [-5, 5]], np.int64) * 10**8
    who = ("households", "banks")
    return (
        Matrix("financial balance sheet", ("deposits", "net worth"), who, sheet),
        Matrix("flows of the month", ("wages", "change of deposits"), who, flows),
    )


def _wave(stream: np.random.Generator, months: int) -> np.ndarray:
    """A second-order autoregression with cycles of some years, sd about 2 %."""
    shocks = stream.normal(0.0, 0.0011, months)
    wave = np.zeros(months)
    for month in range(2, months):
        wave[month] = 1.93 * wave[month - 1] - 0.9375 * wave[month - 2] + shocks[month]
    return wave
