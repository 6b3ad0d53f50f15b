"""Odd pictures, made otherwise than those on which the limits of `iea40k.model.unlike` were tried.

Those were drawn with OpenCV from another generator's seeds; these are drawn by Matplotlib and Pillow, or made of
photographs: charts, pages of text, sensor noise with long tails, walls with shot noise, infrared from the red channel,
strips 1:8, crops of 32x32.
"""

import io
from collections.abc import Callable, Iterator

import matplotlib.figure
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from iea40k.arrays import EncodedRGB

WORDS = (
    "aperture",
    "shutter",
    "zone",
    "highlight",
    "shadow",
    "meter",
    "stop",
    "film",
    "grey",
    "card",
    "lamp",
    "window",
)


def odd_pictures(seed: int) -> Iterator[tuple[str, EncodedRGB]]:
    """Yield (kind, picture) of every kind that is drawn from nothing."""
    random = np.random.default_rng([7919, seed])
    for kind, make in _KINDS.items():
        yield kind, make(random)


def odd_photographs(picture: EncodedRGB, seed: int) -> Iterator[tuple[str, EncodedRGB]]:
    """Yield (kind, picture) of every kind that is made of a photograph."""
    random = np.random.default_rng([104_729, seed])
    height, width = picture.shape[:2]
    grey = np.asarray(Image.fromarray(picture).convert("L"))
    yield "black and white", np.repeat(grey[..., None], 3, 2)
    red = picture[..., 0].astype(np.float32) ** 0.8
    yield "infrared", np.repeat((red / red.max() * 255).astype(np.uint8)[..., None], 3, 2)
    top, left = (int(random.integers(0, n - 32 + 1)) for n in (height, width))
    yield "32x32", np.ascontiguousarray(picture[top : top + 32, left : left + 32])
    rows = width // 8
    top = int(random.integers(0, height - rows + 1))
    yield "panorama 1:8", np.ascontiguousarray(picture[top : top + rows])
    yield "all blown", np.maximum(picture, np.uint8(254))


def _one_colour(random: np.random.Generator) -> EncodedRGB:
    colour = random.integers(0, 256, 3)
    picture = Image.new("RGB", (640, 427), tuple(int(c) for c in colour))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=int(random.integers(60, 95)))
    return np.asarray(Image.open(out).convert("RGB"))


def _wall(random: np.random.Generator) -> EncodedRGB:
    level = float(random.uniform(40, 215))
    noise = random.poisson(level * 40, (400, 600, 3)) / 40
    return np.clip(noise, 0, 255).astype(np.uint8)


def _sensor_noise(random: np.random.Generator) -> EncodedRGB:
    noise = np.abs(random.standard_cauchy((480, 720, 3))) * 20 + random.uniform(5, 60)
    return np.clip(noise, 0, 255).astype(np.uint8)


def _blocks_of_noise(random: np.random.Generator) -> EncodedRGB:
    side = int(random.integers(2, 5))
    small = random.integers(0, 256, (480 // side, 640 // side, 3)).astype(np.uint8)
    return np.kron(small, np.ones((side, side, 1), np.uint8))


def _chart(random: np.random.Generator) -> EncodedRGB:
    figure = matplotlib.figure.Figure(figsize=(6, 4), dpi=100)
    axes = figure.subplots(1, 2)
    axes[0].plot(random.normal(0, 1, 60).cumsum())
    axes[1].bar(range(6), random.uniform(1, 9, 6), color=random.uniform(0, 1, (6, 3)))
    axes[0].set_title("exposure over time")
    return _saved(figure)


def _saved(figure: matplotlib.figure.Figure) -> EncodedRGB:
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return np.asarray(Image.open(out).convert("RGB"))


def _page(random: np.random.Generator, dark: bool = False) -> EncodedRGB:
    paper, ink = ((24, 26, 31), (220, 220, 215)) if dark else ((252, 251, 247), (15, 15, 20))
    picture = Image.new("RGB", (700, 900), paper)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(size=int(random.integers(12, 20)))
    for y in range(30, 860, 26):
        draw.text((40, y), " ".join(random.choice(WORDS, 9)), fill=ink, font=font)
    draw.rectangle((0, 0, 700, 22), fill=(60, 120, 200))
    return np.asarray(picture)


def _jpeg_page(random: np.random.Generator) -> EncodedRGB:
    out = io.BytesIO()
    Image.fromarray(_page(random)).save(out, "JPEG", quality=int(random.integers(70, 92)))
    return np.asarray(Image.open(out).convert("RGB"))


def _ramp(random: np.random.Generator) -> EncodedRGB:
    ends = random.uniform(0, 255, (2, 3))
    across: NDArray[np.float64] = np.linspace(0, 1, 640)[None, :, None]
    return np.broadcast_to(ends[0] + across * (ends[1] - ends[0]), (420, 640, 3)).astype(np.uint8)


_KINDS: dict[str, Callable[[np.random.Generator], EncodedRGB]] = {
    "one colour, JPEG": _one_colour,
    "a wall with shot noise": _wall,
    "sensor noise, long tails": _sensor_noise,
    "noise in blocks": _blocks_of_noise,
    "chart": _chart,
    "page of text": _page,
    "dark page of text": lambda random: _page(random, dark=True),
    "page of text, JPEG": _jpeg_page,
    "ramp of colour": _ramp,
}
