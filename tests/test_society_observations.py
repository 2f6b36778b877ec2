"""What must be seen of a society, three seeds of each; docs/society.md has twenty.

Experiments and what they mean: `tools.society_trials`. Seeds are fixed, so a result is the same
each time: a failure means that the rules have changed what emerges.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from tools import society_trials as trials
from tools.society_traits import AT_A_BIRTH, EFFECTS, effect

SEEDS = (101, 102, 103)
KEPT = Path(__file__).parents[1] / "docs" / "society.json"


def over_seeds(experiment) -> np.ndarray:
    return np.array([experiment(seed) for seed in SEEDS])


def test_swapping_the_labels_of_xeno_and_strangers_swaps_the_results():
    """The mean of three seeds within four of its deviations, as twenty seeds have them."""
    tolerance = json.loads(KEPT.read_text("utf-8"))["labels_swapped"]
    assert (np.abs(over_seeds(trials.labels_swapped).mean(axis=0)) < tolerance).all()


@pytest.mark.parametrize(
    "residents",
    [trials.reciprocators_among_defectors, trials.reciprocators_among_cooperators],
)
def test_rare_reciprocators_earn_more_than_residents(residents):
    seen = over_seeds(residents)
    assert (seen[:, 0] > seen[:, 1]).all()


def test_cooperation_falls_in_a_dead_world_and_further_than_in_a_rich_one():
    seen = over_seeds(trials.dead_world)
    fell = seen[:, :, 1] - seen[:, :, 0]
    assert (fell[:, 0] < -0.1).all()
    assert (fell[:, 0] < fell[:, 1] - 0.03).all()


def test_neutral_traits_drift_as_a_random_walk_and_selected_ones_do_not():
    """Variance ratio VR(4) (Lo and MacKinlay 1988) of 18 walks of 16 steps: their mean has a
    deviation of sqrt(2 (2 x 4 - 1) (4 - 1) / (3 x 4 x 16) / 18) = 0.11; four of them."""
    walks = over_seeds(trials.neutral_walks)
    ratios = np.array([trials.variance_ratios(walk) for walk in walks])
    marks = slice(trials.NUMBER["mark_1"], trials.NUMBER["mark_6"] + 1)
    assert abs(ratios[:, marks].mean() - 1.0) < 0.44
    assert (ratios[:, trials.NUMBER["storage"]] > 2.0).all()
    moved = walks[:, -1] - walks[:, 0]
    assert np.abs(moved[:, marks]).max() < 0.2
    assert (moved[:, trials.NUMBER["storage"]] < -0.2).all()


def test_a_child_resembles_its_mid_parent_with_a_slope_of_one():
    """Student's t of the mean slope of 27 traits against 1, 26 degrees of freedom, alpha 0.001."""
    slopes = over_seeds(trials.heritability).mean(axis=0)
    error = slopes.std(ddof=1) / np.sqrt(len(slopes))
    assert abs(slopes.mean() - 1.0) < 3.71 * error
    assert error < 0.005


@pytest.mark.parametrize("trait", [*EFFECTS, *AT_A_BIRTH])
def test_every_trait_of_life_does_something(trait):
    """In the direction that it is said to, in each of three seeds; choosiness in their mean."""
    low, high = over_seeds(lambda seed: effect(trait, seed)).T
    way = EFFECTS[trait][2] if trait in EFFECTS else AT_A_BIRTH[trait][1]
    assert way * (high.mean() - low.mean()) > 0
    if trait != "choosiness":
        assert (way * (high - low) > 0).all()


def test_the_permutation_test_knows_chance_from_none():
    chance = np.random.default_rng(1).normal(0.0, 1.0, (200, 20))
    found = np.array([trials.sign_flip(row, flips=999) for row in chance])
    assert 0.01 < (found < 0.05).mean() < 0.11
    assert trials.sign_flip(np.full(20, 0.1)) < 1e-4
