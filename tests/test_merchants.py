"""The merchants' rules, each on a case constructed for it."""

from math import inf, nan

import numpy as np
import pytest
import worlds
import wrapped

from engine.bazaar.params import Parameters
from engine.tables import packed
from merchants.advance_bazaar import advance
from merchants.params import Parameters as MerchantParameters
from merchants.params import Rules
from merchants.roster import chosen, empty, joined, with_room
from merchants.town import ROOM_UNLIMITED, found_town, roads_to

WOOD, CHAIR, THREAD, BED, LEISURE = range(5)
HERE, NORTH, SOUTH = range(3)
COIN = 10**8

ALWAYS = MerchantParameters(act_probability=1.0, leave_probability=0.0, gossip_weight=0.0)
"""Acts in every tick, never wanders, never changes his mind."""


def quiet_town(merchants=1, locals_=3, rules=ALWAYS, roads=((NORTH, 1.0, 7), (SOUTH, 2.0, 9))):
    """A city whose residents never act, all of whose merchants do: (state, town).

    Everyone expects 10 coins for anything here, 10 there. Residents own nothing.
    """
    still = Parameters(act_probability=0.0)
    ours = worlds.city(locals=locals_, merchants=merchants, parameters=still, merchant_rules=rules)
    others = [worlds.city(name, locals=0, merchants=0) for name in ("North", "South")]
    city = worlds.world([ours, *others]).cities[0]
    city.town.roads = roads_to(roads, 5)
    city.town.roster.rows.good[:] = WOOD
    city.town.roster.rows.expected_price[:] = 10.0
    city.state.residents.owned[:] = 0
    city.state.residents.expected_price[:] = 10.0
    return city.state, city.town


def offer(state, resident, good, ask, owned=5):
    """Let a resident have a good and want to sell it at a price."""
    state.residents.owned[resident, good] = owned
    state.residents.expected_price[resident, good] = ask
    state.residents.base_value[resident, good] = 0.0
    state.books.shocked[0] = 1


def tick(state, town, arrivals=None, now=0):
    nobody = empty(5, 3)
    return advance(state, town, nobody if arrivals is None else arrivals, now, 1)


def left(town) -> int:
    return int(town.departures.size[0])


# The best deal.


def deal(here, north, south, *, north_open=1, north_carries=1, costs=(1.0, 2.0), back=None):
    roster = empty(5, 3, 1)
    roster.rows.expected_price[0, WOOD] = [here, north, south]
    roads = roads_to([(NORTH, costs[0], 7), (SOUTH, costs[1], 9)], 5)
    roads.open[0] = north_open
    roads.carries[0, WOOD] = north_carries
    roads.cost_back[0] = costs[0] if back is None else back
    return wrapped.deal(roster.rows, 0, WOOD, HERE, roads, packed(Rules, ALWAYS))


@pytest.mark.parametrize(
    ("beliefs", "options", "expected"),
    [
        ((10.0, 10.0, 10.0), {}, (0.0, -1)),
        ((10.0, 15.0, 10.0), {}, (4.0, 0)),  # 15 less the road's 1
        ((10.0, 15.0, 16.5), {}, (4.5, 1)),
        ((10.0, 15.0, 16.0), {}, (4.0, 0)),  # of equals the first road
        ((10.0, 11.0, 12.0), {}, (0.0, -1)),  # nothing gained: here wins a tie
        ((10.0, 11.5, 4.0), {}, (4.5, 0)),  # bought in the south at 4 + 2, sold in the north
        ((10.0, 4.0, 5.0), {}, (5.0, -1)),  # bought in the north, sold here
        ((10.0, 15.0, 13.0), {"north_open": 0}, (1.0, 1)),
        ((10.0, 15.0, 13.0), {"north_carries": 0}, (1.0, 1)),
        ((10.0, nan, 13.0), {}, (1.0, 1)),
        ((10.0, nan, nan), {}, (0.0, -1)),
        ((nan, 50.0, 1.0), {}, (0.0, -1)),  # who has heard nothing here compares nothing
        ((10.0, 10.5, 10.0), {"costs": (0.0, 0.0)}, (0.5, 0)),
        ((10.0, 7.0, 10.0), {"back": 0.5}, (2.5, -1)),  # bought there and brought back
        ((10.0, 7.0, 10.0), {"back": np.inf}, (0.0, -1)),  # a road of one way brings nothing
    ],
)
def test_the_best_deal_is_the_dearest_sale_less_the_cheapest_purchase(beliefs, options, expected):
    assert deal(*beliefs, **options) == expected


# Buying.


def test_he_buys_one_where_another_place_pays_more():
    state, town = quiet_town()
    town.roster.rows.expected_price[0, WOOD] = [10.0, 20.0, 10.0]
    offer(state, 1, WOOD, ask=8.0)
    state = tick(state, town)
    assert town.roster.rows.owned[0] == 1
    assert town.roster.rows.money_minor[0] == (1000 - 8) * COIN
    assert state.residents.money_minor.tolist() == [1000 * COIN, 1008 * COIN, 1000 * COIN]
    assert state.residents.owned[1, WOOD] == 4
    assert state.books.trades[0] == 1


@pytest.mark.parametrize(
    ("ask", "money_minor", "bought"),
    [
        (10.0, 1000 * COIN, 1),  # what he expects here
        (10.01, 1000 * COIN, 0),  # more than he expects here
        (8.0, 8 * COIN, 1),  # all he has
        (8.0, 8 * COIN - 1, 0),  # a unit short
        (8.0, 0, 0),
    ],
)
def test_he_pays_no_more_than_he_expects_nor_than_he_has(ask, money_minor, bought):
    state, town = quiet_town()
    town.roster.rows.expected_price[0, WOOD] = [10.0, 20.0, 10.0]
    town.roster.rows.money_minor[0] = money_minor
    offer(state, 1, WOOD, ask=ask)
    tick(state, town)
    assert town.roster.rows.owned[0] == bought


def test_the_purse_decides_where_floats_cannot_tell_a_unit_from_the_next():
    """Beyond 2**53 minor units his money in coins is rounded, here upwards: he is a unit short."""
    state, town = quiet_town(locals_=1)
    money_minor = 2**53 + 3
    ask = money_minor / COIN
    assert wrapped.to_minor(ask) > money_minor
    town.roster.rows.money_minor[0] = money_minor
    town.roster.rows.expected_price[0, WOOD] = [1e9, 2e9, 10.0]
    offer(state, 0, WOOD, ask=ask)
    state = tick(state, town)
    assert state.rows.size[WOOD] == 1
    assert (town.roster.rows.owned[0], state.books.trades[0]) == (0, 0)
    town.roster.rows.money_minor[0] += 1
    state = tick(state, town)
    assert (town.roster.rows.owned[0], town.roster.rows.money_minor[0]) == (1, 0)


def test_his_bid_stays_below_what_he_expects_there():
    """Also where a subsidised road (a negative cost) made a worse price the best one."""
    roster = empty(5, 3, 1)
    rows = roster.rows
    rows.money_minor[0] = 1000 * COIN
    rows.expected_price[0, WOOD] = [10.0, 12.0, 10.0]
    assert wrapped.bid(rows, 0, HERE, NORTH, packed(Rules, ALWAYS)) == 10.0
    assert wrapped.bid(rows, 0, HERE, SOUTH, packed(Rules, ALWAYS)) == np.nextafter(10.0, -inf)
    rows.expected_price[0, WOOD, SOUTH] = 9.0
    assert wrapped.bid(rows, 0, HERE, SOUTH, packed(Rules, ALWAYS)) == np.nextafter(9.0, -inf)
    rows.money_minor[0] = 3 * COIN
    assert wrapped.bid(rows, 0, HERE, NORTH, packed(Rules, ALWAYS)) == 3.0


def test_he_buys_from_residents_only():
    """The one stall in town asks little; another merchant does not buy there."""
    state, town = quiet_town(merchants=2)
    seller, buyer = town.roster.rows.expected_price
    seller[WOOD] = [9.0, 0.0, 0.0]
    buyer[WOOD] = [10.0, 20.0, 10.0]
    town.roster.rows.owned[0] = 5
    for now in range(3):
        state = tick(state, town, now=now)
    assert state.rows.size[WOOD] == 1
    assert town.roster.rows.owned[:2].tolist() == [5, 0]
    assert state.books.trades[0] == 0


def test_a_resident_sees_his_stall_and_buys_there():
    state, town = quiet_town(locals_=1)
    town.roster.rows.owned[0] = 1
    town.roster.rows.expected_price[0, WOOD] = [9.0, 0.0, 0.0]
    state = tick(state, town)
    assert state.rows.size[WOOD] == 1
    state = state._replace(rules=state.rules._replace(act_probability=1.0))
    state.residents.base_value[0, WOOD] = 40.0
    state.residents.expected_price[0] = [30.0, 0.0, 0.0, 0.0, 0.0]
    state = tick(state, town, now=1)
    assert state.books.trades[0] == 1
    assert town.roster.rows.money_minor[0] == 1009 * COIN, "at the price he asked"
    assert town.roster.rows.owned[0] == 0
    assert (state.rows.size[WOOD], town.roster.rows.place[0]) == (0, -1), "sold out, shut"


# Roads.


def full_merchant(**changes):
    """Somebody who carries all he can, and is paid best in the north."""
    state, town = quiet_town(**changes)
    rows = town.roster.rows
    rows.owned[0] = rows.capacity[0] = 20
    rows.expected_price[0, WOOD] = [10.0, 20.0, 15.0]
    return state, town


def test_full_he_leaves_by_the_best_road():
    state, town = full_merchant()
    tick(state, town, now=5)
    assert left(town) == 1
    gone = town.departures.rows
    assert (gone.to_place[0], gone.from_place[0], gone.tick[0]) == (NORTH, HERE, 5 + 7)
    assert (gone.owned[0], gone.ask[0], gone.place[0]) == (20, inf, -1)
    assert town.roster.size[0] == 0
    assert town.roads.room.tolist() == [ROOM_UNLIMITED - 1, ROOM_UNLIMITED]


def test_not_full_he_stays_and_buys_until_he_is():
    state, town = full_merchant()
    town.roster.rows.owned[0] = 17
    offer(state, 1, WOOD, ask=8.0)
    state.residents.base_value[1, WOOD] = 0.0
    for now in range(2):
        state = tick(state, town, now=now)
        assert left(town) == 0
    assert town.roster.rows.owned[0] == 19
    tick(state, town, now=2)
    assert (left(town), town.departures.rows.owned[0]) == (1, 20)


def test_full_he_buys_no_more():
    state, town = full_merchant()
    town.roads.room[0] = 0
    offer(state, 1, WOOD, ask=8.0)
    state = tick(state, town)
    assert (left(town), town.roster.rows.owned[0], state.books.trades[0]) == (0, 20, 0)


def test_a_road_without_room_keeps_him_here():
    state, town = full_merchant(merchants=3)
    rows = town.roster.rows
    rows.owned[:], rows.expected_price[:, WOOD] = 20, [10.0, 20.0, 15.0]
    town.roads.room[0] = 2
    state = tick(state, town)
    assert (left(town), town.roster.size[0], town.roads.room[0]) == (2, 1, 0)
    state = tick(state, town, now=1)
    assert left(town) == 0
    town.roads.room[0] = 1
    tick(state, town, now=2)
    assert left(town) == 1


def road_taken(*, best, owned=20, leave_probability=0.0, roads=2, stream=99, **closed):
    roster = empty(5, 3, 1)
    roster.rows.owned[0], roster.rows.capacity[0] = owned, 20
    ways = roads_to([(NORTH, 1.0, 7), (SOUTH, 2.0, 9)][:roads], 5)
    for column, value in closed.items():
        getattr(ways, column)[0] = value
    rules = packed(Rules, MerchantParameters(leave_probability=leave_probability))
    return wrapped.road_taken(roster.rows, 0, best, ways, rules, np.uint64(stream))


def test_which_road_he_takes():
    assert road_taken(best=0) == 0
    assert road_taken(best=1) == 1
    assert road_taken(best=-1) == -1, "full, and here is best"
    assert road_taken(best=0, owned=19) == -1
    assert road_taken(best=-1, owned=0, roads=0, leave_probability=1.0) == -1, "nowhere to go"


@pytest.mark.parametrize("closed", [{"open": 0}, {"room": 0}, {"carries": 0}])
def test_a_closed_full_or_unfit_road_keeps_him_here(closed):
    assert road_taken(best=0, **closed) == -1
    assert road_taken(best=1, **closed) == 1, "the other road is not touched"
    taken = {road_taken(best=-1, leave_probability=1.0, stream=s, **closed) for s in range(50)}
    assert taken == {-1, 1}, "nor does he wander along it"


def test_now_and_then_he_wanders_whatever_he_carries():
    streams = range(4000)
    taken = [road_taken(best=-1, owned=3, leave_probability=0.25, stream=s) for s in streams]
    counts = [taken.count(road) for road in (-1, 0, 1)]
    # Binomial, n 4000: six standard deviations are 164 around 1000, 125 around 500.
    assert abs(counts[0] - 3000) < 164
    assert abs(counts[1] - 500) < 125
    assert abs(counts[2] - 500) < 125


def test_who_leaves_makes_room_for_the_last_and_no_stall_is_lost():
    """Of five stalls in one row the second's owner leaves; the others still stand as themselves."""
    state, town = quiet_town(merchants=5)
    rows = town.roster.rows
    rows.owned[:] = 3
    rows.expected_price[:, WOOD, HERE] = [11.0, 12.0, 13.0, 14.0, 15.0]
    state = tick(state, town)
    assert state.rows.size[WOOD] == 5
    rows.owned[1], rows.expected_price[1, WOOD, NORTH] = 20, 99.0
    state = tick(state, town, now=1)
    assert left(town) == 1
    assert town.roster.size[0] == 4
    assert rows.number[:4].tolist() == [0, 4, 2, 3]
    assert state.rows.size[WOOD] == 4
    for row in range(4):
        place = rows.place[row]
        assert state.rows.seller[WOOD, place] == 3 + row, "residents first"
        assert state.rows.ask[WOOD, place] == rows.ask[row] == 11.0 + rows.number[row]


# Stalls.


@pytest.mark.parametrize(
    ("beliefs", "ask"),
    [
        ([10.0, 5.0, 5.0], 10.0),
        ([10.0, 11.0, 12.0], 10.0),  # no more than the roads cost
        ([10.0, 11.1, 5.0], inf),  # the north is better
        ([nan, 5.0, 5.0], 10.0),  # he asks what he has just heard
    ],
)
def test_he_sells_only_where_here_is_best(beliefs, ask):
    state, town = quiet_town()
    town.roster.rows.owned[0] = 3
    town.roster.rows.expected_price[0, WOOD] = beliefs
    state = tick(state, town)
    assert town.roster.rows.ask[0] == ask
    assert state.rows.size[WOOD] == (ask < inf)


def test_he_shuts_his_stall_when_a_better_place_is_heard_of():
    state, town = quiet_town()
    town.roster.rows.owned[0] = 3
    state = tick(state, town)
    assert state.rows.size[WOOD] == 1
    town.roster.rows.expected_price[0, WOOD, NORTH] = 20.0
    state = tick(state, town, now=1)
    assert (state.rows.size[WOOD], town.roster.rows.ask[0]) == (0, inf)


def test_nobody_has_heard_of_a_price_where_nobody_lives():
    state, town = quiet_town(locals_=0)
    town.roster.rows.owned[0] = 3
    town.roster.rows.expected_price[:] = nan
    state = tick(state, town)
    assert (state.rows.size[WOOD], town.roster.rows.ask[0]) == (0, inf)


# Gossip and trades.


def test_gossip_moves_a_tenth_of_the_way():
    rules = MerchantParameters(act_probability=1.0, leave_probability=0.0)
    state, town = quiet_town(locals_=1, rules=rules)
    state.residents.expected_price[0] = [20.0, 5.0, 10.0, 1.0, 10.0]
    town.roster.rows.expected_price[0, BED, HERE] = nan
    tick(state, town)
    heard = town.roster.rows.expected_price[0, :, HERE]
    assert heard[[WOOD, CHAIR]].tolist() == [11.0, 9.5]
    assert heard[BED] == 1.0, "what he knew nothing of he believes at once"
    assert (town.roster.rows.expected_price[0, :, [NORTH, SOUTH]] == 10.0).all()


@pytest.mark.parametrize(
    ("prices_in_the_north", "owned", "good"),
    [
        ({}, 0, WOOD),
        ({CHAIR: 30.0, BED: 20.0}, 0, CHAIR),
        ({CHAIR: 20.0, BED: 20.0}, 0, CHAIR),  # of equals the first
        ({WOOD: 20.0, CHAIR: 20.0}, 0, WOOD),  # a tie keeps his own
        ({CHAIR: 30.0}, 1, WOOD),  # first he sells what he has
        ({THREAD: 1.0}, 0, THREAD),  # bought there, sold here
    ],
)
def test_owning_nothing_he_changes_to_the_best_trade(prices_in_the_north, owned, good):
    state, town = quiet_town()
    for number, price in prices_in_the_north.items():
        town.roster.rows.expected_price[0, number, NORTH] = price
    town.roster.rows.owned[0] = owned
    tick(state, town)
    assert town.roster.rows.good[0] == good


def test_nobody_deals_in_leisure():
    """Time off cannot be carried: no road leads anywhere with it, whatever it is worth there."""
    cities = [worlds.city("Riverwood", merchant_rules=ALWAYS), worlds.city("Seaside")]
    world = worlds.world(cities, worlds.all_roads(2, cost=0.0))
    city = world.cities[0]
    rows = city.town.roster.rows
    rows.expected_price[:] = 10.0
    rows.expected_price[:, LEISURE, 1] = 1000.0
    tick_of_two(city)
    assert (rows.good[: len(rows.good)] != LEISURE).all()


def tick_of_two(city):
    return advance(city.state, city.town, empty(5, 2), 0, 1)


# Arrival.


def traveller(*money_minor: int, due=0):
    """Merchants on their way here, with so much money each."""
    roster = empty(5, 3, len(money_minor))
    roster.size[0] = len(money_minor)
    roster.rows.money_minor[:] = money_minor
    roster.rows.number[:] = np.arange(len(money_minor)) + 100
    roster.rows.capacity[:] = 20
    roster.rows.tick[:] = due
    roster.rows.from_place[:] = NORTH
    roster.rows.expected_price[:] = nan
    return roster


@pytest.mark.parametrize(
    ("money_minor", "tax_minor"),
    [
        (0, 0),
        (1000 * COIN, 0),
        (1000 * COIN + 9, 0),
        (1000 * COIN + 10, 1),
        (1000 * COIN + 19, 1),
        (2000 * COIN, 100 * COIN),
        (10**17 + 1, (10**17 + 1 - 1000 * COIN) // 10),
    ],
)
@pytest.mark.parametrize("now", [0, 1, 2, 1000003])
def test_the_arrival_tax_is_a_tenth_above_a_thousand_shared_to_the_unit(
    money_minor, tax_minor, now
):
    state, town = quiet_town(merchants=0)
    tick(state, town, traveller(money_minor, due=now), now)
    assert town.roster.rows.money_minor[0] == money_minor - tax_minor
    share, rest = divmod(tax_minor, 3)
    gained = [share, share, share]
    for unit in range(rest):
        gained[(now + unit) % 3] += 1
    assert (state.residents.money_minor - 1000 * COIN).tolist() == gained


def test_taxes_of_one_tick_are_shared_out_together():
    state, town = quiet_town(merchants=0)
    tick(state, town, traveller(1000 * COIN + 10, 1000 * COIN + 20, 5), 0)
    assert (state.residents.money_minor - 1000 * COIN).tolist() == [1, 1, 1]


def test_where_nobody_lives_nobody_pays():
    state, town = quiet_town(merchants=0, locals_=0)
    tick(state, town, traveller(5000 * COIN))
    assert town.roster.rows.money_minor[0] == 5000 * COIN


def test_arrivals_enter_at_their_tick_with_all_they_had():
    state, town = quiet_town(merchants=2, rules=MerchantParameters(act_probability=0.0))
    coming = traveller(7, 8)
    coming.rows.tick[:] = [3, 5]
    coming.rows.owned[:] = [4, 6]
    coming.rows.ask[:], coming.rows.place[:] = 3.0, 2
    sizes = []
    for now in range(7):
        due = np.flatnonzero(coming.rows.tick == now)
        state = tick(state, town, chosen(coming, due), now)
        sizes.append(town.roster.size[0])
    assert sizes == [2, 2, 2, 3, 3, 4, 4]
    rows = town.roster.rows
    assert rows.number[2:4].tolist() == [100, 101]
    assert rows.money_minor[2:4].tolist() == [7, 8]
    assert rows.owned[2:4].tolist() == [4, 6]
    assert (rows.ask[2:4] == inf).all()
    assert (rows.place[2:4] == -1).all()
    assert (rows.to_place[2:4] == HERE).all()
    assert (rows.from_place[2:4] == NORTH).all()


# Founding and rosters.


def test_founders_are_numbered_and_deal_in_what_can_be_traded():
    goods = worlds.default_city().goods
    town = found_town(np.uint64(5), 2, 4, goods, 500, MerchantParameters(capacity=9))
    rows = town.roster.rows
    assert town.roster.size[0] == 500
    assert rows.number.tolist() == list(range(500))
    assert (rows.birthplace == 2).all()
    assert set(rows.good.tolist()) == {WOOD, CHAIR, THREAD, BED}
    assert (rows.money_minor == 1000 * COIN).all()
    assert (rows.capacity == 9).all()
    assert np.isnan(rows.expected_price).all()
    assert rows.expected_price.shape == (500, 5, 4)


def test_more_money_than_can_be_counted_is_refused():
    goods = worlds.default_city().goods
    with pytest.raises(ValueError, match=r"^money of all merchants, minor units = 5e\+19: must be"):
        found_town(np.uint64(5), 0, 1, goods, 500_000, MerchantParameters(starting_money=1e6))


def test_rosters_grow_join_and_choose_without_losing_anybody():
    one, two = traveller(1, 2, 3), traveller(4)
    one.rows.expected_price[:] = 7.0
    grown = with_room(one, 10, 5)
    assert grown.size[0] == 3
    assert len(grown.rows.number) >= 10
    assert (grown.rows.expected_price[:3, :, :3] == 7.0).all()
    assert np.isnan(grown.rows.expected_price[:, :, 3:]).all()
    assert with_room(grown, 3, 4) is grown
    both = joined([one, empty(5, 3, 8), two])
    assert (both.size[0], both.rows.money_minor.tolist()) == (4, [1, 2, 3, 4])
    assert chosen(both, np.array([3, 0])).rows.money_minor.tolist() == [4, 1]
    assert chosen(both, slice(1, 3)).rows.money_minor.tolist() == [2, 3]
