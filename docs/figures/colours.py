"""Figures of colour: the palettes as all eyes see them, and the way from light to luma."""

from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from numpy.typing import NDArray

from figures.style import BLACK, BLUE, GREEN, ORANGE, RED
from iea40k.colour import decode_srgb, encode_srgb
from iea40k.colour.transfer import srgb_curve
from iea40k.render import Palette, palette_table
from iea40k.residuals import luma

PALETTES: tuple[Palette, ...] = ("blue-white-red", "colour-blind-safe")
# Machado, Oliveira and Fernandes (2009), full severity, on linear sRGB.
EYES = {
    "all cones": np.eye(3),
    "no red cones": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "no green cones": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "no blue cones": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}


def as_seen(colours: NDArray[np.uint8], eye: str) -> NDArray[np.uint8]:
    """Return colours (..., 3) uint8 sRGB as an eye of `EYES` sees them."""
    light = decode_srgb(colours.reshape(1, -1, 3)) @ EYES[eye].T
    return encode_srgb(np.clip(light, 0, 1).astype(np.float32)).reshape(colours.shape)


def colour() -> Any:
    """Both palettes as eyes with other cones see them, and their lightness."""
    figure, axes = plt.subplots(
        2, 2, figsize=(9.6, 4.6), layout="constrained", sharex="col", width_ratios=(1.5, 1)
    )
    at = np.linspace(-1, 1, 511)
    for palette, (strips, lines) in zip(PALETTES, axes, strict=True):
        table = palette_table(palette)
        picture = np.concatenate([np.repeat(as_seen(table[None], eye), 20, axis=0) for eye in EYES])
        strips.imshow(picture, aspect="auto", extent=(-1, 1, len(EYES), 0))
        strips.set(yticks=np.arange(len(EYES)) + 0.5, yticklabels=list(EYES), title=palette)
        strips.vlines(0, 0, len(EYES), color=BLACK, lw=0.5, ls=":")
        lightness = 116 * np.cbrt(decode_srgb(table[None])[0] @ (0.2126, 0.7152, 0.0722)) - 16
        lines.plot(at, lightness, color=BLACK)
        lines.set(ylabel="lightness L*", ylim=(0, 104), yticks=(0, 50, 100))
        lines.axvline(0, color=BLACK, lw=0.5, ls=":")
    for part in axes[1]:
        part.set(xlabel="residual", xticks=(-1, -0.5, 0, 0.5, 1))
    axes[0, 1].set_title("white, and lightest, at zero alone")
    return figure


def light() -> Any:
    """From light to a residual: the sRGB curve, the luma weights, and why the subtraction comes last."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 3.5), layout="constrained")
    amount = np.linspace(0, 1, 400)
    left.plot(amount, srgb_curve(amount), color=BLUE, lw=1.8)
    left.plot(amount, amount, color="#999999", lw=0.8)
    for stops in range(6):
        x = 2.0**-stops
        y = float(srgb_curve(np.array(x)))
        left.plot([x, x, 0], [0, y, y], color=ORANGE, lw=0.7)
    left.set(
        xlabel="linear light, 1 = display white", ylabel="encoded, as stored", xlim=(0, 1.01), ylim=(0, 1.01),
        title="sRGB; orange: one stop apart",
    )  # fmt: skip
    names, weights, greys = ("red", "green", "blue"), (0.299, 0.587, 0.114), (RED, GREEN, BLUE)
    pure = np.eye(3, dtype=np.uint8)[None] * np.uint8(255)
    found = luma(pure)[0]
    right.barh(names, found, color=greys)
    for place, (value, weight) in enumerate(zip(found, weights, strict=True)):
        right.text(value + 0.01, place, f"{weight}", va="center")
    right.invert_yaxis()
    right.set(xlim=(0, 0.7), xlabel="luma of the pure primary", title="Rec. 601, on encoded values")
    return figure
