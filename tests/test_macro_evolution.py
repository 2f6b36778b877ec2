"""Agents of macro cities who live by genes: what these do, whose go on, and evolved cities."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import worlds
from hypothesis import given, settings
from hypothesis import strategies as st
from test_macro_learning import bold

import merchants.advance_macro  # noqa: F401  (compiles what a node then finds in the cache)
from city_node.cities.advance import advance
from city_node.cities.report import state_hash
from city_node.cities.world import found_world
from city_node.durability import checkpoint
from city_node.durability.folder import founded, founding
from city_node.errors import ConfigError
from city_node.laboratory.merchant_lessons import tree_copied
from city_node.settings.config import resolve
from city_node.settings.wishes import Wishes
from engine.macro import evolved, report, spaces
from engine.macro.books import balance_sheet, flow_matrix
from engine.macro.city import Agents, Parameters
from engine.macro.environment import KINDS
from engine.macro.evolved import (
    OFFICE_TERMS,
    SEEN,
    Evolution,
    evolving,
    lineages,
    pass_months,
    policies,
    residuals,
)
from engine.macro.laboratory import advance_alone, found_alone
from engine.macro.learned import SPACES, TABLES
from engine.macro.params import Behaviour
from engine.macro.state import Macro, live, plain
from tests.nodes import Node, check_balance
from tools import learning_macro_trials as trials

HOUSEHOLDS = 150
EVOLVED = Agents("evolved")


def evolved_alone(kinds=KINDS, seed=7, **changes):
    macro, key = found_alone(Behaviour(), seed, HOUSEHOLDS)
    return evolving(macro, kinds, Evolution(**changes), key), key


def arrays(state):
    return [array.tobytes() for array in live(state)]


# --- what genes do ---


def test_genes_mean_a_constant_and_a_weight_on_all_that_is_seen():
    random = np.random.default_rng(1)
    for kind in KINDS:
        space, actions = SPACES[kind], SPACES[kind].residuals
        assert len(SEEN[kind]) == space.observations
        genomes = random.random((5, actions * (1 + space.observations)))
        usual, far = np.array(SEEN[kind]).T
        seen = usual + far * random.normal(0.0, 1.0, (5, space.observations))
        found = residuals(kind, genomes, seen)
        for agent in range(5):
            weights = [2.0 * gene - 1.0 for gene in genomes[agent]]
            for action in range(actions):
                own = weights[action * (1 + space.observations) :][: 1 + space.observations]
                wished = own[0]
                for number, weight in enumerate(own[1:]):
                    far_off = (seen[agent, number] - usual[number]) / far[number]
                    wished += weight * min(max(far_off, -1.0), 1.0)
                assert found[agent, action] == pytest.approx(min(max(wished, -1.0), 1.0))


def test_neutral_genes_are_the_rule():
    state, key = evolved_alone(founders_spread=0.0, mutation=0.0, term_months=4)
    ruled, _ = found_alone(Behaviour(), 7, HOUSEHOLDS)
    series = pass_months(state, key, 30, {})
    assert (series == advance_alone(ruled, key, 30)).all()
    assert arrays(plain(state)) == arrays(ruled)
    assert all((lineage.genomes == 0.5).all() for lineage in lineages(state.heredity).values())


def test_founders_differ_a_little_and_do_something_else_than_the_rule():
    state, key = evolved_alone()
    for kind, lineage in lineages(state.heredity).items():
        off = np.abs(lineage.genomes - 0.5)
        assert 0.0 < off.max() <= 0.1
        rows = 2 if kind == "central_bank" else len(getattr(state, TABLES[kind]))
        assert lineage.genomes.shape == (
            rows, SPACES[kind].residuals * (1 + SPACES[kind].observations)
        )  # fmt: skip
    assert (state.heredity.central_bank.genomes[0] == 0.5).all()  # who challenges it is a mutant
    ruled, _ = found_alone(Behaviour(), 7, HOUSEHOLDS)
    pass_months(state, key, 12, {})
    advance_alone(ruled, key, 12)
    assert arrays(plain(state)) != arrays(ruled)


def test_where_nobody_evolves_a_city_is_what_it_always_was():
    macro, key = found_alone(Behaviour(), 7, HOUSEHOLDS)
    assert evolving(macro, (), Evolution(), key) is macro
    assert plain(macro) is macro


# --- whose genes go on ---


def lived(monkeypatch, kind, pays, months, *, gone=None, seed=7, **changes):
    """What becomes of genes in months in which nothing happens but pay.

    Args:
        pays: of the genomes of those who act, their rewards.
        gone: who fails in every month; nobody.

    Returns:
        the founders' genomes, and the lineage in the end; genes rounded, since reflection at the
        ends of what a gene may be costs all of them their last digit.
    """
    state, key = evolved_alone((kind,), seed, **changes)
    heredity, lineage = state.heredity, getattr(state.heredity, kind)
    founders = lineage.genomes.copy()
    for month in range(months):
        driven = policies(heredity, month)[TABLES[kind]]
        paid = pays(driven.args[1])
        failed = np.zeros(len(paid), bool) if gone is None else gone
        monkeypatch.setattr(evolved, "rewards", lambda *_, paid=paid: {kind: paid})
        monkeypatch.setattr(evolved, "failed", lambda *_, failed=failed: {kind: failed})
        state.nation["month"] += 1
        evolved.hand_on(heredity, None, plain(state), key)
    lineage.genomes[:] = lineage.genomes.round(12)
    return founders.round(12), lineage


@pytest.mark.parametrize(
    ("kind", "terms"), [("firm", 150), ("household", 60), ("bank", 400), ("central_bank", 800)]
)
def test_selection_finds_what_is_paid(monkeypatch, kind, terms):
    _, lineage = lived(monkeypatch, kind, lambda g: g[:, 1] - g[:, 2], terms, term_months=1)
    best = lineage.genomes[:1] if kind == "central_bank" else lineage.genomes
    assert best[:, 1].mean() > 0.85
    assert best[:, 2].mean() < 0.15


def test_a_term_is_judged_by_its_mean(monkeypatch):
    """Luck that averages out within a term does not decide it."""
    random = np.random.default_rng(3)

    def pays(genomes):
        return genomes[:, 0] + random.normal(0.0, 0.5, len(genomes))

    moved = [
        lived(monkeypatch, "household", pays, 20 * term, term_months=term)[1].genomes[:, 0].mean()
        for term in (1, 24)
    ]
    assert 0.52 < moved[0] < moved[1] - 0.02


def test_neutral_genes_drift_without_direction(monkeypatch):
    chance = np.random.default_rng(4)
    drifts = []
    for seed in range(40):
        founders, lineage = lived(
            monkeypatch, "firm", lambda g: chance.normal(0.0, 1.0, len(g)), 25, seed=seed,
            term_months=1,
        )  # fmt: skip
        drifts.append(lineage.genomes.mean(axis=0) - founders.mean(axis=0))
    means = np.mean(drifts, axis=1)
    assert np.std(drifts) > 0.03
    assert abs(means.mean()) < 4.0 * means.std(ddof=1) / np.sqrt(len(means))


@pytest.mark.parametrize("kind", ["firm", "household", "bank"])
def test_after_a_term_all_have_genes_of_somebody_paid_well(monkeypatch, kind):
    founders, lineage = lived(
        monkeypatch, kind, lambda g: (g[:, 0] >= np.median(g[:, 0])) * 1.0, 3, term_months=3,
        mutation=0.0,
    )  # fmt: skip
    for gene in range(founders.shape[1]):
        assert set(lineage.genomes[:, gene]) <= set(founders[:, gene])
    assert (lineage.genomes != founders).any(axis=1).mean() > 0.5
    assert (lineage.genomes[:, 0] >= np.median(founders[:, 0])).mean() > 0.6
    assert not lineage.paid.any()
    assert not lineage.months.any()


@pytest.mark.parametrize("kind", ["firm", "bank"])
def test_a_successor_has_genes_of_the_living(monkeypatch, kind):
    count = len(getattr(evolved_alone((kind,))[0].heredity, kind).genomes)
    gone = np.arange(count) % 3 == 0
    founders, lineage = lived(
        monkeypatch, kind, lambda g: np.ones(len(g)), 1, gone=gone, mutation=0.0
    )
    assert (lineage.genomes[~gone] == founders[~gone]).all()
    assert (lineage.genomes[gone] != founders[gone]).any(axis=1).all()
    for gene in range(founders.shape[1]):
        assert set(lineage.genomes[gone, gene]) <= set(founders[~gone, gene])
    assert (lineage.months == np.where(gone, 0, 1)).all()
    assert (lineage.paid == np.where(gone, 0.0, 1.0)).all()


def test_where_all_fail_at_once_their_genes_stay(monkeypatch):
    gone = np.ones(6, bool)
    founders, lineage = lived(monkeypatch, "bank", lambda g: np.ones(len(g)), 2, gone=gone)
    assert (lineage.genomes == founders).all()


@pytest.mark.parametrize(("pay_of_mutant", "stays"), [(2.0, 1), (1.0, 0), (0.0, 0)])
def test_of_two_terms_of_a_central_bank_the_better_stays(monkeypatch, pay_of_mutant, stays):
    def pays(genomes):
        is_mutant = (genomes != 0.5).any()
        return np.array([pay_of_mutant if is_mutant else 1.0])

    months = 2 * OFFICE_TERMS * 3
    founders, lineage = lived(monkeypatch, "central_bank", pays, months, term_months=3)
    assert (lineage.genomes[0] == founders[stays]).all()
    assert (lineage.genomes[1] != lineage.genomes[0]).all()
    assert (np.abs(lineage.genomes[1] - lineage.genomes[0]) <= 0.1 + 1e-9).all()
    assert not lineage.months.any()


def test_each_central_banker_is_paid_for_his_own_term(monkeypatch):
    months = OFFICE_TERMS * 3 + 2
    _, lineage = lived(
        monkeypatch, "central_bank", lambda g: np.ones(len(g)), months, term_months=3
    )
    assert lineage.months.tolist() == [OFFICE_TERMS * 3, 2]
    assert lineage.paid.tolist() == [OFFICE_TERMS * 3, 2]


# --- the trials behind the page ---


def test_what_was_bred_elsewhere_founds_the_city_that_is_measured(monkeypatch):
    monkeypatch.setattr(trials, "BREEDING_MONTHS", 30)
    macro, key = found_alone(Behaviour(), 7, HOUSEHOLDS)
    founders, _ = evolved_alone(("firm", "bank"))
    state = trials.settled(macro, key, 7, trials.Population({}, ("firm", "bank")))
    assert plain(state).firms is macro.firms
    assert macro.nation["month"][0] == 0
    for kind in ("firm", "bank"):
        found = getattr(state.heredity, kind)
        genomes = trials.bred(7, HOUSEHOLDS, ("firm", "bank"))[kind]
        assert (found.genomes == genomes).all()
        assert (found.genomes != getattr(founders.heredity, kind).genomes).any(axis=1).all()
        assert not found.months.any()
    assert trials.settled(macro, key, 7, trials.Population({})) is macro


def test_every_kind_is_measured_evolved_and_all_together():
    networks = {kind: bold(kind) for kind in KINDS}
    found = trials.populations(networks, 1)
    for kind in KINDS:
        assert found[f"{kind} evolved"] == trials.Population({}, (kind,))
        assert set(found[f"{kind} trained"].policies) == {TABLES[kind]}
    assert found["all evolved"].evolved == KINDS
    assert not found[trials.RULE].policies


# --- cities ---


def city(name, **changes):
    """All kinds evolve, in terms of two months of 40 ticks, unless it is said otherwise."""
    fields = dict.fromkeys(KINDS, EVOLVED)
    fields |= {"step_ticks": 40, "evolution": Evolution(term_months=2), **changes}
    parameters = Parameters(**fields)
    return worlds.city(name, economy="macro", locals=HOUSEHOLDS, merchants=6, parameters=parameters)


def two_cities(**changes):
    cities = [city("Elm", **changes), city("Oak", household=Agents())]
    return worlds.world(cities, worlds.all_roads(2, travel_ticks=30))


def hashes(world):
    return [state_hash(world, each) for each in world.cities]


@settings(max_examples=8)
@given(st.sampled_from(["month", "quarter"]), st.lists(st.integers(1, 799), max_size=5))
def test_time_may_be_cut_anywhere_and_nothing_is_lost(step, cuts):
    whole, cut = two_cities(step=step), two_cities(step=step)
    counted = worlds.Counted(whole)
    advance(whole, 800)
    for before, after in pairwise(sorted({0, *cuts, 800})):
        advance(cut, after - before)
    assert hashes(whole) == hashes(cut)
    counted.check()


def test_accounts_of_an_evolved_city_sum_to_nothing():
    world = two_cities()
    advance(world, 2_000)
    for each in world.cities:
        state = each.state
        assert all(lineage.genomes.std() > 0.0 for lineage in lineages(state.heredity).values())
        assert not balance_sheet(state).amounts_minor.sum(axis=0).any()
        assert not flow_matrix(state).amounts_minor.sum(axis=0).any()


def test_genes_are_in_the_hash_and_in_the_checkpoint():
    world, again = two_cities(), two_cities()
    advance(world, 700)
    frozen = checkpoint.freeze(world, 0, b"", {}, 0.0)
    data = b"".join(bytes(chunk) for chunk in checkpoint.chunks_of(frozen))
    checkpoint.restore(data, again)
    assert hashes(again) == hashes(world)
    advance(world, 300)
    advance(again, 300)
    assert hashes(again) == hashes(world)
    for name in ("genomes", "paid", "months"):
        other = tree_copied(again.cities[0].state)
        getattr(other.heredity.firm, name)[0] += 1
        again.cities[0].state, was = other, again.cities[0].state
        assert hashes(again)[0] != hashes(world)[0]
        again.cities[0].state = was


def test_kinds_of_all_three_policies_live_together():
    """Firms by their genes, banks by a network, households and the central bank by the rule."""
    parts = {"household": Agents(), "bank": Agents("learned"), "central_bank": Agents()}
    world = worlds.world([city("Elm", **parts)])
    world.cities[0].town.networks["bank"] = bold("bank")
    state = world.cities[0].state
    assert set(lineages(state.heredity)) == {"firm"}
    advance(world, 40)
    firms = spaces.observe(world.cities[0].state)["firms"]
    acted = state.actions.firms.copy()
    assert (state.actions.banks != 0.0).any()
    assert not state.actions.households.any()
    assert not state.actions.central_bank.any()
    advance(world, 40)
    genomes = founders_of(world.seed)
    assert (acted != state.actions.firms).any()
    assert (state.actions.firms == residuals("firm", genomes, firms)).all()


def founders_of(seed):
    parts = {"household": Agents(), "bank": Agents("learned"), "central_bank": Agents()}
    return worlds.world([city("Elm", **parts)], seed=seed).cities[0].state.heredity.firm.genomes


def test_what_agents_do_beside_their_rules_is_shown():
    world = two_cities()
    advance(world, 400)
    for each in world.cities:
        shown = each.economy.series(each.state)
        means = each.state.actions.firms.mean(axis=0)
        assert shown["firms_price_asked"] == pytest.approx(means[0])
        assert shown["firms_capital"] == pytest.approx(means[2]) != 0.0
        assert shown["central_bank_policy_rate"] == each.state.actions.central_bank[0]
        named = {key for chart in report.CHARTS for key in chart.keys}
        assert {"firms_workers", "households_borrowing", "banks_lending_spread"} <= named
    assert world.cities[1].economy.series(world.cities[1].state)["households_consumption"] == 0.0


# --- settings ---

SETTINGS = """
economy = "macro"
locals = 150
[macro]
step_ticks = 50
evolution = { term_months = 3, mutation = 0.2 }
[macro.firm]
policy = "evolved"
[cities.Elm.macro.bank]
policy = "learned"
[cities.Elm.macro.central_bank]
policy = "evolved"
[cities.Oak.macro.firm]
policy = "rule"
"""


def test_each_kind_is_driven_as_the_settings_say(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text(SETTINGS)
    config = resolve(Wishes(config=path, seed=1))
    assert founded(founding(config)).cities == config.cities
    elm, oak = (each.state for each in found_world(config).cities)
    assert set(lineages(elm.heredity)) == {"firm", "central_bank"}
    assert elm.heredity.term_months == 3
    assert elm.heredity.mutation == 0.2
    assert isinstance(oak, Macro)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_may_evolve(kind):
    agents = replace(Parameters(), **{kind: EVOLVED})
    assert getattr(agents, kind).policy == "evolved"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('firm = { policy = "evolved", network = "a.npz" }', 'goes with policy = "learned"'),
        ("evolution = { term_months = 0 }", "evolution.term_months = 0: must be from 1 to 1200"),
        ("evolution = { term_months = 1.5 }", "macro.evolution.term_months = 1.5: "),
        ("evolution = { mutation = 1.5 }", "macro.evolution.mutation = 1.5: must be from 0 to 1"),
        ("evolution = { founders_spread = 0.6 }", "founders_spread = 0.6: must be from 0 to 0.5"),
        ("evolution = { mood = 1 }", "macro.evolution.mood = 1: unknown field"),
        ("evolution = true", "macro.evolution = True: must be a table"),
    ],
)
def test_bad_settings_are_refused_in_a_line(tmp_path, text, said):
    path = tmp_path / "settings.toml"
    path.write_text(f'economy = "macro"\n[cities.Elm]\n[macro]\n{text}\n')
    with pytest.raises(ConfigError) as caught:
        resolve(Wishes(config=path, seed=1))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_node_stopped_and_started_again_is_the_city_that_never_stopped(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text(SETTINGS)
    arguments = ("--config", str(path), "--headless", "--no-discovery", "--seed", "7")
    arguments += ("--speed", "max", "--ticks", "600")
    for _ in range(2):
        node = Node(tmp_path, arguments, {})
        node.end()
        ended = node.stop()
        check_balance(ended)
    assert node.matching("goes on at tick 600")
    twin = found_world(resolve(Wishes(config=path, seed=7)))
    advance(twin, 1_200)
    assert [each["hash"] for each in ended["cities"]] == hashes(twin)
    acted = twin.cities[0].state.actions
    assert acted.firms.any()
    assert acted.banks.any()
    assert not acted.households.any()
    genomes = twin.cities[0].state.heredity.firm.genomes
    founders = found_world(resolve(Wishes(config=path, seed=7))).cities[0].state.heredity.firm
    assert (genomes != founders.genomes).any(axis=1).all()
