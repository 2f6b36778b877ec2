"""The fused pass against plain torch with a full shuffle: same rules, so same distributions.

On every device there is. Named tests at alpha = 0.001, on fixed seeds.
"""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

torch.set_num_threads(1)  # tensors are small here
sys.path.insert(0, str(Path(__file__).parents[2]))

from society_worlds import after, society  # noqa: E402

from engine.economy import DEVICES as ALL  # noqa: E402
from engine.society import pulse_torch  # noqa: E402
from engine.society.layout import BORN, DIED, GLEANED, MET_AT, MOVES_AT, PAID  # noqa: E402
from engine.society.pulse import citizens, conditions  # noqa: E402
from engine.society.state import (  # noqa: E402
    AGE,
    count_all,
    energy_expected,
    energy_held,
    hot_columns,
)
from engine.society.traits import TRAITS, natures  # noqa: E402

DEVICES = [
    "cpu",
    *(["cuda"] if torch.cuda.is_available() else []),
    *(["mps"] if torch.backends.mps.is_available() else []),
]


def by_torch(state, pulses: int, device: str, seed: int = 1):
    """As `after`, but that citizens live on a device: on the CPU as well."""
    from unittest import mock

    def instead(state, now, key, _spread=None):
        return pulse_torch.citizens_on(state._replace(device=ALL.index(device)), now, key)

    with mock.patch("engine.society.pulse.citizens", instead):
        return after(state._replace(device=0), pulses, seed=seed)


def kolmogorov_smirnov(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """The two-sample statistic and its limit at alpha = 0.001 (Smirnov 1948)."""
    values = np.concatenate([one, other])
    values.sort()
    below = [np.searchsorted(np.sort(side), values, "right") / len(side) for side in (one, other)]
    limit = 1.95 * np.sqrt((len(one) + len(other)) / (len(one) * len(other)))
    return float(np.abs(below[0] - below[1]).max()), float(limit)


def homogeneous(counts: np.ndarray) -> float:
    """Chi-square of a table of counts, [2, kinds], against equal shares in both rows."""
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / counts.sum()
    return float(((counts - expected) ** 2 / expected).sum())


@pytest.mark.parametrize("device", DEVICES)
def test_energy_adds_up_and_counts_agree_with_a_recount(device):
    for population in (0, 1, 2, 777, 3_000):
        state = by_torch(society(population), 25, device)
        counted = [column.copy() for column in state.commons]
        count_all(state)
        for before, again in zip(counted, state.commons, strict=True):
            np.testing.assert_array_equal(before, again)
        assert energy_held(state) == energy_expected(state)


@pytest.mark.parametrize("device", DEVICES)
def test_one_pulse_has_the_same_statistics(device):
    """Encounters by relation: chi-square, 2 degrees of freedom, 13.8; energies and ages: Kolmogorov
    and Smirnov; births, deaths: chi-square, 1 degree, 10.8; tax: to the unit."""
    state = after(society(60_000, capacity=80_000, starting_energy=1_000), 12)
    now = conditions(state, np.uint64(77))
    found = []
    for one in (citizens, pulse_torch.citizens_on):
        copied = state._replace(
            people=type(state.people)(*(array.copy() for array in state.people)),
            device=ALL.index(device),
        )
        sums, bins = one(copied, now, np.uint64(77))
        lives = copied.people.energy > 0
        found.append(
            (sums, bins, copied.people.energy[lives], hot_columns(copied.people)[:, AGE][lives])
        )
    (ours, _, energy, age), (theirs, _, energies, ages) = found
    assert ours[PAID] == theirs[PAID]
    assert homogeneous(np.array([s[MET_AT : MET_AT + 3] for s in (ours, theirs)])) < 13.8
    for relation in range(3):
        moves = [
            [s[MOVES_AT + relation], 6 * s[MET_AT + relation] - s[MOVES_AT + relation]]
            for s in (ours, theirs)
        ]
        assert homogeneous(np.array(moves)) / 3 < 10.8, "moves of one encounter hang together"
    living = int(state.commons.population[0])
    for what in (BORN, DIED):
        assert ours[what] > 500
        assert homogeneous(np.array([[s[what], living - s[what]] for s in (ours, theirs)])) < 10.8
    assert abs(ours[GLEANED] / theirs[GLEANED] - 1) < 0.03
    for one, other in ((energy, energies), (age, ages)):
        distance, limit = kolmogorov_smirnov(one, other)
        assert distance < limit


@pytest.mark.parametrize("device", DEVICES)
def test_histories_agree_in_the_mean(device):
    """Eight histories of each, 80 pulses: Welch's t below 5.5 (alpha 0.0001, 12 degrees, there
    being 33 of them) for population, energy, Gini, births, cooperation and the traits' means."""

    def seen(run) -> np.ndarray:
        rows = []
        for seed in range(8):
            commons = run(society(2_000, seed=seed), seed).commons
            population = int(commons.population[0])
            shares = commons.cooperated / (6 * np.maximum(commons.met, 1))
            rows.append(
                [
                    population,
                    int(commons.energy[0]) / population,
                    float(commons.gini[0]),
                    int(commons.born[0]),
                    *shares[1:],
                    *commons.trait_sums / (255 * population),
                ]
            )
        return np.array(rows)

    ours = seen(lambda state, seed: after(state, 80, seed=seed))
    theirs = seen(lambda state, seed: by_torch(state, 80, device, seed=seed))
    spread = np.sqrt(ours.var(axis=0, ddof=1) / 8 + theirs.var(axis=0, ddof=1) / 8)
    assert (np.abs(ours.mean(axis=0) - theirs.mean(axis=0)) / spread < 5.5).all()


@pytest.mark.parametrize("device", DEVICES)
def test_the_same_seed_is_the_same_history(device):
    states = [by_torch(society(2_000), 5, device, seed=seed) for seed in (1, 1, 2)]
    first, again, other = (state.people.energy.tobytes() for state in states)
    assert first == again != other


def test_what_is_born_with_is_what_numpy_makes_of_the_traits():
    genes = np.random.default_rng(1).integers(0, 256, (5_000, TRAITS))
    ours = pulse_torch.natures(torch.from_numpy(genes).int())
    np.testing.assert_array_equal(ours.numpy(), natures(genes.astype(np.uint8)))
