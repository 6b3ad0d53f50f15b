"""What an array says of itself: names of its axes, and attributes by the CF conventions (1.11, sections 2.5, 3 and 8).

With them xarray gives a residual as floats in [-1, 1] with NaN where there are no valid data, and an outlier map with
the names of its bits. They change no byte of the pixels; arrays of older stores and releases do not have them.
"""

from typing import Any

from iea40k.arrays import INVALID_CODE, RESIDUAL_SCALE
from iea40k.outliers import Outlier
from iea40k.scene import NO_UNCERTAINTY, UNCERTAINTY_SCALE
from iea40k.uncertainty import UNKNOWN

CONVENTIONS = "CF-1.11"

_COLOUR = ("rgb",)
_PICTURE: dict[str, Any] = {"units": "1", "colour_space": "sRGB (IEC 61966-2-1), encoded, 0 ... 255"}
_ATTRIBUTES: dict[str, dict[str, Any]] = {
    "exposures": {"long_name": "the photograph as it was exposed", **_PICTURE},
    "reference": {"long_name": "the ideally exposed picture of the scene", **_PICTURE},
    "as_shot": {"long_name": "EV 0 before it got the contrast of its retouch", **_PICTURE},
    "residual": {
        "long_name": "luma of the reference minus luma of the exposure, + = underexposed",
        "units": "1",
        "scale_factor": 1 / RESIDUAL_SCALE,
        "_FillValue": INVALID_CODE,
        "valid_min": -RESIDUAL_SCALE,
        "valid_max": RESIDUAL_SCALE,
    },
    "outliers": {
        "long_name": "what is suspicious about a pixel, bit flags",
        "flag_masks": [int(flag) for flag in Outlier],
        "flag_meanings": " ".join(str(flag.name).lower() for flag in Outlier),
    },
    "uncertainty": {
        "long_name": "code of the standard deviation of the residual, 2 ** ((code - 252) / 24)",
        "units": "1",
        "_FillValue": UNKNOWN,
    },
    "touched": {
        "long_name": "whether an expert's correction stands",
        "flag_values": [0, 1],
        "flag_meanings": "as_built corrected",
    },
    "spread": {
        "long_name": "disagreement of the experts' residuals, median absolute deviation",
        "units": "1",
        "scale_factor": 1 / UNCERTAINTY_SCALE,
        "_FillValue": NO_UNCERTAINTY,
    },
}


def attributes_of(name: str) -> dict[str, Any]:
    """Return the CF attributes of an array of one of the kinds of a store or release."""
    return dict(_ATTRIBUTES[name])


def dimension_names(name: str, dimensions: int, entries: str) -> tuple[str, ...]:
    """Return the names of an array's axes; `entries` is what the first counts, where there is one.

    >>> dimension_names("exposures", 4, "image")
    ('image', 'y', 'x', 'rgb')
    >>> dimension_names("reference", 3, "level")
    ('y', 'x', 'rgb')
    """
    colour = _COLOUR if "colour_space" in _ATTRIBUTES[name] else ()
    first = (entries,) if dimensions > 2 + len(colour) else ()
    return (*first, "y", "x", *colour)
