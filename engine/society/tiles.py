"""The citizens' part of a pulse, as one fused pass over pairs of tiles.

Every pulse pairs the tiles anew by an affine permutation. Two tiles, 512 places, are then a world
of their own until the pulse ends, and lie in the first cache: tax and death, pairing, arena, births
into the places found empty, and what is measured, in one go. So pieces of a pulse may run anywhere
and in any order, and the history is the same; only whoever is left over in an odd pair of tiles
meets, afterwards, one left over elsewhere.

Within two tiles the grown-up are listed and put in the order of a second affine permutation: its
factor is a prime above 512, so it has none in common with however many they are. The first half
then meets the second, turned round by a lot. Draws are counter-based:
of a tile one a place, of a pair of tiles one an encounter, and a stream a birth.

Loops over places or encounters have no branch and write one array, so that they become vectors.

Called by `pulse`. Everywhere: `people` is a state.People, `now` a Now, tiles, places and numbers
int64, streams uint64; `sums` int64[SUMS], added to.
"""

from typing import Annotated, NamedTuple

import numpy as np
from numba import int64, uint64, void

from engine.kernels import inlined, kernel, part
from engine.prefetch import prefetch
from engine.rng import GOLDEN, agent_stream, below, draw, mix
from engine.society import state, traits
from engine.society.state import BINS, PLACES, People
from engine.society.traits import (
    BEHAVIOURS,
    BIN_BITS,
    CHOOSINESS,
    DRIFT,
    GENEROSITY,
    KIN,
    NATURE,
    NURTURE,
    PATIENCE,
    RISK,
    STRANGER,
    TRAITS,
    XENO,
    nature,
)
from engine.tables import Array, Column, kernel_type

BOTH = 2 * PLACES

POPULATION, ENERGY, PAID, DIED_WITH, DRAWN, GLEANED, SPILT, BORN, DIED = range(9)
MET_AT, MOVES_AT, TRAITS_AT = 9, 12, 15
"""Where three sums by relation begin (encounters; moves that cooperated), and 27 of traits."""
SUMS = TRAITS_AT + TRAITS

PRIMES = np.array([n for n in range(521, 1024) if all(n % d for d in range(2, 32))], np.int64)
"""72 of them; none divides a number up to 512."""

TAX_BITS = 14
"""tax_fixed x upkeep is in units of 2**-14: 8 bits of fraction, 6 of an upkeep of 1."""

AGE, REST, TRIBE = (column * PLACES for column in (state.AGE, state.REST, state.TRIBE))
UPKEEP, FRAILTY, MATURITY, SPAN, STORE, THRESHOLD = (
    (state.BORN_WITH + byte) * PLACES
    for byte in (
        traits.UPKEEP, traits.FRAILTY, traits.MATURITY,
        traits.SPAN, traits.STORE, traits.THRESHOLD,
    )
)  # fmt: skip
"""Where a column of `People.hot` begins."""

GROWN, DIES, EMPTY, READY = range(0, 4 * BOTH, BOTH)
"""Where a column of `Scratch.flags` begins: takes part in the arena; dies in this pulse; nobody lives
here; may have a child."""

SELF = 0
CONDUCT = SELF + BOTH
LEFT, RIGHT, LEFT_CONDUCT, RIGHT_CONDUCT, LOW, HIGH, RELATION = range(
    CONDUCT + 3 * BOTH, CONDUCT + 3 * BOTH + 7 * PLACES, PLACES
)
WORDS = RELATION + PLACES
"""Where a column of `Scratch.words` begins: energy, tribe and store of everybody; his conduct to
each relation (trust, forgive, opportunism); then columns of the board, a row an encounter."""


class Now(NamedTuple):
    """The numbers of one pulse."""

    tax: int
    hazard: int
    temptation: int
    reward: int
    sucker: int
    punishment: int
    birth_cost: int
    tile_factor: int
    tile_shift: int


class Scratch(NamedTuple):
    """Of one piece of a pulse; nothing in it outlives a pair of tiles, but for sums and bins."""

    sums: Annotated[Array, Column("i8", f"{SUMS}", "of this piece")]
    bins: Annotated[Array, Column("i8", f"{BINS}", "places by energy, empty ones among bin 0")]
    kinds: Annotated[Array, Column("u1", f"{PLACES}", "species by tribe, filled by whoever calls")]
    purse: Annotated[Array, Column("u2", f"{BOTH}", "energy of the two tiles while they are here")]
    chance: Annotated[Array, Column("u2", f"{PLACES}", "a draw a place")]
    flags: Annotated[Array, Column("u1", f"{4 * BOTH}", "0 or 1, see GROWN")]
    words: Annotated[Array, Column("u4", f"{WORDS}", "see SELF")]
    listed: Annotated[Array, Column("u2", f"{BOTH}", "the grown-up")]
    left_at: Annotated[Array, Column("u2", f"{PLACES}", "who sits at the left, by encounter")]
    right_at: Annotated[Array, Column("u2", f"{PLACES}", "and at the right")]
    free: Annotated[Array, Column("u2", f"{BOTH}", "the empty places")]
    dead: Annotated[Array, Column("u2", f"{BOTH}", "who dies in this pulse")]
    able: Annotated[Array, Column("u2", f"{BOTH}", "who is ready to have a child")]
    parents: Annotated[Array, Column("u2", f"{BOTH}", "who is going to have one")]
    mates: Annotated[Array, Column("u2", f"{BOTH}", "and with whom")]
    drift: Annotated[Array, Column("i1", "28", "of a child's traits")]
    genes: Annotated[Array, Column("u1", f"{TRAITS}", "of a child")]
    nature: Annotated[Array, Column("u1", f"{NATURE}", "of a child")]


@part
def live_and_pay(people, tile, at, now, stream, scratch):
    """Age, tax and death in one tile, whose places are numbered from `at` on."""
    energy, hot, purse = people.energy, people.hot, scratch.purse
    flags, sums = scratch.flags, scratch.sums
    paid_all, left_all, died_all = np.int32(0), np.int32(0), np.int32(0)
    tax, hazard = np.int32(now.tax), np.int32(now.hazard)
    for place in range(PLACES):
        bits = mix(stream + np.uint64(place) * GOLDEN)
        scratch.chance[place] = np.uint16(bits >> np.uint64(48))
    for place in range(PLACES):
        had = np.int32(energy[tile, place])
        due = np.int32(np.int32(tax * np.int32(hot[tile, UPKEEP + place])) >> TAX_BITS)
        left = max(np.int32(had - due), np.int32(0))
        age = min(np.int32(np.int32(hot[tile, AGE + place]) + 1), np.int32(255))
        rest = max(np.int32(np.int32(hot[tile, REST + place]) - 1), np.int32(0))
        frail = np.int32(np.int32(hot[tile, FRAILTY + place]) * hazard) >> 6
        dies = np.int32(np.int32(scratch.chance[place]) < frail)
        dies |= np.int32(age > np.int32(hot[tile, SPAN + place])) | np.int32(left == 0)
        dies &= np.int32(had > 0)
        stays = np.int32(np.int32(left > 0) & np.int32(1 - dies))
        mature = np.int32(age >= np.int32(hot[tile, MATURITY + place]))
        paid_all = np.int32(paid_all + np.int32(had - left))
        left_all = np.int32(left_all + np.int32(left * dies))
        died_all = np.int32(died_all + dies)
        purse[at + place] = np.uint16(left * stays)
        hot[tile, AGE + place] = np.uint8(age)
        hot[tile, REST + place] = np.uint8(rest)
        flags[GROWN + at + place] = np.uint8(stays & mature)
        flags[DIES + at + place] = np.uint8(dies)
        flags[EMPTY + at + place] = np.uint8(1 - stays)
    sums[PAID] += paid_all
    sums[DIED_WITH] += left_all
    sums[DIED] += died_all


@part
def get_ready(people, tile, at, scratch):
    """Pack what an encounter reads of everybody in a tile: a word, and one for each relation."""
    hot, words = people.hot, scratch.words
    for place in range(PLACES):
        word = np.uint32(hot[tile, TRIBE + place]) << np.uint32(16)
        word |= np.uint32(hot[tile, STORE + place]) << np.uint32(24)
        words[SELF + at + place] = np.uint32(word | np.uint32(scratch.purse[at + place]))
    for place in range(PLACES):
        for relation in range(3):
            trust = 3 * relation * PLACES + place
            word = np.uint32(hot[tile, trust + PLACES]) << np.uint32(8)
            word |= np.uint32(hot[tile, trust + 2 * PLACES]) << np.uint32(16)
            word |= np.uint32(hot[tile, trust])
            words[CONDUCT + relation * BOTH + at + place] = np.uint32(word)


@part
def list_places(scratch, places):
    """(int64 grown-up, int64 empty places, int64 dead): how many there are in the three lists."""
    flags = scratch.flags
    grown, free, dead = np.int64(0), np.int64(0), np.int64(0)
    for place in range(places):
        scratch.listed[grown] = np.uint16(place)
        grown += np.int64(flags[GROWN + place])
        scratch.free[free] = np.uint16(place)
        free += np.int64(flags[EMPTY + place])
        scratch.dead[dead] = np.uint16(place)
        dead += np.int64(flags[DIES + place])
    return grown, free, dead


@part
def bury(genome, first, second, dead, scratch):
    """Take the traits of those who died in this pulse out of the sums."""
    for number in range(dead):
        prefetch(genome, row_of(first, second, np.int64(scratch.dead[number])))
    for number in range(dead):
        row = row_of(first, second, np.int64(scratch.dead[number]))
        for trait in range(TRAITS):
            scratch.sums[TRAITS_AT + trait] -= np.int64(genome[row, trait])


@inlined
def row_of(first, second, place):
    """int64: the row in `People.genome` of a place of two tiles."""
    return (first if place < PLACES else second) * PLACES + (place & (PLACES - 1))


@inlined
def seat(words, row, left_at, right_at, kinds):
    """Put two citizens on a row of the board, each with his conduct towards the other.

    Args:
        left_at, right_at: their places.
        kinds: species by tribe.
    """
    left, right = words[SELF + left_at], words[SELF + right_at]
    tribe, others = (left >> np.uint32(16)) & 255, (right >> np.uint32(16)) & 255
    foreign = np.int64(kinds[tribe] != kinds[others])
    relation = np.int64(tribe != others) * (2 - foreign)
    words[LEFT + row] = left
    words[RIGHT + row] = right
    words[LEFT_CONDUCT + row] = words[CONDUCT + relation * BOTH + left_at]
    words[RIGHT_CONDUCT + row] = words[CONDUCT + relation * BOTH + right_at]
    words[RELATION + row] = np.uint32(relation)


@inlined
def does(chance, bits):
    """int32 0 or 1: whether one of a chance (255ths, int32) does, by the lowest eight bits."""
    return np.int32((bits & np.int32(255)) < np.int32(chance + (chance >> 7)))


@inlined
def answer(conduct, theirs, bits):
    """int32 0 or 1: the answer to the partner's last move: forgive, or else not opportunism."""
    forgives = does((conduct >> 8) & np.int32(255), bits)
    strikes = does((conduct >> 16) & np.int32(255), bits)
    return np.int32(forgives & theirs | np.int32(1 - strikes) & np.int32(1 - theirs))


@part
def draw_moves(stream, count, words):
    """Six draws of eight bits an encounter, in two words."""
    for row in range(count):
        bits = mix(stream + np.uint64(row) * GOLDEN)
        words[LOW + row] = np.uint32(bits)
        words[HIGH + row] = np.uint32(bits >> np.uint64(32))


@part
def play(words, count, now, sums):
    """Three rounds in every encounter of the board; LEFT and RIGHT become the energies after it."""
    reward, punishment = np.int32(now.reward), np.int32(now.punishment)
    temptation, sucker = np.int32(now.temptation), np.int32(now.sucker)
    spilt, gleaned, drawn = np.int32(0), np.int32(0), np.int32(0)
    met_xeno, met_stranger = np.int32(0), np.int32(0)
    moves_kin, moves_xeno, moves_stranger = np.int32(0), np.int32(0), np.int32(0)
    for row in range(count):
        left, right = np.int32(words[LEFT + row]), np.int32(words[RIGHT + row])
        mine, theirs = np.int32(words[LEFT_CONDUCT + row]), np.int32(words[RIGHT_CONDUCT + row])
        low, high = np.int32(words[LOW + row]), np.int32(words[HIGH + row])
        a_1 = does(mine & np.int32(255), low)
        b_1 = does(theirs & np.int32(255), low >> 8)
        a_2 = answer(mine, b_1, low >> 16)
        b_2 = answer(theirs, a_1, (low >> 24))
        a_3 = answer(mine, b_2, high)
        b_3 = answer(theirs, a_2, high >> 8)
        both = np.int32((a_1 & b_1) + (a_2 & b_2) + (a_3 & b_3))
        a, b = np.int32(a_1 + a_2 + a_3), np.int32(b_1 + b_2 + b_3)
        alone = np.int32(np.int32(3 - a - b + both) * punishment)
        shared = np.int32(both * reward)
        gain = np.int32(shared + (a - both) * sucker + (b - both) * temptation)
        gains = np.int32(shared + (b - both) * sucker + (a - both) * temptation)
        hold = np.int32((left >> 24) & np.int32(255)) << BIN_BITS
        holds = np.int32((right >> 24) & np.int32(255)) << BIN_BITS
        wants = np.int32((left & np.int32(0xFFFF)) + gain + alone)
        want = np.int32((right & np.int32(0xFFFF)) + gains + alone)
        have, has = min(wants, np.int32(hold)), min(want, np.int32(holds))
        words[LEFT + row] = np.uint32(have)
        words[RIGHT + row] = np.uint32(has)
        spilt = np.int32(spilt + (wants - have) + (want - has))
        gleaned = np.int32(gleaned + 2 * alone)
        drawn = np.int32(drawn + gain + gains)
        relation, moves = np.int32(words[RELATION + row]), np.int32(a + b)
        xeno, stranger = np.int32(relation == XENO), np.int32(relation == STRANGER)
        met_xeno = np.int32(met_xeno + xeno)
        met_stranger = np.int32(met_stranger + stranger)
        moves_kin = np.int32(moves_kin + moves)
        moves_xeno = np.int32(moves_xeno + xeno * moves)
        moves_stranger = np.int32(moves_stranger + stranger * moves)
    sums[SPILT] += spilt
    sums[GLEANED] += gleaned
    sums[DRAWN] += drawn
    sums[MET_AT + KIN] += count - met_xeno - met_stranger
    sums[MET_AT + XENO] += met_xeno
    sums[MET_AT + STRANGER] += met_stranger
    sums[MOVES_AT + KIN] += moves_kin - moves_xeno - moves_stranger
    sums[MOVES_AT + XENO] += moves_xeno
    sums[MOVES_AT + STRANGER] += moves_stranger


@part
def hold_arena(now, stream, grown, scratch):
    """Pair the grown-up of two tiles, and let them play.

    The first half of a permutation meets the second, turned by a lot: any two can meet.

    Returns:
        int64: the place of the one left over, -1: none.
    """
    listed, words, purse = scratch.listed, scratch.words, scratch.purse
    if grown == 0:
        return np.int64(-1)
    encounters = grown // 2
    bits = draw(stream, -1)
    factor = PRIMES[below(bits, len(PRIMES))] % grown
    at = below(mix(bits), grown)
    turned = encounters - below(draw(stream, -2), max(encounters, 1))
    halfway = (at + encounters * factor) % grown
    across = (halfway + (encounters - turned) * factor) % grown
    for row in range(encounters):
        scratch.left_at[row] = listed[at]
        scratch.right_at[row] = listed[across]
        at += factor
        at -= grown if at >= grown else 0
        across += factor
        across -= grown if across >= grown else 0
        across = halfway if row + 1 == turned else across
    for row in range(encounters):
        left, right = np.int64(scratch.left_at[row]), np.int64(scratch.right_at[row])
        seat(words, row, left, right, scratch.kinds)
    draw_moves(stream, encounters, words)
    play(words, encounters, now, scratch.sums)
    for row in range(encounters):
        purse[scratch.left_at[row]] = np.uint16(words[LEFT + row])
        purse[scratch.right_at[row]] = np.uint16(words[RIGHT + row])
    last = (halfway + encounters * factor) % grown
    return np.int64(listed[last]) if grown % 2 != 0 else np.int64(-1)


@part
def find_ready(people, tile, at, scratch):
    """Mark who is grown up, rested and rich enough to have a child."""
    hot, purse, flags = people.hot, scratch.purse, scratch.flags
    for place in range(PLACES):
        needs = np.int32(np.int32(hot[tile, THRESHOLD + place]) << BIN_BITS)
        rich = np.uint8(np.int32(purse[at + place]) >= needs)
        rested = np.uint8(hot[tile, REST + place] == 0)
        flags[READY + at + place] = flags[GROWN + at + place] & rich & rested


@inlined
def find_mate(words, parent, listed, grown, bits):
    """int64: the first other one of the parent's tribe in the list, from a drawn place on; or -1."""
    tribe = (words[SELF + parent] >> np.uint32(16)) & 255
    at = below(bits, grown)
    for _ in range(grown):
        place = np.int64(listed[at])
        if (words[SELF + place] >> np.uint32(16)) & 255 == tribe and place != parent:
            return place
        at = at + 1 if at + 1 < grown else 0
    return np.int64(-1)


@part
def inherit(genome, parent, mate, child, stream, scratch):
    """A child's traits: each whole from one of two parents, with drift, folded back at the ends.

    In whole 255ths what `engine.evolution.crossover` and `mutate` do.

    Args:
        genome: of `People`; parent, mate and child are its rows.
        stream: of this birth; draws 0 to 7.
    """
    sides = draw(stream, 0)
    for word in range(7):
        bits = draw(stream, 1 + word)
        for quarter in range(4):
            chance = np.int32((bits >> np.uint64(16 * quarter)) & np.uint64(0xFFFF))
            drift = np.int32(chance * np.int32(2 * DRIFT + 1)) >> 16
            scratch.drift[4 * word + quarter] = np.int8(drift - DRIFT)
    for trait in range(TRAITS):
        ours, theirs = np.int32(genome[parent, trait]), np.int32(genome[mate, trait])
        side = np.int32(sides >> np.uint64(trait)) & np.int32(1)
        gene = np.int32(ours + side * np.int32(theirs - ours) + np.int32(scratch.drift[trait]))
        scratch.genes[trait] = np.uint8(np.int32(255) - abs(np.int32(255) - abs(gene)))
    for trait in range(TRAITS):
        genome[child, trait] = scratch.genes[trait]
        scratch.sums[TRAITS_AT + trait] += np.int64(scratch.genes[trait])


@part
def bear(people, first, second, parent, mate, child, now, stream, scratch):
    """A birth: the child gets traits of both, energy and tribe of the parent, who then rests.

    The cost moves from parent to child: half to three halves of `birth_cost` by nurture, then by a
    toss up to half more or less, by risk; but all that he has less one unit at most, and what the
    child can hold. Of what is left up to a sixteenth goes to the mate, as far as there is room.

    Args:
        parent, mate, child: places, of the two tiles `first` and `second`.
    """
    purse, hot, genome, genes = scratch.purse, people.hot, people.genome, scratch.genes
    row, mates_row = row_of(first, second, parent), row_of(first, second, mate)
    inherit(genome, row, mates_row, row_of(first, second, child), stream, scratch)
    nature(genes, scratch.nature)
    tile, at = first if child < PLACES else second, child & (PLACES - 1)
    for trait in range(BEHAVIOURS):
        hot[tile, trait * PLACES + at] = genes[trait]
    for byte in range(NATURE):
        hot[tile, (state.BORN_WITH + byte) * PLACES + at] = scratch.nature[byte]
    hot[tile, AGE + at] = 0
    hot[tile, REST + at] = 0
    hot[tile, TRIBE + at] = np.uint8(scratch.words[SELF + parent] >> np.uint32(16))
    cost = now.birth_cost * (128 + np.int64(genome[row, NURTURE])) >> 8
    stake = cost * np.int64(genome[row, RISK]) >> 9
    cost += stake if (draw(stream, 0) >> np.uint64(60)) & np.uint64(1) != 0 else -stake
    has = np.int64(purse[parent])
    cost = min(max(cost, 1), has - 1, np.int64(scratch.nature[traits.STORE]) << BIN_BITS)
    gift = (has - cost) * np.int64(genome[row, GENEROSITY]) >> 12
    room = np.int64(scratch.words[SELF + mate] >> np.uint32(24)) << BIN_BITS
    gift = max(min(gift, room - np.int64(purse[mate])), 0)
    purse[parent] = np.uint16(has - cost - gift)
    purse[mate] = np.uint16(purse[mate] + gift)
    purse[child] = np.uint16(cost)
    rest = np.uint8(4 + (genome[row, PATIENCE] >> 4))
    hot[first if parent < PLACES else second, REST + (parent & (PLACES - 1))] = rest
    scratch.sums[BORN] += 1


@part
def have_children(people, first, second, places, now, stream, scratch, grown, free):
    """Births of two tiles, beginning with one of the able by lot, while there are empty places.

    One with nobody of his tribe among the grown-up waits. All mates are chosen before the first
    child is born; who by then has given all away but a unit has none.
    """
    able, births = np.int64(0), np.int64(0)
    for place in range(places):
        scratch.able[able] = np.uint16(place)
        able += np.int64(scratch.flags[READY + place])
    begin = below(draw(stream, -1), max(able, 1))
    for number in range(min(able, free)):
        prefetch(people.genome, row_of(first, second, np.int64(scratch.free[number])))
        at = begin + number if begin + number < able else begin + number - able
        prefetch(people.genome, row_of(first, second, np.int64(scratch.able[at])))
    for number in range(min(able, free)):
        at = begin + number if begin + number < able else begin + number - able
        parent = np.int64(scratch.able[at])
        bits = draw(stream, parent)
        mate = find_mate(scratch.words, parent, scratch.listed, grown, bits)
        if mate < 0:
            continue
        choosy = np.int32(people.genome[row_of(first, second, parent), CHOOSINESS])
        if does(choosy, np.int32(bits & np.uint64(255))) != 0:
            rival = find_mate(scratch.words, parent, scratch.listed, grown, mix(bits))
            mate = rival if scratch.purse[rival] > scratch.purse[mate] else mate
        prefetch(people.genome, row_of(first, second, mate))
        scratch.parents[births] = np.uint16(parent)
        scratch.mates[births] = np.uint16(mate)
        births += 1
    for birth in range(births):
        parent, mate = np.int64(scratch.parents[birth]), np.int64(scratch.mates[birth])
        if scratch.purse[parent] > 1:
            child = np.int64(scratch.free[birth])
            bear(
                people, first, second, parent, mate, child, now,
                agent_stream(stream, child), scratch,
            )  # fmt: skip


@part
def measure(people, tile, at, scratch):
    """Put the energies of one tile back, with their sum and their histogram."""
    total, lives = np.int32(0), np.int32(0)
    for place in range(PLACES):
        had = np.int32(scratch.purse[at + place])
        total = np.int32(total + had)
        lives = np.int32(lives + np.int32(had > 0))
        people.energy[tile, place] = np.uint16(had)
    for place in range(PLACES):
        scratch.bins[scratch.purse[at + place] >> BIN_BITS] += 1
    scratch.sums[ENERGY] += total
    scratch.sums[POPULATION] += lives


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
    tiles = np.int64(len(people.energy))
    for pair in range(begin, end):
        first = (2 * pair * now.tile_factor + now.tile_shift) % tiles
        second = ((2 * pair + 1) * now.tile_factor + now.tile_shift) % tiles
        here = 1 if 2 * pair + 1 == tiles else 2
        for side in range(here):
            tile = second if side != 0 else first
            live_and_pay(people, tile, PLACES * side, now, agent_stream(key, tile), scratch)
            get_ready(people, tile, PLACES * side, scratch)
        grown, free, dead = list_places(scratch, PLACES * here)
        bury(people.genome, first, second, dead, scratch)
        left = hold_arena(now, agent_stream(key, tiles + first), grown, scratch)
        left_over[pair] = left
        if left >= 0:
            tile = first if left < PLACES else second
            left_over[pair] = tile * PLACES + (left & (PLACES - 1))
            scratch.flags[GROWN + left] = 0
        for side in range(here):
            find_ready(people, second if side != 0 else first, PLACES * side, scratch)
        stream = agent_stream(key, 2 * tiles + first)
        have_children(people, first, second, PLACES * here, now, stream, scratch, grown, free)
        for side in range(here):
            measure(people, second if side != 0 else first, PLACES * side, scratch)


@part
def pack(people, citizen, at, words):
    """As `get_ready`, for one citizen, to the place `at`."""
    tile, place = citizen // PLACES, citizen % PLACES
    for relation in range(3):
        word = np.uint32(0)
        for what in range(3):
            gene = np.uint32(people.hot[tile, (3 * relation + what) * PLACES + place])
            word |= np.uint32(gene << np.uint32(8 * what))
        words[CONDUCT + relation * BOTH + at] = np.uint32(word)
    word = np.uint32(people.hot[tile, TRIBE + place]) << np.uint32(16)
    word |= np.uint32(people.hot[tile, STORE + place]) << np.uint32(24)
    words[SELF + at] = np.uint32(word | np.uint32(people.energy[tile, place]))


@kernel(void(kernel_type(People), kernel_type(Now), uint64, int64[::1], kernel_type(Scratch)))
def pair_left_over(people, now, key, left_over, scratch):
    """Those whom nobody met in their tiles meet each other; of an odd number the last meets nobody.

    They may have a child in the next pulse only.
    """
    words = scratch.words
    waits = np.int64(-1)
    for pair in range(len(left_over)):
        citizen = left_over[pair]
        if citizen >= 0 and waits < 0:
            waits = citizen
        elif citizen >= 0:
            pack(people, waits, 0, words)
            pack(people, citizen, 1, words)
            seat(words, 0, 0, 1, scratch.kinds)
            draw_moves(agent_stream(key, 3 * len(people.energy) + pair), 1, words)
            play(words, 1, now, scratch.sums)
            for side in range(2):
                who = citizen if side != 0 else waits
                had = np.int64(people.energy[who // PLACES, who % PLACES])
                has = np.int64(words[RIGHT]) if side != 0 else np.int64(words[LEFT])
                people.energy[who // PLACES, who % PLACES] = np.uint16(has)
                scratch.sums[ENERGY] += has - had
                scratch.bins[had >> BIN_BITS] -= 1
                scratch.bins[has >> BIN_BITS] += 1
            waits = np.int64(-1)
