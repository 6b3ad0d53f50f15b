"""Brackets whose truth is known: light, cameras, hands and experts of their own; nothing here comes from the library.

A photograph's light is spread over more stops by smooth illumination. A camera renders it through a filmic
curve that is in no family the library knows, with photon and read noise and JPEG; its shutter errs by a
twentieth of a stop, its hand moves by pixels. An expert renders the same light without any of that, at an
exposure, contrast and range of their own.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.floating[Any]]
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
SIDE, MARGIN = 256, 16
EVS = (-4.0, -2.0, 0.0, 2.0, 4.0)


@dataclass(frozen=True)
class Camera:
    """A filmic response: `value ** power` of light, a rational shoulder at `white`, an S-curve of `contrast`
    around mid-grey."""

    power: float
    white: float
    contrast: float

    def render(self, light: Floats) -> Floats:
        """Return values in [0, 1] of light, 1 = where a plain camera saturates."""
        x = np.maximum(light, 0)
        value = np.minimum(x * (1 + x / self.white**2) / (1 + x * 0.35), 1.0) ** self.power
        middle = 0.45
        odds = np.maximum(value, 1e-6) / np.maximum(1 - value, 1e-6)
        pivot = middle / (1 - middle)
        bent = (odds / pivot) ** self.contrast * pivot
        return np.clip(bent / (1 + bent), 0, 1)


@dataclass(frozen=True)
class Planted:
    """One bracket: `files` of frames at nominal `EVS`, `truths` (E, H, W) their luma as it should be, and
    three `experts`' luma.

    All in the geometry of the middle frame.
    """

    files: list[Path]
    truths: Floats
    perfect: NDArray[np.uint8]
    true_evs: tuple[float, ...]
    experts: list[Floats]


def plant(photograph: Path, folder: Path, seed: int) -> Planted:
    """Write a bracket of a photograph's light into `folder`, and return it with its truth."""
    rng = np.random.default_rng([seed, 77])
    light = _light(photograph, rng)
    camera = Camera(float(rng.uniform(0.42, 0.5)), float(rng.uniform(1.5, 4)), float(rng.uniform(1.0, 1.5)))
    folder.mkdir(parents=True, exist_ok=True)
    files, truths, perfect, true_evs = [], [], [], []
    inner = (slice(MARGIN, -MARGIN), slice(MARGIN, -MARGIN))
    for number, nominal in enumerate(EVS):
        ev = nominal + float(rng.normal(0, 0.05))
        moved = light if nominal == 0 else _moved(light, rng)
        exposed = np.ascontiguousarray(moved[inner]) * 2.0**ev
        noise = rng.normal(0, 1, exposed.shape) * np.sqrt(exposed * 4e-4 + 4e-6)
        codes = np.rint(camera.render(exposed + noise) * 255).astype(np.uint8)
        file = folder / f"{number}.jpg"
        Image.fromarray(codes).save(file, quality=93, subsampling=0)
        clean = camera.render(light[inner] * 2.0**ev)
        files.append(file)
        truths.append(clean @ LUMA)
        perfect.append(np.rint(clean * 255).astype(np.uint8))
        true_evs.append(ev)
    experts = [_expert(light, camera, rng)[inner] for _ in range(3)]
    return Planted(files, np.stack(truths), np.stack(perfect), tuple(true_evs), experts)


def _light(photograph: Path, rng: np.random.Generator) -> Floats:
    with Image.open(photograph) as picture:
        encoded = np.asarray(picture.convert("RGB"), np.float32) / 255
    scale = (SIDE + 2 * MARGIN) / min(encoded.shape[:2])
    size = (round(encoded.shape[1] * scale), round(encoded.shape[0] * scale))
    encoded = cv2.resize(encoded, size, interpolation=cv2.INTER_AREA)
    light = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    coarse = rng.normal(0, 1, (3, 4)).astype(np.float32)
    field = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC) * float(rng.uniform(0.3, 2.0))
    spread = (np.maximum(light, 5e-4) ** 1.2 * np.exp2(field)[..., None]).astype(np.float32)
    return spread * (0.18 / float(np.exp(np.log(spread + 1e-4).mean())))


def _moved(light: Floats, rng: np.random.Generator) -> Floats:
    """Move as a hand does, up to 4 pixels and half a degree, and let the air or a leaf move a little by itself."""
    height, width = light.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), float(rng.normal(0, 0.2)), 1.0)
    turn[:, 2] += rng.normal(0, 1.5, 2)
    own = [cv2.resize(rng.normal(0, 0.12, (5, 7)).astype(np.float32), (width, height)) for _ in range(2)]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    u = (turn[0, 0] * x + turn[0, 1] * y + turn[0, 2] + own[0]).astype(np.float32)
    v = (turn[1, 0] * x + turn[1, 1] * y + turn[1, 2] + own[1]).astype(np.float32)
    return np.maximum(cv2.remap(light, u, v, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101), 0)


def _expert(light: Floats, camera: Camera, rng: np.random.Generator) -> Floats:
    """Render as an expert: the range fitted by a bilateral base, then a contrast, then the mean luma that they like.

    Their means differ so that they lie about 0.08 from any one reference, as FiveK's do.
    """
    stops = np.log2(np.maximum(light @ np.array([0.2126, 0.7152, 0.0722], np.float32), 2**-14)).astype(
        np.float32
    )
    base = cv2.bilateralFilter(stops, 0, 1.2, min(stops.shape) / 24)
    low, high = np.quantile(base, [0.01, 0.99])
    room = float(rng.uniform(5.0, 7.0))
    squeeze = min(1.0, room / max(high - low, 1e-3))
    tone = (base - base.mean()) * squeeze + (stops - base)
    tone *= float(np.exp(rng.normal(0, 0.13)))
    wanted, span = float(np.clip(rng.normal(0.43, 0.07), 0.2, 0.7)), (-12.0, 12.0)
    colour = light / np.exp2(stops)[..., None]
    for _ in range(30):
        middle = sum(span) / 2
        luma = camera.render(colour * np.exp2(tone + middle)[..., None]) @ LUMA
        span = (middle, span[1]) if float(luma.mean()) < wanted else (span[0], middle)
    return np.asarray(luma)
