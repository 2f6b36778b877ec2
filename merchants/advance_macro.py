"""A macro city with its merchants: an economy as `engine.economy` asks for one.

Merchants act and households visit their stalls every tick, in one kernel call up to the end of a
step; there the economy's own kernel lets a month, or three, pass.
"""

from typing import Any

import numpy as np
from numba import int64, uint64

from engine.kernels import kernel, part
from engine.macro.abroad import buy_from_firm, settle, tell_prices, visit_stalls
from engine.macro.city import LOCALS_LEAST, LOCALS_USUAL, Parameters, found
from engine.macro.events import EVENTS
from engine.macro.evolved import pass_months
from engine.macro.laboratory import reality_accounts, reality_run
from engine.macro.learned import SPACES as RESIDENTS_LEARN
from engine.macro.learned import driven_by
from engine.macro.report import (
    CHARTS,
    holdings_minor,
    price_range,
    prices,
    purses,
    residents,
    samples,
    series,
    stock,
    trades,
)
from engine.macro.state import Macro, live, plain
from engine.rng import agent_stream, draw, tick_key, uniform
from engine.tables import kernel_type
from merchants.genome import gossip_weight
from merchants.life import LIVES, is_full, live_on, upkeep
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
from merchants.town import Lives, Roads, Town, make_room, make_room_to_leave, still_to_come

__all__ = [
    "CHARTS",
    "EVENTS",
    "LOCALS_LEAST",
    "LOCALS_USUAL",
    "RESIDENTS_LEARN",
    "Parameters",
    "advance",
    "found",
    "holdings_minor",
    "live",
    "price_range",
    "prices",
    "purses",
    "reality_accounts",
    "reality_run",
    "residents",
    "samples",
    "series",
    "stock",
    "trades",
]


@part
def act(macro, roster, roads, rules, departures, merchant, here, stream, tick, key):
    """One merchant's act: hear, weigh, buy from a firm, leave, change trade or open his stall."""
    rows = roster.rows
    stalls = stalls_of(rows)
    tell_prices(macro, draw(stream, HEARS), key)
    hear(rows, merchant, here, macro.books.told, gossip_weight(rows, merchant, rules))
    _, best = deal(rows, merchant, rows.good[merchant], here, roads, rules)
    if best >= 0:
        rows.ask[merchant] = np.inf
        if rows.owned[merchant] < rows.capacity[merchant]:
            price_max = bid(rows, merchant, here, roads.place[best], rules)
            buy_from_firm(macro, stalls, merchant, draw(stream, ASKS), price_max)
    road = road_taken(rows, merchant, best, roads, rules, stream)
    if road >= 0:
        rows.ask[merchant] = np.inf
        depart(roster, merchant, road, roads, here, departures, tick)
    elif rows.owned[merchant] == 0:
        change_trade(rows, merchant, here, roads, rules)
    elif best < 0:
        rows.ask[merchant] = stall_price(rows, merchant, here, rules)


@kernel(
    int64(
        kernel_type(Macro),
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
    )
)
def advance_ticks(macro, roster, roads, rules, lives, arrivals, departures, key, here, tick, ticks):
    """As `advance_bazaar.advance_ticks`, of the merchants and of households at their stalls."""
    arrived = np.int64(0)
    residents = len(macro.households)
    purses = macro.nation.reserves_minor
    upkeep_minor = upkeep(roads, rules)
    for now in range(tick, tick + ticks):
        if is_full(roster, arrivals, arrived, departures):
            return now
        this_tick = tick_key(key, now)
        arrived = arrive(roster, arrivals, arrived, now, purses, rules, here)
        visit_stalls(macro, stalls_of(roster.rows), roster.size[0], this_tick, key)
        for merchant in range(roster.size[0] - 1, -1, -1):
            stream = agent_stream(this_tick, residents + merchant)
            if uniform(stream, ACTS) < rules.act_probability:
                if lives.evolves[0] != 0:
                    fate = live_on(
                        roster, merchant, lives, rules, upkeep_minor, purses, here, stream, now
                    )
                    if fate != LIVES:
                        continue
                act(macro, roster, roads, rules, departures, merchant, here, stream, now, key)
    return np.int64(tick + ticks)


def advance(state: Any, town: Town, arrivals: Roster, tick: int, ticks: int) -> Any:
    """The state after a window; arrays are changed in place.

    Args:
        state: the city, a Macro or an Evolving.
        town: its merchants; `town.departures` holds afterwards who left, in order.
        arrivals: who comes in this window, sorted by tick.
        tick, ticks: the window's first tick and its length.

    Raises:
        ImbalanceError: the city's own money does not add up: a fault of the program.
    """
    make_room(town, int(arrivals.size[0]), arrivals.rows.expected_price.shape[2])
    macro = plain(state)
    end, step_ticks = tick + ticks, int(macro.world.step_ticks[0])
    while True:
        step_end = min(end, tick - tick % step_ticks + step_ticks)
        tick = advance_ticks(
            macro,
            town.roster,
            town.roads,
            town.rules,
            town.lives,
            arrivals,
            town.departures,
            town.key,
            town.here,
            tick,
            step_end - tick,
        )
        if tick < step_end:
            arrivals = make_room_to_leave(town, arrivals, tick)
            continue
        if tick % step_ticks == 0:
            settle(macro)
            months = int(macro.world.step_months[0])
            pass_months(state, town.key, months, driven_by(town.networks))
        if tick == end:
            return state
        arrivals = still_to_come(arrivals, tick)
