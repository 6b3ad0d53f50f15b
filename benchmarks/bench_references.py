"""References of brackets against FiveK's experts and against rival fusions.

Where experts put things (`iea40k.fusion.EXPERTS`, `UNTONED`) was measured on all twelve pairs of FiveK, so
each pair is judged by what the other eleven say. Every second bracket of the EMPA database, by name, was
looked at while the fusion was made; the others and data/brackets are held out. Rivals get their best play:
nine exposures, and the middle five, which suit them better.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.harness import Figure
from iea40k.alignment import align
from iea40k.brackets.evs import stated_evs
from iea40k.brackets.response import estimate_evs, fit_known
from iea40k.capture import read_capture
from iea40k.colour import decode_srgb
from iea40k.develop import load_encoded
from iea40k.errors import IEAError
from iea40k.fusion import (
    EXPERTS,
    MIDDLE_OF_BRACKET,
    UNTONED,
    AsShot,
    Curve,
    Habits,
    fuse,
    judge,
    mertens,
)
from iea40k.residuals import luma
from iea40k.scene import LADDER
from iea40k.tone import expose_with_contrast

TITLE = "References: against FiveK's experts, Mertens' fusion and enfuse"

Frames = NDArray[np.uint8]
NINE, FIVE = slice(0, 9), slice(2, 7)
_SIDE = 384
_PICTURES = (".jpg", ".jpeg", ".png", ".tif", ".tiff")


def run() -> list[Figure]:
    folder = os.environ.get("IEA40K_REAL_DATA", "")
    if not folder:
        raise SystemExit("set IEA40K_REAL_DATA to the folder of real photographs")
    return [*_experts(Path(folder) / "fivek"), *_brackets(Path(folder))]


def rivals() -> dict[str, Callable[[Frames], Frames]]:
    """Return each other way to make one picture of a ladder of nine exposures (9, H, W, 3)."""
    ways: dict[str, Callable[[Frames], Frames]] = {
        "Mertens, 9 exposures": lambda ladder: mertens(ladder[NINE])[0],
        "Mertens, 5 exposures": lambda ladder: mertens(ladder[FIVE])[0],
    }
    if shutil.which("enfuse"):
        ways["enfuse, 9 exposures"] = lambda ladder: enfuse(ladder[NINE])
        ways["enfuse, 5 exposures"] = lambda ladder: enfuse(ladder[FIVE])
    ways["the photograph as shot"] = lambda ladder: np.asarray(ladder[4])
    return ways


def enfuse(frames: Frames) -> Frames:
    """Return what enfuse makes of frames (E, H, W, 3), with its own defaults."""
    with tempfile.TemporaryDirectory() as folder:
        files = [str(Path(folder) / f"{number}.tif") for number in range(len(frames))]
        for frame, file in zip(frames, files, strict=True):
            Image.fromarray(frame).save(file)
        fused = Path(folder) / "fused.tif"
        subprocess.run(["enfuse", "-o", str(fused), *files], check=True, capture_output=True)
        with Image.open(fused) as picture:
            return np.array(picture.convert("RGB"))


def _experts(folder: Path) -> list[Figure]:
    pairs = [_Pair.of(place) for place in sorted(folder.glob("pair_*"))]
    measured: dict[str, list[tuple[float, float, float]]] = {}
    found = np.array([_measured(pair) for pair in pairs])
    for number, pair in enumerate(pairs):
        exposure, white, mean = np.delete(found, number, axis=0).mean(axis=0)
        habits = Habits(float(white), EXPERTS.white_spread, float(mean), EXPERTS.mean_spread)
        as_shot = AsShot(float(exposure), UNTONED.spread)
        ways = {
            "ours": fuse(pair.ladder, evs=LADDER, as_shot=as_shot, habits=habits).reference,
            "ours, as-shot frame unknown": fuse(
                pair.ladder, evs=LADDER, as_shot=MIDDLE_OF_BRACKET, habits=habits
            ).reference,
            **{name: way(pair.ladder) for name, way in rivals().items()},
        }
        for name, picture in ways.items():
            measured.setdefault(name, []).append(_compared(luma(picture), pair.expert))
    tables = {name: np.array(rows) for name, rows in measured.items()}
    figures = [_shift(name, table) for name, table in tables.items()]
    best = min(rivals(), key=lambda name: float(tables[name][:, 1].mean()))
    less = tables["ours"][:, 1] - tables[best][:, 1]
    low, high = _bootstrap(less)
    note = f"paired bootstrap over {len(less)} pairs, 95 %: {low:+.3f} ... {high:+.3f}"
    name = "ours less the best rival: mean absolute difference"
    return [*figures, Figure(name, float(less.mean()), "luma", best, note=note)]


def _shift(name: str, table: NDArray[np.floating[Any]]) -> Figure:
    shift, spread, count = float(table[:, 0].mean()), float(table[:, 0].std(ddof=1)), len(table)
    ours = name == "ours"
    return Figure(
        f"{name}: mean shift of luma against expert C",
        shift,
        "luma",
        f"{count} pairs" + (", each by the other eleven" if name.startswith("ours") else ""),
        "|shift| <= 0.02" if ours else "",
        abs(shift) <= 0.02 if ours else None,
        f"spread {spread:.3f}; standard error {spread / np.sqrt(count):.3f}; mean absolute difference "
        f"{table[:, 1].mean():.3f}, correlation {table[:, 2].mean():.3f}",
    )


@dataclass(frozen=True)
class _Pair:
    """A ladder of a zeroed rendering (9, H, W, 3), and the luma (H, W) of the expert's retouch."""

    ladder: Frames
    expert: NDArray[np.float32]

    @classmethod
    def of(cls, folder: Path) -> "_Pair":
        light = decode_srgb(_rgb(folder / "input.png"))
        return cls(expose_with_contrast(light, LADDER, 1.0), luma(_rgb(folder / "expertC.png")))


def _measured(pair: _Pair) -> tuple[float, float, float]:
    """Return the exposure at which our rendering has the expert's mean luma, and its white zone and meaningful
    mean there."""
    small = np.ascontiguousarray(pair.ladder[:, ::4, ::4])
    trials = [fuse(small, evs=LADDER, as_shot=AsShot(float(k), 0.01)) for k in np.arange(-1.0, 4.01, 0.25)]
    lumas = [float(luma(trial.reference).mean()) for trial in trials]
    exposure, white, mean = (
        float(np.interp(pair.expert.mean(), lumas, [getattr(trial.placing, name) for trial in trials]))
        for name in ("exposure", "white_zone", "mean_luma")
    )
    return exposure, white, mean


def _compared(ours: NDArray[np.float32], expert: NDArray[np.float32]) -> tuple[float, float, float]:
    return (
        float(ours.mean() - expert.mean()),
        float(np.abs(ours - expert).mean()),
        float(np.corrcoef(ours.ravel(), expert.ravel())[0, 1]),
    )


def _bootstrap(values: NDArray[np.floating[Any]]) -> tuple[float, float]:
    rng = np.random.default_rng(12)
    means = values[rng.integers(0, len(values), (10_000, len(values)))].mean(axis=1)
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


def _brackets(root: Path) -> list[Figure]:
    empa = sorted((root / "empa").iterdir())
    groups = {
        "EMPA, tuned on": empa[::2],
        "EMPA, held out": empa[1::2],
        "others, held out": sorted((root / "brackets").iterdir()),
    }
    figures = []
    for group, folders in groups.items():
        rows: dict[str, list[tuple[float, float, float]]] = {}
        for folder in folders:
            bracket = _bracket(folder)
            if bracket is None:
                continue
            frames, validity, evs = bracket
            response, _ = fit_known(frames, validity, evs)
            order = np.argsort(evs)
            ways = {
                "ours": fuse(
                    frames, validity, evs=evs, curve=Curve(response.log_light()), as_shot=MIDDLE_OF_BRACKET
                ).reference,
                "Mertens": mertens(frames, validity)[0],
            }
            if shutil.which("enfuse"):
                ways["enfuse"] = enfuse(frames[order])
            covered = np.logical_or.reduce(validity)
            for name, picture in ways.items():
                found = judge(picture, covered).numbers
                rows.setdefault(name, []).append(
                    (
                        found["subject_luma"],
                        found["clipped_high"],
                        _darkest(picture, frames[order[0]], covered),
                    )
                )
        for name, values in rows.items():
            table = np.array(values)
            figures.append(
                Figure(
                    f"{name}: luma of the meaningful area",
                    float(table[:, 0].mean()),
                    "luma",
                    f"{len(table)} brackets, {group}",
                    note=f"spread {table[:, 0].std(ddof=1):.3f}; blown {table[:, 1].mean():.1%}; "
                    f"darkest tenth of the scene at luma {table[:, 2].mean():.3f} (at most {table[:, 2].max():.3f})",
                )
            )
    return figures


def _darkest(picture: Frames, dark: Frames, covered: NDArray[np.bool_]) -> float:
    """Return the mean luma of what is the darkest tenth of the scene in its darkest frame."""
    light = luma(dark)
    return float(luma(picture)[covered & (light <= np.quantile(light[covered], 0.1))].mean())


def _bracket(folder: Path) -> tuple[Frames, NDArray[np.bool_], tuple[float, ...]] | None:
    """Return a folder's aligned frames, their validity and EVs; None where they are no bracket."""
    files = [p for p in sorted(folder.iterdir()) if p.suffix.lower() in _PICTURES]
    try:
        captures = [read_capture(file) for file in files]
        frames = [load_encoded(file, short_side=_SIDE)[0] for file in files]
        stated = stated_evs(captures, None)
        found = align(frames, [file.name for file in files], anchor=stated.as_shot if stated else None)
        if stated is not None:
            return found.frames, found.validity, tuple(stated.evs[i] for i in found.kept)
        return found.frames, found.validity, _centred(estimate_evs(found.frames, found.validity)[0])
    except IEAError:
        return None


def _centred(evs: tuple[float, ...]) -> tuple[float, ...]:
    middle = sorted(evs)[(len(evs) - 1) // 2]
    return tuple(ev - middle for ev in evs)


def _rgb(file: Path) -> Frames:
    with Image.open(file) as picture:
        return np.array(picture.convert("RGB"))
