"""Export: the series of every city by tick, as CSV, JSON lines, SQLite or Parquet, while it runs.

Called by `node` between windows; changes nothing. A row is written when at least `ROW_TICKS` have
passed since the last one; which ticks these are depends on the speed, what they hold does not.
"""

import contextlib
import csv
import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, TextIO

from city_node.cities.gauges import Gauges
from city_node.cities.report import city_summary
from city_node.cities.world import World
from city_node.errors import ConfigError
from city_node.observing.snapshot import series

ROW_TICKS = 100
"""A window at the default speed."""

ENDINGS = (".csv", ".jsonl", ".sqlite", ".parquet")

PARQUET_ROWS = 8_192
"""Of one row group; what a crash would lose."""


class Sink(Protocol):
    """Where rows go."""

    def write(self, rows: Sequence[dict[str, Any]]) -> None: ...
    def close(self) -> None: ...


class History:
    """Writes a row a city when it is time.

    Args:
        sink: None: nothing is written.
        gauges: looked at before this looks.
    """

    def __init__(self, sink: Sink | None, gauges: Gauges) -> None:
        self._sink, self._gauges = sink, gauges
        self._due_tick = 0

    def look(self, world: World) -> None:
        """Write the world as it stands, if enough ticks have passed."""
        if self._sink is None or world.tick < self._due_tick:
            return
        self._due_tick = world.tick + ROW_TICKS
        rows = []
        for city in world.cities:
            now = city_summary(world, city)
            rows.append(
                {
                    "tick": world.tick,
                    "city": city.name,
                    "locals": now["locals"],
                    "merchants": now["merchants"],
                    "money_minor": now["money"]["holdings"],
                    "trades": now["trades"],
                    **{f"price_{good}": price for good, price in now["prices"].items()},
                    **{f"stock_{good}": units for good, units in now["stock"].items()},
                    **series(city, self._gauges),
                }
            )
        self._sink.write(rows)


def columns_of(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Of all of them, in order: cities of other economies have other series."""
    return list(dict.fromkeys(name for row in rows for name in row))


def check_ending(path: Path) -> None:
    """Refuse a file whose name says no format that there is, or one whose extra is missing.

    Raises:
        ConfigError: with those there are, or the extra.
    """
    if path.suffix not in ENDINGS:
        raise ConfigError(f"history = '{path}': must end in {', '.join(ENDINGS)}")
    if path.suffix == ".parquet" and find_spec("pyarrow") is None:
        raise ConfigError(
            f"history = '{path}': Parquet needs an extra: pip install 'city-node[parquet]'"
        )


@contextlib.contextmanager
def history_file(path: Path | None, gauges: Gauges) -> Iterator[History]:
    """The history of a run, in the format that the file's name ends in.

    Raises:
        ConfigError: an unknown ending, or Parquet without its extra.
    """
    if path is None:
        yield History(None, gauges)
        return
    check_ending(path)
    sinks: tuple[Callable[[Path], Sink], ...] = CsvSink, JsonLinesSink, SqliteSink, ParquetSink
    sink = sinks[ENDINGS.index(path.suffix)](path)
    try:
        yield History(sink, gauges)
    finally:
        sink.close()


class JsonLinesSink:
    """One object a line."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8")

    def write(self, rows: Sequence[dict[str, Any]]) -> None:
        """Append rows."""
        self._file.writelines(json.dumps(row) + "\n" for row in rows)

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


class CsvSink:
    """Columns as of all cities at first: what is added later is left out, what a row lacks is
    empty."""

    def __init__(self, path: Path) -> None:
        self._file: TextIO = path.open("w", encoding="utf-8", newline="")
        self._writer: csv.DictWriter[str] | None = None

    def write(self, rows: Sequence[dict[str, Any]]) -> None:
        """Append rows."""
        if self._writer is None:
            self._writer = csv.DictWriter(self._file, columns_of(rows), extrasaction="ignore")
            self._writer.writeheader()
        self._writer.writerows(rows)

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


class SqliteSink:
    """One table, `history`, replaced if there is one; what a later row adds is a new column."""

    def __init__(self, path: Path) -> None:
        try:
            self._database = sqlite3.connect(path)
            self._database.execute("DROP TABLE IF EXISTS history")
            self._database.execute("CREATE TABLE history (tick INTEGER, city TEXT)")
        except sqlite3.Error as error:
            raise ConfigError(f"history = '{path}': cannot be written ({error})") from None
        self._columns = {"tick", "city"}

    def write(self, rows: Sequence[dict[str, Any]]) -> None:
        """Append rows; NaN becomes NULL."""
        for row in rows:
            names = {name: '"' + name.replace('"', '""') + '"' for name in row}
            for name in row.keys() - self._columns:
                self._database.execute(f"ALTER TABLE history ADD COLUMN {names[name]}")
            self._columns |= row.keys()
            marks = ", ".join("?" * len(row))
            insert = f"INSERT INTO history ({', '.join(names.values())}) VALUES ({marks})"
            self._database.execute(insert, list(row.values()))
        self._database.commit()

    def close(self) -> None:
        """Finish the file."""
        self._database.close()


class ParquetSink:
    """Columns as of the first `PARQUET_ROWS`, compressed; by pyarrow, an extra."""

    def __init__(self, path: Path) -> None:
        import pyarrow
        import pyarrow.parquet

        self._arrow = pyarrow
        self._path = path
        self._rows: list[dict[str, Any]] = []
        self._writer: Any = None

    def write(self, rows: Sequence[dict[str, Any]]) -> None:
        """Append rows."""
        self._rows += rows
        if len(self._rows) >= PARQUET_ROWS:
            self._flush()

    def _flush(self) -> None:
        if not self._rows:
            return
        if self._writer is None:
            whole = dict.fromkeys(columns_of(self._rows))  # pyarrow looks at the first row alone
            table = self._arrow.Table.from_pylist([whole | row for row in self._rows])
            self._writer = self._arrow.parquet.ParquetWriter(self._path, table.schema)
        else:
            table = self._arrow.Table.from_pylist(self._rows, schema=self._writer.schema)
        self._writer.write_table(table)
        self._rows.clear()

    def close(self) -> None:
        """Finish the file."""
        self._flush()
        if self._writer is not None:
            self._writer.close()
