"""First guesses of the motion between two frames, for the tiles to refine."""

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.alignment.geometry import Homography, halved, normal, shifted
from iea40k.alignment.structure import Pyramid, Structure
from iea40k.alignment.tiles import common_shift

FEATURES = 1500

PLENTY = 200
"""As many features of either picture suffice: where they agree on nothing, more will not either."""

RATIO = 0.8
"""A feature's best match must be this much nearer than its second best (Lowe 2004)."""


def shift_proposal(fixed: Pyramid, moving: Pyramid) -> Homography | None:
    """Return the shift that the tiles of the coarsest level agree on, for full-size frames."""
    level = len(fixed) - 1
    side = min(fixed[level].signal.shape)
    found = common_shift(
        fixed[level], moving[level], size=max(24, side // 4), step=max(12, side // 8), radius=side // 6
    )
    if found is None:
        return None
    dx, dy = found
    return halved(shifted(-float(dx), -float(dy)), -level)


def feature_proposal(fixed: Pyramid, moving: Pyramid) -> Homography | None:
    """Return the similarity that SIFT features of the structure agree on, or None where too few do.

    At half size, which is quicker and bears more noise; at full size where a picture is small or sparse.
    """
    found = None
    for level in range(min(1, len(fixed) - 1), -1, -1):
        found, enough = _feature_proposal(fixed[level], moving[level], level)
        if found is not None or enough:
            break
    return found


def _feature_proposal(fixed: Structure, moving: Structure, level: int) -> tuple[Homography | None, bool]:
    (points, descriptors), (others, other_descriptors) = _features(fixed), _features(moving)
    enough = min(len(points), len(others)) >= PLENTY
    if descriptors is None or other_descriptors is None or min(len(points), len(others)) < 8:
        return None, enough
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(other_descriptors, descriptors, k=2)
    kept = [p[0] for p in pairs if len(p) == 2 and p[0].distance < RATIO * p[1].distance]
    if len(kept) < 6:
        return None, enough
    source = others[[m.queryIdx for m in kept]]
    target = points[[m.trainIdx for m in kept]]
    # OpenCV's own generator is seeded anew at each call, so that this is the same on every run.
    found, inliers = cv2.estimateAffinePartial2D(source, target, method=cv2.RANSAC, ransacReprojThreshold=2.0)
    if found is None or int(inliers.sum()) < 6:
        return None, enough
    return halved(normal(np.vstack((found, (0, 0, 1)))), -level), enough


def _features(structure: Structure) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    picture = np.clip(structure.signal * 32 + 128, 0, 255).astype(np.uint8)
    keypoints, descriptors = cv2.SIFT.create(FEATURES).detectAndCompute(
        picture, structure.known.astype(np.uint8)
    )
    return np.array([k.pt for k in keypoints], np.float32).reshape(-1, 2), descriptors
