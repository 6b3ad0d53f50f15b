"""Scenes without faults: photographs exposed from dark to bright, as simulated or as captured."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import skimage.data

from benchmarks.planted_brackets import _encoded as encoded
from benchmarks.planted_brackets import _light as light_of

EVS = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)


@dataclass(frozen=True)
class Clean:
    """`exposures` (E, H, W, 3) and `reference` (H, W, 3) uint8, `evs` from dark to bright.

    `jpeg`: the quality at which the exposures are encoded after faults are planted, 0 where they are not.
    """

    name: str
    reference: np.ndarray
    exposures: np.ndarray
    evs: tuple[float, ...]
    jpeg: int = 0


def files(part: str) -> list[Path]:
    """Return the photographs of a part, "tuning" or "test": every other one, so that none is in both."""
    real = os.environ.get("IEA40K_REAL_DATA", "")
    found = sorted((Path(real) / "photographs").rglob("*.png")) if real else []
    return found[0 if part == "tuning" else 1 :: 2]


def pictures(part: str, count: int) -> list[tuple[str, np.ndarray]]:
    """Return `count` photographs of a part, evenly chosen; those that scikit-image ships where there are no files."""
    found = files(part)
    if not found:
        names = ("astronaut", "coffee") if part == "tuning" else ("chelsea", "rocket")
        return [(n, np.ascontiguousarray(getattr(skimage.data, n)()[..., :3])) for n in names][:count]
    chosen = found[:: max(1, len(found) // count)][:count]
    return [(f.stem, cv2.cvtColor(cv2.imread(str(f)), cv2.COLOR_BGR2RGB)) for f in chosen]


def exposed(name: str, picture: np.ndarray, seed: int, evs: Sequence[float] = EVS) -> Clean:
    """Return a photograph as a scene.

    By the seed it is simulated exactly, or captured: noise, up to 0.4 pixels out of register, JPEG. In half of them
    the reference was retouched: a curve, and light and shade by regions.
    """
    rng = np.random.default_rng(seed)
    light = light_of(picture)
    height, width = picture.shape[:2]
    captured = bool(rng.random() < 0.6)
    frames = []
    for ev in evs:
        seen = light
        if captured:
            at = np.array([[1, 0, rng.uniform(-0.4, 0.4)], [0, 1, rng.uniform(-0.4, 0.4)]], np.float32)
            seen = cv2.warpAffine(
                light, at, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
            )
        shown = seen * 2.0**ev
        if captured:
            shown = shown + rng.normal(size=shown.shape) * np.sqrt(shown / 4000 + 2e-6)
        frames.append(encoded(shown))
    reference = picture
    if rng.random() < 0.5:
        field = cv2.GaussianBlur(
            rng.normal(size=(height, width)).astype(np.float32), (0, 0), min(height, width) / 6
        )
        field = np.exp2(0.7 * field / max(float(np.abs(field).max()), 1e-9))
        reference = encoded((light * field[..., None]) ** rng.uniform(0.9, 1.1))
    jpeg = int(rng.integers(88, 98)) if captured else 0
    return Clean(name, reference, np.stack(frames), tuple(evs), jpeg)
