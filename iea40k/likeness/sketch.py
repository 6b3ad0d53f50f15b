"""The sketch of a picture: small layouts, by which likely twins are found, and features, by which they are proved.

Both are taken from the luma without its local mean and contrast, so that exposure, tone and colour hardly count.
"""

import hashlib
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import LUMA_WEIGHTS, EncodedRGB

SIDE = 256
"""Pixels of the shorter side on which a picture is looked at."""

LAYOUT = 24
"""A layout is a picture, or a part of it, on so many by so many cells."""

FEATURES = 400
"""SIFT features kept of a picture, the strongest first."""

_PARTS = (1.0, 0.92, 0.84, 0.76)
"""Sides of the parts whose layouts are kept, as shares of the picture's: the whole, and crops at five places."""

_PLACES = ((0.5, 0.5), (0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0))
_LEAST_CONTRAST = 2.0
_LOCAL = LAYOUT / 8
_LOCAL_FEATURES = 12.0

Grey = NDArray[np.uint8]


@dataclass(frozen=True)
class Sketch:
    """What is kept of a picture, about 70 kB.

    `layouts` (P, LAYOUT * LAYOUT) float16 of unit length, that of the whole picture first; all zero where it has no
    structure. `points` (F, 2) float32 x, y in pixels of a picture `size` (width, height) whose shorter side is `SIDE`;
    `features` (F, 128) uint8, SIFT (Lowe 2004). `digest`: the sha256 of the picture's own shape and pixels.
    """

    layouts: NDArray[np.float16]
    points: NDArray[np.float32]
    features: NDArray[np.uint8]
    size: tuple[int, int]
    digest: str


def sketch_of(picture: EncodedRGB) -> Sketch:
    """Return the sketch of an encoded picture (H, W, 3) uint8."""
    grey = _grey(picture)
    points, features = _features(grey)
    pixels = np.ascontiguousarray(picture)
    head = "x".join(map(str, pixels.shape)).encode()
    return Sketch(
        layouts=np.stack([_layout(part) for part in _parts(grey)]).astype(np.float16),
        points=points,
        features=features,
        size=(grey.shape[1], grey.shape[0]),
        digest=hashlib.sha256(head + pixels.tobytes()).hexdigest(),
    )


def mirrored(layouts: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the layouts (N, LAYOUT * LAYOUT) of the pictures seen in a mirror."""
    square = layouts.reshape(len(layouts), LAYOUT, LAYOUT)
    return np.ascontiguousarray(square[:, :, ::-1]).reshape(len(layouts), -1)


def _grey(picture: EncodedRGB) -> Grey:
    height, width = picture.shape[:2]
    factor = SIDE / min(height, width)
    size = max(SIDE, round(width * factor)), max(SIDE, round(height * factor))
    # Panoramas of any shape: nothing is longer than four times its height.
    size = min(size[0], 4 * SIDE), min(size[1], 4 * SIDE)
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    weights = np.array([LUMA_WEIGHTS], np.float32)
    small = cv2.resize(np.ascontiguousarray(picture, np.uint8), size, interpolation=method)
    luma = cv2.transform(small.astype(np.float32), weights)
    return np.asarray(np.rint(luma), np.uint8)


def _parts(grey: Grey) -> list[Grey]:
    height, width = grey.shape
    found = []
    for share in _PARTS:
        for x, y in _PLACES[:1] if share == 1 else _PLACES:
            top, left = round((1 - share) * y * height), round((1 - share) * x * width)
            found.append(grey[top : top + round(share * height), left : left + round(share * width)])
    return found


def _layout(grey: Grey) -> NDArray[np.float32]:
    small = cv2.resize(grey, (LAYOUT, LAYOUT), interpolation=cv2.INTER_AREA).astype(np.float32)
    flat = np.clip(_levelled(small, _LOCAL, _LEAST_CONTRAST), -3, 3).ravel()
    length = float(np.linalg.norm(flat))
    # A few cells of faint structure, in a picture without any, are no layout.
    return np.asarray(flat / length if length > 1 else flat * 0, np.float32)


def _features(grey: Grey) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    level = _levelled(grey.astype(np.float32), _LOCAL_FEATURES, 2 * _LEAST_CONTRAST)
    shown = np.clip(128 + 40 * level, 0, 255).astype(np.uint8)
    sift = cv2.SIFT.create(nfeatures=FEATURES, contrastThreshold=0.01)
    keypoints, features = sift.detectAndCompute(shown, None)
    if features is None:
        return np.zeros((0, 2), np.float32), np.zeros((0, 128), np.uint8)
    return np.array([point.pt for point in keypoints], np.float32), features.astype(np.uint8)


def _levelled(picture: NDArray[np.float32], sigma: float, least: float) -> NDArray[np.float32]:
    """Return the picture minus its local mean, over its local contrast or `least` codes, whichever is more."""
    centred = picture - cv2.GaussianBlur(picture, (0, 0), sigma)
    contrast = np.sqrt(cv2.GaussianBlur(centred * centred, (0, 0), sigma))
    return np.asarray(centred / np.maximum(contrast, least), np.float32)
