"""The macro economy alone: every account to the unit, the same from the same seed, and its markets
against plain numpy.

`HYPOTHESIS_PROFILE=thorough pytest tests/test_macro.py` fuzzes long.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.macro import reform
from engine.macro.books import balance_sheet, flow_matrix
from engine.macro.credit import RESCUED_TO, count_deposits
from engine.macro.events import EVENTS
from engine.macro.founding import HOUSEHOLDS_MIN
from engine.macro.indices import chain
from engine.macro.laboratory import advance_alone, found_alone, reality_run
from engine.macro.labour import EFFORT_HIGH, EFFORT_LOW, OVER_CAPACITY_RETURNS, produce
from engine.macro.params import Behaviour
from engine.macro.plan import CAPACITY_WANTED
from engine.macro.spaces import ACTIONS, OBSERVATIONS, decide, observe
from engine.macro.state import INACTIVE, UNEMPLOYED, rows
from engine.macro.tally import TALLY

EXAMPLES = max(12, settings.default.max_examples - 50)
"""A few; very many with HYPOTHESIS_PROFILE=thorough."""


def check_books(macro) -> None:
    """Every account, every count of the same thing twice, and nobody below zero."""
    for matrix in (balance_sheet(macro), flow_matrix(macro)):
        assert not matrix.amounts_minor.sum(axis=0).any(), matrix.title
        assert not matrix.amounts_minor.sum(axis=1)[: len(matrix.rows) - 1].any(), matrix.title
    people, firms, banks = rows(macro.households), rows(macro.firms), rows(macro.banks)
    employed = people.employer[people.employer >= 0]
    np.testing.assert_array_equal(firms.workers, np.bincount(employed, minlength=len(firms)))
    loans = np.zeros(len(banks), np.int64)
    np.add.at(loans, people.bank, -people.loan_minor)
    np.add.at(loans, firms.bank, -firms.loan_minor)
    np.testing.assert_array_equal(banks.loans_minor, loans)
    assert (people.deposit_minor >= 0).all()
    assert (firms.deposit_minor >= 0).all()
    assert (people.loan_minor <= 0).all()
    assert (firms.loan_minor <= 0).all()
    assert (firms.stock >= 0).all()
    assert (firms.capital > 0).all()
    assert (people.houses >= 0).all()


@st.composite
def behaviours(draw):
    """The calibrated values, each up to half more or less, within what is allowed."""
    values = asdict(Behaviour())
    factors = draw(st.lists(st.floats(0.5, 1.5), min_size=len(values), max_size=len(values)))
    for field, factor in zip(fields(Behaviour), factors, strict=True):
        low, high = field.metadata["low"], field.metadata["high"]
        values[field.name] = min(max(values[field.name] * factor, low), high)
    return Behaviour(**values)


@settings(max_examples=EXAMPLES)
@given(behaviours(), st.integers(HOUSEHOLDS_MIN, 700), st.integers(0, 2**31), st.integers(1, 240))
def test_whatever_the_values_nothing_is_lost(behaviour, households, seed, months):
    macro, key = found_alone(behaviour, seed, households)
    series = advance_alone(macro, key, months)
    assert np.isfinite(series).all()
    check_books(macro)


@pytest.fixture(scope="module")
def settled():
    """An economy after thirty years, and its series."""
    macro, key = found_alone(Behaviour(), 1, 1_500)
    return macro, key, advance_alone(macro, key, 360)


def test_it_settles_into_an_economy(settled):
    macro, _, series = settled
    check_books(macro)
    late = {name: series[120:, number] for number, name in enumerate(TALLY)}
    unemployment = late["unemployed"] / (late["unemployed"] + late["employment"])
    assert 0.03 < unemployment.mean() < 0.12
    assert 0.02 < np.diff(np.log(late["price_consumer"])).mean() * 12 < 0.06
    assert 0.02 < np.diff(np.log(late["output"])).mean() * 12 < 0.045
    assert late["policy_rate"].min() >= 0.0
    assert late["policy_rate"].max() <= 10.0


def test_months_do_not_depend_on_how_they_are_cut():
    courses = []
    for cuts in ([40], [1, 12, 27]):
        macro, key = found_alone(Behaviour(), 5, 300)
        courses.append(np.concatenate([advance_alone(macro, key, cut) for cut in cuts]))
    np.testing.assert_array_equal(*courses)


def test_threads_do_not_matter_and_seeds_do():
    with ThreadPoolExecutor(2) as pool:
        at_once = list(pool.map(lambda seed: reality_run(seed, 60, households=300), [3, 4]))
    alone = reality_run(3, 60, behaviour=Behaviour(), households=300)
    np.testing.assert_array_equal(at_once[0].output, alone.output)
    assert (at_once[0].output != at_once[1].output).any()
    assert at_once[0].household_wealth.shape == (1, 300)
    assert at_once[0].firm.shape == (5, 12)


def test_indices_move_by_the_weighted_mean_logarithm_of_price_changes(settled):
    macro, _, _ = settled
    firms, nation = rows(macro.firms), rows(macro.nation)
    random = np.random.default_rng(1)
    before = firms.price_before.copy()
    now = before * random.uniform(0.9, 1.1, len(before))
    held, firms.price[:] = firms.price.copy(), now
    index, deflator = nation.price_consumer[0], nation.price_output[0]
    chain(macro)
    count = len(macro.world.sold_as)
    changes = np.log(now / before)
    expected = np.exp(np.average(changes[:count], weights=firms.weight_consumer[:count]))
    assert nation.price_consumer[0] / index == pytest.approx(expected)
    expected = np.exp(np.average(changes, weights=firms.weight_output))
    assert nation.price_output[0] / deflator == pytest.approx(expected)
    nation.price_consumer[0], nation.price_output[0] = index, deflator
    firms.price[:], firms.price_before[:] = held, before


def test_an_index_is_where_it_was_when_prices_are_back(settled):
    macro, _, _ = settled
    firms, nation = rows(macro.firms), rows(macro.nation)
    held, index = macro.firms.copy(), nation.price_consumer[0]
    before, random = firms.price.copy(), np.random.default_rng(2)
    firms.price_before[:] = before
    for _ in range(50):
        firms.price[:] = before * random.uniform(0.8, 1.25, len(before))
        chain(macro)
    firms.price[:] = before
    chain(macro)
    assert nation.price_consumer[0] == pytest.approx(index)
    macro.firms[:] = held


def test_what_merchants_buy_counts_as_sold_next_month():
    """A firm's usual sales and its year's take in what left its stock between two months."""
    usual = []
    for exported in (0.0, 5.0):
        macro, key = found_alone(Behaviour(), 8, 200)
        advance_alone(macro, key, 12)
        firms = rows(macro.firms)
        firms.sales[0] += exported
        advance_alone(macro, key, 1)
        usual.append((firms.sales_usual[0], firms.sales_year[0]))
    assert usual[1][0] - usual[0][0] == pytest.approx(1.0)
    assert usual[1][1] - usual[0][1] == pytest.approx(5.0)


def test_a_bank_that_fails_lends_no_more_and_enriches_nobody():
    macro, key = found_alone(Behaviour(), 4, 600)
    advance_alone(macro, key, 24)
    people, firms, banks = rows(macro.households), rows(macro.firms), rows(macro.banks)
    owned = [people.deposit_minor.copy(), people.loan_minor.copy(), firms.loan_minor.copy()]
    EVENTS["bank_failure"](macro, np.random.default_rng(0), bank=2)
    check_books(macro)
    for before, now in zip(owned, (people.deposit_minor, people.loan_minor, firms.loan_minor),
                           strict=True):  # fmt: skip
        np.testing.assert_array_equal(before, now)
    assert banks.equity_minor[1] < 0
    advance_alone(macro, key, 1)
    check_books(macro)
    assert banks.failures[1] == 1
    share = Behaviour().capital_ratio * banks.loans_minor[1]
    assert banks.equity_minor[1] == pytest.approx(RESCUED_TO * share, rel=1e-6)
    lent = -people.loan_minor[people.bank == 1]
    advance_alone(macro, key, 1)
    assert (-people.loan_minor[people.bank == 1] <= lent).all()


def test_output_is_what_numpy_makes_of_workers_and_plant(settled):
    macro, _, _ = settled
    firms, nation, rules = rows(macro.firms), rows(macro.nation), macro.rules
    held = macro.firms.copy()
    each = nation.technology[0] * np.exp(nation.productivity[0]) * np.exp(firms.productivity)
    load = firms.planned / each / np.maximum(firms.workers, 1)
    effort = np.clip(load, EFFORT_LOW, EFFORT_HIGH) ** rules.effort_exponent
    made = each * firms.workers * effort
    capacity = CAPACITY_WANTED * firms.capital / rules.capital_output
    made = np.where(made > capacity, capacity * (made / capacity) ** OVER_CAPACITY_RETURNS, made)
    count = len(macro.world.sold_as)
    made[count:] = np.minimum(made, firms.backlog)[count:]
    produce(macro)
    np.testing.assert_allclose(firms.output, made)
    np.testing.assert_allclose((firms.stock - held["stock"])[:count], made[:count], atol=1e-9)
    macro.firms[:] = held


def test_deposits_are_counted_where_they_lie(settled):
    macro, _, _ = settled
    people, firms, banks = rows(macro.households), rows(macro.firms), rows(macro.banks)
    expected = np.zeros(len(banks), np.int64)
    np.add.at(expected, people.bank, people.deposit_minor)
    np.add.at(expected, firms.bank, firms.deposit_minor)
    pending = int(macro.books.account_minor[1])
    count_deposits(macro)
    assert (banks.deposits_minor - expected).sum() == pending
    assert np.ptp(banks.deposits_minor - expected) < len(banks)


def test_stock_is_what_was_made_and_not_sold():
    macro, key = found_alone(Behaviour(), 2, 400)
    advance_alone(macro, key, 24)
    firms, count = rows(macro.firms), len(macro.world.sold_as)
    before = firms.stock.copy()
    advance_alone(macro, key, 1)
    kept = before + firms.output - firms.sales
    np.testing.assert_allclose(firms.stock[:count], kept[:count], atol=1e-6)
    assert not firms.stock[count:].any()


def test_a_currency_reform_changes_names_and_no_more(monkeypatch):
    courses = []
    for largest in (reform.LARGEST_MINOR, 1e12):
        monkeypatch.setattr(reform, "LARGEST_MINOR", largest)
        macro, key = found_alone(Behaviour(), 3, 300)
        courses.append(advance_alone(macro, key, 36))
        check_books(macro)
    assert macro.nation["denomination"][0] >= 1000.0
    place = TALLY.index("price_consumer")
    ratio = courses[0][12:, place] / courses[1][12:, place]
    assert np.abs(ratio - 1.0).max() < 0.2  # rounding moves a household's luck, not the level


def test_the_zero_action_is_the_rule_and_another_is_not():
    courses = []
    for size in (None, 0.0, 1.0):
        macro, key = found_alone(Behaviour(), 6, 200)
        for _ in range(30):
            if size is not None:
                policies = {
                    kind: lambda seen, kind=kind, size=size: np.full(
                        (len(seen), len(ACTIONS[kind].names)), size
                    )
                    for kind in ACTIONS
                }
                decide(macro, policies)
            last = advance_alone(macro, key, 1)
        courses.append(last)
    np.testing.assert_array_equal(courses[0], courses[1])
    assert (courses[0] != courses[2]).any()
    assert courses[2][0, TALLY.index("policy_rate")] > courses[0][0, TALLY.index("policy_rate")]


def test_agents_see_what_their_spaces_declare(settled):
    macro, _, _ = settled
    seen = observe(macro)
    counts = {
        "central_bank": 1,
        "banks": len(macro.banks),
        "households": len(macro.households),
        "firms": len(macro.firms),
    }
    assert set(seen) == set(OBSERVATIONS) == set(ACTIONS)
    for kind, values in seen.items():
        space = OBSERVATIONS[kind]
        assert values.shape == (counts[kind], len(space.names))
        assert np.isfinite(values).all(), kind
        assert (values >= np.array(space.low)).all(), kind
        assert (values <= np.array(space.high)).all(), kind
        assert getattr(macro.actions, kind).size == counts[kind] * len(ACTIONS[kind].names)


def test_actions_outside_their_space_are_refused(settled):
    with pytest.raises(ValueError, match="actions of banks: must be 18 numbers from -1 to 1"):
        decide(settled[0], {"banks": lambda seen: np.full((len(seen), 3), 1.5)})


def test_everybody_is_somewhere(settled):
    employer = rows(settled[0].households).employer
    assert set(np.unique(employer[employer < 0])) <= {UNEMPLOYED, INACTIVE}


def test_a_value_out_of_bounds_is_refused_in_one_line():
    with pytest.raises(ValueError, match=r"growth = 0\.5: must be from 0 to 0\.1"):
        Behaviour(growth=0.5)
