"""Selection, crossover and mutation of arrays of genes; and drift where there is no selection."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from engine import evolution

genes = st.floats(0.0, 1.0)
populations = st.tuples(st.integers(1, 30), st.integers(1, 6)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=genes)
)
seeds = st.integers(0, 2**32)


def test_the_fittest_of_three_wins():
    """Of n, rank k from below (from 0) wins with ((k + 1)**3 - k**3) / n**3."""
    n, winners = 10, 200_000
    fitness = np.arange(n, dtype=float)
    won = evolution.tournament(fitness, winners, np.random.default_rng(1))
    ranks = np.arange(n)
    expected = ((ranks + 1) ** 3 - ranks**3) / n**3
    share = np.bincount(won, minlength=n) / winners
    deviation = np.sqrt(expected * (1 - expected) / winners)
    assert (np.abs(share - expected) < 5 * deviation).all()


def test_a_tournament_of_one_selects_nothing():
    fitness = np.arange(5.0)
    won = evolution.tournament(fitness, 100_000, np.random.default_rng(2), size=1)
    np.testing.assert_allclose(np.bincount(won) / 100_000, 0.2, atol=0.01)


def test_the_unknown_lose_against_anybody():
    fitness = np.array([np.nan, -1e300, np.nan])
    won = evolution.tournament(fitness, 500, np.random.default_rng(3), size=50)
    assert (won == 1).all()
    assert evolution.fittest_first(fitness)[0] == 1


@given(populations, seeds)
def test_children_inherit_whole_traits(mothers, seed):
    random = np.random.default_rng(seed)
    fathers = random.random(mothers.shape)
    born = evolution.crossover(mothers, fathers, random)
    assert ((born == mothers) | (born == fathers)).all()


def test_four_of_five_children_are_crossed():
    random = np.random.default_rng(4)
    mothers, fathers = np.zeros((50_000, 20)), np.ones((50_000, 20))
    born = evolution.crossover(mothers, fathers, random)
    crossed = born.any(axis=1)  # one in a million has 20 traits of his mother by chance
    assert crossed.mean() == pytest.approx(0.8, abs=0.01)
    assert born[crossed].mean() == pytest.approx(0.5, abs=0.005)


@given(populations, seeds, st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_genes_stay_within_bounds(population, seed, probability, drift):
    random = np.random.default_rng(seed)
    mutated = evolution.mutate(population, random, probability=probability, drift=drift)
    assert ((mutated >= 0.0) & (mutated <= 1.0)).all()
    assert (np.abs(mutated - population) <= drift + 1e-12).all()


def test_one_gene_in_ten_moves_uniformly():
    before = np.full((20_000, 10), 0.5)
    moved = evolution.mutate(before, np.random.default_rng(5)) - before
    steps = moved[moved != 0.0]
    assert len(steps) / moved.size == pytest.approx(0.1, abs=0.005)
    assert steps.mean() == pytest.approx(0.0, abs=0.005)
    assert steps.std() == pytest.approx(evolution.MUTATION_DRIFT / np.sqrt(3), rel=0.03)


def test_neutral_traits_drift_as_a_random_walk_does():
    """Without selection the mean of a population walks: its variance over runs grows in step.

    Genes keep away from the ends here, where reflection would hold them. A generation adds to the
    variance of one gene p d**2 / 3, and drawing n parents from n (Wright and Fisher) turns 1 / n of
    the variance among them into variance of the mean.
    """
    runs, n, generations, p, d = 400, 20, 60, 0.1, 0.05
    random = np.random.default_rng(6)
    means = np.empty((generations + 1, runs))
    population = np.full((n, runs), 0.5)  # a trait of its own a run; crossover keeps them apart
    for generation in range(generations + 1):
        means[generation] = population.mean(axis=0)
        no_difference = np.zeros(n)
        population = evolution.next_generation(
            population, no_difference, random, mutation_probability=p, drift=d
        )
    spread = means.var(axis=1)
    within, among = 0.0, [0.0]
    for _ in range(generations):
        among.append(among[-1] + within / n + p * d * d / 3 / n)
        within = within * (1 - 1 / n) + p * d * d / 3 * (1 - 1 / n)
    late = slice(generations // 2, None)
    assert np.abs(means.mean(axis=1) - 0.5).max() < 5 * np.sqrt(among[-1] / runs)
    np.testing.assert_allclose(spread[late], np.array(among)[late], rtol=0.35)


def test_selection_finds_a_hill():
    random = np.random.default_rng(7)
    population = np.full((100, 3), 0.5)
    for _ in range(60):
        fitness = population[:, 0] - population[:, 1]
        population = evolution.next_generation(population, fitness, random)
    assert population[:, 0].mean() > 0.9
    assert population[:, 1].mean() < 0.1


def test_an_elite_lives_on_unchanged():
    random = np.random.default_rng(8)
    population = random.random((10, 4))
    fitness = random.permutation(10).astype(float)
    following = evolution.next_generation(population, fitness, random, elite=2)
    np.testing.assert_array_equal(following[0], population[fitness == 9][0])
    np.testing.assert_array_equal(following[1], population[fitness == 8][0])
    assert following.shape == population.shape


def test_steady_state_replaces_the_least_fit():
    random = np.random.default_rng(9)
    population = random.random((10, 4))
    fitness = np.arange(10.0)
    following, places = evolution.steady_state(population, fitness, 3, random)
    assert sorted(places) == [0, 1, 2]
    np.testing.assert_array_equal(following[3:], population[3:])


@given(populations, seeds)
def test_the_same_generator_gives_the_same_generation(population, seed):
    fitness = population[:, 0]
    first, second = (
        evolution.next_generation(population, fitness, np.random.default_rng(seed))
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)
