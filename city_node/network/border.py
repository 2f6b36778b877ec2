"""The border of a city: who and what may enter, and how a merchant of the wire becomes one of ours.

Decides between windows; what it decides is an input. Guests (anybody's programs) are bounded in
what each may bring, in how many of one peer may be present, and in the coins that a peer's
merchants bring in net an hour; whoever is over a bound goes back as the very line he came on. What
nodes of ours may bring is decided in `migrating`. Knows the wire's columns and the world's arrays,
no socket.
"""

from typing import NamedTuple

import numpy as np

from city_node.cities.inputs import Arrivals, Place, take, unknown_genes
from city_node.cities.world import City, World
from city_node.network.policy import Guests
from city_node.network.quotas import Brought
from engine.money import MINOR_PER_COIN
from merchants.genome import NEUTRAL, NUMBER
from merchants.roster import Roster, empty
from protocol.events import Merchants

ADDRESS_PEERS = 4
"""Names are free where nobody proves who he is: all peers of one address together may bring as much
as so many of them, whatever they call themselves."""

NODE_MERCHANTS_MAX = 4_096
"""Present in one city from one city of a node of ours, who are not bounded each: one without a coin
takes up memory and time too."""

FOREIGN_PLACES_MAX = 64
"""Cities of the network that merchants here can have beliefs about; columns of every roster."""


class Admitted(NamedTuple):
    """What became of merchants at the border."""

    entered: int
    turned_back: list[bytes]
    reason: str


def place_of(world: World, name: str, in_use: set[str]) -> int | None:
    """The place of a city of the network; a new one if there is room, or one out of use.

    Args:
        name: as the city spells itself, matched ignoring case.
        in_use: names, casefolded, of cities that a road leads to; their places are not given away.

    Returns:
        None when every foreign place is in use.
    """
    wanted = name.casefold()
    for place, known in enumerate(world.places):
        if known.casefold() == wanted:
            return place
    free = len(world.places)
    if free == len(world.cities) + FOREIGN_PLACES_MAX:
        for free in range(len(world.cities), len(world.places)):
            if world.places[free].casefold() not in in_use:
                break
        else:
            return None
    take(world, Place(free, name))
    return free


def admit(
    world: World,
    city: City,
    from_place: int,
    came: Merchants,
    *,
    guests: Guests,
    brought: Brought,
    node_suffix: str,
    now_s: float,
    tariff_bp: int = 0,
    address: str = "",
) -> Admitted:
    """Let guests of one peer into a city, in the order of their lines, as far as bounds allow.

    Args:
        from_place: the peer's place.
        came: the wire's columns; its goods are the world's tradeable ones.
        guests: the city's bounds.
        brought: by this peer to this city; what enters is booked.
        node_suffix: "@NODE" in upper case; beliefs about our own cities may carry it.
        now_s: the node's clock.
        tariff_bp: of the money of those who enter.
        address: of the peer.
    """
    money_minor = np.frombuffer(came.money_minor, np.int64)
    capacity = np.frombuffer(came.capacity, np.int64)
    reason = ""
    capacity_max = max(guests.capacity, int(city.town.rules.capacity))
    rich = money_minor > guests.coins * MINOR_PER_COIN
    fits = capacity <= capacity_max
    fits &= ~rich | (np.cumsum(np.where(rich, money_minor, 0)) <= -brought.peer.net_minor)
    if not fits.all():
        reason = f"over {guests.coins:,} coins or capacity {capacity_max} a guest"
    free = guests.present - guests_present(world, city, from_place)
    free_here = ADDRESS_PEERS * guests.present - brought.heads.hour_minor(now_s)
    crowded = np.cumsum(fits) > min(free, free_here)
    if (fits & crowded).any():
        reason = f"guests present = over {guests.present:,}"
        if free_here < free:
            reason = f"guests of its address = over {ADDRESS_PEERS * guests.present:,} an hour"
    fits &= ~crowded
    net_minor = guests.net_coins * MINOR_PER_COIN
    peer, neighbours = brought.peer, brought.address
    free_minor = max(net_minor - peer.hour_minor(now_s), -peer.net_minor)
    address_minor = ADDRESS_PEERS * net_minor - neighbours.hour_minor(now_s)
    address_minor = max(address_minor, -neighbours.net_minor)
    if int(money_minor[fits].sum()) > min(free_minor, address_minor):
        reason = f"coins in net = over {guests.net_coins:,} an hour"
        if address_minor < free_minor:
            reason = f"coins in net of its address = over {ADDRESS_PEERS * guests.net_coins:,}"
            reason += " an hour"
        free_minor = min(free_minor, address_minor)
        for row in np.flatnonzero(fits):
            fits[row] = money_minor[row] <= free_minor
            free_minor -= int(money_minor[row]) if fits[row] else 0
    rows = np.flatnonzero(fits)
    brought.book(now_s, int(money_minor[rows].sum()), len(rows))
    if len(rows):
        enter(
            world, city, from_place, came, rows, node_suffix, tariff_bp=tariff_bp, address=address
        )
    turned_back = [came.lines[int(row)] for row in np.flatnonzero(~fits)]
    return Admitted(len(rows), turned_back, reason)


def guests_present(world: World, city: City, from_place: int) -> int:
    """Merchants in town, or about to be, who came by the road from a place."""
    present = city.town.roster.rows.from_place[: city.town.roster.size[0]]
    under_way = world.walking.rows
    arriving = (under_way.from_place == from_place) & (under_way.to_place == city.here)
    return int((present == from_place).sum() + arriving[: world.walking.size[0]].sum())


def enter(
    world: World,
    city: City,
    from_place: int,
    came: Merchants,
    rows: np.ndarray,
    node_suffix: str,
    *,
    tariff_bp: int = 0,
    address: str = "",
) -> None:
    """Put rows of the wire's columns on the last step of the road into a city."""
    roster = roster_of(world, city, from_place, came, rows, node_suffix)
    foreign = [number for number, name in enumerate(came.traits) if name not in NUMBER]
    genes = np.frombuffer(came.genes).reshape(len(came), len(came.traits))[rows][:, foreign]
    luggage = {
        nth: unknown_genes(came.genome(int(rows[nth])))
        for nth in np.flatnonzero(~np.isnan(genes).all(axis=1)).tolist()
    }
    peer = world.places[from_place]
    take(world, Arrivals(city.here, peer, roster, luggage, tariff_bp, address))


def roster_of(
    world: World, city: City, from_place: int, came: Merchants, rows: np.ndarray, node_suffix: str
) -> Roster:
    """Rows of the wire's columns as merchants about to arrive in a city."""
    goods = np.array([world.goods.index(good) for good in came.goods])
    roster = empty(len(world.goods), len(world.places), len(rows))
    roster.size[0] = len(rows)
    new = roster.rows
    new.birthplace[:] = city.here
    new.number[:] = city.town.lives.next_number[0] + np.arange(len(rows))
    new.money_minor[:] = np.frombuffer(came.money_minor, np.int64)[rows]
    new.stake_minor[:] = new.money_minor
    new.good[:] = goods[np.frombuffer(came.good, np.int64)[rows]]
    new.owned[:] = np.frombuffer(came.owned, np.int64)[rows]
    new.capacity[:] = np.frombuffer(came.capacity, np.int64)[rows]
    new.tick[:] = world.tick
    new.from_place[:] = from_place
    new.to_place[:] = city.here
    prices = np.frombuffer(came.prices).reshape(len(came), len(goods), len(came.cities))
    new.expected_price[:] = np.nan
    for number, name in enumerate(came.cities):
        place = _place_known(world, name, node_suffix)
        if place is not None:
            told = prices[rows, :, number]
            kept = new.expected_price[:, goods, place]
            new.expected_price[:, goods, place] = np.where(np.isnan(told), kept, told)
    genes = np.frombuffer(came.genes).reshape(len(came), len(came.traits))[rows]
    for number, name in enumerate(came.traits):
        if name in NUMBER:
            told = genes[:, number]
            new.genome[:, NUMBER[name]] = np.where(np.isnan(told), NEUTRAL, told)
    return roster


def _place_known(world: World, name: str, node_suffix: str) -> int | None:
    wanted = name.casefold()
    for place, known in enumerate(world.places):
        if wanted == known.casefold() or wanted == known.casefold() + node_suffix.casefold():
            return place
    return None
