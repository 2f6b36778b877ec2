"""Decimal text into the nearest double, as a part of kernels that read text.

The method of Lemire ("Number parsing at a gigabyte per second", 2021) with the proof of Mushtak and
Lemire ("Fast number parsing without fallback", 2023): up to 19 digits as one integer, times a power
of five known to 128 bits, give the right double, ties to even included. Knows no merchant.
"""

import numpy as np

from engine.kernels import helper, inlined
from engine.tables import Array

FIGURES_MAX = 19
"""Decimal digits that fit into 64 bits; a double printed in full has 17."""

POWER_MIN, POWER_MAX = -64, 22
"""Of ten, behind the digits: far below any price and above, so that no result is subnormal."""

EXPONENT_FIGURES_MAX = 3
"""Digits of an exponent that are read; more are no price."""

ZERO, NINE, MINUS, PLUS, POINT, SMALL_E = (np.uint8(ord(sign)) for sign in "09-+.e")
LOWER = np.uint8(0x20)
HALF = np.uint64(32)
LOW_HALF = np.uint64(0xFFFFFFFF)
TOP = np.uint64(1 << 63)


def _powers_of_five() -> Array:
    """uint64[powers, high and low]: 128 bits of 5**power, the highest first.

    Cut off, but rounded up where 5**-power fits into 64 bits, as the proof has it.
    """
    rows = []
    for power in range(POWER_MIN, POWER_MAX + 1):
        five = 5 ** abs(power)
        size = five.bit_length()
        if power >= 0:
            bits = five << 128 - size
        elif power >= -27:
            bits = (1 << size + 127) // five + 1
        else:
            wide = (1 << 2 * size + 128) // five + 1
            bits = wide >> wide.bit_length() - 128
        rows.append((bits >> 64, bits & (2**64 - 1)))
    return np.array(rows, np.uint64)


FIVES = _powers_of_five()


@inlined
def _product(a, b):
    """(high uint64, low uint64) of a 64-bit product."""
    a_low, a_high = a & LOW_HALF, a >> HALF
    b_low, b_high = b & LOW_HALF, b >> HALF
    low = a_low * b_low
    one = a_high * b_low + (low >> HALF)
    two = a_low * b_high + (one & LOW_HALF)
    return a_high * b_high + (one >> HALF) + (two >> HALF), a * b


@inlined
def _leading_zeros(x):
    """uint64: zero bits before the first one of x, which is not 0."""
    zeros = np.uint64(0)
    for bits in (32, 16, 8, 4, 2, 1):
        step = np.uint64(bits)
        if x >> (np.uint64(64) - step) == np.uint64(0):
            zeros += step
            x = x << step
    return zeros


@helper
def nearest_double(digits, power, negative):
    """float64: digits (uint64, not 0) x 10**power, for a power within its bounds."""
    shift = _leading_zeros(digits)
    digits = digits << shift
    high, low = _product(digits, FIVES[power - POWER_MIN, 0])
    if high & np.uint64(0x1FF) == np.uint64(0x1FF):
        carried, _ = _product(digits, FIVES[power - POWER_MIN, 1])
        low = low + carried
        if carried > low:
            high += np.uint64(1)
    upper = high >> np.uint64(63)
    cut = upper + np.uint64(9)
    mantissa = high >> cut
    exponent = ((217706 * power) >> 16) + 63 + np.int64(upper) - np.int64(shift) + 1023
    tie = low <= np.uint64(1) and -4 <= power <= 23 and mantissa & np.uint64(3) == np.uint64(1)
    if tie and mantissa << cut == high:
        mantissa = mantissa & ~np.uint64(1)
    mantissa = (mantissa + (mantissa & np.uint64(1))) >> np.uint64(1)
    if mantissa >= np.uint64(1 << 53):
        mantissa = np.uint64(1 << 52)
        exponent += 1
    bits = (mantissa & ~np.uint64(1 << 52)) | (np.uint64(exponent) << np.uint64(52))
    if negative:
        bits = bits | TOP
    return np.uint64(bits).view(np.float64)


@inlined
def _digits(text, at, digits):
    """(uint64, int64): the digits from `at` on behind those already read, and where they end."""
    while True:
        digit = text[at] - ZERO
        if digit > NINE - ZERO:
            return digits, at
        digits = digits * np.uint64(10) + np.uint64(digit)
        at += 1


@helper
def read_number(text, at):
    """Read a number as JSON writes it.

    Args:
        text: uint8[], with something behind the number that is no part of one.
        at: where it begins.

    Returns:
        (float64, int64): the number and where it ends; -1 for what is none, and for what others
        must read: a negative zero, too many digits, a power of ten out of bounds.
    """
    negative = text[at] == MINUS
    if negative:
        at += 1
    first = at
    digits, at = _digits(text, first, np.uint64(0))
    figures = at - first
    if figures == 0 or (figures > 1 and text[first] == ZERO):
        return 0.0, -1
    power = 0
    if text[at] == POINT:
        digits, end = _digits(text, at + 1, digits)
        power = at + 1 - end
        if power == 0:
            return 0.0, -1
        figures -= power
        at = end
    if figures > FIGURES_MAX:
        while text[first] == ZERO or text[first] == POINT:
            if text[first] == ZERO:
                figures -= 1
            first += 1
        if figures > FIGURES_MAX:
            return 0.0, -1
    if text[at] | LOWER == SMALL_E:
        shift, at = _exponent(text, at + 1)
        power += shift
    if at < 0 or power < POWER_MIN or power > POWER_MAX:
        return 0.0, -1
    if digits == np.uint64(0):
        return 0.0, (-1 if negative else at)
    return nearest_double(digits, power, negative), at


@helper
def _exponent(text, at):
    """(int64, int64): what follows an e, and where it ends; -1 for none or a long one."""
    below = text[at] == MINUS
    if below or text[at] == PLUS:
        at += 1
    shift, end = _digits(text, at, np.uint64(0))
    if end == at or end - at > EXPONENT_FIGURES_MAX:
        return 0, -1
    return (-np.int64(shift) if below else np.int64(shift)), end
