"""A node's name: its world's, for life, or else the one asked for, or the host's, counted on.

Books between nodes are kept by the full names of cities, so a world keeps the name of its first
start, and a new one takes none that another world of this user has. One that is only just starting
claims its name by a lock on a file in the user's runtime folder, which the system lets go of when
the process ends, however it ends.
"""

import contextlib
import fcntl
import socket
import warnings
from collections.abc import Collection, Iterator
from pathlib import Path

from platformdirs import user_runtime_path

from city_node.errors import ConfigError
from city_node.names import NAME_BYTES_MAX

NODES_MAX = 100
"""Of one user on one machine; a name beyond is not counted on any more."""


def runtime_folder() -> Path:
    """Where running nodes leave their traces; made if need be.

    Raises:
        OSError: it cannot be made.
    """
    with warnings.catch_warnings(action="ignore"):  # it warns of every machine without logind
        folder = user_runtime_path("city-node", ensure_exists=True) / "nodes"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


@contextlib.contextmanager
def claimed_name(asked: str | None, taken: Collection[str] = ()) -> Iterator[str]:
    """The node's name, claimed for as long as the context lasts.

    Args:
        asked: taken as it is; None: the host's name, with -2, -3 ... while it is taken or claimed.
        taken: names of other worlds.
    """
    if asked is not None:
        yield asked
        return
    host = host_name()
    with contextlib.ExitStack() as stack:
        name = host
        with contextlib.suppress(OSError):
            folder = runtime_folder()
            for number in range(1, NODES_MAX):
                name = host if number == 1 else f"{host}-{number}"
                if name.casefold() in {other.casefold() for other in taken}:
                    continue
                lock = stack.enter_context((folder / f"{name}.lock").open("w"))
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    continue
        yield name


def name_for_life(asked: str | None, had: str | None, folder: Path) -> str | None:
    """The name that a world goes on under; None: it has none yet, and none was asked for.

    Args:
        asked: for this start.
        had: at its first start; None: it is new.

    Raises:
        ConfigError: another was asked for; the line names both.
    """
    if had is None or asked is None or asked.casefold() == had.casefold():
        return asked if had is None else had
    raise ConfigError(
        f"node_name = {asked!r}: the world in '{folder}' is called {had!r} for life, since others "
        "keep their books with it by that name; --new starts afresh, --data-dir elsewhere"
    )


def host_name() -> str:
    """The host's name up to its first dot, as a name of ours."""
    short = socket.gethostname().partition(".")[0]
    kept = "".join(letter for letter in short if letter.isalnum() or letter in "-_").lstrip("-")
    return kept.encode()[: NAME_BYTES_MAX - 4].decode("utf-8", "ignore") or "node"
