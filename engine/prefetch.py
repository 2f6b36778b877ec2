"""One instruction that numba does not offer: asking for memory before it is needed.

Called by kernels that know what they are going to touch, such as the order book's.
"""

from typing import Any

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


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
