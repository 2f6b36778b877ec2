"""The series of graded runs as CSV, so that anybody can grade them anew, and other people's.

A folder a run, `seed-17`, with `months.csv` (a row a month, a column a field of
`engine.reality.series.Series`), `firms.csv` (year, firm, employment, sales) and `households.csv`
(year, wealth, income; a row a household). A column or a file that is missing is unknown: what needs
it earns nothing. Called by `reality`.
"""

import csv
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np

from city_node.errors import ConfigError
from engine.reality.series import RUN_MONTHS, SNAPSHOT_YEARS, UNITS, Series
from engine.tables import Array

MONTHS, FIRMS, HOUSEHOLDS = "months.csv", "firms.csv", "households.csv"
FIRM_COLUMNS = ("year", "firm", "employment", "sales")
HOUSEHOLD_COLUMNS = ("year", "wealth", "income")
PREFIX = "seed-"
DIGITS = "%.12g"


def write_series(folder: Path, seed: int, run: Series) -> None:
    """One run.

    Raises:
        ConfigError: it cannot be written.
    """
    here = folder / f"{PREFIX}{seed}"
    places = run.firm >= 0
    years = np.broadcast_to(np.arange(1, len(run.firm) + 1)[:, None], run.firm.shape)
    firms = [years, run.firm, run.firm_employment, run.firm_sales]
    looked = SNAPSHOT_YEARS * np.arange(1, len(run.household_wealth) + 1)
    when = np.broadcast_to(looked[:, None], run.household_wealth.shape)
    households = [when, run.household_wealth, run.household_income]
    try:
        here.mkdir(parents=True, exist_ok=True)
        _write(here / MONTHS, tuple(UNITS), [getattr(run, name) for name in UNITS])
        _write(here / FIRMS, FIRM_COLUMNS, [part[places] for part in firms])
        _write(here / HOUSEHOLDS, HOUSEHOLD_COLUMNS, [part.ravel() for part in households])
    except OSError as error:
        raise ConfigError(f"series = '{folder}': cannot be written ({error.strerror})") from None


def runs_in(folder: Path) -> list[tuple[int, Path]]:
    """(seed, folder) of every run in a folder, in the order of the seeds.

    Raises:
        ConfigError: there is none.
    """
    found = []
    for here in sorted(folder.glob(f"{PREFIX}*")):
        seed = here.name.removeprefix(PREFIX)
        if (here / MONTHS).is_file() and seed.isdigit():
            found.append((int(seed), here))
    if not found:
        raise ConfigError(f"grade = '{folder}': has no folder {PREFIX}N with a file {MONTHS}")
    return sorted(found)


def read_series(here: Path) -> Series:
    """One run, NaN or nobody where a column or file is missing.

    Raises:
        ConfigError: a file cannot be read or a cell is no number.
    """
    months = _read(here / MONTHS)
    firms = _read(here / FIRMS, FIRM_COLUMNS)
    households = _read(here / HOUSEHOLDS, HOUSEHOLD_COLUMNS)
    length = len(next(iter(months.values()), np.zeros(0)))
    unknown = set(months) - set(UNITS)
    if unknown:
        raise ConfigError(f"grade = '{here / MONTHS}': unknown column {min(unknown)}")
    numbers = _by_year(firms, "firm", 1, -1.0)
    parts = {
        "firm": numbers.astype(np.int64),
        "firm_employment": _by_year(firms, "employment", 1, 0.0),
        "firm_sales": _by_year(firms, "sales", 1, 0.0),
        "household_wealth": _by_year(households, "wealth", SNAPSHOT_YEARS, np.nan),
        "household_income": _by_year(households, "income", SNAPSHOT_YEARS, np.nan),
    }
    assert {*UNITS, *parts} == {each.name for each in fields(Series)}
    return Series(**{name: months.get(name, np.full(length, np.nan)) for name in UNITS}, **parts)


def _write(path: Path, names: Sequence[str], columns: list[Array]) -> None:
    table = np.column_stack([column.astype(np.float64) for column in columns])
    np.savetxt(path, table, fmt=DIGITS, delimiter=",", header=",".join(names), comments="")


def _read(path: Path, needed: Sequence[str] = ()) -> dict[str, Array]:
    """float64 columns by name; none where there is no such file."""
    if not path.exists():
        return {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            head = [name.strip() for name in next(csv.reader(file), [])]
            table = np.loadtxt(file, delimiter=",", ndmin=2)
    except (OSError, ValueError) as error:
        raise ConfigError(f"grade = '{path}': cannot be read ({error})") from None
    if table.size == 0 or table.shape[1] != len(head):
        raise ConfigError(f"grade = '{path}': has no rows of {len(head)} numbers")
    missing = [name for name in needed if name not in head]
    if missing:
        raise ConfigError(f"grade = '{path}': lacks the column {missing[0]}")
    return dict(zip(head, table.T, strict=True))


def _by_year(table: dict[str, Array], name: str, every: int, nobody: float) -> Array:
    """[years // every, most rows a year]: one column of a long table, padded with `nobody`."""
    years = RUN_MONTHS // 12 // every
    if not table:
        return np.full((years, 0), nobody)
    rows = [table[name][table["year"] == every * (place + 1)] for place in range(years)]
    wide = np.full((years, max(map(len, rows))), nobody)
    for place, row in enumerate(rows):
        wide[place, : len(row)] = row
    return wide
