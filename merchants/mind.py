"""How a learned merchant decides: what he sees, what he may do, and the network that chooses.

At an act he weighs the deals he knows of: to stay; to buy here and sell down a road; with empty
hands, to go down a road and buy there to sell here. `DEALS` of them, those that promise the most
for all he can carry and pay, are put before the network, whatever the number of goods and roads;
it chooses one, when to set out, what to bid, what to ask and how far to believe what he hears.
Every choice is sampled by the inverse of its distribution function; the draws of his act beside
those of `merchants.step` and `merchants.life` are 64 + c for choice c. An option numbered 0 is the
sober one, with which training begins.

Called by the fused loops of learned cities (`advance_learned`, `advance_learned_markets`). A city
that has a `Log` with room writes down what its merchants saw, chose and owned: what training reads.
Knows no economy. Everywhere: `rows` is a merchants.roster.Merchants, `roads` a
merchants.town.Roads, `minds` a Minds, numbers int64, prices float64 coins.
"""

from typing import Annotated, NamedTuple

import numpy as np

from engine.kernels import helper, inlined, part
from engine.money import MINOR_PER_COIN
from engine.policy import Policy, Spaces, decide, option_by
from engine.rng import AGENT_STEP, UNIT_53, mix, uniform
from engine.tables import Array, Column, allocate

DEALS = 4
"""Put before the network at a time; more are known to few, and the worse ones are never taken."""

BIDS = (1.0, 0.7, 0.85, 1.2, 1.5)
ASKS = (1.0, 0.75, 0.9, 1.1, 1.3)
BELIEVES = (1.0, 0.2, 5.0)
"""Factors of his choices: on what he expects here, twice, and on the weight of what he hears."""

WHEN_DONE, NOW, NOT_YET = 0, 1, 2
"""When he sets out for his deal: loaded (or to fetch, at once), at this act, not at this one."""

DEAL, LEAVES, BID, ASK, BELIEF = range(5)
CHOICES = (DEALS, 3, len(BIDS), len(ASKS), len(BELIEVES))

OF_HIM = 9
OF_A_DEAL = 9
SPACES = Spaces(OF_HIM + DEALS * OF_A_DEAL, CHOICES)
"""What he sees and does; see `look` for the numbers."""

DRAWS = 64
"""The number of the first draw of his choices; a founding's end below."""

STAY, CARRY, FETCH = 0, 1, 2
"""Kinds of a deal: sell or wait here; buy here, sell there; buy there, sell here."""


class Deals(NamedTuple):
    """The deals he weighs, the most promising first; scratch."""

    gain: Annotated[Array, Column("f8", "deals", "coins, for all he can carry and pay")]
    kind: Annotated[Array, Column("i8", "deals", "STAY, CARRY or FETCH")]
    good: Annotated[Array, Column("i8", "deals", "which")]
    road: Annotated[Array, Column("i8", "deals", "down which; -1: none")]


class Log(NamedTuple):
    """What merchants saw, chose and owned, act by act, until it is full."""

    size: Annotated[Array, Column("i8", "1", "acts written down")]
    birthplace: Annotated[Array, Column("i8", "acts", "of whom")]
    number: Annotated[Array, Column("i8", "acts", "of whom")]
    tick: Annotated[Array, Column("i8", "acts", "when")]
    money_minor: Annotated[Array, Column("i8", "acts", "before the act, minor units")]
    good: Annotated[Array, Column("i8", "acts", "before the act")]
    owned: Annotated[Array, Column("i8", "acts", "before the act, units")]
    seen: Annotated[Array, Column("f4", "acts observations", "as the network is given it")]
    choices: Annotated[Array, Column("i8", "acts choices", "what he did")]


class Minds(NamedTuple):
    """The network of a city, and room to think in."""

    policy: Policy
    deals: Deals
    seen: Annotated[Array, Column("f4", "observations", "scratch")]
    hidden_1: Annotated[Array, Column("f4", "units_1", "scratch")]
    hidden_2: Annotated[Array, Column("f4", "units_2", "scratch")]
    outputs: Annotated[Array, Column("f4", "outputs", "scratch")]
    choices: Annotated[Array, Column("i8", "choices", "what he has chosen; scratch")]
    given: Annotated[
        Array, Column("i8", "birthplaces numbers choices", "what he shall choose, by id; -1: free")
    ]
    log: Log


def minds_of(policy: Policy, *, logged: int = 0, given: Array | None = None) -> Minds:
    """The minds of one city; the policy's arrays and what is given are shared, the scratch its own.

    Args:
        policy: of `SPACES`.
        logged: acts that are written down.
        given: int64[birthplaces, numbers, choices], what merchants choose instead of the network's
            choices; -1, or an id beyond the table: as the network says.
    """
    sizes = {
        "observations": SPACES.observations,
        "choices": len(CHOICES),
        "units_1": len(policy.bias_1),
        "units_2": len(policy.bias_2),
        "outputs": SPACES.outputs,
    }
    return Minds(
        policy,
        allocate(Deals, deals=DEALS),
        np.empty(sizes["observations"], np.float32),
        np.empty(sizes["units_1"], np.float32),
        np.empty(sizes["units_2"], np.float32),
        np.empty(sizes["outputs"], np.float32),
        np.empty(sizes["choices"], np.int64),
        np.empty((0, 0, len(CHOICES)), np.int64) if given is None else given,
        allocate(Log, acts=logged, **sizes),
    )


@inlined
def is_driven(birthplace, number, share):
    """bool: whether the network drives the merchant of that id: a share of all, drawn by id."""
    bits = mix(mix(np.uint64(birthplace)) + np.uint64(number) * AGENT_STEP)
    return np.float64(bits >> np.uint64(11)) * UNIT_53 < share


@helper
def ponder(rows, merchant, here, roads, rules, minds, heard, stream, tick):
    """Weigh, look, decide and write down; the choices are in `minds.choices`.

    Args:
        heard: float64, what a resident says of his good; NaN: nothing.
        stream: uint64, of his act.
        tick: int64.

    Returns:
        int64: which of `minds.deals` he is going to follow.
    """
    known = weigh(rows, merchant, here, roads, minds.deals)
    look(rows, merchant, here, roads, rules, minds.deals, known, heard, tick, minds.seen)
    log = minds.log
    row = log.size[0]
    logs = row < len(log.tick)
    if logs:
        log.size[0] = row + 1
        log.birthplace[row], log.number[row] = rows.birthplace[merchant], rows.number[merchant]
        log.tick[row], log.money_minor[row] = tick, rows.money_minor[merchant]
        log.good[row], log.owned[row] = rows.good[merchant], rows.owned[merchant]
        for column in range(len(minds.seen)):
            log.seen[row, column] = minds.seen[column]
    choose(minds, rows.birthplace[merchant], rows.number[merchant], stream)
    if logs:
        for choice in range(len(minds.choices)):
            log.choices[row, choice] = minds.choices[choice]
    return minds.choices[DEAL] if minds.choices[DEAL] < known else np.int64(0)


@helper
def choose(minds, birthplace, number, stream):
    """Write what the merchant of that id chooses into `minds.choices`: as he is told, or freely."""
    given = minds.given
    known = birthplace < given.shape[0] and number < given.shape[1]
    if known and given[birthplace, number, 0] >= 0:
        for choice in range(len(minds.choices)):
            minds.choices[choice] = given[birthplace, number, choice]
        return
    decide(minds.policy, minds.seen, minds.hidden_1, minds.hidden_2, minds.outputs)
    first = 0
    for choice in range(len(minds.choices)):
        options = minds.policy.options[choice]
        chance = uniform(stream, DRAWS + choice)
        minds.choices[choice] = option_by(minds.outputs, first, options, chance)
        first += options


@helper
def weigh(rows, merchant, here, roads, deals):
    """Find the best deals he knows of; to stay is always among them unless better ones fill all.

    A deal's gain is that of one unit times the units that he could carry and pay. Whoever owns
    something weighs only where to sell it.

    Returns:
        int64: how many he knows of, from 1 to DEALS.
    """
    own = rows.good[merchant]
    known = enter(deals, 0, 0.0, STAY, own, np.int64(-1))
    coins = rows.money_minor[merchant] / MINOR_PER_COIN
    room = float(rows.capacity[merchant])
    for good in range(rows.expected_price.shape[1]):
        price_here = rows.expected_price[merchant, good, here]
        if np.isnan(price_here) or (rows.owned[merchant] > 0 and good != own):
            continue
        for road in range(len(roads.place)):
            price = rows.expected_price[merchant, good, roads.place[road]]
            if roads.open[road] == 0 or roads.carries[road, good] == 0 or np.isnan(price):
                continue
            gain = price - price_here - roads.cost[road]
            if rows.owned[merchant] > 0:
                known = enter(deals, known, gain * room, CARRY, good, road)
                continue
            units = min(room, coins / max(price_here, 1e-9))
            known = enter(deals, known, gain * units, CARRY, good, road)
            units = min(room, coins / max(price, 1e-9))
            gain = price_here - price - roads.cost_back[road]
            known = enter(deals, known, gain * units, FETCH, good, road)
    return known


@helper
def enter(deals, known, gain, kind, good, road):
    """int64: how many deals are known with this one; of equals the first stays first."""
    place = known
    while place > 0 and deals.gain[place - 1] < gain:
        place -= 1
    if place == DEALS:
        return known
    known = min(known + 1, DEALS)
    for later in range(known - 1, place, -1):
        deals.gain[later] = deals.gain[later - 1]
        deals.kind[later] = deals.kind[later - 1]
        deals.good[later] = deals.good[later - 1]
        deals.road[later] = deals.road[later - 1]
    deals.gain[place], deals.kind[place] = gain, kind
    deals.good[place], deals.road[place] = good, road
    return known


@part
def look(rows, merchant, here, roads, rules, deals, known, heard, tick, seen):
    """What he sees, in numbers of about one; OF_HIM of himself, then OF_A_DEAL of each deal.

    Of himself: money (logarithm), units over capacity, whether he has none, room; what he can pay
    of a full load of his good; money that would be taxed; what he hears against what he expects;
    ticks here (logarithm); what his goods are worth against his money. Of a deal: whether there is
    one, whether it carries, fetches, is in his good; gain over all he has; margin; log of the price
    there over the price here; what a full load costs against his money; ticks of travel.
    """
    for column in range(len(seen)):
        seen[column] = np.float32(0.0)
    coins = rows.money_minor[merchant] / MINOR_PER_COIN
    price = rows.expected_price[merchant, rows.good[merchant], here]
    price = 0.0 if np.isnan(price) else price
    capacity = float(rows.capacity[merchant])
    owned = float(rows.owned[merchant])
    wealth = coins + owned * price + 1.0
    seen[0] = np.log1p(max(coins, 0.0)) / 7.0
    seen[1] = owned / capacity
    seen[2] = 1.0 if owned == 0.0 else 0.0
    seen[3] = 1.0 if owned < capacity else 0.0
    seen[4] = min(1.0, coins / max(1e-9, price * capacity))
    seen[5] = max(0.0, coins - rules.tax_free_money) / wealth
    if not np.isnan(heard) and price > 0.0:
        seen[6] = min(1.0, max(-1.0, heard / price - 1.0))
    seen[7] = np.log1p(float(tick - rows.tick[merchant])) / 7.0
    seen[8] = owned * price / wealth
    for number in range(known):
        at = OF_HIM + number * OF_A_DEAL
        good, road, kind = deals.good[number], deals.road[number], deals.kind[number]
        seen[at] = 1.0
        seen[at + 1] = 1.0 if kind == CARRY else 0.0
        seen[at + 2] = 1.0 if kind == FETCH else 0.0
        seen[at + 3] = 1.0 if good == rows.good[merchant] else 0.0
        if kind == STAY:
            continue
        price_here = rows.expected_price[merchant, good, here]
        there = rows.expected_price[merchant, good, roads.place[road]]
        bought = price_here if kind == CARRY else there
        seen[at + 4] = min(3.0, max(-3.0, 5.0 * deals.gain[number] / wealth))
        seen[at + 5] = min(1.0, max(-1.0, (there - price_here) / max(1e-9, there + price_here)))
        seen[at + 6] = min(2.0, bought * capacity / wealth)
        seen[at + 7] = min(2.0, roads.cost[road] / max(1e-9, bought))
        seen[at + 8] = np.log1p(float(roads.travel_ticks[road])) / 5.0


@helper
def sets_out(rows, merchant, kind, leaves):
    """bool: whether he wants to set out now for a deal that is not here."""
    if leaves == NOW:
        return True
    loaded = rows.owned[merchant] >= rows.capacity[merchant] or kind == FETCH
    return leaves == WHEN_DONE and loaded


@helper
def may_leave(rows, merchant, road, roads):
    """bool: whether a road is open, has room, and knows his good at its end."""
    if road < 0 or roads.open[road] == 0 or roads.room[road] <= 0:
        return False
    return roads.carries[road, rows.good[merchant]] != 0
