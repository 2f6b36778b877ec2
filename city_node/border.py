"""The border of a city: who and what may enter, and how a merchant of the wire becomes one of ours.

Decides between windows; what it decides is an input. Guests (anybody's programs) are bounded in
what each may bring, in how many of one peer may be present, and in the coins that a peer's
merchants bring in net an hour; nodes of ours in the coins they bring in net, ever. Whoever is over
a bound goes back as the very line he came on. Knows the wire's columns and the world's arrays, no
socket.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from city_node.inputs import Arrivals, Homecomer, Place, take, unknown_genes
from city_node.world import City, World
from engine.money import MINOR_PER_COIN
from merchants.genome import NEUTRAL, genes_of, genome_of
from merchants.roster import Merchants as Rows
from merchants.roster import Roster, chosen, empty
from protocol.events import Merchants
from protocol.limits import TRAITS_MAX
from protocol.messages import Merchant

GUESTS_PRESENT_MAX = 64
"""Of one peer in one city: a crowd of strangers must not become the city's trade."""

GUEST_COINS_MAX = 2_000
"""What one guest may bring: twice what a merchant is founded with."""

GUEST_CAPACITY_MAX = 20
"""What one guest may carry: as much as a merchant of the tutorial."""

GUEST_NET_COINS_MAX = 20_000
"""What a peer's guests may bring in an hour beyond what they took out: a city's initial money."""

HOUR_S = 3_600.0
ENTRY_S = 60.0
"""An hour is kept as entries of so long each: a road may carry thousands of merchants a second."""

NODE_MERCHANTS_MAX = 4_096
"""Present in one city from one city of a node of ours, who are not bounded each: one without a coin
takes up memory and time too."""

FOREIGN_PLACES_MAX = 64
"""Cities of the network that merchants here can have beliefs about; columns of every roster."""


@dataclass
class Quota:
    """What one peer has brought to one city.

    Attributes:
        net_minor: coins in less coins out since the road first opened, minor units.
        recent: (since when, coins in less coins out) of the last hour, an entry a minute.
    """

    net_minor: int = 0
    recent: deque[tuple[float, int]] = field(default_factory=deque)

    def book(self, now_s: float, amount_minor: int) -> None:
        """Note coins that came in, or, negative, went out."""
        self.net_minor += amount_minor
        if self.recent and now_s < self.recent[-1][0] + ENTRY_S:
            since_s, booked_minor = self.recent.pop()
            self.recent.append((since_s, booked_minor + amount_minor))
        else:
            self.recent.append((now_s, amount_minor))
            self._forget(now_s)

    def earlier(self, by_s: float) -> "Quota":
        """The same, by a clock that shows so much less."""
        return Quota(self.net_minor, deque((since_s - by_s, m) for since_s, m in self.recent))

    def hour_minor(self, now_s: float) -> int:
        """Coins in less coins out over the last hour, and up to a minute more."""
        self._forget(now_s)
        return sum(amount for _, amount in self.recent)

    def _forget(self, now_s: float) -> None:
        while self.recent and self.recent[0][0] + ENTRY_S < now_s - HOUR_S:
            self.recent.popleft()


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
    of_ours: bool,
    quota: Quota,
    node_suffix: str,
    now_s: float,
) -> Admitted:
    """Let merchants of one peer into a city, in the order of their lines, as far as bounds allow.

    Args:
        from_place: the peer's place.
        came: the wire's columns; its goods are the world's tradeable ones.
        of_ours: the peer is a node of ours.
        quota: of this peer with this city; what enters is booked.
        node_suffix: "@NODE" in upper case; beliefs about our own cities may carry it.
        now_s: the node's clock.
    """
    money_minor = np.frombuffer(came.money_minor, np.int64)
    capacity = np.frombuffer(came.capacity, np.int64)
    fits = np.ones(len(came), bool)
    reason = ""
    if of_ours:
        present_max = NODE_MERCHANTS_MAX
        free_minor = city.ledger.initial_minor - quota.net_minor
        limit = f"coins in net = over {city.ledger.initial_minor / MINOR_PER_COIN:,.0f}"
    else:
        present_max = GUESTS_PRESENT_MAX
        fits &= (money_minor <= GUEST_COINS_MAX * MINOR_PER_COIN) & (capacity <= GUEST_CAPACITY_MAX)
        if not fits.all():
            reason = f"over {GUEST_COINS_MAX:,} coins or capacity {GUEST_CAPACITY_MAX} a guest"
        free_minor = GUEST_NET_COINS_MAX * MINOR_PER_COIN - quota.hour_minor(now_s)
        limit = f"coins in net = over {GUEST_NET_COINS_MAX:,} an hour"
    crowded = np.cumsum(fits) > present_max - guests_present(world, city, from_place)
    if (fits & crowded).any():
        reason = f"guests present = over {present_max:,}"
    fits &= ~crowded
    if int(money_minor[fits].sum()) > free_minor:
        reason = limit
        for row in np.flatnonzero(fits):
            fits[row] = money_minor[row] <= free_minor
            free_minor -= int(money_minor[row]) if fits[row] else 0
    rows = np.flatnonzero(fits)
    quota.book(now_s, int(money_minor[rows].sum()))
    if len(rows):
        enter(world, city, from_place, came, rows, node_suffix)
    turned_back = [came.lines[int(row)] for row in np.flatnonzero(~fits)]
    return Admitted(len(rows), turned_back, reason)


def guests_present(world: World, city: City, from_place: int) -> int:
    """Merchants in town, or about to be, who came by the road from a place."""
    present = city.town.roster.rows.from_place[: city.town.roster.size[0]]
    under_way = world.walking.rows
    arriving = (under_way.from_place == from_place) & (under_way.to_place == city.here)
    return int((present == from_place).sum() + arriving[: world.walking.size[0]].sum())


def enter(
    world: World, city: City, from_place: int, came: Merchants, rows: np.ndarray, node_suffix: str
) -> None:
    """Put rows of the wire's columns on the last step of the road into a city."""
    roster = roster_of(world, city, from_place, came, rows, node_suffix)
    luggage = {}
    for nth, row in enumerate(rows):
        if came.genomes and (unknown := unknown_genes(came.genomes[row])):
            luggage[nth] = unknown
    take(world, Arrivals(city.here, world.places[from_place], roster, luggage))


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
    for nth, row in enumerate(rows):
        if came.genomes and (genome := came.genomes[row]):
            new.genome[nth] = genes_of(genome)
    return roster


def _place_known(world: World, name: str, node_suffix: str) -> int | None:
    wanted = name.casefold()
    for place, known in enumerate(world.places):
        if wanted == known.casefold() or wanted == known.casefold() + node_suffix.casefold():
            return place
    return None


def bring_home(
    world: World, city: City, merchants: Roster, genome: dict[str, float] | None
) -> None:
    """One whose road broke, or who cannot go where he wanted, before he was on the wire."""
    peer = world.places[int(merchants.rows.to_place[0])]
    take(world, Homecomer(city.here, peer, merchants, unknown_genes(genome)))


@dataclass(frozen=True)
class Departure:
    """One who has left a city by a road over the network.

    Attributes:
        peer: the city he is bound for.
        xid: counted for each pair of cities, never given twice.
        row: as he left, should he have to come home.
        merchant: what the wire says of him.
    """

    city: City
    peer: str
    xid: int
    row: Roster
    merchant: Merchant


def leave(world: World, node_suffix: str) -> list[Departure]:
    """All who left for the network in the last window, numbered; empties `world.abroad`.

    The same history gives the same numbers: recovery counts on it.
    """
    departures = []
    for city, left in world.abroad:
        for number in range(int(left.size[0])):
            row = chosen(left, np.array([number]))
            peer = world.places[int(row.rows.to_place[0])]
            pair = city.here, peer.casefold()
            xid = world.next_xid.get(pair, 0)
            world.next_xid[pair] = xid + 1
            merchant = on_the_wire(world, row, node_suffix)
            departures.append(Departure(city, peer, xid, row, merchant))
    world.abroad.clear()
    return departures


def on_the_wire(world: World, merchant: Roster, node_suffix: str) -> Merchant:
    """One row as the wire's merchant; our own cities under their full names."""
    rows = merchant.rows
    expected_prices: dict[str, dict[str, float]] = {}
    for number, good in enumerate(world.goods):
        prices = rows.expected_price[0, number]
        for place in np.flatnonzero(~np.isnan(prices)):
            own = place < len(world.cities)
            name = world.places[place].upper() + (node_suffix if own else "")
            expected_prices.setdefault(good, {})[name] = float(prices[place])
    return Merchant(
        money_minor=int(rows.money_minor[0]),
        good=world.goods[rows.good[0]],
        capacity=int(rows.capacity[0]),
        owned=int(rows.owned[0]),
        expected_prices=expected_prices,
        genome=_genome(world, rows),
    )


def _genome(world: World, rows: Rows) -> dict[str, float] | None:
    """The genes of row 0 and those he carries for others, of these as many as a line takes.

    None where he is neutral: whoever gets him takes him for neutral then.
    """
    kept = world.luggage.pop((int(rows.birthplace[0]), int(rows.number[0])), {})
    genes = {} if (rows.genome[0] == NEUTRAL).all() else genome_of(rows.genome[0])
    return dict([*genes.items(), *kept.items()][:TRAITS_MAX]) or None
