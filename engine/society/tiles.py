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

import numpy as np
from numba import int64, uint64, void

from engine.kernels import kernel, part
from engine.rng import agent_stream
from engine.society.arena import draw_moves, hold_arena, play, seat
from engine.society.births import find_ready, have_children
from engine.society.layout import (
    BOTH,
    CONDUCT,
    ENERGY,
    GROWN,
    LEFT,
    RIGHT,
    SELF,
    STORE,
    TRIBE,
    Now,
    Scratch,
)
from engine.society.life import bury, get_ready, list_places, live_and_pay, measure
from engine.society.state import PLACES, People
from engine.society.traits import BIN_BITS
from engine.tables import kernel_type


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
