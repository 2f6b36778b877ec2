"""The checks of single values off the wire, and how a stranger's value is shown in a reason.

Called by messages.py and connection.py. Knows names, numbers and limits, not merchants.
"""

import json
from collections.abc import Collection
from typing import Any

from protocol.limits import NAME_BYTES_MAX, REASON_VALUE_CHARS_MAX


class LineError(ValueError):
    """A line, or a merchant about to become one, breaks a rule; the text is the whole reason."""


def check_name(field: str, name: str) -> None:
    """Check a name somebody else chose: a city, a good or a trait.

    Raises:
        LineError: when it is empty, too long in UTF-8, or holds what cannot be printed (control
            characters, halves of surrogate pairs) or a `{`, which ends a greeting.
    """
    if not name:
        raise LineError(f"{field} holds an empty name")
    if not name.isprintable() or "{" in name:
        raise LineError(f"{field} {shown(name)} has a control character or a {{")
    if len(name.encode()) > NAME_BYTES_MAX:
        raise LineError(f"{field} {shown(name)} is over {NAME_BYTES_MAX} bytes")


def check_city_name(field: str, name: str) -> None:
    """Check `NAME` or `NAME@NODE`; either part is a name.

    Raises:
        LineError: as `check_name`, or for a second `@`.
    """
    city, at, node = name.partition("@")
    check_name(field, city)
    if at:
        check_name(field, node)
    if "@" in node:
        raise LineError(f"{field} {shown(name)} has more than one @")


def path_of(field: str, *names: str) -> str:
    """Where a value stands: a field of ours, then names that strangers chose below it."""
    return " ".join([field, *map(shown, names)])


def pairs_of(value: Any, *path: str) -> tuple[tuple[str, Any], ...]:
    """The pairs of a parsed object; null is an empty one, as Go writes a map never made.

    Raises:
        LineError: when the value is anything else.
    """
    if value is None:
        return ()
    if not isinstance(value, tuple):
        raise LineError(f"{path_of(*path)} is {shown(value)}, not an object")
    return value


def check_number(value: Any, low: float, high: float, *path: str) -> float:
    """Check that a parsed JSON value is a number from `low` to `high`.

    Raises:
        LineError: when it is not.
    """
    if type(value) not in (int, float):  # a bool is an int to isinstance
        raise LineError(f"{path_of(*path)} {shown(value)} is not a number")
    if not low <= value <= high:
        raise LineError(f"{path_of(*path)} {shown(value)} is not within {low:,.0f} … {high:,.0f}")
    return value


def check_whole(value: Any, low: int, high: int, *path: str) -> int:
    """Check that a parsed JSON value is an integer from `low` to `high`.

    Raises:
        LineError: when it is not; 3.0 is not either, as to Go.
    """
    if type(value) is not int:
        raise LineError(f"{path_of(*path)} {shown(value)} is not a whole number")
    return int(check_number(value, low, high, *path))


def check_count(field: str, entries: Collection[str], limit: int, what: str) -> None:
    """Check how many entries a field has.

    Raises:
        LineError: when there are more than `limit`.
    """
    if len(entries) > limit:
        raise LineError(f"{field} names {len(entries):,} {what}, at most {limit}")


def shown(value: Any) -> str:
    """A stranger's value, fit for a log: short, printable, never a whole structure."""
    match value:
        case tuple():
            return "an object"
        case list():
            return "an array"
        case None | bool():
            return json.dumps(value)
        case str() | bytes():
            value = value[: REASON_VALUE_CHARS_MAX + 1]  # the repr of more would be thrown away
    text = repr(value)
    if len(text) <= REASON_VALUE_CHARS_MAX:
        return text
    return f"{text[: REASON_VALUE_CHARS_MAX - 1]}…"
