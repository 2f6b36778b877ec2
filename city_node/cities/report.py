"""What can be read off a world: its hashes, and what the report says of it. Changes nothing."""

import hashlib
from typing import Any

import numpy as np

from city_node import VERSION
from city_node.cities.world import City, World, merchants_minor
from engine.tables import digest_into
from merchants.roster import chosen


def state_hash(world: World, city: City) -> str:
    """blake2b over version, tick, seed, the economy's live arrays, merchants and who comes here.

    Merchants go in by id. Equal for one machine and one set of versions, whatever the windows.
    """
    digest = hashlib.blake2b(digest_size=16)
    digest.update(f"{VERSION} {world.tick} {world.seed} {city.name}".encode())
    for array in city.economy.live(city.state):
        digest.update(repr(array.shape).encode())
        digest.update(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes())
    bound = chosen(
        world.walking,
        np.flatnonzero(world.walking.rows.to_place[: world.walking.size[0]] == city.here),
    )
    for roster in (city.town.roster, bound):
        rows = roster.rows
        count = int(roster.size[0])
        by_id = np.lexsort((rows.number[:count], rows.birthplace[:count]))
        digest_into(digest, rows, by_id)
    digest_into(digest, city.town.roads)
    digest_into(digest, city.town.lives)
    return digest.hexdigest()


def report(world: World, node_name: str, wall_s: float) -> dict[str, Any]:
    """What `--report` writes; money in minor units, prices in coins."""
    return {
        "seed": world.seed,
        "wall_s": round(wall_s, 3),
        "node": node_name,
        "device": world.cities[0].town.device,
        "cities": [
            city_summary(world, city) | {"hash": state_hash(world, city)} for city in world.cities
        ],
    }


def city_summary(world: World, city: City) -> dict[str, Any]:
    """What the report says of a city, without the hash, which costs a pass over all its arrays."""
    economy, state, ledger = city.economy, city.state, city.ledger
    rows = city.town.roster.rows
    count = int(city.town.roster.size[0])
    carried = np.bincount(rows.good[:count], rows.owned[:count], len(world.goods))
    stock = economy.stock(state) + carried.astype(np.int64)
    prices = {
        good: float(price)
        for good, price in zip(world.goods, economy.prices(state), strict=True)
        if not np.isnan(price)
    }
    return {
        "name": city.name,
        "tick": world.tick,
        "locals": economy.residents(state),
        "merchants": count,
        "money": {
            "initial": ledger.initial_minor,
            "issued": ledger.issued_minor,
            "destroyed": ledger.destroyed_minor,
            "entered": ledger.entered_minor,
            "left": ledger.left_minor,
            "holdings": economy.holdings_minor(state) + merchants_minor(city.town),
        },
        "prices": prices,
        "stock": {good: int(stock[world.goods.index(good)]) for good in prices},
        "trades": economy.trades(state),
        "arrivals": dict(sorted((+city.arrivals).items())),
        "departures": dict(sorted((+city.departures).items())),
        "tariffs": dict(sorted((+city.tariffs_minor).items())),
    }
