"""Checkpoints: a whole world as one file, whatever the economies of its cities are made of.

A world is a tree of named tuples with arrays and numbers as leaves, and a few small tables beside
it. The file is a header, which names every array with its digest, and then the arrays. It is read
back into the tree of a newly founded world. Called by `keeping` and `recovery`; knows no ledger.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import numpy as np

from city_node.cities.world import Event, Ledger, World
from city_node.network.quotas import Quota
from engine.tables import Array

MAGIC = b"city-node checkpoint 1\n"
DIGEST_BYTES = 16
HEADER_BYTES_MAX = 2**28
"""Of a world with very many merchants' luggage; more is not a header."""


class DamagedError(Exception):
    """A checkpoint that cannot be read: which record of it, and why."""


class Part(msgspec.Struct, frozen=True):
    """One array: where in the tree it stands, what it is, the digest of its bytes.

    `dtype` is numpy's short name, or of records the name and short name of every field.
    """

    path: str
    dtype: str | list[tuple[str, str]]
    shape: tuple[int, ...]
    digest: bytes


class CityPart(msgspec.Struct, frozen=True):
    """The small numbers of a city."""

    initial_minor: int
    issued_minor: int
    destroyed_minor: int
    entered_minor: int
    left_minor: int
    arrivals: dict[str, int]
    departures: dict[str, int]
    tariffs_minor: dict[str, int] = {}


class QuotaPart(msgspec.Struct, frozen=True):
    """What one peer has brought to a city; times are the node's clock, seconds."""

    city: int
    peer: str
    net_minor: int
    recent: list[tuple[float, int]]


class Header(msgspec.Struct, frozen=True):
    """All of a world that is no array, and which arrays follow.

    Attributes:
        commit, chain: the last commit of the ledger that is in this state, and its chain.
    """

    tick: int
    commit: int
    chain: bytes
    places: list[str]
    events: list[tuple[int, str, str, dict[str, Any]]]
    happened: list[tuple[int, str]]
    luggage: list[tuple[int, int, dict[str, float]]]
    next_xid: list[tuple[int, str, int]]
    cities: list[CityPart]
    quotas: list[QuotaPart]
    parts: list[Part]


Quotas = dict[tuple[int, str], Quota]


class Frozen(msgspec.Struct, frozen=True):
    """A world as it was at one moment, apart from the world that goes on."""

    header: Header
    arrays: list[Array]


def freeze(world: World, commit: int, chain: bytes, quotas: Quotas, later_s: float) -> Frozen:
    """Copy a world; between windows, as fast as memory goes.

    Args:
        commit, chain: of the ledger's last commit.
        later_s: what the node's clock shows more than the quotas' times.
    """
    named = [(path, _copied(array)) for path, array in leaves(arrays_of(world))]
    parts = [
        Part(path, _written(array.dtype), array.shape, b"") for path, array in named
    ]  # digests are taken when it is written
    header = Header(
        tick=world.tick,
        commit=commit,
        chain=chain,
        places=world.places.copy(),
        events=[(e.tick, e.city, e.name, dict(e.arguments)) for e in world.events],
        happened=list(world.happened),
        luggage=[(*who, genes) for who, genes in world.luggage.items()],
        next_xid=[(*pair, xid) for pair, xid in world.next_xid.items()],
        cities=[
            CityPart(
                **{name: getattr(city.ledger, name) for name in CityPart.__struct_fields__[:5]},
                arrivals=dict(city.arrivals),
                departures=dict(city.departures),
                tariffs_minor=dict(city.tariffs_minor),
            )
            for city in world.cities
        ],
        quotas=[
            QuotaPart(*pair, quota.net_minor, [(s + later_s, m) for s, m in quota.recent])
            for pair, quota in quotas.items()
        ],
        parts=parts,
    )
    return Frozen(header, [array for _, array in named])


def _written(dtype: np.dtype[Any]) -> str | list[tuple[str, str]]:
    return dtype.str if dtype.names is None else [(n, dtype[n].str) for n in dtype.names]


def _copied(array: Array) -> Array:
    return np.array(array, array.dtype.newbyteorder("<"), order="C", copy=True)


def arrays_of(world: World) -> dict[str, Any]:
    """The tree of a world's arrays; who has left for the network is the ledger's, not the world's.

    The departures of a town are a buffer, and its rules are settings.
    """
    tree: dict[str, Any] = {"walking": world.walking}
    for city in world.cities:
        town = city.town
        tree[f"{city.name}/state"] = city.state
        tree[f"{city.name}/merchants"] = (town.roster, town.roads, town.lives)
    return tree


def leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Array]]:
    """Every array and number of a tree with its path, in order.

    Raises:
        TypeError: a leaf is neither; the path says which.
    """
    if isinstance(tree, np.ndarray):
        yield path, tree
    elif isinstance(tree, bool | int | float | np.number):
        yield path, np.asarray(tree)
    elif isinstance(tree, tuple | dict):
        for name, branch in _branches(tree):
            yield from leaves(branch, f"{path}/{name}" if path else str(name))
    else:
        raise TypeError(f"{path}: a {type(tree).__name__} cannot be kept, only arrays and numbers")


def _branches(tree: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(tree, dict):
        return iter(tree.items())
    return zip(getattr(tree, "_fields", range(len(tree))), tree, strict=True)


def rebuilt(tree: Any, stored: dict[str, Array], path: str = "") -> Any:
    """A tree of the same shape with stored leaves, each taken out of `stored`.

    Raises:
        DamagedError: a leaf is missing, or is of another type.
    """
    if isinstance(tree, tuple | dict):
        branches = [
            (name, rebuilt(branch, stored, f"{path}/{name}" if path else str(name)))
            for name, branch in _branches(tree)
        ]
        if isinstance(tree, dict):
            return dict(branches)
        values = [branch for _, branch in branches]
        return type(tree)(*values) if hasattr(tree, "_fields") else tuple(values)
    array = stored.pop(path, None)
    like = np.asarray(tree)
    if array is None or array.dtype != like.dtype or array.ndim != like.ndim:
        found = "missing" if array is None else f"{array.dtype}, {array.ndim} axes"
        raise DamagedError(f"{path}: must be {like.dtype} with {like.ndim} axes, is {found}")
    return array if isinstance(tree, np.ndarray) else type(tree)(array[()])


def chunks_of(frozen: Frozen) -> Iterator[bytes | memoryview]:
    """A checkpoint as bytes, to be written one after the other."""
    parts = [
        msgspec.structs.replace(part, digest=_digest(array))
        for part, array in zip(frozen.header.parts, frozen.arrays, strict=True)
    ]
    header = msgspec.msgpack.encode(msgspec.structs.replace(frozen.header, parts=parts))
    yield MAGIC + len(header).to_bytes(8, "little") + header + _digest(header)
    for array in frozen.arrays:
        yield memoryview(array.reshape(-1).view(np.uint8).data)


def _digest(data: Any) -> bytes:
    return hashlib.blake2b(data, digest_size=DIGEST_BYTES).digest()


def header_of(data: bytes) -> tuple[Header, int]:
    """The header of a checkpoint, and where its arrays begin.

    Raises:
        DamagedError: it is not as it was written.
    """
    start = len(MAGIC) + 8
    if not data.startswith(MAGIC) or len(data) < start:
        raise DamagedError("header: not a checkpoint of this version")
    end = start + int.from_bytes(data[len(MAGIC) : start], "little")
    if end > min(len(data), start + HEADER_BYTES_MAX):
        raise DamagedError("header: cut short")
    if _digest(data[start:end]) != data[end : end + DIGEST_BYTES]:
        raise DamagedError("header: damaged")
    return msgspec.msgpack.decode(data[start:end], type=Header), end + DIGEST_BYTES


def restore(data: bytes, world: World) -> tuple[Header, Quotas]:
    """Make a newly founded world the one that a checkpoint holds.

    Args:
        world: of the same settings; changed only if all is well.

    Raises:
        DamagedError: which record, and what is wrong with it.
    """
    header, start = header_of(data)
    stored: dict[str, Array] = {}
    for part in header.parts:
        array = np.empty(part.shape, np.dtype(part.dtype))
        piece = data[start : start + array.nbytes]
        start += array.nbytes
        if len(piece) < array.nbytes or _digest(piece) != part.digest:
            raise DamagedError(f"{part.path}: damaged")
        array[...] = np.frombuffer(piece, array.dtype).reshape(part.shape)
        stored[part.path] = array
    tree = rebuilt(arrays_of(world), stored)
    if stored or len(header.cities) != len(world.cities):
        raise DamagedError(f"{', '.join(stored) or 'cities'}: unknown here")
    _put(world, header, tree)
    quotas = {}
    for part_of in header.quotas:
        quota = quotas[part_of.city, part_of.peer] = Quota(part_of.net_minor)
        quota.recent.extend(part_of.recent)
    return header, quotas


def _put(world: World, header: Header, tree: Mapping[str, Any]) -> None:
    world.tick = header.tick
    world.places = header.places
    world.events = [Event(*event) for event in header.events]
    world.happened.extend(header.happened)
    world.luggage = {(place, number): genes for place, number, genes in header.luggage}
    world.next_xid = {(here, peer): xid for here, peer, xid in header.next_xid}
    world.walking = tree["walking"]
    for city, part in zip(world.cities, header.cities, strict=True):
        city.state = tree[f"{city.name}/state"]
        city.town.roster, city.town.roads, city.town.lives = tree[f"{city.name}/merchants"]
        city.ledger = Ledger(*(getattr(part, name) for name in CityPart.__struct_fields__[:5]))
        city.arrivals = Counter(part.arrivals)
        city.departures = Counter(part.departures)
        city.tariffs_minor = Counter(part.tariffs_minor)
