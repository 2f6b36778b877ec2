"""The verbs of trust: id, pending, trust, distrust, rotate. They need no running node.

Called by `cli`; all they do is read and write the files of `city_node.trust`, and a world's key.
"""

import time
from pathlib import Path

from city_node import trust as files
from city_node.errors import ConfigError
from city_node.node_id import one_of


def print_own() -> None:
    """The user's own ids, one a line, and whose they are below.

    Raises:
        ConfigError: there are none.
    """
    own = files.own_worlds(files.home_folder())
    if not own:
        raise ConfigError("id: no node of yours has run yet; start one with `city-node Riverwood`")
    for entry in own:
        print(f"{entry.id}\n    {entry.name}, {entry.world}")


def print_pending() -> None:
    """Who has knocked, the latest last."""
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


def print_trusted() -> None:
    """Who is let in."""
    for entry in files.trusted(files.home_folder()).values():
        whose = f"your own, {entry.world}" if entry.world else f"since {_when(entry.since_s)}"
        print(f"{entry.id}\n    {entry.name or '?'}, {whose}")


def trust(text: str) -> None:
    """Let a node in.

    Args:
        text: its id, or the beginning of one that has knocked.

    Raises:
        ConfigError: a typo, nobody, several, or it cannot be written down.
    """
    home = files.home_folder()
    try:
        node_id = one_of("trust", text, files.pending(home))
        entry = files.trust(home, node_id, time.time())
    except ValueError as error:
        raise ConfigError(str(error)) from None
    except OSError as error:
        raise ConfigError(f"CITY_NODE_HOME = '{home}': {error.strerror}") from None
    print(f"trusted: {node_id}{_called(entry.name)}")


def distrust(text: str) -> None:
    """Let a node in no more.

    Args:
        text: its id, or the beginning of one that is trusted.

    Raises:
        ConfigError: a typo, nobody, several, not trusted, or it cannot be written down.
    """
    home = files.home_folder()
    known = files.trusted(home)
    try:
        node_id = one_of("distrust", text, known)
        was_trusted = files.distrust(home, node_id)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    except OSError as error:
        raise ConfigError(f"CITY_NODE_HOME = '{home}': {error.strerror}") from None
    if not was_trusted:
        raise ConfigError(f"distrust = {text!r}: is not trusted")
    print(f"trusted no more: {node_id}{_called(known[node_id].name)}")


def rotate(folder: Path | None) -> None:
    """Give a world another key, and say what its ids were and are.

    Args:
        folder: of the world, whose node does not run; None: the user's only one.

    Raises:
        ConfigError: none or several are meant, its node runs, or it cannot be written.
    """
    from city_node.folder import locked
    from city_node.identity import identity_in, introduce
    from city_node.rotation import rotated

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
