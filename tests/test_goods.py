"""Goods and recipes: what no economy could work with is refused; the rest becomes arrays."""

import math
from dataclasses import replace

import pytest
import worlds
from hypothesis import given

from engine.goods import GOODS_MAX, OWNED_MAX, Good, check, check_goods, goods_table

PLAIN = Good(owned=(0, 9), base_value=(1.0, 2.0), half_value=5.0)
LEISURE = replace(PLAIN, leisure=True)


def goods(*names: str) -> dict[str, Good]:
    return dict.fromkeys(names, PLAIN)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"owned": (-1, 3)}, r"owned[0] = -1: must be from 0 to 1e+06"),
        ({"owned": (4, 3)}, r"owned[1] = 3: must be from 4 to 1e+06"),
        ({"owned": (0, OWNED_MAX + 1)}, r"owned[1] = 1000001: must be from 0 to 1e+06"),
        ({"base_value": (-0.1, 3.0)}, r"base_value[0] = -0.1: must be from 0 to 1e+09"),
        ({"base_value": (2.0, 1.0)}, r"base_value[1] = 1.0: must be from 2 to 1e+09"),
        ({"base_value": (0.0, math.inf)}, r"base_value[1] = inf: must be from 0 to 1e+09"),
        ({"base_value": (math.nan, 1.0)}, r"base_value[0] = nan: must be from 0 to 1e+09"),
        ({"half_value": 0.0}, r"half_value = 0.0: must be from 0.001 to 1e+09"),
        ({"half_value": math.nan}, r"half_value = nan: must be from 0.001 to 1e+09"),
        ({"wear": 1.1}, r"wear = 1.1: must be from 0 to 1"),
        ({"wear": -0.1}, r"wear = -0.1: must be from 0 to 1"),
    ],
)
def test_a_good_out_of_bounds_is_refused_by_field_value_and_limit(fields, complaint):
    with pytest.raises(ValueError) as refused:  # noqa: PT011 the whole message is compared
        replace(PLAIN, **fields)
    assert str(refused.value) == complaint


def test_the_ends_of_the_bounds_are_allowed():
    check("", "x", 3, 3, 4)
    check("", "x", 4, 3, 4)
    Good(owned=(0, OWNED_MAX), base_value=(0.0, 0.0), half_value=1e-3, wear=1.0)


@pytest.mark.parametrize(
    ("known", "recipes", "complaint"),
    [
        ({}, {}, "number of goods = 0: must be from 1 to 64"),
        (goods(*map(str, range(65))), {}, "number of goods = 65: must be from 1 to 64"),
        ({"rest": LEISURE, "nap": LEISURE, "wood": PLAIN}, {}, "goods: only one may be leisure"),
        ({"rest": LEISURE}, {}, "goods: at least one must be tradeable"),
        (goods("wood"), {"bed": {"wood": 1}}, "recipes.bed: unknown good 'bed'"),
        (goods("bed"), {"bed": {"wood": 1}}, "recipes.bed: unknown good 'wood'"),
        (
            {"rest": LEISURE, "wood": PLAIN},
            {"rest": {"wood": 1}},
            "recipes.rest: 'rest' is leisure and cannot be made",
        ),
        (
            {"rest": LEISURE, "wood": PLAIN},
            {"wood": {"rest": 1}},
            "recipes.wood: 'rest' is leisure and cannot be made",
        ),
        (goods("wood"), {"wood": {}}, "recipes.wood: names no material"),
        (
            goods("bed", "wood"),
            {"bed": {"wood": 0}},
            "recipes.bed.wood = 0: must be from 1 to 1e+06",
        ),
        (
            goods("bed", "wood"),
            {"bed": {"wood": -4}},
            "recipes.bed.wood = -4: must be from 1 to 1e+06",
        ),
        (goods("a"), {"a": {"a": 1}}, "recipes.a: a recipe without end (a -> a)"),
        (
            goods("a", "b", "c"),
            {"a": {"c": 1}, "b": {"a": 1}, "c": {"b": 2}},
            "recipes.a: a recipe without end (a -> c -> b -> a)",
        ),
    ],
)
def test_goods_and_recipes_that_cannot_work_are_refused(known, recipes, complaint):
    with pytest.raises(ValueError) as refused:  # noqa: PT011 the whole message is compared
        check_goods(known, recipes)
    assert str(refused.value) == complaint


def test_a_circle_is_found_though_another_recipe_leads_into_it():
    recipes = {"door": {"hinge": 1}, "hinge": {"nail": 1}, "nail": {"hinge": 1}}
    with pytest.raises(ValueError, match=r"^recipes\.\w+: a recipe without end \(.*hinge -> nail"):
        check_goods(goods("door", "hinge", "nail"), recipes)


def test_as_many_goods_as_allowed_each_made_of_all_before_it():
    """2**62 ways lead through these recipes: checking must not walk each of them."""
    names = [f"good {number}" for number in range(GOODS_MAX)]
    recipes = {name: dict.fromkeys(names[:number], 1) for number, name in enumerate(names)}
    del recipes[names[0]]
    check_goods(goods(*names), recipes)
    recipes[names[0]] = {names[-1]: 1}
    with pytest.raises(ValueError, match="a recipe without end"):
        check_goods(goods(*names), recipes)


@given(worlds.goods_and_recipes())
def test_random_goods_are_allowed_and_their_table_says_the_same(drawn):
    known, recipes = drawn
    check_goods(known, recipes)
    table = goods_table(known, recipes)
    names = list(known)
    for number, good in enumerate(known.values()):
        assert table.half_value[number] == good.half_value
        assert table.wear[number] == good.wear
        assert table.gathered[number] == good.gathered
        assert table.leisure[number] == good.leisure
    read = {}
    for recipe, product in enumerate(table.product):
        part = slice(*table.first_material[recipe : recipe + 2])
        taken = zip(table.material[part], table.units[part], strict=True)
        read[names[product]] = {names[material]: units for material, units in taken}
    assert read == recipes
    assert table.first_material[-1] == len(table.material)
