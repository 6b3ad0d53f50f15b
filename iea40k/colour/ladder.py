"""A ladder of exposures: the same light encoded at many gains, at the price of few.

Every exposure's codes change at 255 amounts of light. Those of all exposures together, sorted, cut the light into
intervals within which no code changes: a value is placed in its interval once, and each exposure's codes are then
looked up by the interval's number. All of it is exact: the codes are those of `encode_srgb(light * gain)`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import LinearRGB
from iea40k.colour.transfer import encoding_steps

_AT_A_TIME = 64
"""Exposures worked on together: their 255 steps each must be numbered in 16 bits."""

_CHUNK = 1 << 16
"""Values worked on at a time: what fits the processor's cache."""

_CODES = 1 << 16
"""Entries that cv2.LUT asks of a table for 16-bit codes."""


@dataclass(frozen=True)
class _Ladder:
    """How light becomes the codes of some exposures.

    - `least`, `most`: bit patterns of the float32 light at the first and at the last step, as int32: floats >= 0
      lie in the order of their bits
    - `shift`: (bits - least) >> shift is a light's bin, fewer than 65536
    - `numbers` (65536,) uint16: steps at or below a bin's start
    - `within`: per step that the fullest bin holds, (65536,) float32: the steps in the bins; NaN, at or above which
      nothing lies, for none
    - `codes`: per exposure, (65536,) uint8: the code after so many steps
    """

    least: int
    most: int
    shift: int
    numbers: NDArray[np.uint16]
    within: tuple[NDArray[np.float32], ...]
    codes: tuple[NDArray[np.uint8], ...]


def encode_ladder(light: LinearRGB, gains: Sequence[float]) -> NDArray[np.uint8]:
    """Return uint8 (E, ...): `encode_srgb(light * gain)` for each of E float32 gains > 0.

    `light` is float32 of any shape, without NaN (`encode_srgb` asks; here nobody does).

    >>> encode_ladder(np.array([0.0, 0.18, 1.0], np.float32), [0.5, 1.0, 2.0])
    array([[  0,  85, 188],
           [  0, 118, 255],
           [  0, 162, 255]], dtype=uint8)
    """
    values = np.ascontiguousarray(light).reshape(-1)
    encoded = np.empty((len(gains), values.size), np.uint8)
    for first in range(0, len(gains), _AT_A_TIME):
        some = slice(first, first + _AT_A_TIME)
        ladder = _ladder(tuple(float(gain) for gain in gains[some]))
        for start in range(0, values.size, _CHUNK):
            chunk = slice(start, start + _CHUNK)
            numbers = _numbers(values[chunk], ladder)
            for row, codes in zip(encoded[some], ladder.codes, strict=True):
                row[chunk] = cv2.LUT(numbers, codes).reshape(-1)
    return encoded.reshape(len(gains), *light.shape)


def _numbers(values: NDArray[np.float32], ladder: _Ladder) -> NDArray[np.uint16]:
    """Return how many of the ladder's steps lie at or below each value."""
    bits = np.clip(values.view(np.int32), ladder.least, ladder.most)  # -0.0 has the least bits of all
    bits -= np.int32(ladder.least)
    bits >>= np.int32(ladder.shift)
    bins = bits.astype(np.uint16)
    numbers: NDArray[np.uint16] = cv2.LUT(bins, ladder.numbers).reshape(-1)
    for steps in ladder.within:
        numbers += values >= cv2.LUT(bins, steps).reshape(-1)
    return numbers


@lru_cache(maxsize=32)
def _ladder(gains: tuple[float, ...]) -> _Ladder:
    each = [_steps_at(np.float32(gain)) for gain in gains]
    steps = np.unique(np.concatenate(each))
    bits = steps.view(np.int32).astype(np.int64)
    least, most = int(bits[0]), int(bits[-1])
    shift = max(0, (most - least).bit_length() - 16)
    bins = (bits - least) >> shift
    starts = np.arange(_CODES)
    numbers = np.searchsorted(bins, starts, side="left")
    fullest = int(np.bincount(bins).max())
    padded = np.append(steps, np.full(fullest, np.nan, np.float32))
    ends = np.searchsorted(bins, starts, side="right")
    within = tuple(
        np.where(numbers + k < ends, padded[np.minimum(numbers + k, steps.size)], np.nan).astype(np.float32)
        for k in range(fullest)
    )
    codes = []
    for own in each:
        table = np.zeros(_CODES, np.uint8)
        table[1 : steps.size + 1] = np.searchsorted(own, steps, side="right")
        codes.append(table)
    return _Ladder(least, most, shift, numbers.astype(np.uint16), within, tuple(codes))


def _steps_at(gain: np.float32) -> NDArray[np.float32]:
    """Return (255,) float32: the least light that, times `gain` in float32, has code k + 1."""
    wanted = encoding_steps()
    steps = (wanted.astype(np.float64) / np.float64(gain)).astype(np.float32)
    low, high = np.float32(0), np.float32(np.inf)
    while (short := steps * gain < wanted).any():
        steps = np.where(short, np.nextafter(steps, high), steps)
    while (over := np.nextafter(steps, low) * gain >= wanted).any():
        steps = np.where(over, np.nextafter(steps, low), steps)
    return steps
