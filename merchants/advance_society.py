"""The society with its merchants: an economy as `engine.economy` asks for one.

Between two pulses nothing happens but trade, in one kernel call; the pulse itself is the society's
own. Merchants buy the harvest at the treasury's stall, and sell what it buys at stalls of theirs.
One without goods may settle: his coins go to the treasury, and with the next pulse he is a citizen,
with the genes he carries under the names of traits, and a founder's for the rest. Whoever leaves
takes one citizen's genes along, in his luggage: so traits cross to other societies, but for those
that he has himself, `risk` and `patience`: of these he brings his own.
"""

import numpy as np
from numba import int64, uint64

from engine.kernels import inlined, kernel, part
from engine.money import post, to_minor
from engine.rng import agent_stream, drawn, tick_key, uniform
from engine.society.events import EVENTS
from engine.society.founding import found
from engine.society.params import Parameters
from engine.society.pulse import pulse
from engine.society.report import (
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
from engine.society.state import Society, Treasury, live, with_waiting
from engine.society.traits import NAMES, TRAITS
from engine.tables import Array, kernel_type
from merchants.genome import NUMBER as MERCHANTS_NUMBER
from merchants.genome import genome_of, gossip_weight
from merchants.life import LIVES, is_full, live_on, upkeep
from merchants.params import Rules
from merchants.roster import Merchants, Roster, copy_merchant, empty, vacate
from merchants.step import (
    ACTS,
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
    "Parameters",
    "advance",
    "found",
    "holdings_minor",
    "live",
    "price_range",
    "prices",
    "purses",
    "residents",
    "samples",
    "series",
    "stock",
    "trades",
]

SETTLES = 6
"""The number of the draw, of a merchant's act, by which he settles; see `merchants.step`."""

PULSES, CARRIES, FOUNDS = 1, 2, 3
"""What is mixed into the city's key for what is not an act: pulses, genes taken along, and the
founder who lends a settler what he does not bring."""

KEEPS_DEVICE = True
"""A pulse by torch pairs citizens another way than the tiles do."""


@inlined
def sell_harvest(treasury, rows, merchant):
    """One unit of the harvest from the treasury's stall to a merchant, if both can; posts money."""
    good = rows.good[merchant]
    price_minor = to_minor(treasury.price[good])
    if treasury.stock[good] > 0 and price_minor <= rows.money_minor[merchant]:
        post(rows.money_minor, merchant, treasury.money_minor, 0, price_minor)
        treasury.stock[good] -= 1
        rows.owned[merchant] += 1
        treasury.trades[0] += 1


@part
def buy_at_stalls(treasury, fed, roster, tick):
    """The treasury goes round the stalls once, from another one each tick, and buys a unit of each
    that asks no more than it pays; what it buys is energy for the pool.
    """
    rows, count = roster.rows, roster.size[0]
    for number in range(count):
        merchant = (number + tick) % count
        good = rows.good[merchant]
        if not rows.ask[merchant] <= treasury.price[good]:
            continue
        price_minor = to_minor(rows.ask[merchant])
        if rows.owned[merchant] > 0 and price_minor <= treasury.money_minor[0]:
            post(treasury.money_minor, 0, rows.money_minor, merchant, price_minor)
            rows.owned[merchant] -= 1
            treasury.used[good] += 1
            treasury.trades[0] += 1
            fed[0] += treasury.unit_energy[good]
            if rows.owned[merchant] == 0:
                rows.ask[merchant] = np.inf


@part
def act(treasury, roster, roads, rules, departures, merchant, here, stream, tick):
    """One merchant's act, in the order of the rules: hear, weigh, buy, leave, change trade."""
    rows = roster.rows
    hear(rows, merchant, here, treasury.price, gossip_weight(rows, merchant, rules))
    _, best = deal(rows, merchant, rows.good[merchant], here, roads, rules)
    rows.ask[merchant] = np.inf
    has_room = rows.owned[merchant] < rows.capacity[merchant]
    if best >= 0 and has_room and rows.good[merchant] == treasury.sells[0]:
        price_max = bid(rows, merchant, here, roads.place[best], rules)
        if treasury.price[rows.good[merchant]] <= price_max:
            sell_harvest(treasury, rows, merchant)
    road = road_taken(rows, merchant, best, roads, rules, stream)
    if road >= 0:
        depart(roster, merchant, road, roads, here, departures, tick)
    elif rows.owned[merchant] == 0:
        change_trade(rows, merchant, here, roads, rules)
    elif best < 0 and rows.good[merchant] != treasury.sells[0]:
        rows.ask[merchant] = stall_price(rows, merchant, here, rules)


@part
def settle(treasury, roster, lives, merchant, settlers, tick):
    """His coins go to the treasury, his row to who is last, and himself among the settlers."""
    number = settlers.size[0]
    settlers.size[0] = number + 1
    copy_merchant(roster.rows, merchant, settlers.rows, number)
    settlers.rows.tick[number] = tick
    left_minor = roster.rows.money_minor[merchant]
    post(roster.rows.money_minor, merchant, treasury.money_minor, 0, left_minor)
    lives.retired[0] += 1
    vacate(roster, merchant)


@kernel(
    int64(
        kernel_type(Treasury),
        int64[::1],
        kernel_type(Roster),
        kernel_type(Roads),
        kernel_type(Rules),
        kernel_type(Lives),
        kernel_type(Roster),
        kernel_type(Roster),
        kernel_type(Roster),
        uint64,
        int64,
        int64,
        int64,
    )
)
def advance_ticks(
    treasury, fed, roster, roads, rules, lives, arrivals, departures,
    settlers, key, here, tick, ticks,
):  # fmt: skip
    """Arrivals and merchants, then the treasury's round of the stalls; so many ticks.

    Args:
        fed: int64[1], units of energy bought.
        settlers: filled with who settled.

    Returns:
        int64: the first tick that is still to be run; `tick + ticks`, or less where departures or
        settlers need more room.
    """
    arrived = np.int64(0)
    upkeep_minor = upkeep(roads, rules)
    for now in range(tick, tick + ticks):
        if is_full(roster, arrivals, arrived, departures):
            return now
        could_settle = roster.size[0] + arrivals.size[0] - arrived
        if settlers.size[0] + could_settle > len(settlers.rows.number):
            return now
        this_tick = tick_key(key, now)
        arrived = arrive(roster, arrivals, arrived, now, treasury.money_minor, rules, here)
        for merchant in range(roster.size[0] - 1, -1, -1):
            stream = agent_stream(this_tick, merchant)
            if uniform(stream, ACTS) < rules.act_probability:
                settles = uniform(stream, SETTLES) < treasury.settles[0]
                if settles and roster.rows.owned[merchant] == 0:
                    settle(treasury, roster, lives, merchant, settlers, now)
                    continue
                if lives.evolves[0] != 0:
                    purses = treasury.money_minor
                    fate = live_on(
                        roster, merchant, lives, rules, upkeep_minor, purses, here, stream, now
                    )
                    if fate != LIVES:
                        continue
                act(treasury, roster, roads, rules, departures, merchant, here, stream, now)
        buy_at_stalls(treasury, fed, roster, now)
    return np.int64(tick + ticks)


def advance(state: Society, town: Town, arrivals: Roster, tick: int, ticks: int) -> Society:
    """The state after a window; arrays are changed in place, or replaced where they had to grow.

    A pulse stands at the start of every tick that `pulse_ticks` divides, but tick 0.

    Args:
        state: the society.
        town: its merchants; `town.departures` holds afterwards who left, in order.
        arrivals: who comes in this window, sorted by tick.
        tick, ticks: the window's first tick and its length.
    """
    places = arrivals.rows.expected_price.shape[2]
    make_room(town, int(arrivals.size[0]), places)
    every, end, gone = state.rules.pulse_ticks, tick + ticks, 0
    while tick < end:
        if tick // every > int(state.commons.pulse[0]):
            state = pulse(state, np.uint64(drawn(int(town.key), PULSES)), town.spread)
        until = min(end, (tick // every + 1) * every)
        most = len(town.roster.rows.number) + len(arrivals.rows.number)
        settlers = empty(len(state.treasury.price), places, most)
        reached = advance_ticks(
            state.treasury, state.commons.fed, town.roster, town.roads, town.rules, town.lives,
            arrivals, town.departures, settlers, town.key, town.here, tick, until - tick,
        )  # fmt: skip
        gone = carry_genes(state, town, gone)
        for number in range(int(settlers.size[0])):
            state = take_in(state, town, settlers.rows, number)
        if reached < end:
            arrivals = make_room_to_leave(town, arrivals, reached)
        tick = int(reached)
    return state


def carry_genes(state: Society, town: Town, gone: int) -> int:
    """Who has left since the first `gone` takes a citizen's genes along; nothing where none lives.

    Between two pulses nobody is born and nobody dies, so a window's end makes no difference.

    Returns:
        how many have left by now.
    """
    rows, count = town.departures.rows, int(town.departures.size[0])
    if count == gone or not state.commons.population[0]:
        return count
    energy = state.people.energy.reshape(-1)
    pulses = int(state.commons.pulse[0])
    for row in range(gone, count):
        who = int(rows.birthplace[row]), int(rows.number[row])
        citizen = living(energy, drawn(int(town.key), CARRIES, pulses, *who))
        genes = (state.people.genome[citizen, :TRAITS] / 255.0).tolist()
        town.luggage[who] = town.luggage.get(who, {}) | {
            name: gene
            for name, gene in zip(NAMES, genes, strict=True)
            if name not in MERCHANTS_NUMBER
        }
    return count


def living(energy: Array, bits: int) -> int:
    """The place of a living citizen, by lot: the first from a drawn place on.

    Args:
        energy: uint16[places], not all 0.
    """
    first = bits % len(energy)
    near = np.flatnonzero(energy[first : first + 4_096])  # as a rule there is one
    if len(near):
        return first + int(near[0])
    return (first + int(np.flatnonzero(np.roll(energy, -first))[0])) % len(energy)


def take_in(state: Society, town: Town, rows: Merchants, row: int) -> Society:
    """The state with one more who waits to be a citizen.

    Names of traits are taken from his own genome and his luggage; the rest lends a founder.
    """
    who = int(rows.birthplace[row]), int(rows.number[row])
    bits = drawn(int(town.key), FOUNDS, int(rows.tick[row]), *who)
    genes = state.founders.genes[bits % len(state.founders.genes)].copy()
    brought = town.luggage.pop(who, {}) | genome_of(rows.genome[row])
    for trait, name in enumerate(NAMES):
        if name in brought:
            genes[trait] = round(min(1.0, max(0.0, brought[name])) * 255)
    return with_waiting(state, genes)
