"""The loop of the bazaar and its merchants where some goods are not haggled over.

Compiled apart from that of `advance_bazaar`, which imports it only for a city that asks for other
markets: most cities need not wait for it. The same rules; a merchant's purchase and his stall are
orders for one unit, taken back when he acts again or leaves. He decides where to go before he
posts, for what he has posted he cannot take along.
"""

from typing import Any

import numpy as np
from numba import boolean, int64, uint64

from engine.bazaar.orders import (
    hold_auctions,
    move_orders,
    order_of_merchant,
    take_back_orders,
    tick_residents_by_market,
)
from engine.bazaar.state import MarketBazaar
from engine.bazaar.step import buy_from_resident, open_stall, shut_stall
from engine.kernels import kernel, part
from engine.markets.ladder import BUY, SELL
from engine.rng import agent_stream, below, draw, tick_key, uniform
from engine.tables import kernel_type
from merchants.genome import gossip_weight
from merchants.life import LIVES, REPLACED, is_full, live_on, upkeep
from merchants.params import Rules
from merchants.roster import Roster, stalls_of
from merchants.step import (
    ACTS,
    ASKS,
    HEARS,
    arrive,
    bid,
    change_trade,
    deal,
    depart,
    hear,
    road_taken,
    stall_price,
)
from merchants.town import Lives, Roads


@part
def act_by_market(bazaar, roster, roads, rules, departures, merchant, here, stream, tick):
    """One merchant's act, his orders taken back: hear, weigh, leave or trade, change trade."""
    rows = roster.rows
    stalls = stalls_of(rows)
    residents = len(bazaar.residents.money_minor)
    if residents > 0:
        whom = below(draw(stream, HEARS), residents)
        weight = gossip_weight(rows, merchant, rules)
        hear(rows, merchant, here, bazaar.residents.expected_price[whom], weight)
    if rows.owned[merchant] == 0 and bazaar.goods.rowless[rows.good[merchant]] != 0:
        # now, for his order is going to name the good
        change_trade(rows, merchant, here, roads, rules)
    by_order = bazaar.goods.rowless[rows.good[merchant]] != 0
    _, best = deal(rows, merchant, rows.good[merchant], here, roads, rules)
    has_room = rows.owned[merchant] < rows.capacity[merchant]
    price = stall_price(rows, merchant, here, rules)
    if best >= 0:
        shut_stall(bazaar, stalls, merchant)
        if has_room:
            price = bid(rows, merchant, here, roads.place[best], rules)
            if not by_order:
                buy_from_resident(bazaar, stalls, merchant, draw(stream, ASKS), price)
    road = road_taken(rows, merchant, best, roads, rules, stream)
    if road >= 0:
        shut_stall(bazaar, stalls, merchant)
        if depart(roster, merchant, road, roads, here, departures, tick):
            move_orders(bazaar, stalls, merchant, roster.size[0])
    elif by_order:
        side = np.int64(BUY if best >= 0 else SELL)
        if (has_room if best >= 0 else rows.owned[merchant] > 0) and 0.0 <= price < np.inf:
            order_of_merchant(bazaar, stalls, merchant, side, price)
    elif rows.owned[merchant] == 0:
        change_trade(rows, merchant, here, roads, rules)
    elif best < 0 and price < np.inf:
        rows.ask[merchant] = price
        open_stall(bazaar, stalls, merchant)


@kernel(
    int64(
        kernel_type(MarketBazaar),
        kernel_type(Roster),
        kernel_type(Roads),
        kernel_type(Rules),
        kernel_type(Lives),
        kernel_type(Roster),
        kernel_type(Roster),
        uint64,
        int64,
        int64,
        int64,
        boolean,
    )
)
def advance_markets(
    bazaar, roster, roads, rules, lives, arrivals, departures, key, here, tick, ticks, clears
):
    """As `advance_bazaar.advance_ticks`; the auctions of a tick are held at its end.

    Args:
        clears: false: they are left to the caller, who then asks for one tick at a time.
    """
    arrived = np.int64(0)
    residents = len(bazaar.residents.money_minor)
    upkeep_minor = upkeep(roads, rules)
    for now in range(tick, tick + ticks):
        if is_full(roster, arrivals, arrived, departures):
            return now
        this_tick = tick_key(key, now)
        arrived = arrive(roster, arrivals, arrived, now, bazaar.residents.money_minor, rules, here)
        tick_residents_by_market(bazaar, stalls_of(roster.rows), this_tick)
        for merchant in range(roster.size[0] - 1, -1, -1):
            stream = agent_stream(this_tick, residents + merchant)
            if uniform(stream, ACTS) < rules.act_probability:
                stalls = stalls_of(roster.rows)
                take_back_orders(bazaar, stalls, residents + merchant)
                if lives.evolves[0] != 0:
                    purses = bazaar.residents.money_minor
                    fate = live_on(
                        roster, merchant, lives, rules, upkeep_minor, purses, here, stream, now
                    )
                    if fate == REPLACED:
                        move_orders(bazaar, stalls, merchant, roster.size[0])
                    if fate != LIVES:
                        continue
                act_by_market(bazaar, roster, roads, rules, departures, merchant, here, stream, now)
        if clears:
            hold_auctions(bazaar, stalls_of(roster.rows), this_tick)
    return np.int64(tick + ticks)


def advance_and_clear(*arguments: Any) -> int:
    """The loop as `advance_bazaar.advance` calls it."""
    return int(advance_markets(*arguments, True))
