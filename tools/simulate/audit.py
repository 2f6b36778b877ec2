"""The books of a whole simulated network: is every coin accounted for, and every merchant?

Journals of both ends of every pair of cities are held against each other. Nodes that lied, or whose
disk was rolled back, have books that nobody can rely on: what is between them and others is left
out, but not the others' own books.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from city_node.durability.audit import Read, added_up, between
from city_node.durability.books import IN_TRANSIT
from tools.simulate.nodes import Books, Node, ViolationError

GIVEN = frozenset({"COMMITTED", "GONE"})
"""States of a migration at the sending city, of one who may have entered."""


Migration = tuple[str, str, str, int]
"""Sending city, receiving city, whose journal has it, number."""

Pair = tuple[str, str]
"""Full names in small letters: from which city to which."""


@dataclass
class Count:
    """What the books of a network say.

    Attributes:
        migrations: merchants who came to a city from another node's.
        lost: who has gone for good, and not come.
        duplicated: who has come, and not been given.
        entered, left: they and who went, by the economy of the city they came to or went from.
        drift_minor: money between cities that no migration under way accounts for.
        open: migrations that are not over.
    """

    migrations: int = 0
    lost: int = 0
    duplicated: int = 0
    entered: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    drift_minor: int = 0
    open: frozenset[Migration] = frozenset()

    def check(self) -> None:
        """Nobody is lost, or there twice, and no coin is made or gone.

        Raises:
            ViolationError: it is not so.
        """
        if self.lost or self.duplicated or self.drift_minor:
            raise ViolationError(
                f"{self.lost} lost, {self.duplicated} duplicated, {self.drift_minor} minor units "
                "of drift"
            )


@dataclass
class Side:
    """One end's journal of a pair.

    Attributes:
        below, digest, money_minor: of what is settled, and no more among the states.
        states: (state, money) by number.
    """

    below: int
    digest: int
    money_minor: int
    states: dict[int, tuple[str, int]]


def count_all(nodes: Sequence[Node]) -> Count:
    """Add up the books of all nodes, and hold their journals against each other.

    Raises:
        ViolationError: a node's books do not balance, or it has not spoken the wire of ours.
    """
    books = {node.name: found for node in nodes if (found := node.books())}
    for name, found in books.items():
        if not added_up([found.read])["balanced"]:
            raise ViolationError(f"the books of {name} do not balance: {found.read.books}")
        if guests := [peer for _, peer in found.read.accounts if "@" not in peer]:
            raise ViolationError(f"{name} has spoken the legacy wire with {guests[0]}")
    honest = [books[node.name] for node in nodes if node.is_honest and node.name in books]
    reads = [found.read for found in honest]
    if not added_up(reads)["balanced"]:
        raise ViolationError(f"all books together do not balance: {added_up(reads)}")
    count = Count()
    for node in nodes:
        if node.is_honest and node.name in books:
            accounts = books[node.name].read.accounts.values()
            count.entered[node.economy] += sum(account.entered for account in accounts)
            count.left[node.economy] += sum(account.left for account in accounts)
    count.migrations = count.entered.total()
    _compare(honest, count)
    for one in honest:
        _check_losses(one.read)
    return count


def _check_losses(read: Read) -> None:
    """No city has taken more money of another node's merchants than it gives that node credit for.

    Raises:
        ViolationError: one has.
    """
    owed_minor: Counter[tuple[str, str]] = Counter()
    for (city, peer), account in read.accounts.items():
        node = peer.rpartition("@")[2]
        owed_minor[city, node] += account.entered_minor + account.escrow_minor - account.left_minor
    for (city, node), minor in owed_minor.items():
        credit_minor = read.books.cities[city].initial_minor
        if minor > credit_minor:
            raise ViolationError(
                f"{city} has taken {minor:,} minor units net of {node}, over {credit_minor:,}"
            )


def _compare(honest: Sequence[Books], count: Count) -> None:
    left, came = _sides(honest, "out"), _sides(honest, "in")
    cities = {name for one in honest for name in one.read.names}
    under_way_minor: Counter[Pair] = Counter()
    open_now: set[Migration] = set()
    for pair in {**left, **came}:
        if not cities >= set(pair):
            continue
        out, into = left.get(pair, Side(0, 0, 0, {})), came.get(pair, Side(0, 0, 0, {}))
        open_now |= {(*pair, "out", x) for x, (s, _) in out.states.items() if s in IN_TRANSIT}
        open_now |= {(*pair, "in", x) for x, (s, _) in into.states.items() if s == "HELD"}
        for xid, (state, money_minor) in out.states.items():
            arrived = into.states.get(xid, ("", 0))[0] == "LIVE" or xid < into.below
            count.lost += state == "GONE" and not arrived
            if state in IN_TRANSIT and not arrived:
                under_way_minor[pair] += money_minor
        for xid, (state, _) in into.states.items():
            given = out.states.get(xid, ("", 0))[0] in GIVEN or xid < out.below
            count.duplicated += state == "LIVE" and not given
        if out.below == into.below and (out.digest, out.money_minor) != (
            into.digest,
            into.money_minor,
        ):
            raise ViolationError(f"{pair}: those settled below {out.below} are not the same")
    count.open = frozenset(open_now)
    pairs = between([one.read for one in honest])
    for pair, minor in pairs.items():
        count.drift_minor += abs(minor - under_way_minor[pair])


def _sides(honest: Sequence[Books], side: str) -> dict[Pair, Side]:
    found: dict[Pair, Side] = {}
    for one in honest:
        names = {city: name for name, city in one.read.names.items()}

        def pair_of(city: str, peer: str, names: dict[str, str] = names) -> Pair:
            pair = names[city], peer.casefold()
            return pair if side == "out" else (pair[1], pair[0])

        for kept in one.settled:
            if kept.side == side:
                pair = pair_of(kept.city, kept.peer)
                found[pair] = Side(kept.below, kept.digest, kept.money_minor, {})
        for each in one.read.migrations:
            if each.side == side:
                pair = pair_of(each.city, each.peer)
                states = found.setdefault(pair, Side(0, 0, 0, {})).states
                states[each.xid] = each.state, each.money_minor
    return found
