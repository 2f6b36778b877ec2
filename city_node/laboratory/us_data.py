"""Reads a file of FRED-QD, the quarterly data of the United States, for the ruler.

Called by `reality` where the user gives such a file (https://www.stlouisfed.org/research/economists/
mccracken/fred-databases); it is not ours to ship. Only 1959Q1 to 2019Q4 is read: what the targets
were computed from.
"""

import csv
from pathlib import Path

import numpy as np

from city_node.errors import ConfigError
from engine.reality.quarters import Quarters
from engine.tables import Array

FIRST_YEAR, LAST_YEAR = 1959, 2019

CREDIT = ("BUSLOANSx", "REALLNx", "CONSUMERx")
NAMES = {
    "output": "GDPC1",
    "consumption": "PCECC96",
    "investment": "FPIx",
    "employment": "PAYEMS",
    "hours": "HOANBS",
    "productivity": "OPHNFB",
    "unemployment": "UNRATE",
    "vacancies": "HWIx",
    "price_consumer": "CPIAUCSL",
    "price_output": "GDPCTPI",
    "real_wage": "COMPRNFB",
    "policy_rate": "FEDFUNDS",
    "spread": "BAA10YM",
    "utilisation": "TCU",
}
PEOPLE, SHORT_UNEMPLOYED = "CE16OV", "UEMPLT5"


def us_quarters(path: Path) -> Quarters:
    """The quarters of the United States, 1959Q1 to 2019Q4.

    Raises:
        ConfigError: the file cannot be read, or lacks a series or a quarter.
    """
    columns = _columns(path)
    needed = [*NAMES.values(), *CREDIT, PEOPLE, SHORT_UNEMPLOYED]
    missing = [name for name in needed if name not in columns]
    if missing:
        raise ConfigError(f"data = '{path}': lacks the series {', '.join(missing)}")
    rate, employed = columns["UNRATE"], columns[PEOPLE]
    unemployed = employed * rate / (100.0 - rate)
    return Quarters(
        **{field: columns[name] for field, name in NAMES.items()},
        real_credit=np.sum([columns[name] for name in CREDIT], axis=0),
        job_finding=columns[SHORT_UNEMPLOYED] / unemployed,
        separations=100.0 * columns[SHORT_UNEMPLOYED] / employed,
    )


def _columns(path: Path) -> dict[str, Array]:
    """Every column from 1959 to 2019, NaN where a cell is empty."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            head, *rows = list(csv.reader(file)) or [[]]
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not a text in UTF-8"
        raise ConfigError(f"data = '{path}': cannot be read ({why})") from None
    quarters = [row for row in rows if FIRST_YEAR <= _year(row) <= LAST_YEAR]
    least = 4 * (LAST_YEAR - FIRST_YEAR + 1)
    if len(quarters) != least:
        raise ConfigError(
            f"data = '{path}': has {len(quarters)} quarters of {FIRST_YEAR} to {LAST_YEAR}, "
            f"must be {least}"
        )
    return {
        name: np.array([_number(row, column) for row in quarters])
        for column, name in enumerate(head)
    }


def _year(row: list[str]) -> int:
    """Of a date like 3/1/1959; 0 where it is none."""
    last = row[0].rsplit("/", 1)[-1] if row else ""
    return int(last) if last.isdigit() else 0


def _number(row: list[str], column: int) -> float:
    try:
        return float(row[column])
    except (ValueError, IndexError):
        return float("nan")
