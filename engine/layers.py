"""The arithmetic of a small network, float32, for kernels: layers, tanh, exponentials.

Nothing here calls a function of the C library, so that every loop is vectorised; what that costs in
accuracy is said with each. Called by `engine.policy` and learning's gradient. Knows arrays only.
"""

import numpy as np

from engine.kernels import contracted

OBSERVATION_MAX = 10.0
"""Normalised observations are cut here, in standard deviations, as in training."""

LANES = 4
"""Rows multiplied at a time: four times four products fit into a core's registers."""


@contracted
def normalise(observation, mean, scale, seen):
    """seen = (observation - mean) * scale, cut; it may be the observation's own array."""
    most = np.float32(OBSERVATION_MAX)
    for number in range(len(observation)):
        value = (observation[number] - mean[number]) * scale[number]
        seen[number] = min(max(value, -most), most)


@contracted
def layer(inputs, weights, bias, result):
    """result = inputs @ weights + bias; four inputs at a time, so that it needs no reduction."""
    for unit in range(len(result)):
        result[unit] = bias[unit]
    fours = len(inputs) // 4 * 4
    for n in range(0, fours, 4):
        a, b, c, d = inputs[n], inputs[n + 1], inputs[n + 2], inputs[n + 3]
        for unit in range(len(result)):
            result[unit] += (
                a * weights[n, unit]
                + b * weights[n + 1, unit]
                + c * weights[n + 2, unit]
                + d * weights[n + 3, unit]
            )
    for n in range(fours, len(inputs)):
        for unit in range(len(result)):
            result[unit] += inputs[n] * weights[n, unit]


@contracted
def fill_rows(values, rows):
    """Every row of float32[rows, columns] becomes `values`, float32[columns]."""
    for row in range(rows.shape[0]):
        for column in range(rows.shape[1]):
            rows[row, column] = values[column]


@contracted
def add_product(left, right, result):
    """result += left @ right, `LANES` rows at a time: of the 24 numbers of an inner step each is
    read once.

    Args:
        left: float32[rows, inner], transposed or not.
        right: float32[inner, columns].
        result: float32[rows, columns].
    """
    inner, columns = right.shape
    lanes, fours = result.shape[0] // LANES * LANES, inner // 4 * 4
    for row in range(0, lanes, LANES):
        for n in range(0, fours, 4):
            a0, b0, c0, d0 = left[row, n], left[row, n + 1], left[row, n + 2], left[row, n + 3]
            a1, b1 = left[row + 1, n], left[row + 1, n + 1]
            c1, d1 = left[row + 1, n + 2], left[row + 1, n + 3]
            a2, b2 = left[row + 2, n], left[row + 2, n + 1]
            c2, d2 = left[row + 2, n + 2], left[row + 2, n + 3]
            a3, b3 = left[row + 3, n], left[row + 3, n + 1]
            c3, d3 = left[row + 3, n + 2], left[row + 3, n + 3]
            for column in range(columns):
                a, b = right[n, column], right[n + 1, column]
                c, d = right[n + 2, column], right[n + 3, column]
                result[row, column] += a0 * a + b0 * b + c0 * c + d0 * d
                result[row + 1, column] += a1 * a + b1 * b + c1 * c + d1 * d
                result[row + 2, column] += a2 * a + b2 * b + c2 * c + d2 * d
                result[row + 3, column] += a3 * a + b3 * b + c3 * c + d3 * d
    for row in range(result.shape[0]):
        for n in range(fours if row < lanes else 0, inner):
            value = left[row, n]
            for column in range(columns):
                result[row, column] += value * right[n, column]


@contracted
def squash(values):
    """values = tanh(values), float32, to 3e-7: without a call, so that a loop of it is vectorised.

    The rational function of degrees 13 and 6 of Eigen's `ptanh` (Eigen 3.4, MathFunctionsImpl.h),
    whose arguments are cut where float32's tanh is 1.
    """
    for number in range(len(values)):
        limit = np.float32(7.90531110763549805)
        x = min(max(values[number], -limit), limit)
        y = x * x
        above = np.float32(-2.76076847742355e-16)
        above = above * y + np.float32(2.00018790482477e-13)
        above = above * y + np.float32(-8.60467152213735e-11)
        above = above * y + np.float32(5.12229709037114e-08)
        above = above * y + np.float32(1.48572235717979e-05)
        above = above * y + np.float32(6.37261928875436e-04)
        above = above * y + np.float32(4.89352455891786e-03)
        under = np.float32(1.19825839466702e-06)
        under = under * y + np.float32(1.18534705686654e-04)
        under = under * y + np.float32(2.26843463243900e-03)
        under = under * y + np.float32(4.89352518554385e-03)
        values[number] = x * above / under


@contracted
def exponentials(values):
    """values = exp(values) of float32 numbers that are not positive, to 2e-7 of 1.

    exp(x) = 2^n exp(r) with |r| <= ln 2 / 2; the polynomial and ln 2 in two parts are Cephes'
    `expf` (Moshier, 1989); 2^n is written as bits. What is below -87 counts as that.
    """
    for number in range(len(values)):
        x = max(values[number], np.float32(-87.0))
        n = np.floor(x * np.float32(1.44269504088896341) + np.float32(0.5))
        x = x - n * np.float32(0.693359375)
        x = x - n * np.float32(-2.12194440e-4)
        y = np.float32(1.9875691500e-4)
        y = y * x + np.float32(1.3981999507e-3)
        y = y * x + np.float32(8.3334519073e-3)
        y = y * x + np.float32(4.1665795894e-2)
        y = y * x + np.float32(1.6666665459e-1)
        y = y * x + np.float32(5.0000001201e-1)
        y = y * x * x + x + np.float32(1.0)
        bits = np.int32((np.int32(n) + np.int32(127)) << np.int32(23))
        values[number] = y * bits.view(np.float32)
