"""Whom a user's nodes trust, and who has knocked: small files that nodes and verbs share.

`CITY_NODE_HOME` (mode 700; else the user's configuration folder) holds `trusted/ID.json`, one for
every id that is let in, among them those of the user's own nodes, and `pending/ID.json`, one for
every stranger who has knocked. A running node looks at `trusted` once a second, so that verbs need
no node and a node needs no verb. Called by `node`, `link` and the verbs; imports no cryptography.
"""

import contextlib
import fcntl
import functools
import os
import stat
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import msgspec
from platformdirs import user_config_path

from city_node.errors import ConfigError
from city_node.identity.node_id import read_id
from city_node.names import NAME_BYTES_MAX

FILE_BYTES_MAX = 65_536
"""Of an entry: 64 cities of one node by their full names, and a certificate."""

PENDING_MAX = 64
"""Strangers remembered. When there are more, the address with most of them loses its oldest, so
that one who floods from a single machine forgets himself first."""

CERTIFICATE_BYTES_MAX = 2_048
"""Kept of anybody; one of ours has about 400."""

CITIES_MAX = 64

SAFE = " -_.':"

LOOK_S = 1.0
"""How often a running node looks whether the user has changed his mind."""

KEY_FILE = "identity.key"
"""Of a world of ours, in its folder: while it is there, so is the node."""


class Trusted(msgspec.Struct, frozen=True, omit_defaults=True):
    """One who is let in.

    Attributes:
        id: the node's.
        name: what the node called itself when it was trusted; for people.
        since_s: Unix time.
        certificate: DER; empty while it has not been seen.
        cities: full names bound to this id: another id that uses one is refused.
        world: folder of the world whose node this is, if it is the user's own; else empty.
    """

    id: str
    name: str = ""
    since_s: float = 0.0
    certificate: bytes = b""
    cities: tuple[str, ...] = ()
    world: str = ""


class Knock(msgspec.Struct, frozen=True, omit_defaults=True):
    """A stranger who asked to be let in.

    Attributes:
        node: what it calls itself, made safe to print.
        address: where it was seen last.
        first_s, last_s: Unix time.
        times: how often it has knocked.
    """

    id: str
    node: str
    address: str
    first_s: float
    last_s: float
    times: int
    certificate: bytes = b""


Entry = TypeVar("Entry", Trusted, Knock)
P = ParamSpec("P")
R = TypeVar("R")


class ChangedKeyError(Exception):
    """A city that is known by one key speaks under another, and nothing shows that both are one
    node's: one line that says what to do."""


def home_path() -> Path:
    """Where the user's home of trust is, or would be."""
    return Path(os.environ.get("CITY_NODE_HOME") or user_config_path("city-node"))


def home_folder() -> Path:
    """The user's home of trust; made if need be.

    Raises:
        ConfigError: it cannot be made, or others could write into it.
    """
    path = home_path()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.stat()
    except OSError as error:
        raise ConfigError(f"CITY_NODE_HOME = '{path}': {error.strerror}") from None
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o077:
        raise ConfigError(
            f"CITY_NODE_HOME = '{path}': mode {mode:03o} lets others in, must be 700: "
            f"chmod 700 '{path}'"
        )
    return path


# --- entries ---


def trusted(home: Path) -> dict[str, Trusted]:
    """Everybody who is let in, by id; what cannot be read lets nobody in."""
    return {entry.id: entry for entry in _entries(home / "trusted", Trusted)}


def pending(home: Path) -> dict[str, Knock]:
    """Everybody who has knocked, by id, the latest last."""
    knocks = sorted(_entries(home / "pending", Knock), key=lambda knock: knock.last_s)
    return {knock.id: knock for knock in knocks}


def _entries(folder: Path, kind: type[Entry]) -> Iterable[Entry]:
    with contextlib.suppress(OSError):
        for path in sorted(folder.glob("*.json")):
            entry = _read(path, kind)
            if entry is not None:
                yield entry


def _read(path: Path, kind: type[Entry]) -> Entry | None:
    with contextlib.suppress(OSError, ValueError, RecursionError, msgspec.MsgspecError):
        with path.open("rb") as file:
            entry = msgspec.json.decode(file.read(FILE_BYTES_MAX), type=kind)
        if entry.id == path.stem == read_id("id", path.stem):
            return entry
    return None


def _alone(act: Callable[Concatenate[Path, P], R]) -> Callable[Concatenate[Path, P], R]:
    """Let it have the entries to itself, from reading to writing: who writes what he has read
    before would let in again whom the user has thrown out meanwhile."""

    @functools.wraps(act)
    def acting(home: Path, *args: P.args, **kwargs: P.kwargs) -> R:
        with contextlib.ExitStack() as held:
            with contextlib.suppress(FileNotFoundError):  # no home: nobody is trusted
                lock = held.enter_context((home / "lock").open("w"))
                fcntl.flock(lock, fcntl.LOCK_EX)
            return act(home, *args, **kwargs)

    return acting


def _write(folder: Path, entry: Trusted | Knock) -> None:
    """Whole or not at all: nodes and verbs read it at any time."""
    folder.mkdir(mode=0o700, exist_ok=True)
    unfinished = folder / f".{entry.id}.{os.getpid()}.{threading.get_ident()}"
    unfinished.write_bytes(msgspec.json.encode(entry) + b"\n")
    unfinished.replace(folder / f"{entry.id}.json")


# --- what a user decides ---


@_alone
def trust(home: Path, node_id: str, now_s: float) -> Trusted:
    """Let an id in from now on; what is known of it from its knock is kept.

    Raises:
        OSError: it cannot be written down.
    """
    already = trusted(home).get(node_id)
    if already is None:
        knock = pending(home).get(node_id)
        name, certificate = (knock.node, knock.certificate) if knock else ("", b"")
        already = Trusted(node_id, name, now_s, certificate)
        _write(home / "trusted", already)
    _path(home, "pending", node_id).unlink(missing_ok=True)
    return already


@_alone
def distrust(home: Path, node_id: str) -> bool:
    """Let an id in no more; whether it had been trusted.

    Raises:
        OSError: it cannot be written down.
    """
    return _remove(home, node_id)


def _remove(home: Path, node_id: str) -> bool:
    _path(home, "pending", node_id).unlink(missing_ok=True)
    try:
        _path(home, "trusted", node_id).unlink()
    except FileNotFoundError:
        return False
    return True


def _path(home: Path, folder: str, node_id: str) -> Path:
    return home / folder / f"{node_id}.json"


# --- what a node writes ---


@_alone
def enter_own(home: Path, own: Trusted) -> None:
    """Write a node's own id down at its start, so that nodes of one user trust each other.

    Ids of worlds that are no more, or have another key now, are removed.

    Args:
        own: with the folder of its world.

    Raises:
        ConfigError: it cannot be written down.
    """
    try:
        for entry in own_worlds(home):
            gone = not (Path(entry.world) / KEY_FILE).exists()
            if entry.id != own.id and (gone or entry.world == own.world):
                _remove(home, entry.id)
        if before := trusted(home).get(own.id):
            own = msgspec.structs.replace(own, since_s=before.since_s, cities=before.cities)
        _write(home / "trusted", own)
    except OSError as error:
        raise ConfigError(f"CITY_NODE_HOME = '{home}': {error.strerror}") from None


def own_worlds(home: Path) -> list[Trusted]:
    """The user's own nodes, by name."""
    own = [entry for entry in trusted(home).values() if entry.world]
    return sorted(own, key=lambda entry: (entry.name, entry.world))


def own_names(home: Path) -> set[str]:
    """What the user's own nodes are called, running or not."""
    return {entry.name for entry in own_worlds(home)}


@_alone
def knock(
    home: Path, node_id: str, node: str, address: str, certificate: bytes, now_s: float
) -> None:
    """Remember a stranger who asked to be let in, within bounds.

    Args:
        node: what it calls itself: anything.
        address: where it comes from.
        certificate: DER, of the length that it may have.

    Raises:
        OSError: it cannot be written down.
    """
    known = pending(home)
    before = known.pop(node_id, None)
    if before is None and len(known) >= PENDING_MAX:
        addresses = [each.address for each in known.values()]
        crowd = max(addresses, key=addresses.count)
        oldest = next(each for each in known.values() if each.address == crowd)
        _path(home, "pending", oldest.id).unlink(missing_ok=True)
    entry = Knock(
        id=node_id,
        node=safe_name(node),
        address=safe_name(address),
        first_s=before.first_s if before else now_s,
        last_s=now_s,
        times=before.times + 1 if before else 1,
        certificate=certificate if len(certificate) <= CERTIFICATE_BYTES_MAX else b"",
    )
    _write(home / "pending", entry)


def safe_name(text: str) -> str:
    """A stranger's text as people may see it: only letters that names and addresses have, cut."""
    letters = (letter for letter in text[:NAME_BYTES_MAX] if letter.isalnum() or letter in SAFE)
    kept = "".join(letters).strip(" -").encode()[:NAME_BYTES_MAX].decode("utf-8", "ignore")
    return kept or "?"


@_alone
def succeed(home: Path, former: Iterable[str], node_id: str) -> Trusted | None:
    """Trust a node whose key has changed, which is proved, as it was trusted under former ids.

    Returns:
        its entry now; None: it was not trusted under any of them.

    Raises:
        OSError: it cannot be written down.
    """
    entries = trusted(home)
    before = [entries[each] for each in former if each in entries]
    if not before:
        return None
    entry = entries.get(node_id) or msgspec.structs.replace(
        before[0], id=node_id, certificate=b"", cities=()
    )
    _write(home / "trusted", entry)
    for each in before:
        _path(home, "trusted", each.id).unlink(missing_ok=True)
    return entry


@_alone
def bind_cities(home: Path, peer_id: str, certificate: bytes, cities: Iterable[str]) -> None:
    """Remember a trusted peer's cities and certificate; to be called when it has been greeted.

    Args:
        cities: their full names, NAME@NODE.

    Raises:
        ChangedKeyError: one of them is bound to another id: nothing of this peer's is to be read.
        OSError: it cannot be written down.
    """
    entries = trusted(home)
    names = tuple(sorted({name.casefold() for name in cities}))[:CITIES_MAX]
    for entry in entries.values():
        if entry.id != peer_id and (taken := set(entry.cities) & set(names)):
            raise ChangedKeyError(
                f"{safe_full_name(min(taken))} is known as a city of {entry.id}, but now speaks as "
                f"{peer_id}; if its key was really changed: city-node distrust {entry.id[:7]}, "
                f"and trust the new one"
            )
    known = entries.get(peer_id)
    certificate = certificate if len(certificate) <= CERTIFICATE_BYTES_MAX else b""
    if known and (known.cities, known.certificate) != (names, certificate):
        _write(
            home / "trusted",
            msgspec.structs.replace(known, cities=names, certificate=certificate),
        )


def safe_full_name(name: str) -> str:
    """A city's full name as people may see it."""
    city, at, node = name.partition("@")
    return safe_name(city) + at + (safe_name(node) if at else "")


# --- what a running node sees ---


async def watch(
    home: Path,
    changed: Callable[[Mapping[str, Trusted]], None],
    sleep: Callable[[float], Awaitable[None]],
    offload: Callable[..., Awaitable[Any]],
) -> None:
    """Look at `trusted` once a second, and tell of every change; until cancelled.

    Args:
        changed: given everybody who is let in now.
        offload: how blocking work leaves the caller's thread.
    """
    before = await offload(trusted, home)
    while True:
        await sleep(LOOK_S)
        now = await offload(trusted, home)
        if now != before:
            before = now
            changed(now)
