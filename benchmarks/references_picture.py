"""`python -m benchmarks.references_picture`: docs/images/references-before-and-after.jpg.

Each row is a bracket of the EMPA database: its middle exposure, what Mertens' fusion makes of the aligned
frames, our reference, and the uncertainty of that exposure's label. The first line says how the reference was judged.
"""

import os
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from iea40k.arrays import LUMA_WEIGHTS
from iea40k.fusion import mertens
from iea40k.scene import Scene, SourceFile
from iea40k.uncertainty import sd_of
from pipelines.brackets import build_bracket
from pipelines.label_uncertainty import of_bracket
from pipelines.reference_judging import QUALITY, WORDS, judged

OUT = Path(__file__).parent.parent / "docs" / "images" / "references-before-and-after.jpg"
SCENES = ("AgiaGalini", "CreteSunset1", "Colorcheckers", "TestChart1", "Zurich2")
SIDE, WIDTH, GAP, LINE = 384, 300, 6, 16
WIDEST = 0.2
"""The standard deviation that is shown as the brightest."""

Picture = NDArray[np.uint8]


def main() -> None:
    real = Path(os.environ.get("IEA40K_REAL_DATA", ""))
    if not real.name:
        raise SystemExit("set IEA40K_REAL_DATA to the folder of real photographs")
    rows = []
    for name in SCENES:
        rows.append(row(name, real / "empa" / name))
        print(name, flush=True)
    Image.fromarray(np.concatenate(rows)).save(OUT, quality=85, optimize=True)


def row(name: str, folder: Path) -> Picture:
    """Return one bracket's row of pictures."""
    files = tuple(SourceFile(p, p.name) for p in sorted(folder.iterdir()) if p.suffix.lower() == ".jpg")
    bracket = build_bracket(Scene(name, "bracket", files), SIDE)
    middle = int(np.abs(bracket.evs).argmin())
    covered = np.logical_or.reduce(bracket.validity)
    found = judged(
        bracket.reference, covered, fusion=bracket.fusion, frames=len(bracket.evs), given=len(files)
    )
    before = mertens(bracket.exposures, bracket.validity)[0]
    sd = sd_of(of_bracket(bracket).codes[middle])
    shown = np.rint(np.clip(np.nan_to_num(sd, nan=WIDEST) / WIDEST, 0, 1) * 255).astype(np.uint8)
    cells = [
        _cell(
            f"the middle exposure, mean luma {_mean(bracket.exposures[middle])}", bracket.exposures[middle]
        ),
        _cell(f"before: Mertens, mean luma {_mean(before)}", before),
        _cell(f"now, mean luma {_mean(bracket.reference)}", bracket.reference),
        _cell(f"uncertainty, 0 to {WIDEST}", cv2.applyColorMap(shown, cv2.COLORMAP_VIRIDIS)[..., ::-1]),
    ]
    pictures = np.concatenate(cells, axis=1)
    head = _line(f"{name}: quality {found[QUALITY]:.2f}, {found[WORDS]}", pictures.shape[1])
    return np.concatenate([head, pictures])


def _cell(words: str, picture: Picture) -> Picture:
    height = round(WIDTH * picture.shape[0] / picture.shape[1])
    small = cv2.resize(np.ascontiguousarray(picture), (WIDTH, height), interpolation=cv2.INTER_AREA)
    cell = np.full((LINE + height + GAP, WIDTH + GAP, 3), 255, np.uint8)
    cell[:LINE] = _line(words, WIDTH + GAP)
    cell[LINE : LINE + height, :WIDTH] = small
    return cell


def _line(words: str, width: int) -> Picture:
    image = Image.new("RGB", (width, LINE), "white")
    ImageDraw.Draw(image).text((2, 1), words, "black", font_size=12)
    return np.array(image)


def _mean(picture: Picture) -> str:
    return f"{picture.reshape(-1, 3).mean(axis=0) @ np.array(LUMA_WEIGHTS) / 255:.2f}"


if __name__ == "__main__":
    main()
