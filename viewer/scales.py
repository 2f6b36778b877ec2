"""Numbers to positions: axes and their figures, columns of pixels, labels that keep apart.

Plain numpy, used by everything that draws a chart; it knows neither pygame nor what is plotted.
"""

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]


TINY = 1e-300  # below, a fraction of a number may be nothing
HUGE = 0.9995e15  # from here on a number is said by its power of ten: 5.4e32


class Axis(NamedTuple):
    """Values low…high laid on pixels start…end (either may be the larger)."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def at(self, values: Floats | float) -> Floats:
        """Pixels of values; NaN where a logarithm has none."""
        values = np.asarray(values, dtype=np.float64)
        low, high = self.low, self.high
        if self.log:
            with np.errstate(divide="ignore", invalid="ignore"):
                values = np.where(values > 0, np.log(values), np.nan)
            low, high = math.log(low), math.log(high)
        return self.start + (values - low) * ((self.end - self.start) / (high - low))

    def pixel(self, value: float) -> float:
        """The pixel of one value."""
        return float(self.at(value))

    def value(self, pixel: float) -> float:
        """The value under a pixel."""
        share = (pixel - self.start) / ((self.end - self.start) or 1.0)
        if self.log:
            return float(self.low * (self.high / self.low) ** share)
        return self.low + share * (self.high - self.low)


def axis(
    low: float, high: float, start: float, end: float, *, log: bool = False, zero: bool = False
) -> Axis:
    """An axis with some air, its ends moved out to round places so that it does not tremble.

    Args:
        low, high: range of the data; not finite, or low > high: an axis from 0 to 1.
        log: only kept where low is above 0.
        zero: include 0 (ignored on a logarithmic axis).
    """
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        low, high, log, zero = 0.0, 1.0, False, True
    if log and low > TINY:
        air = max((high / low) ** 0.05, 1.01)
        grain = 50.0  # ends on a fiftieth of a decade
        low = 10 ** (math.floor(math.log10(low / air) * grain) / grain)
        high = 10 ** (math.ceil(math.log10(high * air) * grain) / grain)
        return Axis(low, high, start, end, log=True)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    air = 0.05 * (high - low) or 0.05 * abs(high) or 0.5
    grain = nice_step((high - low) or 2 * air, 5) / 4
    bottom = low if zero and low == 0 else math.floor((low - air) / grain) * grain
    top = high if zero and high == 0 > low else math.ceil((high + air) / grain) * grain
    if not top > bottom:  # data so close that their difference is lost beside their size
        top = bottom + (abs(bottom) * 1e-6 or 1.0)
    return Axis(bottom, top, start, end)


def nice_step(span: float, count_max: int) -> float:
    """The smallest of 1, 2, 2.5, 5 times a power of ten that divides span into ≤ count_max."""
    if not (math.isfinite(span) and span > TINY):
        return 1.0
    rough = span / max(1, count_max)
    power = 10.0 ** math.floor(math.log10(rough))
    for factor in (1.0, 2.0, 2.5, 5.0):
        if factor * power >= rough * (1 - 1e-9):
            return factor * power
    return 10.0 * power


def ticks(axis: Axis, count_max: int) -> list[float]:
    """Round values on the axis, two to count_max of them where that is possible."""
    if axis.log and axis.high / axis.low > 8:
        found = []
        for power in range(math.floor(math.log10(axis.low)), math.ceil(math.log10(axis.high)) + 1):
            found += [factor * 10.0**power for factor in (1, 2, 5)]
        found = [value for value in found if axis.low <= value <= axis.high]
        powers = [value for value in found if f"{value:e}".startswith("1.0")]
        if len(found) > count_max and len(powers) > 1:
            found = powers
        return found[:: max(1, -(-len(found) // count_max))]
    for count in range(count_max, count_max + 4):  # two at least, to tell the scale
        step = nice_step(axis.high - axis.low, count)
        first = math.ceil(axis.low / step - 1e-9)
        last = math.floor(axis.high / step + 1e-9)
        if last > first:
            break
    return [k * step for k in range(first, last + 1)]


def tick_labels(values: Sequence[float]) -> list[str]:
    """The same number of decimals for all, k and M where all are large; a true minus; a bare 0.
    Where they are powers apart, or said by their power of ten, each is said by itself."""
    sizes = [abs(value) for value in values if value]
    if not sizes:
        return ["0"] * len(values)
    largest, smallest = max(sizes), min(sizes)
    if smallest < 1e-6 or largest >= min(HUGE, max(10_000.0, 30 * smallest)):
        return [plain(value) for value in values]
    unit, suffix = _unit(largest) if largest >= 10_000 else (1.0, "")
    scaled = [value / unit for value in values]
    decimals = next(
        (
            places
            for places in range(7)
            if all(abs(value - round(value, places)) < 1e-7 * (abs(value) or 1) for value in scaled)
        ),
        6,
    )
    labels = [_signed(f"{value:,.{decimals}f}") + suffix for value in scaled]
    # Nothing needs no unit: 0, 20k.
    named = zip(values, labels, strict=True)
    return ["0" if suffix and not value else label for value, label in named]


def span_label(value: float) -> str:
    """A tick on the axis of time: 950, 9,500, 175k, 184.25k, 1.2M."""
    if abs(value) < 10_000:
        return f"{value:,.0f}"
    unit, suffix = _unit(abs(value))
    return f"{value / unit:.10g}{suffix}"


def plain(value: float) -> str:
    """A tick by itself, where neighbours are powers apart: 200, 1k, 2.5k, 1e20."""
    if abs(value) >= HUGE:
        return _by_power(f"{value:.6g}")
    unit, suffix = _unit(abs(value))
    return _by_power(f"{value / unit:.6g}") + suffix


def figure(value: float, decimals: int | None = None) -> str:
    """A number as people read it in passing: 3.05, 26.2, 1.1k, 5.4e32; – where there is none."""
    if not math.isfinite(value):
        return "–"
    if abs(value) >= HUGE:
        return _by_power(f"{value:.1e}")
    if abs(value) >= 1_000:
        unit, suffix = _unit(float(f"{abs(value):.3g}"))  # 999,960 is said as 1.0M, not as 1000k
        scaled = value / unit
        return _signed(f"{scaled:.1f}" if abs(scaled) < 99.95 else f"{scaled:.0f}") + suffix
    if decimals is None:
        decimals = 2 if abs(value) < 99.995 else 1
    return _signed(f"{value:.{decimals}f}")


def _unit(size: float) -> tuple[float, str]:
    for unit, suffix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if size >= unit * 0.99995:  # a tick may be a hair too small
            return unit, suffix
    return 1.0, ""


def _by_power(text: str) -> str:
    """5.4e+32 as 5.4e32, 1e-07 as 1e−7, with a true minus."""
    return _signed(re.sub(r"e\+?(-?)0*", r"e\1", text).replace("e-", "e−"))


def _signed(text: str) -> str:
    if text.startswith("-"):
        return text[1:] if not text.strip("-0.,") else "−" + text[1:]
    return text


# Columns of pixels.


class Columns(NamedTuple):
    """Points of time gathered by column; `x` is where each column's middle lies, in pixels."""

    starts: Ints
    x: Floats


def columns(at: Floats, axis: Axis) -> Columns:
    """Gathers ascending positions into columns about a pixel wide.

    Columns are anchored to the values, not to the window, so that a point stays in its column
    while the window moves on: nothing shimmers.
    """
    if len(at) == 0:
        return Columns(np.zeros(0, np.intp), np.zeros(0))
    wide = (axis.high - axis.low) / max(1.0, abs(axis.end - axis.start))
    column = np.floor(at / wide)
    starts = np.concatenate(([0], np.flatnonzero(np.diff(column)) + 1))
    counts = np.diff(np.append(starts, len(at)))
    return Columns(starts, axis.at(np.add.reduceat(at, starts) / counts))


def means(block: Floats, starts: Ints) -> Floats:
    """Mean a row and column [rows, columns], NaN where a column has nothing."""
    finite = np.isfinite(block)
    if finite.all():
        sums = np.add.reduceat(block, starts, axis=1, dtype=np.float64)
        return sums / np.diff(np.append(starts, block.shape[1]))
    counts = np.add.reduceat(finite, starts, axis=1, dtype=np.int64)
    sums = np.add.reduceat(np.where(finite, block, 0.0), starts, axis=1, dtype=np.float64)
    return np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)


def lows(block: Floats, starts: Ints) -> Floats:
    """Least a row and column; NaN only where all are."""
    return np.fmin.reduceat(block, starts, axis=1)


def highs(block: Floats, starts: Ints) -> Floats:
    """Greatest a row and column."""
    return np.fmax.reduceat(block, starts, axis=1)


def usual_range(values: Floats, now: Floats, trim: float = 1.2) -> tuple[float, float]:
    """The range without the rarest `trim` percent at each end, but with every current value."""
    values = values[np.isfinite(values)]
    now = now[np.isfinite(now)]
    if len(values) == 0:
        values = now
    if len(values) == 0:
        return math.nan, math.nan
    low, high = np.percentile(values, (trim, 100.0 - trim))
    return float(min([low, *now])), float(max([high, *now]))


def keep_apart(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Positions as near as possible to the wanted ones, `gap` apart, within low…high.

    Neighbours that collide are pooled and share the least squared displacement (isotonic
    regression). Where all do not fit the gaps shrink evenly.
    """
    count = len(wanted)
    if count == 0:
        return []
    if count > 1:
        gap = min(gap, max(0.0, high - low) / (count - 1))
    order = sorted(range(count), key=lambda k: (wanted[k], k))
    pools: list[list[float]] = []  # [sum of shifted positions, members]
    for rank, k in enumerate(order):
        pools.append([wanted[k] - rank * gap, 1.0])
        while len(pools) > 1 and pools[-2][0] / pools[-2][1] >= pools[-1][0] / pools[-1][1]:
            total, members = pools.pop()
            pools[-1][0] += total
            pools[-1][1] += members
    placed = [0.0] * count
    rank = 0
    for total, members in pools:
        for _ in range(int(members)):
            # Shifted by rank x gap, bounds included: a pool at the edge pushes no one over it.
            shifted = min(max(total / members, low), high - (count - 1) * gap)
            placed[order[rank]] = shifted + rank * gap
            rank += 1
    return placed
