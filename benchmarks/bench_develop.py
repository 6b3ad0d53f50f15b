"""RAW to nine exposures at 512: how fast, how far from LibRaw's own reading, how near to full demosaicing."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import rawpy
from numpy.typing import NDArray

from benchmarks.harness import Figure, interleaved_seconds
from iea40k.colour import decode_srgb
from iea40k.develop import LinearImage, ReadOptions, expose, fit, load_linear
from iea40k.develop.camera import camera_facts
from iea40k.develop.geometry import orient
from iea40k.develop.tiff_tags import first_tags
from iea40k.scene import LADDER
from pipelines.dng import Camera, write_dng

TITLE = "RAW to nine exposures at 512"

FULL = ReadOptions(full_demosaic=True)
REAL = {
    "GoPro HERO6, 12 Mpx DNG": "gopro_hero6/GOPR0024.dng",
    "GoPro Fusion, 9 Mpx DNG": "gopro_fusion/GPBK7066.dng",
    "Canon D30, 3 Mpx CRW": "canon_eos_d30/CRW.CRW",
}
ALREADY_COLOURED = {"Canon 6D, 1 Mpx linear DNG": "canon_eos_6d_lossy/canon_eos_6d.dng"}


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        files = {"made here, 12 Mpx DNG": _made(Path(folder))}
        root = os.environ.get("IEA40K_REAL_DATA", "")
        if root:
            files |= {name: Path(root) / "raw" / file for name, file in REAL.items()}
            files |= {name: Path(root) / "raw" / file for name, file in ALREADY_COLOURED.items()}
        return [figure for name, file in files.items() for figure in _figures(name, file)]


def _figures(name: str, file: Path) -> list[Figure]:
    size = load_linear(file).pixels.shape[1::-1]
    ours, nine, unpack = interleaved_seconds(
        lambda: expose(load_linear(file), LADDER), lambda: _nine(file, size), lambda: _unpack(file), repeats=3
    )
    mosaic = name not in ALREADY_COLOURED
    figures = [
        Figure(
            f"{name}: faster",
            nine / ours,
            "x",
            f"nine postprocess calls + resize, {nine * 1e3:.0f} ms",
            "14, better 30" if mosaic else "",
            nine / ours >= 14 if mosaic else None,
            f"{ours * 1e3:.0f} ms"
            + ("" if mosaic else "; it holds colours, not a mosaic: there is no demosaicing to save"),
        ),
        Figure(f"{name}: time over LibRaw's own open + unpack", ours / unpack, "x", f"{unpack * 1e3:.0f} ms"),
    ]
    return figures + (_likeness(name, file) if mosaic else [])


def _likeness(name: str, file: Path) -> list[Figure]:
    blocks = expose(load_linear(file), LADDER)
    ahd = expose(load_linear(file, options=FULL), LADDER)
    other = expose(_other_demosaic(file), LADDER)
    return [
        Figure(
            f"{name}: PSNR to full AHD, nine exposures",
            _psnr(blocks, ahd),
            "dB",
            f"another full demosaic (DHT) reaches {_psnr(other, ahd):.1f} dB",
            "45",
            _psnr(blocks, ahd) >= 45,
            f"{_psnr(blocks[4], ahd[4]):.1f} dB at EV 0, {_psnr(blocks[8], ahd[8]):.1f} dB at EV +4",
        )
    ]


def _nine(file: Path, size: Sequence[int]) -> list[NDArray[np.uint8]]:
    pictures = []
    with rawpy.imread(str(file)) as raw:
        for ev in LADDER:
            picture = raw.postprocess(
                use_camera_wb=True,
                no_auto_bright=True,
                adjust_maximum_thr=0,
                bright=2.0**ev,
                gamma=(2.4, 12.92),
            )
            pictures.append(cv2.resize(picture, tuple(size), interpolation=cv2.INTER_AREA))
    return pictures


def _unpack(file: Path) -> None:
    with rawpy.imread(str(file)) as raw:
        raw.unpack()


def _other_demosaic(file: Path) -> LinearImage:
    """Return the light of a file that lies upright or mirrored, by another full demosaic (DHT)."""
    with rawpy.imread(str(file)) as raw:
        facts = camera_facts(raw, first_tags(file))
        camera = raw.postprocess(
            demosaic_algorithm=rawpy.DemosaicAlgorithm.DHT,
            user_wb=list(facts.balance),
            user_flip=0,
            output_color=rawpy.ColorSpace.raw,
            output_bps=16,
            gamma=(1, 1),
            no_auto_bright=True,
            adjust_maximum_thr=0,
        )
    top, left, height, width = facts.frame
    light = camera[top : top + height, left : left + width].astype(np.float32)
    small = cv2.resize(light, fit(height, width, 512)[::-1], interpolation=cv2.INTER_AREA)
    pixels = cv2.transform(small, (facts.matrix * (2.0**facts.baseline / 65535)).astype(np.float32))
    return LinearImage(orient(np.maximum(pixels, 0), facts.orientation), {})


def _psnr(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    return float(10 * np.log10(255**2 / np.mean((a.astype(np.float64) - b) ** 2)))


def _made(folder: Path) -> Path:
    from skimage import data

    # Tiles, and not an enlargement: detail of the size of a pixel is what demosaicing is about.
    light = np.tile(decode_srgb(data.astronaut()), (6, 8, 1))[:3000, :4000]
    write_dng(folder / "made.dng", light, Camera())
    return folder / "made.dng"
