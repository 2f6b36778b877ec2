"""A disk in memory: a node's database and its checkpoints, and what is left of them after a crash.

The node works on an open SQLite database in memory; a crash keeps what was committed. A loss of
power may take back what was not synced, as the ledger's marks of time are not.
Used by `nodes` and `nemesis`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

BACKUPS_MAX = 4
"""Older images of a disk that may be put back."""


class Database(sqlite3.Connection):
    """A connection whose disk knows when it begins and commits; without one it is abandoned."""

    disk: Disk | None = None

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        """As any connection does."""
        disk = self.disk
        if sql == "COMMIT":
            if disk:
                disk.before_commit()
            if not self.in_transaction:  # the plug was pulled a moment ago
                return self.cursor()
            cursor = super().execute(sql, *values)
            if disk and self.disk is disk:
                disk.on_commit(False)
            return cursor
        if disk:
            disk.before(sql)
        return super().execute(sql, *values)


class Shelf:
    """The checkpoints of one life."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files

    def names(self) -> list[str]:
        """All that are there, oldest first."""
        return sorted(self.files)

    def read(self, name: str) -> bytes:
        """The whole file."""
        return self.files[name]

    def write(self, name: str, chunks: Iterator[bytes | memoryview]) -> None:
        """Whole or not at all."""
        self.files[name] = b"".join(chunks)

    def remove(self, name: str) -> None:
        """Take one away."""
        self.files.pop(name, None)


class Disk:
    """One node's disk, over all its lives.

    Attributes:
        full: nothing can be written.
        watched: unsynced commits are remembered, for a loss of power to take back.
        on_commit: called before (True) and after (False) each commit; may pull the plug.
    """

    def __init__(self, random: Random) -> None:
        self.full = self.watched = False
        self.on_commit: Callable[[bool], None] = lambda _: None
        self._random = random
        self._image, self._synced_image = b"", b""
        self._is_synced = True
        self._files: dict[str, bytes] = {}
        self._backups: list[tuple[bytes, dict[str, bytes]]] = []
        self._database: Database | None = None
        self._shelf = Shelf({})

    def plug_in(self) -> tuple[Database, Shelf]:
        """What lies on it, for a life that begins."""
        database = self.opened(self._image)
        database.disk = self
        self._database, self._shelf = database, Shelf(dict(self._files))
        self._is_synced, self._synced_image = True, b""
        return database, self._shelf

    def pull_out(self, *, with_power: bool) -> None:
        """A life ends here and now; what it still does reaches the disk no more.

        Args:
            with_power: what is not synced is kept; else it may be lost.
        """
        database = self._database
        if database is None:
            return
        database.disk = self._database = None
        if database.in_transaction:
            database.execute("ROLLBACK")
        lost = not with_power and self._synced_image and self._random.random() < 0.5
        self._image = self._synced_image if lost else database.serialize()
        self._files = dict(self._shelf.files)

    @staticmethod
    def opened(image: bytes) -> Database:
        """A database as an image has it; changes are nobody's."""
        database = sqlite3.connect(":memory:", isolation_level=None, factory=Database)
        if image:
            database.deserialize(image)
        return database

    @property
    def image(self) -> bytes:
        """The database as a crash now would leave it; not to be asked in mid-transaction."""
        return self._database.serialize() if self._database else self._image

    def back_up(self) -> None:
        """Keep a copy, as somebody does who makes backups."""
        self._backups.append((self.image, dict(self._shelf.files)))
        del self._backups[:-BACKUPS_MAX]

    def roll_back(self) -> bool:
        """Put a backup in its place while nobody runs on it; returns whether there was one."""
        if self._database or not self._backups:
            return False
        self._image, self._files = self._random.choice(self._backups)
        self._backups.clear()
        return True

    def damage_checkpoint(self) -> bool:
        """Change a bit of the newest checkpoint; returns whether there is one."""
        if not self._files:
            return False
        name = max(self._files)
        damaged = bytearray(self._files[name])
        damaged[self._random.randrange(len(damaged))] ^= 1 << self._random.randrange(8)
        self._files[name] = bytes(damaged)
        return True

    # --- what the life that has it does ---

    def before(self, sql: str) -> None:
        """A statement is about to be run."""
        if sql.startswith("PRAGMA synchronous"):
            self._is_synced = sql.endswith("FULL")
        elif sql.startswith("BEGIN") and self.watched and not self._is_synced:
            self._synced_image = self._synced_image or self.image

    def before_commit(self) -> None:
        """A transaction is about to become durable.

        Raises:
            sqlite3.OperationalError: the disk is full.
        """
        if self.full:
            raise sqlite3.OperationalError("database or disk is full")
        if self._is_synced:
            self._synced_image = b""
        self.on_commit(True)
