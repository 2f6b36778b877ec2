"""Small worlds for tests: built, drawn at random by Hypothesis, and counted to the unit."""

from dataclasses import replace
from functools import cache

import numpy as np
from hypothesis import strategies as st

from city_node.cities.report import report
from city_node.cities.world import City, Event, World, found_world
from city_node.settings.city import CityConfig
from city_node.settings.config import Config, resolve
from city_node.settings.roads import RoadConfig
from city_node.settings.wishes import Wishes
from engine.bazaar.params import Parameters
from engine.goods import Good
from engine.macro import city as macro_city
from engine.society.params import Parameters as SocietyParameters
from engine.society.state import energy_expected, energy_held
from merchants.params import Parameters as MerchantParameters

NAMES = ("Riverwood", "Seaside", "Portsville", "Winterhold")


@cache
def default_config() -> Config:
    """What the packaged defaults make of one city."""
    return resolve(Wishes(cities=("Seaside",), seed=0, evolution=False))


def default_city() -> CityConfig:
    """The city that the packaged defaults describe."""
    return default_config().cities[0]


def city(name: str = "Seaside", **changes) -> CityConfig:
    """A default city with some fields changed."""
    return replace(default_city(), name=name, **changes)


def config(cities, roads=(), seed=7) -> Config:
    """A Config of these cities; `roads` are (start, to, travel_ticks, cost)."""
    return replace(
        default_config(),
        seed=seed,
        cities=tuple(cities),
        roads=tuple(RoadConfig(*road) for road in roads),
    )


def world(cities, roads=(), seed=7) -> World:
    """A world at tick 0."""
    return found_world(config(cities, roads, seed))


def all_roads(count: int, travel_ticks: int = 100, cost: float = 1.0):
    """Roads from every city to every other."""
    places = range(count)
    return [(a, b, travel_ticks, cost) for a in places for b in places if a != b]


def plain_report(of: World) -> dict:
    """Everything a report says, without the time it took."""
    return report(of, "test", 0.0)


def goods_counted(of: World) -> np.ndarray:
    """int64[goods]: units that residents and merchants own anywhere, less made, plus used and worn.

    Constant for every good but leisure, which is not a thing. Of a macro economy, whose output is
    not counted in units, what it has bought of merchants less what it has sold them.
    """
    total = np.zeros(len(of.goods), np.int64)
    rosters = [of.walking]
    for each in of.cities:
        rosters.append(each.town.roster)
        if each.economy_name == "macro":
            total += each.state.books.imported - each.state.books.exported
            continue
        total += each.economy.stock(each.state)
        books = each.state.treasury if each.economy_name == "society" else each.state.books
        total += books.used - books.made
        if each.economy_name == "bazaar":
            total += books.worn
    for roster in rosters:
        size = roster.size[0]
        np.add.at(total, roster.rows.good[:size], roster.rows.owned[:size])
    bazaars = [each.state for each in of.cities if each.economy_name == "bazaar"]
    leisure = bazaars[0].goods.leisure != 0 if bazaars else np.zeros(len(of.goods), bool)
    return np.where(leisure, 0, total)


def money_counted(of: World) -> int:
    """Minor units that anybody holds anywhere, less what events made, plus what they destroyed."""
    total = int(of.walking.rows.money_minor[: of.walking.size[0]].sum())
    for each in of.cities:
        total += each.economy.holdings_minor(each.state)
        total += int(each.town.roster.rows.money_minor[: each.town.roster.size[0]].sum())
        total += each.ledger.destroyed_minor - each.ledger.issued_minor
    return total


def check_residents(of: City) -> None:
    """Nobody who lives there owes coins or goods."""
    if of.economy_name == "macro":
        assert of.state.nation["reserves_minor"][0] >= 0
        assert (of.state.households["deposit_minor"] >= 0).all()
        assert (of.state.firms["deposit_minor"] >= 0).all()
        assert (of.state.firms["stock"] >= 0).all()
    elif of.economy_name == "society":
        assert of.state.treasury.money_minor[0] >= 0
        assert (of.state.treasury.stock >= 0).all()
        assert energy_held(of.state) == energy_expected(of.state)
    else:
        assert (of.state.residents.money_minor >= 0).all()
        assert (of.state.residents.owned >= 0).all()


class Counted:
    """Money and goods of a world when this was made, to be compared with later."""

    def __init__(self, of: World) -> None:
        self.of, self.money, self.goods = of, money_counted(of), goods_counted(of)

    def check(self) -> None:
        """Nothing has been lost or found since, and nobody owes money or goods."""
        assert money_counted(self.of) == self.money
        np.testing.assert_array_equal(goods_counted(self.of), self.goods)
        for each in self.of.cities:
            size = each.town.roster.size[0]
            check_residents(each)
            assert (each.town.roster.rows.money_minor[:size] >= 0).all()
            assert (each.town.roster.rows.owned[:size] >= 0).all()
            carried = each.town.roster.rows.owned[:size]
            assert (carried <= each.town.roster.rows.capacity[:size]).all()


probabilities = st.sampled_from([0.0, 0.01, 0.1, 0.5, 1.0])


@st.composite
def goods_and_recipes(draw):
    """Goods of any kind, at least one of them tradeable, and recipes that end."""
    goods = {}
    count = draw(st.integers(1, 6))
    leisure = draw(st.integers(0, count)) if count > 1 else count  # number `count`: no leisure
    for number in range(count):
        low = draw(st.sampled_from([0, 0, 1, 20]))
        base = draw(st.one_of(st.just(5.0), st.floats(0.0, 60.0)))
        goods["abcdef"[number]] = Good(
            owned=(low, low + draw(st.sampled_from([0, 0, 1, 20]))),
            base_value=(base, base + draw(st.sampled_from([0.0, 0.0, 20.0]))),  # ties, too
            half_value=draw(st.sampled_from([2.0, 2.0, 0.5, 15.0, 50.0])),
            gathered=draw(st.booleans()),
            wear=draw(probabilities),
            leisure=number == leisure,
        )
    tradeable = [name for name, good in goods.items() if not good.leisure]
    recipes = {
        product: draw(
            st.dictionaries(
                st.sampled_from(tradeable[:number]), st.integers(1, 5), min_size=1, max_size=3
            )
        )
        for number, product in enumerate(tradeable)
        if number > 0 and draw(st.booleans())
    }
    return goods, recipes


parameters = st.builds(
    Parameters,
    act_probability=st.sampled_from([0.1, 0.3, 1.0]),
    starting_money=st.sampled_from([1000.0, 20.0, 123456.789, 0.0, 0.00000003]),
    money_weight=st.sampled_from([0.0, 10.0, 1000.0]),
    volatility_share=st.sampled_from([0.0, 0.02, 0.3]),
    gossip_probability=probabilities,
    patience_turns=st.sampled_from([1, 3, 10]),
)
merchant_rules = st.builds(
    MerchantParameters,
    act_probability=st.sampled_from([0.1, 0.5, 1.0]),
    starting_money=st.sampled_from([1000.0, 20.0, 123456.789, 0.0, 0.00000003]),
    capacity=st.integers(1, 20),
    gossip_weight=probabilities,
    leave_probability=probabilities,
    tax_free_money=st.sampled_from([0.0, 10.0, 1000.0]),
    tax_divisor=st.sampled_from([1, 3, 10]),
)
society_sizes = st.sampled_from([0, 1, 2, 37, 400, 1_000])
society_rules = st.builds(
    SocietyParameters,
    capacity=st.sampled_from([0, 0, 1_000]),
    pulse_ticks=st.sampled_from([1, 10, 70]),
    tribes=st.sampled_from([1, 4, 16]),
    harvest_energy=st.sampled_from([10, 5_000]),
    storehouse=st.sampled_from([0, 1_000]),
    treasury=st.sampled_from([0.0, 5.0, 20_000.0]),
    settles=st.sampled_from([0.0, 0.01, 1.0]),
)
costs = st.sampled_from([0.0, 0.5, 1.0, 20.0])


@st.composite
def macro_changes(draw, goods):
    """What makes a city of a Config a macro economy, trading some of the goods."""
    tradeable = [name for name, good in goods.items() if not good.leisure]
    some = st.lists(st.sampled_from(tradeable), unique=True).map(tuple)
    parameters = macro_city.Parameters(
        step=draw(st.sampled_from(["month", "quarter"])),
        step_ticks=draw(st.integers(1, 40)),
        reserves=draw(st.sampled_from([0.0, 0.5, 100.0])),
        sells=draw(some),
        buys=draw(some),
    )
    least = macro_city.LOCALS_LEAST
    return {"economy": "macro", "locals": draw(st.integers(least, least + 30)),
            "parameters": parameters}  # fmt: skip


any_economies = st.sampled_from([("bazaar",), ("bazaar", "society")])
"""Of cities that need not be bazaars; macro economies are tested by themselves."""


@st.composite
def configs(
    draw,
    cities_min=1,
    cities_max=4,
    locals_max=30,
    merchants_max=15,
    travel_max=200,
    economies=("bazaar",),
):
    """A Config: default or random goods and rules, random roads, one way or both.

    The first city is of the last economy, the others of any; macro cities are of the least size.
    """
    count = draw(st.integers(cities_min, cities_max))
    goods, recipes = default_city().goods, default_city().recipes
    if draw(st.booleans()):
        goods, recipes = draw(goods_and_recipes())
    usual = draw(st.sampled_from([True, False, False]))
    locals_ = st.one_of(st.sampled_from([0, 1, 2]), *[st.integers(3, locals_max)] * 2)
    cities = [
        city(
            name,
            locals=draw(locals_),
            merchants=draw(st.integers(0, merchants_max)),
            goods=goods,
            recipes=recipes,
            evolution=draw(st.booleans()),
            parameters=Parameters() if usual else draw(parameters),
            merchant_rules=MerchantParameters() if usual else draw(merchant_rules),
        )
        for name in NAMES[:count]
    ]
    for place in range(count):
        chosen = economies[-1] if place == 0 else draw(st.sampled_from(economies))
        if chosen == "macro":
            cities[place] = replace(cities[place], **draw(macro_changes(goods)))
        elif chosen == "society":
            rules = SocietyParameters() if usual else draw(society_rules)
            people = min(draw(society_sizes), rules.capacity or 10_000)
            changes = {"economy": "society", "locals": people, "parameters": rules}
            cities[place] = replace(cities[place], **changes)
    ends = [(a, b) for a in range(count) for b in range(count) if a != b]
    built = ends
    if ends and draw(st.booleans()):
        built = draw(st.lists(st.sampled_from(ends), unique=True))
    roads = [(a, b, draw(st.integers(1, travel_max)), draw(costs)) for a, b in built]
    return config(cities, roads, draw(st.integers(0, 2**63 - 1)))


@st.composite
def events(draw, of: Config, ticks_max: int, most: int = 6):
    """Events that a world of this Config takes, at random ticks."""
    names = [city.name for city in of.cities]
    goods = [name for name, good in of.cities[0].goods.items() if not good.leisure]
    good = st.sampled_from(goods)
    share = st.floats(0.0, 1.0)
    kinds = [
        ("gift", st.fixed_dictionaries({"coins": st.floats(-2000.0, 2000.0)})),
        ("scale_money", st.fixed_dictionaries({"factor": st.sampled_from([0.0, 0.3, 1.0, 2.0])})),
        ("harvest", st.fixed_dictionaries({"good": good, "units": st.integers(0, 50)})),
        ("failed_harvest", st.fixed_dictionaries({"good": good, "share": share})),
        (
            "change_values",
            st.fixed_dictionaries(
                {"good": good},
                optional={
                    "factor": st.floats(0.0, 3.0),
                    "shift": st.floats(-5.0, 5.0),
                    "share": share,
                },
            ),
        ),
    ]
    macro_kinds = [
        ("policy_rate", st.fixed_dictionaries({"points": st.floats(-2.0, 2.0)})),
        ("productivity", st.fixed_dictionaries({"percent": st.floats(-5.0, 5.0)})),
        ("bank_failure", st.fixed_dictionaries({"bank": st.integers(1, 6)})),
    ]
    society_kinds = [
        kinds[0],
        *((n, st.fixed_dictionaries({"share": share})) for n in ("drought", "rain", "plague")),
    ]
    drawn = []
    for _ in range(draw(st.integers(0, most))):
        where = draw(st.sampled_from(names))
        here = names.index(where)
        roads = [names[road.to] for road in of.roads if road.start == here]
        of_economy = {"bazaar": kinds, "macro": macro_kinds, "society": society_kinds}
        possible = list(of_economy[of.cities[here].economy])
        if roads:
            to = st.fixed_dictionaries({"to": st.sampled_from(roads)})
            priced = st.fixed_dictionaries({"to": st.sampled_from(roads), "coins": costs})
            possible += [("close_road", to), ("open_road", to), ("road_cost", priced)]
        name, arguments = draw(st.sampled_from(possible))
        drawn.append(Event(draw(st.integers(0, ticks_max)), where, name, draw(arguments)))
    return drawn
