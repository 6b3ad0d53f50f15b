"""The colour maps of napari's Labels layers: the residual on its fixed scale, flags, edits and zones."""

from typing import Any

import numpy as np

from annotator.reference import shading
from annotator.shared.screen import KIND_LABELS, RIM
from iea40k.outliers import Outlier
from iea40k.render import palette_table

FAINT, SOLID = 0.02, 0.30
"""|residual| at which the overlay begins to show and at which it has its full opacity: a white zero would hide
the picture."""

FLAG_COLOURS: dict[int, str] = {number: bit.colour for number, bit in enumerate(Outlier, start=1)}
"""By the number of the flag: see `annotator.residual.layers.flag_labels`."""

RIM_COLOUR = (1.0, 1.0, 1.0, 0.4)
"""Of the rims of a reference's blocks."""


def residual_colourmap(palette: str, opacity: float) -> Any:
    """Return the colour map of labels 1 ... 511 (see `display_levels`): the fixed scale, opacity growing with |r|."""
    colours = palette_table(palette).astype(np.float32) / 255  # type: ignore[arg-type]
    size = np.abs(np.arange(511) - 255) / 255
    ramp = np.clip((size - FAINT) / (SOLID - FAINT), 0, 1)
    alpha = np.where(size <= 1 / 255 + 1e-9, 0, 0.12 + 0.88 * ramp) * opacity
    return _direct({label + 1: (*colours[label], float(alpha[label])) for label in range(511)})


def zone_colourmap() -> Any:
    """Return the colour map of the zones' overlay: the ladder, half transparent, and the numerals on it."""
    colours = {n + 1: (*(colour / 255), 0.55) for n, colour in enumerate(shading.ladder())}
    return _direct({**colours, shading.INK: (1.0, 1.0, 1.0, 1.0), shading.PAPER: (0.0, 0.0, 0.0, 0.75)})


def flag_colourmap() -> Any:
    """Return the colour map of what is said of pixels."""
    kinds = {label: kind.colour for kind, label in KIND_LABELS.items()}
    return _direct({**FLAG_COLOURS, RIM: RIM_COLOUR, **kinds})


def edit_colourmap() -> Any:
    """Return the colour map of the outline of edits."""
    return _direct({1: "#ffffff"})


def _direct(colours: dict[int, Any]) -> Any:
    """Return a colour map of labels; 0 and a label that is not named are transparent."""
    from napari.utils.colormaps import DirectLabelColormap

    table: dict[int | None, Any] = {None: "transparent", 0: "transparent", **dict(colours.items())}
    return DirectLabelColormap(color_dict=table)
