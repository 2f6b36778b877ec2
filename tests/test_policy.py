"""A network's forward pass and choices, without torch: numpy and kernel against plain sums."""

import numpy as np
import pytest
from numba import float32, float64, int64, void

from engine.kernels import kernel
from engine.layers import OBSERVATION_MAX, exponentials, squash
from engine.policy import (
    Policy,
    Spaces,
    choose,
    decide,
    likeliest,
    option_by,
    outputs,
    sampled,
)
from engine.tables import kernel_type

SPACES = Spaces(7, (4, 2, 5), 2)

ROUNDING = 2e-6
"""Of float32 sums of some dozens of numbers near one, in another order."""


def made_up(spaces=SPACES, units=(19, 12), seed=0) -> Policy:
    """Random weights of the size of trained ones."""
    random = np.random.default_rng(seed)

    def normal(*shape):
        return random.normal(0.0, 1.0 / np.sqrt(shape[0]), shape).astype(np.float32)

    return Policy(
        normal(spaces.observations),
        np.abs(normal(spaces.observations)) + np.float32(0.5),
        normal(spaces.observations, units[0]),
        normal(units[0]),
        normal(units[0], units[1]),
        normal(units[1]),
        normal(units[1], spaces.outputs),
        normal(spaces.outputs),
        np.full(spaces.residuals, -1.0, np.float32),
        np.array(spaces.choices, np.int64),
    )


def in_plain_numbers(policy: Policy, observation) -> list[float]:
    """The forward pass as a book writes it, in float64."""
    seen = (observation.astype(float) - policy.mean) * policy.scale
    hidden = np.clip(seen, -OBSERVATION_MAX, OBSERVATION_MAX)
    hidden = np.tanh(policy.weights_1.T.astype(float) @ hidden + policy.bias_1)
    hidden = np.tanh(policy.weights_2.T.astype(float) @ hidden + policy.bias_2)
    return policy.weights_3.T.astype(float) @ hidden + policy.bias_3


@kernel(void(kernel_type(Policy), float32[:, ::1], float32[::1], float32[::1], float32[:, ::1]))
def decisions(policy, observations, hidden_1, hidden_2, into):
    for agent in range(len(observations)):
        decide(policy, observations[agent], hidden_1, hidden_2, into[agent])


@kernel(int64(float32[::1], int64, int64, float64))
def option(logits, first, options, chance):
    return option_by(logits, first, options, chance)


@kernel(void(float32[::1]))
def squashed(values):
    squash(values)


@kernel(void(float32[::1]))
def exponentiated(values):
    exponentials(values)


def observed(agents, seed=1):
    random = np.random.default_rng(seed)
    return random.normal(0.0, 3.0, (agents, SPACES.observations)).astype(np.float32)


@pytest.mark.parametrize("agents", [0, 1, 2_047, 2_048, 2_049, 5_000])
def test_numpy_and_kernel_agree_with_plain_numbers(agents):
    policy, seen = made_up(), observed(agents)
    found = outputs(policy, seen)
    assert found.shape == (agents, SPACES.outputs)
    assert found.dtype == np.float32
    into = np.empty_like(found)
    scratch = np.empty(19, np.float32), np.empty(12, np.float32)
    decisions(policy, seen.copy(), *scratch, into)
    for agent in range(0, agents, 97):
        expected = in_plain_numbers(policy, seen[agent])
        assert found[agent] == pytest.approx(expected, abs=ROUNDING)
    assert into == pytest.approx(found, abs=ROUNDING)


def test_tanh_and_exponential_against_numpys_in_float64():
    x = np.linspace(-30.0, 30.0, 200_001, dtype=np.float32)
    values = x.copy()
    squashed(values)
    assert np.abs(values - np.tanh(x.astype(float))).max() < 3e-7
    values = np.concatenate([x[x <= 0.0], np.float32([-1e9, -np.inf])])
    expected = np.exp(values.astype(float))
    exponentiated(values)
    assert np.abs(values - expected).max() < 2e-7
    assert (values >= 0.0).all()


@pytest.mark.parametrize("agents", [1, 5_000])
def test_blocks_of_agents_may_run_anywhere_in_any_order(agents):
    policy, seen = made_up(), observed(agents)

    def backwards(pieces):
        for piece in reversed(pieces):
            piece()

    found, turned = outputs(policy, seen), outputs(policy, seen, backwards)
    assert (found == turned).all()
    one = sampled(policy, found, np.random.default_rng(2))
    other = sampled(policy, found, np.random.default_rng(2), backwards)
    assert (one.choices == other.choices).all()
    assert (one.residuals == other.residuals).all()


def test_what_lies_far_off_is_cut():
    policy = made_up()
    far, further = np.full((1, 7), 1e6, np.float32), np.full((1, 7), 1e9, np.float32)
    assert (outputs(policy, far) == outputs(policy, further)).all()


def test_the_likeliest_is_the_largest_logit_and_the_mean():
    found = np.array([[0, 3, 1, 2, 5, 4, 1, 1, 1, 1, 2, 0.5, -0.5]], np.float32)
    actions = likeliest(made_up(), found)
    assert actions.choices.tolist() == [[1, 0, 4]]
    assert actions.residuals.tolist() == [[0.5, -0.5]]


def test_options_are_where_the_distribution_function_passes_the_chance():
    """Against numpy's search in the cumulated softmax; the kernels of a city and of a batch."""
    random = np.random.default_rng(3)
    logits = random.normal(0.0, 2.0, (500, 6)).astype(np.float32)
    chances = random.random((500, 1), np.float32)
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    found = np.empty((500, 1), np.int64)
    choose(logits, np.array([6]), chances, np.empty(6, np.float32), found)
    for row, chance in enumerate(chances[:, 0]):
        below = np.cumsum(weights[row].astype(float)) / weights[row].astype(float).sum()
        if np.abs(below - chance).min() > 1e-6:  # else rounding decides
            expected = np.searchsorted(below, chance, side="right")
            assert found[row, 0] == option(logits[row], 0, 6, chance) == expected


def test_the_ends_of_chance_choose_the_ends_of_the_options():
    logits = np.zeros(5, np.float32)
    assert option(logits, 1, 4, 0.0) == 0
    assert option(logits, 1, 4, np.nextafter(1.0, 0.0)) == 3


def test_choices_are_as_frequent_as_the_softmax_says():
    """Chi-squared of 40,000 choices among four; chance passes 16.3 once in a thousand."""
    policy = made_up(Spaces(7, (4,)))
    logits = np.tile(np.array([0.0, 1.0, -1.0, 0.5], np.float32), (40_000, 1))
    share = np.exp(logits[0]) / np.exp(logits[0]).sum()
    actions = sampled(policy, logits, np.random.default_rng(11))
    counted = np.bincount(actions.choices[:, 0], minlength=4)
    assert ((counted - 40_000 * share) ** 2 / (40_000 * share)).sum() < 16.3


def test_residuals_are_normal_around_their_means():
    policy = made_up(Spaces(7, (), 1))
    actions = sampled(policy, np.full((40_000, 1), 2.0, np.float32), np.random.default_rng(5))
    assert actions.residuals.mean() == pytest.approx(2.0, abs=0.01)
    assert actions.residuals.std() == pytest.approx(np.exp(-1.0), abs=0.01)
