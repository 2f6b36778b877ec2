"""Running nodes of this user: each leaves a note in the runtime folder, where verbs find it.

The note of a node that is only starting, as while its kernels compile, says so: verbs wait for it.
"""

import contextlib
import json
import os
import secrets
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from city_node.errors import ConfigError
from city_node.identity.node_name import runtime_folder

STARTING_LOOK_S = 0.1
"""How often a node that starts is looked at."""


class Running(msgspec.Struct, frozen=True):
    """A node that runs now.

    Attributes:
        node: its name; empty where it is only starting, and none was asked for.
        observe: HOST:PORT of its observer listener; empty while it is starting.
        token_file: where the token for it lies; empty where none is asked.
    """

    node: str
    pid: int
    cities: list[str]
    observe: str
    token_file: str = ""


@contextlib.contextmanager
def noted(running: Running) -> Iterator[None]:
    """Leave the note for as long as the context lasts; without a runtime folder verbs need --node.

    Readable by the user alone: it says where commands are taken.
    """
    path: Path | None = None
    with contextlib.suppress(OSError):
        path = runtime_folder() / f"{running.pid}.json"
        path.write_bytes(msgspec.json.encode(running))
        path.chmod(0o600)
    try:
        yield
    finally:
        if path:
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def token_file() -> Iterator[tuple[str, str]]:
    """A new token for observers, in a file that only the user can read: (token, path)."""
    path = runtime_folder() / f"{os.getpid()}.token"
    token = secrets.token_urlsafe(24)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(token + "\n")
    try:
        yield token, str(path)
    finally:
        path.unlink(missing_ok=True)


def running_nodes() -> list[Running]:
    """Every node of this user that runs now, by name."""
    found = []
    with contextlib.suppress(OSError):
        for path in runtime_folder().glob("*.json"):
            with contextlib.suppress(OSError, msgspec.MsgspecError, json.JSONDecodeError):
                running = msgspec.json.decode(path.read_bytes(), type=Running)
                if _lives(running.pid):
                    found.append(running)
                else:
                    path.unlink(missing_ok=True)
    return sorted(found, key=lambda running: running.node)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def one_running(node: str | None) -> Running:
    """The node that a verb means. Waits for one that is starting, and says so on stderr.

    Raises:
        ConfigError: none runs, none has that name, or there are several and none was named.
    """
    is_said = False
    while True:
        notes = running_nodes()
        nodes = [running for running in notes if running.observe]
        named = [running for running in nodes if node in (None, running.node)]
        starting = [running for running in notes if not running.observe]
        if named or not starting:
            break
        if not is_said:
            names = ", ".join(" ".join(running.cities) or "a node" for running in starting)
            print(f"waiting for {names}: still starting", file=sys.stderr, flush=True)
            is_said = True
        time.sleep(STARTING_LOOK_S)
    if not nodes:
        raise ConfigError("node: none runs; start one with `city-node Riverwood Seaside`")
    if len(named) == 1:
        return named[0]
    names = ", ".join(f"{running.node} ({' '.join(running.cities)})" for running in nodes)
    if not named:
        raise ConfigError(f"node = {node!r}: must be one of {names}")
    raise ConfigError(f"node: several run, name one with --node: {names}")
