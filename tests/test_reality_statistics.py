"""The ruler's statistics against textbooks and other people's libraries.

Constants marked scipy or statsmodels were printed by scipy 1.17 and statsmodels 0.15 for the same
inputs, drawn by numpy's default generator from the seed given.
"""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.measures import gini
from engine.reality.distributions import (
    share_of_top,
    spread_exponent,
    subbotin_shape,
    tail_exponent,
)
from engine.reality.recessions import recessions, turning_points
from engine.reality.responses import orthogonal_responses, policy_responses
from engine.reality.statistics import (
    autocorrelation,
    correlation,
    cycle,
    deviation,
    excess_kurtosis,
    growth,
    lagged_correlation,
    peak_lag,
    skewness,
    slope,
)


def drawn(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_the_hodrick_prescott_cycle():
    walk = np.cumsum(drawn(1).normal(0.7, 0.8, 60))
    expected = [  # statsmodels.tsa.filters.hp_filter.hpfilter(walk, 1600)[0]
        -0.7528384776924711,
        -0.13224696838806604,
        0.5508909097825523,
        0.33288090112950286,
        -0.47401865548426514,
    ]
    assert cycle(walk)[[0, 1, 10, 30, 59]] == pytest.approx(expected, abs=1e-9)


@given(st.floats(-1e3, 1e3), st.floats(-50.0, 50.0))
def test_a_straight_line_has_no_cycle(level, step):
    assert np.abs(cycle(level + step * np.arange(100))).max() < 1e-6


def test_a_cycle_leaves_out_what_is_unknown():
    values = np.cumsum(drawn(1).normal(0.0, 1.0, 60))
    late = np.concatenate([np.full(20, np.nan), values])
    assert np.isnan(cycle(late)[:20]).all()
    assert cycle(late)[20:] == pytest.approx(cycle(values))


def test_moments():
    values = drawn(2).gamma(2.0, 1.0, 200)
    assert skewness(values) == pytest.approx(1.5589272623515287)  # scipy.stats.skew
    assert excess_kurtosis(values) == pytest.approx(3.1623980579209343)  # scipy.stats.kurtosis
    assert deviation(np.array([2.0, 4, 4, 4, 5, 5, 7, 9])) == pytest.approx((32 / 7) ** 0.5)


def test_regression_and_correlations():
    a = drawn(7).normal(0, 1, 50)
    b = 0.5 * a + drawn(8).normal(0, 1, 50)
    assert slope(a, b) == pytest.approx(0.6285107543273291)  # scipy.stats.linregress
    assert correlation(a, b) == pytest.approx(0.4499394181239024)  # scipy.stats.linregress
    assert autocorrelation(a, 3) == pytest.approx(0.19443130395811342)  # numpy.corrcoef
    assert lagged_correlation(b, a, 2) == pytest.approx(0.12251834292941796)  # scipy.stats.pearsonr


@given(st.integers(-8, 8))
def test_the_lag_of_a_follower_is_found(lag):
    wave = np.cumsum(drawn(11).normal(0, 1, 140))
    assert peak_lag(wave[20 - lag : 120 - lag], wave[20:120], 8) == lag


def test_growth_is_of_logarithms():
    assert growth(np.array([100.0, 110.0, 99.0])) == pytest.approx(
        [100 * np.log(1.1), 100 * np.log(0.9)]
    )


@pytest.mark.parametrize("values", [np.full(100, 3.0), np.full(100, np.nan), np.arange(3.0)])
def test_what_cannot_be_computed_is_not_a_number(values):
    other = np.arange(float(len(values)))
    for found in (
        correlation(values, other[::-1]),
        autocorrelation(values, 1),
        skewness(values),
        excess_kurtosis(values),
        slope(values, other),
        peak_lag(values, other, 4),
    ):
        assert np.isnan(found)


# --- recessions ---


def test_recessions_are_dated():
    level = np.array([1, 2, 3, 4, 5, 4, 3, 4, 5, 6, 7, 8, 7.5, 7, 6.5, 7, 8, 9, 10, 11.0])
    assert recessions(level) == [(4, 6), (11, 14)]


def test_a_quarter_that_falls_alone_is_no_recession():
    level = np.array([1, 2, 3, 4, 3.9, 5, 6, 7, 8, 9.0])
    assert recessions(level) == []


def test_of_two_troughs_the_lower_stands():
    """1969 to 1970: down, up again a little below the peak, and down once more."""
    level = np.array([1, 3, 5, 7, 9, 8, 7, 7.5, 7.6, 6, 8, 9, 10, 11, 12.0])
    assert recessions(level) == [(4, 9)]


@given(st.integers(0, 10_000))
def test_turning_points_keep_the_rules(seed):
    level = np.cumsum(drawn(seed).normal(0.2, 1.0, 100))
    turns = turning_points(level)
    for here, after in itertools.pairwise(turns):
        assert here.sign == -after.sign
        assert after.quarter - here.quarter >= 2
        assert here.sign * (level[here.quarter] - level[after.quarter]) > 0
    for here, after in zip(turns, turns[2:], strict=False):
        assert after.quarter - here.quarter >= 5


# --- responses ---


def made_up_vector() -> np.ndarray:
    stream, values = drawn(3), np.zeros((120, 3))
    matrix = np.array([[0.5, 0.1, -0.2], [0.1, 0.6, 0.0], [0.2, 0.1, 0.7]])
    for now in range(1, 120):
        values[now] = matrix @ values[now - 1] + stream.normal(0, 1, 3)
    return values


def test_impulse_responses():
    found = orthogonal_responses(made_up_vector(), lags=2, horizon=9)
    # statsmodels.tsa.api.VAR(values).fit(2, trend="c").irf(8).orth_irfs
    assert found[0] == pytest.approx(
        np.array(
            [
                [1.019267827062511, 0.0, 0.0],
                [-0.04439499283231309, 1.0431791376615143, 0.0],
                [0.04751062685386645, 0.021873850051433576, 0.9539828064141281],
            ]
        )
    )
    assert found[1, :, 2] == pytest.approx(
        [-0.19212195127352497, -0.10767449109064497, 0.7695834647254699]
    )
    assert found[5, :, 2] == pytest.approx(
        [-0.17630337070616045, -0.0018620794851957711, -0.13050679336067184]
    )


def test_a_policy_shock_is_a_point():
    found = policy_responses(*made_up_vector().T)
    assert found[0] == pytest.approx([0.0, 0.0, 1.0])
    assert found[12] == pytest.approx(  # statsmodels, five lags, over the first answer of the rate
        [0.03504668565677888, -0.04091519753997668, -0.06149925625105634]
    )
    assert np.isnan(policy_responses(*np.full((3, 100), 2.0))).all()


# --- distributions ---


def test_tail_exponents():
    sizes = drawn(9).pareto(1.3, 1000) + 1
    assert tail_exponent(sizes, 0.2) == pytest.approx(1.3444946725675864)  # scipy.stats.linregress
    exact = (np.arange(1, 20_001) - 0.5) ** (-1 / 1.06)
    assert tail_exponent(exact, 0.2) == pytest.approx(1.06)


@pytest.mark.parametrize(
    ("values", "shape"),
    [  # scipy.stats.gennorm.fit(values, floc=numpy.median(values))[0]
        (drawn(4).laplace(0, 0.1, 4000), 1.0263980239906236),
        (drawn(5).normal(0, 0.1, 4000), 2.001715011557547),
        (drawn(6).standard_t(2, 4000), 0.6733100933461295),
    ],
)
def test_the_subbotin_shape(values, shape):
    assert subbotin_shape(values) == pytest.approx(shape, abs=1e-3)


def test_the_spread_of_growth_falls_with_size():
    sizes = np.exp(drawn(12).uniform(0, 8, 40_000))
    rates = drawn(13).normal(0, 1, 40_000) * sizes**-0.2
    assert spread_exponent(sizes, rates) == pytest.approx(0.2, abs=0.01)


def test_shares_and_gini():
    wealth = np.concatenate([np.full(99, 1.0), [101.0]])
    assert share_of_top(wealth, 0.01) == pytest.approx(101 / 200)
    assert share_of_top(wealth, 0.5) == pytest.approx((101 + 49) / 200)
    assert gini(np.array([1.0, 2, 3, 4])) == pytest.approx(0.25)  # Sen 1973: 2*30/(4*10) - 5/4
    lognormal = np.exp(drawn(14).normal(0, 0.9, 200_000))
    assert gini(lognormal) == pytest.approx(0.4755, abs=0.003)  # 2 Phi(0.9 / sqrt 2) - 1
