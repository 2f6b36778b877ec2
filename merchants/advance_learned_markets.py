"""The loop of `advance_learned` for cities where some goods are not haggled over.

Stands to `advance_learned` as `advance_markets` to `advance_bazaar`: what a merchant wants to buy
or sell of such a good is an order, taken back when he acts again. He decides whether to leave
before he posts, for what he has posted he cannot take along.
"""

import numpy as np
from numba import int64, uint64

from engine.bazaar.orders import (
    hold_auctions,
    move_orders,
    order_of_merchant,
    take_back_orders,
    tick_residents_by_market,
)
from engine.bazaar.state import MarketBazaar
from engine.bazaar.step import buy_from_resident, open_stall, shut_stall
from engine.kernels import helper, kernel
from engine.markets.ladder import BUY, SELL
from engine.money import MINOR_PER_COIN
from engine.rng import agent_stream, below, draw, tick_key, uniform
from engine.tables import kernel_type
from merchants.advance_markets import act_by_market
from merchants.life import LIVES, REPLACED, is_full, live_on, upkeep
from merchants.mind import (
    ASK,
    ASKS,
    BELIEF,
    BELIEVES,
    BID,
    BIDS,
    CARRY,
    LEAVES,
    STAY,
    Minds,
    is_driven,
    may_leave,
    ponder,
    sets_out,
)
from merchants.params import Rules
from merchants.roster import Roster, stalls_of
from merchants.step import ACTS, HEARS, TAKES_ROAD, WANDERS, arrive, depart, hear
from merchants.step import ASKS as ASKS_AROUND
from merchants.town import Lives, Roads


@helper
def act_learned(bazaar, roster, roads, rules, minds, departures, merchant, here, stream, tick):
    """One driven merchant's act, his orders taken back: hear, choose, believe, leave or trade."""
    rows = roster.rows
    stalls = stalls_of(rows)
    residents = len(bazaar.residents.money_minor)
    whom = below(draw(stream, HEARS), max(1, residents))
    heard = np.nan
    if residents > 0:
        heard = bazaar.residents.expected_price[whom, rows.good[merchant]]
    deal = ponder(rows, merchant, here, roads, rules, minds, heard, stream, tick)
    kind, good, road = minds.deals.kind[deal], minds.deals.good[deal], minds.deals.road[deal]
    if residents > 0:
        weight = min(1.0, rules.gossip_weight * BELIEVES[minds.choices[BELIEF]])
        hear(rows, merchant, here, bazaar.residents.expected_price[whom], weight)
    by_order = bazaar.goods.rowless[good] != 0
    price = rows.expected_price[merchant, good, here]
    wants = kind == CARRY and rows.owned[merchant] < rows.capacity[merchant]
    leaves = kind != STAY
    if kind == STAY:
        price *= ASKS[minds.choices[ASK]]
        if len(roads.place) > 0 and uniform(stream, WANDERS) < rules.leave_probability:
            road = below(draw(stream, TAKES_ROAD), len(roads.place))
            leaves = np.isnan(rows.expected_price[merchant, good, roads.place[road]])
    else:
        shut_stall(bazaar, stalls, merchant)
        rows.good[merchant] = good
        price = min(price * BIDS[minds.choices[BID]], rows.money_minor[merchant] / MINOR_PER_COIN)
        if wants and not by_order:
            buy_from_resident(bazaar, stalls, merchant, draw(stream, ASKS_AROUND), price)
        leaves = sets_out(rows, merchant, kind, minds.choices[LEAVES])
    if leaves and may_leave(rows, merchant, road, roads):
        shut_stall(bazaar, stalls, merchant)
        if depart(roster, merchant, road, roads, here, departures, tick):
            move_orders(bazaar, stalls, merchant, roster.size[0])
        return
    sells = kind == STAY and rows.owned[merchant] > 0
    if not 0.0 <= price < np.inf:
        return
    if by_order and (sells or wants):
        order_of_merchant(bazaar, stalls, merchant, np.int64(SELL if sells else BUY), price)
    elif sells and not by_order:
        rows.ask[merchant] = price
        open_stall(bazaar, stalls, merchant)


@kernel(
    int64(
        kernel_type(MarketBazaar),
        kernel_type(Roster),
        kernel_type(Roads),
        kernel_type(Rules),
        kernel_type(Lives),
        kernel_type(Minds),
        kernel_type(Roster),
        kernel_type(Roster),
        uint64,
        int64,
        int64,
        int64,
    )
)
def advance_learned_markets(
    bazaar, roster, roads, rules, lives, minds, arrivals, departures, key, here, tick, ticks
):
    """As `advance_markets.advance_markets`, but whom the network drives acts by it."""
    arrived = np.int64(0)
    residents = len(bazaar.residents.money_minor)
    upkeep_minor = upkeep(roads, rules)
    rows = roster.rows
    for now in range(tick, tick + ticks):
        if is_full(roster, arrivals, arrived, departures):
            return now
        this_tick = tick_key(key, now)
        arrived = arrive(roster, arrivals, arrived, now, bazaar.residents.money_minor, rules, here)
        tick_residents_by_market(bazaar, stalls_of(roster.rows), this_tick)
        for merchant in range(roster.size[0] - 1, -1, -1):
            stream = agent_stream(this_tick, residents + merchant)
            if uniform(stream, ACTS) < rules.act_probability:
                take_back_orders(bazaar, stalls_of(roster.rows), residents + merchant)
                if lives.evolves[0] != 0:
                    purses = bazaar.residents.money_minor
                    fate = live_on(
                        roster, merchant, lives, rules, upkeep_minor, purses, here, stream, now
                    )
                    if fate == REPLACED:
                        move_orders(bazaar, stalls_of(roster.rows), merchant, roster.size[0])
                    if fate != LIVES:
                        continue
                birthplace, number = rows.birthplace[merchant], rows.number[merchant]
                if is_driven(birthplace, number, rules.learned_share):
                    act_learned(
                        bazaar,
                        roster,
                        roads,
                        rules,
                        minds,
                        departures,
                        merchant,
                        here,
                        stream,
                        now,
                    )
                else:
                    act_by_market(
                        bazaar, roster, roads, rules, departures, merchant, here, stream, now
                    )
        hold_auctions(bazaar, stalls_of(roster.rows), this_tick)
    return np.int64(tick + ticks)
