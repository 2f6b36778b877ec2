"""Single fields of a file: read, checked one by one, each fault a line with field, value and limit.

Called by `config`, which knows what the fields mean. Every function raises ValueError, or its child
ConfigError, with such a line.
"""

import dataclasses
import ipaddress
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from city_node.errors import ConfigError


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file.

    Raises:
        ConfigError: it cannot be read, or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"config = '{path}': cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise ConfigError(f"config = '{path}': not TOML ({error})") from None
    except RecursionError:
        raise ConfigError(f"config = '{path}': not TOML (too deeply nested)") from None


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Tables merged key by key, all the way down; elsewhere `over` wins. A recipe is replaced."""
    result = dict(base)
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            result[key] = base[key] | value if key == "recipes" else merged(base[key], value)
        else:
            result[key] = value
    return result


def tables_in(table: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The tables under a key, as [goods.wood] is under goods; none where the key is missing."""
    found = table.get(key, {})
    if not isinstance(found, dict) or not all(isinstance(part, dict) for part in found.values()):
        raise ValueError(f"{key} = {found!r}: must be a table of tables")
    return found


def check_fields(where: str, table: Mapping[str, Any], known: tuple[str, ...]) -> None:
    """Refuse a field that nobody knows; `where` precedes its name in the error."""
    for key, value in table.items():
        if key not in known:
            names = ", ".join(sorted(known))
            raise ValueError(f"{where}{key} = {value!r}: unknown field, must be one of {names}")


def yes_or_no(field: str, wish: bool | None, value: Any) -> bool:
    """A wish, or else what a file says, which is checked in either case."""
    if not isinstance(value, bool):
        raise ValueError(f"{field} = {value!r}: must be true or false")
    return value if wish is None else wish


def wish_or(wish: Any, value: Any) -> Any:
    """A wish, or else what a file says."""
    return value if wish is None else wish


def wished_or(flag: str, wish: int | None, field: str, value: Any, most: int) -> int:
    """A count from a flag or else from a file; both are checked, each under its own name."""
    whole_number(field, value, most)
    return value if wish is None else whole_number(flag, wish, most)


def table_in(field: str, value: Any) -> dict[str, Any]:
    """The value, if it is a table."""
    if not isinstance(value, dict):
        raise ValueError(f"{field} = {value!r}: must be a table")
    return value


def whole_number(field: str, value: Any, most: int, least: int = 0) -> int:
    """The value, if it is a whole number within bounds."""
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"{field} = {value!r}: must be a whole number from {least} to {most}")
    return value


def text_in(field: str, value: Any) -> str:
    """The value, if it is text."""
    if not isinstance(value, str):
        raise ValueError(f"{field} = {value!r}: must be text")
    return value


def converted(where: str, kind: type, table: Mapping[str, Any]) -> Any:
    """A frozen dataclass from a table: known fields only, of the declared types, within bounds.

    Args:
        where: what precedes a field's name in an error.

    Raises:
        ValueError: one line with field, value and limit.
    """
    hints = get_type_hints(kind)
    check_fields(where, table, tuple(hints))
    for field in dataclasses.fields(kind):
        if field.name in table:
            if parts := _parts_of(hints[field.name]):
                _check_tables(f"{where}{field.name}", parts, table[field.name])
            hint, value = hints[field.name], table[field.name]
            if dataclasses.is_dataclass(hint):
                own = table_in(f"{where}{field.name}", value)
                converted(f"{where}{field.name}.", hint, own)  # type: ignore[arg-type]
            try:
                msgspec.convert(value, hint)
            except msgspec.ValidationError as error:
                choices = ", ".join(map(str, get_args(hint))) if get_origin(hint) is Literal else ""
                limit = f"must be one of {choices}" if choices else error
                raise ValueError(f"{where}{field.name} = {value!r}: {limit}") from None
        elif field.default is dataclasses.MISSING:
            raise ValueError(f"{where}{field.name}: is missing")
    try:
        return msgspec.convert(dict(table), kind)
    except msgspec.ValidationError as error:
        raise ValueError(f"{where}{error}") from None


def _parts_of(hint: Any) -> type | None:
    """The dataclass of a field that is a tuple of them."""
    part = next(iter(get_args(hint)), None)
    return part if isinstance(part, type) and dataclasses.is_dataclass(part) else None


def _check_tables(field: str, kind: type, tables: Any) -> None:
    """Refuse a list of tables for its first fault, named as in `goods[2].wear`."""
    if not isinstance(tables, list):
        raise ValueError(f"{field} = {tables!r}: must be a list of tables, [[{field}]]")
    for number, table in enumerate(tables):
        converted(f"{field}[{number}].", kind, table_in(f"{field}[{number}]", table))


def address_in(field: str, value: Any) -> str:
    """The value, if it is an IP address, as it is usually written."""
    try:
        return str(ipaddress.ip_address(text_in(field, value)))
    except ValueError:
        raise ValueError(f"{field} = {value!r}: must be an IP address, as 127.0.0.1") from None


def check_writable(field: str, path: Path, ending: str = "") -> None:
    """Refuse, before anything runs, a file that cannot be written, or whose name does not end as
    what is written into it should.

    Raises:
        ConfigError: field, value and why.
    """
    if not path.name.lower().endswith(ending):
        raise ConfigError(f"{field} = '{path}': must end in {ending}")
    existed = path.exists()
    try:
        path.open("a").close()
        if not existed:
            path.unlink()
    except OSError as error:
        raise ConfigError(f"{field} = '{path}': cannot be written ({error.strerror})") from None
