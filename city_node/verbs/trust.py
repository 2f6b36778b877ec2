"""The verbs of trust: id, pending, trust, distrust, rotate. They need no running node.

Registered by `cli`; all they do is read and write the files of `city_node.identity.trust`, and a
world's key. What is wrong is a ConfigError.
"""

import time
from pathlib import Path
from typing import Annotated

import typer

from city_node.errors import ConfigError
from city_node.identity import trust as files
from city_node.identity.node_id import one_of


def own_id() -> None:
    """Show the ids of your own nodes, for others to trust."""
    own = files.own_worlds(files.home_folder())
    if not own:
        raise ConfigError("id: no node of yours has run yet; start one with `city-node Riverwood`")
    for entry in own:
        print(f"{entry.id}\n    {entry.name}, {entry.world}")


def pending() -> None:
    """List the nodes that have knocked."""
    knocks = files.pending(files.home_folder()).values()
    for knock in knocks:
        times = (
            "once" if knock.times == 1 else f"{knock.times:,} times since {_when(knock.first_s)}"
        )
        print(f"{knock.id}\n    {knock.node} at {knock.address}, {_when(knock.last_s)}, {times}")
    if knocks:
        print("\nlet one in with: city-node trust ID (its first group will do)")
    else:
        print("nobody has knocked")


def trust(
    node_id: Annotated[
        str | None,
        typer.Argument(metavar="ID", help="All of it, or the beginning of one that knocked."),
    ] = None,
) -> None:
    """Let a node in; without ID, list those you let in."""
    home = files.home_folder()
    if node_id is None:
        _print_trusted(home)
        return
    try:
        full_id = one_of("trust", node_id, files.pending(home))
        entry = files.trust(home, full_id, time.time())
    except ValueError as error:
        raise ConfigError(str(error)) from None
    except OSError as error:
        raise ConfigError(f"CITY_NODE_HOME = '{home}': {error.strerror}") from None
    print(f"trusted: {full_id}{_called(entry.name)}")


def _print_trusted(home: Path) -> None:
    trusted = files.trusted(home).values()
    for entry in trusted:
        whose = f"your own, {entry.world}" if entry.world else f"since {_when(entry.since_s)}"
        print(f"{entry.id}\n    {entry.name or '?'}, {whose}")
    if not trusted:
        print("nobody is trusted")


def distrust(
    node_id: Annotated[
        str, typer.Argument(metavar="ID", help="All of it, or the beginning of one you trust.")
    ],
) -> None:
    """Let a node in no more; running nodes drop it at once."""
    home = files.home_folder()
    known = files.trusted(home)
    try:
        full_id = one_of("distrust", node_id, known)
        was_trusted = files.distrust(home, full_id)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    except OSError as error:
        raise ConfigError(f"CITY_NODE_HOME = '{home}': {error.strerror}") from None
    if not was_trusted:
        raise ConfigError(f"distrust = {node_id!r}: is not trusted")
    print(f"trusted no more: {full_id}{_called(known[full_id].name)}")


def rotate(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[DIR]", help="The world's folder. Default: your only world's."),
    ] = None,
) -> None:
    """Give a world that does not run a new key, signed by the old one, which it replaces."""
    from city_node import kernel_cache

    kernel_cache.prepare()
    from city_node.durability.folder import locked
    from city_node.identity.keys import identity_in, introduce
    from city_node.identity.rotation import rotated

    own = files.own_worlds(files.home_folder())
    if folder is None:
        if len(own) != 1:
            which = ", ".join(f"'{entry.world}'" for entry in own) or "none has run yet"
            raise ConfigError(f"rotate: name the folder of one of your worlds: {which}")
        folder = Path(own[0].world)
    if not (folder / files.KEY_FILE).exists():
        raise ConfigError(f"dir = '{folder}': no world lies there")
    with locked(folder):
        before = identity_in(folder)
        after = rotated(before)
        for entry in own:
            if entry.id == before.id:
                introduce(after, entry.name, entry.since_s)
    print(f"was {before.id}\nis  {after.id}")
    print(
        "\nwhoever trusts the old id takes the new one when the two meet; "
        "only nodes whose cities are all closed have to be told it"
    )


def _called(name: str) -> str:
    return f" ({name})" if name else ""


def _when(unix_s: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(unix_s))
