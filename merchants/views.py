"""What all merchants of a city see between their acts: for whoever lets them choose from outside.

Called by `city_node.laboratory.merchant_steps`. Compiled only where it is asked for.
"""

from numba import float32, int64, void

from engine.kernels import kernel
from engine.tables import kernel_type
from merchants.mind import Deals, look, weigh
from merchants.params import Rules
from merchants.roster import Roster
from merchants.town import Roads


@kernel(
    void(
        kernel_type(Roster),
        kernel_type(Roads),
        kernel_type(Rules),
        kernel_type(Deals),
        int64,
        int64,
        float32[:, :, ::1],
    )
)
def look_around(roster, roads, rules, deals, here, tick, seen):
    """What everybody in town would see if he acted now and heard nothing.

    Args:
        roster, roads, rules: of the town.
        deals: scratch.
        here: int64, the town's place.
        tick: int64.
        seen: float32[birthplaces, numbers, observations], written where an id is in the table.
    """
    rows = roster.rows
    for merchant in range(roster.size[0]):
        birthplace, number = rows.birthplace[merchant], rows.number[merchant]
        if birthplace < seen.shape[0] and number < seen.shape[1]:
            known = weigh(rows, merchant, here, roads, deals)
            his = seen[birthplace, number]
            look(rows, merchant, here, roads, rules, deals, known, float("nan"), tick, his)
