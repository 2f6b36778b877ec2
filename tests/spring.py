"""A town at a spring: what it has is what flows, its money is in one chest. The smallest economy.

An example of an economy of one's own: copy it, rename it, and name the module as an entry point in
`city_node.economies`; then `economy = "spring"` in a city's TOML table is all it takes. Here every
good wells up, a unit a resident and tick, and a merchant sells what he brings and fills up again,
at one fixed price. What each function is for is told in `engine.economy`.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from merchants.roster import chosen, joined

CHARTS, EVENTS = (), {}
STAY_TICKS = 50


@dataclass(frozen=True)
class Parameters:
    price: float = 2.0  # coins, of any good
    chest: float = 1000.0  # coins, at the founding


class Spring(NamedTuple):
    people: np.ndarray  # int64[1]
    price_minor: np.ndarray  # int64[1]
    chest_minor: np.ndarray  # int64[1]
    trades: np.ndarray  # int64[1], units since the founding
    stock: np.ndarray  # int64[goods], units


def found(setting, parameters):
    minor = [round(coins * 10**8) for coins in (parameters.price, parameters.chest)]
    numbers = (np.array([number]) for number in (setting.residents, *minor, 0))
    return Spring(*numbers, np.zeros(len(setting.goods), np.int64))


def advance(state, town, arrivals, tick, ticks):
    town.departures.size[0] = 0
    for now in range(tick, tick + ticks):
        due = chosen(arrivals, np.flatnonzero(arrivals.rows.tick == now))
        town.roster = joined([town.roster, due])
        state.stock[:] += state.people
        town.roster.rows.to_place[:] = town.here
        town.roster.rows.expected_price[:, :, town.here] = state.price_minor / 10**8
        for merchant in range(town.roster.size[0]):
            deal(state, town.roster.rows, merchant)
        leave(town, now)
    return state


def deal(state, rows, merchant):
    """He sells what he brought, as far as the chest reaches, or fills up, as far as his money does.

    Money and units change hands here and nowhere else, and whatever one side loses the other gets.
    """
    good, price_minor = rows.good[merchant], state.price_minor[0]
    units = min(
        rows.capacity[merchant], state.stock[good], rows.money_minor[merchant] // price_minor
    )
    if rows.owned[merchant]:
        units = -min(rows.owned[merchant], state.chest_minor[0] // price_minor)
    rows.owned[merchant] += units
    state.stock[good] -= units
    rows.money_minor[merchant] -= units * price_minor
    state.chest_minor[0] += units * price_minor
    state.trades[0] += abs(units)


def leave(town, now):
    """Who has been here long enough sets out on the first open road, with all he has."""
    roads, stayed = town.roads, now - town.roster.rows.tick >= STAY_TICKS
    for road in np.flatnonzero((roads.open != 0) & (roads.room >= stayed.sum()))[:1]:
        leaving = chosen(town.roster, np.flatnonzero(stayed))
        roads.room[road] -= leaving.size[0]
        leaving.rows.tick[:] = now + roads.travel_ticks[road]
        leaving.rows.from_place[:], leaving.rows.to_place[:] = town.here, roads.place[road]
        town.departures = joined([town.departures, leaving])
        town.roster = chosen(town.roster, np.flatnonzero(~stayed))


def live(state):
    yield from state


def residents(state):
    return int(state.people[0])


def holdings_minor(state):
    return int(state.chest_minor[0])


def purses(state):
    return state.chest_minor


def prices(state):
    return np.full(len(state.stock), state.price_minor[0] / 10**8)


def price_range(state):
    return np.stack([prices(state), prices(state)])


def stock(state):
    return state.stock.copy()


def trades(state):
    return int(state.trades[0])


def series(state):
    return {"chest": state.chest_minor[0] / 10**8}


def samples(_state, _most):
    return {}
