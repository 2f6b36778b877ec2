"""Where a city's crowns meet merchants' coins: exports, imports, reserves and the exchange rate.

A unit of a world's good is so many units of output (`World.content`), so that firms' prices make
its price. A merchant buys from a firm's stock: his coins go to the central bank's reserves, which
credits the firm in crowns. A household buys at a stall where that is cheaper than its own shop, by
its taste: its crowns go to the central bank, which pays the merchant in coins. The exchange rate
crawls with home prices and leans against gaining or losing reserves. So a city whose prices rise
for ever keeps trading with one whose prices do not.

Called by `merchants.advance_macro`. Draws of a tick: stream STALLS, three a visit.
"""

import numpy as np

from engine.kernels import helper, inlined, part
from engine.macro.accounts import pay
from engine.macro.draws import PERSON, near_normal, stream_of
from engine.macro.founding import PRICE_FIRST
from engine.macro.state import (
    ABROAD,
    COINS_GIVEN,
    EXPORTS,
    GOVERNMENT,
    IMPORTS,
    Macro,
    rows,
)
from engine.money import post, to_minor
from engine.rng import below, draw, mix, uniform

STALLS = 4 << 40
"""The stream of visits to the stalls, beyond those of `draws`."""

TASTE_SD = 0.3
"""Log: how differently households value one good."""

IMPORT_SHARE = 0.1
"""Of a month's usual income, that a household's visit to the stalls spends on average at most."""

PROBES = 8
"""Stalls that a household looks at, firms that a merchant asks, at a time."""

CRAWL, LEAN = 0.2, 0.5
"""Share a month by which the exchange rate moves to its goal; log of how dear a coin becomes when
the reserves are gone."""

GIFT_KEY = np.uint64(0x7461737465)
"""So that tastes, which never change, are draws of their own."""


@inlined
def asked_of_merchants(macro, firm, good):
    """float64 coins a unit: what a firm asks of a merchant."""
    return macro.firms.price[firm] * macro.world.content[good] / macro.nation.exchange_rate[0]


@inlined
def worth_to_household(macro, person, good, key):
    """float64 coins a unit: what a household pays at a stall: its shop's price, by its taste."""
    taste = near_normal(stream_of(mix(key ^ GIFT_KEY), PERSON, person), good)
    price = macro.firms.price[macro.shops[person, 0]] * np.exp(TASTE_SD * taste)
    return price * macro.world.content[good] / macro.nation.exchange_rate[0]


@part
def tell_prices(macro, bits, key):
    """Fill `books.told` with what one firm a good, or one household, says; NaN: not traded."""
    consumers = len(macro.world.sold_as)
    first = below(bits, consumers)
    person = below(mix(bits), len(macro.households))
    for good in range(len(macro.world.content)):
        price = np.nan
        if macro.world.sold[good] != 0:
            firm = seller_from(macro, good, first)
            price = asked_of_merchants(macro, firm, good)
        elif macro.world.bought[good] != 0:
            price = worth_to_household(macro, person, good, key)
        macro.books.told[good] = price


@inlined
def seller_from(macro, good, first):
    """int64: the first firm from a place on that sells a good; some firm does."""
    consumers = len(macro.world.sold_as)
    firm = first
    for _ in range(consumers):
        if macro.world.sold_as[firm] == good:
            return firm
        firm += 1
        if firm == consumers:
            firm = 0
    return first


@part
def buy_from_firm(macro, stalls, stall, bits, price_max):
    """bool: whether a merchant has bought a unit of his good at price_max coins or less."""
    good = stalls.good[stall]
    if macro.world.sold[good] == 0:
        return False
    firms, nation = macro.firms, macro.nation
    content = macro.world.content[good]
    consumers = len(macro.world.sold_as)
    firm = below(bits, consumers)
    for _ in range(PROBES):
        firm = seller_from(macro, good, firm)
        ask = asked_of_merchants(macro, firm, good)
        ask_minor = to_minor(ask)
        if ask <= price_max and firms.stock[firm] >= content:
            if ask_minor > stalls.money_minor[stall]:
                return False
            value_minor = to_minor(ask * nation.exchange_rate[0])
            post(stalls.money_minor, stall, nation.reserves_minor, 0, ask_minor)
            nation.reserves_booked_minor[0] += ask_minor
            account = macro.books.account_minor
            pay(macro.books, EXPORTS, account, ABROAD, firms.deposit_minor, firm, value_minor)
            firms.stock[firm] -= content
            firms.sales[firm] += content
            firms.demand[firm] += content
            firms.revenue_minor[firm] += value_minor
            macro.books.exported[good] += 1
            nation.trades[0] += 1
            stalls.owned[stall] += 1
            return True
        firm += 1
        if firm == consumers:
            firm = np.int64(0)
    return False


@helper
def visit_stalls(macro, stalls, merchants, this_tick, key):
    """Some households look at a few stalls each and buy a unit where that is worth it."""
    stream = stream_of(this_tick, STALLS, 0)
    count = np.int64(np.floor(macro.world.visits[0] + uniform(stream, 0)))
    people = len(macro.households)
    if merchants == 0:
        return
    for visit in range(count):
        person = below(draw(stream, 1 + 3 * visit), people)
        bits = draw(stream, 2 + 3 * visit)
        best, best_gain, best_worth = np.int64(-1), 0.0, 0.0
        for _ in range(PROBES):
            stall = below(bits, merchants)
            bits = mix(bits)
            good = stalls.good[stall]
            ask = stalls.ask[stall]
            if ask < np.inf and macro.world.bought[good] != 0 and stalls.owned[stall] > 0:
                worth = worth_to_household(macro, person, good, key)
                if ask > 0.0 and worth / ask > max(best_gain, 1.0):
                    best, best_gain, best_worth = stall, worth / ask, worth
        if best >= 0 and best_worth > 0.0:
            buy_at_stall(macro, stalls, best, person, uniform(stream, 3 + 3 * visit))


@part
def buy_at_stall(macro, stalls, stall, person, luck):
    """A unit, with a chance that keeps the average spending within a share of income, if the
    household has the crowns and the central bank the coins."""
    people, nation = macro.households, macro.nation
    ask_minor = to_minor(stalls.ask[stall])
    value = stalls.ask[stall] * nation.exchange_rate[0]
    if luck * value >= IMPORT_SHARE * people.income_usual[person]:
        return
    value_minor = to_minor(value)
    if value_minor > people.deposit_minor[person] or ask_minor > nation.reserves_minor[0]:
        return
    post(nation.reserves_minor, 0, stalls.money_minor, stall, ask_minor)
    nation.reserves_booked_minor[0] -= ask_minor
    pay(
        macro.books,
        IMPORTS,
        people.deposit_minor,
        person,
        macro.books.account_minor,
        ABROAD,
        value_minor,
    )
    people.imported_minor[person] += value_minor
    good = stalls.good[stall]
    macro.books.imported[good] += 1
    nation.trades[0] += 1
    stalls.owned[stall] -= 1
    if stalls.owned[stall] == 0:
        stalls.ask[stall] = np.inf


def settle(macro: Macro) -> None:
    """Before a month: coins given to the city are booked as the state's; the rate crawls."""
    nation, books = rows(macro.nation), macro.books
    given_minor = int(nation.reserves_minor[0] - nation.reserves_booked_minor[0])
    if given_minor > 0:
        nation.reserves_booked_minor[0] += given_minor
        value_minor = int(given_minor * nation.exchange_rate[0])
        books.account_minor[ABROAD] -= value_minor
        books.account_minor[GOVERNMENT] += value_minor
        books.flows_minor[COINS_GIVEN] += value_minor
    goal = macro.world.exchange_first[0] * nation.price_consumer[0] / PRICE_FIRST
    usual = int(macro.world.reserves_usual_minor[0])
    if usual > 0:
        goal *= np.exp(-LEAN * min(nation.reserves_minor[0] / usual - 1.0, 20.0))
    nation.exchange_rate[0] *= (goal / nation.exchange_rate[0]) ** CRAWL
