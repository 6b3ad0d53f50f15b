"""Brackets with planted truth: photographs that scikit-image ships, warped, exposed and made noisy by known amounts."""

import cv2
import numpy as np
import skimage.data

from iea40k.alignment.geometry import Homography, corners, move

PHOTOGRAPHS = ("astronaut", "coffee", "chelsea", "rocket", "motorcycle")
MARGIN = 48


def photograph(name: str) -> np.ndarray:
    """Return a shipped photograph as linear light (H, W, 3) float32 in [0, 1]; none of them needs a download."""
    picture = skimage.data.stereo_motorcycle()[0] if name == "motorcycle" else getattr(skimage.data, name)()
    encoded = np.asarray(picture)[..., :3].astype(np.float32) / 255
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4).astype(
        np.float32
    )


def encoded(linear: np.ndarray, contrast: float = 0.0) -> np.ndarray:
    """Return linear light as sRGB codes (uint8), through an S-curve of the given strength where one is asked for."""
    value = np.clip(linear, 0, 1)
    value = np.where(value <= 0.0031308, 12.92 * value, 1.055 * value ** (1 / 2.4) - 0.055)
    value = value + contrast * np.sin(2 * np.pi * (value - 0.5)) / (2 * np.pi) if contrast else value
    return np.rint(np.clip(value, 0, 1) * 255).astype(np.uint8)


def exposed(
    name: str,
    ev: float = 0.0,
    homography: Homography | None = None,
    *,
    noise: float = 0.0,
    seed: int = 0,
    contrast: float = 0.0,
) -> np.ndarray:
    """Return a frame of a photograph: `homography` carries its pixels to those of the frame made without one.

    `noise` scales photon noise and read noise (1 = a small sensor at base ISO). Nothing outside the frame is missing:
    the photograph is larger by a margin.
    """
    scene = photograph(name)
    height, width = scene.shape[0] - 2 * MARGIN, scene.shape[1] - 2 * MARGIN
    to_scene = np.array([[1, 0, MARGIN], [0, 1, MARGIN], [0, 0, 1]]) @ (
        np.eye(3) if homography is None else homography
    )
    light = cv2.warpPerspective(
        scene,
        to_scene,
        (width, height),
        flags=cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REFLECT,
    )
    if homography is None:
        light = scene[MARGIN:-MARGIN, MARGIN:-MARGIN]
    light = np.clip(light, 0, None) * 2.0**ev
    if noise:
        rng = np.random.default_rng(seed)
        deviation = noise * np.sqrt(light / 2000 + 0.001**2)
        light = light + rng.normal(size=light.shape) * deviation
    return encoded(light, contrast)


def hand_shake(
    seed: int,
    size: tuple[int, int],
    *,
    shift: float = 20,
    turn: float = 2.0,
    scale: float = 0.015,
    bend: float = 3,
) -> Homography:
    """Return a random homography of a hand-held bracket: shift and bend in pixels, turn in degrees."""
    rng = np.random.default_rng(seed)
    angle, growth = np.radians(rng.uniform(-turn, turn)), 1 + rng.uniform(-scale, scale)
    here = corners(size)
    middle = here.mean(axis=0)
    rotation = growth * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    there = (
        (here - middle) @ rotation.T
        + middle
        + rng.uniform(-shift, shift, 2)
        + rng.uniform(-bend, bend, (4, 2))
    )
    return cv2.getPerspectiveTransform(here.astype(np.float32), there.astype(np.float32)).astype(np.float64)


def farthest_corner(found: Homography, planted: Homography, size: tuple[int, int]) -> float:
    """Return by how many pixels two homographies disagree at a corner, at most."""
    here = corners(size)
    return float(np.linalg.norm(move(found, here) - move(planted, here), axis=1).max())
