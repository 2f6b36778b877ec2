"""Age, tax and death of two tiles, who is where then, and what is measured of them at the end.

Parts of the fused pass in `tiles`; loops over places have no branch, so that they become vectors.
Everywhere: `people` is a state.People, `scratch` a layout.Scratch, `now` a layout.Now; tiles and
places are int64, streams uint64.
"""

import numpy as np

from engine.kernels import part
from engine.prefetch import prefetch
from engine.rng import GOLDEN, mix
from engine.society.layout import (
    AGE,
    BOTH,
    CONDUCT,
    DIED,
    DIED_WITH,
    DIES,
    EMPTY,
    ENERGY,
    FRAILTY,
    GROWN,
    MATURITY,
    PAID,
    POPULATION,
    REST,
    SELF,
    SPAN,
    STORE,
    TRAITS_AT,
    TRIBE,
    UPKEEP,
    row_of,
)
from engine.society.state import PLACES
from engine.society.traits import BIN_BITS, TRAITS

TAX_BITS = 14
"""Tax x upkeep is in units of 2**-14: 8 bits of fraction, 6 of an upkeep of 1."""


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
