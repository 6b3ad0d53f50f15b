"""Where a brush stops: at edges of the pictures, so that a quick stroke along a roof leaves the sky alone.

A brush remembers the colours that it is on. A pixel takes part as far as its colours, in every picture, are like those,
and only where pixels that take part lead to it from the middle of the brush. A middle that strays over an edge changes
nothing of that: the colours stay those of the side where the stroke was. What is looked at is the box of one dab, never
the whole picture.
"""

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from annotator.shared.boxes import Box, Point, grown, holds, inside
from annotator.shared.dabs import Weights
from iea40k.arrays import EncodedRGB

_MEDIAN = 3
"""Side, in pixels, of the median that takes noise and fine texture out of what is compared; it keeps edges sharp."""

_FOLLOWS = 2.0
"""Over how many radii of the brush's way its colours follow those under its middle."""

_OFTEN = 0.5
"""Shares of the radius between two looks at the middle of the brush."""


class EdgeGuide:
    """The edges of `pictures` (H, W, 3) uint8, all of one size, for one stroke.

    `contrast` in (0, 1]: up to this difference of a channel from the colours under the brush, on the encoded scale, a
    pixel takes part in full; at twice as much, and beyond, not at all.
    """

    def __init__(self, pictures: Sequence[EncodedRGB], contrast: float, radius: float) -> None:
        self._pictures = tuple(pictures)
        self.contrast = contrast
        self._steps = max(contrast * 255, 0.5)
        self._radius = radius
        self._colours: list[NDArray[np.float32]] | None = None

    def share(self, box: Box, start: Point, end: Point) -> Weights:
        """Return how far each pixel of `box` takes part in a dab from `start` to `end`, (h, w) float32 in [0, 1]."""
        wide = grown(box, _MEDIAN // 2, self._pictures[0].shape)
        calm = [cv2.medianBlur(np.ascontiguousarray(p[wide]), _MEDIAN) for p in self._pictures]
        calm = [picture[inside(box, wide)] for picture in calm]
        height, width = calm[0].shape[:2]
        found = np.zeros((height, width), np.float32)
        length = math.dist(start, end)
        count = max(1, math.ceil(length / max(_OFTEN * self._radius, 1.0)))
        for step in range(1, count + 1):
            at = step / count
            row = round(start[0] + at * (end[0] - start[0])) - box[0].start
            column = round(start[1] + at * (end[1] - start[1])) - box[1].start
            spot = (row, column) if holds((height, width), (row, column)) else None
            window = self._window(row, column, height, width)
            if window is not None:
                self._follow(calm, spot, length / count)
                here = self._alike([picture[window] for picture in calm], spot, window)
                np.maximum(found[window], here, out=found[window])
        return found

    # ------------------------------------------------------------ private

    def _window(self, row: int, column: int, height: int, width: int) -> Box | None:
        """Return the part of the box that one dab there can reach, None where it misses."""
        reach = math.ceil(self._radius)
        rows = slice(max(row - reach, 0), min(row + reach + 1, height))
        columns = slice(max(column - reach, 0), min(column + reach + 1, width))
        return (rows, columns) if rows.start < rows.stop and columns.start < columns.stop else None

    def _follow(self, calm: list[EncodedRGB], spot: tuple[int, int] | None, way: float) -> None:
        """Let the colours follow those under the middle, slowly, and only while they are alike."""
        if spot is None:
            return
        under = [picture[spot].astype(np.float32) for picture in calm]
        if self._colours is None:
            self._colours = under
            return
        off = max(float(np.abs(u - c).max()) for u, c in zip(under, self._colours, strict=True))
        if off <= self._steps:
            share = min(way / (_FOLLOWS * self._radius), 1.0)
            self._colours = [c + share * (u - c) for u, c in zip(under, self._colours, strict=True)]

    def _alike(self, parts: list[EncodedRGB], spot: tuple[int, int] | None, window: Box) -> Weights:
        """Return how far pixels of a window take part: alike, and joined to the middle or to what is nearest to it."""
        shape = parts[0].shape[:2]
        if self._colours is None:
            return np.zeros(shape, np.float32)
        off = np.zeros(shape, np.uint8)
        for part, colours in zip(parts, self._colours, strict=True):
            colour = np.full(part.shape[2], 0, np.uint8)
            colour[...] = np.rint(colours)
            flat = np.broadcast_to(colour, part.shape)
            off = np.maximum(off, cv2.absdiff(part, np.ascontiguousarray(flat)).max(axis=2))
        share: Weights = np.clip(2 - off.astype(np.float32) / np.float32(self._steps), 0, 1)
        taking = (share > 0).astype(np.uint8)
        count, labels = cv2.connectedComponents(taking, connectivity=4)
        if count > 2:
            at = None if spot is None else (spot[0] - window[0].start, spot[1] - window[1].start)
            number = self._nearest(labels, at)
            share[labels != number] = 0
        return share

    @staticmethod
    def _nearest(labels: NDArray[np.int32], at: tuple[int, int] | None) -> int:
        """Return the number of the region at a pixel, or of that nearest to it; of the largest where it is outside."""
        if at is None:
            return 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
        if labels[at]:
            return int(labels[at])
        rows, columns = np.nonzero(labels)
        nearest = int(np.argmin((rows - at[0]) ** 2 + (columns - at[1]) ** 2))
        return int(labels[rows[nearest], columns[nearest]])
