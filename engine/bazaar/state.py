"""The bazaar's state: residents and the market's rows as arrays, and how a city is founded."""

from collections.abc import Iterator
from typing import Annotated, NamedTuple

import numpy as np

from engine.bazaar.exchange import Exchange, exchange_with_room, found_exchange, live_orders
from engine.bazaar.params import Parameters, Rules
from engine.economy import Setting
from engine.goods import GoodsTable, check, goods_table
from engine.markets.haggle import Rows
from engine.money import MINOR_PER_COIN, MONEY_MINOR_MAX
from engine.tables import Array, Column, allocate, packed, resized


class Residents(NamedTuple):
    """One row a resident, one column a good: an acting resident's numbers lie together."""

    money_minor: Annotated[Array, Column("i8", "residents", "minor units")]
    owned: Annotated[Array, Column("i4", "residents goods", "units")]
    base_value: Annotated[Array, Column("f8", "residents goods", "S, coins")]
    expected_price: Annotated[Array, Column("f8", "residents goods", "P, coins; NaN: leisure")]
    waited: Annotated[Array, Column("i2", "residents goods", "t, turns since the last trade")]
    place: Annotated[Array, Column("i4", "residents goods", "in the row of sellers, -1: none")]


class Books(NamedTuple):
    """What has happened since the founding, counted."""

    trades: Annotated[Array, Column("i8", "1", "units sold, to residents and merchants")]
    made: Annotated[Array, Column("i8", "goods", "units gathered and crafted")]
    used: Annotated[Array, Column("i8", "goods", "units that went into crafting")]
    worn: Annotated[Array, Column("i8", "goods", "units lost to wear and failed harvests")]
    shocked: Annotated[Array, Column("i8", "1", "1: the next tick renews everyone's offers first")]


class Bazaar(NamedTuple):
    """All there is to a bazaar. `goods` and `rules` never change."""

    residents: Residents
    rows: Rows
    books: Books
    goods: GoodsTable
    rules: Rules


class MarketBazaar(NamedTuple):
    """A Bazaar where some goods are not haggled over; a type apart, for kernels compile for types.

    Whatever takes a Bazaar takes it too.
    """

    residents: Residents
    rows: Rows
    books: Books
    goods: GoodsTable
    rules: Rules
    exchange: Exchange


AnyBazaar = Bazaar | MarketBazaar


def found(setting: Setting, parameters: Parameters) -> AnyBazaar:
    """A new bazaar: goods and tastes drawn, everyone expecting what his goods are worth to him.

    Args:
        setting: residents, goods, recipes and key of the city.
        parameters: the rules' numbers.

    Returns:
        A state in which nobody stands in the market yet: a resident does so from his first act on.

    Raises:
        ValueError: more money than can be counted.
    """
    total_minor = setting.residents * parameters.starting_money * MINOR_PER_COIN
    check("", "money of all residents, minor units", total_minor, 0, MONEY_MINOR_MAX)
    goods = list(setting.goods.values())
    sizes = {"residents": setting.residents, "goods": len(goods)}
    residents = allocate(Residents, **sizes)
    random = np.random.Generator(np.random.Philox(key=int(setting.key)))
    residents.money_minor[:] = round(parameters.starting_money * MINOR_PER_COIN)
    for number, good in enumerate(goods):
        low, high = good.owned
        residents.owned[:, number] = random.integers(low, high + 1, setting.residents)
        residents.base_value[:, number] = random.uniform(*good.base_value, setting.residents)
    table = goods_table(setting.goods, setting.recipes)
    fullness = (residents.owned / table.half_value) ** 3
    residents.expected_price[:] = residents.base_value / (1.0 + fullness)
    residents.expected_price[:, table.leisure != 0] = np.nan  # else merchants would deal in it
    residents.place[:] = -1
    rows = allocate(Rows, **sizes, sellers=setting.residents)
    state = Bazaar(residents, rows, allocate(Books, **sizes), table, packed(Rules, parameters))
    if not table.market.any():
        return state
    return MarketBazaar(*state, found_exchange(setting.goods, table, setting.residents))


def with_room(state: AnyBazaar, merchants: int) -> AnyBazaar:
    """The state with rows of sellers, books and auctions for everybody and so many stalls."""
    sellers = len(state.residents.money_minor) + merchants
    if isinstance(state, MarketBazaar):
        state = state._replace(exchange=exchange_with_room(state.exchange, sellers))
    if state.rows.ask.shape[1] >= sellers:
        return state
    return state._replace(rows=resized(state.rows, sellers=sellers))


def live(state: AnyBazaar) -> Iterator[Array]:
    """Every array that the future depends on, without spare capacity, in declared order."""
    yield from state.residents
    for good, count in enumerate(state.rows.size):
        yield state.rows.ask[good, :count]
        yield state.rows.seller[good, :count]
    yield from state.books
    if isinstance(state, MarketBazaar):
        yield from live_orders(state.exchange, state.goods)
