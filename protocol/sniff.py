"""Which conversation a connection is about to have: with a node of ours in TLS, or legacy.

Called by whoever accepts and dials, before node_connection.py or connection.py is made. Pure rules:
the first byte and the silence so far.

A TLS record begins with byte 0x16, and no name of a city can: names are printed.
"""

import enum
from typing import Final

from protocol.limits import DIALLER_SILENCE_S

TLS_FIRST_BYTE: Final = 0x16


class Way(enum.Enum):
    """What to do with a connection."""

    WAIT = "nothing is known yet"
    TLS = "a node of ours: TLS and version 2"
    LEGACY = "anybody else: names and merchants in the clear"
    DOWNGRADE = "known to speak TLS and does not: close"


def accepted(heard: bytes) -> Way:
    """What somebody is who called us. Who stays silent may still be either: `Connection` says our
    raw name after `LISTENER_SILENCE_S`, and an answer to that is legacy too, unless it is TLS.

    Args:
        heard: what was read so far, left unread.
    """
    if not heard:
        return Way.WAIT
    return Way.TLS if heard[0] == TLS_FIRST_BYTE else Way.LEGACY


def dialled(heard: bytes, silent_s: float, *, known_node: bool, known_legacy: bool = False) -> Way:
    """What somebody is whom we called.

    Args:
        heard: what was read so far; a server of TLS says nothing before its client.
        silent_s: since the connection was made.
        known_node: an announcement, a pin or a setting says that it speaks version 2.
        known_legacy: the same says that it does not.
    """
    if known_node:
        return Way.DOWNGRADE if heard else Way.TLS
    if known_legacy or heard:
        return Way.LEGACY
    return Way.TLS if silent_s >= DIALLER_SILENCE_S else Way.WAIT
