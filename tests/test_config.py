"""What a user means: flag over file over default, and every fault told in one line."""

import re
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from city_node.errors import ConfigError
from city_node.names import check_name
from city_node.network.policy import Guests, Policy
from city_node.settings import city as settings_of_city
from city_node.settings.city import CITY_FIELDS
from city_node.settings.config import TOP_FIELDS, resolve
from city_node.settings.network import NETWORK_FIELDS
from city_node.settings.roads import ROAD_FIELDS
from city_node.settings.wishes import Wishes

TWO = ("Riverwood", "Seaside")


@pytest.fixture
def resolved(tmp_path):
    """resolve() of a TOML text, and of flags beside it."""

    def resolve_text(text: str | bytes, cities=TWO, **flags):
        path = tmp_path / "world.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return resolve(Wishes(cities=cities, config=path, **flags))

    return resolve_text


def test_the_defaults_show_every_key():
    """Those of economies, goods and merchants are told where they mean something."""
    shown = files("city_node").joinpath("defaults.toml").read_text("utf-8")
    keys = {*TOP_FIELDS, *NETWORK_FIELDS, *ROAD_FIELDS, *CITY_FIELDS} - {"cities"}
    for key in keys:
        assert re.search(rf"^(# )?({key} =|\[+{key}[\].])", shown, re.MULTILINE), key


# Precedence.


def test_a_file_wins_over_defaults_and_flags_over_the_file(resolved):
    text = """
        seed = 5
        speed = 600
        threads = 3
        node_name = "atlas"
        locals = 7
        merchants.count = 4
    """
    config = resolved(text)
    assert (config.seed, config.speed_ticks_per_s) == (5, 600)
    assert (config.threads, config.node_name) == (3, "atlas")
    assert [(city.locals, city.merchants) for city in config.cities] == [(7, 4), (7, 4)]
    config = resolved(text, seed=0, speed="max", threads=1, node_name="home", locals=0, merchants=0)
    assert (config.seed, config.speed_ticks_per_s) == (0, None)
    assert (config.threads, config.node_name) == (1, "home")
    assert [(city.locals, city.merchants) for city in config.cities] == [(0, 0), (0, 0)]


def test_a_citys_table_wins_over_what_is_for_all(resolved):
    text = """
        locals = 7
        bazaar.act_probability = 0.5
        merchants.capacity = 3
        [cities.seaside]
        locals = 9
        merchants.count = 1
        [cities.Seaside2]
        locals = 1
        [cities.seaside.bazaar]
        patience_turns = 4
        [cities.seaside.goods.wood]
        half_value = 20
        [cities.seaside.recipes.bed]
        thread = 3
    """
    river, sea = resolved(text).cities
    assert (river.locals, river.merchants, sea.locals, sea.merchants) == (7, 10, 9, 1)
    assert (river.parameters.act_probability, river.parameters.patience_turns) == (0.5, 10)
    assert (sea.parameters.act_probability, sea.parameters.patience_turns) == (0.5, 4)
    assert river.merchant_rules.capacity == sea.merchant_rules.capacity == 3
    assert (river.goods["wood"].half_value, sea.goods["wood"].half_value) == (15, 20)
    assert sea.goods["wood"].owned == (0, 19), "what the table leaves out stays"
    assert sea.recipes == {"chair": {"wood": 4}, "bed": {"thread": 3}}, "a recipe is replaced"
    assert [city.locals for city in resolved(text, locals=2).cities] == [2, 2]


def test_the_packaged_riverwood_keeps_its_bed_under_a_table_however_written(resolved):
    for name in ("Riverwood", "riverwood"):
        city = resolved(f"[cities.{name}]\nlocals = 5").cities[0]
        assert (city.name, city.locals) == ("Riverwood", 5)
        assert city.recipes["bed"] == {"wood": 2, "thread": 1}


def test_the_file_names_the_cities_when_nobody_else_does(resolved):
    text = "[cities.Brook]\n[cities.Ashby]\n"
    assert [city.name for city in resolved(text, cities=()).cities] == ["Brook", "Ashby"]
    assert [city.name for city in resolved(text).cities] == list(TWO)


def test_a_file_with_goods_starts_from_none(resolved):
    text = """
        [goods.stone]
        owned = [0, 3]
        base_value = [1, 2]
        half_value = 4
        wear = 0
    """
    for city in resolved(text).cities:
        assert list(city.goods) == ["stone"]
        assert city.recipes == {}
        assert city.goods["stone"].base_value == (1.0, 2.0)


def test_roads_both_ways_one_way_and_with_numbers_of_their_own(resolved):
    text = """
        travel_ticks = 50
        moving_cost = 2
        [[roads]]
        from = "riverwood"
        to = "Seaside"
        [[roads]]
        from = "Brook"
        to = "RIVERWOOD"
        one_way = true
        travel_ticks = 1
        moving_cost = 0
    """
    roads = resolved(text, cities=(*TWO, "Brook")).roads
    assert [(r.start, r.to, r.travel_ticks, r.cost) for r in roads] == [
        (0, 1, 50, 2.0),
        (1, 0, 50, 2.0),
        (2, 0, 1, 0.0),
    ]
    assert resolved("roads = []").roads == ()
    assert {r.travel_ticks for r in resolved("travel_ticks = 7").roads} == {7}


def test_each_city_has_a_border_of_its_own(resolved):
    assert resolved("").policies == (Policy("knock"), Policy("knock"))
    text = """
        border.admission = "known"
        [cities.seaside.border]
        admission = "open"
    """
    assert [policy.admission for policy in resolved(text).policies] == ["known", "open"]
    text = """
        border.credit_limit = "12.5 %"
        border.guests = { present = 3 }
        [cities.seaside.border]
        credit_limit = 500
        guests = false
        max_held = 64
        tariff_bp = 250
        legacy_emigration = false
    """
    ours, theirs = resolved(text).policies
    assert ours == Policy("knock", credit_share=0.125, guests=Guests(present=3))
    assert theirs == Policy("knock", 0.0, 500.0, 64, 250, None, False)
    assert (ours.credit_minor(8_000), theirs.credit_minor(8_000)) == (1_000, 50_000_000_000)


def test_without_a_seed_another_is_drawn_each_time():
    assert len({resolve(Wishes(cities=TWO)).seed for _ in range(5)}) > 1


# Names.

LETTERS = st.characters(categories=["Lu", "Ll", "Lo", "Nd"])


@pytest.mark.parametrize(
    "name",
    ["a", "R2-D2", "Saint-Jean d'Acre", "x_y.z", ".hidden", "'s", "Ålesund", "東京", "x" * 64, "7"],
)
def test_good_names(name):
    assert check_name("city", name) == name


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("", "must be 1 to 64 bytes, has 0"),
        ("x" * 65, "must be 1 to 64 bytes, has 65"),
        ("é" * 33, "must be 1 to 64 bytes, has 66"),
        ("-x", "must not begin with '-'"),
        ("--", "must not begin with '-'"),
        *(
            (name, "only letters, digits, space and - _ . ' may be used")
            for name in [
                "a/b", "a@b", "a\nb", "a\n", "a\tb", "a\0", "a,b", "a:b", 'a"b', " a", "a ", " ",
                "a\u2028b", "\u202ea", "a\u0301", "\ud800", "a\u00a0b", "€",
            ]
        ),
    ],
)  # fmt: skip
def test_bad_names(name, limit):
    with pytest.raises(ConfigError) as refused:
        resolve(Wishes(cities=("Seaside", name)))
    assert str(refused.value) == f"city = {name!r}: {limit}"


@given(st.text(LETTERS, min_size=1, max_size=16), st.text("-_.' ", max_size=3))
def test_letters_and_digits_of_any_script_make_a_name(letters, marks):
    name = (letters + marks + letters)[:64]
    if len(name.encode()) <= 64:
        assert check_name("city", name) == name


@given(st.text(max_size=80))
@example("a\r")
def test_a_name_is_accepted_or_refused_in_one_line(name):
    allowed = 1 <= len(name.encode("utf-8", "surrogatepass")) <= 64 and not name.startswith("-")
    allowed = allowed and name.strip() == name
    allowed = allowed and all(c == "_" or c.isalnum() or c in "-. '" for c in name)
    if allowed:
        assert check_name("city", name) == name
    else:
        with pytest.raises(ValueError, match=r"^city = ") as refused:
            check_name("city", name)
        assert len(str(refused.value).splitlines()) == 1


# Bad input.

FLAGS = [
    ({"cities": ()}, "cities: name at least one, as in `city-node Riverwood Seaside`"),
    ({"cities": ("Brook", "brook")}, "city = 'brook': named twice (case is ignored)"),
    ({"cities": ("Straße", "STRASSE")}, "city = 'STRASSE': named twice (case is ignored)"),
    (
        {"cities": tuple(f"c{n}" for n in range(65))},
        "number of cities = 65: must be from 1 to 64",
    ),
    ({"seed": -1}, f"seed = -1: must be a whole number from 0 to {2**63 - 1}"),
    ({"seed": 2**63}, f"seed = {2**63}: must be a whole number from 0 to {2**63 - 1}"),
    ({"speed": "fast"}, "speed = 'fast': must be from 60 to 600000 ticks/s, or max"),
    ({"speed": ""}, "speed = '': must be from 60 to 600000 ticks/s, or max"),
    ({"speed": "59"}, "speed = '59': must be from 60 to 600000 ticks/s, or max"),
    ({"speed": "600001"}, "speed = '600001': must be from 60 to 600000 ticks/s, or max"),
    ({"threads": 0}, "threads = 0: must be a whole number from 1 to 256"),
    ({"threads": 257}, "threads = 257: must be a whole number from 1 to 256"),
    ({"locals": -1}, "locals = -1: must be a whole number from 0 to 10000000"),
    ({"locals": 10**7 + 1}, "locals = 10000001: must be a whole number from 0 to 10000000"),
    ({"merchants": -2}, "merchants = -2: must be a whole number from 0 to 5000000"),
    ({"node_name": ""}, "node_name = '': must be 1 to 64 bytes, has 0"),
    ({"node_name": "-x"}, "node_name = '-x': must not begin with '-'"),
    ({"config": Path("/no/such.toml")}, "config = '/no/such.toml': cannot be read (No such file"),
    ({"config": Path("/")}, "config = '/': cannot be read (Is a directory)"),
    ({"config": Path("a\nb")}, r"config = 'a\nb': cannot be read (No such file"),
    ({"config": Path("a\0b")}, "config = 'a\0b': not TOML"),
]


@pytest.mark.parametrize(("flags", "line"), FLAGS)
def test_a_bad_flag_is_one_line(flags, line):
    with pytest.raises(ConfigError) as refused:
        resolve(Wishes(**{"cities": TWO} | flags))
    assert str(refused.value).startswith(line)
    assert "\n" not in str(refused.value)


GOOD = "owned = [0, 1]\nbase_value = [1, 2]\nhalf_value = 3\n"
ROAD = "[[roads]]\nfrom = 'Riverwood'\nto = 'Seaside'\n"
RIVER = "cities.Riverwood."
WHOLE = "must be a whole number from"

FILES = [
    # What TOML itself refuses.
    ("x =", "config = '.*': not TOML (Invalid value"),
    ("a = 1\na = 2", "config = '.*': not TOML (Cannot overwrite a value"),
    (b"\xff", "config = '.*': not TOML ('utf-8' codec"),
    ("a = " + "[" * 5000, "config = '.*': not TOML (too deeply nested)"),
    ("a = " + "9" * 5000, "config = '.*': not TOML (Exceeds the limit"),
    # Unknown fields, everywhere.
    ("colour = 1", "colour = 1: unknown field, must be one of "),
    ('"a\\nb" = 1', r"a\nb = 1: unknown field"),
    ("[society]\nx = 1", "society = {'x': 1}: goes with economy = \"society\", which is not ask"),
    ("[cities.Riverwood.macro]\nx = 1", f"{RIVER}macro = {{'x': 1}}: goes with economy"),
    ("bazaar.x = 1", f"{RIVER}bazaar.x = 1: unknown field, must be one of act_"),
    (
        "merchants.x = 1",
        f"{RIVER}merchants.x = 1: unknown field, must be one of act_probability, capacity, count, ",
    ),
    ("cities.Riverwood.x = 1", f"{RIVER}x = 1: unknown field, must be one of "),
    ("cities.Riverwood.seed = 1", f"{RIVER}seed = 1: unknown field"),
    ("cities.Atlantis.x = 1", "cities.Atlantis.x = 1: unknown field"),
    ("cities.Riverwood.goods.wood.x = 1", f"{RIVER}goods.wood.x = 1: unknown field"),
    (ROAD + "length = 1", "roads[0].length = 1: unknown field, must be one of from, moving_cost"),
    # Wrong types.
    ("seed = 1.5", f"seed = 1.5: {WHOLE} 0"),
    ("seed = true", f"seed = True: {WHOLE} 0"),
    ("speed = inf", "speed = inf: must be from 60 to 600000 ticks/s, or max"),
    ("speed = nan", "speed = nan: must be from 60 to 600000 ticks/s, or max"),
    ("speed = 600.5", "speed = 600.5: must be from 60 to 600000 ticks/s, or max"),
    ("speed = true", "speed = True: must be from 60 to 600000 ticks/s, or max"),
    ("speed = [1]", "speed = [1]: must be from 60 to 600000 ticks/s, or max"),
    ("threads = '2'", f"threads = '2': {WHOLE} 1 to 256"),
    ("node_name = 5", "node_name = 5: must be text"),
    ("node_name = '-'", "node_name = '-': must not begin with '-'"),
    ("economy = 5", f"{RIVER}economy = 5: must be text"),
    ("locals = 'a'", f"{RIVER}locals = 'a': {WHOLE} 0 to 10000000"),
    ("locals = 1.0", f"{RIVER}locals = 1.0: {WHOLE} 0 to 10000000"),
    ("locals = true", f"{RIVER}locals = True: {WHOLE} 0 to 10000000"),
    ("merchants = 5", f"{RIVER}merchants = 5: must be a table"),
    ("border = 5", f"{RIVER}border = 5: must be a table"),
    ("border.tarif = 5", f"{RIVER}border.tarif = 5: unknown field, must be one of admission"),
    ("border.credit_limit = '5'", f"{RIVER}border.credit_limit = '5': must be a share of the city"),
    ("border.credit_limit = -1", f"{RIVER}border.credit_limit = -1: must be a share of the city's"),
    ("border.credit_limit = nan", f"{RIVER}border.credit_limit = nan: must be a share of the city"),
    ("border.credit_limit = '10001 %'", f"{RIVER}border.credit_limit = '10001 %': must be a share"),
    ("border.max_held = 63", f"{RIVER}border.max_held = 63: {WHOLE} 64 to 4096"),
    ("border.tariff_bp = 10001", f"{RIVER}border.tariff_bp = 10001: {WHOLE} 0 to 10000"),
    ("border.tariff_bp = -1", f"{RIVER}border.tariff_bp = -1: {WHOLE} 0 to 10000"),
    ("border.tariff_bp = 2.5", f"{RIVER}border.tariff_bp = 2.5: {WHOLE} 0 to 10000"),
    ("border.guests = 1", f"{RIVER}border.guests = 1: must be true, false, or a table of limits"),
    (
        "border.guests.presents = 1",
        f"{RIVER}border.guests.presents = 1: unknown field, must be one",
    ),
    ("border.guests.present = -1", f"{RIVER}border.guests.present = -1: must be from 0"),
    ("border.legacy_emigration = 1", f"{RIVER}border.legacy_emigration = 1: must be true or false"),
    ("border.admission = 1", f"{RIVER}border.admission = 1: must be one of closed, known, knock, "),
    ("cities.Seaside.border.admission = 'all'", "cities.Seaside.border.admission = 'all': must be"),
    ("bazaar = 1", f"{RIVER}bazaar = 1: must be a table"),
    ("cities = 5", "cities = 5: must be a table of tables"),
    ("cities.Riverwood = 5", "cities = {'Riverwood': 5}: must be a table of tables"),
    ("goods = 5", "goods = 5: must be a table of tables"),
    ("bazaar.act_probability = true", f"{RIVER}bazaar.act_probability = True: Expected `float`"),
    ("bazaar.act_probability = 'x'", f"{RIVER}bazaar.act_probability = 'x': Expected `float`"),
    ("merchants.capacity = 2.5", f"{RIVER}merchants.capacity = 2.5: Expected `int`"),
    ("cities.Riverwood.goods.wood.owned = [0]", f"{RIVER}goods.wood.owned = [0]: Expected `array`"),
    ("cities.Riverwood.goods.wood.owned = [0, 1.5]", f"{RIVER}goods.wood.owned = [0, 1.5]: Expect"),
    (
        "cities.Riverwood.goods.wood.gathered = 1",
        f"{RIVER}goods.wood.gathered = 1: Expected `bool`",
    ),
    (
        "cities.Riverwood.goods.wood.market = 'souk'",
        f"{RIVER}goods.wood.market = 'souk': must be one of haggle, call, book",
    ),
    # Numbers out of bounds, and what is not a number.
    ("seed = -1", f"seed = -1: {WHOLE} 0 to {2**63 - 1}"),
    ("locals = -1", f"{RIVER}locals = -1: {WHOLE} 0 to 10000000"),
    ("cities.Seaside.locals = -1", f"cities.Seaside.locals = -1: {WHOLE} 0 to 10000000"),
    ("merchants.count = -1", f"{RIVER}merchants.count = -1: {WHOLE} 0 to 5000000"),
    ("merchants.capacity = 0", f"{RIVER}merchants.capacity = 0: must be from 1 to 1e+06"),
    ("merchants.capacity = nan", f"{RIVER}merchants.capacity = nan: Expected `int`"),
    ("merchants.leave_probability = nan", f"{RIVER}merchants.leave_probability = nan: must be fro"),
    ("merchants.leave_probability = inf", f"{RIVER}merchants.leave_probability = inf: must be fro"),
    ("merchants.tax_divisor = 0", f"{RIVER}merchants.tax_divisor = 0: must be from 1 to 1e+06"),
    ("bazaar.act_probability = 1.5", f"{RIVER}bazaar.act_probability = 1.5: must be from 0 to 1"),
    ("bazaar.gossip_probability = nan", f"{RIVER}bazaar.gossip_probability = nan: must be from 0"),
    ("bazaar.starting_money = -1", f"{RIVER}bazaar.starting_money = -1.0: must be from 0 to 1e+09"),
    ("bazaar.starting_money = 1" + "0" * 400, f"{RIVER}bazaar.starting_money = 1000"),
    ("bazaar.patience_turns = 0", f"{RIVER}bazaar.patience_turns = 0: must be from 1 to 30000"),
    ("bazaar.patience_turns = 1e300", f"{RIVER}bazaar.patience_turns = 1e+300: Expected `int`"),
    ("cities.Riverwood.goods.wood.owned = [3, 1]", f"{RIVER}goods.wood.owned[1] = 1: must be from"),
    ("cities.Riverwood.goods.wood.half_value = nan", f"{RIVER}goods.wood.half_value = nan: must"),
    ("cities.Riverwood.goods.wood.base_value = [1, inf]", f"{RIVER}goods.wood.base_value[1] = inf"),
    ("cities.Riverwood.goods.wood.wear = -0.5", f"{RIVER}goods.wood.wear = -0.5: must be from 0"),
    # Economies, goods and recipes that do not exist or do not work.
    ("economy = 'x'", "economy = 'x': must be one of "),
    ("cities.Riverwood.economy = 'x'", "economy = 'x': must be one of "),
    ("cities.Atlantis.economy = 'x'", "economy = 'x': must be one of "),
    ("cities.Riverwood.recipes.bed.fur = 1", f"{RIVER}recipes.bed: unknown good 'fur'"),
    ("cities.Riverwood.recipes.fur.wood = 1", f"{RIVER}recipes.fur: unknown good 'fur'"),
    (
        "cities.Riverwood.recipes.wood.bed = 1",
        f"{RIVER}recipes.chair: a recipe without end (chair -> wood -> bed -> wood)",
    ),
    ("cities.Riverwood.recipes.bed.bed = 1", f"{RIVER}recipes.bed: a recipe without end (bed -> b"),
    ("cities.Riverwood.recipes.bed.wood = 0", f"{RIVER}recipes.bed.wood = 0: {WHOLE} 1 to 1000000"),
    ("cities.Riverwood.recipes.bed.wood = -1", f"{RIVER}recipes.bed.wood = -1: {WHOLE} 1"),
    ("cities.Riverwood.recipes.bed.wood = 1.5", f"{RIVER}recipes.bed.wood = 1.5: {WHOLE} 1"),
    ("cities.Riverwood.recipes.bed = 5", "recipes = {'chair': {'wood': 4}, 'bed': 5}: must be a"),
    ("[cities.Riverwood.recipes.bed]", f"{RIVER}recipes.bed: names no material"),
    ("cities.Riverwood.recipes.bed.leisure = 1", f"{RIVER}recipes.bed: 'leisure' is leisure"),
    ("goods = {}", f"{RIVER}goods: there are none; a file with goods or recipes for all cities"),
    ("[recipes.chair]\nwood = 4", f"{RIVER}goods: there are none; a file with goods or recipes"),
    ("[goods.wood]", f"{RIVER}goods.wood.owned: is missing"),
    (f"[goods.'a/b']\n{GOOD}", "good = 'a/b': only letters, digits, space and - _ . ' may be used"),
    (f"[goods.nap]\n{GOOD}leisure = true", f"{RIVER}goods: at least one must be tradeable"),
    (
        f"[cities.Seaside.goods.fur]\n{GOOD}",
        "cities.Seaside.goods = wood, chair, thread, bed, leisure, fur: must be those of Riverwood",
    ),
    # Cities and roads.
    ("[cities.Brook]\n[cities.BROOK]", "city = 'BROOK': named twice (case is ignored)"),
    ("[cities.'a/b']", "city = 'a/b': only letters, digits"),
    ("travel_ticks = 0", f"travel_ticks = 0: {WHOLE} 1 to 1000000"),
    ("travel_ticks = 1000001", f"travel_ticks = 1000001: {WHOLE} 1 to 1000000"),
    ("moving_cost = inf", "moving_cost = inf: must be from 0 to 1e+09"),
    ("moving_cost = 'x'", "moving_cost = 'x': must be a number"),
    ("roads = 5", "roads = 5: must be a list of tables, [[roads]]"),
    ("roads = [5]", "roads[0] = 5: must be a table"),
    ("[[roads]]", "roads[0].from = None: must be one of Riverwood, Seaside"),
    ("[[roads]]\nfrom = 'Seaside'", "roads[0].to = None: must be one of Riverwood, Seaside"),
    ("[[roads]]\nfrom = 1", "roads[0].from = 1: must be one of Riverwood, Seaside"),
    (ROAD.replace("Seaside", "Brook"), "roads[0].to = 'Brook': must be one of Riverwood, Seaside"),
    (ROAD.replace("Seaside", "riverwood"), "roads[0].to = 'riverwood': must be another city"),
    (ROAD + "travel_ticks = 0", f"roads[0].travel_ticks = 0: {WHOLE} 1 to 1000000"),
    (ROAD + "travel_ticks = 1.5", f"roads[0].travel_ticks = 1.5: {WHOLE} 1 to 1000000"),
    (ROAD + "moving_cost = -1", "roads[0].moving_cost = -1: must be from 0 to 1e+09"),
    (ROAD + "moving_cost = nan", "roads[0].moving_cost = nan: must be from 0 to 1e+09"),
    (ROAD + "one_way = 1", "roads[0].one_way = 1: must be true or false"),
    (ROAD + ROAD, "roads[1].to = 'Seaside': there is such a road already"),
]


@pytest.mark.parametrize(("text", "line"), FILES, ids=range(len(FILES)))
def test_a_bad_file_is_one_line_of_field_value_and_limit(resolved, text, line):
    with pytest.raises(ConfigError) as refused:
        resolved(text)
    assert re.match(re.escape(line).replace(r"\.\*", ".*"), str(refused.value)), str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "slip",
    [
        "merchants.cuont = 1",
        "[cities.Seaside.merchants]\nupkeep = -1",
        "[merchants]\ngenome = 'none.json'",
        "[cities.Seaside.goods.wood]\nmarket = 'auction'",
        "[cities.Seaside.recipes.bed]\nfur = 1",
        "[cities.Seaside]\nlocls = 1",
        "[cities.Seaside.border]\ntarif = 1",
        "[cities.Seaside]\neconomy = 'casino'",
        "evolution = 1",
        "speed = 1",
        "[[roads]]\nfrom = 'Riverwood'\nto = 'Atlantis'",
    ],
)
def test_a_slip_is_refused_before_an_economy_is_loaded_and_compiled(resolved, monkeypatch, slip):
    loaded = []
    monkeypatch.setattr(settings_of_city, "load", loaded.append)
    with pytest.raises(ConfigError):
        resolved(slip)
    assert loaded == []


def test_cities_called_like_numbers_and_nothing(resolved):
    """`from = 1` is no name, though there is a city 1; and what is missing is not city None."""
    with pytest.raises(ConfigError, match=r"^roads\[0\].from = 1: must be one of 1, None$"):
        resolved("[[roads]]\nfrom = 1\nto = 'None'", cities=("1", "None"))
    with pytest.raises(ConfigError, match=r"^roads\[0\].from = None: must be one of 1, None$"):
        resolved("[[roads]]\nto = '1'", cities=("1", "None"))


VALUES = st.recursive(
    st.one_of(
        st.integers(-(2**70), 2**70),
        st.floats(),
        st.booleans(),
        st.sampled_from(["Riverwood", "bazaar", "max", "wood", ""]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["count", "owned", "wood", "Riverwood", "bazaar", "from", "to", "x"]),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=6,
)


def toml(value) -> str:
    """A value as TOML writes it, inline."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return repr(value)


FIELDS = st.sampled_from(
    [*TOP_FIELDS, *NETWORK_FIELDS, *CITY_FIELDS, *ROAD_FIELDS, "bazaar", "nonsense"]
)


@given(st.dictionaries(FIELDS, VALUES, max_size=4))
def test_whatever_a_file_holds_it_is_accepted_or_refused_in_one_line(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "anything.toml"
    path.write_text("".join(f"{key} = {toml(value)}\n" for key, value in content.items()))
    line = ""
    try:
        resolve(Wishes(cities=TWO, config=path))
    except ConfigError as refused:
        line = str(refused)
    assert len(line.splitlines()) <= 1
