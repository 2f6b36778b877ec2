"""Who leaves a city by a road over the network: his number, what the wire says of him, his return.

Called by `node` and `durability` after a window, and by whoever brings somebody home. Knows the
world's arrays and the wire's merchants, and no road.
"""

from dataclasses import dataclass
from itertools import islice

import numpy as np

from city_node.cities.inputs import Homecomer, take, unknown_genes
from city_node.cities.world import City, World
from merchants.genome import NEUTRAL, genome_of
from merchants.roster import Merchants as Rows
from merchants.roster import Roster, chosen
from protocol.limits import TRAITS_MAX
from protocol.messages import Merchant


@dataclass(frozen=True)
class Departure:
    """One who has left a city by a road over the network.

    Attributes:
        peer: the city he is bound for.
        xid: counted for each pair of cities, never given twice.
        row: as he left, should he have to come home.
        merchant: what the wire says of him.
        address: of the peer, where that is of the legacy wire; `crossing` knows it.
    """

    city: City
    peer: str
    xid: int
    row: Roster
    merchant: Merchant
    address: str = ""


def leave(world: World, node_suffix: str) -> list[Departure]:
    """All who left for the network in the last window, numbered; empties `world.abroad`.

    The same history gives the same numbers: recovery counts on it.
    """
    departures = []
    for city, left in world.abroad:
        for number, merchant in enumerate(on_the_wire(world, left, node_suffix)):
            row = chosen(left, slice(number, number + 1))
            peer = world.places[int(row.rows.to_place[0])]
            pair = city.here, peer.casefold()
            xid = world.next_xid.get(pair, 0)
            world.next_xid[pair] = xid + 1
            departures.append(Departure(city, peer, xid, row, merchant))
    world.abroad.clear()
    return departures


def on_the_wire(world: World, merchants: Roster, node_suffix: str) -> list[Merchant]:
    """Rows as the wire's merchants; our own cities under their full names."""
    size = int(merchants.size[0])
    rows = merchants.rows
    unknown = np.isnan(rows.expected_price[:size])
    heard_of = np.flatnonzero(~unknown.all(axis=(0, 1)))
    dealt_in = np.flatnonzero(~unknown.all(axis=(0, 2)))
    own = len(world.cities)
    cities = [world.places[at].upper() + (node_suffix if at < own else "") for at in heard_of]
    goods = [world.goods[good] for good in dealt_in]
    told = np.ix_(np.arange(size), dealt_in, heard_of)
    columns = zip(
        rows.money_minor[:size].tolist(),
        rows.good[:size].tolist(),
        rows.capacity[:size].tolist(),
        rows.owned[:size].tolist(),
        rows.expected_price[told].tolist(),
        np.any(unknown[told], axis=(1, 2)).tolist(),
        _genomes(world, rows, size),
        strict=True,
    )
    travellers = []
    for money_minor, good, capacity, owned, prices, has_gaps, genome in columns:
        if has_gaps:
            expected_prices = _known(goods, cities, prices)
        else:
            by_good = zip(goods, prices, strict=True)
            expected_prices = {
                name: dict(zip(cities, by_city, strict=True)) for name, by_city in by_good
            }
        travellers.append(
            Merchant(
                money_minor=money_minor,
                good=world.goods[good],
                capacity=capacity,
                owned=owned,
                expected_prices=expected_prices,
                genome=genome,
            )
        )
    return travellers


def _known(
    goods: list[str], cities: list[str], prices: list[list[float]]
) -> dict[str, dict[str, float]]:
    """The prices that are not NaN, of the goods that have any."""
    found = {}
    for good, by_city in zip(goods, prices, strict=True):
        pairs = zip(cities, by_city, strict=True)
        if known := {city: price for city, price in pairs if price == price}:
            found[good] = known
    return found


def _genomes(world: World, rows: Rows, size: int) -> list[dict[str, float] | None]:
    """Each one's genes and those he carries for others, of these as many as a line takes.

    None where he is neutral: whoever gets him takes him for neutral then.
    """
    genomes: list[dict[str, float] | None] = [None] * size
    for row in np.flatnonzero((rows.genome[:size] != NEUTRAL).any(axis=1)).tolist():
        genomes[row] = genome_of(rows.genome[row])
    if world.luggage:
        ids = zip(rows.birthplace[:size].tolist(), rows.number[:size].tolist(), strict=True)
        for row, who in enumerate(ids):
            if kept := world.luggage.pop(who, None):
                genes = (genomes[row] or {}) | kept
                genomes[row] = dict(islice(genes.items(), TRAITS_MAX))
    return genomes


def bring_home(
    world: World,
    city: City,
    merchants: Roster,
    genome: dict[str, float] | None,
    address: str = "",
) -> None:
    """One whose road broke, or who cannot go where he wanted, before he was on the wire."""
    peer = world.places[int(merchants.rows.to_place[0])]
    take(world, Homecomer(city.here, peer, merchants, unknown_genes(genome), address))
