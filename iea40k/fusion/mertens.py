"""Exposure fusion: one well exposed picture from the frames of a bracket.

T. Mertens, J. Kautz, F. Van Reeth, "Exposure Fusion" (Pacific Graphics 2007): each pixel of each frame is weighted
by contrast x saturation x well-exposedness, and the frames are blended per level of a Laplacian pyramid. Here
a pixel without data has no weight, and does not bleed into its neighbours either: before the pyramids are built, it is
filled from the valid pixels around it.

Blending overshoots: near a bright sky, shadows come out below zero, and plain clipping (as OpenCV does) turns a tenth
of some pictures black. So the range is compressed linearly until at most `clip` of the pixels lie beyond either
end, as C. Hessel does ("Extended Exposure Fusion", IPOL 2020); a fusion within the range stays as it is.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import LUMA_WEIGHTS, EncodedRGB, Validity
from iea40k.fusion.masks import checked, filled
from iea40k.recipe import versions

Floats = NDArray[np.floating[Any]]

_LEAST_WEIGHT = 1e-12


_ONES = np.ones((1, 3), np.float32)


@dataclass(frozen=True)
class MertensSettings:
    """Exponents of the three measures, sigma of the well-exposedness around 0.5 (the paper's: 1, 1, 1, 0.2), and the
    share of pixels that may be clipped at either end."""

    contrast: float = 1.0
    saturation: float = 1.0
    well_exposed: float = 1.0
    sigma: float = 0.2
    clip: float = 0.01


def mertens(
    frames: Sequence[EncodedRGB] | NDArray[np.uint8],
    validity: Sequence[Validity] | NDArray[np.bool_] | None = None,
    settings: MertensSettings | None = None,
) -> tuple[EncodedRGB, dict[str, Any]]:
    """Return the fusion of aligned sRGB-encoded (H, W, 3) uint8 frames, and its recipe.

    `validity` holds an (H, W) bool mask a frame. Pixels that no frame covers are 0; the caller knows them as
    invalid by the same masks. The recipe says how the range was compressed (`black`, `white`: what became 0 and 1)
    and which share of the covered pixels was clipped. Raises `ArrayError` for no frames, or shapes that differ.
    """
    settings = settings or MertensSettings()
    masks = checked(frames, validity)
    covered: Validity = np.asarray(np.stack(masks).any(axis=0))
    weights = [_weight(f, m, settings) for f, m in zip(frames, masks, strict=True)]
    total = np.sum(weights, axis=0, dtype=np.float32)
    blended: list[Floats] = []
    for frame, mask, weight in zip(frames, masks, weights, strict=True):
        picture = filled(frame.astype(np.float32) / 255, mask)
        _add(blended, picture, weight / np.maximum(total, _LEAST_WEIGHT))
    fused = _collapse(blended)
    black, white = _range(fused[covered], settings.clip)
    scaled = (fused - black) / (white - black)
    clipped = np.asarray(((scaled < 0) | (scaled > 1)).any(axis=2))[covered]
    reference = np.rint(np.clip(scaled, 0, 1) * 255).astype(np.uint8)
    reference[~covered] = 0
    return reference, {
        "method": "Mertens 2007, masked",
        "frames": len(masks),
        "black": round(black, 5),
        "white": round(white, 5),
        "clipped_share": round(float(clipped.mean()), 5) if clipped.size else 0.0,
        "settings": asdict(settings),
        "versions": versions("numpy", "opencv-python-headless"),
    }


def _weight(frame: EncodedRGB, mask: Validity, settings: MertensSettings) -> Floats:
    picture = filled(frame.astype(np.float32) / 255, mask)
    grey = cv2.transform(picture, np.array([LUMA_WEIGHTS], np.float32)).reshape(mask.shape)
    contrast = np.abs(cv2.Laplacian(grey, cv2.CV_32F, ksize=1, borderType=cv2.BORDER_REFLECT_101))
    # Sums over the three channels by cv2.transform: a NumPy reduction along an axis of three is ten times slower.
    mean = cv2.transform(picture, _ONES).reshape(mask.shape) / 3
    # About the mean, not by the difference of two large sums: grey must come out as exactly 0.
    saturation = np.sqrt(_sum_of_squares(picture - mean[..., None]) / 3)
    exposed = np.exp(_sum_of_squares(picture - np.float32(0.5)) * np.float32(-0.5 / settings.sigma**2))
    weight: Floats = (
        contrast**settings.contrast * saturation**settings.saturation * exposed**settings.well_exposed
    )
    return np.where(mask, weight + np.float32(_LEAST_WEIGHT), 0).astype(np.float32)


def _sum_of_squares(picture: Floats) -> Floats:
    summed: Floats = cv2.transform(picture * picture, _ONES).reshape(picture.shape[:2])
    return summed


def _add(blended: list[Floats], picture: Floats, weight: Floats) -> None:
    """Add one frame's weighted Laplacian pyramid to the sum."""
    depth = max(int(np.log2(min(weight.shape))) - 1, 0)
    for level in range(depth + 1):
        size = (picture.shape[1], picture.shape[0])
        smaller = cv2.pyrDown(picture) if level < depth else None
        detail = picture if smaller is None else picture - cv2.pyrUp(smaller, dstsize=size)
        part = detail * weight[..., None]
        if level < len(blended):
            blended[level] += part
        else:
            blended.append(part)
        if smaller is not None:
            picture, weight = smaller, cv2.pyrDown(weight)


def _collapse(levels: list[Floats]) -> Floats:
    picture = levels[-1]
    for detail in reversed(levels[:-1]):
        picture = cv2.pyrUp(picture, dstsize=(detail.shape[1], detail.shape[0])) + detail
    return picture


def _range(fused: Floats, clip: float) -> tuple[float, float]:
    """Return what becomes black and white, at least [0, 1], for the (N, 3) pixels that count."""
    if not len(fused):
        return 0.0, 1.0
    low, high = fused.min(axis=1), fused.max(axis=1)
    return min(float(np.quantile(low, clip)), 0.0), max(float(np.quantile(high, 1 - clip)), 1.0)
