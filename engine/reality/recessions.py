"""Dating of recessions by the rule of Bry and Boschan as Harding and Pagan put it for quarters.

(Harding and Pagan, "Dissecting the Cycle", Journal of Monetary Economics 2002: BBQ.) Pure functions
of float64[quarters], called by `facts`.
"""

import itertools
from dataclasses import dataclass

from engine.tables import Array

NEIGHBOURS = 2
"""A peak is above both quarters before it and both after it; a trough below."""

PHASE_QUARTERS_MIN = 2
CYCLE_QUARTERS_MIN = 5


@dataclass(frozen=True)
class Turn:
    """A turning point: sign 1 a peak, -1 a trough."""

    quarter: int
    sign: int


def turning_points(values: Array) -> list[Turn]:
    """Peaks and troughs in turn, each peak above its troughs, no phase shorter than two quarters,
    no cycle than five.

    Of two peaks in a row the higher stands, of two troughs the lower; the pair of a phase that goes
    the wrong way, or of a phase or cycle that is too short, goes, the earliest first.

    Args:
        values: float64[quarters], the level or its logarithm.
    """
    turns = _alternating(_local_extremes(values), values)
    while True:
        place = _against_the_rules(turns, values)
        if place is None:
            return turns
        turns = _alternating(turns[:place] + turns[place + 2 :], values)


def recessions(values: Array) -> list[tuple[int, int]]:
    """(quarter of the peak, quarter of the trough) of every fall that is complete."""
    turns = turning_points(values)
    return [
        (here.quarter, after.quarter) for here, after in itertools.pairwise(turns) if here.sign == 1
    ]


def _local_extremes(values: Array) -> list[Turn]:
    found = []
    for quarter in range(NEIGHBOURS, len(values) - NEIGHBOURS):
        here = values[quarter]
        around = [values[quarter + by] for by in range(-NEIGHBOURS, NEIGHBOURS + 1) if by]
        if here > max(around):
            found.append(Turn(quarter, 1))
        elif here < min(around):
            found.append(Turn(quarter, -1))
    return found


def _alternating(turns: list[Turn], values: Array) -> list[Turn]:
    kept: list[Turn] = []
    for turn in turns:
        if not kept or kept[-1].sign != turn.sign:
            kept.append(turn)
        elif turn.sign * (values[turn.quarter] - values[kept[-1].quarter]) > 0:
            kept[-1] = turn
    return kept


def _against_the_rules(turns: list[Turn], values: Array) -> int | None:
    """Where the first phase begins that is no phase, or the first cycle that is too short."""
    for place, (here, after) in enumerate(itertools.pairwise(turns)):
        falls = here.sign * (values[here.quarter] - values[after.quarter]) > 0
        if not falls or after.quarter - here.quarter < PHASE_QUARTERS_MIN:
            return place
    for place, (here, after) in enumerate(zip(turns, turns[2:], strict=False)):
        if after.quarter - here.quarter < CYCLE_QUARTERS_MIN:
            return place
    return None
