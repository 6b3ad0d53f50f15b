"""A small photographic project from photographs that the dependencies ship: RAW files and hand-held brackets.

The photographs are those of scikit-image and scikit-learn. They are 8-bit pictures: taken as display light, brightened
into the range of a sensor and photographed anew, with the noise, mosaic and rounding of a 14-bit camera.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from iea40k.arrays import EncodedRGB
from iea40k.colour import decode_srgb, encode_srgb
from iea40k.files import AnyPath, sha256_file, write_file_with
from iea40k.manifest import write_manifest
from pipelines.dng import Camera, write_dng

BRACKET_EVS = (-2.0, 0.0, 2.0)
_BASE_TIME = Fraction(1, 60)


@dataclass(frozen=True)
class Photograph:
    """A photograph that a dependency ships: how to load it and what it shows, in the words of the taxonomies."""

    name: str
    kind: str
    package: str
    super_class: str
    scene_class: str
    light: str


PHOTOGRAPHS = (
    Photograph("astronaut", "raw", "scikit-image", "people", "portrait", "flash"),
    Photograph("chelsea", "raw", "scikit-image", "animals", "pet", "window"),
    Photograph("coffee", "raw", "scikit-image", "object", "food", "window"),
    Photograph("china", "raw", "scikit-learn", "building", "worship", "overcast"),
    Photograph("hubble_deep_field", "raw", "scikit-image", "nature", "sky", "moon_or_stars"),
    Photograph("camera", "raw", "scikit-image", "people", "portrait", "overcast"),
    Photograph("brick", "raw", "scikit-image", "building", "facade", "open_shade"),
    Photograph("flower", "bracket", "scikit-learn", "nature", "flower", "open_shade"),
    Photograph("rocket", "bracket", "scikit-image", "transport", "aircraft", "dusk_or_dawn"),
    Photograph("motorcycle_left", "bracket", "scikit-image", "transport", "cycle", "fluorescent_or_led"),
)


def load_photograph(photograph: Photograph) -> EncodedRGB:
    """Return a photograph as (H, W, 3) uint8, sRGB-encoded."""
    if photograph.package == "scikit-learn":
        from sklearn.datasets import load_sample_image

        return np.ascontiguousarray(load_sample_image(f"{photograph.name}.jpg"))
    folder = _folder(photograph.package)
    file = next(folder.glob(f"{photograph.name}.*"))
    return np.asarray(Image.open(file).convert("RGB"))


def _folder(package: str) -> Path:
    if package == "matplotlib":
        from matplotlib import get_data_path

        return Path(get_data_path()) / "sample_data"
    import skimage.data

    return Path(skimage.data.__file__).parent


def make_project(
    folder: AnyPath,
    photographs: Sequence[Photograph] = PHOTOGRAPHS,
    *,
    scale: float = 2.0,
    progress: Callable[[str], None] = lambda _: None,
) -> Path:
    """Write RAW files, brackets and their manifest below `folder`; return the manifest's path.

    The photographs are enlarged by `scale` first: a mosaic halves what is left of a picture's detail. The same
    versions of the dependencies give the same files.
    """
    folder = Path(folder)
    rows = []
    for index, photograph in enumerate(photographs):
        progress(photograph.name)
        light = _as_light(load_photograph(photograph), scale)
        if photograph.kind == "raw":
            file = folder / "raw" / f"{photograph.name}.dng"
            write_dng(file, light, Camera(baseline_exposure=0.5), seed=index)
            files, evs = [file], ""
        else:
            files = write_bracket(folder / "brackets" / photograph.name, light, BRACKET_EVS, seed=index)
            evs = ""  # read from EXIF
        rows.append(_row(folder, photograph, files, evs))
    manifest = folder / "manifest.csv"
    write_manifest(pd.DataFrame(rows), manifest)
    return manifest


def write_bracket(folder: Path, light: NDArray[np.float32], evs: Sequence[float], *, seed: int) -> list[Path]:
    """Write hand-held JPEG captures of linear light at `evs`, with EXIF; return their paths.

    Each frame but the one at EV 0 is moved by a few pixels and a fraction of a degree, and has shot noise.
    """
    rng = np.random.default_rng(seed)
    files = []
    for number, ev in enumerate(evs):
        moved = light if ev == 0 else _hand_held(light, rng)
        exposed = moved * np.float32(2.0**ev)
        noisy = rng.poisson(np.clip(exposed, 0, 4) * 8000).astype(np.float32) / np.float32(8000)
        file = folder / f"{number:02d}.jpg"
        write_file_with(
            file, functools.partial(_write_jpeg, picture=encode_srgb(noisy), ev=ev, number=number)
        )
        files.append(file)
    return files


def _as_light(picture: EncodedRGB, scale: float) -> NDArray[np.float32]:
    """Linear light at another size, cropped to even sides."""
    interpolation = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
    large = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=interpolation)
    light = decode_srgb(large)
    return np.ascontiguousarray(light[: light.shape[0] // 2 * 2, : light.shape[1] // 2 * 2])


def _hand_held(light: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    height, width = light.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), float(rng.uniform(-0.4, 0.4)), 1.0)
    matrix[:, 2] += rng.uniform(-8, 8, 2)
    moved: NDArray[np.float32] = cv2.warpAffine(
        light, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.maximum(moved, 0)


def _write_jpeg(path: Path, picture: EncodedRGB, ev: float, number: int) -> None:
    exif = Image.Exif()
    exif[271], exif[272] = "IEA40K", "Synthetic"
    details = exif.get_ifd(0x8769)
    time = _BASE_TIME * Fraction(2.0**ev)
    details[33434] = (time.numerator, time.denominator)  # ExposureTime
    details[33437] = (4, 1)  # FNumber
    details[34855] = 100  # ISOSpeedRatings
    details[36867] = f"2026:01:01 12:00:{number:02d}"  # DateTimeOriginal
    details[37380] = (round(ev * 100), 100)  # ExposureBiasValue
    Image.fromarray(picture).save(path, "JPEG", quality=95, subsampling=0, exif=exif)


def _row(folder: Path, photograph: Photograph, files: Sequence[Path], evs: str) -> dict[str, str]:
    return {
        "scene_id": photograph.name,
        "kind": photograph.kind,
        "exposures": "|".join(f.relative_to(folder).as_posix() for f in files),
        "evs": evs,
        "exposures_sha256": "|".join(sha256_file(f) for f in files),
        "licence": f"as shipped with {photograph.package}",
        "device": "synthetic",
        "super_class": photograph.super_class,
        "scene_class": photograph.scene_class,
        "light": photograph.light,
        "source": photograph.package,
    }
