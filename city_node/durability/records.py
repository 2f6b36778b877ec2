"""What a ledger keeps of a window: records as data, and the chain that binds them.

Called by `ledger`, `recovery` and `audit`; knows no database.
"""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from city_node.cities.inputs import packed
from city_node.network.departures import Departure

CHAIN_BYTES = 16


class Migration(msgspec.Struct, frozen=True):
    """A merchant under way, as the ledger has it; `tick` is that of his last transition."""

    city: str
    peer: str
    side: str
    xid: int
    state: str
    money_minor: int
    merchant: bytes | None
    tick: int


class Left(NamedTuple):
    """A departure as it is kept: enough to tell whether the same comes out again, and where he went
    if that was over the legacy wire."""

    city: str
    peer: str
    xid: int
    money_minor: int
    digest: bytes
    address: str = ""


class Commit(NamedTuple):
    """A window that was kept: its inputs came at `tick`, and it ended at `until`."""

    number: int
    tick: int
    until: int
    at_s: float
    inputs: bytes
    departures: bytes
    moved: bytes
    chain: bytes


class CityBooks(NamedTuple):
    """A city's own books, minor units."""

    initial_minor: int
    issued_minor: int
    destroyed_minor: int
    holdings_minor: int


class KeptBooks(NamedTuple):
    """The books of a node at a tick; `walking_minor` is on the roads between its cities."""

    tick: int
    walking_minor: int
    cities: dict[str, CityBooks]


def kept(departures: Sequence[Departure]) -> list[Left]:
    """Departures as they are kept."""
    return [
        Left(
            departure.city.name,
            departure.peer,
            departure.xid,
            departure.merchant.money_minor,
            hashlib.blake2b(packed(departure.row)[2], digest_size=8).digest(),
            departure.address,
        )
        for departure in departures
    ]


def chained(before: bytes, commit: Commit) -> bytes:
    """The chain after a commit: a digest of the one before it and of all it holds."""
    head = msgspec.msgpack.encode((commit.number, commit.tick, commit.until, commit.at_s))
    digest = hashlib.blake2b(before, digest_size=CHAIN_BYTES)
    for piece in (head, commit.inputs, commit.departures, commit.moved):
        digest.update(len(piece).to_bytes(8, "little"))
        digest.update(piece)
    return digest.digest()
