"""Checkpoints: any economy's state, whatever it is made of, comes back to the last bit."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from city_node.cities.advance import advance
from city_node.cities.report import state_hash
from city_node.cities.world import Event, found_world
from city_node.durability.checkpoint import (
    DamagedError,
    chunks_of,
    freeze,
    leaves,
    rebuilt,
    restore,
)
from city_node.durability.shelf import FolderShelf, name_of, prune
from engine import economy
from tests.worlds import all_roads, city, config, configs


def there_and_back(of, settings_of):
    """A world out of the bytes of another."""
    data = b"".join(chunks_of(freeze(of, 3, b"chain", {}, 0.0)))
    again = found_world(settings_of)
    header, _ = restore(data, again)
    assert (header.tick, header.commit, header.chain) == (of.tick, 3, b"chain")
    return again


def hashes(of) -> list[str]:
    return [state_hash(of, each) for each in of.cities]


@pytest.mark.parametrize("name", economy.names())
def test_every_installed_economy_is_kept_without_code_of_its_own(name: str) -> None:
    parameters = economy.load(name).Parameters()
    people = getattr(economy.load(name), "LOCALS_LEAST", 20)
    cities = [city("Wells", economy=name, parameters=parameters, locals=people), city("Seaside")]
    settings_of = config(cities, all_roads(2))
    of = found_world(settings_of)
    advance(of, 700)
    again = there_and_back(of, settings_of)
    assert hashes(again) == hashes(of)
    for world in (of, again):
        advance(world, 300)
    assert hashes(again) == hashes(of)


@settings(max_examples=15)
@given(settings_of=configs(), ticks=st.integers(0, 200), more=st.integers(1, 200))
def test_a_world_goes_on_from_its_checkpoint(settings_of, ticks: int, more: int) -> None:
    of = found_world(settings_of)
    advance(of, ticks)
    again = there_and_back(of, settings_of)
    for world in (of, again):
        advance(world, more)
    assert hashes(again) == hashes(of)
    assert [each.arrivals for each in again.cities] == [each.arrivals for each in of.cities]


def test_what_is_no_array_is_kept_too() -> None:
    settings_of = config([city("Ash"), city("Elm")], all_roads(2))
    of = found_world(settings_of)
    advance(of, 300)
    of.events.append(Event(500, "Elm", "gift", {"coins": 1.5}))
    of.happened.append((7, "gift in Ash"))
    of.luggage[0, 3] = {"odd": 0.25}
    of.next_xid[1, "seashore"] = 12
    again = there_and_back(of, settings_of)
    for name in ("events", "happened", "luggage", "next_xid", "places", "tick"):
        assert getattr(again, name) == getattr(of, name), name
    assert [each.ledger for each in again.cities] == [each.ledger for each in of.cities]


def test_any_single_bit_is_missed() -> None:
    settings_of = config([city("Ash", locals=2, merchants=1)])
    of = found_world(settings_of)
    advance(of, 50)
    data = b"".join(chunks_of(freeze(of, 0, b"", {}, 0.0)))
    before = hashes(found_world(settings_of))
    for at in range(0, len(data), 17):
        broken = data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :]
        again = found_world(settings_of)
        with pytest.raises(DamagedError):
            restore(broken, again)
        assert hashes(again) == before
    for end in (0, 10, 100, len(data) - 1):
        with pytest.raises(DamagedError):
            restore(data[:end], found_world(settings_of))


def test_a_checkpoint_of_another_kind_of_world_is_refused() -> None:
    one = config([city("Ash")])
    data = b"".join(chunks_of(freeze(found_world(one), 0, b"", {}, 0.0)))
    with pytest.raises(DamagedError, match=r"Elm/state/residents/money_minor: .* is missing"):
        restore(data, found_world(config([city("Elm")])))
    market = {
        name: replace(good, market="book") for name, good in city().goods.items() if name == "bed"
    }
    other = config([city("Ash", goods=city().goods | market)])
    with pytest.raises(DamagedError, match="missing"):
        restore(data, found_world(other))


class Inner(NamedTuple):
    rows: np.ndarray
    rate: float


class Outer(NamedTuple):
    inner: Inner
    pair: tuple
    on: bool


def test_trees_of_arrays_and_numbers() -> None:
    tree = Outer(Inner(np.arange(6.0).reshape(2, 3), 0.5), (np.zeros(0, np.int8), 7), True)
    stored = {path: np.array(array) for path, array in leaves(tree)}
    assert list(stored) == ["inner/rows", "inner/rate", "pair/0", "pair/1", "on"]
    shape = Outer(Inner(np.zeros((5, 1)), 0.0), (np.zeros(9, np.int8), 0), False)
    again = rebuilt(shape, stored)
    assert stored == {}
    assert isinstance(again, Outer)
    assert isinstance(again.inner, Inner)
    np.testing.assert_array_equal(again.inner.rows, tree.inner.rows)
    assert (again.inner.rate, again.pair[1], again.on) == (0.5, 7, True)
    assert [type(each) for each in (again.inner.rate, again.pair[1], again.on)] == [
        float,
        int,
        bool,
    ]
    with pytest.raises(
        TypeError, match="inner/rate: a str cannot be kept, only arrays and numbers"
    ):
        list(leaves(Outer(Inner(np.zeros(1), "fast"), (), True)))
    with pytest.raises(DamagedError, match="inner/rows: must be float64 with 2 axes, is int64, 1"):
        rebuilt(shape, {"inner/rows": np.zeros(3, np.int64)})


def test_a_file_is_there_whole_or_not_at_all(tmp_path) -> None:
    shelf = FolderShelf(tmp_path)

    def breaks():
        yield b"half"
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        shelf.write(name_of(5, 0), breaks())
    assert list(tmp_path.iterdir()) == []
    for tick in (1, 2, 10, 3, 400):
        shelf.write(name_of(tick, 0), iter([b"whole"]))
    assert shelf.names() == [name_of(tick, 0) for tick in (1, 2, 3, 10, 400)]
    prune(shelf)
    assert shelf.names() == [name_of(tick, 0) for tick in (1, 10, 400)]
