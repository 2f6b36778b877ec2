"""All orders of a ladder in their priority, for hashes and for people; compiled when imported."""

import numpy as np
from numba import int64

from engine.kernels import kernel
from engine.markets.ladder import Ladder, key_after, key_at
from engine.tables import kernel_type


@kernel(int64(kernel_type(Ladder), int64, int64[:, ::1]))
def orders_into(ladder, side, into):
    """int64: how many of a side's orders were written, in their priority: (number, row) each."""
    levels = np.int64(len(ladder.resting))
    key, row = ladder.best[side], np.int64(0)
    while key < levels:
        tick = key_at(levels, side, key)
        node = np.int64(ladder.links[tick, 0])
        while node != tick:
            order = node - levels
            into[row, 0] = order
            into[row, 1], into[row, 2] = ladder.rows[order, 0], ladder.rows[order, 1]
            row += 1
            node = np.int64(ladder.links[node, 0])
        key = key_after(ladder, side, key)
    return row
