"""Random numbers: the compiled ones are the plain ones, look random, and never overlap.

Uniformity is judged by Pearson's chi-squared test, at alpha = 1e-4 on either side, with fixed
seeds: the verdicts never change from run to run, and poor generators are rejected by the same test.
"""

import hashlib
from math import sqrt

import bazaar_reference as plain
import numpy as np
import pytest
import wrapped
from hypothesis import given
from hypothesis import strategies as st

from engine.rng import AGENT_STEP, GOLDEN, key_of

ALPHA = 1e-4
NORMAL_QUANTILE = 3.719016485455709
"""Of the standard normal distribution, at 1 - ALPHA."""

words = st.integers(0, 2**64 - 1)
ticks = st.one_of(st.integers(0, 5), st.integers(0, 2**62))
agents = st.one_of(st.integers(0, 5), st.integers(0, 2**40))


def drawn(key, tick, agent, count, first=0) -> np.ndarray:
    into = np.empty(count, np.uint64)
    wrapped.draws(np.uint64(key), tick, agent, first, into)
    return into


@given(words, ticks, agents, st.integers(0, 1000))
def test_draws_are_those_of_plain_integers(key, tick, agent, first):
    draws = plain.Draws.of(plain.tick_key(key, tick), agent)
    expected = [draws.bits(first + number) for number in range(4)]
    assert drawn(key, tick, agent, 4, first).tolist() == expected


@given(words, st.integers(0, 1000))
def test_uniform_numbers_are_those_of_plain_integers(stream, number):
    value = wrapped.uniform(np.uint64(stream), number)
    assert value == plain.Draws(stream).uniform(number)
    assert 0.0 <= value < 1.0


@given(words, st.integers(1, 2**31))
def test_numbers_below_a_limit_stay_below_it(bits, limit):
    number = wrapped.below(np.uint64(bits), limit)
    assert number == (bits >> 32) * limit >> 32
    assert 0 <= number < limit


def test_the_ends_of_a_range_are_reached():
    assert wrapped.below(np.uint64(0), 7) == 0
    assert wrapped.below(np.uint64(2**64 - 1), 7) == 6


def test_keys_depend_on_every_name_and_where_it_ends():
    expected = hashlib.blake2b(b"7\0Riverwood\0gift", digest_size=8).digest()
    assert int(key_of(7, "Riverwood", "gift")) == int.from_bytes(expected, "big")
    keys = [
        key_of(7, "Riverwood", "gift"),
        key_of(8, "Riverwood", "gift"),
        key_of(7, "Riverwoodg", "ift"),
        key_of(7, "Riverwood"),
        key_of(7),
        key_of(-7),
        key_of(77, "Riverwood"),
    ]
    assert len(set(map(int, keys))) == len(keys)


# Uniformity.


def chi_squared_range(degrees: int) -> tuple[float, float]:
    """What chi-squared falls below, and exceeds, with probability ALPHA each.

    Wilson and Hilferty, "The distribution of chi-square", 1931.
    """
    spread = 2.0 / (9.0 * degrees)
    ends = (1.0 - spread + side * NORMAL_QUANTILE * sqrt(spread) for side in (-1, 1))
    low, high = (degrees * end**3 for end in ends)
    return low, high


def test_the_range_is_that_of_the_distribution():
    """Its density, integrated, gives these quantiles."""
    low, high = chi_squared_range(255)
    assert (low, high) == (pytest.approx(179.4, abs=0.5), pytest.approx(347.7, abs=0.5))


def looks_uniform(bits: np.ndarray) -> bool:
    """Pearson's test of the highest byte, of the lowest byte, and of neighbours' highest 4 bits.

    Too even is as suspicious as too uneven.
    """
    high = (bits >> np.uint64(56)).astype(np.int64)
    low = (bits & np.uint64(255)).astype(np.int64)
    pairs = (high[:-1:2] >> 4) * 16 + (high[1::2] >> 4)
    least, most = chi_squared_range(255)
    for cells in (high, low, pairs):
        expected = len(cells) / 256
        assert expected >= 5, "too few for the test"
        counts = np.bincount(cells, minlength=256)
        if not least < ((counts - expected) ** 2 / expected).sum() < most:
            return False
    return True


COUNT = 20_000


def one_stream(seed):
    return drawn(key_of(seed), 12, 3, COUNT)


def neighbouring_agents(seed):
    into = np.empty(COUNT, np.uint64)
    wrapped.streams(key_of(seed), 12, np.arange(COUNT), into)
    return np.array([plain.mix(int(stream)) for stream in into], np.uint64)  # everyone's draw 0


def neighbouring_ticks(seed):
    return np.concatenate([drawn(key_of(seed), tick, 3, 1, first=2) for tick in range(COUNT)])


def agents_by_ticks(seed):
    """As a city uses them: draw 0 of a hundred agents in one tick after the other."""
    numbers = [drawn(key_of(seed), tick, agent, 1) for tick in range(200) for agent in range(100)]
    return np.concatenate(numbers)


def neighbouring_seeds(seed):
    return np.concatenate([drawn(key_of(seed + near), 0, 0, 1) for near in range(COUNT)])


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(
    "source",
    [one_stream, neighbouring_agents, neighbouring_ticks, agents_by_ticks, neighbouring_seeds],
)
def test_draws_look_uniform_and_independent(source, seed):
    assert looks_uniform(source(seed))


def test_poor_generators_are_told_apart():
    counter = np.arange(COUNT, dtype=np.uint64)
    weyl = counter * GOLDEN
    lcg = np.empty(COUNT, np.uint64)
    state = 1
    for i in range(COUNT):
        state = state * 6364136223846793005 + 1442695040888963407 & plain.BITS_64
        lcg[i] = state  # its low byte goes round and round
    for poor in (counter, weyl, lcg):
        assert not looks_uniform(poor)
    biased = drawn(key_of(1), 12, 3, COUNT)
    biased[:400] >>= np.uint64(8)
    assert not looks_uniform(biased)


# Overlaps.


def least_distance(starts: np.ndarray) -> int:
    """How many draws apart the nearest two streams begin on the one cycle they all lie on.

    Draw n of a stream is the mixed start + n GOLDEN, and GOLDEN is odd: so all streams lie on one
    cycle of 2**64 draws, and start / GOLDEN (in integers modulo 2**64) says where.
    """
    inverse = np.uint64(pow(int(GOLDEN), -1, 2**64))
    places = np.sort(starts * inverse)
    gaps = np.diff(places, append=places[:1])  # the last one wraps round
    return int(gaps.min())


def test_streams_of_neighbouring_agents_and_ticks_do_not_overlap():
    """An agent draws 1 + 4 goods numbers at most: 257 of 64. A million streams keep far apart."""
    starts = np.empty((1000, 1000), np.uint64)
    for tick in range(1000):
        wrapped.streams(key_of(7, "Riverwood"), tick, np.arange(1000), starts[tick])
    assert least_distance(starts.reshape(-1)) > 1_000


def test_the_distance_would_tell():
    near = np.array([5, 5 + 3 * int(GOLDEN) & plain.BITS_64], np.uint64)
    assert least_distance(near) == 3


def test_the_steps_between_agents_and_draws_are_odd_and_differ():
    assert int(GOLDEN) % 2 == int(AGENT_STEP) % 2 == 1
    assert GOLDEN != AGENT_STEP
