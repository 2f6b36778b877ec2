"""A node's books: what came in and went out with every peer, and that it all adds up.

Departures, arrivals, homecomers and migrations move money between accounts; holdings must be what
the accounts say. Plain arithmetic, called by `ledger`, `recovery` and `audit`; knows no database.
"""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, field, replace

from city_node.cities.advance import BalanceError
from city_node.cities.inputs import Arrivals, Homecomer, Input
from city_node.cities.world import City, World
from city_node.network.departures import Departure
from protocol.migration import Transition

IN_TRANSIT = frozenset({"PREPARED", "COMMITTED"})
HELD = "HELD"
SETTLED = frozenset({"GONE", "BACK", "LIVE", "DROPPED"})
"""States of migrations: money of the first two has left and not arrived, that of a held one is the
peer's, in escrow here; the others are over."""


@dataclass
class Account:
    """A city's books with one peer.

    Attributes:
        left_minor: taken along by merchants who are not in transit any more.
        in_transit_minor: of merchants who have left and of whom nobody knows yet.
        escrow_minor: of merchants held for the peer; not this city's.
        entered, left: merchants.
    """

    entered_minor: int = 0
    left_minor: int = 0
    in_transit_minor: int = 0
    escrow_minor: int = 0
    entered: int = 0
    left: int = 0


Accounts = dict[tuple[str, str], Account]
"""By our city and the casefolded name of the peer."""

States = dict[tuple[str, str, str, int], tuple[str, int]]
"""State and money of migrations, by city, peer, side and number."""


@dataclass(frozen=True)
class Change:
    """What a commit changes in the books, worked out before anything is written."""

    accounts: Accounts = field(default_factory=dict)
    states: States = field(default_factory=dict)


def changed(
    accounts: Accounts,
    states: States,
    world: World,
    inputs: Sequence[Input],
    departures: Sequence[Departure],
    transitions: Sequence[Transition],
) -> Change:
    """What a commit changes.

    Departures are booked as left; a migration that begins with one is then in transit, and
    one that comes back is left again until his return, an input, takes him out of the books.

    Raises:
        BalanceError: the money of a migration is not what it was.
    """
    change = Change()

    def account(city: str, peer: str) -> Account:
        key = city, peer.casefold()
        found = change.accounts.get(key)
        if found is None:
            found = replace(accounts.get(key) or Account())
            change.accounts[key] = found
        return found

    for departure in departures:
        booked = account(departure.city.name, departure.peer)
        booked.left_minor += departure.merchant.money_minor
        booked.left += 1
    for t in transitions:
        key = (t.city, t.peer, t.side, t.xid)
        before, money_minor = change.states.get(key) or states.get(key) or ("", 0)
        if before and money_minor != t.money_minor:
            raise BalanceError(f"{t.city}: migration {key} of {money_minor}: {t.money_minor}")
        booked = account(t.city, t.peer)
        moved = (t.state in IN_TRANSIT) - (before in IN_TRANSIT)
        booked.in_transit_minor += moved * t.money_minor
        booked.left_minor -= moved * t.money_minor
        booked.escrow_minor += ((t.state == HELD) - (before == HELD)) * t.money_minor
        change.states[key] = t.state, t.money_minor
    for each in inputs:
        if isinstance(each, Arrivals):
            booked = account(world.cities[each.city].name, each.peer)
            booked.entered_minor += money_of(each)
            booked.entered += int(each.rows.size[0])
        elif isinstance(each, Homecomer):
            booked = account(world.cities[each.city].name, each.peer)
            booked.left_minor -= money_of(each)
            booked.left -= 1
    return change


def check_books(accounts: Accounts, world: World) -> None:
    """No account is below nothing, and what the node holds is what they say.

    Raises:
        BalanceError: it is not so.
    """
    for (city, peer), booked in accounts.items():
        if min(astuple(booked)) < 0:
            raise BalanceError(f"{city}: books with {peer} are below nothing: {booked}")
    check_balance(
        [issue(city) for city in world.cities],
        accounts.values(),
        sum(city.ledger.expected_minor() for city in world.cities) + walking_minor_of(world),
        f"the node at tick {world.tick:,}",
    )


def check_balance(
    issued: Iterable[tuple[int, int, int]], accounts: Iterable[Account], held_minor: int, where: str
) -> None:
    """Holdings are what was issued, less what was destroyed, and what came in less what went out.

    Args:
        issued: initial, issued and destroyed of every city, minor units.
        held_minor: by residents, merchants in town and merchants on the roads inside.

    Raises:
        BalanceError: they are not.
    """
    expected_minor = sum(initial + more - destroyed for initial, more, destroyed in issued)
    for booked in accounts:
        expected_minor += booked.entered_minor - booked.left_minor - booked.in_transit_minor
    if expected_minor != held_minor:
        raise BalanceError(f"{where} holds {held_minor} minor units, but should {expected_minor}")


def check_migrations(
    accounts: Iterable[Account], migrations: Iterable[tuple[str, int]], where: str
) -> None:
    """What is in transit, and in escrow, is the money of the migrations that are not over.

    Args:
        migrations: state and money of each.

    Raises:
        BalanceError: it is not.
    """
    known = list(migrations)
    booked = list(accounts)
    for what, states, booked_minor in (
        ("in transit", IN_TRANSIT, sum(account.in_transit_minor for account in booked)),
        ("in escrow", {HELD}, sum(account.escrow_minor for account in booked)),
    ):
        found_minor = sum(minor for state, minor in known if state in states)
        if found_minor != booked_minor:
            raise BalanceError(
                f"{where}: migrations {what} hold {found_minor} minor units, "
                f"but should {booked_minor}"
            )


def issue(city: City) -> tuple[int, int, int]:
    """Initial, issued and destroyed money of a city, minor units."""
    return city.ledger.initial_minor, city.ledger.issued_minor, city.ledger.destroyed_minor


def walking_minor_of(world: World) -> int:
    """The money of merchants on the roads inside the process."""
    return int(world.walking.rows.money_minor[: world.walking.size[0]].sum())


def money_of(given: Arrivals | Homecomer) -> int:
    """The money of those who come, minor units."""
    return int(given.rows.rows.money_minor[: given.rows.size[0]].sum())
