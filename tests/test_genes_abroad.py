"""Genes cross borders with their bearers: what acts, what is kept, what a stranger may bring."""

from dataclasses import replace

import numpy as np
import pytest
import worlds

from city_node.cities.advance import advance
from city_node.cities.world import World
from city_node.network.border import admit, place_of
from city_node.network.departures import on_the_wire
from city_node.network.policy import Guests
from city_node.network.quotas import Brought, Quota
from engine.money import MINOR_PER_COIN
from merchants.genome import GOSSIP, MARGIN, NAMES, NEUTRAL, RISK, genes_of
from merchants.params import Parameters as MerchantParameters
from merchants.town import ROOM_UNLIMITED, Roads
from protocol.bulk import BulkDecoder
from protocol.events import Merchants as Columns
from protocol.limits import TRAITS_MAX
from protocol.messages import Merchant, encode_merchant

COIN = MINOR_PER_COIN


def tradeable(of: World) -> list[str]:
    return [good for good in of.goods if good != "leisure"]


def columns(of: World, merchants: list[Merchant]) -> Columns:
    """What a connection hands over for the lines of these merchants."""
    lines = b"".join(map(encode_merchant, merchants))
    (came,) = BulkDecoder(tradeable(of)).decode(lines)
    assert isinstance(came, Columns)
    return came


def a_merchant(**fields) -> Merchant:
    known = {"money_minor": 500 * COIN, "good": "bed", "capacity": 20}
    return Merchant(**{**known, "expected_prices": {"bed": {"SCHOOL": 30.0}}, **fields})


def let_in(
    of: World,
    merchants: list[Merchant],
    *,
    name="School",
    quota=None,
    guests=None,
    suffix="@HERE",
):
    """Admit them to the first city; returns what became of them."""
    place = place_of(of, name, set())
    quota = quota or Quota()
    return admit(
        of,
        of.cities[0],
        place,
        columns(of, merchants),
        guests=guests or Guests(),
        brought=Brought(quota, Quota(), Quota()),
        node_suffix=suffix,
        now_s=0.0,
    )


def evolving_city(name="Seaside", **changes):
    return worlds.city(name, evolution=True, **changes)


def test_known_genes_act_and_unknown_ones_travel_on():
    world = worlds.world([evolving_city(merchants=0)])
    let_in(world, [a_merchant(genome={"risk": 0.9, "courage": 0.3, "gossip": 7.0, "margin": -1})])
    genes = world.walking.rows.genome[0]
    assert (genes[RISK], genes[GOSSIP], genes[MARGIN]) == (0.9, 1.0, 0.0)
    assert (np.delete(genes, [RISK, GOSSIP, MARGIN]) == NEUTRAL).all()
    advance(world, 1)
    (leaver,) = on_the_wire(world, world.cities[0].town.roster, "@HERE")
    sent = {"risk": 0.9, "courage": 0.3, "gossip": 1.0, "margin": 0.0}
    assert leaver.genome == dict.fromkeys(NAMES, 0.5) | sent
    assert world.luggage == {}


def test_the_neutral_send_only_what_they_keep():
    world = worlds.world([evolving_city(merchants=0)])
    let_in(world, [a_merchant(), a_merchant(genome={"courage": 0.25})])
    sent = on_the_wire(world, world.walking, "@HERE")
    assert [merchant.genome for merchant in sent] == [None, {"courage": 0.25}]


def test_no_more_genes_than_a_line_takes():
    world = worlds.world([evolving_city(merchants=0)])
    genome = {"risk": 0.7} | {f"unknown {number}": 0.5 for number in range(TRAITS_MAX - 1)}
    let_in(world, [a_merchant(genome=genome)])
    (leaver,) = on_the_wire(world, world.walking, "@HERE")
    assert len(leaver.genome) == TRAITS_MAX
    assert leaver.genome["risk"] == 0.7
    encode_merchant(leaver)


def test_luggage_of_the_retired_is_dropped():
    rules = MerchantParameters(act_probability=1.0, retires_after_acts=5, leave_probability=0.0)
    world = worlds.world([evolving_city(merchants=0, merchant_rules=rules)])
    let_in(world, [a_merchant(money_minor=0, genome={"courage": 0.1}) for _ in range(5)])
    assert len(world.luggage) == 5
    advance(world, 10)
    assert world.cities[0].town.roster.size[0] == 0
    assert world.luggage == {}


def test_guests_and_the_founded_get_ids_that_nobody_has():
    rules = MerchantParameters(act_probability=1.0, starting_money=9_000.0)
    world = worlds.world([evolving_city(merchants=4, merchant_rules=rules)])
    counted = worlds.Counted(world)
    entered = 0
    for _ in range(5):
        entered += let_in(world, [a_merchant()] * 3).entered
        advance(world, 7)
    rows, size = world.cities[0].town.roster.rows, world.cities[0].town.roster.size[0]
    found = set(zip(rows.birthplace[:size].tolist(), rows.number[:size].tolist(), strict=True))
    assert len(found) == size > 19
    assert entered == 15
    counted.money += entered * 500 * COIN
    counted.check()


@pytest.mark.parametrize(("net_coins", "coins"), [(20_000, 2_000), (80_000, 40_000)])
def test_a_forged_fortune_founds_no_dynasty(net_coins, coins):
    """What the border lets in is bounded; and of that, only what is earned here founds anybody."""
    rules = MerchantParameters(act_probability=1.0, tax_free_money=1e6)
    world = worlds.world([evolving_city(locals=60, merchants=20, merchant_rules=rules)], seed=5)
    rich = a_merchant(money_minor=coins * COIN, genome={"risk": 1.0})
    quota, guests = Quota(), Guests(coins=coins, net_coins=net_coins)
    admitted = let_in(world, [rich] * 40, quota=quota, guests=guests)
    assert admitted.entered == net_coins // coins
    assert quota.net_minor == net_coins * COIN
    advance(world, 500)
    lives, roster = world.cities[0].town.lives, world.cities[0].town.roster
    forged = roster.rows.genome[: roster.size[0], RISK] == 1.0
    assert lives.founded[0] == 0
    assert forged.sum() == admitted.entered


def test_who_earns_his_stake_again_founds():
    rules = MerchantParameters(act_probability=1.0, tax_free_money=1e6)
    world = worlds.world([evolving_city(locals=0, merchants=2, merchant_rules=rules)])
    let_in(world, [a_merchant(money_minor=2_000 * COIN)])
    advance(world, 3)
    town = world.cities[0].town
    guest = int(np.flatnonzero(town.roster.rows.stake_minor[: town.roster.size[0]])[0])
    assert town.lives.founded[0] == 0
    town.roster.rows.money_minor[guest] += 1_000 * COIN
    world.cities[0].ledger.initial_minor += 1_000 * COIN
    advance(world, 1)
    assert town.lives.founded[0] == 1
    assert town.roster.rows.money_minor[guest] == 1_500 * COIN
    assert town.roster.rows.stake_minor[: town.roster.size[0]].tolist().count(1_000 * COIN) == 2


# --- two nodes ------------------------------------------------------------------------------


ANYBODY = Guests(present=10**6, coins=10**6, capacity=10**6, net_coins=10**7)
SUFFIX = {"Riverwood": "@ATLAS", "Portsville": "@BOREAS"}


def joined_by_a_travel_way(node: World, other: str) -> None:
    """A road over the network from every city of a node."""
    place = place_of(node, other, set())
    for city in node.cities:
        roads = city.town.roads
        one = np.ones(1, np.int64)
        city.town.roads = Roads(
            place=np.concatenate([roads.place, place * one]),
            cost=np.concatenate([roads.cost, np.ones(1)]),
            cost_back=np.concatenate([roads.cost_back, np.ones(1)]),
            travel_ticks=np.concatenate([roads.travel_ticks, 0 * one]),
            open=np.concatenate([roads.open, np.ones(1, np.uint8)]),
            room=np.concatenate([roads.room, ROOM_UNLIMITED * one]),
            carries=np.concatenate([roads.carries, np.ones((1, len(node.goods)), np.uint8)]),
        )


def carry(start: World, to: World, left_by: Quota, enters_by: Quota) -> None:
    """Those who have left one node cross to the other as lines of the wire."""
    suffix, there = SUFFIX[start.cities[0].name], SUFFIX[to.cities[0].name]
    for _, left in start.abroad:
        crossing = on_the_wire(start, left, suffix)
        name = start.cities[0].name + suffix
        if crossing:
            left_by.book(0.0, -sum(merchant.money_minor for merchant in crossing))
            came = let_in(to, crossing, name=name, quota=enters_by, guests=ANYBODY, suffix=there)
            assert came.turned_back == []
    start.abroad.clear()


LIVELY = MerchantParameters(
    founding_money=1_100.0, ruin_money=800.0, retires_after_acts=100, mutation_probability=0.0
)
GIFTED = {
    "risk": 0.1,
    "patience": 0.6,
    "curiosity": 0.9,
    "gossip": 0.6,
    "margin": 0.85,
    "loyalty": 0.85,
    "asking_price": 0.3,
    "eagerness": 0.2,
}


def two_nodes(*, road: bool, windows: int = 600):
    """Half of the merchants of one node are gifted, all of the other's neutral.

    Returns:
        bool[merchants] of each city: who is gifted in the end; and the second city's books.
    """
    city = evolving_city("Riverwood", locals=120, merchants=40, merchant_rules=LIVELY)
    weavers = city.recipes | {"bed": {"wood": 2, "thread": 1}}
    half = tuple(tuple(genes_of(genome).tolist()) for genome in (GIFTED, {}))
    ours = worlds.world([replace(city, genomes=half, recipes=weavers)], seed=3)
    theirs = worlds.world([replace(city, name="Portsville")], seed=103)
    counted = [worlds.Counted(ours), worlds.Counted(theirs)]
    if road:
        joined_by_a_travel_way(ours, "PORTSVILLE@BOREAS")
        joined_by_a_travel_way(theirs, "RIVERWOOD@ATLAS")
    quotas = Quota(), Quota()
    for _ in range(windows):
        advance(ours, 100)
        advance(theirs, 100)
        carry(ours, theirs, *quotas)
        carry(theirs, ours, *quotas[::-1])
    for count, quota in zip(counted, quotas, strict=True):
        assert worlds.money_counted(count.of) == count.money + quota.net_minor
    rosters = [node.cities[0].town.roster for node in (ours, theirs)]
    gifted = [roster.rows.genome[: roster.size[0], MARGIN] > NEUTRAL for roster in rosters]
    return *gifted, theirs.cities[0].town.lives


def test_a_trait_that_wins_in_one_node_spreads_to_the_other_over_the_road():
    """Of 80 merchants in two nodes, 20 are gifted: with a road, soon most; without, there none."""
    _, there, _ = two_nodes(road=False)
    assert len(there) > 0
    assert not there.any()  # without mutation no gift can come up
    here, there, lives = two_nodes(road=True)
    assert there.mean() > 0.2
    assert np.concatenate([here, there]).mean() > 0.35
    assert lives.founded[0] > 0
    assert lives.retired[0] > 0
