"""The arena of two tiles: who meets whom, three rounds of the dilemma, and what they pay.

Parts of the fused pass in `tiles`. The grown-up are put in the order of an affine permutation: its
factor is a prime above 512, so it has none in common with however many they are. The first half
then meets the second, turned round by a lot. Everywhere: `words` is `Scratch.words`, rows of the
board and places are int64, streams uint64.
"""

import numpy as np

from engine.kernels import inlined, part
from engine.rng import GOLDEN, below, draw, mix
from engine.society.layout import (
    BOTH,
    CONDUCT,
    DRAWN,
    GLEANED,
    HIGH,
    LEFT,
    LEFT_CONDUCT,
    LOW,
    MET_AT,
    MOVES_AT,
    RELATION,
    RIGHT,
    RIGHT_CONDUCT,
    SELF,
    SPILT,
)
from engine.society.traits import BIN_BITS, KIN, STRANGER, XENO

PRIMES = np.array([n for n in range(521, 1024) if all(n % d for d in range(2, 32))], np.int64)
"""72 of them; none divides a number up to 512."""


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
