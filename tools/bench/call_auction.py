"""The call auction beside sorting: orders a second on one core, price and every fill.

Half bids, half asks, normal around the middle of 1,000 ticks, quantities to 99, the last price
served by time. The peer sorts both sides with torch, as one would first write it, and finds the
price, without fills, from cumulated sums.
"""

from collections.abc import Callable

import numpy as np

from engine.markets import call_auction
from engine.tables import Array
from tools.bench.call_auction_torch import beside
from tools.bench.machine import core_seconds
from tools.bench.results import Result, Row, figure, row_of

SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
TICKS = 1_000
REPETITIONS = 7

EXPECTED = """
An order is 8 bytes read by the histogram, 8 by the sums around the crossing and 8 by the fills,
which write 4. The histogram adds one number a cycle at best, 0.3 ns, the other two passes are
vectors of 16: 0.1 ns each in cache. 0.5 to 0.6 ns, 1.8 G/s at 100,000. At 10,000 Python's 3 µs
around it count as much as a third; beyond the caches 24 bytes of traffic an order at some 15 GB/s
are 1.6 ns at worst: 0.6 to 1 G/s. Sorting takes 12 to 24 levels of two branches: 50 to 150 ns.
"""


def measure(tell: Callable[[str, float], None]) -> Result:
    """All sizes; then a wide range of prices."""
    rows = []
    for number, size in enumerate(SIZES):
        tell(f"{size:,} orders", number / (len(SIZES) + 1))
        sides = orders(size, TICKS)
        rows.append(
            row_of(
                f"{size:,} orders, {TICKS:,} ticks",
                ours(sides, TICKS, size),
                "orders/s",
                peers=beside(sides, size, TICKS),
                goal=1e9,
                floor=0.5e9,
            )
        )
    tell("a wide range", len(SIZES) / (len(SIZES) + 1))
    wide = orders(1_000_000, 10**8)
    rows.append(
        row_of("1,000,000 orders, 100 million ticks", ours(wide, 10**8, 1_000_000), "orders/s")
    )
    return Result("Call auction", EXPECTED, tuple(rows), found(rows))


def orders(size: int, ticks: int) -> tuple[Array, Array, Array, Array]:
    """Ticks and quantities of bids, then of asks."""
    random = np.random.default_rng(1)
    columns = []
    for _ in range(2):
        drawn = random.normal(ticks / 2, ticks / 8, size // 2)
        columns.append(np.clip(drawn, 0, ticks - 1).astype(np.int32))
        columns.append(random.integers(1, 100, size // 2, dtype=np.int32))
    return columns[0], columns[1], columns[2], columns[3]


def ours(sides: tuple[Array, ...], ticks: int, size: int) -> list[float]:
    """Orders a second of each repetition."""
    rates = []
    for _ in range(REPETITIONS):
        rounds = max(1, 200_000 // size)
        began = core_seconds()
        for _ in range(rounds):
            call_auction.clear(*sides, ticks=(0, ticks - 1))
        rates.append(rounds * size / (core_seconds() - began))
    return rates


def found(rows: list[Row]) -> str:
    """What the figures say."""
    times = [row.ours / row.peers[0].value for row in rows if row.peers]
    ratios = f"{min(times):.0f} to {max(times):.0f} times as many as by sorting" if times else ""
    return (
        f"From {figure(min(row.ours for row in rows[:-1]))} to "
        f"{figure(max(row.ours for row in rows[:-1]))} orders/s, {ratios}; a wide range of prices "
        f"takes three histograms, {figure(rows[-1].ours)} orders/s. Not measured: the auction by "
        "torch on a GPU, whose goal is twice the time that its bytes need there."
    )
