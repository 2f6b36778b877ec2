"""Goods and recipes: data that an economy is founded with.

Read from TOML by `city_node.settings.city`, given to economies, turned into arrays for kernels
here. Knows no economy; what a bazaar's resident feels about a good is in `Good` because prices
everywhere begin there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Literal, NamedTuple

import numpy as np

from engine.tables import Array, Column, allocate

MARKETS = ("haggle", "call", "book")
HAGGLE, CALL, BOOK = range(3)
"""How a good changes hands: asking around, a call auction every tick, a continuous order book."""

GOODS_MAX = 64
"""Goods in one world: columns are [.., goods], and a merchant's line on the wire names them all."""

OWNED_MAX = 1_000_000
"""Units of one good a resident may own at the start; int32 then leaves room for any gift."""


def check(owner: str, field: str, value: float, low: float, high: float) -> None:
    """Refuse a number outside [low, high], and NaN.

    Raises:
        ValueError: one line with field, value and limit.
    """
    if not low <= value <= high:
        raise ValueError(f"{owner}{field} = {value}: must be from {low:g} to {high:g}")


@dataclass(frozen=True)
class Good:
    """One good.

    Attributes:
        owned: units a resident owns at the start: uniform over the whole numbers from low to high.
        base_value: S, coins: what the first unit is worth to a resident; uniform from low to high.
        half_value: D, units: owning so many, the next is worth half of S.
        gathered: anyone can make a unit in one act, from nothing (cutting wood, spinning thread).
        wear: probability that an acting resident who owns some loses one.
        leisure: time off: it cannot be traded, and any other work uses it up.
        market: how it changes hands, one of MARKETS; means nothing of leisure.
    """

    owned: tuple[int, int]
    base_value: tuple[float, float]
    half_value: float
    gathered: bool = False
    wear: float = 0.0
    leisure: bool = False
    market: Literal["haggle", "call", "book"] = "haggle"

    def __post_init__(self) -> None:
        check("", "owned[0]", self.owned[0], 0, OWNED_MAX)
        check("", "owned[1]", self.owned[1], self.owned[0], OWNED_MAX)
        check("", "base_value[0]", self.base_value[0], 0.0, 1e9)
        check("", "base_value[1]", self.base_value[1], self.base_value[0], 1e9)
        check("", "half_value", self.half_value, 1e-3, 1e9)
        check("", "wear", self.wear, 0.0, 1.0)
        if self.market not in MARKETS:
            raise ValueError(f"market = {self.market!r}: must be one of {', '.join(MARKETS)}")


Goods = Mapping[str, Good]
Recipes = Mapping[str, Mapping[str, int]]
"""Product -> material -> units that one unit of the product takes."""


def check_goods(goods: Goods, recipes: Recipes) -> None:
    """Refuse goods and recipes that no economy could work with.

    Raises:
        ValueError: too many or no tradeable goods, two leisures, a recipe that names an unknown
            good, takes nothing or less, or never ends (a product among its own materials, however
            far down).
    """
    check("", "number of goods", len(goods), 1, GOODS_MAX)
    if sum(good.leisure for good in goods.values()) > 1:
        raise ValueError("goods: only one may be leisure")
    if all(good.leisure for good in goods.values()):
        raise ValueError("goods: at least one must be tradeable")
    for product, materials in recipes.items():
        for name in (product, *materials):
            if name not in goods:
                raise ValueError(f"recipes.{product}: unknown good {name!r}")
            if goods[name].leisure:
                raise ValueError(f"recipes.{product}: {name!r} is leisure and cannot be made")
        if not materials:
            raise ValueError(f"recipes.{product}: names no material")
        for material, units in materials.items():
            check(f"recipes.{product}.", material, units, 1, OWNED_MAX)
    ended: set[str] = set()
    for product in recipes:
        _check_ends(product, recipes, (product,), ended)


def _check_ends(good: str, recipes: Recipes, path: tuple[str, ...], ended: set[str]) -> None:
    """Follow all materials down; `ended` are goods seen to end, so that none is followed twice."""
    for material in recipes.get(good, ()):
        if material in path:
            chain = " -> ".join([*path, material])
            raise ValueError(f"recipes.{path[0]}: a recipe without end ({chain})")
        if material not in ended:
            _check_ends(material, recipes, (*path, material), ended)
    ended.add(good)


class GoodsTable(NamedTuple):
    """Goods and recipes as kernels read them; goods are numbered in the order of their names."""

    half_value: Annotated[Array, Column("f8", "goods", "D, units")]
    gathered: Annotated[Array, Column("u1", "goods", "1: made in one act from nothing")]
    wear: Annotated[Array, Column("f8", "goods", "probability of losing one in an act")]
    leisure: Annotated[Array, Column("u1", "goods", "1: time off, never traded")]
    market: Annotated[Array, Column("u1", "goods", "HAGGLE, CALL or BOOK; HAGGLE for leisure")]
    rowless: Annotated[Array, Column("u1", "goods", "1: no row of sellers: leisure, CALL, BOOK")]
    product: Annotated[Array, Column("i8", "recipes", "which good a recipe makes")]
    first_material: Annotated[Array, Column("i8", "recipe_ends", "where its materials begin")]
    material: Annotated[Array, Column("i8", "materials", "which good goes in")]
    units: Annotated[Array, Column("i8", "materials", "how many of it a product takes")]


def goods_table(goods: Goods, recipes: Recipes) -> GoodsTable:
    """The arrays of checked goods and recipes; recipe r takes material[first[r]:first[r + 1]]."""
    number = {name: i for i, name in enumerate(goods)}
    table = allocate(
        GoodsTable,
        goods=len(goods),
        recipes=len(recipes),
        recipe_ends=len(recipes) + 1,
        materials=sum(map(len, recipes.values())),
    )
    for field in fields(Good):
        if field.name in GoodsTable._fields and field.name != "market":
            column = getattr(table, field.name)
            column[:] = [getattr(good, field.name) for good in goods.values()]
    table.market[:] = [MARKETS.index(good.market) * (not good.leisure) for good in goods.values()]
    table.rowless[:] = (table.leisure != 0) | (table.market != HAGGLE)
    table.product[:] = [number[product] for product in recipes]
    table.first_material[1:] = np.cumsum([len(materials) for materials in recipes.values()])
    taken = [pair for materials in recipes.values() for pair in materials.items()]
    table.material[:] = [number[name] for name, _ in taken]
    table.units[:] = [units for _, units in taken]
    return table
