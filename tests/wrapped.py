"""The engine's and merchants' small functions as kernels of their own, for tests to call.

They are compiled once and kept with the other kernels; whoever changes a function under test gets
a new folder of kernels, and so a new wrapper.
"""

from numba import float64, int64, uint64, void
from numba.types import Tuple

from engine import money, rng
from engine.kernels import kernel
from engine.markets import haggle
from engine.tables import kernel_type
from merchants import step
from merchants.params import Rules
from merchants.roster import Merchants
from merchants.town import Roads

ROWS = kernel_type(haggle.Rows)
MERCHANTS = kernel_type(Merchants)
ROADS = kernel_type(Roads)
RULES = kernel_type(Rules)


@kernel(void(uint64, int64, int64, int64, uint64[::1]))
def draws(key, tick, agent, first, into):
    """Draws `first`, `first` + 1, ... of an agent in a tick."""
    stream = rng.agent_stream(rng.tick_key(key, tick), agent)
    for number in range(len(into)):
        into[number] = rng.draw(stream, first + number)


@kernel(void(uint64, int64, int64[::1], uint64[::1]))
def streams(key, tick, agents, into):
    """Where the draws of each agent begin."""
    this_tick = rng.tick_key(key, tick)
    for row in range(len(agents)):
        into[row] = rng.agent_stream(this_tick, agents[row])


@kernel(float64(uint64, int64))
def uniform(stream, number):
    return rng.uniform(stream, number)


@kernel(int64(uint64, int64))
def below(bits, limit):
    return rng.below(bits, limit)


@kernel(int64(float64))
def to_minor(coins):
    return money.to_minor(coins)


@kernel(void(int64[::1], int64, int64[::1], int64, int64))
def post(debit_minor, debit, credit_minor, credit, amount_minor):
    money.post(debit_minor, debit, credit_minor, credit, amount_minor)


@kernel(void(int64[::1], int64, int64))
def share_out(money_minor, amount_minor, tick):
    money.share_out(money_minor, amount_minor, tick)


@kernel(int64(ROWS, int64, int64, int64, float64))
def stand(rows, good, place, seller, ask):
    return haggle.stand(rows, good, place, seller, ask)


@kernel(int64(ROWS, int64, int64))
def step_out(rows, good, place):
    return haggle.step_out(rows, good, place)


@kernel(int64(ROWS, int64, uint64, float64, int64, int64))
def ask_around(rows, good, bits, price_max, buyer, sellers_end):
    return haggle.ask_around(rows, good, bits, price_max, buyer, sellers_end)


@kernel(Tuple((float64, int64))(MERCHANTS, int64, int64, int64, ROADS, RULES))
def deal(rows, merchant, good, here, roads, rules):
    return step.deal(rows, merchant, good, here, roads, rules)


@kernel(float64(MERCHANTS, int64, int64, int64, RULES))
def bid(rows, merchant, here, there, rules):
    return step.bid(rows, merchant, here, there, rules)


@kernel(int64(MERCHANTS, int64, int64, ROADS, RULES, uint64))
def road_taken(rows, merchant, best, roads, rules, stream):
    return step.road_taken(rows, merchant, best, roads, rules, stream)
