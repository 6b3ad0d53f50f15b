"""Enhancement algorithms judged by a network: the lower the mean |residual| of their outputs, the better."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from iea40k.arrays import EncodedRGB, check_same_size
from iea40k.develop import PICTURE_SUFFIXES, load_encoded
from iea40k.errors import BadInputError, IEAError
from iea40k.faults import item_fault
from iea40k.files import AnyPath
from iea40k.metrics import canny_iou, histogram_difference, sobel_iou
from iea40k.model.predict import PredictOptions, predict_image
from iea40k.model.weights import Weights

REFERENCE_METRICS: dict[str, Callable[[EncodedRGB, EncodedRGB], float]] = {
    "sobel_iou": sobel_iou,
    "canny_iou": canny_iou,
    "histogram_difference": histogram_difference,
}


@dataclass(frozen=True)
class Ranked:
    """One enhancer: its folder, means over the images that all enhancers have, and how often it was the best."""

    folder: Path
    mean_abs_residual: float
    mean_residual: float
    score: float
    wins: int
    against_reference: dict[str, float]


@dataclass(frozen=True)
class Judgement:
    """Enhancers from best to worst, the image names that count, those that only some have, and failures."""

    ranking: tuple[Ranked, ...]
    images: tuple[str, ...]
    left_out: tuple[str, ...]
    failures: tuple[IEAError, ...]


def judge_folders(
    weights: Weights,
    folders: Sequence[AnyPath],
    options: PredictOptions | None = None,
    reference: AnyPath | None = None,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> Judgement:
    """Rank folders of enhancers' outputs on the images that all of them have, matched by file stem.

    An image that cannot be read in one folder counts in none, so that all are judged on the same. With `reference`, a
    folder of ideal exposures, edges and histograms are compared too (see `iea40k.metrics`). Raises
    `BadInputError` where the folders share no image.
    """
    reference = None if reference is None else Path(reference)
    named = [_by_stem(folder) for folder in map(Path, folders)]
    ideal = _by_stem(reference) if reference is not None else None
    common, left_out = _common([*named, ideal] if ideal is not None else named)
    rows: dict[str, list[dict[str, float]]] = {}
    failures: list[IEAError] = []
    for number, stem in enumerate(common, start=1):
        try:
            target = load_encoded(ideal[stem], short_side=None)[0] if ideal is not None else None
            rows[stem] = [_assess(weights, files[stem], target, options) for files in named]
        except Exception as error:
            failures.append(item_fault(error).located(stem))
        progress(stem, number, len(common))
    if not rows:
        raise BadInputError("no image could be judged in every folder", got=f"{len(failures)} failures")
    ranked = [_rank(folder, place, list(rows.values())) for place, folder in enumerate(map(Path, folders))]
    ranked.sort(key=lambda entry: (entry.mean_abs_residual, str(entry.folder)))
    return Judgement(tuple(ranked), tuple(rows), left_out, tuple(failures))


def _assess(
    weights: Weights, path: Path, target: EncodedRGB | None, options: PredictOptions | None
) -> dict[str, float]:
    image, _ = load_encoded(path, short_side=None)
    facts = predict_image(weights, image, options).facts
    row = {name: float(facts[name]) for name in ("mean_abs_residual", "mean_residual", "score")}
    if target is not None:
        try:
            check_same_size(image, target, ("output", "reference"))
        except IEAError as error:
            raise error.located(path) from None
        row |= {name: metric(image, target) for name, metric in REFERENCE_METRICS.items()}
    return row


def _rank(folder: Path, place: int, rows: list[list[dict[str, float]]]) -> Ranked:
    mine = [row[place] for row in rows]
    means = {name: float(np.mean([row[name] for row in mine])) for name in mine[0]}
    best = [min(enhancer["mean_abs_residual"] for enhancer in row) for row in rows]
    wins = sum(own["mean_abs_residual"] == least for own, least in zip(mine, best, strict=True))
    against = {name: means[name] for name in REFERENCE_METRICS if name in means}
    return Ranked(folder, means["mean_abs_residual"], means["mean_residual"], means["score"], wins, against)


def _by_stem(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise BadInputError("there is no such folder", where=folder)
    files = sorted(p for p in folder.iterdir() if p.suffix.lower() in PICTURE_SUFFIXES)
    named = {path.stem: path for path in files}
    if len(named) < len(files):
        raise BadInputError("two photographs of a folder share a name before the suffix", where=folder)
    return named


def _common(named: Sequence[dict[str, Path]]) -> tuple[list[str], tuple[str, ...]]:
    everywhere = set.intersection(*(set(files) for files in named))
    if not everywhere:
        raise BadInputError(
            "the folders share no image",
            expected="the same file names (before the suffix) in each",
            got="; ".join(", ".join(sorted(files)[:3]) or "no photograph" for files in named),
        )
    anywhere = set.union(*(set(files) for files in named))
    return sorted(everywhere), tuple(sorted(anywhere - everywhere))
