"""A society's pulse: everyone is paired once, energy adds up to the unit, threads do not matter.

What chance decides is compared with the plain torch oracle in tests/extras/torch.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from society_worlds import (
    GOODS,
    NOTHING,
    STRATEGIES,
    after,
    founders,
    populated,
    society,
    still_regime,
)

from engine.economy import Setting
from engine.evolution import reflected
from engine.measures import gini
from engine.society.founding import folded, found
from engine.society.layout import BORN, MET_AT, SUMS
from engine.society.params import Parameters
from engine.society.pulse import (
    PAIRS_A_PIECE_MIN,
    book,
    citizens,
    conditions,
    gini_of_bins,
    refill,
)
from engine.society.state import (
    AGE,
    BORN_WITH,
    FLOWS,
    PLACES,
    SETTLED,
    admit,
    count_all,
    energy_expected,
    energy_held,
    hot_columns,
    live,
    with_waiting,
)
from engine.society.traits import (
    BEHAVIOURS,
    DRIFT,
    KIN,
    NAMES,
    NUMBER,
    STRANGER,
    THRESHOLD,
    TRAITS,
    XENO,
    natures,
)


def check_counts(state) -> None:
    """What a pulse counted on the way is what a count of everybody finds; energy adds up."""
    commons = state.commons
    counted = [column.copy() for column in commons]
    count_all(state)
    for name, before, after_ in zip(commons._fields, counted, commons, strict=True):
        np.testing.assert_array_equal(before, after_, err_msg=name)
    assert energy_held(state) == energy_expected(state)
    lives = state.people.energy > 0
    store = hot_columns(state.people)[:, BORN_WITH + 4].astype(int) * 32
    assert (state.people.energy[lives] <= store[lives]).all()


def contents(state) -> list[bytes]:
    return [array.tobytes() for array in live(state)]


# --- pairing ---


@given(st.integers(1, 5), st.integers(0, 2**32), st.floats(0, 1), st.floats(0, 1), st.data())
def test_everyone_grown_up_meets_exactly_one_other(tiles, seed, crowded, grown, data):
    """Whatever is taken of whatever tiles: with P = 1 and defectors alone, each gains 3 units."""
    random = np.random.default_rng(seed)
    places = random.random((tiles, PLACES)) < crowded
    mature = random.random((tiles, PLACES)) < grown
    state = populated(places, mature=mature)
    factor = data.draw(st.sampled_from([f for f in range(1, tiles + 1) if np.gcd(f, tiles) == 1]))
    now = NOTHING._replace(
        punishment=1, tile_factor=factor, tile_shift=data.draw(st.integers(0, tiles - 1))
    )
    sums, bins = citizens(state, now, np.uint64(seed))
    gained = state.people.energy.astype(int) - 1_000 * places
    playing = int((places & mature).sum())
    assert (gained[~(places & mature)] == 0).all()
    assert set(gained[places & mature].tolist()) <= {0, 3}
    assert (gained == 3).sum() == playing // 2 * 2, "at most one of all rests"
    assert sums[MET_AT : MET_AT + 3].tolist() == [playing // 2, 0, 0]
    assert bins.sum() == tiles * PLACES


def test_who_meets_whom_is_as_a_shuffle_has_it():
    """Encounters by relation: a chi-square test against independence, alpha = 0.001 (18.5)."""
    random = np.random.default_rng(4)
    tribe = random.choice(16, (40, PLACES), p=np.arange(1, 17) / 136)
    state = populated(np.ones((40, PLACES), bool), tribe=tribe)
    shares = np.bincount(tribe.ravel(), minlength=16) / tribe.size
    together = np.outer(shares, shares)
    same, kind = np.eye(16, dtype=bool), np.equal.outer(np.arange(16) % 4, np.arange(16) % 4)
    expected = [together[cells].sum() for cells in (same, ~kind, kind & ~same)]
    met = np.zeros(3)
    for key in range(200):
        now = NOTHING._replace(tile_factor=1 + 2 * (key % 4), tile_shift=key % 40)
        sums, _ = citizens(state, now, np.uint64(key))
        met += sums[MET_AT : MET_AT + 3]
    expected = np.array(expected) * met.sum()
    assert ((met - expected) ** 2 / expected).sum() < 18.5 + 40, "within tiles nearly so"


def test_partners_change_from_pulse_to_pulse():
    """Of two in one tile: how often they meet in 4,000 pulses of two tiles, Poisson, 6 sigma."""
    places = np.ones((2, PLACES), bool)
    state = populated(places)
    met = np.zeros(2 * PLACES, int)
    cooperator = (255, 255, 0) * 3
    hot_columns(state.people)[0, :BEHAVIOURS, 0] = cooperator
    for key in range(4_000):
        state.people.energy[:] = 1_000
        now = NOTHING._replace(temptation=1)
        citizens(state, now, np.uint64(key))
        met += (state.people.energy.ravel() > 1_000).astype(int)
    assert met.sum() == 4_000
    assert met[0] == 0
    assert met[1:].max() < 4_000 / 511 + 6 * np.sqrt(4_000 / 511)


# --- the arena ---


def played(one, other) -> tuple[int, int, int]:
    """Three rounds as the rules say them: pay-offs with T, R, S, P = 50, 30, 1, 10, and moves."""
    payoff = {(1, 1): 30, (1, 0): 1, (0, 1): 50, (0, 0): 10}
    a, b = one[0], other[0]
    gain = gains = moves = 0
    for _ in range(3):
        gain, gains, moves = gain + payoff[a, b], gains + payoff[b, a], moves + a + b
        a, b = (
            one[1] if b else 1 - one[2],
            other[1] if a else 1 - other[2],
        )
    return gain, gains, moves


@pytest.mark.parametrize(
    ("tribes", "relation"), [((3, 3), KIN), ((3, 4), XENO), ((3, 7), STRANGER)]
)
def test_three_rounds_pay_what_the_rules_say(tribes, relation):
    """All pairs of those who leave nothing to chance; the other relations' traits do not matter."""
    now = NOTHING._replace(temptation=50, reward=30, sucker=1, punishment=10)
    for one in STRATEGIES:
        for other in STRATEGIES:
            behaviour = np.random.default_rng(1).integers(0, 256, (1, PLACES, BEHAVIOURS))
            columns = slice(3 * relation, 3 * relation + 3)
            behaviour[0, 0, columns], behaviour[0, 1, columns] = (
                255 * np.array(one),
                255 * np.array(other),
            )
            places, tribe = np.zeros((1, PLACES), bool), np.zeros((1, PLACES), int)
            places[0, :2], tribe[0, :2] = True, tribes
            state = populated(places, tribe=tribe, behaviour=behaviour)
            sums, _ = citizens(state, now, np.uint64(5))
            gain, gains, moves = played(one, other)
            assert state.people.energy[0, :2].tolist() == [1_000 + gain, 1_000 + gains]
            assert sums[MET_AT + relation] == 1
            assert sums[MET_AT + 3 + relation] == moves


def test_nobody_holds_more_than_he_can_store():
    places = np.ones((1, PLACES), bool)
    state = populated(places, energy=8_150, behaviour=(255, 255, 0) * 3)
    state.commons.flows[0] = energy_held(state)
    now = NOTHING._replace(reward=30)
    book(state, *citizens(state, now, np.uint64(1)))
    assert (state.people.energy == 255 * 32).all()
    check_counts(state)


# --- life ---


@pytest.mark.parametrize("population", [0, 1, 2, 3, 255, 256, 257, 511, 513, 1_001])
def test_a_society_of_any_size_lives_and_adds_up(population):
    state = society(population)
    check_counts(state)
    for _ in range(30):
        state = after(state, 1)
        check_counts(state)
    assert (state.commons.population[0] == 0) or population > 0


def test_one_full_to_capacity_bears_none_until_somebody_dies():
    regime = still_regime()
    state = society(512, capacity=512, regimes=(regime,), starting_energy=1_500)
    state = after(state, 1)
    died = int(state.commons.died[0])
    assert int(state.commons.born[0]) <= died
    assert state.commons.population[0] == 512 - died + int(state.commons.born[0])
    check_counts(state)


def test_extinction_is_a_state():
    state = society(600, regimes=(still_regime(base_tax=1_000),))
    state = after(state, 5)
    assert state.commons.population[0] == 0
    check_counts(state)
    assert np.isnan(state.commons.gini[0])
    assert state.commons.complexity[0] == 0.0
    state = after(state, 3)
    check_counts(state)
    assert (state.people.energy == 0).all()


def test_they_age_and_die_of_it():
    state = society(2_000, regimes=(still_regime(refill=50),))
    for _ in range(200):
        state = after(state, 1)
        hot = hot_columns(state.people)
        alive = state.people.energy > 0
        assert (hot[:, AGE][alive] <= hot[:, BORN_WITH + 3][alive]).all()


rules = st.fixed_dictionaries(
    {
        "capacity": st.sampled_from([0, 2_048, 5_000]),
        "tribes": st.sampled_from([1, 2, 16, 256]),
        "species": st.sampled_from([1, 4, 256]),
        "starting_energy": st.sampled_from([1, 400, 1_500]),
        "birth_cost": st.sampled_from([1, 500, 1_500]),
        "harvest_energy": st.sampled_from([1, 5_000]),
        "storehouse": st.sampled_from([0, 10]),
    }
)


@settings(max_examples=30)
@given(st.integers(0, 2_048), rules, st.integers(0, 2**63), st.integers(0, 2**63))
def test_energy_is_conserved_but_for_declared_sources_and_sinks(population, rules, seed, key):
    state = society(population, seed=seed, **rules)
    for _ in range(12):
        state = after(state, 1, seed=key)
        check_counts(state)


def test_the_same_seed_is_the_same_history_whoever_runs_the_pieces():
    """Pieces in order, in disorder, on two threads: a society large enough to have five."""
    people = 5 * PAIRS_A_PIECE_MIN * 2 * PLACES - 7

    def backwards(pieces):
        assert len(pieces) == 5
        for piece in reversed(pieces):
            piece()

    with ThreadPoolExecutor(2) as pool:
        spreads = (None, backwards, lambda pieces: list(pool.map(lambda piece: piece(), pieces)))
        found_ = [
            contents(after(society(people // 2, capacity=people), 3, spread=spread))
            for spread in spreads
        ]
    assert found_[0] == found_[1] == found_[2]
    assert contents(after(society(people // 2, capacity=people), 3, seed=2)) != found_[0]


# --- births ---


def test_a_child_has_each_trait_whole_from_one_of_two_parents():
    """Parents of two kinds, far apart in every trait: every child's trait is near one of them.

    Which of the two: a two-sided z test of the share, six sigma; drift: its mean and its spread.
    """
    ours, theirs = 60 / 255, 190 / 255
    table = founders(2, **dict.fromkeys(NAMES, np.array([ours, theirs])))
    state = society(60_000, founders=table, tribes=1, starting_energy=1_500)
    state.people.genome[:, :TRAITS] = np.where(state.people.genome[:, :TRAITS] < 128, 60, 190)
    hot_columns(state.people)[:, BORN_WITH + THRESHOLD] = 1
    hot_columns(state.people)[:, AGE] = 30
    before = state.people.energy.ravel() > 0
    sums, _ = citizens(state, NOTHING._replace(birth_cost=500), np.uint64(9))
    born = (state.people.energy.ravel() > 0) & ~before
    assert born.sum() == sums[BORN] > 10_000
    genes = state.people.genome[born, :TRAITS].astype(int)
    of_ours, of_theirs = np.abs(genes - 60) <= DRIFT, np.abs(genes - 190) <= DRIFT
    assert (of_ours | of_theirs).all()
    share = of_ours.mean(axis=0)
    assert (np.abs(share - 0.5) < 6 * 0.5 / np.sqrt(born.sum())).all()
    mixed = of_ours.sum(axis=1)
    assert ((mixed > 0) & (mixed < TRAITS)).mean() > 0.45, "crossed wherever parents differ"
    drift = np.where(of_ours, genes - 60, genes - 190)
    assert set(np.unique(drift)) == set(range(-DRIFT, DRIFT + 1))
    deviation = np.sqrt(((2 * DRIFT + 1) ** 2 - 1) / 12)
    assert abs(drift.mean()) < 6 * deviation / np.sqrt(drift.size)
    assert abs(drift.std() / deviation - 1) < 0.02


def test_traits_fold_back_as_evolution_has_it():
    steps = np.arange(-255, 511)
    np.testing.assert_allclose(folded(steps) / 255, reflected(steps / 255), atol=1e-12)


def test_what_is_born_with_is_what_numpy_makes_of_the_traits():
    """The kernel's `nature` against that of numpy, over all who were born in forty pulses."""
    state = after(society(20_000), 40)
    lives = state.people.energy.ravel() > 0
    genes = state.people.genome[lives, :TRAITS]
    hot = hot_columns(state.people).transpose(0, 2, 1).reshape(-1, 18)[lives]
    assert state.commons.born[0] > 5_000
    np.testing.assert_array_equal(hot[:, BORN_WITH:], natures(genes))
    np.testing.assert_array_equal(hot[:, :BEHAVIOURS], genes[:, :BEHAVIOURS])


# --- score ---


@given(st.integers(1, 3_000), st.integers(0, 2**32))
def test_gini_of_the_histogram_is_that_of_the_citizens(count, seed):
    values = np.random.default_rng(seed).gamma(2.0, 400.0, count).astype(int) % 8_000 + 1
    histogram = np.bincount(values // 32, minlength=256)
    assert abs(gini_of_bins(histogram, int(values.sum())) - gini(values)) < 0.03


def test_the_reward_shrinks_with_a_depleted_pool_and_nothing_else_does():
    state = society(1_000)
    full = int(state.ages.pool[0]) * 2_048
    usual = conditions(state, np.uint64(1))
    assert (usual.temptation, usual.reward, usual.sucker, usual.punishment) == (50, 30, 0, 10)
    state.commons.pool[0] = full // 4
    poor = conditions(state, np.uint64(1))
    assert poor == usual._replace(reward=15)
    state.commons.pool[0] = 0
    assert conditions(state, np.uint64(1)) == usual._replace(reward=0)


def test_the_pool_never_holds_more_than_it_can_but_for_what_is_bought():
    state = society(100)
    full = int(state.commons.pool[0])
    state.commons.fed[0] = 5_000
    refill(state)
    assert state.commons.pool[0] == full + 5_000
    assert state.commons.fed[0] == 0
    refill(state)
    assert state.commons.pool[0] == full + 5_000
    check_counts(state)


def test_ages_advance_and_fall_back_with_complexity():
    low, high = still_regime(rises_above=10), still_regime(falls_below=2_000, rises_above=0)
    state = after(society(1_000, regimes=(low, high)), 1)
    assert (state.commons.regime[0], state.commons.shifts[0]) == (1, 1)
    state = after(state, 1)
    assert (state.commons.regime[0], state.commons.shifts[0]) == (0, 2)


# --- founding and settling ---


def test_founders_are_multiplied_and_drift_a_little():
    table = founders(100, k_trust=np.linspace(0, 1, 100), tribe=np.arange(100) % 7)
    setting = Setting(1_000, GOODS, {}, np.uint64(3), table)
    state = found(setting, Parameters(founder_multiplier=10))
    lives = state.people.energy.ravel() > 0
    trust = state.people.genome[lives, 0].astype(int)
    wanted = np.repeat(np.rint(np.linspace(0, 1, 100) * 255), 10)
    assert np.abs(trust - wanted).max() <= DRIFT
    assert np.abs(trust - wanted).max() > 0
    tribes = hot_columns(state.people).transpose(0, 2, 1).reshape(-1, 18)[lives, 11]
    np.testing.assert_array_equal(tribes, np.repeat(np.arange(100) % 7, 10))


def test_who_settles_waits_for_an_empty_place():
    state = society(256, capacity=256)
    genes = np.arange(TRAITS, dtype=np.uint8)
    state = with_waiting(with_waiting(state, genes), genes + 1)
    assert len(admit(state, [5, 6]).waiting.genes) == 2, "full"
    state.people.energy[0, 17] = 0
    state.commons.flows[0] = 0
    count_all(state)
    state.commons.flows[0] = energy_held(state)
    state = admit(state, [5, 6])
    assert state.waiting.genes.tolist() == [(genes + 1).tolist()]
    assert state.people.genome[17, :TRAITS].tolist() == genes.tolist()
    assert state.commons.flows[SETTLED] == state.rules.starting_energy
    check_counts(state)


def test_names_are_unique_and_numbered():
    assert len(set(NAMES)) == TRAITS == 27
    assert NUMBER["k_trust"] == 0
    assert len(FLOWS) == len(set(FLOWS)) == 11
    assert SUMS == 15 + TRAITS
