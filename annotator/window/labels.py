"""What Labels layers are made of: colour maps on the fixed scale, the numbers of flags, and outlines."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from annotator.reference import shading
from iea40k.arrays import OutlierFlags
from iea40k.outliers import Outlier
from iea40k.render import Palette, palette_table

FAINT, SOLID = 0.02, 0.30
"""|residual| at which the overlay begins to show and at which it has its full opacity: a white zero would hide
the picture."""

FLAG_COLOURS: dict[int, str] = {number: bit.colour for number, bit in enumerate(Outlier, start=1)}
"""By the number of the flag: see `flag_labels`."""

RIM_COLOUR = (1.0, 1.0, 1.0, 0.4)
"""Of the rims of a reference's blocks."""

_AROUND = np.ones((3, 3), np.uint8)


def residual_colormap(palette: Palette, opacity: float) -> Any:
    """Return the colour map of labels 1 ... 511 (see `display_levels`): the fixed scale, opacity growing with |r|."""
    colours = palette_table(palette).astype(np.float32) / 255
    size = np.abs(np.arange(511) - 255) / 255
    ramp = np.clip((size - FAINT) / (SOLID - FAINT), 0, 1)
    alpha = np.where(size <= 1 / 255 + 1e-9, 0, 0.12 + 0.88 * ramp) * opacity
    table = {label + 1: (*colours[label], float(alpha[label])) for label in range(511)}
    return direct_colormap({0: "transparent", **table})


def zone_colormap() -> Any:
    """Return the colour map of the zones' overlay: the ladder, half transparent, and the numerals on it."""
    colours = {n + 1: (*(colour / 255), 0.55) for n, colour in enumerate(shading.ladder())}
    ink = {shading.INK: (1.0, 1.0, 1.0, 1.0), shading.PAPER: (0.0, 0.0, 0.0, 0.75)}
    return direct_colormap({0: "transparent", **colours, **ink})


def flag_labels(flags: OutlierFlags) -> NDArray[np.uint8]:
    """Return the number (1, 2 ... in the order of bits) of the highest flag at each pixel, 0 where is none."""
    labels = np.zeros(flags.shape, np.uint8)
    for number, bit in enumerate(Outlier, start=1):
        labels[(flags & int(bit)) != 0] = number
    return labels


def outlined(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return only the rims of labelled regions (H, W) uint8: pixels beside another label. napari's own contours take
    ten times as long."""
    rim = cv2.morphologyEx(labels, cv2.MORPH_GRADIENT, _AROUND) != 0
    result: NDArray[np.uint8] = np.where(rim, labels, 0).astype(np.uint8)
    return result


def fill(layer: Any, data: NDArray[Any]) -> None:
    """Give a layer new data: in place where the size is the same, which is what costs little."""
    if layer.data.shape == data.shape:
        layer.data[...] = data
        layer.refresh(thumbnail=False, extent=False)
    else:
        layer.data = data


def direct_colormap(colours: dict[int, Any]) -> Any:
    """Return a colour map of labels; a label that is not named is transparent."""
    from napari.utils.colormaps import DirectLabelColormap

    table: dict[int | None, Any] = {None: "transparent", **dict(colours.items())}
    return DirectLabelColormap(color_dict=table)
