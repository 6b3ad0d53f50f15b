"""Whole brackets with planted truth: finished photographs exposed, shaken and made noisy, with things that move.

Shares nothing with the alignment that it judges. Photographs come from the folder of real data where it is there,
else from those that scikit-image ships.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import skimage.data

WIDTH, HEIGHT = 768, 512


@dataclass(frozen=True)
class Planted:
    """Frames (H, W, 3) uint8, the motion of each (a frame's pixels -> the scene's), and what moved by itself.

    `moved` (E, H, W) bool, in each frame's own pixels: where it shows something else than the still scene.
    """

    frames: list[np.ndarray]
    motions: list[np.ndarray]
    moved: list[np.ndarray]


def photographs(count: int, start: int = 0) -> list[np.ndarray]:
    """Return finished photographs as uint8 pictures, evenly chosen."""
    real = os.environ.get("IEA40K_REAL_DATA", "")
    files = sorted((Path(real) / "photographs").rglob("*.png")) if real else []
    if not files:
        return [getattr(skimage.data, n)()[..., :3] for n in ("astronaut", "coffee", "chelsea", "rocket")][
            :count
        ]
    chosen = files[start :: max(1, len(files) // count)][:count]
    return [cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB) for file in chosen]


def bracket(
    picture: np.ndarray,
    seed: int,
    evs: Sequence[float],
    *,
    shake: float = 1.0,
    mover: str = "",
    travel: float = 0.0,
    other: np.ndarray | None = None,
) -> Planted:
    """Return a bracket of a photograph; the middle frame does not shake.

    `shake` 1 is a hand's 20 pixels, 2 degrees, 1.5 %, 3 pixels of perspective. `mover`: "clouds" slide the upper 35 %
    by `travel` pixels a frame, "waves" displace the lower 40 % at random by up to `travel`, "people" are cut from
    `other` and walk by `travel` a frame.
    """
    rng = np.random.default_rng(seed)
    margin = int(70 * max(shake, 1) + 40)
    light = _light(_filled(picture, (WIDTH + 2 * margin, HEIGHT + 2 * margin)))
    frames, motions, moved = [], [], []
    for index, ev in enumerate(evs):
        motion = np.eye(3) if index == len(evs) // 2 else _shaken(rng, shake)
        scene, changed = _changed(light, rng, mover, travel, index - len(evs) // 2, other, seed)
        at = np.array([[1, 0, margin], [0, 1, margin], [0, 0, 1.0]]) @ motion
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        shown = np.clip(cv2.warpPerspective(scene, at, (WIDTH, HEIGHT), flags=flags), 0, None) * 2.0**ev
        noise = rng.normal(size=shown.shape) * np.sqrt(shown / 2000 + 1e-6)
        frames.append(_encoded(shown + noise))
        motions.append(motion)
        flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
        moved.append(cv2.warpPerspective(changed.astype(np.uint8), at, (WIDTH, HEIGHT), flags=flags) > 0)
    return Planted(frames, motions, moved)


def _changed(light, rng, mover, travel, step, other, seed):
    """Return the scene as one frame finds it, and where it differs visibly from the still scene."""
    scene = light.copy()
    height, width = light.shape[:2]
    if mover == "clouds" and step:
        rows = int(0.35 * height)
        scene[:rows] = np.roll(light[:rows], round(travel * step), axis=1)
    elif mover == "waves" and step:
        rows = int(0.6 * height)
        field = cv2.GaussianBlur(rng.normal(size=(height, width, 2)).astype(np.float32), (0, 0), 6)
        field *= travel / max(float(np.abs(field).max()), 1e-6)
        field[:rows] = 0
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        scene = cv2.remap(
            light, x + field[..., 0], y + field[..., 1], cv2.INTER_LINEAR, None, cv2.BORDER_REFLECT
        )
    elif mover == "people" and other is not None:
        figure = _light(_filled(other, (int(0.12 * width), int(0.4 * height))))
        y, x = np.mgrid[-1 : 1 : figure.shape[0] * 1j, -1 : 1 : figure.shape[1] * 1j]
        body = (x**2 + y**2 < 1)[..., None]
        place = np.random.default_rng(seed)
        top = int(place.uniform(0.3, 0.5) * height)
        left = int(place.uniform(0.3, 0.5) * width + travel * step)
        left = int(np.clip(left, 0, width - figure.shape[1]))
        part = scene[top : top + figure.shape[0], left : left + figure.shape[1]]
        part[:] = np.where(body, figure, part)
        # The still scene is that of the middle frame: the figure stands there.
        middle, _ = (scene, None) if step == 0 else _changed(light, rng, mover, travel, 0, other, seed)
        return scene, _visible(scene, middle)
    return scene, _visible(scene, light)


def _visible(scene: np.ndarray, still: np.ndarray) -> np.ndarray:
    return np.abs(_encoded(scene).astype(int) - _encoded(still)).max(axis=2) > 25


def _shaken(rng: np.random.Generator, amount: float) -> np.ndarray:
    angle = np.radians(rng.uniform(-2, 2) * min(amount, 2.5))
    growth = 1 + rng.uniform(-0.015, 0.015) * min(amount, 3)
    here = np.array([[0, 0], [WIDTH - 1, 0], [WIDTH - 1, HEIGHT - 1], [0, HEIGHT - 1]], np.float64)
    turn = growth * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = here.mean(axis=0)
    there = (here - middle) @ turn.T + middle
    there += rng.uniform(-20, 20, 2) * amount + rng.uniform(-3, 3, (4, 2)) * amount
    return cv2.getPerspectiveTransform(here.astype(np.float32), there.astype(np.float32)).astype(np.float64)


def _filled(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    width, height = size
    if (picture.shape[0] > picture.shape[1]) != (height > width):
        picture = np.rot90(picture)
    scale = max(width / picture.shape[1], height / picture.shape[0])
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    picture = cv2.resize(np.ascontiguousarray(picture), None, fx=scale, fy=scale, interpolation=way)
    return picture[:height, :width]


def _light(codes: np.ndarray) -> np.ndarray:
    value = codes.astype(np.float32) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4).astype(np.float32)


def _encoded(light: np.ndarray) -> np.ndarray:
    value = np.clip(light, 0, 1)
    value = np.where(value <= 0.0031308, 12.92 * value, 1.055 * np.maximum(value, 1e-9) ** (1 / 2.4) - 0.055)
    return np.rint(value * 255).astype(np.uint8)
