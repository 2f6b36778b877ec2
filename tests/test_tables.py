"""Tables: one declaration gives arrays, kernel signature and hash, and none forgets a column."""

import hashlib
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import numba
import numpy as np
import pytest
import worlds

from engine.bazaar.state import Bazaar
from engine.tables import (
    Array,
    Column,
    allocate,
    columns,
    digest_into,
    kernel_type,
    packed,
    resized,
    scalars,
)
from merchants.params import Rules as MerchantRules
from merchants.roster import Roster
from merchants.town import Roads


class People(NamedTuple):
    age: Annotated[Array, Column("i4", "people", "years")]
    tastes: Annotated[Array, Column("f8", "people goods 2", "coins")]


class Same(NamedTuple):
    first: Annotated[Array, Column("i8", "people", "units")]
    second: Annotated[Array, Column("i8", "goods", "units")]


class Grid(NamedTuple):
    cells: Annotated[Array, Column("i8", "rows columns", "units")]


class Undeclared(NamedTuple):
    age: Array


@dataclass(frozen=True)
class Numbers:
    share: float = 0.5
    turns: int = 3


NumberRules = scalars(Numbers, __name__, "NumberRules")


def test_columns_are_declared_in_order():
    assert list(columns(People)) == ["age", "tastes"]
    assert columns(People)["tastes"].dtype == "f8"
    with pytest.raises(TypeError, match=r"Undeclared\.age declares no Column"):
        columns(Undeclared)


def test_shapes_come_from_the_sizes_of_dimensions():
    people = allocate(People, people=3, goods=4)
    assert (people.age.shape, people.tastes.shape) == ((3,), (3, 4, 2))
    assert (people.age.dtype, people.tastes.dtype) == (np.int32, np.float64)
    assert not people.tastes.any()
    with pytest.raises(KeyError, match="goods"):
        allocate(People, people=3)


def test_resizing_keeps_what_fits_and_zeroes_the_rest():
    people = allocate(People, people=2, goods=3)
    people.age[:] = [40, 50]
    people.tastes[:] = np.arange(12.0).reshape(2, 3, 2)
    grown = resized(people, people=4)
    assert grown.age.tolist() == [40, 50, 0, 0]
    assert (grown.tastes[:2] == people.tastes).all()
    assert not grown.tastes[2:].any()
    other = resized(people, people=1, goods=5)
    assert other.tastes.shape == (1, 5, 2)
    assert (other.tastes[0, :3] == people.tastes[0]).all()
    grown.age[0] = 1
    assert people.age[0] == 40, "a copy"


def test_scalars_keep_the_types_of_their_fields():
    rules = packed(NumberRules, Numbers(share=1, turns=7))
    assert rules == (1.0, 7)
    assert (type(rules.share), type(rules.turns)) == (float, int)
    assert NumberRules.__module__ == __name__


def test_kernel_types_are_those_that_numba_gives_the_arrays():
    """Else a kernel would be compiled for something that is never handed to it."""
    city = worlds.world([worlds.city("Riverwood"), worlds.city("Seaside")]).cities[0]
    made = [
        (People, allocate(People, people=2, goods=2)),
        (Same, allocate(Same, people=2, goods=2)),
        (NumberRules, packed(NumberRules, Numbers())),
        (Bazaar, city.state),
        (Roster, city.town.roster),
        (Roads, city.town.roads),
        (MerchantRules, city.town.rules),
    ]
    for table, rows in made:
        assert numba.typeof(rows) == kernel_type(table), table.__name__


def digest_of(rows, *alive) -> str:
    digest = hashlib.blake2b()
    digest_into(digest, rows, *alive)
    return digest.hexdigest()


def test_the_digest_sees_every_cell_and_shape():
    people = allocate(People, people=2, goods=3)
    seen = {digest_of(people), digest_of(allocate(People, people=3, goods=2))}
    for array in people:
        for cell in range(array.size):
            array.reshape(-1)[cell] = 1
            seen.add(digest_of(people))
            array.reshape(-1)[cell] = 0
    assert len(seen) == 2 + 2 + 12
    wide, high = (allocate(Grid, rows=rows, columns=6 // rows) for rows in (2, 3))
    assert digest_of(wide) != digest_of(high), "as many cells, in another shape"


def test_the_digest_is_of_living_rows_in_the_order_asked_for_and_little_endian():
    people = allocate(People, people=4, goods=1)
    people.age[:] = [10, 20, 30, 40]
    whole = digest_of(people, np.array([2, 0]))
    people.age[[1, 3]] = 99
    assert digest_of(people, np.array([2, 0])) == whole
    assert digest_of(people, np.array([0, 2])) != whole
    assert digest_of(people, slice(0, 2)) != digest_of(people)
    swapped = people._replace(age=people.age.astype(">i4"))
    assert digest_of(swapped) == digest_of(people)
