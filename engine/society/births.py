"""Births of two tiles: who is ready, with whom, what the child inherits and what moves to it.

Parts of the fused pass in `tiles`. Everywhere: `people` is a state.People, `scratch` a
layout.Scratch, `now` a layout.Now; tiles and places are int64, streams uint64.
"""

import numpy as np

from engine.kernels import inlined, part
from engine.prefetch import prefetch
from engine.rng import agent_stream, below, draw, mix
from engine.society import state, traits
from engine.society.arena import does
from engine.society.layout import (
    AGE,
    BORN,
    GROWN,
    READY,
    REST,
    SELF,
    THRESHOLD,
    TRAITS_AT,
    TRIBE,
    row_of,
)
from engine.society.state import PLACES
from engine.society.traits import (
    BEHAVIOURS,
    BIN_BITS,
    CHOOSINESS,
    DRIFT,
    GENEROSITY,
    NATURE,
    NURTURE,
    PATIENCE,
    RISK,
    TRAITS,
    nature,
)


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
    """int64: the first other one of the tribe in the list, from a drawn place on; -1: nobody."""
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
