"""How kernels are compiled. Every kernel of the project goes through one of these decorators.

No kernel allocates, and none keeps an array: so numba's reference counts are switched off
(`_nrt`). With them a bazaar runs eight times slower, for each array taken out of a table costs two
calls (numba issue 2345). A division by zero gives inf or NaN as in numpy, without a branch.
"""

from collections.abc import Callable
from typing import Any

from numba import config, njit

_OPTIONS: dict[str, Any] = {"_nrt": False, "error_model": "numpy"}

helper = njit(**_OPTIONS)
"""A function that kernels call; compiled with the first of them."""

inlined = njit(forceinline=True, **_OPTIONS)
"""A helper of a line or two, for the innermost loops."""

contracted = njit(fastmath={"contract"}, **_OPTIONS)
"""A helper whose products may be added without being rounded first, which the processor does in
half the time."""

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
    return njit(
        signature,
        nogil=True,
        cache=bool(config.CACHE_DIR),  # type: ignore[attr-defined]
        **_OPTIONS,
    )
