"""Tables: named tuples of arrays whose columns are declared once.

A declaration gives each column its dtype, its dimensions by name, its unit and its meaning. From
it come the allocation, the kernel's signature, the checkpoint and the state hash, so that none of
them can forget a column. Called by economies and by merchants; knows nothing of either.
"""

import functools
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple, TypeVar, get_args, get_type_hints

import numpy as np
import numpy.typing as npt
from numba import types
from numba.np.numpy_support import from_dtype

Array = npt.NDArray[Any]
Table = TypeVar("Table", bound=tuple)


@dataclass(frozen=True)
class Column:
    """What one array of a table is.

    Attributes:
        dtype: numpy's short name, such as "i8", or what `record` returns.
        dimensions: names of the axes, separated by spaces; each is a size or a number.
        meaning: what a cell holds, with its unit.
    """

    dtype: Any
    dimensions: str
    meaning: str

    def shape(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        """The shape for given sizes of the named dimensions.

        Raises:
            KeyError: a dimension has no size.
        """
        return tuple(int(d) if d.isdigit() else sizes[d] for d in self.dimensions.split())


@functools.cache
def columns(table: type) -> dict[str, Column]:
    """The declared columns of a table, in order.

    Raises:
        TypeError: a field is not annotated with a Column.
    """
    found = {}
    for name, hint in get_type_hints(table, include_extras=True).items():
        column = _column_of(hint)
        if column is None:
            raise TypeError(f"{table.__name__}.{name} declares no Column")
        found[name] = column
    return found


def _column_of(hint: Any) -> Column | None:
    return next((a for a in get_args(hint)[1:] if isinstance(a, Column)), None)


def allocate(table: type[Table], **sizes: int) -> Table:
    """A table of zeros; `sizes` gives every named dimension."""
    return table(*(np.zeros(c.shape(sizes), c.dtype) for c in columns(table).values()))


def record(table: type) -> np.dtype[Any]:
    """A declared table's columns as the fields of one record: an array of them has a row together.

    Fields come widest first, so that each lies at a multiple of its size.
    """
    named = [(name, np.dtype(column.dtype)) for name, column in columns(table).items()]
    return np.dtype(sorted(named, key=lambda field: -field[1].itemsize))


def resized(rows: Table, **sizes: int) -> Table:
    """A copy in which every dimension has the size given; what is new is zero, what fits stays.

    Dimensions that `sizes` leaves out keep the size they have.
    """
    grown = []
    for array, column in zip(rows, columns(type(rows)).values(), strict=True):
        now = dict(zip(column.dimensions.split(), array.shape, strict=True))
        new = np.zeros(column.shape(now | sizes), column.dtype)
        kept = tuple(slice(0, min(a, b)) for a, b in zip(array.shape, new.shape, strict=True))
        new[kept] = array[kept]
        grown.append(new)
    return type(rows)(*grown)


def scalars(parameters: type, module: str, name: str, *, derived: tuple[str, ...] = ()) -> Any:
    """A named tuple class with the numbers of a frozen dataclass, for kernels.

    Args:
        parameters: the dataclass; fields that are neither float nor int are left out.
        module, name: where the class is going to be bound: numba's cache finds it there.
        derived: properties of the dataclass, ints, that kernels want as well.
    """
    numbers = [(f.name, f.type) for f in fields(parameters) if f.type in (int, float)]
    numbers += [(each, int) for each in derived]
    rules = NamedTuple(name, numbers)  # type: ignore[misc]
    rules.__module__ = module
    return rules


def packed(rules: type, parameters: Any) -> Any:
    """The numbers of a frozen dataclass as its `scalars` class, each of the field's own type."""
    kinds = get_type_hints(rules)
    return rules(*(kinds[name](getattr(parameters, name)) for name in kinds))


def kernel_type(table: type) -> types.Type:
    """What a kernel's signature says of a table, of `scalars`, or of a named tuple of these."""
    kinds: list[types.Type] = []
    for hint in get_type_hints(table, include_extras=True).values():
        column = _column_of(hint)
        if column is not None:
            dtype = from_dtype(np.dtype(column.dtype))
            kinds.append(types.Array(dtype, len(column.dimensions.split()), "C"))
        elif hint in (int, float):
            kinds.append(types.float64 if hint is float else types.int64)
        else:
            kinds.append(kernel_type(hint))
    if len(set(kinds)) == 1:  # numba itself tells the two apart
        return types.NamedUniTuple(kinds[0], len(kinds), table)
    return types.NamedTuple(kinds, table)


def digest_into(
    digest: hashlib.blake2b, rows: tuple, rows_alive: Array | slice = slice(None)
) -> None:
    """Feed every column, in declared order, to a hash: its shape and its little-endian bytes.

    Args:
        digest: what is fed.
        rows: the table.
        rows_alive: which rows live, in which order, where the leading axis has spare capacity.
    """
    for array in rows:
        array = array[rows_alive]
        little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        digest.update(repr(little.shape).encode())
        digest.update(little.tobytes())
