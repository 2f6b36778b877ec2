"""The world is one deterministic machine: windows and threads do not matter, nothing is lost.

CI runs this file once more with the kernels' bounds checked.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
import worlds
from hypothesis import given, settings
from hypothesis import strategies as st

from city_node.cities.advance import (
    BalanceError,
    advance,
    close_window,
    open_window,
    run_job,
    window_ticks,
)
from city_node.cities.report import state_hash
from city_node.cities.shocks import happen, schedule
from city_node.cities.world import WINDOW_TICKS_MAX, Event, found_world
from merchants.roster import chosen, with_room


def hashes(world) -> list[str]:
    return [state_hash(world, city) for city in world.cities]


def founded(config, events=()):
    world = found_world(config)
    for event in events:
        schedule(world, event)
    return world


def advance_by(world, ticks: int, run_jobs) -> None:
    """As `advance`, but `run_jobs` decides who runs a window's jobs, where and in which order."""
    end = world.tick + ticks
    while world.tick < end:
        jobs = open_window(world, window_ticks(world, end - world.tick))
        run_jobs(jobs)
        close_window(world, jobs)


def everything(world) -> tuple:
    """All that must not depend on how a world got here."""
    on_the_road = sorted(world.walking.rows.number[: world.walking.size[0]].tolist())
    return worlds.plain_report(world), hashes(world), on_the_road, world.tick, world.events


@st.composite
def histories(draw, ticks_max=300):
    """A Config, events, a number of ticks, and that number cut into pieces at random."""
    economies = draw(worlds.any_economies)
    config = draw(worlds.configs(locals_max=12, merchants_max=8, economies=economies))
    ticks = draw(st.integers(1, ticks_max))
    events = draw(worlds.events(config, ticks))
    cuts = draw(st.lists(st.integers(0, ticks), max_size=6))
    ends = sorted({0, *cuts, ticks})
    return config, events, ticks, [b - a for a, b in pairwise(ends)]


@given(histories())
def test_windows_do_not_matter(history):
    """The law: advance(n + m) is advance(n), then advance(m), for every cut."""
    config, events, ticks, pieces = history
    whole, cut = founded(config, events), founded(config, events)
    counted = worlds.Counted(whole)
    advance(whole, ticks)
    for piece in pieces:
        advance(cut, piece)
    assert everything(whole) == everything(cut)
    counted.check()


@settings(max_examples=15)
@given(histories(ticks_max=120))
def test_a_window_a_tick_is_no_different(history):
    config, events, ticks, _ = history
    whole, cut = founded(config, events), founded(config, events)
    advance(whole, ticks)
    counted = worlds.Counted(cut)
    for _ in range(ticks):
        advance(cut, 1)
        counted.check()
    assert everything(whole) == everything(cut)


@settings(max_examples=25)
@given(histories(), st.randoms(use_true_random=False))
def test_cities_may_be_advanced_in_any_order_and_at_once(history, random):
    config, events, ticks, _ = history
    in_turn, in_disorder, at_once = (founded(config, events) for _ in range(3))
    advance(in_turn, ticks)

    def shuffled(jobs):
        for job in random.sample(jobs, len(jobs)):
            run_job(job)

    advance_by(in_disorder, ticks, shuffled)
    with ThreadPoolExecutor(2) as pool:
        advance_by(at_once, ticks, lambda jobs: list(pool.map(run_job, jobs)))
    assert everything(in_turn) == everything(in_disorder) == everything(at_once)


def test_the_same_seed_twice_is_the_same_and_another_is_another():
    cities = [worlds.city("Riverwood"), worlds.city("Seaside")]
    roads = worlds.all_roads(2, travel_ticks=20)
    reports = []
    for seed in (7, 7, 8, 2**63 - 1, 0):
        world = worlds.world(cities, roads, seed)
        advance(world, 1000)
        reports.append(worlds.plain_report(world))
    assert reports[0] == reports[1]
    different = [reports[0], *reports[2:]]
    for part in ("hash", "prices", "trades"):
        found = [repr([city[part] for city in report["cities"]]) for report in different]
        assert len(set(found)) == len(different), part


def test_two_cities_of_one_world_have_histories_of_their_own():
    world = worlds.world([worlds.city("Riverwood"), worlds.city("Seaside")])
    advance(world, 100)
    a, b = (city["prices"] for city in worlds.plain_report(world)["cities"])
    assert a != b


def test_a_city_is_the_same_whoever_else_is_in_the_world():
    """Its draws depend on the seed and its name alone, not on its place."""
    alone = worlds.world([worlds.city("Seaside")])
    among = worlds.world([worlds.city("Ashby"), worlds.city("seaside")])
    for world in (alone, among):
        advance(world, 300)
    reports = [worlds.plain_report(alone)["cities"][0], worlds.plain_report(among)["cities"][1]]
    for one in reports:
        del one["name"], one["hash"]  # beliefs about more places are in the hash
    assert reports[0] == reports[1]


@settings(max_examples=25)
@given(worlds.any_economies.flatmap(lambda e: worlds.configs(economies=e)), st.data())
def test_money_and_goods_are_conserved_while_people_trade(config, data):
    """Random populations (0, 1, 2, odd), goods, recipes, rules, roads and shocks."""
    ticks = 400
    world = founded(config, data.draw(worlds.events(config, ticks, most=10)))
    counted = worlds.Counted(world)
    for _ in range(8):
        advance(world, ticks // 8)
        counted.check()
    for city, said in zip(world.cities, worlds.plain_report(world)["cities"], strict=True):
        money = said["money"]
        came = money["initial"] + money["issued"] + money["entered"]
        assert came - money["left"] - money["destroyed"] == money["holdings"]
        assert min(money.values()) >= 0
        assert said["merchants"] == city.town.roster.size[0]
    size = world.walking.size[0]
    alive = sum(city.town.roster.size[0] for city in world.cities) + size
    lives = [city.town.lives for city in world.cities]
    founded_later = sum(int(life.founded[0] - life.retired[0]) for life in lives)
    began = sum(city.merchants for city in config.cities)
    assert alive == began + founded_later, "merchants are conserved too"
    assert (world.walking.rows.tick[:size] >= world.tick).all()


def test_lost_money_stops_the_run():
    world = worlds.world([worlds.city("Riverwood")])
    advance(world, 10)
    world.cities[0].state.residents.money_minor[3] -= 1
    with pytest.raises(BalanceError, match=r"^Riverwood: holds 2999999999999 minor units at tick"):
        advance(world, 1)


def test_what_left_arrives_once_and_the_books_of_both_ends_agree():
    world = worlds.world(
        [worlds.city(name, merchants=20) for name in ("Riverwood", "Seaside", "Brook")],
        worlds.all_roads(3, travel_ticks=7, cost=0.0),
    )
    advance(world, 3000)
    walking = world.walking.rows
    for here, start in enumerate(world.cities):
        for there, end in enumerate(world.cities):
            if here != there:
                on_road = (walking.from_place == here) & (walking.to_place == there)
                left = start.departures[end.name]
                assert left == end.arrivals[start.name] + on_road[: world.walking.size[0]].sum()
                assert left > 10
    entered, left = (
        sum(getattr(city.ledger, name) for city in world.cities)
        for name in ("entered_minor", "left_minor")
    )
    assert left - entered == walking.money_minor[: world.walking.size[0]].sum()


def test_a_merchant_is_under_way_for_as_long_as_the_road_is():
    nobody_acts = worlds.MerchantParameters(act_probability=1.0, leave_probability=1.0)
    cities = [
        worlds.city("Riverwood", merchants=1, merchant_rules=nobody_acts),
        worlds.city("Seaside", merchants=0),
    ]
    world = worlds.world(cities, [(0, 1, 37, 1.0)])
    advance(world, 1)  # he leaves in tick 0
    assert (world.walking.size[0], world.walking.rows.tick[0]) == (1, 37)
    advance(world, 36)
    assert world.cities[1].arrivals["Riverwood"] == 0
    advance(world, 1)  # tick 37
    assert world.cities[1].arrivals["Riverwood"] == 1


def test_who_arrives_together_enters_in_the_order_of_the_cities_he_comes_from():
    """By roads of different lengths: whoever set out first is not the first to enter."""
    leavers = worlds.MerchantParameters(act_probability=0.1, leave_probability=1.0)
    cities = [
        worlds.city("Riverwood", locals=0, merchants=80, merchant_rules=leavers),
        worlds.city("Seaside", locals=0, merchants=80, merchant_rules=leavers),
        worlds.city("Brook", locals=1, merchants=0),
    ]
    roads = [(0, 2, 40, 1.0), (1, 2, 45, 1.0)]
    whole, cut = worlds.world(cities, roads), worlds.world(cities, roads)
    advance(whole, 100)
    for _ in range(100):
        advance(cut, 1)
    assert everything(whole) == everything(cut)
    rosters = [world.cities[2].town.roster for world in (whole, cut)]
    entered = [
        list(zip(*(column[: roster.size[0]].tolist() for column in columns), strict=True))
        for roster in rosters
        for columns in [(roster.rows.tick, roster.rows.from_place, roster.rows.number)]
    ]
    assert entered[0] == entered[1]
    ways = [(tick, start) for tick, start, _ in entered[0]]
    assert ways == sorted(ways)
    together = {tick for tick, start in ways if start == 0} & {tick for tick, s in ways if s == 1}
    assert len(together) > 5


def test_an_extinct_city_is_a_place_to_pass_through():
    wanderers = worlds.MerchantParameters(leave_probability=0.2)
    cities = [
        worlds.city("Riverwood", merchant_rules=wanderers),
        worlds.city("Seaside", locals=0, merchants=5, merchant_rules=wanderers),
    ]
    world = worlds.world(cities, worlds.all_roads(2, travel_ticks=5))
    rich = world.cities[0].town.roster.rows
    rich.money_minor[:] += 10**12  # would be taxed where anybody lives
    world.cities[0].ledger.initial_minor += 10 * 10**12
    counted = worlds.Counted(world)
    advance(world, 2000)
    counted.check()
    empty = worlds.plain_report(world)["cities"][1]
    assert (empty["locals"], empty["prices"], empty["trades"]) == (0, {}, 0)
    assert empty["arrivals"]["Riverwood"] > 5
    assert empty["departures"]["Riverwood"] > 5


def test_a_city_without_merchants_and_one_without_anybody():
    world = worlds.world(
        [worlds.city("Riverwood", merchants=0), worlds.city("Brook", locals=0, merchants=0)],
        worlds.all_roads(2),
    )
    counted = worlds.Counted(world)
    advance(world, 500)
    counted.check()
    lively, dead = worlds.plain_report(world)["cities"]
    assert lively["trades"] > 0
    assert (dead["trades"], dead["money"]["holdings"], dead["stock"]) == (0, 0, {})


def test_sixty_four_places():
    names = [f"City {number}" for number in range(64)]
    cities = [worlds.city(name, locals=3, merchants=2) for name in names]
    ring = [(here, (here + 1) % 64, 20, 0.0) for here in range(64)]
    back = [(here, (here - 1) % 64, 20 + here, 0.0) for here in range(64)]
    world, again = (worlds.world(cities, ring + back) for _ in range(2))
    counted = worlds.Counted(world)
    advance(world, 400)
    counted.check()
    for _ in range(4):
        advance(again, 100)
    assert everything(world) == everything(again)
    assert sum(sum(city.arrivals.values()) for city in world.cities) > 20


def test_windows_end_at_the_shortest_road_and_at_events():
    cities = [worlds.city("Riverwood"), worlds.city("Seaside")]
    world = worlds.world(cities, [(0, 1, 30, 1.0), (1, 0, 200, 1.0)])
    assert window_ticks(world, 10) == 10
    assert window_ticks(world, 31) == 30
    schedule(world, Event(12, "Seaside", "gift", {"coins": 1.0}))
    assert window_ticks(world, 31) == 12
    schedule(world, Event(0, "Seaside", "gift", {"coins": 1.0}))
    assert window_ticks(world, 31) == 12, "one that is due now happens as the window opens"
    alone = worlds.world(cities[:1])
    assert window_ticks(alone, 10**9) == WINDOW_TICKS_MAX


# Events.


def resident_column(world, name: str):
    return getattr(world.cities[0].state.residents, name)


def test_events_happen_at_the_start_of_their_tick_in_the_order_given():
    world = worlds.world([worlds.city("Riverwood")])
    schedule(world, Event(50, "Riverwood", "scale_money", {"factor": 2.0}))
    schedule(world, Event(20, "riverwood", "gift", {"coins": 100.0}))
    schedule(world, Event(50, "Riverwood", "gift", {"coins": 1.0}))
    advance(world, 20)
    assert world.cities[0].ledger.issued_minor == 0
    advance(world, 1)
    assert world.cities[0].ledger.issued_minor == 20 * 100 * 10**8
    before = resident_column(world, "money_minor").sum()
    advance(world, 29)
    merchants = world.cities[0].town.roster.rows.money_minor.sum()
    total = world.cities[0].ledger.expected_minor()
    advance(world, 1)
    assert world.cities[0].ledger.expected_minor() == 2 * (total - merchants) + merchants + (
        20 * 10**8
    )
    assert before > 0


def test_what_each_event_does():
    world = worlds.world([worlds.city("Riverwood", merchants=0)])
    residents = world.cities[0].state.residents
    quiet = residents.money_minor.copy(), residents.owned.copy(), residents.base_value.copy()

    def now(name, **arguments):
        schedule(world, Event(0, "Riverwood", name, arguments))
        open_window(world, 1)

    now("gift", coins=-2000.0)
    assert (residents.money_minor == 0).all()
    now("gift", coins=0.00000002)
    assert (residents.money_minor == 2).all()
    now("scale_money", factor=1.5)
    assert (residents.money_minor == 3).all()
    now("scale_money", factor=0.5)
    assert (residents.money_minor == 1).all(), "rounded down"
    ledger = world.cities[0].ledger
    assert ledger.issued_minor == 20 * (2 + 1)
    assert ledger.destroyed_minor == quiet[0].sum() + 20 * 2
    now("harvest", good="chair", units=3)
    assert (residents.owned[:, 1] == quiet[1][:, 1] + 3).all()
    now("failed_harvest", good="thread", share=0.34)
    kept = quiet[1][:, 2] - np.ceil(quiet[1][:, 2] * 0.34)
    assert (residents.owned[:, 2] == kept).all()
    now("failed_harvest", good="wood", share=1.0)
    assert (residents.owned[:, 0] == 0).all()
    now("change_values", good="bed", factor=0.5, share=0.25)
    changed = residents.base_value[:, 3] != quiet[2][:, 3]
    assert changed.sum() == 5
    assert (residents.base_value[changed, 3] == quiet[2][changed, 3] * 0.5).all()
    now("change_values", good="wood", shift=-100.0)
    assert (residents.base_value[:, 0] == 0.0).all(), "a value is never below nothing"
    other = [0, 1, 2, 4]
    assert (residents.base_value[:, other[1:]] == quiet[2][:, other[1:]]).all()


def test_offers_answer_a_shock_in_the_next_tick():
    """Everybody owns a hundred chairs more: whoever now holds them too dear stands in the row."""
    world = worlds.world([worlds.city("Riverwood", merchants=0)])
    advance(world, 30)
    rows = world.cities[0].state.rows
    schedule(world, Event(30, "Riverwood", "harvest", {"good": "chair", "units": 100}))
    advance(world, 1)
    assert rows.size[1] > 15


def test_roads_close_open_and_change_their_cost():
    wanderers = worlds.MerchantParameters(act_probability=1.0, leave_probability=1.0)
    cities = [
        worlds.city("Riverwood", merchants=5, merchant_rules=wanderers),
        worlds.city("Seaside", merchants=0, merchant_rules=wanderers),
    ]
    world = worlds.world(cities, [(0, 1, 10, 1.0)])
    schedule(world, Event(0, "Riverwood", "close_road", {"to": "seaside"}))
    schedule(world, Event(5, "Riverwood", "road_cost", {"to": "Seaside", "coins": 2.5}))
    schedule(world, Event(15, "Riverwood", "open_road", {"to": "Seaside"}))
    advance(world, 15)
    assert world.cities[0].town.roads.cost.tolist() == [2.5]
    assert world.cities[0].departures.total() == 0
    advance(world, 1)
    assert world.cities[0].departures.total() == 5


BAD_EVENTS = [
    (Event(0, "Nowhere", "gift", {"coins": 1.0}), "city = 'Nowhere': must be one of Riverwood"),
    (Event(0, "Riverwood", "flood", {}), "event = 'flood': must be one of "),
    (Event(0, "Riverwood", "gift", {}), "event = 'gift': missing a required"),
    (Event(0, "Riverwood", "gift", {"coins": 1.0, "more": 2}), "event = 'gift': .*'more'"),
    (Event(0, "Riverwood", "gift", {"coins": "much"}), "coins = 'much': Expected `float`"),
    (Event(0, "Riverwood", "gift", {"coins": True}), "coins = True: Expected `float`"),
    (
        Event(0, "Riverwood", "harvest", {"good": "wood", "units": 1.5}),
        "units = 1.5: Expected `int`",
    ),
    (Event(0, "Riverwood", "harvest", {"good": 0, "units": 1}), "good = 0: Expected `str`"),
    (Event(0, "Riverwood", "close_road", {"to": None}), "to = None: Expected `str`"),
    (Event(0, "Riverwood", "gift", {"coins": 1e300}), r"coins = 1e\+300: must be from -1e\+09"),
    (Event(0, "Riverwood", "gift", {"coins": float("nan")}), "coins = nan: must be from"),
    (Event(0, "Riverwood", "scale_money", {"factor": -1.0}), r"factor = -1.0: must be from 0 to"),
    (Event(0, "Riverwood", "harvest", {"good": "fur", "units": 1}), "good = 'fur': must be one"),
    (Event(0, "Riverwood", "harvest", {"good": "wood", "units": -1}), "units = -1: must be from 0"),
    (
        Event(0, "Riverwood", "failed_harvest", {"good": "wood", "share": 1.5}),
        "share = 1.5: must be from 0 to 1",
    ),
    (
        Event(0, "Riverwood", "change_values", {"good": "wood", "shift": float("inf")}),
        "shift = inf: must be from",
    ),
    (Event(0, "Riverwood", "close_road", {"to": "Brook"}), "to = 'Brook': no road leads there"),
    (Event(0, "Riverwood", "open_road", {"to": "Atlantis"}), "city = 'Atlantis': must be one of"),
    (
        Event(0, "Riverwood", "road_cost", {"to": "Seaside", "coins": -0.5}),
        "coins = -0.5: must be from 0",
    ),
]


def befall(world, event) -> None:
    schedule(world, event)
    happen(world, world.events.pop())


def test_an_event_that_comes_to_nothing_ends_nobodys_world():
    world = worlds.world([worlds.city("Riverwood", locals=3, merchants=0)])
    advance(world, 5)
    schedule(world, Event(7, "Riverwood", "gift", {"coins": 1e300}))
    counted = worlds.Counted(world)
    advance(world, 5)
    counted.check()
    ((tick, what),) = world.happened
    assert tick == 7
    assert "came to nothing: coins = 1e+300" in what


TOO_MUCH = [
    ("gift", {"coins": 1e9}, "money of all residents then, minor units = "),
    ("scale_money", {"factor": 1000.0}, "money of all residents then, minor units = "),
    ("harvest", {"good": "wood", "units": 10**6}, "units that one resident owns then = "),
    ("change_values", {"good": "wood", "factor": 1000.0}, "base value then = "),
]


@pytest.mark.parametrize(("name", "arguments", "complaint"), TOO_MUCH)
def test_no_event_makes_more_than_can_be_counted(name, arguments, complaint):
    """Each is allowed once; again and again, and money, units or values would wrap round."""
    world = worlds.world([worlds.city("Riverwood", locals=3, merchants=0)])
    event = Event(0, "Riverwood", name, arguments)
    residents = world.cities[0].state.residents
    for _ in range(2000):
        before = everything(world)
        try:
            befall(world, event)
        except ValueError as error:
            line = str(error)
            break
    assert line.startswith(complaint)
    assert "\n" not in line
    assert everything(world) == before
    for array in (residents.money_minor, residents.owned, residents.base_value):
        assert (array >= 0).all()
        assert np.isfinite(array).all()


@pytest.mark.parametrize(("event", "complaint"), BAD_EVENTS)
def test_a_bad_event_is_refused_in_one_line_and_changes_nothing(event, complaint):
    cities = [worlds.city(name) for name in ("Riverwood", "Seaside", "Brook")]
    world = worlds.world(cities, [(0, 1, 10, 1.0)])
    advance(world, 5)
    counted, before = worlds.Counted(world), everything(world)
    with pytest.raises(ValueError, match=f"^{complaint}") as refused:
        befall(world, event)
    assert "\n" not in str(refused.value)
    assert everything(world) == before
    counted.check()


# The state hash.


def test_the_hash_sees_every_array_that_the_future_depends_on():
    """One byte changed anywhere, in anybody's row, changes the hash of that city and no other."""
    roads = worlds.all_roads(2, travel_ticks=50, cost=0.0)
    wanderers = worlds.MerchantParameters(leave_probability=0.1)
    cities = [worlds.city(name, merchant_rules=wanderers) for name in ("Riverwood", "Seaside")]
    world = worlds.world(cities, roads)
    advance(world, 300)
    city, size = world.cities[0], world.walking.size[0]
    bound = np.flatnonzero(world.walking.rows.to_place[:size] == 0)
    assert len(bound) > 0
    assert city.town.roster.size[0] > 0
    tables = {
        "residents": (city.state.residents, 3),
        "books": (city.state.books, 0),
        "merchants": (city.town.roster.rows, 0),
        "walking": (world.walking.rows, bound[0]),
        "roads": (city.town.roads, 0),
    }
    before = hashes(world)
    for table, (rows, row) in tables.items():
        for name, array in rows._asdict().items():
            cell = array[row : row + 1].reshape(-1)[:1].view(np.uint8)
            cell[0] ^= 1
            after = hashes(world)
            assert after[0] != before[0], f"{table}.{name}"
            if (table, name) != ("walking", "to_place"):  # who goes elsewhere is hashed there
                assert after[1] == before[1], f"{table}.{name}"
            cell[0] ^= 1
    city.state.rows.ask[0, 0] += 1.0
    assert hashes(world)[0] != before[0]
    city.state.rows.ask[0, 0] -= 1.0
    assert hashes(world) == before


def test_the_hash_does_not_see_spare_capacity():
    world = worlds.world([worlds.city("Riverwood")])
    advance(world, 100)
    city, before = world.cities[0], hashes(world)
    for good, size in enumerate(city.state.rows.size):
        city.state.rows.ask[good, size:] = 17.0
        city.state.rows.seller[good, size:] = 3
    city.town.roster = with_room(city.town.roster, 100, 1)
    city.town.roster.rows.money_minor[city.town.roster.size[0] :] = 5
    assert hashes(world) == before


def test_the_hash_asks_who_is_here_and_not_in_which_row():
    wanderers = worlds.MerchantParameters(leave_probability=0.1)
    cities = [worlds.city(name, merchant_rules=wanderers) for name in ("Riverwood", "Seaside")]
    world = worlds.world(cities, worlds.all_roads(2))
    advance(world, 300)
    before = hashes(world)
    assert min(world.walking.size[0], world.cities[0].town.roster.size[0]) > 2
    world.walking = chosen(world.walking, np.arange(world.walking.size[0])[::-1])
    town = world.cities[0].town
    town.roster = chosen(town.roster, np.roll(np.arange(town.roster.size[0]), 1))
    assert hashes(world) == before


@pytest.mark.skipif("NUMBA_BOUNDSCHECK" not in os.environ, reason="only where bounds are checked")
def test_bounds_are_checked_when_asked_for():
    """A run with NUMBA_BOUNDSCHECK=1 must not read unchecked kernels from a cache."""
    world = worlds.world([worlds.city("Riverwood")])
    advance(world, 50)
    world.cities[0].state.residents.place[:] = 10**6
    with pytest.raises(IndexError):
        advance(world, 50)
