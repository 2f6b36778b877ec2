"""The loop of the bazaar where a trained network drives all or a share of the merchants.

Compiled apart from that of `advance_bazaar`, which imports it only for a city whose merchants are
learned. Whoever is not driven acts by his genes, as there. What a merchant sees, and what his
choices mean, is in `merchants.mind`.
"""

import numpy as np
from numba import int64, uint64

from engine.bazaar.state import Bazaar
from engine.bazaar.step import (
    buy_from_resident,
    move_stall,
    open_stall,
    shut_stall,
    tick_residents,
)
from engine.kernels import helper, kernel
from engine.money import MINOR_PER_COIN
from engine.rng import agent_stream, below, draw, tick_key, uniform
from engine.tables import kernel_type
from merchants.advance_bazaar import act
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
    """One driven merchant's act: hear, choose, believe, then follow the deal he has chosen."""
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
    leaves = kind != STAY
    if kind == STAY:
        price = rows.expected_price[merchant, good, here] * ASKS[minds.choices[ASK]]
        if rows.owned[merchant] > 0 and price >= 0.0:
            rows.ask[merchant] = price
            open_stall(bazaar, stalls, merchant)
        if len(roads.place) > 0 and uniform(stream, WANDERS) < rules.leave_probability:
            road = below(draw(stream, TAKES_ROAD), len(roads.place))
            leaves = np.isnan(rows.expected_price[merchant, good, roads.place[road]])
    else:
        shut_stall(bazaar, stalls, merchant)
        rows.good[merchant] = good
        if kind == CARRY and rows.owned[merchant] < rows.capacity[merchant]:
            price = rows.expected_price[merchant, good, here] * BIDS[minds.choices[BID]]
            price = min(price, rows.money_minor[merchant] / MINOR_PER_COIN)
            buy_from_resident(bazaar, stalls, merchant, draw(stream, ASKS_AROUND), price)
        leaves = sets_out(rows, merchant, kind, minds.choices[LEAVES])
    if leaves and may_leave(rows, merchant, road, roads):
        shut_stall(bazaar, stalls, merchant)
        if depart(roster, merchant, road, roads, here, departures, tick):
            move_stall(bazaar, stalls, merchant)


@kernel(
    int64(
        kernel_type(Bazaar),
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
def advance_learned(
    bazaar, roster, roads, rules, lives, minds, arrivals, departures, key, here, tick, ticks
):
    """As `advance_bazaar.advance_ticks`, but whom the network drives acts by it."""
    arrived = np.int64(0)
    residents = len(bazaar.residents.money_minor)
    upkeep_minor = upkeep(roads, rules)
    rows = roster.rows
    for now in range(tick, tick + ticks):
        if is_full(roster, arrivals, arrived, departures):
            return now
        this_tick = tick_key(key, now)
        arrived = arrive(roster, arrivals, arrived, now, bazaar.residents.money_minor, rules, here)
        tick_residents(bazaar, stalls_of(roster.rows), this_tick)
        for merchant in range(roster.size[0] - 1, -1, -1):
            stream = agent_stream(this_tick, residents + merchant)
            if uniform(stream, ACTS) < rules.act_probability:
                if lives.evolves[0] != 0:
                    purses = bazaar.residents.money_minor
                    fate = live_on(
                        roster, merchant, lives, rules, upkeep_minor, purses, here, stream, now
                    )
                    if fate == REPLACED:
                        move_stall(bazaar, stalls_of(roster.rows), merchant)
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
                    act(bazaar, roster, roads, rules, departures, merchant, here, stream, now)
    return np.int64(tick + ticks)
