"""Whose draws are whose: streams of `engine.rng` by month and agent, and normal numbers from them.

Called by the month's phases. Every number drawn is a function of (key, month, agent, draw).
"""

import numpy as np

from engine.kernels import inlined
from engine.rng import UNIT_53, agent_stream, draw, mix

NATION, FIRM, PERSON, SEARCH = 0, 1 << 40, 2 << 40, 3 << 40
"""Where the numbers of each kind of agent begin."""

MACRO = np.uint64(0x6D6163726F)
"""So that a month's draws are not those of the merchants' tick of the same number."""

SD_OF_FOUR = 37_837.226
"""Standard deviation of a sum of four uniform 16-bit numbers: sqrt(4 (2**32 - 1) / 12)."""


@inlined
def month_key(key, month):
    """uint64: the key of all draws of a month."""
    return mix(mix(key ^ MACRO) + np.uint64(month) * np.uint64(0x9E3779B97F4A7C15))


@inlined
def stream_of(key, kind, number):
    """uint64: where the draws of one agent in a month begin."""
    return agent_stream(key, kind + number)


@inlined
def near_normal(stream, number):
    """float64 of mean 0 and variance 1: four uniform numbers summed (Irwin-Hall, kurtosis 2.7).

    For shocks to single firms and products, of which many add up; 2 ns.
    """
    bits = draw(stream, number)
    low = np.int64(bits & np.uint64(0xFFFF)) + np.int64((bits >> np.uint64(16)) & np.uint64(0xFFFF))
    high = np.int64((bits >> np.uint64(32)) & np.uint64(0xFFFF)) + np.int64(bits >> np.uint64(48))
    return (low + high - 131_070) / SD_OF_FOUR


@inlined
def normal(stream, number):
    """float64: standard normal, from draws `number` and `number` + 1 (Box and Muller 1958)."""
    distance = (np.float64(draw(stream, number) >> np.uint64(11)) + 0.5) * UNIT_53
    angle = np.float64(draw(stream, number + 1) >> np.uint64(11)) * UNIT_53
    return np.sqrt(-2.0 * np.log(distance)) * np.cos(2.0 * np.pi * angle)


@inlined
def copy_into(target, source):
    """Copy one array into another of the same length; a slice would need memory."""
    for number in range(len(target)):
        target[number] = source[number]
