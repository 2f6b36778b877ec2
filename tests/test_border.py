"""The border: who may enter, who goes back, and that not a unit of money is lost or found there."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import memory_stream_pair

from city_node.cities.advance import advance
from city_node.cities.world import World
from city_node.log import Log
from city_node.network.border import (
    ADDRESS_PEERS,
    FOREIGN_PLACES_MAX,
    admit,
    guests_present,
    place_of,
)
from city_node.network.crossing import addressed, give_inputs, take_abroad
from city_node.network.departures import bring_home, leave, on_the_wire
from city_node.network.network import Network, Travelway
from city_node.network.policy import Guests, Policy
from city_node.network.quotas import ENTRY_S, HOUR_S, Brought, Quota
from engine.money import MINOR_PER_COIN
from merchants.params import Parameters
from merchants.roster import chosen
from protocol.bulk import BulkDecoder
from protocol.connection import Connection
from protocol.events import Merchants
from protocol.messages import decode_merchant, encode_merchant
from tests.worlds import all_roads, city, plain_report, world

GOODS = ("wood", "chair", "thread", "bed")
GUESTS = Guests()


def line(**changed) -> bytes:
    fine = {"Money": 1000, "BuysSells": "bed", "CarryingCapacity": 20, "Owned": 1}
    fine["ExpectedPrices"] = {"bed": {"SEASHORE": 50.0}}
    return json.dumps(fine | changed).encode() + b"\n"


def decoded(*lines: bytes) -> Merchants:
    """The wire's columns of lines without fault."""
    (came,) = BulkDecoder(GOODS).decode(b"".join(lines))
    assert isinstance(came, Merchants)
    return came


class Border:
    """A peer's road into the first city of a world."""

    def __init__(self, of: World, peer: str = "Seashore", near: "Border | None" = None) -> None:
        self.of, self.city, self.peer = of, of.cities[0], peer
        self.place = place_of(of, peer, set())
        self.quota, address = Quota(), near.brought[1:] if near else (Quota(), Quota())
        self.brought = Brought(self.quota, *address)

    def come(self, *lines: bytes, now_s: float = 0.0):
        """Merchants arrive at the border, then a tick passes."""
        admitted = admit(
            self.of,
            self.city,
            self.place,
            decoded(*lines),
            guests=GUESTS,
            brought=self.brought,
            node_suffix="@ATLAS",
            now_s=now_s,
        )
        advance(self.of, 1)
        check_balance(self.of)
        return admitted


def check_balance(of: World) -> None:
    for each in plain_report(of)["cities"]:
        money = each["money"]
        came = money["initial"] + money["issued"] + money["entered"]
        assert came - money["left"] - money["destroyed"] == money["holdings"]


def lonely(merchants: int = 0, locals_: int = 0) -> World:
    """A city in which nobody taxes, trades or talks, unless there are locals."""
    return world([city("Riverwood", merchants=merchants, locals=locals_)])


# --- quotas of guests ---


def test_a_guest_is_let_in_with_all_he_has() -> None:
    border = Border(lonely())
    admitted = border.come(line(Money=1211.48000001, Owned=3))
    assert admitted == (1, [], "")
    rows = border.city.town.roster.rows
    assert rows.money_minor[0] == 121_148_000_001
    assert (rows.owned[0], rows.capacity[0]) == (3, 20)
    assert rows.expected_price[0, border.of.goods.index("bed"), border.place] == 50.0
    assert border.city.arrivals == {"Seashore": 1}
    assert border.city.ledger.entered_minor == 121_148_000_001


@pytest.mark.parametrize(
    ("changed", "enters"),
    [
        ({"Money": GUESTS.coins}, True),
        ({"Money": GUESTS.coins + 0.00000001}, False),
        ({"CarryingCapacity": GUESTS.capacity}, True),
        ({"CarryingCapacity": GUESTS.capacity + 1}, False),
    ],
)
def test_what_one_guest_may_bring(changed: dict, enters: bool) -> None:
    border = Border(lonely())
    very_line = line(**changed)
    admitted = border.come(very_line)
    assert admitted.entered == enters
    assert admitted.turned_back == ([] if enters else [very_line])
    if not enters:
        assert admitted.reason == "over 2,000 coins or capacity 20 a guest"
    assert border.city.town.roster.size[0] == enters


def test_a_rich_man_of_our_own_comes_home_but_no_stranger_does() -> None:
    border = Border(lonely())
    border.quota.book(-2 * HOUR_S, -25_000 * MINOR_PER_COIN)
    rich = line(Money=12_000)
    admitted = border.come(rich, rich, rich, line(Money=500))
    assert (admitted.entered, admitted.turned_back) == (3, [rich])
    assert border.quota.net_minor == -500 * MINOR_PER_COIN
    assert border.come(line(Money=2_500)).entered == 0


def test_a_guest_may_carry_what_our_own_may() -> None:
    of = world([city("Riverwood", merchants=0, merchant_rules=Parameters(capacity=50))])
    assert Border(of).come(line(CarryingCapacity=50)).entered == 1
    admitted = Border(of).come(line(CarryingCapacity=51))
    assert admitted.reason == "over 2,000 coins or capacity 50 a guest"


def test_how_many_guests_may_be_present_and_who_leaves_frees_his_place() -> None:
    border = Border(lonely())
    lines = [line(Money=number) for number in range(GUESTS.present + 10)]
    admitted = border.come(*lines)
    assert admitted == (
        GUESTS.present,
        lines[GUESTS.present :],
        "guests present = over 64",
    )
    assert border.come(line(Money=0)).entered == 0
    border.city.town.roster.size[0] -= 3  # they left
    border.city.ledger.left_minor += sum(range(61, 64)) * MINOR_PER_COIN
    assert border.come(*[line(Money=0)] * 5).entered == 3


def test_those_still_on_the_road_count_as_present() -> None:
    border = Border(lonely())
    assert border.come(*[line(Money=0)] * 60).entered == 60
    of = border.of
    assert guests_present(of, border.city, border.place) == 60
    came = decoded(*[line(Money=0)] * 10)
    arguments = {"guests": GUESTS, "brought": border.brought, "node_suffix": "", "now_s": 0.0}
    assert admit(of, border.city, border.place, came, **arguments).entered == 4
    assert admit(of, border.city, border.place, came, **arguments).entered == 0


def test_another_peer_has_places_of_his_own() -> None:
    of = lonely()
    assert Border(of).come(*[line(Money=0)] * 100).entered == 64
    assert Border(of, "Portsville").come(*[line(Money=0)] * 100).entered == 64


def test_coins_net_an_hour() -> None:
    border = Border(lonely())
    rich = line(Money=GUESTS.coins)
    whole = GUESTS.net_coins // GUESTS.coins
    assert border.come(*[rich] * (whole - 1)).entered == whole - 1
    admitted = border.come(rich, rich, line(Money=1), line(Money=0))
    assert admitted.entered == 2  # the first, and the one without a coin
    assert admitted.turned_back == [rich, line(Money=1)]
    assert admitted.reason == "coins in net = over 20,000 an hour"
    assert border.come(line(Money=1), now_s=HOUR_S - 1).entered == 0
    border.quota.book(HOUR_S - 1, -5 * MINOR_PER_COIN)  # somebody left with five coins
    assert border.come(line(Money=6), line(Money=5), now_s=HOUR_S - 1).entered == 1
    assert border.come(rich, now_s=HOUR_S + ENTRY_S + 1).entered == 1


def test_a_quota_stays_small() -> None:
    """A road may carry thousands a second; what is remembered of them must not grow with it."""
    quota = Quota()
    for number in range(100_000):
        quota.book(number / 10, 1)
    assert len(quota.recent) <= HOUR_S / ENTRY_S + 2
    assert HOUR_S * 10 <= quota.hour_minor(10_000.0) <= (HOUR_S + ENTRY_S) * 10 + 1
    assert quota.net_minor == 100_000


def test_who_calls_himself_otherwise_brings_no_more_for_it() -> None:
    of = lonely()
    first = Border(of, "Name 0")
    poor = [line(Money=0)] * GUESTS.present
    borders = [first, *(Border(of, f"Name {number}", near=first) for number in range(1, 6))]
    admitted = [border.come(*poor) for border in borders]
    assert sum(each.entered for each in admitted) == ADDRESS_PEERS * GUESTS.present
    assert admitted[-1].reason == "guests of its address = over 256 an hour"
    first.brought.book(0.0, 0, -10)  # ten went back
    assert borders[-1].come(*poor).entered == 10
    later_s = HOUR_S + ENTRY_S + 1
    rich = [line(Money=GUESTS.coins)] * (GUESTS.net_coins // GUESTS.coins)
    borders = [Border(of, f"Rich {number}", near=first) for number in range(6)]
    admitted = [border.come(*rich, now_s=later_s) for border in borders]
    assert [each.entered for each in admitted] == [len(rich)] * ADDRESS_PEERS + [0, 0]
    assert admitted[-1].reason == "coins in net of its address = over 80,000 an hour"


@given(
    coins=st.lists(
        st.lists(st.sampled_from([0, 0.00000001, 1, 999.5, 2000, 2000.5, 30_000]), min_size=1),
        min_size=1,
        max_size=5,
    ),
    locals_=st.sampled_from([0, 20]),
)
def test_money_is_conserved_whoever_comes(coins, locals_: int) -> None:
    of = lonely(10, locals_)
    border = Border(of)
    for batch in coins:
        lines = [line(Money=money) for money in batch]
        admitted = border.come(*lines)
        assert admitted.entered + len(admitted.turned_back) == len(lines)
        assert all(back in lines for back in admitted.turned_back)
        assert (admitted.reason == "") == (not admitted.turned_back)
    assert border.quota.net_minor == border.city.ledger.entered_minor
    assert border.quota.net_minor <= GUESTS.net_coins * MINOR_PER_COIN
    advance(of, 100)
    check_balance(of)


# --- beliefs and genes ---


def test_beliefs_about_cities_known_here_are_taken_on_and_no_others() -> None:
    nobody = {"locals": 0, "merchants": 0}
    of = world([city("Riverwood", **nobody), city("Seaside", **nobody)], all_roads(2))
    border = Border(of)
    place_of(of, "Portsville@boreas", set())
    prices = {
        "RIVERWOOD": 1.0,
        "riverwood@atlas": 1.5,
        "Seaside@Atlas": 2.0,
        "SEASHORE": 3.0,
        "PORTSVILLE@BOREAS": 4.0,
        "RIVERWOOD@BOREAS": 5.0,
        "NOWHERE": 6.0,
    }
    assert border.come(line(ExpectedPrices={"bed": prices, "fur": prices})).entered == 1
    expected = border.city.town.roster.rows.expected_price[0]
    bed = of.goods.index("bed")
    assert of.places == ["Riverwood", "Seaside", "Seashore", "Portsville@boreas"]
    assert list(expected[bed]) == [1.5, 2.0, 3.0, 4.0]
    assert np.isnan(np.delete(expected, bed, axis=0)).all()


def test_places_are_at_most_64_and_are_given_to_others_when_out_of_use() -> None:
    of = world([city("Riverwood"), city("Seaside")], all_roads(2))
    names = [f"Town {number}" for number in range(FOREIGN_PLACES_MAX)]
    in_use = {name.casefold() for name in names}
    for number, name in enumerate(names):
        assert place_of(of, name, in_use) == 2 + number
    assert place_of(of, "TOWN 7", in_use) == 9
    assert place_of(of, "Riverwood", in_use) == 0
    assert place_of(of, "One too many", in_use) is None
    border = Border(of, "Town 7")
    border.come(line(ExpectedPrices={"bed": {"TOWN 7": 7.0, "TOWN 8": 8.0}}))
    assert guests_present(of, border.city, 9) == 1
    assert place_of(of, "Newtown", in_use - {"town 7"}) == 9
    assert of.places[9] == "Newtown"
    assert len(of.places) == 2 + FOREIGN_PLACES_MAX
    beliefs = border.city.town.roster.rows.expected_price
    assert np.isnan(beliefs[:, :, 9]).all()
    assert (beliefs[:, of.goods.index("bed"), 10] == 8.0).sum() == 1
    assert guests_present(of, border.city, 9) == 0  # he is no guest of Newtown
    advance(of, 100)
    check_balance(of)


def test_a_genome_is_kept_and_goes_out_again() -> None:
    border = Border(lonely())
    genome = {"greed": 0.25, "what nobody here knows": 1.0}
    border.come(line(), line(genome=genome))
    wired = on_the_wire(border.of, border.city.town.roster, "@ATLAS")
    assert [merchant.genome for merchant in wired] == [None, genome]
    assert border.of.luggage == {}
    again = decode_merchant(encode_merchant(wired[1]), GOODS).merchant
    assert again.genome == genome


def test_our_own_cities_go_out_under_their_full_names() -> None:
    of = world([city("Riverwood", merchants=5), city("Seaside")], all_roads(2))
    place_of(of, "Seashore", set())
    advance(of, 200)
    town = of.cities[0].town
    town.roster.rows.expected_price[0, 1] = [1.0, np.nan, 3.0]
    merchant, *others = on_the_wire(of, town.roster, "@ATLAS")
    assert len(others) == town.roster.size[0] - 1
    assert merchant.expected_prices["chair"] == {"RIVERWOOD@ATLAS": 1.0, "SEASHORE": 3.0}
    assert merchant.money_minor == town.roster.rows.money_minor[0]


# --- over the road and back ---


def road(of: World, peer: str, sent: bytes = b"") -> tuple[Network, Travelway]:
    """An open road from the first city; there is nobody at its other end."""
    network = Network("atlas", GOODS, Log(), {each.name.casefold() for each in of.cities})
    connection = Connection(of.cities[0].name, node="atlas", goods=GOODS, dialling=False, now_s=0.0)
    connection.receive(peer.encode() + b"\n" + sent, 0.0)
    connection.tick(1.0)
    stream, _ = memory_stream_pair()
    way = Travelway(of.cities[0], stream, "192.0.2.7", connection, None, peer, ready=True)
    network.open[0, peer.casefold()] = way
    return network, way


@pytest.mark.trio
async def test_merchants_leave_by_the_road_and_come_home_when_it_closes() -> None:
    of = world([city("Riverwood", merchants=100)])
    riverwood = of.cities[0]
    network, way = road(of, "Seashore")
    for _ in range(20):
        give_inputs(network, of)
        advance(of, 50)
        take_abroad(network, addressed(network, leave(of, network.node_suffix)))
        check_balance(of)
    waiting = len(way.outbox)
    assert waiting > 10
    assert riverwood.town.roster.size[0] == 100 - waiting
    assert riverwood.departures == {"Seashore": waiting}
    left_minor = sum(merchant.money_minor for merchant, _ in way.outbox)
    assert riverwood.ledger.left_minor == left_minor
    assert network.quotas[0, "seashore"].net_minor == -left_minor
    # only goods a legacy peer is known to know, until it has named others
    assert {merchant.good for merchant, _ in way.outbox} <= {"wood", "chair", "bed"}
    network.open.clear()
    network.send_home(way)
    give_inputs(network, of)
    assert len(riverwood.town.roads.place) == 0
    advance(of, 1)
    check_balance(of)
    assert riverwood.town.roster.size[0] == 100
    assert riverwood.ledger.entered_minor == left_minor
    assert network.quotas[0, "seashore"].net_minor == 0
    assert "Seashore" not in riverwood.arrivals
    assert guests_present(of, riverwood, way.place) == 0


@pytest.mark.trio
async def test_who_left_while_the_road_closed_comes_home() -> None:
    of = world([city("Riverwood", merchants=100)])
    network, _ = road(of, "Seashore")
    give_inputs(network, of)
    network.open.clear()  # while the window runs
    advance(of, 500)
    took = sum(int(left.size[0]) for _, left in of.abroad)
    assert took > 0
    take_abroad(network, addressed(network, leave(of, network.node_suffix)))
    give_inputs(network, of)
    advance(of, 1)
    assert of.cities[0].town.roster.size[0] == 100
    check_balance(of)


@pytest.mark.trio
async def test_roads_carry_what_the_peer_knows() -> None:
    of = world([city("Riverwood")])
    for peer, sent, goods in [
        ("Seashore", b"", {"wood", "chair", "bed"}),
        (
            "Seashore",
            line(BuysSells="thread", ExpectedPrices={"wood": {"A": 1}}),
            {"wood", "thread"},
        ),
    ]:
        network, _ = road(of, peer, sent)
        give_inputs(network, of)
        carries = of.cities[0].town.roads.carries[0]
        assert {good for good, carried in zip(of.goods, carries, strict=True) if carried} == goods


@pytest.mark.trio
async def test_a_city_may_take_no_guests_and_send_nobody_where_nothing_is_acknowledged() -> None:
    of = world([city("Riverwood"), city("Elm")], all_roads(2))
    network, way = road(of, "Seashore")
    very_line = line(Money=5)
    network.heard.append((way, decoded(very_line)))
    network.policies[0] = Policy(guests=None, legacy_emigration=False)
    give_inputs(network, of)
    assert bytes(way.going_back) == very_line
    assert network.refused["Riverwood", way.peer] == 1
    advance(of, 2)
    assert of.cities[0].arrivals == {}
    assert (of.cities[0].town.roads.place < 2).all()
    network.policies[0] = Policy()
    network.heard.append((way, decoded(very_line)))
    give_inputs(network, of)
    advance(of, 2)
    assert of.cities[0].arrivals["Seashore"] == 1
    assert (of.cities[0].town.roads.place == 2).any()


def test_who_never_got_away_pays_no_tax_at_home() -> None:
    of = world([city("Riverwood", merchants=1, locals=3)])
    riverwood = of.cities[0]
    roster = riverwood.town.roster
    row = chosen(roster, np.array([0]))
    row.rows.money_minor[:] += 5_000 * MINOR_PER_COIN
    riverwood.ledger.initial_minor += 5_000 * MINOR_PER_COIN
    roster.size[0] = 0
    riverwood.ledger.left_minor += int(row.rows.money_minor[0])
    bring_home(of, riverwood, row, None)
    advance(of, 1)
    assert riverwood.town.roster.rows.money_minor[0] == 6_000 * MINOR_PER_COIN
    check_balance(of)


def test_home_is_nowhere_else() -> None:
    of = world([city("Riverwood", merchants=1)])
    riverwood = of.cities[0]
    row = chosen(riverwood.town.roster, np.array([0]))
    bring_home(of, riverwood, row, {"greed": 1.0})
    assert (of.walking.rows.from_place[0], of.walking.rows.to_place[0]) == (0, 0)
    assert of.luggage == {(0, 0): {"greed": 1.0}}
