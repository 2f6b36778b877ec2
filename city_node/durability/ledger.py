"""The ledger: what may never be lost, in SQLite. One a node.

Every window with inputs or departures is one commit, durable when `commit` returns: its inputs, who
left, what became of migrations, and the books, which must balance before it is written. Each commit
is chained to the one before by a digest. Called off the event loop's thread by `keeping`, and by
`recovery`; read from outside, while it is written, by `audit`. Knows no socket, and no file: it is
handed a database.
"""

import contextlib
import hashlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple

import msgspec

from city_node.cities.inputs import Input, encode
from city_node.cities.world import World
from city_node.durability.books import (
    SETTLED,
    Account,
    Accounts,
    States,
    changed,
    check_books,
    issue,
    walking_minor_of,
)
from city_node.durability.records import (
    CHAIN_BYTES,
    CityBooks,
    Commit,
    KeptBooks,
    Migration,
    chained,
    kept,
)
from city_node.errors import ConfigError
from city_node.network.departures import Departure
from protocol.migration import Settled, Transition

SCHEMA = 1
APPLICATION = 0x43697479
"""SQLite's application_id: "City"."""

TABLES = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE starts (number INTEGER PRIMARY KEY, tick INT, commits INT, node TEXT, digest TEXT);
CREATE TABLE commits (number INTEGER PRIMARY KEY, tick INT, until INT, at_s REAL,
    inputs BLOB, departures BLOB, moved BLOB, chain BLOB);
CREATE TABLE mark (only INTEGER PRIMARY KEY CHECK (only = 0), tick INT, walking_minor INT);
CREATE TABLE cities (name TEXT PRIMARY KEY, initial_minor INT, issued_minor INT,
    destroyed_minor INT, holdings_minor INT) WITHOUT ROWID;
CREATE TABLE peers (city TEXT, peer TEXT, entered_minor INT, left_minor INT, in_transit_minor INT,
    escrow_minor INT, entered INT, left INT, PRIMARY KEY (city, peer)) WITHOUT ROWID;
CREATE TABLE migrations (city TEXT, peer TEXT, side TEXT, xid INT, state TEXT, money_minor INT,
    merchant BLOB, tick INT, PRIMARY KEY (city, peer, side, xid)) WITHOUT ROWID;
CREATE TABLE settled (city TEXT, peer TEXT, side TEXT, below INT, digest BLOB, money_minor INT,
    PRIMARY KEY (city, peer, side)) WITHOUT ROWID;
CREATE TABLE nodes (city TEXT PRIMARY KEY, id TEXT) WITHOUT ROWID;
"""


class Ledger:
    """A node's ledger.

    Args:
        database: an open connection, `isolation_level=None`; empty, or one of ours.
        name: of it, for errors.

    Raises:
        ConfigError: it is none of ours, or of a newer version, or damaged.
    """

    def __init__(self, database: sqlite3.Connection, name: str = "ledger.db") -> None:
        self._database, self.name = database, name
        try:
            self._prepare()
            last = self._one("SELECT number, chain FROM commits ORDER BY number DESC LIMIT 1")
            self.commits, self.chain = last or (0, bytes(CHAIN_BYTES))
            self._accounts = accounts_of(database)
            self._states = {
                (city, peer, side, xid): (state, money_minor)
                for city, peer, side, xid, state, money_minor in database.execute(
                    "SELECT city, peer, side, xid, state, money_minor FROM migrations"
                )
            }
            self._below = {(s.city, s.peer, s.side): s.below for s in self.settled()}
        except sqlite3.DatabaseError as error:
            raise ConfigError(f"{name}: damaged ({error})") from None

    def _prepare(self) -> None:
        schema = check_schema(self._database, self.name)
        if not schema:
            self._database.executescript(
                f"BEGIN IMMEDIATE; {TABLES} PRAGMA application_id = {APPLICATION};"
                f"PRAGMA user_version = {SCHEMA}; COMMIT;"
            )

    def _one(self, query: str, *values: object) -> tuple | None:
        found: tuple | None = self._database.execute(query, values).fetchone()
        return found

    # --- what is known of the world ---

    def fact(self, name: str) -> bytes | None:
        """A fact that `begin` was told."""
        found = self._one("SELECT value FROM facts WHERE name = ?", name)
        return found[0] if found else None

    def begin(self, world: World, node: str, digest: str, facts: dict[str, bytes]) -> None:
        """Note that the node starts: under which name, by which program. Durable."""
        with self._transaction():
            self._database.executemany("INSERT OR IGNORE INTO facts VALUES (?, ?)", facts.items())
            self._database.execute(
                "INSERT INTO starts (tick, commits, node, digest) VALUES (?, ?, ?, ?)",
                (world.tick, self.commits, node, digest),
            )
            self._write_books(world)

    def starts(self) -> list[tuple[int, int, str, str]]:
        """All starts: (tick, commits before it, node, digest of the program)."""
        query = "SELECT tick, commits, node, digest FROM starts ORDER BY number"
        return self._database.execute(query).fetchall()

    def books(self) -> KeptBooks:
        """What the cities held at the last durable tick."""
        tick, walking_minor = self._one("SELECT tick, walking_minor FROM mark") or (0, 0)
        rows = self._database.execute("SELECT * FROM cities")
        cities = {row[0]: CityBooks(*row[1:]) for row in rows}
        return KeptBooks(tick, walking_minor, cities)

    @property
    def accounts(self) -> Accounts:
        """The books with every peer, as of the last commit."""
        return self._accounts

    def tick(self) -> int:
        """The last durable tick."""
        found = self._one("SELECT tick FROM mark")
        return found[0] if found else 0

    def chain_at(self, number: int) -> bytes | None:
        """The chain after a commit; None: there is no such commit."""
        if number == 0:
            return bytes(CHAIN_BYTES)
        found = self._one("SELECT chain FROM commits WHERE number = ?", number)
        return found[0] if found else None

    def commits_after(self, number: int) -> Iterator[Commit]:
        """The commits after one, in order, each checked against the one before it.

        Raises:
            ConfigError: which is damaged.
        """
        chain = self.chain_at(number)
        query = "SELECT * FROM commits WHERE number > ? ORDER BY number"
        try:
            for row in self._database.execute(query, (number,)):
                commit = Commit(*row)
                expected = chained(chain or b"", commit)
                if commit.number != number + 1 or commit.chain != expected:
                    raise ConfigError(f"{self.name}: commit {number + 1:,} is damaged or missing")
                number, chain = commit.number, commit.chain
                yield commit
        except (sqlite3.DatabaseError, TypeError) as error:
            raise ConfigError(f"{self.name}: commit {number + 1:,} is damaged ({error})") from None

    # --- migrations ---

    def migrations(self) -> list[Migration]:
        """All that are kept, in the order of their numbers."""
        query = "SELECT * FROM migrations ORDER BY city, peer, side, xid"
        return [Migration(*row) for row in self._database.execute(query)]

    def settled(self) -> list[Settled]:
        """What is kept in place of migrations that are over and gone."""
        rows = self._database.execute("SELECT * FROM settled ORDER BY city, peer, side")
        return [
            Settled(city, peer, side, below, int.from_bytes(digest), money_minor)
            for city, peer, side, below, digest, money_minor in rows
        ]

    def bound(self) -> dict[str, str]:
        """The ids of the nodes whose cities, by their full names on the wire, we have met."""
        return dict(self._database.execute("SELECT city, id FROM nodes"))

    # --- writing ---

    def commit(
        self,
        world: World,
        tick: int,
        inputs: Sequence[Input],
        departures: Sequence[Departure],
        transitions: Sequence[Transition] = (),
        settled: Sequence[Settled] = (),
        bound: Mapping[str, str] = {},
        *,
        at_s: float,
    ) -> None:
        """Keep a window, all of it or nothing; durable on return.

        Args:
            world: as it is now, after the window.
            tick: when the inputs came, the window's first.
            inputs, departures: of the window, in order.
            transitions: of migrations, in order; money moves with them.
            settled: replaces migrations that are over, which are deleted.
            bound: whose cities these are, full names on the wire to ids of nodes, for good or until
                a node's key changes.
            at_s: the node's clock.

        Raises:
            BalanceError: the books would not balance; nothing is written.
            sqlite3.OperationalError: it cannot be written, as on a full disk; nothing has changed.
        """
        change = changed(self._accounts, self._states, world, inputs, departures, transitions)
        check_books(self._accounts | change.accounts, world)
        told = [
            (t.city, t.peer, t.side, t.xid, t.state, t.money_minor, t.merchant, world.tick)
            for t in transitions
        ]
        sums = [
            (s.city, s.peer, s.side, s.below, s.digest.to_bytes(16), s.money_minor) for s in settled
        ]
        over = self._over(settled, change.states)
        commit = Commit(
            self.commits + 1,
            tick,
            world.tick,
            at_s,
            encode(list(inputs)),
            msgspec.msgpack.encode(kept(departures)),
            hashlib.blake2b(msgspec.msgpack.encode((told, sums)), digest_size=CHAIN_BYTES).digest(),
            b"",
        )
        commit = commit._replace(chain=chained(self.chain, commit))
        with self._transaction():
            self._database.execute("INSERT INTO commits VALUES (?, ?, ?, ?, ?, ?, ?, ?)", commit)
            self._write_migrations(told, sums, over)
            self._database.executemany("INSERT OR REPLACE INTO nodes VALUES (?, ?)", bound.items())
            self._database.executemany(
                "INSERT OR REPLACE INTO peers VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [(*pair, *astuple(account)) for pair, account in change.accounts.items()],
            )
            self._write_books(world)
        self.commits, self.chain = commit.number, commit.chain
        self._accounts.update(change.accounts)
        self._states.update(change.states)
        for key in over:
            del self._states[key]
        self._below.update({(s.city, s.peer, s.side): s.below for s in settled})

    def _over(self, settled: Sequence[Settled], states: States) -> list[tuple]:
        """The migrations that what is settled replaces; a peer may say any number is settled."""
        found = []
        for each in settled:
            pair = each.city, each.peer, each.side
            xids: Sequence[int] = range(self._below.get(pair, 0), each.below)
            if len(xids) > len(self._states) + len(states):
                keys = self._states.keys() | states.keys()
                xids = sorted(xid for *of, xid in keys if (*of,) == pair and xid in xids)
            for xid in xids:
                state, _ = states.get((*pair, xid)) or self._states.get((*pair, xid)) or ("", 0)
                if state in SETTLED:
                    found.append((*pair, xid))
        return found

    def mark(self, world: World) -> None:
        """Note how far a quiet world has come; a crash of the machine may take this back."""
        self._database.execute("PRAGMA synchronous = NORMAL")
        try:
            with self._transaction():
                self._write_books(world)
        finally:
            self._database.execute("PRAGMA synchronous = FULL")

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        """All or nothing."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._database.execute("COMMIT")
        finally:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")

    def _write_books(self, world: World) -> None:
        walking_minor = walking_minor_of(world)
        self._database.execute(
            "INSERT OR REPLACE INTO mark VALUES (0, ?, ?)", (world.tick, walking_minor)
        )
        self._database.executemany(
            "INSERT OR REPLACE INTO cities VALUES (?, ?, ?, ?, ?)",
            # The last is what it holds, as every window ends.
            [(c.name, *issue(c), c.ledger.expected_minor()) for c in world.cities],
        )

    def _write_migrations(self, told: list[tuple], sums: list[tuple], over: list[tuple]) -> None:
        self._database.executemany(
            "INSERT INTO migrations VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET state = excluded.state, tick = excluded.tick, "
            "merchant = coalesce(excluded.merchant, merchant)",
            told,
        )
        self._database.executemany("INSERT OR REPLACE INTO settled VALUES (?, ?, ?, ?, ?, ?)", sums)
        self._database.executemany(
            "DELETE FROM migrations WHERE city = ? AND peer = ? AND side = ? AND xid = ?", over
        )


def check_schema(database: sqlite3.Connection, name: str) -> int:
    """The schema's version, 0 for an empty database.

    Raises:
        ConfigError: it is none of ours, or newer than this program.
    """
    application = database.execute("PRAGMA application_id").fetchone()[0]
    schema: int = database.execute("PRAGMA user_version").fetchone()[0]
    is_empty = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    if application != APPLICATION and (schema or not is_empty):
        raise ConfigError(f"{name}: not a ledger of a city node")
    if schema > SCHEMA:
        raise ConfigError(
            f"{name}: schema = {schema}: of a newer city-node, this one knows {SCHEMA}"
        )
    return schema


def accounts_of(database: sqlite3.Connection) -> Accounts:
    """The books with every peer."""
    return {(row[0], row[1]): Account(*row[2:]) for row in database.execute("SELECT * FROM peers")}
