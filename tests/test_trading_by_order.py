"""A city whose goods are traded by call auction or in a book: the same laws, nothing lost."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from city_node.cities.advance import advance
from city_node.cities.report import city_summary, state_hash
from city_node.cities.shocks import schedule
from city_node.cities.world import Event, found_world
from city_node.errors import ConfigError
from city_node.settings.config import resolve
from city_node.settings.wishes import Wishes
from engine.bazaar.exchange import LEVELS, book_of, tick_for
from engine.bazaar.state import Bazaar, MarketBazaar
from engine.goods import BOOK, CALL, MARKETS, Good
from engine.markets.ladder import BUY, SELL
from engine.markets.listing import orders_into
from merchants.params import Parameters as MerchantRules

GOODS = ("wood", "chair", "thread", "bed")


def founded(markets, *, residents=12, merchants=6, seed=3, **more):
    """A world; `markets` gives each good's market, for all cities; `more` fields of each city."""
    config = resolve(
        Wishes(cities=("Riverwood", "Seaside"), seed=seed, locals=residents, merchants=merchants)
    )
    traded = []
    for city in config.cities:
        goods = {
            name: dataclasses.replace(good, market=markets.get(name, "haggle"))
            for name, good in city.goods.items()
        }
        traded.append(dataclasses.replace(city, goods=goods, **more))
    return found_world(dataclasses.replace(config, cities=tuple(traded)))


def everything(world):
    return [(state_hash(world, city), city_summary(world, city)) for city in world.cities]


def owned_everywhere(world):
    """Units by good: residents', markets', merchants' in town and on the road."""
    units = np.zeros(len(world.goods), np.int64)
    rosters = [world.walking, *(city.town.roster for city in world.cities)]
    for city in world.cities:
        units += city.economy.stock(city.state)
    for roster in rosters:
        rows, size = roster.rows, roster.size[0]
        units += np.bincount(rows.good[:size], rows.owned[:size], len(units)).astype(np.int64)
    return units


def made(world):
    books = [city.state.books for city in world.cities]
    return sum(book.made - book.used - book.worn for book in books)


def check_orders(city) -> None:
    """What is held is what the orders need; numbers, owners and merchants' goods agree."""
    state, exchange = city.state, city.state.exchange
    assert not exchange.posted.any(), "no auction order outlives its tick"
    residents = len(state.residents.money_minor)
    size, rows = city.town.roster.size[0], city.town.roster.rows
    held_minor = 0
    for good in np.flatnonzero(state.goods.market == BOOK):
        ladder = book_of(exchange, good)
        orders = np.zeros((ladder.rows.shape[0], 3), np.int64)
        asks = orders_into(ladder, SELL, orders)
        assert exchange.held[good] == asks
        bids = orders_into(ladder, BUY, orders)
        ticks = (orders[:bids, 2] & 0xFFFFFFFF) >> 1
        held_minor += int(ticks.sum() * exchange.tick_minor[good])
        resting = np.flatnonzero(ladder.rows[:, 0])
        assert len(resting) == asks + bids
        assert (ladder.rows[resting, 0] == 1).all()
        assert resting.max(initial=0) < residents + size
        of_merchants = resting[resting >= residents] - residents
        assert (rows.good[of_merchants] == good).all()
        tops = [LEVELS - 1 - ladder.best[BUY], ladder.best[SELL]]
        assert tops[0] < tops[1], "what crosses has traded"
    assert exchange.held_minor[0] == held_minor
    assert (exchange.held[state.goods.market != BOOK] == 0).all()
    by_order = state.goods.rowless[rows.good[:size]] != 0
    assert (rows.place[:size][by_order] == -1).all()
    assert min(state.residents.money_minor.min(), rows.money_minor[:size].min(initial=0)) >= 0
    assert min(state.residents.owned.min(), rows.owned[:size].min(initial=0)) >= 0


mixes = st.fixed_dictionaries({good: st.sampled_from(MARKETS) for good in GOODS}).filter(
    lambda mix: set(mix.values()) != {"haggle"}
)


@settings(max_examples=40)
@given(mixes, st.integers(0, 99), st.integers(1, 600), st.lists(st.integers(0, 600), max_size=5))
def test_windows_do_not_matter_and_nothing_is_lost(mix, seed, ticks, cuts):
    """Each window also asserts that every city's money adds up to the unit."""
    whole, cut = founded(mix, seed=seed), founded(mix, seed=seed)
    before = owned_everywhere(whole)
    advance(whole, ticks)
    for start, end in pairwise(sorted({0, *(min(c, ticks) for c in cuts), ticks})):
        advance(cut, end - start)
        for city in cut.cities:
            check_orders(city)
    assert everything(whole) == everything(cut)
    tradeable = [whole.goods.index(good) for good in GOODS]
    assert (owned_everywhere(whole) - before - made(whole))[tradeable].tolist() == [0] * 4


@pytest.mark.parametrize("market", ["call", "book"])
def test_a_crowd_of_merchants_comes_and_goes_and_no_order_stays_behind(market):
    """Rows are filled by others as merchants leave: orders have to move with them."""
    world = founded(dict.fromkeys(GOODS, market), residents=30, merchants=120)
    for _ in range(40):
        advance(world, 50)
        for city in world.cities:
            check_orders(city)
    assert sum(sum(city.departures.values()) for city in world.cities) > 100


@pytest.mark.parametrize("market", ["call", "book"])
def test_merchants_who_found_others_and_retire_take_their_orders_back(market):
    rules = MerchantRules(founding_money=1002.0, ruin_money=990.0, retires_after_acts=2)
    world = founded(
        dict.fromkeys(GOODS, market),
        residents=30,
        merchants=60,
        evolution=True,
        merchant_rules=rules,
    )
    for _ in range(40):
        advance(world, 50)
        for city in world.cities:
            check_orders(city)
    lives = [city.town.lives for city in world.cities]
    assert sum(int(life.founded[0]) for life in lives) > 0
    assert sum(int(life.retired[0]) for life in lives) > 0


@pytest.mark.parametrize("market", ["call", "book"])
def test_prices_meet_those_of_haggling(market):
    """The same people find about the same prices, however they meet. Wide: one seed each."""
    prices = {}
    for kind in ("haggle", market):
        world = founded(dict.fromkeys(GOODS, kind), residents=200, merchants=0, seed=5)
        advance(world, 8000)
        prices[kind] = world.cities[1].economy.prices(world.cities[1].state)
        assert world.cities[1].economy.trades(world.cities[1].state) > 3000
    ratio = prices[market] / prices["haggle"]
    assert (np.abs(np.log(ratio[~np.isnan(ratio)])) < 0.35).all(), ratio


@pytest.mark.parametrize("market", ["call", "book"])
def test_shocks_find_markets_that_go_on(market):
    world = founded(dict.fromkeys(GOODS, market), residents=40)
    for event in (
        Event(200, "Riverwood", "gift", {"coins": -2000.0}),
        Event(400, "Riverwood", "scale_money", {"factor": 1000.0}),
        Event(600, "Seaside", "failed_harvest", {"good": "wood", "share": 1.0}),
        Event(800, "Seaside", "change_values", {"good": "bed", "factor": 1000.0}),
    ):
        schedule(world, event)
    advance(world, 1500)
    for city in world.cities:
        check_orders(city)


def test_the_hash_sees_what_rests_in_a_book():
    world = founded({"wood": "book"})
    advance(world, 300)
    city = world.cities[0]
    ladder = book_of(city.state.exchange, 0)
    before = state_hash(world, city)
    order = int(np.flatnonzero(ladder.rows[:, 0])[0])
    ladder.rows[order, 0] += 1
    assert state_hash(world, city) != before


def test_a_city_of_hagglers_is_what_it_was():
    """Its kernel is compiled for a type of its own, which the other markets do not touch."""
    assert type(founded({}).cities[0].state) is Bazaar
    assert type(founded({"bed": "call"}).cities[0].state) is MarketBazaar


def test_cities_of_one_process_may_differ(tmp_path):
    file = tmp_path / "city.toml"
    file.write_text('[cities.Riverwood.goods.wood]\nmarket = "call"\n', "utf-8")
    config = resolve(Wishes(cities=("Riverwood", "Seaside"), config=file))
    assert [city.goods["wood"].market for city in config.cities] == ["call", "haggle"]
    world = found_world(config)
    assert world.cities[0].state.goods.market.tolist()[0] == CALL
    advance(world, 300)


def test_an_unknown_market_is_refused_in_one_line(tmp_path):
    file = tmp_path / "city.toml"
    file.write_text('[cities.Riverwood.goods.wood]\nmarket = "bourse"\n', "utf-8")
    with pytest.raises(ConfigError, match=r"goods\.wood\.market = 'bourse'"):
        resolve(Wishes(cities=("Riverwood",), config=file))
    with pytest.raises(ValueError, match="must be one of haggle, call, book"):
        Good((0, 1), (1.0, 2.0), 3.0, market="bourse")  # type: ignore[arg-type]


@pytest.mark.parametrize(("highest", "tick_minor"), [(0.0, 10_000), (8.0, 50_000), (60.0, 500_000)])
def test_ticks_follow_the_values_of_a_good(highest, tick_minor):
    assert tick_for(Good((0, 1), (0.0, highest), 3.0)) == tick_minor
