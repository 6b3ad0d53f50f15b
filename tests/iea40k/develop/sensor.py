"""A bare DNG writer for tests: any Bayer pattern, any frame within the sensor, no noise."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

_XYZ_TO_SRGB = (
    3.2404542,
    -1.5371385,
    -0.4985314,
    -0.969266,
    1.8760108,
    0.041556,
    0.0556434,
    -0.2040259,
    1.0572252,
)
BLACK, WHITE = 512, 16383


def pairs(*values: float) -> tuple[int, ...]:
    fractions = [Fraction(value).limit_denominator(1_000_000) for value in values]
    return tuple(part for f in fractions for part in (f.numerator, f.denominator))


def write_sensor(
    path: Path,
    light: np.ndarray,
    *,
    pattern: str = "RGGB",
    neutral: tuple[float, float, float] | None = (0.5, 1.0, 0.7),
    active: tuple[int, int, int, int] | None = None,
    crop: tuple[int, int, int, int] | None = None,
    blacks: tuple[int, int, int, int] | None = None,
) -> None:
    """Write light (H, W, 3), sRGB primaries, 1.0 = white, as the codes of an ideal sensor.

    `active` (top, left, bottom, right) and `crop` (top, left, height, width, within it) are the DNG's own tags. The
    pattern, and `blacks` for its four places, start at the active area's corner. `neutral` is what the sensor
    sees as grey; None leaves the tag out.
    """
    gains = neutral or (1.0, 1.0, 1.0)
    top, left = active[:2] if active else (0, 0)
    mosaic = np.empty(light.shape[:2], np.float64)
    for row in (0, 1):
        for column in (0, 1):
            channel = "RGB".index(pattern[2 * ((row - top) % 2) + (column - left) % 2])
            mosaic[row::2, column::2] = light[row::2, column::2, channel] * gains[channel]
    black = np.full(light.shape[:2], float(BLACK))
    for place, level in enumerate(blacks or ()):
        black[(place // 2 + top) % 2 :: 2, (place % 2 + left) % 2 :: 2] = level
    codes = np.rint(black + np.clip(mosaic, 0, 1) * (WHITE - black)).astype(np.uint16)
    tags: list[tuple[int, int, int, Any, bool]] = [
        (271, 2, 0, "Ideal", True),
        (272, 2, 0, "Sensor", True),
        (33421, 3, 2, (2, 2), True),
        (33422, 1, 4, bytes("RGB".index(letter) for letter in pattern), True),
        (50706, 1, 4, bytes((1, 4, 0, 0)), True),
        (50707, 1, 4, bytes((1, 1, 0, 0)), True),
        (50708, 2, 0, "Ideal Sensor", True),
        (50717, 4, 1, WHITE, True),
        (50721, 10, 9, pairs(*_XYZ_TO_SRGB), True),
        (50778, 3, 1, 21, True),
    ]
    if blacks:
        tags += [(50713, 3, 2, (2, 2), True), (50714, 4, 4, blacks, True)]
    else:
        tags.append((50714, 4, 1, BLACK, True))
    if neutral:
        tags.append((50728, 5, 3, pairs(*neutral), True))
    if active:
        tags.append((50829, 4, 4, active, True))
    if crop:
        tags.append((50719, 5, 2, pairs(crop[1], crop[0]), True))
        tags.append((50720, 5, 2, pairs(crop[3], crop[2]), True))
    tifffile.imwrite(path, codes, photometric=32803, extratags=tags, software=False, metadata=None)
