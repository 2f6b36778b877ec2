"""The audit: adds up the books of worlds from their folders, whether their nodes run or not.

What leaves a city for another one whose books are here too is under way until that one says that it
has entered; all others are guests. Called by `cli`; reads ledgers, writes nothing.
"""

import json
import sqlite3
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from city_node.cities.advance import BalanceError
from city_node.durability.books import Accounts, check_balance, check_migrations
from city_node.durability.folder import LEDGER, reading, worlds_folder
from city_node.durability.ledger import Ledger
from city_node.durability.records import KeptBooks, Migration
from city_node.errors import ConfigError
from engine.money import MINOR_PER_COIN

READINGS_MAX = 20
READING_S = 0.05
"""Ledgers of running nodes are not read at one moment: who has entered before he left is read
again."""

COLUMNS = (
    *("issued", "destroyed", "entered", "left", "held", "in_transit"),
    *("escrow", "balanced"),
)


@dataclass(frozen=True)
class Read:
    """One world's books, as they were at one moment.

    Attributes:
        names: of its cities, NAME@NODE in small letters, under every name its node has had.
    """

    folder: Path
    books: KeptBooks
    accounts: Accounts
    migrations: list[Migration]
    names: dict[str, str]


def read(folder: Path) -> Read:
    """The books of a folder.

    Raises:
        ConfigError: there are none, or they cannot be read.
    """
    with reading(folder) as database:
        try:
            database.execute("BEGIN")
            return read_ledger(Ledger(database, str(folder / LEDGER)), folder)
        except sqlite3.Error as error:
            raise ConfigError(f"{folder / LEDGER}: cannot be read ({error})") from None


def read_ledger(ledger: Ledger, folder: Path) -> Read:
    """The books of a ledger that lies in a folder."""
    nodes = {node for _, _, node, _ in ledger.starts()}
    books = ledger.books()
    names = {f"{city}@{node}".casefold(): city for city in books.cities for node in nodes}
    return Read(folder, books, ledger.accounts, ledger.migrations(), names)


def worlds(folders: Sequence[Path]) -> list[Path]:
    """The folders that are meant; by default all worlds among the user's data.

    Raises:
        ConfigError: there are none.
    """
    found = list(folders) or sorted(path.parent for path in worlds_folder().glob(f"*/{LEDGER}"))
    if not found:
        raise ConfigError(f"dir: no world lies in '{worlds_folder()}'; name its folder")
    return list(dict.fromkeys(found))


def audited(folders: Sequence[Path]) -> dict:
    """The books of several worlds as one; money in minor units.

    Raises:
        ConfigError: one cannot be read.
    """
    for reading_number in range(READINGS_MAX):
        if reading_number:
            time.sleep(READING_S)
        reads = [read(folder) for folder in folders]
        if none_from_nowhere(between(reads)):
            break
    return added_up(reads)


def added_up(reads: Sequence[Read]) -> dict:
    """The books of several worlds, each as it was at a moment, as one; money in minor units."""
    pairs = between(reads)
    rows = [_row(one, reads) for one in reads]
    total = {name: sum(row[name] for row in rows) for name in COLUMNS[:-1]}
    total["in_transit"] += sum(pairs.values())
    balanced = (
        all(row["balanced"] for row in rows)
        and none_from_nowhere(pairs)
        and total["issued"] - total["destroyed"] + total["entered"] - total["left"]
        == total["held"] + total["in_transit"]
    )
    ways = [
        {"from": start, "to": end, "in_transit": minor} for (start, end), minor in pairs.items()
    ]
    return total | {"balanced": balanced, "worlds": rows, "between": ways}


def between(reads: Sequence[Read]) -> dict[tuple[str, str], int]:
    """Money that left one of these worlds and has not entered another yet, by pair of cities."""
    homes = {name: (one, city) for one in reads for name, city in one.names.items()}
    found: dict[tuple[str, str], int] = {}
    for one in reads:
        for (city, peer), account in one.accounts.items():
            other, theirs = homes.get(peer.casefold(), (one, ""))
            if other is not one:
                here, there = _full(one, city), _full(other, theirs)
                sent_minor = account.left_minor + account.in_transit_minor
                found[here, there] = found.get((here, there), 0) + sent_minor
                found[there, here] = found.get((there, here), 0) - account.entered_minor
    return found


def none_from_nowhere(pairs: dict[tuple[str, str], int]) -> bool:
    """Whether no more has entered than left, between any two cities.

    Both ways together: on a legacy road a line that goes back has entered again where it had left,
    and the other city knows nothing of it.
    """
    return all(minor + pairs.get((end, start), 0) >= 0 for (start, end), minor in pairs.items())


def _full(one: Read, city: str) -> str:
    return next(name for name, known in one.names.items() if known == city)


def _row(one: Read, reads: Sequence[Read]) -> dict:
    """One world's line: entered, left and in transit are with guests alone."""
    known = {name for other in reads if other is not one for name in other.names}
    guests = [a for (_, peer), a in one.accounts.items() if peer.casefold() not in known]
    cities = one.books.cities.values()
    return {
        "dir": str(one.folder),
        "tick": one.books.tick,
        "cities": {name: city.holdings_minor for name, city in one.books.cities.items()},
        "issued": sum(city.initial_minor + city.issued_minor for city in cities),
        "destroyed": sum(city.destroyed_minor for city in cities),
        "entered": sum(account.entered_minor for account in guests),
        "left": sum(account.left_minor for account in guests),
        "held": sum(city.holdings_minor for city in cities) + one.books.walking_minor,
        "in_transit": sum(account.in_transit_minor for account in guests),
        "escrow": sum(account.escrow_minor for account in one.accounts.values()),
        "balanced": _balances(one),
    }


def _balances(one: Read) -> bool:
    """Whether a world adds up, and its migrations are what its books say of them."""
    cities = one.books.cities.values()
    held_minor = sum(city.holdings_minor for city in cities) + one.books.walking_minor
    issued = [(c.initial_minor, c.issued_minor, c.destroyed_minor) for c in cities]
    migrations = [(each.state, each.money_minor) for each in one.migrations]
    try:
        check_balance(issued, one.accounts.values(), held_minor, str(one.folder))
        check_migrations(one.accounts.values(), migrations, str(one.folder))
    except BalanceError:
        return False
    return True


def print_audit(folders: Sequence[Path], *, as_json: bool) -> bool:
    """Print the books; returns whether they balance."""
    found = audited(worlds(folders))
    if as_json:
        print(json.dumps(found))
        return bool(found["balanced"])
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("world")
    for name in ("tick", *COLUMNS):
        table.add_column(name.replace("_", " "), justify="right", no_wrap=True)
    for row in found["worlds"]:
        table.add_row(Path(row["dir"]).name, f"{row['tick']:,}", *map(_told, _columns(row)))
    for way in found["between"]:
        cells = dict.fromkeys(COLUMNS, "") | {"in_transit": _told(way["in_transit"])}
        table.add_row(f"{way['from']} → {way['to']}", "", *cells.values())
    if len(found["worlds"]) > 1:
        table.add_row("all", "", *map(_told, _columns(found)))
    Console(width=None if sys.stdout.isatty() else 200).print(table)
    return bool(found["balanced"])


def _columns(row: dict) -> list:
    return [row[name] for name in COLUMNS]


def _told(value: int | bool) -> str:
    if isinstance(value, bool):
        return "yes" if value else "NO"
    return f"{value / MINOR_PER_COIN:,.2f}"


def print_limbo(folders: Sequence[Path], *, as_json: bool) -> None:
    """Print merchants in doubt: committed to a peer who has not said that they arrived."""
    found = [
        {
            "dir": str(one.folder),
            "city": each.city,
            "peer": each.peer,
            "xid": each.xid,
            "money": each.money_minor,
            "tick": each.tick,
        }
        for one in map(read, worlds(folders))
        for each in one.migrations
        if each.side == "out" and each.state == "COMMITTED"
    ]
    if as_json:
        print(json.dumps(found))
        return
    if not found:
        print("nobody is in doubt")
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("city", "bound for", "number", "coins", "since tick"):
        table.add_column(name, justify="left" if name in ("city", "bound for") else "right")
    for row in found:
        coins = f"{int(str(row['money'])) / MINOR_PER_COIN:,.2f}"
        table.add_row(str(row["city"]), str(row["peer"]), str(row["xid"]), coins, str(row["tick"]))
    Console(width=None if sys.stdout.isatty() else 200).print(table)
