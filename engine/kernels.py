"""How kernels are compiled. Every kernel of the project goes through one of these decorators.

No kernel allocates, and none keeps an array: so numba's reference counts are switched off
(`_nrt`). With them a bazaar runs eight times slower, for each array taken out of a table costs two
calls (numba issue 2345). A division by zero gives inf or NaN as in numpy, without a branch.
"""

import os
from collections.abc import Callable
from typing import Any

from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

_OPTIONS: dict[str, Any] = {"_nrt": False, "error_model": "numpy"}

helper = njit(**_OPTIONS)
"""A function that kernels call; compiled with the first of them."""

inlined = njit(forceinline=True, **_OPTIONS)
"""A helper of a line or two, for the innermost loops."""


part = njit(inline="always", **_OPTIONS)
"""A part of one kernel, called once and written apart to be read. Merged before it is compiled:
its tables need not be passed on, which makes a bazaar twice as fast and compiles it sooner."""


def kernel(signature: Any) -> Callable[[Callable[..., Any]], Any]:
    """A kernel that Python calls: compiled when its module is imported, or read from the cache.

    Cached only where somebody has chosen the folder by a digest of the sources: numba alone would
    not see that a kernel which this one imports has changed.

    Args:
        signature: numba types, see `engine.tables.kernel_type`.
    """
    return njit(signature, nogil=True, cache="NUMBA_CACHE_DIR" in os.environ, **_OPTIONS)


@intrinsic
def prefetch(typing_context: Any, array: Any, row: Any) -> Any:
    """Ask the processor for the cache line where row `row` (int64) of an array begins.

    Changes nothing, reads nothing, and takes any row, also one that does not exist.
    """
    del typing_context, row

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        table = context.make_array(signature.args[0])(context, builder, arguments[0])
        stride = cgutils.unpack_tuple(builder, table.strides)[0]
        byte = cgutils.ir.IntType(8)
        start = builder.bitcast(table.data, byte.as_pointer())
        address = builder.gep(start, [builder.mul(arguments[1], stride)])
        whole = cgutils.ir.IntType(32)
        kinds = cgutils.ir.FunctionType(
            cgutils.ir.VoidType(), [byte.as_pointer(), whole, whole, whole]
        )
        function = cgutils.get_or_insert_function(builder.module, kinds, "llvm.prefetch.p0")
        builder.call(function, [address, whole(0), whole(3), whole(1)])
        return context.get_dummy_value()

    return types.void(array, types.int64), generate
