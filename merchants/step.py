"""What one merchant does in a tick, whatever the economy around him: hear, choose, leave, arrive.

The draws of his act are numbered: 0 whether he acts, 1 whom he hears, 2 in which order he asks
around, 3 whether he sets out at random, 4 on which road, 5 whether he sets out for the best place;
those of a founding begin at 16 (`merchants.life`). Called by the fused loops; the buying and
selling itself belongs to the economy. Everywhere: `rows` is a merchants.roster.Merchants, `roads`
a merchants.town.Roads, `here` this city's place, numbers int64, prices float64 coins. What the
genes of a merchant make of a number is in `merchants.genome`.
"""

import numpy as np

from engine.kernels import helper, part
from engine.money import MINOR_PER_COIN, share_out, to_minor
from engine.rng import below, draw, uniform
from merchants.genome import (
    asking_price,
    attachment,
    bidding_price,
    setting_out_probability,
    toll,
    trust,
    wander_probability,
)
from merchants.roster import copy_merchant, vacate

ACTS, HEARS, ASKS, WANDERS, TAKES_ROAD, SETS_OUT = 0, 1, 2, 3, 4, 5
"""The numbers of his draws."""


@part
def arrive(roster, arrivals, first, tick, residents_minor, rules, here):
    """Let in those who are due this tick; each pays the arrival tax, shared among the residents.

    The tax is (money - tax_free) // divisor where that is positive, in minor units; nobody pays
    where nobody lives, nor who comes from here: his road broke before he was anywhere. The taxes of
    one tick are shared out together.

    Args:
        roster: with room for all arrivals.
        arrivals: sorted by tick.
        first: the first row of `arrivals` not let in yet.
        tick: int64.
        residents_minor: int64[residents].
        rules: merchants.params.Rules.
        here: int64.

    Returns:
        int64: the first row that is still to come.
    """
    tax_minor = np.int64(0)
    free_minor = to_minor(rules.tax_free_money)
    while first < arrivals.size[0] and arrivals.rows.tick[first] <= tick:
        row = roster.size[0]
        roster.size[0] = row + 1
        copy_merchant(arrivals.rows, first, roster.rows, row)
        roster.rows.ask[row] = np.inf
        roster.rows.place[row] = -1
        roster.rows.to_place[row] = here
        excess_minor = roster.rows.money_minor[row] - free_minor
        away = roster.rows.from_place[row] != here
        if excess_minor > 0 and away and len(residents_minor) > 0:
            roster.rows.money_minor[row] -= excess_minor // rules.tax_divisor
            tax_minor += excess_minor // rules.tax_divisor
        first += 1
    if tax_minor > 0:
        share_out(residents_minor, tax_minor, tick)
    return first


@part
def hear(rows, merchant, here, prices, weight):
    """Move what he expects here, good by good, towards what somebody says.

    Args:
        prices: float64[goods], NaN where there is nothing to say.
        weight: float64 in [0, 1].
    """
    for good in range(len(prices)):
        own = rows.expected_price[merchant, good, here]
        if not np.isnan(prices[good]):
            if np.isnan(own):
                rows.expected_price[merchant, good, here] = prices[good]
            else:
                rows.expected_price[merchant, good, here] = own + weight * (prices[good] - own)


@helper
def deal(rows, merchant, good, here, roads):
    """The best deal in a good over here and the roads out.

    The largest EP[sell] - EP[buy] - moving cost, where selling down a road costs its moving cost
    and buying there that of the way back; staying and earning nothing wins a tie.

    Returns:
        (float64 coins gained a unit, int64 the road to the best place to sell or -1 for here).
    """
    own = rows.expected_price[merchant, good, here]
    if np.isnan(own):
        return 0.0, np.int64(-1)
    dearest, cheapest, best = own, own, np.int64(-1)
    sure, weight = trust(rows, merchant), toll(rows, merchant)
    for road in range(len(roads.place)):
        price = rows.expected_price[merchant, good, roads.place[road]]
        if roads.open[road] != 0 and roads.carries[road, good] != 0 and not np.isnan(price):
            cost = roads.cost[road] * weight
            if price * sure - cost > dearest:
                dearest, best = price * sure - cost, np.int64(road)
            cheapest = min(cheapest, price + roads.cost_back[road] * weight)
    return dearest - cheapest, best


@part
def bid(rows, merchant, here, there):
    """float64: the most he pays: what he expects here, less than he expects there, what he has."""
    good = rows.good[merchant]
    limit = bidding_price(rows, merchant, rows.expected_price[merchant, good, here])
    resale = rows.expected_price[merchant, good, there] * trust(rows, merchant)
    if limit >= resale:
        limit = np.nextafter(resale, -np.inf)
    return min(limit, rows.money_minor[merchant] / MINOR_PER_COIN)


@part
def stall_price(rows, merchant, here):
    """float64: what he asks at his stall, infinite where he expects nothing or less."""
    expected = rows.expected_price[merchant, rows.good[merchant], here]
    return asking_price(rows, merchant, expected) if expected >= 0.0 else np.inf


@part
def road_taken(rows, merchant, best, roads, rules, stream):
    """int64: the road he takes now, or -1: a random one now and then, the best one when full.

    One who finds his road closed, full or unfit for his good stays.
    """
    road = np.int64(-1)
    if len(roads.place) > 0 and uniform(stream, WANDERS) < wander_probability(
        rows, merchant, rules
    ):
        road = below(draw(stream, TAKES_ROAD), len(roads.place))
    elif best >= 0 and uniform(stream, SETS_OUT) < setting_out_probability(rows, merchant):
        road = best
    if road >= 0 and (
        roads.open[road] == 0
        or roads.room[road] <= 0
        or roads.carries[road, rows.good[merchant]] == 0
    ):
        return np.int64(-1)
    return road


@part
def depart(roster, merchant, road, roads, here, departures, tick):
    """Move one merchant, his stall shut, from the roster to the departures; the last fills his row.

    Returns:
        bool: whether another merchant now has row `merchant`.
    """
    row = departures.size[0]
    departures.size[0] = row + 1
    roads.room[road] -= 1
    copy_merchant(roster.rows, merchant, departures.rows, row)
    departures.rows.tick[row] = tick + roads.travel_ticks[road]
    departures.rows.from_place[row] = here
    departures.rows.to_place[row] = roads.place[road]
    return vacate(roster, merchant)


@part
def change_trade(rows, merchant, here, roads):
    """One who owns nothing switches to the good with the best deal; a tie keeps his own."""
    own = rows.good[merchant]
    best_gain, _ = deal(rows, merchant, own, here, roads)
    best_gain *= attachment(rows, merchant)
    for good in range(rows.expected_price.shape[1]):
        if good != own:
            gain, _ = deal(rows, merchant, good, here, roads)
            if gain > best_gain:
                best_gain = gain
                rows.good[merchant] = good
