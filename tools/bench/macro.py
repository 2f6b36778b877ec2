"""The macro economy: months a second on one core, beside bamengine where it is installed.

Three sizes of ours, and bamengine at its own usual size, at the size of our city of 3,000 and at
20,000 households, in turns, so that both see the same machine. A period of bamengine is a quarter
of a simpler economy (one good, no wages by contract, no households' credit, no government).
"""

import warnings
from collections.abc import Callable
from typing import Any

from engine.macro.founding import BANKS, firm_counts
from engine.macro.laboratory import advance_alone, found_alone
from engine.macro.params import Behaviour
from tools.bench.machine import core_seconds
from tools.bench.results import Peer, Result, Row, row_of

SIZES = {108: 45_000.0, 3_000: 3_000.0, 20_000: 450.0}
"""Households -> the goal in months a second; 108 households with 12 firms and 6 banks are 126."""

MONTHS = {108: 6_000, 3_000: 600, 20_000: 96}
SETTLING_MONTHS, REPETITIONS = 120, 5
PEER_PERIODS = {108: 200, 3_000: 60, 20_000: 12}

EXPECTED = """
A month of 20,000 households goes ten times over 20,000 rows of 128 bytes, which lie in the
second-level cache, makes some 60,000 payments of two additions each and 140,000 draws of 1.5 ns,
and 6,400 prices are set or kept: about 2 ms, 450 months/s. Integer money costs a conversion a
payment; what it saves is the search for a leak.
"""


def measure(tell: Callable[[str, float], None]) -> Result:
    """All sizes in turns; `tell` hears what is being done and what share of it is."""
    tell("founding", 0.05)
    ours = {size: found_alone(Behaviour(), 1, size) for size in SIZES}
    for macro, key in ours.values():
        advance_alone(macro, key, SETTLING_MONTHS)
    peers = _peers()
    rates: dict[int, list[float]] = {size: [] for size in SIZES}
    theirs: dict[int, list[float]] = {size: [] for size in peers}
    for repetition in range(REPETITIONS):
        for size, (macro, key) in ours.items():
            tell(f"{size:,} households", 0.1 + 0.9 * repetition / REPETITIONS)
            rates[size].append(rate(lambda: advance_alone(macro, key, MONTHS[size]), MONTHS[size]))  # noqa: B023
        for size, peer in peers.items():
            tell(f"bamengine, {size:,} households", 0.1 + 0.9 * repetition / REPETITIONS)
            theirs[size].append(rate(lambda: _step(peer, size), PEER_PERIODS[size]))  # noqa: B023
    rows = tuple(_row(size, rates[size], theirs.get(size, [])) for size in SIZES)
    found = "; ".join(
        f"at {size:,} households {sorted(rates[size])[REPETITIONS // 2]:,.0f} months/s"
        for size in SIZES
    )
    return Result("Macro economy", EXPECTED, rows, f"On one core: {found}.")


def rate(work: Callable[[], Any], periods: int) -> float:
    """Periods a second of this thread's core."""
    began = core_seconds()
    work()
    return periods / (core_seconds() - began)


def _row(size: int, values: list[float], theirs: list[float]) -> Row:
    agents = size + firm_counts(size)[0] + BANKS
    peers: tuple[Peer, ...] = ()
    if theirs:
        middle = sorted(theirs)[len(theirs) // 2]
        peers = (Peer("bamengine 0.10, periods of a quarter", middle, "beside"),)
    return row_of(
        f"{size:,} households, {agents:,} agents",
        values,
        "months/s",
        peers=peers,
        goal=SIZES[size],
    )


def _peers() -> dict[int, Any]:
    """bamengine at each size, after some periods; none where it is not installed."""
    try:
        from bamengine import Simulation
    except ImportError:
        return {}
    found = {}
    for size in SIZES:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            simulation = Simulation.init(
                n_firms=firm_counts(size)[0],
                n_households=size,
                n_banks=BANKS,
                seed=1,
                log_level="ERROR",
            )
            simulation.run(n_periods=5, collect=False)
        found[size] = simulation
    return found


def _step(simulation: Any, size: int) -> None:
    simulation.run(n_periods=PEER_PERIODS[size], collect=False)
