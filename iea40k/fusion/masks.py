"""Pixels without data in the frames of a bracket: checked, filled from their neighbours, feathered."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import EncodedRGB, Validity, check_encoded, check_same_size
from iea40k.errors import ArrayError

Floats = NDArray[np.floating[Any]]

FEATHER = 16
"""Pixels over which a frame gains its weight from the border of its data inwards, so that no seam shows."""


def checked(
    frames: Sequence[EncodedRGB] | NDArray[np.uint8], validity: Sequence[Validity] | NDArray[np.bool_] | None
) -> list[Validity]:
    """Return one mask a frame. Raises `ArrayError` for no frames, or shapes that differ."""
    if not len(frames):
        raise ArrayError("there is nothing to fuse", expected="at least one frame", got="none")
    masks = [np.ones(f.shape[:2], np.bool_) for f in frames] if validity is None else list(validity)
    if len(masks) != len(frames):
        raise ArrayError("one mask a frame", expected=str(len(frames)), got=str(len(masks)))
    for index, (frame, mask) in enumerate(zip(frames, masks, strict=True)):
        check_encoded(frame, f"frame {index}")
        check_same_size(frames[0], frame, ("frame 0", f"frame {index}"))
        check_same_size(frame, mask, (f"frame {index}", "its mask"))
    return masks


def feathered(mask: Validity) -> NDArray[np.float32]:
    """Return the weight of a frame's pixels: 0 without data, 1 from `FEATHER` pixels inside; a picture's edge
    is no border."""
    if mask.all():
        return np.ones(mask.shape, np.float32)
    distance = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 3)
    weight: NDArray[np.float32] = np.minimum(distance / np.float32(FEATHER), 1)
    return weight


def filled(picture: Floats, mask: Validity) -> Floats:
    """Return the picture with every pixel outside the mask taken from the valid ones around it (pull and push)."""
    if mask.all():
        return picture
    if not mask.any():
        return np.full_like(picture, 0.5)
    weight = mask.astype(np.float32)
    colour = picture * weight[..., None]
    stack = []
    while min(weight.shape) > 1 and not (weight > 0).all():
        stack.append((colour, weight))
        colour, weight = cv2.pyrDown(colour), cv2.pyrDown(weight)
    filled: Floats = colour / np.maximum(weight, 1e-6)[..., None]
    for finer, share in reversed(stack):
        coarse = cv2.pyrUp(filled, dstsize=(share.shape[1], share.shape[0]))
        known = np.minimum(share, 1)[..., None]
        own = finer / np.maximum(share, 1e-6)[..., None]
        filled = own * known + coarse * (1 - known)
    return np.where(mask[..., None], picture, filled).astype(np.float32)
