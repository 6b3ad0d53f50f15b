"""The blocks that a reference is cut into: which pixels each has, where its rims are, what zone it is in."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from annotator.shared.boxes import Box, grown
from iea40k.arrays import EncodedRGB, Validity
from iea40k.zones import Labels, superpixels, zones_of

OUTSIDE = -1
"""The number of a pixel that no level has valid data for: it is in no block."""


@dataclass(frozen=True, eq=False)
class Blocks:
    """Blocks of about `side` pixels a side. `labels` (H, W) int32: 0 ... count - 1, or `OUTSIDE`.

    `boxes` are the smallest boxes around the blocks, None for one that is wholly outside; `middles` (count, 2) is each
    block's pixel farthest from its rim; `depth` (count,) how far that is, in pixels.
    """

    side: int
    labels: Labels
    boxes: tuple[Box | None, ...]
    rims: Validity
    middles: NDArray[np.int64]
    depth: NDArray[np.float32]

    def at(self, row: int, column: int) -> int | None:
        """Return the number of the block at a pixel, None outside the picture or its valid data."""
        height, width = self.labels.shape
        if not (0 <= row < height and 0 <= column < width):
            return None
        number = int(self.labels[row, column])
        return None if number == OUTSIDE else number

    def part(self, number: int, reach: int) -> tuple[Box, Validity]:
        """Return the box around a block, `reach` pixels wider, and the block's pixels in it, (h, w) bool."""
        found = self.boxes[number]
        if found is None:
            raise IndexError(number)
        box = grown(found, reach, self.labels.shape)
        return box, self.labels[box] == number

    def zones(self, luminance: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return each block's zone, (count,) float32 in [0, 7.47]: that of its mean light; `luminance` (H, W)."""
        inside = (self.labels + 1).reshape(-1)
        count = len(self.boxes) + 1
        light = np.bincount(inside, luminance.reshape(-1), minlength=count)[1:]
        pixels = np.bincount(inside, minlength=count)[1:]
        zones: NDArray[np.float32] = zones_of(light / np.maximum(pixels, 1)).astype(np.float32)
        return zones


def cut(reference: EncodedRGB, valid: Validity, side: int) -> Blocks:
    """Return the SLIC blocks of a reference (H, W, 3) uint8, of pixels that are `valid` (H, W) only."""
    labels = superpixels(reference, block_side=side).copy()
    count = int(labels.max()) + 1
    rims = np.zeros(labels.shape, np.bool_)
    rims[:-1] |= labels[:-1] != labels[1:]
    rims[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    labels[~valid] = OUTSIDE
    from scipy import ndimage  # here: it takes a second to import

    found = ndimage.find_objects(labels + 1, max_label=count)
    inside = np.pad((~rims & valid).astype(np.uint8), 1)  # the border of the picture is a rim too
    distance = cv2.distanceTransform(inside, cv2.DIST_L2, 3)[1:-1, 1:-1]
    middles = np.zeros((count, 2), np.int64)
    there = [number for number, box in enumerate(found) if box is not None]
    if there:
        middles[there] = ndimage.maximum_position(distance, labels, there)
    depth = distance[middles[:, 0], middles[:, 1]].astype(np.float32)
    boxes = tuple(None if box is None else (box[0], box[1]) for box in found)
    return Blocks(side, labels, boxes, rims & valid, middles, depth)
