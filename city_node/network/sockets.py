"""Small things about sockets that both wires need: who is there, what he says first, how often,
and who may be silent.

Called by `link`, `travelway`, `meeting` and `machine`; knows neither wire.
"""

import socket
from collections import OrderedDict
from typing import Any, Protocol

import trio

NODE_PORT_FIRST = 55_500
PORTS_SCANNED = 1_000

ACCEPTED_PER_S, ACCEPTED_BURST = 32.0, 128.0
"""Of one address: a handshake costs both sides a millisecond, and a machine may have many nodes."""

ADDRESSES_MAX = 1_024
"""Whose rates are remembered; the one not heard of for longest is forgotten first."""


UNGREETED_MAX = 64
UNGREETED_PER_ADDRESS_MAX = 8
"""Accepted connections that have not greeted, on either wire, in all and from one address: a
newcomer closes the oldest."""


class Ungreeted(Protocol):
    """An accepted connection: a link, or a travel-way of the legacy wire."""

    address: str
    why_closed: str

    def close(self, reason: str) -> None: ...


def take_place(newcomer: Ungreeted, ungreeted: list[Ungreeted]) -> None:
    """A newcomer is not refused: who has been silent for longest makes way.

    Args:
        ungreeted: all of a node's, oldest first; he becomes the last of them.
    """
    silent = [other for other in ungreeted if not other.why_closed]
    same = [other for other in silent if other.address == newcomer.address]
    if len(same) >= UNGREETED_PER_ADDRESS_MAX:
        same[0].close("did not greet, and newcomers from its address want the place")
    elif len(silent) >= UNGREETED_MAX:
        silent[0].close("did not greet, and newcomers want the place")
    ungreeted.append(newcomer)


class Rations:
    """How many connections an address may still make: so many at once, and so many a second."""

    def __init__(self) -> None:
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allow(self, address: str, now_s: float) -> bool:
        """Whether one more is allowed; if so it is counted."""
        left, since_s = self._left.pop(address, (ACCEPTED_BURST, now_s))
        left = min(ACCEPTED_BURST, left + (now_s - since_s) * ACCEPTED_PER_S)
        self._left[address] = (left - 1 if left >= 1 else left, now_s)
        if len(self._left) > ADDRESSES_MAX:
            self._left.popitem(last=False)
        return left >= 1


async def first_byte(stream: trio.SocketStream, silence_s: float) -> bytes | None:
    """The first byte a peer sends, left where it is; b"" at its end, None after so much silence."""
    with trio.move_on_after(silence_s):
        try:
            return await stream.socket.recv(1, socket.MSG_PEEK)
        except OSError:
            return b""
    return None


def address_of(stream: Any) -> str:
    """The IP address of the peer of a stream with a `socket`; "?" when it has gone already."""
    try:
        return str(stream.socket.getpeername()[0])
    except OSError:
        return "?"
