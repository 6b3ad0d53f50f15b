"""Write a small RAW file: a mosaicked 14-bit DNG, as a camera with known colours would.

For the demo and for tests that need a RAW file whose every value is known. The camera's colour matrix is that of
sRGB itself, so that a correct development gives back the linear light that was written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from iea40k.errors import ArrayError
from iea40k.files import write_file_with

XYZ_TO_SRGB = (
    (3.2404542, -1.5371385, -0.4985314),
    (-0.9692660, 1.8760108, 0.0415560),
    (0.0556434, -0.2040259, 1.0572252),
)
"""XYZ (D65) to linear sRGB, IEC 61966-2-1."""

_RGGB = np.array([[0, 1], [1, 2]])
_BYTE, _ASCII, _SHORT, _LONG, _RATIONAL, _SRATIONAL = 1, 2, 3, 4, 5, 10


@dataclass(frozen=True)
class Camera:
    """The camera that `write_dng` plays: sensor levels, white balance, noise and the EXIF of the shot.

    `neutral` is what the sensor records for grey (R, G, B), green = 1. `baseline_exposure` in stops is added by the
    reader, so the sensor records `2**-baseline_exposure` of the light. `electrons` is the full well that sets
    the shot noise; `read_noise` is in codes.
    """

    black: int = 512
    white: int = 16383
    neutral: tuple[float, float, float] = (0.48, 1.0, 0.62)
    baseline_exposure: float = 0.0
    electrons: float = 40_000.0
    read_noise: float = 3.0
    orientation: int = 1
    make: str = "IEA40K"
    model: str = "Synthetic RGGB"
    exposure_time: Fraction = Fraction(1, 60)
    f_number: Fraction = Fraction(4)
    iso: int = 100
    taken_at: str = "2026:01:01 12:00:00"


def write_dng(file: Path, light: NDArray[np.float32], camera: Camera | None = None, *, seed: int = 0) -> None:
    """Write linear light (H, W, 3), sRGB primaries, 1.0 = display white at EV 0, as a DNG; even sides only.

    Light beyond the sensor's full well clips, as it does in a camera. The same arguments give the same bytes.
    """
    camera = camera or Camera()
    if light.ndim != 3 or light.shape[2] != 3 or light.shape[0] % 2 or light.shape[1] % 2:
        raise ArrayError("a mosaic needs even sides", expected="(even, even, 3)", got=str(light.shape))
    mosaic = _expose(light, camera, np.random.default_rng(seed))
    write_file_with(file, lambda path: _write(path, mosaic, camera))


def _expose(light: NDArray[np.float32], camera: Camera, rng: np.random.Generator) -> NDArray[np.uint16]:
    height, width = light.shape[:2]
    sensor = np.empty((height, width), np.float64)
    gains = np.array(camera.neutral) * 2.0**-camera.baseline_exposure
    for row in (0, 1):
        for column in (0, 1):
            channel = int(_RGGB[row, column])
            sensor[row::2, column::2] = light[row::2, column::2, channel] * gains[channel]
    wells = np.minimum(rng.poisson(np.maximum(sensor, 0) * camera.electrons) / camera.electrons, 1.0)
    codes = camera.black + wells * (camera.white - camera.black)
    codes += rng.normal(0, camera.read_noise, codes.shape)
    mosaic: NDArray[np.uint16] = np.clip(np.rint(codes), 0, camera.white).astype(np.uint16)
    return mosaic


def _write(path: Path, mosaic: NDArray[np.uint16], camera: Camera) -> None:
    tags: list[tuple[int, int, int, Any, bool]] = [
        (271, _ASCII, 0, camera.make, True),
        (272, _ASCII, 0, camera.model, True),
        (274, _SHORT, 1, camera.orientation, True),
        (306, _ASCII, 0, camera.taken_at, True),
        (33421, _SHORT, 2, (2, 2), True),  # CFARepeatPatternDim
        (33422, _BYTE, 4, bytes(_RGGB.ravel().tolist()), True),  # CFAPattern
        (33434, _RATIONAL, 1, _pairs([camera.exposure_time]), True),
        (33437, _RATIONAL, 1, _pairs([camera.f_number]), True),
        (34855, _SHORT, 1, camera.iso, True),
        (36867, _ASCII, 0, camera.taken_at, True),
        (50706, _BYTE, 4, bytes((1, 4, 0, 0)), True),  # DNGVersion
        (50707, _BYTE, 4, bytes((1, 1, 0, 0)), True),  # DNGBackwardVersion
        (50708, _ASCII, 0, f"{camera.make} {camera.model}", True),  # UniqueCameraModel
        (50714, _LONG, 1, camera.black, True),  # BlackLevel
        (50717, _LONG, 1, camera.white, True),  # WhiteLevel
        (50721, _SRATIONAL, 9, _pairs([v for row in XYZ_TO_SRGB for v in row]), True),  # ColorMatrix1
        (50728, _RATIONAL, 3, _pairs(camera.neutral), True),  # AsShotNeutral
        (50730, _SRATIONAL, 1, _pairs([camera.baseline_exposure]), True),  # BaselineExposure
        (50778, _SHORT, 1, 21, True),  # CalibrationIlluminant1: D65
    ]
    tifffile.imwrite(path, mosaic, photometric=32803, extratags=tags, software=False, metadata=None)


def _pairs(values: Sequence[float | Fraction]) -> tuple[int, ...]:
    fractions = [Fraction(v).limit_denominator(1_000_000) for v in values]
    return tuple(part for f in fractions for part in (f.numerator, f.denominator))
