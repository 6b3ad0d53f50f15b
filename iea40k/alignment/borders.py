"""Coloured borders: bands of one pure colour that some tool painted where a frame has no data."""

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import EncodedRGB, Validity

PURE = 160
"""Least difference between a painted colour's strongest and weakest channel: no scene is that pure by accident."""

NEAR = 24
"""A border pixel differs from the painted colour by at most this in every channel."""

SHARE = 0.25
"""Share of one side of the frame that must have exactly the painted colour."""

BLEED = 2
"""Pixels beside the band that resampling or JPEG has mixed with it."""


def inside_borders(frame: EncodedRGB) -> Validity:
    """Return (H, W) bool, False in painted borders: pure colour, connected to the frame's edge.

    Black and white borders are left alone: a night sky and a blown window look the same.
    """
    valid = np.ones(frame.shape[:2], np.bool_)
    for colour in _painted_colours(frame):
        near = (np.abs(frame.astype(np.int16) - colour).max(axis=2) <= NEAR).astype(np.uint8)
        band = _touching_edge(near)
        grown = cv2.dilate(band, np.ones((2 * BLEED + 1,) * 2, np.uint8))
        valid &= grown == 0
    return valid


def _painted_colours(frame: EncodedRGB) -> list[NDArray[np.int16]]:
    found: dict[bytes, NDArray[np.int16]] = {}
    for side in (frame[0], frame[-1], frame[:, 0], frame[:, -1]):
        colours, counts = np.unique(side, axis=0, return_counts=True)
        most = int(counts.argmax())
        colour = colours[most].astype(np.int16)
        if counts[most] >= SHARE * len(side) and colour.max() - colour.min() >= PURE:
            found[colour.tobytes()] = colour
    return list(found.values())


def _touching_edge(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    _, labels = cv2.connectedComponents(mask, connectivity=8)
    edge = np.concatenate((labels[0], labels[-1], labels[:, 0], labels[:, -1]))
    touching: NDArray[np.uint8] = np.isin(labels, np.unique(edge[edge > 0])).astype(np.uint8)
    return touching
