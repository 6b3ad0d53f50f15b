"""Photographs of 24 megapixels: peak memory and time of `iea40k predict`, a process a measurement, one thread."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import skimage.data

from benchmarks.harness import Figure

TITLE = "Predicting on 24 megapixels: memory and time"
SIZE = (6000, 4000)
_MIB = 1 << 20
_MEASURED = """
import json, sys, time
from pathlib import Path
import torch
from iea40k.model.predict import PredictOptions, predict_files
from iea40k.model.weights import load_weights

def peak():
    line = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024

torch.set_num_threads(1)
small, large, out, size = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), json.loads(sys.argv[4])
weights = load_weights("p_ieanet_s")
predict_files(weights, [small], out)
before, start = peak(), time.process_time()
(done,) = predict_files(weights, [large], out, PredictOptions(size))
assert done.error is None, done.error
print(json.dumps({"bytes": peak() - before, "seconds": time.process_time() - start}))
"""


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photograph = skimage.data.coffee()[..., ::-1]
        cv2.imwrite(str(folder / "small.jpg"), photograph)
        half = (SIZE[0] // 2, SIZE[1] // 2)
        cases = ((".jpg", SIZE, None), (".jpg", SIZE, 0), (".jpg", half, 0), (".tif", SIZE, None))
        figures = []
        for suffix, size, seen in cases:
            large = folder / f"{size[0]}x{size[1]}{suffix}"
            _write(large, cv2.resize(photograph, size, interpolation=cv2.INTER_CUBIC))
            figures += [_figure(folder, large, size, seen)]
    return figures


def _write(file: Path, picture: cv2.typing.MatLike) -> None:
    if file.suffix == ".tif":
        import tifffile
        from PIL import ImageCms

        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        deep = picture[..., ::-1].astype("uint16") * 257
        tifffile.imwrite(file, deep, photometric="rgb", iccprofile=profile)
    else:
        cv2.imwrite(str(file), picture)


def _figure(folder: Path, large: Path, size: tuple[int, int], seen: int | None) -> Figure:
    command = [sys.executable, "-c", _MEASURED, str(folder / "small.jpg"), str(large), str(folder / "out")]
    done = subprocess.run([*command, json.dumps(seen)], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    own = size[0] * size[1] * 3
    kind = "JPEG" if large.suffix == ".jpg" else "16-bit TIFF"
    how = "by default" if seen is None else "every pixel, in tiles of 1024 (--size 0)"
    pixels = f"{found['bytes'] / own:.1f} x the picture's 8-bit pixels"
    return Figure(
        f"{size[0] * size[1] / 1e6:g} MP {kind}, {how}",
        found["bytes"] / _MIB,
        "MiB",
        "a process that has assessed a small picture",
        "< 512 MiB",
        found["bytes"] < 512 * _MIB,
        f"{pixels}; {found['seconds']:.1f} s of one core, files included",
    )
