"""A small GIF writer: one palette, only what changed in each frame, LZW.

The format needs no more than this page, and a library for it would be the largest dependency of the
viewer. Called by `record.py`; it knows nothing but pixels.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]  # [height, width, 3]
COLOURS: Final = 255  # and one more that means: as before
UNCHANGED: Final = 255
BITS: Final = 6  # of each channel that decide which palette colour a pixel takes


def write(
    path: Path,
    frames: Sequence[Pixels],
    *,
    frame_ms: int,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> None:
    """Writes an animation that repeats for ever.

    Args:
        frames: at least one, all of one size, at most 65,535 pixels wide and high.
        frame_ms: how long each is shown; the format counts in hundredths of a second.
        progress: called with frames done and frames in all.
    """
    height, width = frames[0].shape[:2]
    palette, nearest = _palette(frames)
    with path.open("wb") as file:
        file.write(b"GIF89a" + _u16(width) + _u16(height) + bytes((0xF7, 0, 0)))
        file.write(palette.tobytes())
        file.write(b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00")
        before: NDArray[np.uint8] | None = None
        for number, frame in enumerate(frames):
            indices = nearest(frame)
            file.write(_frame(indices, before, frame_ms))
            before = indices
            progress(number + 1, len(frames))
        file.write(b"\x3b")


def _u16(value: int) -> bytes:
    return value.to_bytes(2, "little")


def _frame(indices: NDArray[np.uint8], before: NDArray[np.uint8] | None, frame_ms: int) -> bytes:
    """The rectangle that changed, as a block of the file."""
    x = y = 0
    part = indices
    if before is not None:
        changed = indices != before
        rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
        if len(rows) == 0:
            rows = columns = np.zeros(1, np.intp)
        y, x = int(rows[0]), int(columns[0])
        window = np.s_[y : int(rows[-1]) + 1, x : int(columns[-1]) + 1]
        # Long runs of one value compress well.
        part = np.where(changed[window], indices[window], np.uint8(UNCHANGED))
    control = b"\x21\xf9\x04\x05" + _u16(max(2, round(frame_ms / 10))) + bytes((UNCHANGED, 0))
    size = _u16(part.shape[1]) + _u16(part.shape[0])
    packed = _compress(part.tobytes())
    blocks = b"".join(
        bytes((len(packed[at : at + 255]),)) + packed[at : at + 255]
        for at in range(0, len(packed), 255)
    )
    return control + b"\x2c" + _u16(x) + _u16(y) + size + b"\x00\x08" + blocks + b"\x00"


def _compress(data: bytes) -> bytes:
    """LZW as GIF has it: codes of 9 to 12 bits, least significant bit first."""
    clear, end = 256, 257
    found = bytearray()
    table: dict[int, int] = {}
    following, width = 258, 9
    bits, count = clear, 9  # not yet written, and how many they are
    prefix = data[0]
    for byte in memoryview(data)[1:]:
        key = prefix << 8 | byte
        code = table.get(key)
        if code is not None:
            prefix = code
            continue
        bits |= prefix << count
        count += width
        while count >= 8:
            found.append(bits & 255)
            bits >>= 8
            count -= 8
        if following < 4_096:
            table[key] = following
            if following == 1 << width:
                width += 1
            following += 1
        else:
            bits |= clear << count
            count += width
            table.clear()
            following, width = 258, 9
        prefix = byte
    bits |= prefix << count
    count += width
    if following == 1 << width and width < 12:
        width += 1
    bits |= end << count
    count += width
    return bytes(found) + bits.to_bytes(-(-count // 8), "little")


# Colours.


def _codes(frame: Pixels) -> NDArray[np.int32]:
    """Each pixel's channels cut to BITS, as one number."""
    cut = (frame >> (8 - BITS)).astype(np.int32)
    found: NDArray[np.int32] = (cut[..., 0] << 2 * BITS) | (cut[..., 1] << BITS) | cut[..., 2]
    return found


def _palette(
    frames: Sequence[Pixels],
) -> tuple[NDArray[np.uint8], Callable[[Pixels], NDArray[np.uint8]]]:
    """256 colours [256, 3] for some of the frames, and what gives each pixel its nearest."""
    bins = 1 << 3 * BITS
    counts, sums = np.zeros(bins), np.zeros((bins, 3))
    for frame in frames[:: max(1, len(frames) // 6)]:
        codes = _codes(frame).ravel()
        counts += np.bincount(codes, minlength=bins)
        for channel in range(3):
            weights = frame[..., channel].ravel()
            sums[:, channel] += np.bincount(codes, weights=weights, minlength=bins)
    used = np.flatnonzero(counts)
    means = sums[used] / counts[used, None]
    colours = np.zeros((256, 3))
    chosen = _median_cut(means, counts[used])
    colours[: len(chosen)] = chosen
    known = np.full(bins, -1, np.int16)

    def nearest(frame: Pixels) -> NDArray[np.uint8]:
        codes = _codes(frame)
        present = np.flatnonzero(np.bincount(codes.ravel(), minlength=bins))
        unknown = present[known[present] < 0]
        for some in np.array_split(unknown, max(1, len(unknown) // 1_024)):
            channels = [(some >> 2 * BITS), (some >> BITS), some]
            middle = [(c & (1 << BITS) - 1) * (1 << 8 - BITS) + 1.5 for c in channels]
            away = np.stack(middle, axis=1)[:, None, :] - colours[None, : len(chosen), :]
            known[some] = np.argmin((away * away).sum(axis=2), axis=1)
        found: NDArray[np.uint8] = known[codes].astype(np.uint8)
        return found

    return np.rint(colours).astype(np.uint8), nearest


def _median_cut(means: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """At most COLOURS colours: the box that errs most is halved until there are enough."""
    boxes = [np.arange(len(means))]
    errors = [_error(means, counts)]
    while len(boxes) < COLOURS:
        worst = int(np.argmax(errors))
        box = boxes[worst]
        if errors[worst] <= 0.0:
            break
        channel = int(np.argmax(np.ptp(means[box], axis=0)))
        order = box[np.argsort(means[box, channel], kind="stable")]
        # Roots of counts: a flat ground is many pixels, but one colour.
        weight = np.cumsum(np.sqrt(counts[order]))
        cut = int(np.searchsorted(weight, weight[-1] / 2))
        cut = min(max(cut, 1), len(order) - 1)
        boxes[worst : worst + 1] = [order[:cut], order[cut:]]
        errors[worst : worst + 1] = [_error(means[b], counts[b]) for b in boxes[worst : worst + 2]]
    return np.array([np.average(means[b], axis=0, weights=counts[b]) for b in boxes])


def _error(means: NDArray[np.float64], counts: NDArray[np.float64]) -> float:
    if len(means) < 2:
        return 0.0
    middle = np.average(means, axis=0, weights=counts)
    away = ((means - middle) ** 2).sum(axis=1)
    return float((np.sqrt(counts) * away).sum())
