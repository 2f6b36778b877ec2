"""The bazaar's rules: one tick of the residents, a sale, and what a merchant may do here.

Residents act in the order of their numbers. A resident's offers in the rows of sellers are renewed
whenever he acts or trades, and all residents' after a shock; his share of a tax is noticed at the
next of these.
The draws of a resident's act are numbered, so that none depends on what was decided before it:
0 whether he acts; 1 + g wear of good g; then three a good: whether he hears somebody, whom, and in
which order he asks around.

Called by the fused loop in `merchants.advance_bazaar`; knows of merchants only their stalls.
Everywhere: `bazaar` is an engine.bazaar.state.Bazaar, `stalls` an engine.economy.Stalls, numbers
of residents, goods, stalls and places are int64, streams and bits uint64, prices float64 coins.
"""

import numpy as np

from engine.kernels import helper, inlined, part
from engine.markets.haggle import ask_around, stand, step_out
from engine.money import MINOR_PER_COIN, post, to_minor
from engine.rng import agent_stream, below, draw, uniform

ANYBODY = np.int64(2**31)
"""As the end of the sellers a buyer may ask: beyond every seller's number."""


@inlined
def value(base_value, owned, half_value):
    """float64: V, what the unit after `owned` units is worth: S / (1 + (x / D)**3)."""
    fullness = owned / half_value
    return base_value / (1.0 + fullness * fullness * fullness)


@inlined
def worth_of_coin(bazaar, resident):
    """float64: u, value per coin; money loses weight as it grows."""
    coins = bazaar.residents.money_minor[resident] / MINOR_PER_COIN
    return bazaar.rules.money_weight / (coins + 1.0)


@inlined
def leave_row(bazaar, stalls, good, place):
    """Free a place in a good's row of sellers and tell whoever takes it where he now stands."""
    moved = step_out(bazaar.rows, good, place)
    count = len(bazaar.residents.money_minor)
    if moved >= count:
        stalls.place[moved - count] = place
    elif moved >= 0:
        bazaar.residents.place[moved, good] = place


@helper
def renew_offers(bazaar, stalls, resident):
    """Put a resident into, or out of, the rows of sellers, as his purse, stock and beliefs say.

    He sells where P u exceeds the value of what he owns, and asks P.
    """
    residents, goods = bazaar.residents, bazaar.goods
    u = worth_of_coin(bazaar, resident)
    for good in range(len(goods.half_value)):
        if goods.rowless[good] != 0:
            continue
        place = np.int64(residents.place[resident, good])
        owned = residents.owned[resident, good]
        price = residents.expected_price[resident, good]
        keeps = value(residents.base_value[resident, good], owned, goods.half_value[good])
        if owned > 0 and price * u > keeps:
            residents.place[resident, good] = stand(bazaar.rows, good, place, resident, price)
        elif place >= 0:
            residents.place[resident, good] = -1
            leave_row(bazaar, stalls, good, place)


@part
def open_stall(bazaar, stalls, stall):
    """Put a merchant's standing offer, `stalls.ask`, into the row of his good."""
    seller = len(bazaar.residents.money_minor) + stall
    good = stalls.good[stall]
    stalls.place[stall] = stand(bazaar.rows, good, stalls.place[stall], seller, stalls.ask[stall])


@helper
def shut_stall(bazaar, stalls, stall):
    """Take a merchant's offer, if he has one, out of the row of his good."""
    place = stalls.place[stall]
    stalls.ask[stall] = np.inf
    if place >= 0:
        stalls.place[stall] = -1
        leave_row(bazaar, stalls, stalls.good[stall], place)


@part
def move_stall(bazaar, stalls, stall):
    """Correct the row for a merchant who has moved, with all his columns, to roster row `stall`."""
    place = stalls.place[stall]
    if place >= 0:
        seller = len(bazaar.residents.money_minor) + stall
        bazaar.rows.seller[stalls.good[stall], place] = seller


@helper
def sell(bazaar, stalls, good, place, purse_minor, purse):
    """One unit from the seller at `place` of a row to whoever pays from account `purse`.

    Money moves, the seller's stock falls; a resident who sold raises his expectation by b, a stall
    that sold out is shut. The buyer books the unit himself.

    Returns:
        bool: False, and nothing has happened, when the purse does not hold the price asked.
    """
    residents = bazaar.residents
    price_minor = to_minor(bazaar.rows.ask[good, place])
    if price_minor > purse_minor[purse]:
        return False
    seller = np.int64(bazaar.rows.seller[good, place])
    stall = seller - len(residents.money_minor)
    bazaar.books.trades[0] += 1
    if stall < 0:
        post(purse_minor, purse, residents.money_minor, seller, price_minor)
        residents.owned[seller, good] -= 1
        residents.waited[seller, good] = 0
        step = bazaar.rules.volatility_share * residents.base_value[seller, good]
        residents.expected_price[seller, good] += step
        renew_offers(bazaar, stalls, seller)
    else:
        post(purse_minor, purse, stalls.money_minor, stall, price_minor)
        stalls.owned[stall] -= 1
        if stalls.owned[stall] == 0:
            shut_stall(bazaar, stalls, stall)
    return True


@part
def buy_from_resident(bazaar, stalls, stall, bits, price_max):
    """bool: whether a merchant has bought a unit of his good from a resident asking price_max."""
    good = stalls.good[stall]
    residents_end = np.int64(len(bazaar.residents.money_minor))
    place = ask_around(bazaar.rows, good, bits, price_max, np.int64(-1), residents_end)
    if place < 0 or not sell(bazaar, stalls, good, place, stalls.money_minor, stall):
        return False
    stalls.owned[stall] += 1
    return True


@inlined
def gain_of(bazaar, u, resident, good):
    """float64: what one more unit is worth: max(potential, P u); of leisure, its potential."""
    residents, goods = bazaar.residents, bazaar.goods
    more = residents.owned[resident, good] + 1
    potential = value(residents.base_value[resident, good], more, goods.half_value[good])
    if goods.leisure[good] != 0:
        return potential
    return max(potential, residents.expected_price[resident, good] * u)


@inlined
def cost_of(bazaar, u, resident, recipe):
    """float64: what a recipe's materials are worth, infinite unless more than enough is owned."""
    residents, goods = bazaar.residents, bazaar.goods
    cost = 0.0
    for entry in range(goods.first_material[recipe], goods.first_material[recipe + 1]):
        good = goods.material[entry]
        owned = residents.owned[resident, good]
        if owned <= goods.units[entry]:
            return np.inf
        keeps = value(residents.base_value[resident, good], owned, goods.half_value[good])
        cost += goods.units[entry] * max(keeps, residents.expected_price[resident, good] * u)
    return cost


@part
def work(bazaar, resident, stream):
    """Wear, then the best of rest, gathering and crafting; of equals the first, and not at a loss.

    Resting adds one to leisure, anything else ends it.
    """
    residents, goods, books = bazaar.residents, bazaar.goods, bazaar.books
    u = worth_of_coin(bazaar, resident)
    best_gain, best_good, best_recipe = 0.0, np.int64(-1), np.int64(-1)
    for good in range(len(goods.half_value)):
        if goods.wear[good] > 0.0 and residents.owned[resident, good] > 0:
            worn = np.int64(uniform(stream, 1 + good) < goods.wear[good])
            residents.owned[resident, good] -= worn
            books.worn[good] += worn
    for good in range(len(goods.half_value)):
        if goods.leisure[good] != 0 or goods.gathered[good] != 0:
            gain = gain_of(bazaar, u, resident, good)
            if gain > best_gain:
                best_gain, best_good = gain, np.int64(good)
    for recipe in range(len(goods.product)):
        good = goods.product[recipe]
        gain = gain_of(bazaar, u, resident, good) - cost_of(bazaar, u, resident, recipe)
        if gain > best_gain:
            best_gain, best_good, best_recipe = gain, good, np.int64(recipe)
    if best_good < 0:
        return
    if best_recipe >= 0:
        for entry in range(
            goods.first_material[best_recipe], goods.first_material[best_recipe + 1]
        ):
            residents.owned[resident, goods.material[entry]] -= goods.units[entry]
            books.used[goods.material[entry]] += goods.units[entry]
    if goods.leisure[best_good] == 0:
        books.made[best_good] += 1
        for good in range(len(goods.half_value)):
            if goods.leisure[good] != 0:
                residents.owned[resident, good] = 0
    residents.owned[resident, best_good] += 1


@part
def haggle(bazaar, stalls, resident, good, stream, number):
    """A resident's turn in the market of one good; his draws begin at `number` of the stream."""
    residents, rules = bazaar.residents, bazaar.rules
    base_value = residents.base_value[resident, good]
    half_value = bazaar.goods.half_value[good]
    step = rules.volatility_share * base_value
    price = residents.expected_price[resident, good]
    if uniform(stream, number) < rules.gossip_probability:
        whom = below(draw(stream, number + 1), len(residents.money_minor))
        heard = residents.expected_price[whom, good]
        price += min(max(heard - price, -step), step)
    u = worth_of_coin(bazaar, resident)
    owned = residents.owned[resident, good]
    sells = price * u > value(base_value, owned, half_value)
    buys = price * u < value(base_value, owned + 1, half_value)
    can_buy = buys and np.rint(price * MINOR_PER_COIN) <= residents.money_minor[resident]
    waited = residents.waited[resident, good]
    if can_buy or (sells and owned > 0):
        waited += 1
    if can_buy:
        bits = draw(stream, number + 2)
        place = ask_around(bazaar.rows, good, bits, price, np.int64(resident), ANYBODY)
        if place >= 0 and sell(bazaar, stalls, good, place, residents.money_minor, resident):
            residents.owned[resident, good] += 1
            price -= step
            waited = 0
    if waited > rules.patience_turns:
        waited = 0
        if buys:
            price += step
        elif sells:
            price -= step
    residents.waited[resident, good] = waited
    residents.expected_price[resident, good] = price


@part
def tick_residents(bazaar, stalls, this_tick):
    """One tick: each resident acts with `act_probability`: works, haggles, renews his offers.

    Args:
        bazaar: changed in place.
        stalls: of the merchants in town; money and stock change as they sell.
        this_tick: uint64, the key of this tick.
    """
    goods = bazaar.goods
    kinds = len(goods.half_value)
    if bazaar.books.shocked[0] != 0:
        bazaar.books.shocked[0] = 0
        for resident in range(len(bazaar.residents.money_minor)):
            renew_offers(bazaar, stalls, resident)
    for resident in range(len(bazaar.residents.money_minor)):
        stream = agent_stream(this_tick, resident)
        if uniform(stream, 0) < bazaar.rules.act_probability:
            work(bazaar, resident, stream)
            for good in range(kinds):
                if goods.leisure[good] == 0:
                    haggle(bazaar, stalls, resident, good, stream, 1 + kinds + 3 * good)
            renew_offers(bazaar, stalls, resident)
