"""A world's folder: where it lies, who has it, and whether it is the world that was asked for.

    <user data>/city-node/Riverwood+Seaside/
        ledger.db        what may never be lost; -wal and -shm belong to it
        checkpoint-*     the whole world at a tick, to be quick after a crash
        lock             held by the node that runs it
        before/          the world that `--new` has put aside

Called by `opened` at a node's start, and by the verbs that look at folders.
"""

import contextlib
import fcntl
import hashlib
import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
from platformdirs import user_data_path

from city_node.errors import ConfigError
from city_node.settings.city import CityConfig
from city_node.settings.config import Config, resolve
from city_node.settings.fields import converted
from city_node.settings.roads import RoadConfig
from city_node.settings.wishes import Wishes
from engine.economy import load

NAME_BYTES_MAX = 80
LEDGER, LOCK, BEFORE = "ledger.db", "lock", "before"

OURS = (f"{LEDGER}*", "checkpoint-*", "identity.key")
"""What makes a world, and is put aside with it; nothing else in a folder is touched."""

SHOWN_MAX = 200
"""Characters of a setting in an error: a network is a long one."""

SAID = {name: name for name in ("economy", "device", "locals", "merchants", "evolution")}
"""Flags that are settings of a world, and what they are called in a city's."""


def worlds_folder() -> Path:
    """Where worlds lie that were not put elsewhere."""
    return user_data_path("city-node")


def folder_of(cities: Sequence[str], data_dir: Path | None) -> Path:
    """The folder of a world of these cities, whatever their order."""
    if data_dir is not None:
        return data_dir
    joined = "+".join(sorted(cities, key=lambda name: (name.casefold(), name)))
    name = joined.encode()
    if len(name) > NAME_BYTES_MAX or joined.startswith("."):
        digest = hashlib.blake2b(name, digest_size=4).hexdigest()
        joined = f"{name[: NAME_BYTES_MAX - 9].decode('utf-8', 'ignore').lstrip('.')}-{digest}"
    with contextlib.suppress(OSError):
        for known in worlds_folder().iterdir():
            if known.name.casefold() == joined.casefold():  # names are matched ignoring case
                return known
    return worlds_folder() / joined


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Make a folder and have it to oneself for as long as the context lasts.

    Raises:
        ConfigError: another node has it, or it cannot be written.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (folder / LOCK).open("w")
    except OSError as error:
        raise ConfigError(
            f"data_dir = '{folder}': cannot be used ({error.strerror}); --data-dir names another"
        ) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(
                f"data_dir = '{folder}': in use by another node; give this one another --data-dir"
            ) from None
        yield


def put_aside(folder: Path) -> bool:
    """Move the world of a locked folder to `before`, in place of the one that lies there.

    Returns:
        Whether there was one.
    """
    ours = [path for pattern in OURS for path in folder.glob(pattern)]
    if not ours:
        return False
    shutil.rmtree(folder / BEFORE, ignore_errors=True)
    (folder / BEFORE).mkdir(mode=0o700)
    for path in sorted(ours, key=lambda path: path.name != LEDGER):  # the database first
        path.rename(folder / BEFORE / path.name)
    return True


def open_database(path: Path) -> sqlite3.Connection:
    """The database of a locked folder, to be written; used by one thread at a time.

    Raises:
        ConfigError: it cannot be opened.
    """
    try:
        database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
    except sqlite3.Error as error:
        raise ConfigError(f"{path}: cannot be opened ({error})") from None
    return database


@contextlib.contextmanager
def reading(folder: Path) -> Iterator[sqlite3.Connection]:
    """The database of a folder, to be read, whether its node runs or not.

    Raises:
        ConfigError: there is none.
    """
    path = folder / LEDGER
    if not path.is_file():
        raise ConfigError(f"dir = '{folder}': no world lies there")
    try:
        database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    except sqlite3.Error as error:
        raise ConfigError(f"{path}: cannot be read ({error})") from None
    with contextlib.closing(database):
        database.isolation_level = None
        yield database


# --- what a world was founded with ---


def founding(config: Config) -> bytes:
    """All settings that make a world what it is, as JSON."""
    return msgspec.json.encode(
        {"seed": config.seed, "cities": config.cities, "roads": config.roads}
    )


@dataclass(frozen=True)
class Founded:
    """What a world was founded with."""

    seed: int
    cities: tuple[CityConfig, ...]
    roads: tuple[RoadConfig, ...]


def founded(stored: bytes) -> Founded:
    """The settings that a world was founded with."""
    found = msgspec.json.decode(stored, type=Founded)
    cities = []
    for city in found.cities:
        kind = load(city.economy).Parameters
        parameters = converted(f"{city.name}.{city.economy}.", kind, city.parameters)
        cities.append(replace(city, parameters=parameters))
    return replace(found, cities=tuple(cities))


def resumed(config: Config, wishes: Wishes, stored: bytes, folder: Path) -> Config:
    """The configuration with which a world goes on: its own settings, all else as asked now.

    Args:
        config: what `wishes` mean.
        stored: as `founding` made it.

    Raises:
        ConfigError: something else was asked for; the line names it and what the world has.
    """
    known = founded(stored)
    names = [city.name for city in known.cities]
    asked = [city.name for city in config.cities]
    if {name.casefold() for name in names} != {name.casefold() for name in asked}:
        _refuse("cities", ", ".join(asked), ", ".join(names), folder)
    if asked != names:
        config = resolve(replace(wishes, cities=tuple(names)))
    if config.seed_asked and config.seed != known.seed:
        _refuse("seed", config.seed, known.seed, folder)
    if wishes.config is not None:
        _check_same(config, known, folder)
    for flag, field in SAID.items():
        wish = getattr(wishes, flag)
        for city in known.cities:
            if flag == "device" and not getattr(load(city.economy), "KEEPS_DEVICE", False):
                continue
            if wish is not None and wish != getattr(city, field):
                _refuse(flag, wish, getattr(city, field), folder)
    return replace(config, seed=known.seed, cities=known.cities, roads=known.roads)


def _check_same(config: Config, known: Founded, folder: Path) -> None:
    """A file of settings describes a whole world: it must be this one."""
    asked, has = (
        dict(_flat("", msgspec.json.decode(msgspec.json.encode(_settings(each)))))
        for each in (config, known)
    )
    for field in {**has, **asked}:
        if asked.get(field) != has.get(field):
            _refuse(field, asked.get(field, "none"), has.get(field, "none"), folder)


def _settings(of: Config | Founded) -> dict[str, Any]:
    return {"cities": of.cities, "roads": of.roads}


def _flat(where: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Every setting with its path, as `cities.Elm.goods.wood.wear`."""
    if isinstance(value, Mapping):
        for key, branch in value.items():
            yield from _flat(f"{where}.{key}" if where else key, branch)
    elif isinstance(value, list) and any(isinstance(each, Mapping) for each in value):
        for number, branch in enumerate(value):
            yield from _flat(f"{where}.{branch.get('name', number)}", branch)
    else:
        yield where, value


def _refuse(field: str, asked: Any, has: Any, folder: Path) -> None:
    asked, has = (
        v if isinstance(v, str) and len(v) <= SHOWN_MAX else json.dumps(v)[:SHOWN_MAX]
        for v in (asked, has)
    )
    raise ConfigError(
        f"{field} = {asked}: the world in '{folder}' has {has}; "
        "--new starts afresh, --data-dir elsewhere"
    )
