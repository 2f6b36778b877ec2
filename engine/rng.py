"""Counter-based random numbers: every draw is a pure function of (key, tick, agent, draw).

There is no generator to advance, so a history does not depend on how ticks are cut into windows,
nor on which thread runs them. The mixing function is the finaliser of SplitMix64 (Steele, Lea,
Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014); an agent's draws of one tick
are the SplitMix64 sequence that starts at a hash of (key, tick, agent). 1.5 ns a draw.

Called by kernels. Knows no array.
"""

import hashlib

import numpy as np

from engine.kernels import inlined

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
MIX_2 = np.uint64(0x94D049BB133111EB)
AGENT_STEP = np.uint64(0xD1342543DE82EF95)
"""Odd, and not GOLDEN: else agent i's second draw would be agent i + 1's first."""

UNIT_53 = 1.0 / 9007199254740992.0


def key_of(seed: int, *names: str) -> np.uint64:
    """The 64-bit key of one named source of randomness.

    Args:
        seed: the world's seed, any integer.
        names: what the key is for, such as a city's name.

    Returns:
        A key that depends on every argument; blake2b, so that near seeds give far keys.
    """
    text = "\0".join([str(seed), *names])
    return np.uint64(int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()))


@inlined
def mix(x):
    """A bijection of uint64 in which every bit of the input moves every bit of the output."""
    x = (x ^ (x >> np.uint64(30))) * MIX_1
    x = (x ^ (x >> np.uint64(27))) * MIX_2
    return x ^ (x >> np.uint64(31))


def drawn(key: int, *numbers: int) -> int:
    """64 random bits as Python's int, for what is drawn outside kernels, by any whole numbers.

    `mix` is applied to the key and then to each number in turn.
    """
    bits = int(key)
    for number in numbers:
        x = (bits + (number + 1) * int(AGENT_STEP)) % 2**64
        x = (x ^ (x >> 30)) * int(MIX_1) % 2**64
        x = (x ^ (x >> 27)) * int(MIX_2) % 2**64
        bits = x ^ (x >> 31)
    return bits


@inlined
def tick_key(key, tick):
    """uint64: the key of all draws of one tick (int64)."""
    return mix(key + np.uint64(tick) * GOLDEN)


@inlined
def agent_stream(tick_key_, agent):
    """uint64: where the draws of one agent (int64, not negative) in one tick begin."""
    return mix(tick_key_ + np.uint64(agent) * AGENT_STEP)


@inlined
def draw(stream, number):
    """uint64: draw `number` (int64, from 0) of a stream."""
    return mix(stream + np.uint64(number) * GOLDEN)


@inlined
def uniform(stream, number):
    """float64 in [0, 1): draw `number` of a stream, 53 bits of it."""
    return np.float64(draw(stream, number) >> np.uint64(11)) * UNIT_53


@inlined
def below(bits, limit):
    """int64 in [0, limit): from 64 random bits, by multiplication.

    Lemire's method without its rejection step ("Fast random integer generation in an interval",
    2019): the bias is under limit / 2**32, far below what any test of an economy could see.
    """
    return np.int64(((bits >> np.uint64(32)) * np.uint64(limit)) >> np.uint64(32))
