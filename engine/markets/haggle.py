"""Haggling: whoever wants to sell stands in the good's row of sellers; a buyer asks around.

Each good has a dense row of (ask, seller), so that a buyer meets sellers only, never scans people
who do not sell, and pays nothing where nobody does: linear in the number of agents at every size.
Residents are sellers 0 .. residents - 1; stall m of a merchant is seller residents + m and stands
in the same row. A seller remembers his place in the row (`place`, -1 when he is not in it), so
that standing in and stepping out are O(1): the last in the row takes the place of one who leaves.

Called by an economy's kernels. Knows nothing of money, beliefs or merchants.
"""

from typing import Annotated, NamedTuple

import numpy as np

from engine.kernels import helper, inlined
from engine.rng import below
from engine.tables import Array, Column

PROBES_MAX = 128
"""Whom a buyer asks at most. A row of up to 128 is asked from end to end; in a longer one, 128
misses say that his price is out of the market."""

STRIDE_MAX = 32
"""A buyer's steps along the row are odd and below this, so that 128 of them stay within 32 KiB of
asks: the order is random and the memory near."""


class Rows(NamedTuple):
    """Every good's row of sellers; cells from `size` on mean nothing."""

    size: Annotated[Array, Column("i8", "goods", "sellers in the row")]
    ask: Annotated[Array, Column("f8", "goods sellers", "price asked, coins")]
    seller: Annotated[Array, Column("i4", "goods sellers", "who asks it")]


@inlined
def stand(rows, good, place, seller, ask):
    """int64: the seller's place in the row, having put or changed his ask; `place` is his, or -1.

    Args:
        rows: Rows.
        good, place, seller: int64.
        ask: float64 coins.
    """
    if place < 0:
        place = rows.size[good]
        rows.size[good] = place + 1
        rows.seller[good, place] = seller
    rows.ask[good, place] = ask
    return place


@inlined
def step_out(rows, good, place):
    """int64: the seller who now stands at `place` (whose own place is to be corrected), or -1."""
    last = rows.size[good] - 1
    rows.size[good] = last
    if place == last:
        return np.int64(-1)
    rows.ask[good, place] = rows.ask[good, last]
    moved = rows.seller[good, last]
    rows.seller[good, place] = moved
    return np.int64(moved)


@helper
def ask_around(rows, good, bits, price_max, buyer, sellers_end):
    """int64: the place of the first seller, in random order, who asks at most `price_max`, or -1.

    The order walks the row, taken as the next power of two long, from a random seller in a random
    odd stride: every place is met once before any is met twice, and since the start is one of the
    row, so is each that follows as likely as any other.

    Args:
        rows: Rows.
        good: int64.
        bits: uint64, random.
        price_max: float64 coins.
        buyer: int64, who does not buy from himself.
        sellers_end: int64, sellers from this number on are passed over.
    """
    count = rows.size[good]
    if count == 0:
        return np.int64(-1)
    mask = np.int64(1)
    while mask < count:
        mask <<= 1
    mask -= 1
    place = below(bits, count)
    stride = np.int64(bits & np.uint64(STRIDE_MAX - 1)) | 1
    for _ in range(min(mask + 1, PROBES_MAX)):
        if place < count and rows.ask[good, place] <= price_max:
            seller = rows.seller[good, place]
            if seller != buyer and seller < sellers_end:
                return place
        place = (place + stride) & mask
    return np.int64(-1)
