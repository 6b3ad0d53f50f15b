"""What the figures share: their looks, the colours of residuals, and photographs that a dependency ships."""

import numpy as np
from matplotlib.colors import ListedColormap
from numpy.typing import NDArray

from iea40k.colour import decode_srgb, encode_srgb
from iea40k.render import Palette, palette_table
from pipelines.synthetic import PHOTOGRAPHS, load_photograph

# Okabe and Ito's colours, which keep apart for all eyes.
BLACK, ORANGE, SKY, GREEN, BLUE, RED = "#000000", "#e69f00", "#56b4e9", "#009e73", "#0072b2", "#d55e00"
STYLE = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "iea40k",
    "svg.fonttype": "path",
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "image.interpolation": "none",
}


def residual_colours(palette: Palette = "blue-white-red") -> ListedColormap:
    """Return the colours of residuals for plots that run from -1 to 1."""
    return ListedColormap(palette_table(palette) / 255)


def shade(value: float) -> tuple[float, ...]:
    """Return the colour of a residual."""
    red, green, blue = palette_table()[round(255 * value) + 255] / 255
    return (float(red), float(green), float(blue))


def photograph(name: str = "coffee") -> NDArray[np.uint8]:
    """Return a photograph that a dependency ships, (H, W, 3) uint8."""
    return load_photograph(next(p for p in PHOTOGRAPHS if p.name == name))


def exposed(picture: NDArray[np.uint8], ev: float) -> NDArray[np.uint8]:
    """Return a picture exposed otherwise: linear light times 2**ev, clipped at white."""
    return encode_srgb(decode_srgb(picture) * np.float32(2**ev))
