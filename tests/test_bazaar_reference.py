"""The compiled bazaar against the same rules in plain Python, tick by tick, to the last bit."""

import bazaar_reference as plain
import numpy as np
import pytest
import worlds
from hypothesis import given, settings
from hypothesis import strategies as st

from city_node.cities.advance import advance as advance_world
from city_node.cities.world import World
from engine.bazaar.events import EVENTS
from engine.goods import Good
from engine.tables import columns
from merchants.advance_bazaar import advance
from merchants.params import Parameters as MerchantParameters
from merchants.roster import Merchants, Roster, chosen, empty
from merchants.town import Roads

OF_LIFE = ("generation", "ruined", "stake_minor", "genome")
"""Columns of what the tutorial does not know, and this reference neither: here nobody evolves, all
genes are neutral, and then, bit for bit, the kernel follows the tutorial's rules."""


def of_the_tutorial(world: World) -> World:
    """The world, with nobody founded and nobody retiring in it."""
    for city in world.cities:
        city.town.lives.evolves[0] = 0
    return world


def plain_city(state, town) -> plain.City:
    """The objects that a city's arrays mean."""
    table = state.goods
    residents = [
        plain.Resident(*row)
        for row in zip(
            state.residents.money_minor.tolist(),
            state.residents.owned.tolist(),
            state.residents.base_value.tolist(),
            state.residents.expected_price.tolist(),
            state.residents.waited.tolist(),
            strict=True,
        )
    ]
    merchants = plain_merchants(town.roster)
    sellers = [*residents, *merchants]
    ends = table.first_material.tolist()
    taken = list(zip(table.material.tolist(), table.units.tolist(), strict=True))
    return plain.City(
        key=int(town.key),
        here=town.here,
        goods=[
            plain.Good(*row)
            for row in zip(
                table.half_value.tolist(),
                (table.gathered != 0).tolist(),
                table.wear.tolist(),
                (table.leisure != 0).tolist(),
                strict=True,
            )
        ],
        recipes=[
            plain.Recipe(product, taken[ends[number] : ends[number + 1]])
            for number, product in enumerate(table.product.tolist())
        ],
        rules=state.rules,
        merchant_rules=town.rules,
        residents=residents,
        merchants=merchants,
        roads=[
            plain.Road(place, cost, back, ticks, bool(is_open), room, [bool(c) for c in carries])
            for place, cost, back, ticks, is_open, room, carries in zip(
                *(column.tolist() for column in town.roads), strict=True
            )
        ],
        rows=[
            [
                plain.Offer(sellers[state.rows.seller[good, place]], ask)
                for place, ask in enumerate(state.rows.ask[good, :size].tolist())
            ]
            for good, size in enumerate(state.rows.size)
        ],
        shocked=bool(state.books.shocked[0]),
        trades=int(state.books.trades[0]),
        made=state.books.made.tolist(),
        used=state.books.used.tolist(),
        worn=state.books.worn.tolist(),
    )


def plain_merchants(roster: Roster) -> list[plain.Merchant]:
    """The objects that a roster means."""
    people = []
    for row in range(roster.size[0]):
        values = {name: column[row].tolist() for name, column in roster.rows._asdict().items()}
        for name in ("place", *OF_LIFE):  # he finds his place by looking
            values.pop(name)
        beliefs = values["expected_price"]
        values["expected_price"] = [[None if p != p else p for p in places] for places in beliefs]
        people.append(plain.Merchant(**values))
    return people


def assert_same(kernel: dict, reference: dict, dtypes: dict, where: str) -> None:
    """Every array equal bit for bit."""
    assert kernel.keys() == reference.keys()
    for name, array in kernel.items():
        expected = np.array(reference[name], dtypes[name]).reshape(array.shape)
        assert array.dtype == expected.dtype
        if array.tobytes() != expected.tobytes():
            np.testing.assert_array_equal(array, expected, err_msg=f"{where}: {name}")
            pytest.fail(f"{where}: {name} differs in the sign of a zero")


def dtypes_of(table: type) -> dict[str, str]:
    return {name: column.dtype for name, column in columns(table).items()}


def assert_same_merchants(roster: Roster, people, places, where: str) -> None:
    """A roster and objects mean the same; `places` are those of their stalls."""
    size = roster.size[0]
    assert size == len(people), where
    reference = {}
    for name in (name for name in Merchants._fields if name not in OF_LIFE):
        if name == "place":
            reference[name] = places
        elif name == "expected_price":
            reference[name] = [
                [[np.nan if p is None else p for p in row] for row in someone.expected_price]
                for someone in people
            ]
        else:
            reference[name] = [getattr(someone, name) for someone in people]
    live = {name: getattr(roster.rows, name)[:size] for name in reference}
    assert_same(live, reference, dtypes_of(Merchants), where)


def assert_same_city(state, town, city: plain.City, where: str) -> None:
    """Everything in a city: residents, rows, books, merchants and roads."""
    people = city.residents
    goods = range(len(city.goods))
    number = {id(seller): i for i, seller in enumerate([*people, *city.merchants])}
    place = {
        (id(offer.seller), good): i for good in goods for i, offer in enumerate(city.rows[good])
    }
    reference = {
        name: [getattr(someone, name) for someone in people]
        for name in state.residents._fields
        if name != "place"
    }
    reference["place"] = [[place.get((id(one), good), -1) for good in goods] for one in people]
    assert_same(
        state.residents._asdict(),
        reference,
        dtypes_of(type(state.residents)),
        f"{where}, residents",
    )
    for good, row in enumerate(city.rows):
        size = state.rows.size[good]
        assert size == len(row), f"{where}, row of good {good}"
        assert state.rows.ask[good, :size].tolist() == [offer.ask for offer in row], where
        sellers = [number[id(offer.seller)] for offer in row]
        assert state.rows.seller[good, :size].tolist() == sellers, where
    books = {
        "trades": [city.trades],
        "made": city.made,
        "used": city.used,
        "worn": city.worn,
        "shocked": [city.shocked],
    }
    assert_same(state.books._asdict(), books, dtypes_of(type(state.books)), f"{where}, books")
    places = [place.get((id(one), one.good), -1) for one in city.merchants]
    assert_same_merchants(town.roster, city.merchants, places, f"{where}, merchants")
    roads = {name: [getattr(r, name) for r in city.roads] for name in Roads._fields}
    assert_same(town.roads._asdict(), roads, dtypes_of(Roads), f"{where}, roads")


def run_beside(state, town, arrivals: Roster, ticks: int, events=(), start: int = 0):
    """Run kernel and reference tick by tick; `events` are (tick, name, arguments).

    Returns:
        The state at the end, and how many merchants left.
    """
    city, left = plain_city(state, town), 0
    for tick in range(start, start + ticks):
        for due, name, arguments in events:
            if due == tick:
                EVENTS[name](state, np.random.default_rng(tick), **arguments)
                city = plain_city(state, town)
        due = np.flatnonzero(arrivals.rows.tick[: arrivals.size[0]] == tick)
        coming = chosen(arrivals, due)
        state = advance(state, town, coming, tick, 1)
        departed = city.tick(tick, plain_merchants(coming))
        assert_same_city(state, town, city, f"tick {tick}")
        shut = [-1] * len(departed)
        assert_same_merchants(town.departures, departed, shut, f"tick {tick}, departures")
        left += len(departed)
    return state, left


@st.composite
def travellers(draw, goods: int, places: int, ticks: int) -> Roster:
    """Merchants from abroad, with money, goods and beliefs, arriving at random ticks."""
    count = draw(st.integers(0, 12))
    roster = empty(goods, places, count)
    roster.size[0] = count
    rows = roster.rows
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    rows.birthplace[:] = 1
    rows.number[:] = np.arange(count)
    rows.money_minor[:] = random.choice([0, 1, 7, 10**9, 10**11, 10**11 + 99, 10**13], count)
    rows.good[:] = random.integers(0, goods, count)
    rows.capacity[:] = random.integers(1, 20, count)
    rows.owned[:] = random.integers(0, rows.capacity + 1)
    rows.ask[:] = random.uniform(0.0, 9.0, count)  # a former stall's: must not matter
    rows.place[:] = random.integers(-1, 3, count)
    rows.tick[:] = np.sort(random.integers(0, ticks, count))
    rows.from_place[:] = 1
    rows.to_place[:] = 0
    rows.expected_price[:] = random.uniform(0.0, 60.0, rows.expected_price.shape)
    rows.expected_price[random.random(rows.expected_price.shape) < 0.3] = np.nan
    return roster


@settings(max_examples=80)
@given(st.data())
def test_a_city_with_arrivals_and_roads_of_every_kind(data):
    config = data.draw(worlds.configs(cities_min=2, cities_max=4))
    world = of_the_tutorial(worlds.found_world(config))
    city = world.cities[0]
    goods, places = len(world.goods), len(world.places)
    roads = city.town.roads
    kinds = len(roads.place)
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    roads.open[:] = random.random(kinds) < 0.8
    roads.carries[:] = random.random((kinds, goods)) < 0.9
    roads.room[:] = random.choice([0, 1, 3, 2**62], kinds)
    ticks = 150
    arrivals = data.draw(travellers(goods, places, ticks))
    if data.draw(st.booleans()):  # who founded the city knows his way about
        beliefs = city.town.roster.rows.expected_price
        beliefs[:] = random.uniform(0.0, 60.0, beliefs.shape)
    events = [
        (data.draw(st.integers(0, ticks)), "harvest", {"good": 0, "units": 7}),
        (data.draw(st.integers(0, ticks)), "gift", {"coins": -500.0}),
    ]
    run_beside(city.state, city.town, arrivals, ticks, events)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_world_of_cities(seed):
    """Three cities for so long that merchants have come and gone many times.

    The reference world walks them over the roads itself.
    """
    soon_full = MerchantParameters(capacity=4, leave_probability=0.03)
    cities = [
        worlds.city("Riverwood", recipes={"bed": {"wood": 2, "thread": 1}}),
        worlds.city("Seaside", locals=7, merchants=15, merchant_rules=soon_full),
        worlds.city("Portsville", locals=1, merchants=3, merchant_rules=soon_full),
    ]
    roads = [(0, 1, 3, 1.0), (1, 0, 100, 0.0), (1, 2, 17, 0.5), (2, 0, 1, 1.0), (0, 2, 40, 1.0)]
    world = of_the_tutorial(worlds.world(cities, roads, seed))
    counted = worlds.Counted(world)
    reference = plain.World([plain_city(c.state, c.town) for c in world.cities], [])
    for tick in range(600):
        advance_world(world, 1)
        reference.tick()
        for city, plain_one in zip(world.cities, reference.cities, strict=True):
            assert_same_city(city.state, city.town, plain_one, f"tick {tick}, {city.name}")
        shut = [-1] * len(reference.walking)
        assert_same_merchants(world.walking, reference.walking, shut, f"tick {tick}, walking")
    counted.check()
    assert sum(sum(c.arrivals.values()) for c in world.cities) > 20
    assert sum(c.state.books.trades[0] for c in world.cities) > 50


def test_a_market_longer_than_anyone_asks():
    """Over 128 sellers a row: who asks around gives up, and the walk's order matters."""
    cities = [worlds.city("Seaside", locals=300, merchants=40), worlds.city("Brook", locals=2)]
    world = of_the_tutorial(worlds.world(cities, [(0, 1, 5, 0.0), (1, 0, 5, 0.0)], seed=4))
    city = world.cities[0]
    random = np.random.default_rng(1)
    beliefs = city.town.roster.rows.expected_price
    beliefs[:] = random.uniform(0.0, 60.0, beliefs.shape)
    nobody = empty(len(world.goods), len(world.places))
    state, left = run_beside(city.state, city.town, nobody, 60)
    assert state.rows.size.max() > 140
    assert left > 0
    assert state.books.trades[0] > 100


def test_of_equal_works_the_first_is_done():
    """Two goods that are the same to everyone, and a third that is worth nothing."""
    same = Good(owned=(0, 0), base_value=(5.0, 5.0), half_value=2.0, gathered=True)
    none = Good(owned=(0, 0), base_value=(0.0, 0.0), half_value=2.0, gathered=True)
    world = of_the_tutorial(
        worlds.world([worlds.city(goods={"no": none, "a": same, "b": same}, recipes={})])
    )
    city = world.cities[0]
    nobody = empty(3, 1)
    state, _ = run_beside(city.state, city.town, nobody, 10)
    first, second = state.books.made[1:]
    assert first > 3
    assert second == 0 or first > second
    state, _ = run_beside(state, city.town, nobody, 150, start=10)
    assert state.books.made[2] > 0
    assert state.books.made[0] == 0


def test_the_reference_would_see_a_difference():
    """One bit in one belief, one unit in one purse, two people changing places: all are found."""
    for spoil in (
        lambda city: setattr(city.residents[3], "money_minor", city.residents[3].money_minor + 1),
        lambda city: city.residents[5].expected_price.__setitem__(
            1, np.nextafter(city.residents[5].expected_price[1], 0.0)
        ),
        lambda city: city.merchants.reverse(),
        lambda city: city.rows[0].reverse(),
    ):
        world = of_the_tutorial(worlds.world([worlds.city()]))
        advance_world(world, 30)
        city = world.cities[0]
        mirror = plain_city(city.state, city.town)
        assert_same_city(city.state, city.town, mirror, "before")
        assert len(mirror.rows[0]) > 1
        spoil(mirror)
        with pytest.raises(AssertionError):
            assert_same_city(city.state, city.town, mirror, "after")
