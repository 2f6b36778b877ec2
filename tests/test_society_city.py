"""A society among other cities: its stall, what it buys, who settles, genes that cross borders.

That windows and threads do not matter, and that money, goods and energy add up, is tested for all
economies together, in test_world and test_merchant_life.
"""

import json
import os
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import worlds

from city_node.cities.advance import advance
from city_node.cities.gauges import Gauges
from city_node.cities.shocks import schedule
from city_node.cities.world import Event
from city_node.errors import ConfigError
from city_node.log import Log
from city_node.observing.history import history_file
from city_node.settings.config import resolve
from city_node.settings.wishes import Wishes
from engine import economy
from engine.money import MINOR_PER_COIN as COIN
from engine.society.params import Parameters
from engine.society.state import BOUGHT, HARVESTED, energy_expected, energy_held
from engine.society.traits import NAMES, NUMBER, TRAITS
from merchants.genome import NUMBER as MERCHANTS_NUMBER

WOOD, CHAIR = 0, 1
PEOPLE = 2_000


def society(name="Crucible", *, locals=PEOPLE, merchants=0, **changes):
    rules = changes.pop("parameters", Parameters(settles=0.0))
    return worlds.city(
        name, economy="society", locals=locals, merchants=merchants, parameters=rules, **changes
    )


def given(table) -> tuple:
    """A table as settings have it."""
    return tuple(tuple(None if np.isnan(g) else float(g) for g in row) for row in table)


def series(city) -> dict[str, float]:
    return dict(city.economy.series(city.state))


def test_the_society_fulfils_the_contract():
    assert "society" in economy.names()
    assert economy.load("society").__name__ == "merchants.advance_society"


def test_prices_are_base_price_by_depletion_over_pool():
    world = worlds.world([society()])
    treasury, commons = world.cities[0].state.treasury, world.cities[0].state.commons
    advance(world, 101)
    state = world.cities[0].state
    depletion = int(state.ages.pool[0] * state.ages.depletion[0] * 4_096)
    want = min(max(depletion / int(commons.pool[0]), 0.25), 4.0)
    np.testing.assert_allclose(treasury.price[:4], 0.33 * want * np.array([6.0, 40.0, 3.0, 55.0]))
    assert np.isnan(treasury.price[4]), "leisure"
    schedule(world, Event(150, "Crucible", "drought", {"share": 1.0}))
    advance(world, 50)
    np.testing.assert_allclose(treasury.price[:4], 4.0 * treasury.base_price[:4])


def test_a_merchant_buys_the_harvest_and_the_treasury_is_paid():
    """It is cheap here and dear in Riverwood, so he says: he fills up and sets out."""
    rules = worlds.MerchantParameters(act_probability=1.0, leave_probability=0.0)
    cities = [society(merchants=1, merchant_rules=rules), worlds.city("Riverwood", merchants=0)]
    world = worlds.world(cities, worlds.all_roads(2))
    crucible = world.cities[0]
    crucible.state.treasury.stock[WOOD] = 50
    rows = crucible.town.roster.rows
    rows.good[0], rows.expected_price[0, WOOD, 1] = WOOD, 50.0
    price_minor = round(float(crucible.state.treasury.price[WOOD]) * COIN)
    advance(world, 30)
    assert (world.walking.size[0], world.walking.rows.owned[0]) == (1, 20)
    assert world.walking.rows.money_minor[0] == 1000 * COIN - 20 * price_minor
    assert crucible.state.treasury.money_minor[0] == 20_000 * COIN + 20 * price_minor
    assert crucible.state.treasury.stock[WOOD] == 30
    assert crucible.economy.trades(crucible.state) == 20


def test_what_the_treasury_buys_at_stalls_feeds_the_pool():
    rules = worlds.MerchantParameters(act_probability=1.0, leave_probability=0.0)
    world = worlds.world([society(merchants=2, merchant_rules=rules)])
    crucible = world.cities[0]
    rows, treasury = crucible.town.roster.rows, crucible.state.treasury
    rows.good[:2], rows.owned[:2] = CHAIR, 5
    price_minor = round(float(treasury.price[CHAIR]) * COIN)
    advance(world, 20)
    assert rows.owned[:2].tolist() == [0, 0]
    assert (rows.money_minor[:2] == 1000 * COIN + 5 * price_minor).all()
    assert (treasury.used[CHAIR], treasury.trades[0]) == (10, 10)
    assert crucible.state.commons.fed[0] == 10 * treasury.unit_energy[CHAIR]
    advance(world, 81)
    assert crucible.state.commons.fed[0] == 0
    assert crucible.state.commons.flows[BOUGHT] == 10 * treasury.unit_energy[CHAIR]
    assert energy_held(crucible.state) == energy_expected(crucible.state)


def test_a_treasury_without_coins_buys_nothing():
    rules = worlds.MerchantParameters(act_probability=1.0, leave_probability=0.0)
    parameters = Parameters(treasury=0.0, settles=0.0)
    world = worlds.world([society(merchants=1, merchant_rules=rules, parameters=parameters)])
    rows = world.cities[0].town.roster.rows
    rows.good[0], rows.owned[0] = CHAIR, 5
    advance(world, 50)
    assert (rows.owned[0], world.cities[0].state.treasury.money_minor[0]) == (5, 0)


def test_the_harvest_is_booked_out_of_energy_until_the_storehouse_is_full():
    world = worlds.world([society(parameters=Parameters(storehouse=2, settles=0.0))])
    advance(world, 6_000)
    state = world.cities[0].state
    assert state.treasury.stock[WOOD] == state.treasury.made[WOOD] == 2 * 4_096 // 1_000
    assert state.commons.flows[HARVESTED] == state.treasury.made[WOOD] * 5_000
    assert energy_held(state) == energy_expected(state)


def test_who_settles_brings_his_coins_and_his_genes():
    """Known names come from his luggage and his own genome; the rest from a founder."""
    rules = worlds.MerchantParameters(act_probability=1.0)
    parameters = Parameters(settles=1.0, pulse_ticks=10)
    world = worlds.world([society(merchants=1, merchant_rules=rules, parameters=parameters)])
    crucible = world.cities[0]
    roster = crucible.town.roster
    roster.rows.genome[0, MERCHANTS_NUMBER["risk"]] = 1.0
    world.luggage[0, 0] = {"k_trust": 0.2, "mark_6": 7.5, "charm": 0.4}
    advance(world, 5)
    assert (roster.size[0], crucible.town.lives.retired[0]) == (0, 1)
    assert crucible.state.treasury.money_minor[0] == 21_000 * COIN
    genes = crucible.state.waiting.genes[0]
    assert genes[NUMBER["k_trust"]] == 51
    assert genes[NUMBER["mark_6"]] == 255, "whoever claims more than 1 is taken at 1"
    assert genes[NUMBER["risk"]] == 255
    lent = np.delete(
        np.arange(TRAITS), [NUMBER[n] for n in ("k_trust", "mark_6", "risk", "patience")]
    )
    assert (crucible.state.founders.genes[:, lent] == genes[lent]).all(axis=1).any()
    assert not world.luggage
    before = crucible.state.commons.population[0]
    advance(world, 6)
    assert len(crucible.state.waiting.genes) == 0
    assert (crucible.state.people.genome[:, :TRAITS] == genes).all(axis=1).any()
    assert crucible.state.commons.population[0] > 0 < before


def test_genes_cross_from_one_society_to_another():
    """One where all trust, one where nobody does; who walks between them carries it along."""
    rules = worlds.MerchantParameters(act_probability=1.0, leave_probability=0.5)
    table = np.full((10, TRAITS + 1), np.nan)
    table[:, NUMBER["k_trust"]] = 1.0
    cities = [
        society("Trust", merchants=20, merchant_rules=rules, founders=given(table)),
        society("Distrust", founders=given(np.where(np.isnan(table), np.nan, 0.0))),
    ]
    world = worlds.world(cities, worlds.all_roads(2, travel_ticks=10, cost=0.0))
    advance(world, 15)
    carried = [genes["k_trust"] for genes in world.luggage.values()]
    assert len(carried) > 3
    assert min(carried) > 0.9
    assert all(set(genes) == set(NAMES) - {"risk", "patience"} for genes in world.luggage.values())
    distrust = world.cities[1]
    distrust.state.treasury.settles[0] = 1.0
    distrust.town.rules = distrust.town.rules._replace(act_probability=1.0)
    advance(world, 40)
    settled = distrust.state.waiting.genes
    assert len(settled) > 3
    assert (settled[:, NUMBER["k_trust"]] > 230).all()


def test_an_extinct_society_is_a_place_to_pass_through():
    rules = worlds.MerchantParameters(leave_probability=0.1)
    cities = [society(locals=0, merchants=5, merchant_rules=rules), worlds.city("Riverwood")]
    world = worlds.world(cities, worlds.all_roads(2))
    advance(world, 2_000)
    assert world.cities[0].departures["Riverwood"] > 5
    said = series(world.cities[0])
    assert (said["population"], said["complexity"]) == (0.0, 0.0)
    assert np.isnan([said["gini_energy"], said["cooperation_kin"], said["trait_thrift"]]).all()
    assert world.cities[0].economy.samples(world.cities[0].state, 100)["energy"].size == 0


def test_every_chart_names_series_and_samples_that_there_are():
    world = worlds.world([society()])
    advance(world, 300)
    crucible = world.cities[0]
    known = series(crucible) | dict(crucible.economy.samples(crucible.state, 50))
    for chart in crucible.economy.CHARTS:
        assert set(chart.keys) <= set(known), chart.title
    samples = crucible.economy.samples(crucible.state, 50)["energy"]
    assert 0 < len(samples) <= 50
    assert samples.min() > 0


def test_shocks():
    world = worlds.world([society()])
    for event in (
        Event(10, "Crucible", "gift", {"coins": 500.0}),
        Event(20, "Crucible", "plague", {"share": 0.5}),
        Event(30, "Crucible", "drought", {"share": 0.25}),
        Event(40, "Crucible", "rain", {"share": 0.1}),
    ):
        schedule(world, event)
    advance(world, 50)
    state = world.cities[0].state
    assert state.treasury.money_minor[0] == 20_500 * COIN
    assert state.commons.population[0] == PEOPLE // 2
    full = int(state.ages.pool[0]) * 4_096
    assert state.commons.pool[0] == full - full // 4 + full // 10
    assert energy_held(state) == energy_expected(state)
    with pytest.raises(ValueError, match="share"):
        world.cities[0].economy.EVENTS["plague"](state, np.random.default_rng(), share=1.5)


# --- settings ---

TOML = """
[cities.Crucible]
economy = "society"
[cities.Crucible.society]
population = 300
buys = ["bed"]
[[cities.Crucible.society.regimes]]
name = "only"
base_tax = 10
hazard = 0.01
temptation = 5
reward = 3
sucker = 0
punishment = 1
refill = 10
pool = 100
depletion = 0.5
rises_above = 100
falls_below = 0
productivity = 0.1
"""


def city_of(tmp_path, text=TOML, **wishes):
    file = tmp_path / "world.toml"
    file.write_text(text)
    return resolve(Wishes(cities=("Crucible", "Riverwood"), config=file, seed=1, **wishes)).cities[
        0
    ]


def test_a_society_in_toml(tmp_path):
    ours = city_of(tmp_path)
    assert (ours.economy, ours.locals, ours.device) == ("society", 300, "cpu")
    assert [regime.name for regime in ours.parameters.regimes] == ["only"]
    state = worlds.world([ours]).cities[0].state
    assert np.isnan(state.treasury.price).tolist() == [False, True, True, False, True]
    assert city_of(tmp_path, locals=77).locals == 77


def test_locals_are_its_population_as_far_as_that_may_go():
    asked = Wishes(cities=("Crucible",), economy="society", locals=30_000_000, seed=1)
    assert resolve(asked).cities[0].locals == 30_000_000
    with pytest.raises(ConfigError, match="locals = -1: must be from 0 to 1e"):
        resolve(replace(asked, locals=-1))


def test_economy_flag_is_for_every_city():
    config = resolve(Wishes(cities=("Crucible", "Forge"), economy="society", seed=1))
    assert [(city.economy, city.locals) for city in config.cities] == [("society", 10_000)] * 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("reward = 3->reward = -3", "reward = -3: must be from 0 to 1000"),
        ("reward = 3->award = 3", "society.regimes[0].award = 3: unknown field"),
        ("pool = 100->", "society.regimes[0].pool: is missing"),
        ('buys = ["bed"]->buys = ["gold"]', "Crucible.society.buys = 'gold': must be one of"),
        ('buys = ["bed"]->sells = "leisure"', "sells = 'leisure': must be one of wood, chair"),
        ('buys = ["bed"]->buys = ["wood"]', "buys = 'wood': is what the society sells"),
        ("population = 300->capacity = 10", "capacity = 10: must be from 10000"),
        ('population = 300->founders = "none.csv"', "none.csv': cannot be read"),
    ],
)
def test_what_is_wrong_in_toml_is_told_in_a_line(tmp_path, change, said):
    text = TOML.replace(*change.split("->"))
    assert text != TOML
    with pytest.raises((ConfigError, ValueError)) as refused:
        worlds.world([city_of(tmp_path, text)])
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


FOUNDERS = "k_trust,tribe,mark_1\n0.25,3,1\n0.75,,0.5\n"


def write_founders(path) -> None:
    if path.suffix == ".csv":
        path.write_text(FOUNDERS)
        return
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE founders (k_trust REAL, tribe INTEGER, mark_1 REAL)")
        database.executemany(
            "INSERT INTO founders VALUES (?, ?, ?)", [(0.25, 3, 1.0), (0.75, None, 0.5)]
        )
    database.close()


@pytest.mark.parametrize("name", ["founders.csv", "founders.sqlite"])
def test_founders_from_a_table(tmp_path, name):
    write_founders(tmp_path / name)
    text = TOML.replace("population = 300", f'founders = "{name}"\nfounder_multiplier = 50')
    ours = city_of(tmp_path, text)
    assert ours.locals == 100
    table = np.array(ours.founders, float)
    assert table.shape == (2, TRAITS + 1)
    assert table[:, [0, NUMBER["mark_1"]]].tolist() == [[0.25, 1.0], [0.75, 0.5]]
    assert table[0, TRAITS] == 3
    assert np.isnan(table[1, TRAITS])
    assert np.isnan(table[:, NUMBER["s_trust"]]).all()
    with pytest.raises(ConfigError, match="locals = 5: the table of founders says 100"):
        city_of(tmp_path, text, locals=5)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("k_trust\n1.5\n", "row 1, k_trust = '1.5': must be a number from 0 to 1"),
        ("k_trust\nmuch\n", "row 1, k_trust = 'much': must be a number"),
        ("tribe\n2.5\n", "row 1, tribe = '2.5': must be a whole number from 0 to 255"),
        ("charm\n0.5\n", "column 'charm': must be one of k_trust, "),
        ("k_trust\n", "has no founders"),
    ],
)
def test_what_is_wrong_in_a_table_is_told_in_a_line(tmp_path, content, said):
    (tmp_path / "f.csv").write_text(content)
    with pytest.raises(ConfigError) as refused:
        city_of(tmp_path, TOML.replace("population = 300", 'founders = "f.csv"'))
    assert said in str(refused.value)


def test_a_history_in_sqlite(tmp_path):
    path = tmp_path / "history.sqlite"
    world = worlds.world([society(), worlds.city("Riverwood")])
    with history_file(path, Gauges(Log())) as history:
        for _ in range(3):
            history.look(world)
            advance(world, 100)
    with sqlite3.connect(path) as database:
        found = database.execute(
            "SELECT tick, population, gini_money FROM history WHERE city = 'Crucible' ORDER BY tick"
        ).fetchall()
        gini = database.execute("SELECT gini_money FROM history WHERE city = 'Riverwood'")
        assert all(row[0] is not None for row in gini)
    database.close()
    assert [(tick, gini) for tick, _, gini in found] == [(0, None), (100, None), (200, None)]
    assert found[0][1] == PEOPLE


# --- processes ---

LOADED = """
import sys
from city_node.kernel_cache import prepare
prepare()
from city_node import node
from city_node.settings.config import resolve
from city_node.settings.wishes import Wishes
from city_node.cities.world import found_world
found_world(resolve(Wishes(cities=("Riverwood",))))
print(*(name for name in sys.modules if name.startswith("engine.society") or name == "torch"))
"""


def test_who_runs_bazaars_alone_compiles_no_society():
    ran = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert not {"engine.society.tiles", "merchants.advance_society", "torch"} & set(
        ran.stdout.split()
    )


def test_a_society_is_the_same_on_one_thread_and_on_two_and_after_a_rest(tmp_path):
    """Nodes in processes of their own; large enough for two pieces, and once stopped half-way."""
    found = []
    for threads, runs in (("1", (500,)), ("2", (230, 270))):
        folder = tmp_path / threads
        for ticks in runs:
            command = ["Crucible", "--economy", "society", "--locals", "40000", "--merchants", "5"]
            command += ["--headless", "--no-discovery", "--seed", "4", "--speed", "max"]
            command += ["--ticks", str(ticks), "--threads", threads, "--data-dir", str(folder)]
            subprocess.run(
                [sys.executable, "-m", "city_node", *command, "--report", f"{folder}.json"],
                env=os.environ | {"XDG_RUNTIME_DIR": str(tmp_path)},
                check=True,
                capture_output=True,
                timeout=300,
            )
        found.append(json.loads(Path(f"{folder}.json").read_text("utf-8"))["cities"][0])
    for city in found:
        assert city["tick"] == 500
        assert 20_000 < city["locals"] < 80_000
    assert found[0]["hash"] == found[1]["hash"]


def test_a_device_that_is_not_there_is_refused_in_a_line():
    with pytest.raises(ConfigError) as refused:
        resolve(Wishes(cities=("Crucible",), economy="society", device="mps", seed=1))
    assert str(refused.value).startswith("device = 'mps': ")
    assert "torch" in str(refused.value)
