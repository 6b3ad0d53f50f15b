"""Scenes that were captured: brackets of Empa's set, fused by Mertens' way as OpenCV has it, for faults to be planted.

Shares nothing with the detector. The files tell no exposures: EVs are measured, as ratios of light in pixels
that are well exposed in two neighbours.
"""

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from benchmarks.planted_outliers.faults import Planted
from benchmarks.planted_outliers.scenes import Clean, light_of
from benchmarks.planted_outliers.sets import plant
from iea40k.residuals import residual_codes

SEEDS = {"tuning": 2_000, "test": 700_000}
SIDE = 320
MOST = 7
TIMES = 8
"""How often faults are planted anew in one bracket."""

LEAST, MIDDLE = 3, 118
LOW, HIGH, ENOUGH = 25, 235, 500


def folders(part: str) -> list[Path]:
    """Return the brackets of a part, "tuning" or "test": every other one, so that none is in both."""
    real = os.environ.get("IEA40K_REAL_DATA", "")
    found = sorted(p for p in (Path(real) / "empa").iterdir() if p.is_dir()) if real else []
    return found[0 if part == "tuning" else 1 :: 2]


@dataclass(frozen=True)
class Captured:
    """A real bracket with planted faults, and as it was before: `clean`'s own label of level `index` is `codes`."""

    planted: Planted
    clean: Clean
    codes: np.ndarray


def captured(part: str, count: int, times: int = TIMES) -> Iterator[Captured]:
    """Yield each bracket of a part `times` times, every time with other faults."""
    before: np.ndarray | None = None
    made = 0
    for number, folder in enumerate(folders(part)):
        clean = bracket(folder)
        if clean is None:
            continue
        other = before if before is not None else np.ascontiguousarray(clean.reference[::-1])
        before = clean.reference
        codes = residual_codes(clean.reference, clean.exposures)
        for time in range(times):
            planted = plant(clean, SEEDS[part] + number + 1000 * time, other)
            yield Captured(planted, clean, codes[planted.index])
        made += 1
        if made == count:
            return


def bracket(folder: Path) -> Clean | None:
    """Return one bracket as a scene, None where it has fewer than three frames of one size."""
    frames = []
    for file in sorted(folder.glob("*.jpg")):
        with Image.open(file) as opened:
            opened.draft("RGB", (2 * SIDE, 2 * SIDE))
            pixels = np.asarray(opened.convert("RGB"))
        scale = SIDE / min(pixels.shape[:2])
        size = round(pixels.shape[1] * scale), round(pixels.shape[0] * scale)
        frames.append(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))
    if len(frames) < LEAST or len({f.shape for f in frames}) > 1:
        return None
    frames.sort(key=lambda f: float(f.mean()))
    at = int(np.argmin([abs(float(f.mean()) - MIDDLE) for f in frames]))
    first = min(max(at - MOST // 2, 0), max(len(frames) - MOST, 0))
    chosen = frames[first : first + MOST]
    evs = np.cumsum([0.0, *(_stops(a, b) for a, b in itertools.pairwise(chosen))])
    fused = cv2.createMergeMertens().process([f[..., ::-1].copy() for f in chosen])[..., ::-1]
    reference = np.rint(np.clip(fused, 0, 1) * 255).astype(np.uint8)
    return Clean(
        folder.name, reference, np.stack(chosen), tuple(round(float(ev), 2) for ev in evs - evs[at - first])
    )


def _stops(dark: np.ndarray, bright: np.ndarray) -> float:
    """Return how many stops lie between two frames: the median over pixels that are well exposed in both."""
    well = (dark.min(axis=2) > LOW) & (bright.max(axis=2) < HIGH)
    if well.sum() < ENOUGH:
        return 1.0
    light, less = (np.log2(np.maximum(light_of(frame)[well], 1e-6)) for frame in (bright, dark))
    return float(np.median(light - less))
