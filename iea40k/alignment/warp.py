"""Frames carried by a homography, and where they have no data afterwards."""

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.alignment.geometry import Homography, Size
from iea40k.arrays import EncodedRGB, Validity


def warp(frame: EncodedRGB, valid: Validity, homography: Homography) -> tuple[EncodedRGB, Validity]:
    """Return an encoded (H, W, 3) frame carried by `homography`, and where it has data.

    Pixels are resampled once, bicubically, on the encoded values. A pixel is valid where every pixel that its
    bilinear neighbourhood touches lies inside the frame and is valid there; elsewhere it is 0 and says nothing.
    A homography that is exactly the identity returns the frame's own bytes.
    """
    if np.array_equal(homography, np.eye(3)):
        return frame.copy(), valid.copy()
    size = (frame.shape[1], frame.shape[0])
    carried = cv2.warpPerspective(
        frame, homography, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    inside = warp_mask(valid, homography, size)
    carried[~inside] = 0
    return carried, inside


def warp_mask(valid: Validity, homography: Homography, size: Size) -> Validity:
    """Return where a validity mask carried by `homography` is wholly valid, for an output of `size`."""
    share = cv2.warpPerspective(
        valid.astype(np.float32), homography, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
    )
    return np.asarray(share > 0.999)


def warp_signal(signal: NDArray[np.float32], homography: Homography) -> NDArray[np.float32]:
    """Return a (H, W) float32 picture carried by `homography`, 0 outside."""
    size = (signal.shape[1], signal.shape[0])
    carried: NDArray[np.float32] = cv2.warpPerspective(signal, homography, size, flags=cv2.INTER_LINEAR)
    return carried
