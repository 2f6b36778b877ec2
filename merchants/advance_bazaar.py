"""The bazaar with its merchants: an economy as `engine.economy` asks for one.

`advance` runs a whole window in one kernel call. Everything else is the bazaar's own.
"""

from collections.abc import Callable

import numpy as np
from numba import int64, uint64

from engine.bazaar.events import EVENTS
from engine.bazaar.params import Parameters
from engine.bazaar.report import (
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
from engine.bazaar.state import AnyBazaar, Bazaar, MarketBazaar, found, live, with_room
from engine.bazaar.step import (
    buy_from_resident,
    move_stall,
    open_stall,
    shut_stall,
    tick_residents,
)
from engine.kernels import kernel, part
from engine.rng import agent_stream, below, draw, tick_key, uniform
from engine.tables import kernel_type
from merchants.genome import gossip_weight
from merchants.life import LIVES, REPLACED, is_full, live_on, upkeep
from merchants.mind import Minds
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
from merchants.town import Lives, Roads, Town, make_room, make_room_to_leave

__all__ = [
    "CHARTS",
    "EVENTS",
    "LEARNS",
    "Parameters",
    "advance",
    "found",
    "holdings_minor",
    "live",
    "price_range",
    "prices",
    "purses",
    "ready",
    "residents",
    "samples",
    "series",
    "stock",
    "trades",
]


@part
def act(bazaar, roster, roads, rules, departures, merchant, here, stream, tick):
    """One merchant's act, in the order of the rules: hear, weigh, buy, leave, change trade."""
    rows = roster.rows
    stalls = stalls_of(rows)
    residents = len(bazaar.residents.money_minor)
    if residents > 0:
        whom = below(draw(stream, HEARS), residents)
        weight = gossip_weight(rows, merchant, rules)
        hear(rows, merchant, here, bazaar.residents.expected_price[whom], weight)
    _, best = deal(rows, merchant, rows.good[merchant], here, roads, rules)
    if best >= 0:
        shut_stall(bazaar, stalls, merchant)
        if rows.owned[merchant] < rows.capacity[merchant]:
            price_max = bid(rows, merchant, here, roads.place[best], rules)
            buy_from_resident(bazaar, stalls, merchant, draw(stream, ASKS), price_max)
    road = road_taken(rows, merchant, best, roads, rules, stream)
    if road >= 0:
        shut_stall(bazaar, stalls, merchant)
        if depart(roster, merchant, road, roads, here, departures, tick):
            move_stall(bazaar, stalls, merchant)
    elif rows.owned[merchant] == 0:
        change_trade(rows, merchant, here, roads, rules)
    elif best < 0:
        price = stall_price(rows, merchant, here, rules)
        if price < np.inf:
            rows.ask[merchant] = price
            open_stall(bazaar, stalls, merchant)


@kernel(
    int64(
        kernel_type(Bazaar),
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
def advance_ticks(
    bazaar, roster, roads, rules, lives, arrivals, departures, key, here, tick, ticks
):
    """Arrivals, residents, merchants; so many ticks. Merchants act from the last row to the first,
    so that the one who fills a leaver's row has already acted.

    Returns:
        int64: the first tick that is still to be run; `tick + ticks`, or less where the departures
        need more room.
    """
    arrived = np.int64(0)
    residents = len(bazaar.residents.money_minor)
    upkeep_minor = upkeep(roads, rules)
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
                act(bazaar, roster, roads, rules, departures, merchant, here, stream, now)
    return np.int64(tick + ticks)


def _by_market(device: str) -> Callable[..., int]:
    """The loop of cities with other markets, compiled when it is asked for."""
    if device == "cpu":
        from merchants.advance_markets import advance_and_clear

        return advance_and_clear
    from merchants.advance_markets_torch import loop_on

    return loop_on(device)


def _learned(by_market: bool) -> Callable[..., int]:
    """The loop of cities whose merchants a network drives, compiled when it is asked for."""
    if by_market:
        from merchants.advance_learned_markets import advance_learned_markets

        return advance_learned_markets
    from merchants.advance_learned import advance_learned

    return advance_learned


def _loop(state: AnyBazaar, town: Town) -> Callable[..., int]:
    if town.minds is not None:
        return _learned(isinstance(state, MarketBazaar))
    return _by_market(town.device) if isinstance(state, MarketBazaar) else advance_ticks


def ready(state: AnyBazaar, town: Town) -> None:
    """Have compiled what windows of this city need, before anybody waits for one."""
    _loop(state, town)


LEARNS = True
"""Its merchants may be driven by a network."""


def advance(state: AnyBazaar, town: Town, arrivals: Roster, tick: int, ticks: int) -> AnyBazaar:
    """The state after a window; arrays are changed in place, or replaced where they had to grow.

    Args:
        state: the bazaar.
        town: its merchants; `town.departures` holds afterwards who left, in order.
        arrivals: who comes in this window, sorted by tick.
        tick, ticks: the window's first tick and its length.
    """
    make_room(town, int(arrivals.size[0]), arrivals.rows.expected_price.shape[2])
    state = with_room(state, len(town.roster.rows.number))
    loop = _loop(state, town)
    minds: tuple[Minds, ...] = () if town.minds is None else (town.minds,)
    end = tick + ticks
    while True:
        tick = loop(
            state,
            town.roster,
            town.roads,
            town.rules,
            town.lives,
            *minds,
            arrivals,
            town.departures,
            town.key,
            town.here,
            tick,
            end - tick,
        )
        if tick == end:
            return state
        arrivals = make_room_to_leave(town, arrivals, tick)
