"""A macro economy as a city: the laws of the world hold for it as for a bazaar, and it trades."""

from itertools import pairwise

import numpy as np
import pytest
import worlds
from hypothesis import given, settings
from hypothesis import strategies as st

from city_node.cities.advance import advance
from city_node.cities.report import state_hash
from city_node.cities.shocks import schedule
from city_node.cities.world import Event, found_world
from city_node.durability import checkpoint
from city_node.errors import ConfigError
from city_node.settings.config import resolve
from city_node.settings.wishes import Wishes
from engine import economy
from engine.macro.books import balance_sheet, flow_matrix
from engine.macro.city import LOCALS_USUAL, Parameters
from engine.macro.state import live

BOTH = ("bazaar", "macro")


def founded(config, events=()):
    world = found_world(config)
    for event in events:
        schedule(world, event)
    return world


def macro_city(name="Riverwood", **changes):
    fields = {"economy": "macro", "locals": 200, "parameters": Parameters(step_ticks=50)}
    return worlds.city(name, **fields | changes)


@st.composite
def histories(draw, ticks_max=300):
    """A Config with a macro city first, events, a number of ticks, and that number in pieces."""
    config = draw(worlds.configs(cities_max=3, locals_max=12, merchants_max=8, economies=BOTH))
    ticks = draw(st.integers(1, ticks_max))
    events = draw(worlds.events(config, ticks))
    cuts = draw(st.lists(st.integers(0, ticks), max_size=6))
    ends = sorted({0, *cuts, ticks})
    return config, events, ticks, [b - a for a, b in pairwise(ends)]


@settings(max_examples=20)
@given(histories())
def test_windows_do_not_matter_and_nothing_is_lost(history):
    """The law, and the books, wherever the windows end, whatever befalls the city."""
    config, events, ticks, pieces = history
    whole, cut = founded(config, events), founded(config, events)
    counted = worlds.Counted(whole)
    advance(whole, ticks)
    for piece in pieces:
        advance(cut, piece)
    assert worlds.plain_report(whole) == worlds.plain_report(cut)
    counted.check()


def test_the_same_seed_twice_is_the_same_and_another_is_another():
    hashes = []
    for seed in (7, 7, 8):
        world = worlds.world([macro_city()], seed=seed)
        advance(world, 500)
        hashes.append(state_hash(world, world.cities[0]))
    assert hashes[0] == hashes[1] != hashes[2]


@pytest.fixture(scope="module")
def traded():
    """A macro city and a bazaar after merchants have gone to and fro for long."""
    cities = [macro_city(merchants=20), worlds.city("Seaside", merchants=20)]
    world = worlds.world(cities, worlds.all_roads(2, travel_ticks=20, cost=0.1))
    counted = worlds.Counted(world)
    advance(world, 20_000)
    return world, counted


def test_a_checkpoint_holds_all_of_it(traded):
    """Put back into a world newly founded, it has the same future."""
    world, _ = traded
    frozen = checkpoint.freeze(world, 0, b"", {}, 0.0)
    data = b"".join(bytes(chunk) for chunk in checkpoint.chunks_of(frozen))
    cities = [macro_city(merchants=20), worlds.city("Seaside", merchants=20)]
    again = worlds.world(cities, worlds.all_roads(2, travel_ticks=20, cost=0.1))
    checkpoint.restore(data, again)
    assert worlds.plain_report(again) == worlds.plain_report(world)
    advance(again, 100)
    whole = worlds.world(cities, worlds.all_roads(2, travel_ticks=20, cost=0.1))
    advance(whole, 20_100)
    assert worlds.plain_report(again) == worlds.plain_report(whole)


def test_it_trades_with_a_bazaar_both_ways(traded):
    world, counted = traded
    counted.check()
    books = world.cities[0].state.books
    assert books.exported.sum() > 100
    assert books.imported.sum() > 100
    ledger = world.cities[0].ledger
    assert ledger.entered_minor > 0
    assert ledger.left_minor > 0


def test_its_accounts_sum_to_nothing_with_merchants_about(traded):
    state = traded[0].cities[0].state
    assert not balance_sheet(state).amounts_minor.sum(axis=0).any()
    assert not balance_sheet(state).amounts_minor[:-1].sum(axis=1).any()
    flows = flow_matrix(state).amounts_minor
    assert not flows.sum(axis=0).any()
    assert not flows.sum(axis=1).any()


def test_it_shows_what_its_charts_name(traded):
    city = traded[0].cities[0]
    shown = city.economy.series(city.state)
    sampled = city.economy.samples(city.state, 50)
    for chart in city.economy.CHARTS:
        known = shown if chart.kind in ("line", "path", "band") else sampled
        assert set(chart.keys) <= set(known), chart.title
    assert all(np.isfinite(value) for value in shown.values())
    assert {len(values) for values in sampled.values()} == {50}


@pytest.mark.parametrize(
    ("event", "arguments"),
    [("policy_rate", {"points": 1.0}), ("productivity", {"percent": 2.0}), ("bank_failure", {})],
)
def test_a_shock_changes_what_comes(event, arguments):
    reports = []
    for events in ([], [Event(260, "Riverwood", event, arguments)]):
        world = founded(worlds.config([macro_city()]), events)
        advance(world, 600)
        reports.append(world.cities[0].economy.series(world.cities[0].state))
    assert reports[0] != reports[1]


def test_a_bank_made_to_fail_is_resolved():
    world = founded(
        worlds.config([macro_city()]), [Event(300, "Riverwood", "bank_failure", {"bank": 2})]
    )
    advance(world, 350)
    bank = world.cities[0].state.banks[1]
    assert bank["failures"] == 1
    assert bank["state_stake_minor"] > 0
    assert bank["equity_minor"] > 0


def test_a_macro_city_has_households_enough_by_default():
    wishes = Wishes(cities=("Riverwood", "Seaside"), seed=1, economy="macro")
    assert [city.locals for city in resolve(wishes).cities] == [LOCALS_USUAL] * 2


def test_too_few_households_are_refused_in_one_line():
    with pytest.raises(ConfigError) as refused:
        resolve(Wishes(cities=("Riverwood",), economy="macro", locals=20))
    assert str(refused.value) == "locals = 20: must be at least 100 in this economy"


def test_what_it_sells_must_be_a_good(tmp_path):
    file = tmp_path / "world.toml"
    file.write_text('economy = "macro"\n[macro]\nsells = ["gold"]\n')
    config = resolve(Wishes(cities=("Riverwood",), config=file))
    with pytest.raises(ValueError, match="sells = 'gold': must be one of wood, chair, thread, bed"):
        found_world(config)


def test_a_quarter_passes_at_once_where_asked_for():
    world = worlds.world([macro_city(parameters=Parameters(step="quarter", step_ticks=30))])
    advance(world, 60)
    assert world.cities[0].state.nation["month"][0] == 6


def test_it_fulfils_the_contract_and_all_that_lives_is_hashed():
    assert economy.load("macro").__name__ == "merchants.advance_macro"
    state = worlds.world([macro_city()]).cities[0].state
    arrays = list(live(state))
    assert sum(array.nbytes for array in arrays) > 200 * 100
    assert len({id(array) for array in arrays}) == len(arrays)
