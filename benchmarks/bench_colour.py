"""16-bit ProPhoto to sRGB: how exact against a colour engine in doubles, how fast; and reading such a TIFF."""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray

from benchmarks.harness import Figure, interleaved_seconds, median_seconds
from iea40k.colour import convert_to_srgb, srgb_curve, to_linear_srgb

TITLE = "Colour: 16-bit ProPhoto to sRGB by the embedded profile"

_LINEAR_SRGB = (0.64, 0.33, 1, 0.30, 0.60, 1, 0.15, 0.06, 1)
_PROPHOTO = (0.7347, 0.2653, 1, 0.1596, 0.8404, 1, 0.0366, 0.0001, 1)


def run() -> list[Figure]:
    icc = imagecodecs.cms_profile("rgb", whitepoint=(0.3457, 0.3585, 1), primaries=_PROPHOTO, gamma=461 / 256)
    return [*_exactness(icc), *_speed(icc), _memory(icc)]


def _exactness(icc: bytes) -> list[Figure]:
    codes = _pixels(1_000, 1_000)
    codes[:500] //= 64  # the darks, where shortcuts go wrong
    ours = srgb_curve(np.clip(to_linear_srgb(codes, icc), 0, 1))
    error = np.abs(ours - _engine(codes, icc, imagecodecs.CMS.FLAGS.NOOPTIMIZE))
    quick = _engine(codes, icc, None, dtype=np.uint16)
    shortcut = np.abs(quick - _engine(codes, icc, imagecodecs.CMS.FLAGS.NOOPTIMIZE)).max()
    against = "LittleCMS in float64, unoptimised"
    worst, mean = float(error.max()), float(error.mean())
    return [
        Figure("largest error", worst, "of 1", against, "0.0024", worst <= 0.0024,
               f"LittleCMS in 16 bits with its default flags: {shortcut:.3g}"),
        Figure("mean error", mean, "of 1", against, "0.0001", mean <= 0.0001),
    ]  # fmt: skip


def _speed(icc: bytes) -> list[Figure]:
    codes = _pixels(3_000, 4_000)
    ours, engine = interleaved_seconds(
        lambda: convert_to_srgb(codes, icc),
        lambda: _engine(codes, icc, imagecodecs.CMS.FLAGS.NOOPTIMIZE, dtype=np.float32),
        repeats=3,
    )
    rate = 12 / ours
    return [
        Figure("conversion", rate, "Mpx/s", f"LittleCMS in float32: {12 / engine:.1f} Mpx/s", "15", rate >= 15,
               "16 bits in, 8 bits out, clipped share counted; no 8-bit step before")
    ]  # fmt: skip


def _memory(icc: bytes) -> Figure:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "large.tif"
        tifffile.imwrite(file, _pixels(4_000, 6_000), photometric="rgb", iccprofile=icc)
        peak, base = (_peak_megabytes(file, side) for side in ("512", "0"))
        seconds = median_seconds(lambda: _load(file), repeats=3)
    return Figure(
        "memory to bring a 24 Mpx TIFF to 512", peak - base, "MB", "its pixels alone: 144 MB, as floats 288 MB", "",
        None, f"{seconds * 1e3:.0f} ms; light is made in bands, never of the whole picture",
    )  # fmt: skip


def _load(file: Path) -> object:
    from iea40k.develop import load_linear

    return load_linear(file)


def _peak_megabytes(file: Path, side: str) -> float:
    program = (
        "import sys; from pathlib import Path; from iea40k.develop import load_linear\n"
        "import tifffile, cv2, imagecodecs\n"
        "if sys.argv[2] != '0': load_linear(Path(sys.argv[1]), short_side=int(sys.argv[2]))\n"
        "print(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')).split()[1])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(file), side], capture_output=True, text=True, check=True
    )
    return float(done.stdout) / 1024


def _engine(codes: NDArray[Any], icc: bytes, flags: Any, dtype: Any = np.float64) -> NDArray[np.float64]:
    """Return the sRGB-encoded values in [0, 1] of `codes` by LittleCMS, computed in `dtype`."""
    linear = imagecodecs.cms_profile("rgb", whitepoint=(0.3127, 0.329, 1), primaries=_LINEAR_SRGB, gamma=1.0)
    if dtype == np.uint16:
        srgb = imagecodecs.cms_profile("srgb")
        out = imagecodecs.cms_transform(codes, icc, srgb, colorspace="rgb", outcolorspace="rgb", intent=1)
        return np.asarray(out / 65535, np.float64)
    values = codes.astype(dtype) / dtype(65535)
    light = imagecodecs.cms_transform(
        values, icc, linear, colorspace="rgb", outcolorspace="rgb", outdtype=dtype, intent=1, flags=flags
    )
    return srgb_curve(np.clip(light, 0, 1))


def _pixels(height: int, width: int) -> NDArray[np.uint16]:
    return np.random.default_rng(0).integers(0, 65536, (height, width, 3), dtype=np.uint16)
