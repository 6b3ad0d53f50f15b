"""Copies of photographs with known truth: Pillow and NumPy alone make them, nothing of the detector is used."""

import io
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

Picture = Image.Image
Edit = Callable[[Picture, np.random.Generator], Picture]

_JPEG, _SCALE = (30, 90), (0.4, 1.6)


def _light(picture: Picture) -> NDArray[np.float64]:
    codes = np.asarray(picture, np.float64) / 255
    return np.where(codes <= 0.04045, codes / 12.92, ((codes + 0.055) / 1.055) ** 2.4)


def _shown(light: NDArray[np.float64]) -> Picture:
    light = np.clip(light, 0, 1)
    codes = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return Image.fromarray(np.rint(codes * 255).astype(np.uint8))


def resized(picture: Picture, rng: np.random.Generator) -> Picture:
    factor = rng.uniform(*_SCALE)
    return picture.resize(
        (round(picture.width * factor), round(picture.height * factor)), Image.Resampling.LANCZOS
    )


def recompressed(picture: Picture, rng: np.random.Generator) -> Picture:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=int(rng.integers(*_JPEG)))
    return Image.open(stream).convert("RGB")


def cropped(share: float) -> Edit:
    def edit(picture: Picture, rng: np.random.Generator) -> Picture:
        width, height = round(picture.width * (1 - share)), round(picture.height * (1 - share))
        left, top = rng.integers(0, picture.width - width + 1), rng.integers(0, picture.height - height + 1)
        return picture.crop((int(left), int(top), int(left) + width, int(top) + height))

    return edit


def exposed(stops: float) -> Edit:
    return lambda picture, _: _shown(_light(picture) * 2.0**stops)


def shifted(picture: Picture, rng: np.random.Generator) -> Picture:
    right, down = (int(v) for v in rng.integers(-8, 9, 2))
    return picture.crop(
        (max(right, 0), max(down, 0), picture.width + min(right, 0), picture.height + min(down, 0))
    )


def coloured(picture: Picture, rng: np.random.Generator) -> Picture:
    warm = _shown(_light(picture) * rng.uniform(0.85, 1.18, 3))
    return ImageEnhance.Color(warm).enhance(float(rng.uniform(0.6, 1.4)))


def mirrored(picture: Picture, _: np.random.Generator) -> Picture:
    return picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def burst(picture: Picture, rng: np.random.Generator) -> Picture:
    """Turned by half a degree or so, scaled and shifted by a hundredth, with new noise: the next frame of a burst."""
    turn, scale = rng.normal(0, 0.01), 1 + rng.normal(0, 0.01)
    right, down = rng.normal(0, 0.01, 2) * picture.size
    c, s = np.cos(turn) * scale, np.sin(turn) * scale
    x, y = picture.width / 2, picture.height / 2
    affine = (c, -s, x - c * x + s * y + right, s, c, y - s * x - c * y + down)
    moved = picture.transform(picture.size, Image.Transform.AFFINE, affine, Image.Resampling.BICUBIC)
    margin = round(0.04 * min(picture.size))
    inner = moved.crop((margin, margin, picture.width - margin, picture.height - margin))
    noisy = np.asarray(inner, np.float64) + rng.normal(0, 4, (inner.height, inner.width, 3))
    return Image.fromarray(np.rint(np.clip(noisy, 0, 255)).astype(np.uint8))


def all_at_once(picture: Picture, rng: np.random.Generator) -> Picture:
    edited = cropped(0.02)(picture, rng)
    edited = _shown(_light(edited) * 2.0 ** rng.uniform(-1, 1))
    return recompressed(resized(coloured(edited, rng), rng), rng)


ASKED: dict[str, Edit] = {
    "resized": resized,
    "recompressed": recompressed,
    "cropped 2 %": cropped(0.02),
    "+1 EV": exposed(1),
    "-1 EV": exposed(-1),
    "shifted": shifted,
}
"""What the figure is asked for."""

FURTHER: dict[str, Edit] = {
    "recoloured": coloured,
    "burst": burst,
    "mirrored": mirrored,
    "cropped 10 %": cropped(0.10),
    "cropped 20 %": cropped(0.20),
    "+2 EV": exposed(2),
    "all at once": all_at_once,
}
