"""The life of a merchant: the able found others, the ruined retire; whatever the economy around.

Life costs: at every act he pays his upkeep to a resident, as long as any road leads out of the
city; who earns less ends without a coin. A rich one founds another at an act of his, while the city
has few enough: the child has half of the money, no goods, his parent's trade and beliefs, and genes
that differ here and there. One who has been without a coin and without goods for long retires, and
the residents share what he leaves. What a merchant brought over the network founds nobody: his
stake is not counted, so that a forged fortune makes no dynasty before it has earned as much as an
honest thousand.

Called by the fused loops before an act, where the city's merchants evolve at all
(`merchants.town.Lives`). Draws are of the act: 15 to whom he pays his upkeep; of a founding,
16 + 2 t whether gene t differs, 17 + 2 t by how much. Everywhere: `rows` is a
merchants.roster.Merchants, `lives` a merchants.town.Lives, `rules` merchants.params.Rules, numbers
int64.
"""

import numpy as np

from engine.kernels import part
from engine.money import post, share_out, to_minor
from engine.rng import below, draw, uniform
from merchants.roster import copy_merchant, vacate

BOARDS, GENES = 15, 16
"""The numbers of his draws; GENES is the first of a founding."""


LIVES, GONE, REPLACED = 0, 1, 2
"""What `live_on` returns: he goes on; he is gone; he is gone and another has his row."""


@part
def live_on(roster, merchant, lives, rules, upkeep_minor, residents_minor, here, stream, tick):
    """What a life adds to an act: upkeep, and he founds another, or retires instead of acting.

    Nobody pays or retires where no resident could have what he leaves.

    Returns:
        int64: LIVES, GONE or REPLACED.
    """
    if len(residents_minor) > 0:
        boards_with = below(draw(stream, BOARDS), len(residents_minor))
        paid_minor = min(upkeep_minor, roster.rows.money_minor[merchant])
        post(roster.rows.money_minor, merchant, residents_minor, boards_with, paid_minor)
    if is_spent(roster.rows, merchant, rules) and len(residents_minor) > 0:
        return retire(roster, merchant, lives, residents_minor, tick)
    if may_found(roster, merchant, lives, rules):
        found_another(roster, merchant, lives, rules, here, stream, tick)
    return LIVES


@part
def upkeep(roads, rules):
    """int64 minor units an act; 0 in a city without an open road, where nobody could earn it."""
    for road in range(len(roads.open)):
        if roads.open[road] != 0:
            return to_minor(rules.upkeep)
    return np.int64(0)


@part
def may_found(roster, merchant, lives, rules):
    """bool: whether he is rich enough, not counting his stake, and the city has room.

    Of what he brought over the network only as much counts as a merchant begins with.
    """
    rows = roster.rows
    own_minor = rows.money_minor[merchant]
    if own_minor < to_minor(rules.founding_money) or roster.size[0] >= lives.merchants_max[0]:
        return False
    borrowed_minor = max(0, rows.stake_minor[merchant] - to_minor(rules.starting_money))
    return own_minor - borrowed_minor >= to_minor(rules.founding_money)


@part
def found_another(roster, merchant, lives, rules, here, stream, tick):
    """A merchant founds one, who takes the row after the last and does not act this tick.

    Half of the founder's stake goes with half of his money. The id is new: this city, next number.
    """
    rows = roster.rows
    child = roster.size[0]
    roster.size[0] = child + 1
    copy_merchant(rows, merchant, rows, child)
    rows.money_minor[child] = 0
    post(rows.money_minor, merchant, rows.money_minor, child, rows.money_minor[merchant] // 2)
    rows.stake_minor[child] = rows.stake_minor[merchant] // 2
    rows.stake_minor[merchant] -= rows.stake_minor[child]
    rows.birthplace[child] = here
    rows.number[child] = lives.next_number[0]
    rows.owned[child] = 0
    rows.capacity[child] = rules.capacity
    rows.ask[child] = np.inf
    rows.place[child] = -1
    rows.tick[child] = tick
    rows.from_place[child] = here
    rows.to_place[child] = here
    rows.generation[child] += 1
    rows.ruined[child] = 0
    for trait in range(rows.genome.shape[1]):
        if uniform(stream, GENES + 2 * trait) < rules.mutation_probability:
            step = rules.mutation_drift * (2.0 * uniform(stream, GENES + 2 * trait + 1) - 1.0)
            gene = abs(rows.genome[merchant, trait] + step)
            rows.genome[child, trait] = 1.0 - abs(1.0 - gene)
    lives.next_number[0] += 1
    lives.founded[0] += 1


@part
def is_spent(rows, merchant, rules):
    """bool: whether this act is the last of so many without a coin and with nothing to sell."""
    if rows.owned[merchant] > 0 or rows.money_minor[merchant] >= to_minor(rules.ruin_money):
        rows.ruined[merchant] = 0
        return False
    rows.ruined[merchant] += 1
    return rows.ruined[merchant] >= rules.retires_after_acts


@part
def retire(roster, merchant, lives, residents_minor, tick):
    """Take a merchant out of the world; the residents, at least one, share what he leaves.

    He owns nothing, so his stall is shut already.

    Returns:
        int64: GONE or REPLACED.
    """
    left_minor = roster.rows.money_minor[merchant]
    roster.rows.money_minor[merchant] = 0
    share_out(residents_minor, left_minor, tick)
    lives.retired[0] += 1
    return REPLACED if vacate(roster, merchant) else GONE


@part
def is_full(roster, arrivals, arrived, departures):
    """bool: whether the departures might run out of rows in this tick, if everybody left.

    Only foundings can make it so; the loop then ends before its time, and goes on with more room.
    """
    could_leave = roster.size[0] + arrivals.size[0] - arrived
    return departures.size[0] + could_leave > len(departures.rows.number)
