"""Tables of founders: who an economy that asks for them is founded with.

`[society] founders = "FILE"`, CSV with a header, or SQLite with a table `founders`: a column a
trait (0 … 1), and perhaps `tribe`. A trait without a column, or an empty cell, is drawn for each
citizen.
Called by `city`; economies themselves read no file.
"""

import csv
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.society.traits import NAMES, TRAITS

ROWS_MAX = 10_000
"""As many as the settings of a world can keep well."""

Table = tuple[tuple[float | None, ...], ...]
"""Rows of traits, in [0, 1], and then the tribe; None: drawn for each citizen."""
CSV, SQLITE = (".csv",), (".sqlite", ".sqlite3", ".db")


def of(where: str, parameters: Any, folder: Path) -> Table:
    """The table that an economy's parameters name; () where they name none.

    Args:
        where: what precedes the field in an error.
        parameters: of any economy.
        folder: where a path that is not absolute begins.

    Raises:
        ValueError: one line with field, value and limit.
    """
    name = getattr(parameters, "founders", "")
    return read(where + "founders", folder / name) if name else ()


def population(parameters: Any, founders: Table, wish: int | None) -> int:
    """How many live at first in a city whose economy says so by itself, unless a flag does.

    Raises:
        ValueError: a flag, and a table of founders that says otherwise.
    """
    if founders:
        count = len(founders) * int(parameters.founder_multiplier)
        if wish not in (None, count):
            raise ValueError(f"locals = {wish}: the table of founders says {count}")
        return count
    if wish is None:
        return int(parameters.population)
    try:
        return int(replace(parameters, population=wish).population)
    except ValueError as error:
        raise ValueError(str(error).replace("population", "locals")) from None


def read(field: str, path: Path) -> Table:
    """A table of founders; None where a cell is empty or a column is missing.

    Raises:
        ValueError: one line with field, value and limit.
    """
    shown = f"{field} = '{path}'"
    if path.suffix not in CSV + SQLITE:
        raise ValueError(f"{shown}: must end in {', '.join(CSV + SQLITE)}")
    try:
        if path.suffix in CSV:
            with path.open(encoding="utf-8", newline="") as file:
                rows = csv.reader(file)
                return _table(shown, next(rows, []), rows)
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            found = database.execute("SELECT * FROM founders")
            return _table(shown, [column[0] for column in found.description], found)
    except OSError as error:
        raise ValueError(f"{shown}: cannot be read ({error.strerror})") from None
    except (sqlite3.Error, csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"{shown}: cannot be read ({error})") from None


def _table(shown: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    numbers = {name: number for number, name in enumerate((*NAMES, "tribe"))}
    for name in columns:
        if name not in numbers:
            raise ValueError(f"{shown}: column {name!r}: must be one of {', '.join(numbers)}")
    found = []
    for number, row in enumerate(rows, 1):
        if number > ROWS_MAX:
            raise ValueError(f"{shown}: more than {ROWS_MAX:,} rows")
        line: list[float | None] = [None] * (TRAITS + 1)
        for name, cell in zip(columns, row, strict=False):
            if cell not in (None, ""):
                line[numbers[name]] = _cell(f"{shown}: row {number}, {name} = {cell!r}", name, cell)
        found.append(tuple(line))
    if not found:
        raise ValueError(f"{shown}: has no founders")
    return tuple(found)


def _cell(shown: str, name: str, cell: Any) -> float:
    most = 255.0 if name == "tribe" else 1.0
    try:
        value = float(cell)
    except ValueError:
        raise ValueError(f"{shown}: must be a number") from None
    if not 0.0 <= value <= most or (name == "tribe" and value % 1):
        kind = "a whole number" if name == "tribe" else "a number"
        raise ValueError(f"{shown}: must be {kind} from 0 to {most:g}")
    return value
