"""Are the uncertainties of labels true? Planted brackets, FiveK's experts, and EVs estimated without EXIF.

Planted scenes of every second photograph (by name) served to find the constants in `iea40k.fusion.deviations` and
`pipelines.label_uncertainty`; the others are held out.
"""

import os
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.harness import Figure
from benchmarks.planted_scenes import EVS, Planted, plant
from iea40k.brackets.response import estimate_evs, fit_known
from iea40k.colour import decode_srgb
from iea40k.experts import spread_of
from iea40k.fusion import MIDDLE_OF_BRACKET, UNTONED, Curve, disagreement_sd, fuse
from iea40k.residuals import luma
from iea40k.scene import LADDER, Scene, SourceFile
from iea40k.tone import expose_with_contrast
from iea40k.uncertainty import BAND_90
from pipelines.brackets import BracketFrames, build_bracket
from pipelines.label_uncertainty import bracket_parts, experts_part, fusion_part
from pipelines.scene_build import UNSURE

TITLE = "Uncertainty of labels: planted brackets, FiveK's experts"

Floats = NDArray[np.floating[Any]]
_FINEST = 0.0007


def run() -> list[Figure]:
    folder = os.environ.get("IEA40K_REAL_DATA", "")
    if not folder:
        raise SystemExit("set IEA40K_REAL_DATA to the folder of real photographs")
    photographs = Path(folder) / "photographs"
    return [*_planted(photographs), *_fivek(Path(folder) / "fivek"), *_estimated_evs(photographs)]


def _planted(photographs: Path) -> list[Figure]:
    files = [
        *sorted((photographs / "kodak").glob("*.png")),
        *sorted((photographs / "cid22").glob("*.png"))[::6],
    ]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for number, file in enumerate(files):
            planted = plant(file, Path(folder) / file.stem, seed=number)
            rows.append((number % 2, *_coverage(planted)))
    found = np.array(rows)
    figures = []
    for part, name in enumerate(("tuned on", "held out")):
        chosen = found[found[:, 0] == part]
        for column, what in (
            (1, "a further expert's label"),
            (2, "the label that perfect frames would give"),
        ):
            inside = float(chosen[:, column].mean())
            low, high = _bootstrap(chosen[:, column])
            figures.append(
                Figure(
                    f"{what}: errors within the 90 % band, {name}",
                    inside,
                    "share",
                    f"{len(chosen)} planted scenes, 5 exposures each",
                    "0.90 +- 0.03" if part and column == 1 else "",
                    abs(inside - 0.9) <= 0.03 if part and column == 1 else None,
                    f"bootstrap over scenes, 95 %: {low:.3f} ... {high:.3f}; "
                    f"mean error {chosen[:, column + 2].mean():.4f}, "
                    f"mean standard deviation {chosen[:, column + 4].mean():.4f}",
                )
            )
    return figures


def _coverage(planted: Planted) -> tuple[float, ...]:
    """Return shares within the band, mean errors and mean standard deviations: with experts, and of frames alone."""
    built = build_bracket(_scene(planted), 256)
    slots = [int(Path(name).stem) for name in built.names]
    parts = bracket_parts(built)
    assert built.fusion is not None
    alone = {**parts, "fusion": disagreement_sd(built.fusion)}
    label = np.stack([luma(built.reference) - luma(exposure) for exposure in built.exposures])
    inside, errors, widths = [], [], []
    perfect = [_perfect(planted)]
    for wanted, sd in ((planted.experts, _together(parts, built)), (perfect, _together(alone, built))):
        apart = [np.abs((one - planted.truths[slots]) - label)[built.validity] for one in wanted]
        band = np.maximum(sd[built.validity], _FINEST)
        inside.append(float(np.mean([(a <= BAND_90 * band).mean() for a in apart])))
        errors.append(float(np.mean(apart)))
        widths.append(float(band.mean()))
    return (*inside, *errors, *widths)


def _together(parts: dict[str, Floats], built: BracketFrames) -> Floats:
    squares = [np.broadcast_to(np.square(part), built.validity.shape) for part in parts.values()]
    together: Floats = np.sqrt(np.sum(squares, axis=0))
    return together


def _perfect(planted: Planted) -> Floats:
    """Return the luma that the library gives of the same frames, were they perfect: what frames alone can miss."""
    validity = np.ones(planted.perfect.shape[:3], np.bool_)
    response, _ = fit_known(planted.perfect, validity, planted.true_evs)
    fusion = fuse(
        planted.perfect,
        evs=planted.true_evs,
        curve=Curve(response.log_light()),
        as_shot=MIDDLE_OF_BRACKET,
    )
    return luma(fusion.reference)


def _scene(planted: Planted) -> Scene:
    sources = tuple(SourceFile(file, file.name) for file in planted.files)
    return Scene("planted", "bracket", sources, evs=EVS)


def _fivek(folder: Path) -> list[Figure]:
    inside = []
    for place in sorted(folder.glob("pair_*")):
        light, expert = decode_srgb(_rgb(place / "input.png")), luma(_rgb(place / "expertC.png"))
        fusion = fuse(expose_with_contrast(light, LADDER, 1.0), evs=LADDER, as_shot=UNTONED)
        inside.append(
            float((np.abs(luma(fusion.reference) - expert) <= BAND_90 * fusion_part(fusion)).mean())
        )
    low, high = _bootstrap(np.array(inside))
    figures = [
        Figure(
            "FiveK: expert C within the 90 % band of a fusion",
            float(np.mean(inside)),
            "share",
            f"{len(inside)} pairs",
            note=f"bootstrap over pairs, 95 %: {low:.3f} ... {high:.3f}",
        )
    ]
    for what, several in (("one retouch", False), ("the median of the other four", True)):
        shares = []
        for place in sorted(folder.glob("experts_*")):
            retouches = _of_one_size([_rgb(file) for file in sorted(place.glob("*.jpg"))])
            for index, left_out in enumerate(retouches):
                others = [r for i, r in enumerate(retouches) if i != index]
                for reference in [np.median(others, axis=0).astype(np.uint8)] if several else others:
                    spread = spread_of(np.stack(others)) if several else None
                    sd = experts_part(reference, spread, len(others) if several else 1)
                    shares.append(float((np.abs(luma(left_out) - luma(reference)) <= BAND_90 * sd).mean()))
        note = "two photographs: an impression, no calibration"
        figures.append(
            Figure(
                f"FiveK: a further expert within the 90 % band of {what}",
                float(np.mean(shares)),
                "share",
                f"{len(shares)} comparisons",
                note=note,
            )
        )
    return figures


def _bootstrap(values: Floats) -> tuple[float, float]:
    rng = np.random.default_rng(12)
    means = values[rng.integers(0, len(values), (10_000, len(values)))].mean(axis=1)
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


def _estimated_evs(photographs: Path) -> list[Figure]:
    """Return how far estimated steps lie from planted ones, where nothing was warned of, and how many were."""
    files = (
        sorted((photographs / "kodak").glob("*.png"))[1::2]
        + sorted((photographs / "cid22").glob("*.png"))[1::20]
    )
    right, warned, wrong_of_warned = [], 0, []
    with tempfile.TemporaryDirectory() as folder:
        for number, file in enumerate(files):
            planted = plant(file, Path(folder) / file.stem, seed=1000 + number)
            found, recipe = estimate_evs(planted.perfect, np.ones(planted.perfect.shape[:3], np.bool_))
            near = np.abs(np.diff(found) / np.diff(planted.true_evs) - 1) <= 0.15
            if recipe["relative_error"] > UNSURE:
                warned += 1
                wrong_of_warned += list(~near)
            else:
                right += list(near)
    share = float(np.mean(right))
    return [
        Figure(
            "EVs without metadata: steps within 15 % where nothing was warned of",
            share,
            "share",
            f"{len(right)} steps of planted filmic cameras, held out",
            "0.95",
            share >= 0.95,
            f"{warned} of {len(files)} brackets warned of; of their steps {np.mean(wrong_of_warned):.0%} were wrong",
        )
    ]


def _of_one_size(pictures: list[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    """Return pictures of a shorter side of 400 pixels, and of the first one's shape."""
    height, width = pictures[0].shape[:2]
    size = (round(width * 400 / min(height, width)), round(height * 400 / min(height, width)))
    return [np.asarray(cv2.resize(p, size, interpolation=cv2.INTER_AREA), np.uint8) for p in pictures]


def _rgb(file: Path) -> NDArray[np.uint8]:
    with Image.open(file) as picture:
        return np.array(picture.convert("RGB"))
