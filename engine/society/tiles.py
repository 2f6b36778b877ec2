"""The citizens' part of a pulse, as one fused pass over pairs of tiles.

Every pulse pairs the tiles anew by an affine permutation. Two tiles, 512 places, are then a world
of their own until the pulse ends, and lie in the first cache: tax and death, pairing, arena, births
into the places found empty, and what is measured, in one go. So pieces of a pulse may run anywhere
and in any order, and the history is the same; only whoever is left over in an odd pair of tiles
meets, afterwards, one left over elsewhere.

Within two tiles the grown-up are listed and paired by a second affine permutation: its factor is a
prime above 512, so it has no factor in common with however many they are. Draws are counter-based:
of a tile one a place, of a pair of tiles one an encounter and five a birth.

Called by `pulse`. Everywhere: `people` is a state.People, `now` a Now, tiles, places and numbers
int64, streams uint64; `sums` int64[SUMS], added to.
"""

from typing import Annotated, NamedTuple

import numpy as np
from numba import int64, uint64, void

from engine.kernels import helper, kernel, part
from engine.rng import GOLDEN, agent_stream, below, draw, mix
from engine.society.state import (
    AGE,
    BINS,
    BORN_WITH,
    PLACES,
    REST,
    TRIBE,
    People,
)
from engine.society.traits import (
    BEHAVIOURS,
    BIN_BITS,
    CHOOSINESS,
    DRIFT,
    FRAILTY,
    GENEROSITY,
    MATURITY,
    NATURE,
    NURTURE,
    PATIENCE,
    RISK,
    SPAN,
    STORE,
    THRESHOLD,
    TRAITS,
    UPKEEP,
    nature,
)
from engine.tables import Array, Column, kernel_type

BOTH = 2 * PLACES

POPULATION, ENERGY, PAID, DIED_WITH, DRAWN, GLEANED, SPILT, BORN, DIED = range(9)
RELATIONS_AT = 9
"""Three sums: encounters x 2**32 + moves that cooperated."""
TRAITS_AT = RELATIONS_AT + 3
SUMS = TRAITS_AT + TRAITS

PRIMES = np.array([n for n in range(521, 1024) if all(n % d for d in range(2, 32))], np.int64)
"""72 of them; none divides a number up to 512."""

TAX_BITS = 14
"""tax_fixed x upkeep is in units of 2**-14: 8 bits of fraction, 6 of an upkeep of 1."""

BIRTH_DRAWS = 5


class Now(NamedTuple):
    """The numbers of one pulse."""

    tax: int
    hazard: int
    temptation: int
    reward: int
    sucker: int
    punishment: int
    species: int
    birth_cost: int
    tile_factor: int
    tile_shift: int


class Scratch(NamedTuple):
    """Of one piece of a pulse; nothing in it outlives a pair of tiles, but for sums and bins."""

    sums: Annotated[Array, Column("i8", f"{SUMS}", "of this piece")]
    bins: Annotated[Array, Column("i8", f"{BINS}", "places by energy, empty ones among bin 0")]
    chance: Annotated[Array, Column("u2", f"{PLACES}", "a draw a place")]
    grown: Annotated[Array, Column("u1", f"{BOTH}", "1: takes part in the arena")]
    dies: Annotated[Array, Column("u1", f"{BOTH}", "1: dies in this pulse")]
    empty: Annotated[Array, Column("u1", f"{BOTH}", "1: nobody lives here")]
    ready: Annotated[Array, Column("u1", f"{BOTH}", "1: may have a child")]
    listed: Annotated[Array, Column("u2", f"{BOTH}", "the grown-up")]
    free: Annotated[Array, Column("u2", f"{BOTH}", "the empty places")]
    genes: Annotated[Array, Column("u1", f"{TRAITS}", "of a child")]
    nature: Annotated[Array, Column("u1", f"{NATURE}", "of a child")]


@part
def live_and_pay(people, tile, at, now, stream, scratch):
    """Age, tax and death in one tile, whose places are numbered from `at` on.

    The loops are free of branches: the compiler makes vectors of them.
    """
    energy, hot, sums = people.energy, people.hot, scratch.sums
    for place in range(PLACES):
        bits = mix(stream + np.uint64(place) * GOLDEN)
        scratch.chance[place] = np.uint16(bits >> np.uint64(48))
    paid_all, left_all, died_all = np.int32(0), np.int32(0), np.int32(0)
    tax, hazard = np.int32(now.tax), np.int32(now.hazard)
    for place in range(PLACES):
        had = np.int32(energy[tile, place])
        lives = np.int32(had > 0)
        due = np.int32(np.int32(tax * np.int32(hot[tile, BORN_WITH + UPKEEP, place])) >> TAX_BITS)
        paid = min(due, had)
        left = np.int32(had - paid)
        age = np.int32(np.int32(hot[tile, AGE, place]) + 1)
        frail = np.int32(np.int32(hot[tile, BORN_WITH + FRAILTY, place]) * hazard) >> 6
        dies = np.int32(left == 0)
        dies |= np.int32(age > np.int32(hot[tile, BORN_WITH + SPAN, place]))
        dies |= np.int32(np.int32(scratch.chance[place]) < frail)
        dies &= lives
        stays = np.int32(lives - dies)
        paid_all = np.int32(paid_all + paid)
        left_all = np.int32(left_all + np.int32(left * dies))
        died_all = np.int32(died_all + dies)
        energy[tile, place] = np.uint16(left * stays)
        hot[tile, AGE, place] = np.uint8(min(age, np.int32(255)))
        rest = np.int32(hot[tile, REST, place])
        hot[tile, REST, place] = np.uint8(max(np.int32(rest - 1), np.int32(0)))
        mature = np.int32(age >= np.int32(hot[tile, BORN_WITH + MATURITY, place]))
        scratch.grown[at + place] = np.uint8(stays & mature)
        scratch.dies[at + place] = np.uint8(dies)
        scratch.empty[at + place] = np.uint8(1 - stays)
    sums[PAID] += paid_all
    sums[DIED_WITH] += left_all
    sums[DIED] += died_all


@part
def bury(people, tile, at, scratch):
    """Take the traits of those who died in this pulse out of the sums."""
    for place in range(PLACES):
        if scratch.dies[at + place] != 0:
            for trait in range(BEHAVIOURS):
                scratch.sums[TRAITS_AT + trait] -= people.hot[tile, trait, place]
            for trait in range(BEHAVIOURS, TRAITS):
                gene = people.cold[tile, trait - BEHAVIOURS, place]
                scratch.sums[TRAITS_AT + trait] -= gene


@part
def list_places(scratch, places):
    """(int64 grown-up, int64 empty places): how many there are of each in the two lists."""
    grown, free = np.int64(0), np.int64(0)
    for place in range(places):
        scratch.listed[grown] = np.uint16(place)
        grown += np.int64(scratch.grown[place])
        scratch.free[free] = np.uint16(place)
        free += np.int64(scratch.empty[place])
    return grown, free


@part
def cooperates(gene, bits):
    """int64 0 or 1: whether one of a chance (uint8 as int64) does, by eight bits."""
    return np.int64((np.int64(bits) & 255) < gene + (gene >> 7))


@helper
def meet(people, first, one, second, other, now, bits, sums):
    """Two citizens play three rounds; each reads the other by his own relation to him.

    Returns:
        int64: twice the relation, of no use but to be sure that nothing is left out.
    """
    energy, hot = people.energy, people.hot
    tribe, others = np.int64(hot[first, TRIBE, one]), np.int64(hot[second, TRIBE, other])
    foreign = np.int64(tribe % now.species != others % now.species)
    relation = np.int64(tribe != others) * (2 - foreign)
    column = 3 * relation
    trust, trusts = np.int64(hot[first, column, one]), np.int64(hot[second, column, other])
    forgive = np.int64(hot[first, column + 1, one])
    forgives = np.int64(hot[second, column + 1, other])
    strike = np.int64(hot[first, column + 2, one])
    strikes = np.int64(hot[second, column + 2, other])
    a, b = cooperates(trust, bits), cooperates(trusts, bits >> np.uint64(8))
    both, mine, theirs = a & b, a, b
    for turn in range(1, 3):
        ours = bits >> np.uint64(16 * turn)
        answer = cooperates(forgive, ours) & b | (1 - cooperates(strike, ours)) & (1 - b)
        ours >>= np.uint64(8)
        b = cooperates(forgives, ours) & a | (1 - cooperates(strikes, ours)) & (1 - a)
        a = answer
        both += a & b
        mine += a
        theirs += b
    alone = 3 - mine - theirs + both
    shared = both * now.reward + alone * now.punishment
    gain = shared + (mine - both) * now.sucker + (theirs - both) * now.temptation
    gains = shared + (theirs - both) * now.sucker + (mine - both) * now.temptation
    hold = np.int64(hot[first, BORN_WITH + STORE, one]) << BIN_BITS
    holds = np.int64(hot[second, BORN_WITH + STORE, other]) << BIN_BITS
    have = min(np.int64(energy[first, one]) + gain, hold)
    has = min(np.int64(energy[second, other]) + gains, holds)
    sums[SPILT] += energy[first, one] + gain - have + energy[second, other] + gains - has
    energy[first, one] = np.uint16(have)
    energy[second, other] = np.uint16(has)
    sums[GLEANED] += 2 * alone * now.punishment
    sums[DRAWN] += gain + gains - 2 * alone * now.punishment
    sums[RELATIONS_AT + relation] += (np.int64(1) << 32) + mine + theirs
    return relation


@part
def find_ready(people, tile, at, scratch):
    """Mark who is grown up, rested and rich enough to have a child."""
    energy, hot = people.energy, people.hot
    for place in range(PLACES):
        needs = np.int32(np.int32(hot[tile, BORN_WITH + THRESHOLD, place]) << BIN_BITS)
        rich = np.uint8(np.int32(energy[tile, place]) >= needs)
        rested = np.uint8(hot[tile, REST, place] == 0)
        scratch.ready[at + place] = scratch.grown[at + place] & rich & rested


@part
def find_mate(people, first, second, parent, tribe, scratch, grown, bits):
    """int64: where the nearest other one of the tribe stands in the list, from a drawn place on.

    -1: nobody.
    """
    at = below(bits, grown)
    for _ in range(grown):
        place = np.int64(scratch.listed[at])
        tile = first if place < PLACES else second
        if place != parent and people.hot[tile, TRIBE, place & (PLACES - 1)] == tribe:
            return place
        at = at + 1 if at + 1 < grown else 0
    return np.int64(-1)


@helper
def gene_of(people, tile, place, trait):
    """int64: one of the 27 traits of a citizen."""
    if trait < BEHAVIOURS:
        return np.int64(people.hot[tile, trait, place])
    return np.int64(people.cold[tile, trait - BEHAVIOURS, place])


@helper
def inherit(people, tile, parent, mates_tile, mate, stream, number, genes):
    """A child's traits: each whole from one of two parents, with drift, folded back at the ends.

    In whole 255ths what `engine.evolution.crossover` and `mutate` do; draws `number` to
    `number` + 3 of the stream.
    """
    sides = draw(stream, number)
    for trait in range(TRAITS):
        gene = gene_of(people, tile, parent, trait)
        theirs = gene_of(people, mates_tile, mate, trait)
        gene = theirs if (sides >> np.uint64(trait)) & np.uint64(1) != 0 else gene
        if trait % 9 == 0:
            bits = draw(stream, number + 1 + trait // 9)
        drift = (np.int64(bits & np.uint64(127)) * (2 * DRIFT + 1)) >> 7
        bits >>= np.uint64(7)
        genes[trait] = np.uint8(255 - abs(255 - abs(gene + drift - DRIFT)))


@helper
def bear(people, tile, parent, mates_tile, mate, childs_tile, child, now, stream, number, scratch):
    """A birth: the child gets traits of both, energy and tribe of the parent, who then rests.

    The cost moves from parent to child: half to three halves of `birth_cost` by nurture, then by a
    toss so much more or less, but all that he has less one unit at most, and what the child can
    hold. Of what is left up to a sixteenth goes to the mate, as far as the mate can hold it.
    """
    energy, hot, sums, genes = people.energy, people.hot, scratch.sums, scratch.genes
    inherit(people, tile, parent, mates_tile, mate, stream, number, genes)
    nature(genes, scratch.nature)
    for trait in range(BEHAVIOURS):
        hot[childs_tile, trait, child] = genes[trait]
        sums[TRAITS_AT + trait] += genes[trait]
    for trait in range(BEHAVIOURS, TRAITS):
        people.cold[childs_tile, trait - BEHAVIOURS, child] = genes[trait]
        sums[TRAITS_AT + trait] += genes[trait]
    for part_ in range(NATURE):
        hot[childs_tile, BORN_WITH + part_, child] = scratch.nature[part_]
    hot[childs_tile, AGE, child] = 0
    hot[childs_tile, REST, child] = 0
    hot[childs_tile, TRIBE, child] = hot[tile, TRIBE, parent]
    cost = now.birth_cost * (128 + gene_of(people, tile, parent, NURTURE)) >> 8
    stake = cost * gene_of(people, tile, parent, RISK) >> 9
    cost += stake if (draw(stream, number) >> np.uint64(60)) & np.uint64(1) != 0 else -stake
    has = np.int64(energy[tile, parent])
    cost = min(max(cost, 1), has - 1, np.int64(scratch.nature[STORE]) << BIN_BITS)
    gift = (has - cost) * gene_of(people, tile, parent, GENEROSITY) >> 12
    room = np.int64(hot[mates_tile, BORN_WITH + STORE, mate]) << BIN_BITS
    gift = max(min(gift, room - np.int64(energy[mates_tile, mate])), 0)
    energy[tile, parent] = np.uint16(has - cost - gift)
    energy[mates_tile, mate] = np.uint16(energy[mates_tile, mate] + gift)
    energy[childs_tile, child] = np.uint16(cost)
    hot[tile, REST, parent] = np.uint8(4 + (gene_of(people, tile, parent, PATIENCE) >> 4))
    sums[BORN] += 1


@part
def have_children(people, first, second, places, now, stream, scratch, grown, free):
    """Births of two tiles, beginning with a place by lot, while there are empty places.

    One with nobody of his tribe among the grown-up waits; so does whoever owns a single unit.
    """
    number = np.int64(0)
    begin = below(draw(stream, -1), places)
    for step in range(places):
        place = begin + step if begin + step < places else begin + step - places
        if scratch.ready[place] == 0 or free == 0:
            continue
        tile, parent = first if place < PLACES else second, place & (PLACES - 1)
        if people.energy[tile, parent] < 2:
            continue
        tribe = people.hot[tile, TRIBE, parent]
        bits = draw(stream, number + 4)
        mate = find_mate(people, first, second, place, tribe, scratch, grown, bits)
        if mate < 0:
            continue
        choosy = gene_of(people, tile, parent, CHOOSINESS)
        if cooperates(choosy, bits) != 0:
            bits = mix(bits)
            rival = find_mate(people, first, second, place, tribe, scratch, grown, bits)
            ours, theirs = first if mate < PLACES else second, first if rival < PLACES else second
            wealth = people.energy[ours, mate & (PLACES - 1)]
            if people.energy[theirs, rival & (PLACES - 1)] > wealth:
                mate = rival
        free -= 1
        child = np.int64(scratch.free[free])
        mates_tile = first if mate < PLACES else second
        childs_tile = first if child < PLACES else second
        bear(
            people, tile, parent, mates_tile, mate & (PLACES - 1),
            childs_tile, child & (PLACES - 1), now, stream, number, scratch,
        )  # fmt: skip
        number += BIRTH_DRAWS


@part
def measure(people, tile, scratch):
    """Energy and the histogram of one tile as the pulse leaves it."""
    total, lives = np.int32(0), np.int32(0)
    for place in range(PLACES):
        had = np.int32(people.energy[tile, place])
        total = np.int32(total + had)
        lives = np.int32(lives + np.int32(had > 0))
    scratch.sums[ENERGY] += total
    scratch.sums[POPULATION] += lives
    for place in range(PLACES):
        scratch.bins[people.energy[tile, place] >> BIN_BITS] += 1


@kernel(
    void(
        kernel_type(People),
        kernel_type(Now),
        uint64,
        int64,
        int64,
        int64[::1],
        kernel_type(Scratch),
    )
)
def pass_tiles(people, now, key, begin, end, left_over, scratch):
    """A pulse of the pairs of tiles begin … end - 1; the last has one tile if their number is odd.

    Args:
        key: uint64, of this pulse.
        left_over: int64[pairs], filled: tile x 256 + place of the one whom nobody met, -1: none.
    """
    tiles = len(people.energy)
    for pair in range(begin, end):
        first = (2 * pair * now.tile_factor + now.tile_shift) % tiles
        second = ((2 * pair + 1) * now.tile_factor + now.tile_shift) % tiles
        single = np.int64(2 * pair + 1 == tiles)
        places = BOTH - PLACES * single
        live_and_pay(people, first, 0, now, agent_stream(key, first), scratch)
        bury(people, first, 0, scratch)
        if single == 0:
            live_and_pay(people, second, PLACES, now, agent_stream(key, second), scratch)
            bury(people, second, PLACES, scratch)
        grown, free = list_places(scratch, places)
        stream = agent_stream(key, tiles + first)
        left_over[pair] = -1
        if grown > 0:
            bits = draw(stream, -1)
            factor = PRIMES[below(bits, len(PRIMES))] % grown
            at = below(mix(bits), grown)
            for encounter in range(grown // 2):
                one = np.int64(scratch.listed[at])
                at += factor
                at -= grown if at >= grown else 0
                other = np.int64(scratch.listed[at])
                at += factor
                at -= grown if at >= grown else 0
                meet(
                    people, first if one < PLACES else second, one & (PLACES - 1),
                    first if other < PLACES else second, other & (PLACES - 1),
                    now, draw(stream, encounter), scratch.sums,
                )  # fmt: skip
            if grown % 2 != 0:
                one = np.int64(scratch.listed[at])
                tile = first if one < PLACES else second
                left_over[pair] = tile * PLACES + (one & (PLACES - 1))
                scratch.grown[one] = 0
        find_ready(people, first, 0, scratch)
        if single == 0:
            find_ready(people, second, PLACES, scratch)
        stream = agent_stream(key, 2 * tiles + first)
        have_children(people, first, second, places, now, stream, scratch, grown, free)
        measure(people, first, scratch)
        if single == 0:
            measure(people, second, scratch)


@kernel(void(kernel_type(People), kernel_type(Now), uint64, int64[::1], kernel_type(Scratch)))
def pair_left_over(people, now, key, left_over, scratch):
    """Those whom nobody met in their tiles meet each other; of an odd number the last meets nobody.

    They may have a child in the next pulse only.
    """
    stream = agent_stream(key, 3 * len(people.energy))
    waits = np.int64(-1)
    for pair in range(len(left_over)):
        if left_over[pair] < 0:
            continue
        if waits < 0:
            waits = left_over[pair]
            continue
        first, one = waits // PLACES, waits % PLACES
        second, other = left_over[pair] // PLACES, left_over[pair] % PLACES
        had = np.int64(people.energy[first, one]), np.int64(people.energy[second, other])
        meet(people, first, one, second, other, now, draw(stream, pair), scratch.sums)
        has = np.int64(people.energy[first, one]), np.int64(people.energy[second, other])
        scratch.sums[ENERGY] += has[0] - had[0] + has[1] - had[1]
        for side in range(2):
            scratch.bins[had[side] >> BIN_BITS] -= 1
            scratch.bins[has[side] >> BIN_BITS] += 1
        waits = -1


