"""Agents of macro cities who learn: what they see, are paid and do; a learned city in its node."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from test_policy import made_up

from city_node.cities.advance import advance
from city_node.cities.report import state_hash
from city_node.cities.world import found_world
from city_node.durability.checkpoint import arrays_of, leaves, rebuilt
from city_node.durability.folder import founded, founding
from city_node.errors import ConfigError
from city_node.laboratory import networks
from city_node.laboratory.merchant_lessons import copied, tree_copied
from city_node.settings.config import resolve
from city_node.settings.wishes import Wishes
from engine.economy import one_by_one
from engine.macro import spaces
from engine.macro.environment import KINDS, MacroCities, varied
from engine.macro.laboratory import advance_alone, found_alone, random_policies, reality_run
from engine.macro.learned import SPACES, TABLES, act, driven_by, seen_by_all
from engine.macro.params import Behaviour
from engine.macro.rewards import ALL_LOST, COST_OF_FAILURE, failed, rewards, standing
from engine.macro.state import CONSUMPTION, IMPORTS, rows
from engine.policy import Actions, outputs

HOUSEHOLDS = 150


def bold(kind, seed=0):
    """A network whose agents do much, each something else."""
    policy = made_up(SPACES[kind], (16, 16))
    random = np.random.default_rng(seed)
    return policy._replace(
        weights_3=random.normal(0.0, 0.3, policy.weights_3.shape).astype(np.float32)
    )


@pytest.fixture(scope="module")
def settled():
    macro, key = found_alone(Behaviour(), 7, HOUSEHOLDS)
    advance_alone(macro, key, 18)
    return macro, key


# --- what agents see, do and are paid ---


def test_networks_see_and_set_what_the_spaces_declare(settled):
    macro, _ = settled
    seen = seen_by_all(macro)
    assert set(seen) == set(KINDS) == set(TABLES)
    for kind, table in TABLES.items():
        assert seen[kind].dtype == np.float32
        assert seen[kind].shape[1] == SPACES[kind].observations
        assert SPACES[kind].observations == len(spaces.OBSERVATIONS[table].names)
        assert getattr(macro.actions, table).size == len(seen[kind]) * SPACES[kind].residuals
        assert np.isfinite(seen[kind]).all()


def test_actions_are_cut_to_their_space(settled):
    macro = tree_copied(settled[0])
    wild = {kind: 9.0 * np.ones((len(of), SPACES[kind].residuals)) for kind, of in
            seen_by_all(macro).items()}  # fmt: skip
    act(macro, wild)
    assert all((slot == 1.0).all() for slot in macro.actions)


def amounts(macro):
    """What rewards are made of, one agent after the other, in plain numbers."""
    firms, banks, nation = rows(macro.firms), rows(macro.banks), rows(macro.nation)
    index = float(nation.price_consumer[0])
    cost = index / (1.0 + macro.rules.markup)
    worth = []
    for firm in firms:
        money = (int(firm.deposit_minor) + int(firm.loan_minor)) / 1e8
        plant = float(nation.price_capital[0]) * float(firm.capital)
        worth.append((plant + cost * float(firm.stock) + money) / index)
    return SimpleNamespace(
        worth=worth,
        plant=[float(nation.price_capital[0] * firm.capital) / index for firm in firms],
        usual=[
            float(0.7 * macro.rules.capital_output * firm.demand_long * nation.price_capital[0])
            / index
            for firm in firms
        ],
        equity=[int(bank.equity_minor) for bank in banks],
        rate=float(nation.policy_rate[0]),
        failures=[int(each.failures) for each in [*firms, *banks]],
    )


def test_rewards_are_those_of_plain_numbers(settled):
    macro, key = tree_copied(settled[0]), settled[1]
    for _ in range(24):
        then, before = amounts(macro), standing(macro)
        advance_alone(macro, key, 1)
        paid, now = rewards(before, macro), amounts(macro)
        index = float(rows(macro.nation).price_consumer[0])
        for number, firm in enumerate(rows(macro.firms)):
            earned = now.worth[number] - then.worth[number] + firm.dividend_minor / 1e8 / index
            expected = 100.0 * earned / max(then.plant[number], then.usual[number])
            if now.failures[number] > then.failures[number]:
                expected = -COST_OF_FAILURE
                assert failed(before, macro)["firm"][number]
            assert paid["firm"][number] == pytest.approx(expected, rel=1e-4, abs=1e-4)
        for number, person in enumerate(rows(macro.households)):
            real = person.spent_minor / 1e8 / index / person.skill
            real = max(real / float(rows(macro.nation).technology[0]), 0.01)
            assert paid["household"][number] == pytest.approx(np.log(real), abs=1e-5)
        for number, bank in enumerate(rows(macro.banks)):
            grown = (bank.equity_minor + bank.dividend_minor) / then.equity[number] - 1.0
            if now.failures[len(now.worth) + number] > then.failures[len(now.worth) + number]:
                grown = -ALL_LOST / 100.0
            assert paid["bank"][number] == pytest.approx(100.0 * grown, rel=1e-4, abs=1e-4)
        nation = macro.nation[0]
        lost = (100 * (nation["inflation"] - macro.rules.inflation_target)) ** 2
        lost += (100 * (nation["unemployment"] - nation["unemployment_usual"])) ** 2
        lost += (100 * (now.rate - then.rate)) ** 2
        assert paid["central_bank"][0] == pytest.approx(-0.1 * lost, rel=1e-4)


def test_what_households_spend_is_what_firms_are_paid(settled):
    macro, key = tree_copied(settled[0]), settled[1]
    advance_alone(macro, key, 1)
    flows = macro.books.flows_last_minor
    assert rows(macro.households).spent_minor.sum() == flows[CONSUMPTION] + flows[IMPORTS]


# --- the environment ---


def played(cities, months, seed=3):
    """What a few months of chance do; rewards by kind."""
    random = np.random.default_rng(0)
    seen = cities.reset(seed)
    found = []
    for _ in range(months):
        actions = {
            kind: Actions(None, random.normal(size=(len(of), SPACES[kind].residuals)))
            for kind, of in seen.items()
        }
        outcomes = cities.step(actions)
        found.append(outcomes)
        seen = {kind: outcome.observations for kind, outcome in outcomes.items()}
    return found


def small(**changes):
    options = {"settling_months": 6, "horizon_months": 8, **changes}
    return MacroCities(3, HOUSEHOLDS, **options)


def backwards(pieces):
    """As threads might."""
    for piece in reversed(pieces):
        piece()


def test_equal_seeds_pass_equal_months_in_whatever_order_cities_run():
    once, again, other = (
        played(small(spread=spread), 10, seed)
        for spread, seed in ((one_by_one, 3), (backwards, 3), (one_by_one, 4))
    )
    for kind in KINDS:
        for one, two in zip(once, again, strict=True):
            assert all((a == b).all() for a, b in zip(one[kind], two[kind], strict=True))
    assert any((one["firm"].rewards != two["firm"].rewards).any()
               for one, two in zip(once, other, strict=True))  # fmt: skip


def test_episodes_end_at_different_months_and_others_begin():
    cities = small()
    found = played(cities, 11)
    cut = np.array([cities.by_city(each["household"].truncated)[:, 0] for each in found])
    assert cut.sum(axis=0).tolist() == [1, 1, 2]  # at 8; at 6; at 3 and 11
    assert cut.any(axis=1).sum() == 4
    for each in found:
        for kind in KINDS:
            outcome = each[kind]
            whole = cities.by_city(outcome.truncated)
            assert (whole.all(axis=1) == whole.any(axis=1)).all()
            stays = ~outcome.truncated
            assert (outcome.observations == outcome.last_observations)[stays].all()
        began = each["household"].truncated
        if began.any():
            assert (each["household"].observations != each["household"].last_observations)[
                began
            ].any()


def test_who_does_not_act_lives_by_the_rule():
    cities = small(kinds=("firm",))
    assert set(cities.reset(1)) == {"firm"}
    cities.step({"firm": Actions(None, np.ones((3 * cities.agents["firm"], 3)))})
    for lesson in cities.lessons:
        assert (lesson.macro.actions.firms == 1.0).all()
        assert (lesson.macro.actions.households == 0.0).all()


def test_no_action_is_the_rule():
    cities = small(kinds=("household", "central_bank"), variation=0.0)
    cities.reset(1)
    alone = tree_copied(cities.lessons[0].macro)
    none = {k: Actions(None, np.zeros((3 * n, SPACES[k].residuals))) for k, n in
            cities.agents.items()}  # fmt: skip
    for _ in range(4):
        cities.step(none)
    advance_alone(alone, cities.lessons[0].key, 4)
    assert (cities.lessons[0].macro.households == alone.households).all()


def test_varied_rules_stay_within_what_is_allowed():
    random = np.random.default_rng(2)
    for _ in range(20):
        assert varied(Behaviour(), random, 1.0) != Behaviour()
    assert varied(Behaviour(), random, 0.0) == Behaviour()


def test_random_policies_do_what_the_control_of_the_ruler_does():
    macro, key = found_alone(Behaviour(), 5, 100)
    random = np.random.Generator(np.random.Philox(key=[int(key), 3]))
    series = advance_alone(macro, key, 24, random_policies(random))
    said = reality_run(5, 24, "random", households=100)
    assert (said.output == series[:, 0]).all()
    assert (said.output != reality_run(5, 24, households=100).output).any()


# --- a city ---


def city(policies, step="month", **changes):
    """A configuration of two cities with merchants; networks are made up."""
    wishes = Wishes(cities=("Elm", "Oak"), seed=5, locals=HOUSEHOLDS, merchants=6, economy="macro")
    config = resolve(wishes)
    cities = []
    for each in config.cities:
        parameters = replace(each.parameters, step_ticks=40, step=step, **changes)
        cities.append(replace(each, parameters=parameters))
    world = found_world(replace(config, cities=tuple(cities)))
    for each in world.cities:
        each.town.networks.update(policies)
    return world


def hashes(world):
    return [state_hash(world, city) for city in world.cities]


ALL = {kind: bold(kind) for kind in KINDS}


@pytest.mark.parametrize("step", ["month", "quarter"])
def test_time_may_be_cut_anywhere(step):
    whole, cut, ruled = city(ALL, step), city(ALL, step), city({}, step)
    for world in (whole, ruled):
        advance(world, 400)
    for ticks in (1, 39, 7, 153, 200):
        advance(cut, ticks)
    assert hashes(whole) == hashes(cut) != hashes(ruled)


def test_a_city_goes_on_from_its_checkpoint():
    world = city(ALL)
    advance(world, 120)
    fresh = city(ALL)
    stored = {path: array.copy() for path, array in leaves(arrays_of(world)["Elm/state"])}
    fresh.cities[0].state = rebuilt(fresh.cities[0].state, stored)
    ended = []
    for each in (world, fresh):
        state = each.cities[0].state
        advance_alone(state, np.uint64(9), 6, driven_by(ALL))
        ended.append([array.tobytes() for _, array in leaves(state)])
    assert ended[0] == ended[1]
    assert hashes(copied(world)) == hashes(world)


def test_a_city_does_what_the_network_says():
    world = city(ALL)
    macro = world.cities[0].state
    expected = {kind: outputs(ALL[kind], of) for kind, of in seen_by_all(macro).items()}
    advance(world, 40)
    for kind, table in TABLES.items():
        done = getattr(macro.actions, table)
        wanted = np.clip(expected[kind], -1.0, 1.0).reshape(done.shape)
        assert done == pytest.approx(wanted, abs=1e-6)
        assert np.abs(done).max() > 0.01


SETTINGS = """
economy = "macro"
locals = 150
[cities.Elm.macro.firm]
policy = "learned"
network = "mine.npz"
[cities.Elm.macro.bank]
policy = "learned"
[cities.Oak]
"""


def test_each_kind_is_driven_as_the_settings_say(tmp_path):
    networks.write(tmp_path / "mine.npz", bold("firm"), {})
    path = tmp_path / "settings.toml"
    path.write_text(SETTINGS)
    config = resolve(Wishes(config=path, seed=1))
    elm, oak = config.cities
    assert set(elm.networks) == {"firm", "bank"}
    assert not oak.networks
    assert elm.networks["bank"] == networks.data_of("", None, "bank")
    assert founded(founding(config)).cities == config.cities
    world = found_world(config)
    advance(world, 600)
    acted = world.cities[0].state.actions
    assert (acted.firms != 0.0).any()
    assert (acted.banks != 0.0).any()
    assert (acted.households == 0.0).all()
    assert all((actions == 0.0).all() for actions in world.cities[1].state.actions)


@pytest.mark.parametrize("kind", KINDS)
def test_the_package_has_a_network_of_each_kind(kind):
    data = networks.data_of("network", None, kind)
    assert networks.about(data)["kind"] == kind
    networks.policy_in("network", data, SPACES[kind])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            'firm = { policy = "wise" }',
            "macro.firm.policy = 'wise': must be one of rule, evolved, learned",
        ),
        ('firm = { network = "a.npz" }', 'goes with policy = "learned", not "rule"'),
        ("firm = 3", "macro.firm = 3: must be a table"),
        ('firm = { mood = "good" }', "macro.firm.mood = 'good': unknown field"),
        ('bank = { policy = "learned", network = "none.npz" }', "bank.network = "),
        ('bank = { policy = "learned", network = "firm.npz" }', "mean is float32 (7,), must be"),
    ],
)
def test_bad_settings_are_refused_in_a_line(tmp_path, text, said):
    networks.write(tmp_path / "firm.npz", bold("firm"), {})
    path = tmp_path / "settings.toml"
    path.write_text(f'economy = "macro"\n[cities.Elm]\n[macro]\n{text}\n')
    with pytest.raises(ConfigError) as caught:
        resolve(Wishes(config=path, seed=1))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
