"""How residents and merchants trade by orders: auctions and books inside a bazaar's tick.

A resident who acts first takes back his orders, works, and then posts one unit a good at what he
expects, where he would haggle. A fill moves his expectation by b as in haggling; his turn without
one counts towards his patience. Here a seller needs no luck to be found: the book, or the auction,
shows him to everybody. The draws of an auction are draw `good` of the agent AUCTIONEER.

Called by the fused loop in `merchants.advance_markets`. Everywhere: `bazaar` is a Bazaar, `stalls`
an engine.economy.Stalls, agents, goods, sides and ticks int64, streams uint64.
"""

import numpy as np

from engine.bazaar.exchange import LEVELS, ladder_of
from engine.bazaar.step import haggle, renew_offers, value, work, worth_of_coin
from engine.goods import BOOK, CALL, HAGGLE
from engine.kernels import helper, part
from engine.markets.ladder import (
    BUY,
    SELL,
    first_at,
    join,
    key_at,
    leave,
    rename,
    side_of,
    tick_of,
)
from engine.markets.uniform_price import MIDDLE, Scratch, uniform_price
from engine.money import MINOR_PER_COIN, post
from engine.rng import agent_stream, below, draw, uniform

AUCTIONEER = 2**40
"""Beyond every agent's number: whose draws decide who is served at the last price."""

UNPOSTED, RESTS, FILLED = -1, -2, -3
"""What became of an order; from 0 on it is its place in an auction."""


@part
def hold(bazaar, stalls, agent, good, side, price_minor):
    """bool: whether an agent had what his order may cost, and it is held for him now."""
    exchange, residents = bazaar.exchange, bazaar.residents
    stall = agent - len(residents.money_minor)
    if side == SELL:
        if stall < 0:
            if residents.owned[agent, good] < 1:
                return False
            residents.owned[agent, good] -= 1
        else:
            if stalls.owned[stall] < 1:
                return False
            stalls.owned[stall] -= 1
        exchange.held[good] += 1
        return True
    if stall < 0:
        if residents.money_minor[agent] < price_minor:
            return False
        post(residents.money_minor, agent, exchange.held_minor, 0, price_minor)
        return True
    if stalls.money_minor[stall] < price_minor:
        return False
    post(stalls.money_minor, stall, exchange.held_minor, 0, price_minor)
    return True


@helper
def credit(held_minor, held, residents_minor, residents_owned, stalls, agent, good, minor, units):
    """Give an agent money and units that were held; takes arrays, for whole tables are slow."""
    held[good] -= units
    stall = agent - len(residents_minor)
    if stall < 0:
        post(held_minor, 0, residents_minor, agent, minor)
        residents_owned[agent, good] += units
    else:
        post(held_minor, 0, stalls.money_minor, stall, minor)
        stalls.owned[stall] += units


@part
def hand_out(bazaar, stalls, agent, good, minor, units):
    """Give an agent money and units that were held."""
    exchange, residents = bazaar.exchange, bazaar.residents
    credit(
        exchange.held_minor, exchange.held, residents.money_minor, residents.owned, stalls,
        agent, good, minor, units,
    )  # fmt: skip


@part
def give_back(bazaar, stalls, agent, good, side, price_minor):
    """Return what was held for an order."""
    hand_out(bazaar, stalls, agent, good, price_minor * (1 - side), side)


@part
def tick_at(bazaar, good, side, price):
    """int64: the tick of a price, at no loss to who posts it; 0: none he could use."""
    ticks = price * MINOR_PER_COIN / bazaar.exchange.tick_minor[good]
    if side == BUY:
        return np.int64(min(max(np.floor(ticks), 0.0), LEVELS - 1.0))
    return np.int64(max(np.ceil(ticks), 1.0)) if ticks <= LEVELS - 1.0 else np.int64(0)


@part
def believe(bazaar, agent, good, side):
    """Let a resident's expectation follow his fill: a buyer's falls by b, a seller's rises."""
    residents = bazaar.residents
    if agent < len(residents.money_minor):
        step = bazaar.rules.volatility_share * residents.base_value[agent, good]
        residents.expected_price[agent, good] += step if side == SELL else -step
        residents.waited[agent, good] = 0


@part
def lose_patience(bazaar, agent, good, side):
    """Count a resident's turn without a fill; after too many his expectation gives way."""
    residents = bazaar.residents
    if agent < len(residents.money_minor):
        residents.waited[agent, good] += 1
        if residents.waited[agent, good] > bazaar.rules.patience_turns:
            residents.waited[agent, good] = 0
            step = bazaar.rules.volatility_share * residents.base_value[agent, good]
            residents.expected_price[agent, good] += step if side == BUY else -step


@part
def meet(bazaar, stalls, agent, good, side, tick):
    """int64: FILLED where an order, paid for, met one in the book; else it RESTS there.

    The agent has no order in this book, so that he cannot meet himself.
    """
    exchange = bazaar.exchange
    ladder = ladder_of(exchange, exchange.number[good])
    tick_minor = exchange.tick_minor[good]
    other = 1 - side
    if ladder.best[other] > key_at(LEVELS, other, tick):
        join(ladder, agent, agent, side, tick, 1)
        return np.int64(RESTS)
    there = key_at(LEVELS, other, ladder.best[other])
    maker = first_at(ladder, there)
    leave(ladder, maker)
    price_minor = there * tick_minor
    to_agent = (tick - there) * tick_minor if side == BUY else price_minor
    hand_out(bazaar, stalls, agent, good, to_agent, 1 - side)
    hand_out(bazaar, stalls, maker, good, price_minor * (1 - side), side)
    believe(bazaar, maker, good, other)
    bazaar.books.trades[0] += 1
    return np.int64(FILLED)


@helper
def post_order(bazaar, stalls, agent, good, side, price):
    """int64: UNPOSTED, FILLED, RESTS, or the place, not negative, in this tick's auction.

    UNPOSTED: he has not got what it may cost, or the price is beyond the market's.
    """
    exchange = bazaar.exchange
    tick = tick_at(bazaar, good, side, price)
    if tick < 1:
        return np.int64(UNPOSTED)
    if not hold(bazaar, stalls, agent, good, side, tick * exchange.tick_minor[good]):
        return np.int64(UNPOSTED)
    if bazaar.goods.market[good] == BOOK:
        return meet(bazaar, stalls, agent, good, side, tick)
    auction = exchange.number[good]
    place = exchange.posted[auction, side]
    exchange.posted[auction, side] = place + 1
    exchange.ticks[auction, side, place] = tick
    exchange.agents[auction, side, place] = agent
    return place


@helper
def take_back_orders(bazaar, stalls, agent):
    """Cancel what an agent has in the books."""
    exchange = bazaar.exchange
    for good in range(len(exchange.number)):
        if bazaar.goods.market[good] == BOOK:
            ladder = ladder_of(exchange, exchange.number[good])
            if ladder.rows[agent, 0] != 0:
                side = side_of(ladder, agent)
                price_minor = tick_of(ladder, agent) * exchange.tick_minor[good]
                give_back(bazaar, stalls, agent, good, side, price_minor)
                leave(ladder, agent)


@part
def trade_by_order(bazaar, stalls, resident, good, stream, number):
    """A resident's turn in the market of one good, where it is not haggled over; draws as there."""
    residents, rules = bazaar.residents, bazaar.rules
    base_value = residents.base_value[resident, good]
    half_value = bazaar.goods.half_value[good]
    step = rules.volatility_share * base_value
    price = residents.expected_price[resident, good]
    if uniform(stream, number) < rules.gossip_probability:
        whom = below(draw(stream, number + 1), len(residents.money_minor))
        price += min(max(residents.expected_price[whom, good] - price, -step), step)
        residents.expected_price[resident, good] = price
    u = worth_of_coin(bazaar, resident)
    owned = residents.owned[resident, good]
    buys = price * u < value(base_value, owned + 1, half_value)
    sells = price * u > value(base_value, owned, half_value)
    can_buy = buys and np.rint(price * MINOR_PER_COIN) <= residents.money_minor[resident]
    if not (can_buy or (sells and owned > 0)):
        return
    side = np.int64(BUY if can_buy else SELL)
    fate = post_order(bazaar, stalls, resident, good, side, price)
    if fate == FILLED:
        believe(bazaar, resident, good, side)
    elif fate < 0:
        lose_patience(bazaar, resident, good, side)


@part
def hold_auctions(bazaar, stalls, this_tick):
    """Clear every good's auction of this tick; no order outlives it.

    At the last price that is served lots decide: a run of the orders there, from a random one on.
    """
    exchange = bazaar.exchange
    stream = agent_stream(this_tick, AUCTIONEER)
    for good in range(len(exchange.number)):
        if bazaar.goods.market[good] != CALL:
            continue
        auction = exchange.number[good]
        bids, asks = exchange.posted[auction, BUY], exchange.posted[auction, SELL]
        if bids + asks == 0:
            continue
        found = uniform_price(
            exchange.ticks[auction, BUY, :bids],
            exchange.ones[:bids],
            exchange.ticks[auction, SELL, :asks],
            exchange.ones[:asks],
            np.int64(1),
            np.int64(LEVELS),
            MIDDLE,
            np.int64(0),
            Scratch(exchange.bids, exchange.asks),
        )
        settle_auction(bazaar, stalls, good, found, draw(stream, good))


@part
def settle_auction(bazaar, stalls, good, found, bits):
    """Serve both sides of an auction as it cleared: the fields of a call_auction.Result."""
    tick, volume, low, at_low, some_low, at_high, some_high = found
    bazaar.books.trades[0] += volume
    for side in range(2):
        at_last, some = (at_low, some_low) if side == BUY else (at_high, some_high)
        serve(bazaar, stalls, good, side, tick, low + side, at_last, some, bits)


@part
def serve(bazaar, stalls, good, side, tick, last, at_last, some, bits):
    """Settle one side of an auction; `some` of the `at_last` orders at tick `last` are filled."""
    exchange = bazaar.exchange
    residents = len(bazaar.residents.money_minor)
    auction, tick_minor = exchange.number[good], exchange.tick_minor[good]
    lot = below(bits, max(at_last, 1))
    met = np.int64(0)
    for place in range(exchange.posted[auction, side]):
        own = np.int64(exchange.ticks[auction, side, place])
        agent = np.int64(exchange.agents[auction, side, place])
        filled = tick > 0 and (own > last if side == BUY else own < last)
        if tick > 0 and own == last:
            filled = (met + lot) % at_last < some
            met += 1
        if filled:
            minor = (own - tick if side == BUY else tick) * tick_minor
            hand_out(bazaar, stalls, agent, good, minor, 1 - side)
            believe(bazaar, agent, good, side)
        else:
            give_back(bazaar, stalls, agent, good, side, own * tick_minor)
            lose_patience(bazaar, agent, good, side)
        if agent >= residents:
            stalls.place[agent - residents] = -1
    exchange.posted[auction, side] = 0


@part
def order_of_merchant(bazaar, stalls, stall, side, price):
    """Post a merchant's order for one unit of his good, where that is not haggled over.

    His place remembers an order in an auction: twice its place there, and the side.
    """
    agent = len(bazaar.residents.money_minor) + stall
    place = post_order(bazaar, stalls, agent, stalls.good[stall], side, price)
    stalls.place[stall] = 2 * place + side if place >= 0 else -1


@helper
def move_orders(bazaar, stalls, stall, before):
    """Correct orders and row for a merchant who has moved from roster row `before` to `stall`."""
    exchange = bazaar.exchange
    good, place = stalls.good[stall], stalls.place[stall]
    residents = len(bazaar.residents.money_minor)
    market, number = bazaar.goods.market[good], exchange.number[good]
    if market == BOOK:
        ladder = ladder_of(exchange, number)
        if ladder.rows[residents + before, 0] != 0:
            rename(ladder, residents + before, residents + stall)
    elif market == CALL and place >= 0:
        exchange.agents[number, place & 1, place >> 1] = residents + stall
    elif market == HAGGLE and place >= 0:
        bazaar.rows.seller[good, place] = residents + stall


@part
def tick_residents_by_market(bazaar, stalls, this_tick):
    """One tick, as `engine.bazaar.step.tick_residents`, each good by its own market."""
    goods = bazaar.goods
    kinds = len(goods.half_value)
    if bazaar.books.shocked[0] != 0:
        bazaar.books.shocked[0] = 0
        for resident in range(len(bazaar.residents.money_minor)):
            renew_offers(bazaar, stalls, resident)
    for resident in range(len(bazaar.residents.money_minor)):
        stream = agent_stream(this_tick, resident)
        if uniform(stream, 0) < bazaar.rules.act_probability:
            take_back_orders(bazaar, stalls, resident)
            work(bazaar, resident, stream)
            for good in range(kinds):
                number = 1 + kinds + 3 * good
                if goods.rowless[good] == 0:
                    haggle(bazaar, stalls, resident, good, stream, number)
                elif goods.leisure[good] == 0:
                    trade_by_order(bazaar, stalls, resident, good, stream, number)
            renew_offers(bazaar, stalls, resident)
