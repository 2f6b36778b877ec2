"""A node's name: the one asked for, or the host's, counted on while another node has it.

A name is claimed by a lock on a file in the user's runtime folder, which the system lets go of
when the process ends, however it ends.
"""

import contextlib
import fcntl
import socket
import warnings
from collections.abc import Iterator
from pathlib import Path

from platformdirs import user_runtime_path

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
def claimed_name(asked: str | None) -> Iterator[str]:
    """The node's name, claimed for as long as the context lasts.

    Args:
        asked: taken as it is; None: the host's name, with -2, -3 ... while it is claimed.
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
                lock = stack.enter_context((folder / f"{name}.lock").open("w"))
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    continue
        yield name


def host_name() -> str:
    """The host's name up to its first dot, as a name of ours."""
    short = socket.gethostname().partition(".")[0]
    kept = "".join(letter for letter in short if letter.isalnum() or letter in "-_").lstrip("-")
    return kept.encode()[: NAME_BYTES_MAX - 4].decode("utf-8", "ignore") or "node"
