"""The verbs that look at a node from outside: watch, peers.

Called by `cli`; a running node is reached over its observer socket like any other program's.
"""

import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from city_node.errors import ConfigError
from city_node.running import one_running
from city_node.settings.fields import check_writable
from protocol.limits import MINOR_PER_COIN
from protocol.observe import Hello, Message, Peer, Refused, Snapshot
from protocol.observe_lines import ObserveError, SnapshotReader, encode

CONNECT_S_MAX = 5.0
SILENCE_S_MAX = 30.0
"""A node shows itself many times a second, but may be in a long window."""

RECEIVE_BYTES = 65_536

PIPED_COLUMNS = 200
"""Of a table that no terminal bounds."""


@dataclass(frozen=True)
class Watched:
    """The node a verb looks at: where its observer socket is, and the token for it."""

    host: str
    port: int
    token: str | None = None

    @property
    def address(self) -> str:
        """HOST:PORT."""
        return f"{self.host}:{self.port}"


def watched(address: str | None, node: str | None, token_file: Path | None) -> Watched:
    """The node that is meant: an address, or the one of this user that runs.

    Raises:
        ConfigError: an address that is none, an unreadable token, no node or too many.
    """
    if address is None:
        running = one_running(node)
        address = running.observe
        token_file = token_file or (Path(running.token_file) if running.token_file else None)
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise ConfigError(f"address = {address!r}: must be HOST:PORT, port from 1 to 65535")
    try:
        token = token_file.read_text("utf-8").strip() if token_file else None
    except OSError as error:
        raise ConfigError(f"token_file = '{token_file}': {error.strerror}") from None
    return Watched(host.strip("[]"), int(port), token)


def messages(node: Watched) -> Iterator[Message]:
    """What a node says, as it comes, until it ends.

    Raises:
        ConfigError: it cannot be reached, refuses, or is not a node.
    """
    reader = SnapshotReader()
    try:
        with socket.create_connection((node.host, node.port), timeout=CONNECT_S_MAX) as connection:
            connection.settimeout(SILENCE_S_MAX)
            if node.token:
                connection.sendall(encode(Hello(token=node.token)))
            while data := connection.recv(RECEIVE_BYTES):
                for message in reader.receive(data):
                    if isinstance(message, Refused):
                        raise ConfigError(f"address = {node.address!r}: refused: {message.why}")
                    yield message
    except (OSError, ObserveError) as error:
        raise ConfigError(f"address = {node.address!r}: no node there ({error})") from None


def first_snapshot(node: Watched) -> Snapshot:
    """The first snapshot a node sends.

    Raises:
        ConfigError: none comes.
    """
    for message in messages(node):
        if isinstance(message, Snapshot):
            return message
    raise ConfigError(f"address = {node.address!r}: the node ended before it showed itself")


def print_snapshots(node: Watched, *, once: bool) -> None:
    """Snapshots on stdout, one JSON object a line."""
    for message in messages(node):
        if isinstance(message, Snapshot):
            sys.stdout.write(encode(message).decode())
            sys.stdout.flush()
            if once:
                return


class Shown(NamedTuple):
    """How the viewer is to look: pixels, dark or light, and the CITY/VIEW it begins with."""

    size: tuple[int, int]
    theme: str
    wanted: str


def shown(size: str, theme: str, wanted: str) -> Shown:
    """The options of `watch`, checked but for what only the node knows.

    Args:
        size: WxH, pixels.

    Raises:
        ConfigError: a bad argument.
    """
    from viewer.theme import THEMES

    width, _, height = size.partition("x")
    if not width.isdecimal() or not height.isdecimal():
        raise ConfigError(f"size = {size!r}: must be like 1280x800")
    pixels = int(width), int(height)
    if not (640 <= pixels[0] <= 7680 and 420 <= pixels[1] <= 4320):
        raise ConfigError(f"size = {size!r}: must be from 640x420 to 7680x4320")
    if theme not in THEMES:
        raise ConfigError(f"theme = {theme!r}: must be one of {', '.join(THEMES)}")
    return Shown(pixels, theme, wanted)


def view(
    node: Watched,
    screenshot: Path | None,
    record: Path | None,
    *,
    seconds: float | None,
    shown: Shown,
) -> None:
    """Open the viewer, or make a picture or a film of what it would show.

    Args:
        screenshot, record: where the PNG, the GIF goes; neither: a window.
        seconds: how long to watch; None: the viewer's own default.

    Raises:
        ConfigError: no such city or view, no display, nothing seen, or a file that cannot be
            written.
    """
    from viewer import app
    from viewer import record as film
    from viewer.state import View

    for field, path, ending in (("screenshot", screenshot, ".png"), ("record", record, ".gif")):
        if path:
            check_writable(field, path, ending)
    how: dict[str, Any] = {
        "size": shown.size,
        "token": node.token,
        "view": View(theme=shown.theme, wanted=shown.wanted),
    }
    watching = how | ({"seconds": seconds} if seconds else {})
    try:
        if screenshot:
            film.screenshot(node.address, screenshot, **watching)
            print(f"drew {screenshot}")
        elif record:
            film.record(node.address, record, **watching)
            print(f"drew {record}")
        else:
            app.run(node.address, **how)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    except (app.NoDisplayError, film.NothingSeenError, OSError) as error:
        raise ConfigError(f"watch: {error}") from None


def print_peers(node: Watched) -> None:
    """The travel-ways of a node: state, traffic, refusals; with nodes of ours accounts as well; and
    before them the nodes that are kept apart."""
    shown = first_snapshot(node)
    console = Console(width=None if sys.stdout.isatty() else PIPED_COLUMNS)
    for node_apart in (found for found in shown.nodes if not found.up):
        console.print(f"{node_apart.name} at {node_apart.address}: {node_apart.why_apart}")
    if not shown.peers:
        console.print(f"{shown.node}: no peers yet; peers reach it at {shown.address}")
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("city", "peer", "state", "address"):
        table.add_column(heading)
    for heading in ("arrived", "departed", "waiting", "tariffs"):
        table.add_column(heading, justify="right")
    for heading in ("refused", "balance", "credit used"):
        table.add_column(heading, justify="right")
    for peer in shown.peers:
        state = peer.why_closed or ("dialled" if peer.dialled else "accepted")
        counts = (peer.arrived, peer.departed, peer.waiting)
        table.add_row(
            peer.city,
            peer.name,
            state,
            peer.address,
            *(f"{count:,}" for count in counts),
            f"{peer.tariff_minor / MINOR_PER_COIN:,.2f}",
            f"{peer.refused:,}",
            *_account_of(peer),
        )
    console.print(table)


def _account_of(peer: Peer) -> tuple[str, str]:
    """Balance in coins and the share of the credit used; "-" where nobody keeps accounts."""
    if peer.balance_minor is None or peer.credit_minor is None:
        return "-", "-"
    used_minor = peer.credit_used_minor or 0
    used = f"{used_minor / peer.credit_minor:.0%}" if peer.credit_minor else "-"
    return f"{peer.balance_minor / MINOR_PER_COIN:,.2f}", used
