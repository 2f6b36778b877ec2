"""Money is counted: prices are rounded half-even, and what is divided comes out to the unit."""

from fractions import Fraction

import numpy as np
import pytest
import wrapped
from hypothesis import given
from hypothesis import strategies as st

from engine.money import MINOR_PER_COIN, MONEY_MINOR_MAX


@pytest.mark.parametrize(
    ("coins", "minor"),
    [
        (0.0, 0),
        (1.0, 10**8),
        (0.00000001, 1),
        (1 / 512, 195_312),  # 195312.5: the even one below
        (3 / 512, 585_938),  # 585937.5: the even one above
        (-1 / 512, -195_312),
        (5e-9, 0),
        (5.1e-9, 1),
        (123456.789, 12_345_678_900_000),
        (1e9, 10**17),
    ],
)
def test_prices_are_rounded_half_even(coins, minor):
    assert wrapped.to_minor(coins) == minor


@given(st.floats(-1e9, 1e9))
def test_rounding_is_that_of_the_product(coins):
    product = Fraction(coins * MINOR_PER_COIN)
    assert wrapped.to_minor(coins) == round(product)


def test_a_coin_and_the_limit_fit_in_an_account():
    assert MINOR_PER_COIN == 10**8
    assert 2 * MONEY_MINOR_MAX <= 2**63


@given(
    st.lists(st.integers(0, 10**15), min_size=1, max_size=40),
    st.integers(0, 10**15),
    st.integers(0, 2**40),
)
def test_shares_differ_by_one_unit_at_most_and_nothing_is_left(money, amount, tick):
    before = np.array(money)
    after = before.copy()
    wrapped.share_out(after, amount, tick)
    share, rest = divmod(amount, len(money))
    lucky = {(tick + unit) % len(money) for unit in range(rest)}
    gained = [share + (account in lucky) for account in range(len(money))]
    assert (after - before).tolist() == gained
    assert sum(gained) == amount


def test_a_posting_moves_and_makes_nothing():
    one, other = np.array([5, 7]), np.array([1, 2, 3])
    wrapped.post(one, 1, other, 2, 6)
    assert (one.tolist(), other.tolist()) == ([5, 1], [1, 2, 9])
    wrapped.post(one, 0, one, 1, 5)
    assert one.tolist() == [0, 6]
    wrapped.post(one, 1, one, 1, 4)
    assert one.tolist() == [0, 6], "to oneself"
