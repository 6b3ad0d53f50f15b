"""Enhancement algorithms judged by a network: the lower the mean |residual| of their outputs, the better.

With the inputs, re-exposures are judged: what the network says of the *input* gives the luma that each pixel ought to
have, and an output is as far off as its luma is from that. An output cannot please the network by being another
picture, and one that does not keep the input's structure (`iea40k.model.guard`) is marked.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import EncodedRGB, check_same_size
from iea40k.develop import PICTURE_SUFFIXES, load_guarded
from iea40k.errors import BadInputError, IEAError
from iea40k.faults import item_fault
from iea40k.files import AnyPath
from iea40k.metrics import canny_iou, histogram_difference, holistic_score, sobel_iou
from iea40k.model.guard import kept
from iea40k.model.loading import AnyWeights
from iea40k.model.paired import bootstrap_interval, paired_p
from iea40k.model.predict import PredictOptions, predict_image, predicted_residual, shrink
from iea40k.model.unlike import unlike
from iea40k.residuals import luma

REFERENCE_METRICS: dict[str, Callable[[EncodedRGB, EncodedRGB], float]] = {
    "sobel_iou": sobel_iou,
    "canny_iou": canny_iou,
    "histogram_difference": histogram_difference,
}

MARKED_SHARE = 0.05
"""Share of outputs that do not keep their input's structure, above which an enhancer is placed last."""

LEVEL = 0.05
"""The p-value from which two enhancers cannot be told apart."""

JUDGED_SIDE = 512
"""Shorter side, in pixels, at which re-exposures are compared with what the input ought to become."""


@dataclass(frozen=True)
class Ranked:
    """One enhancer: its folder, means over the images that all enhancers have, and how often it was the best.

    - `interval`: 95 % of the mean |residual|, by bootstrap over images; NaN for one image
    - `behind`, `p`: how much worse than the first place in the mean, and the paired p-value of that (two-sided, signs
      exchanged); NaN for the first place
    - `marked`: outputs that do not keep their input's structure, with the reasons; empty where no inputs were given
    - `last`: so many are marked that it stands behind all others whatever its residual
    """

    folder: Path
    mean_abs_residual: float
    mean_residual: float
    score: float
    wins: int
    against_reference: dict[str, float]
    interval: tuple[float, float] = (float("nan"), float("nan"))
    behind: float = float("nan")
    p: float = float("nan")
    marked: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    last: bool = False


@dataclass(frozen=True)
class Judgement:
    """Enhancers from best to worst, the image names that count, those that only some have, and failures.

    `unlike`: why the input, or an output where no inputs were given, is unlike the photographs learnt from, by image.
    """

    ranking: tuple[Ranked, ...]
    images: tuple[str, ...]
    left_out: tuple[str, ...]
    failures: tuple[IEAError, ...]
    unlike: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Row:
    """What is known of one output."""

    facts: dict[str, float]
    reasons: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()


def judge_folders(
    weights: AnyWeights,
    folders: Sequence[AnyPath],
    options: PredictOptions | None = None,
    reference: AnyPath | None = None,
    progress: Callable[[str, int, int], None] = lambda *_: None,
    *,
    inputs: AnyPath | None = None,
) -> Judgement:
    """Rank folders of enhancers' outputs on the images that all of them have, matched by file stem.

    `inputs`: the folder of the pictures that were enhanced; without it pictures are ranked, and a grey card may win. An
    image that cannot be read in one folder counts in none, so that all are judged on the same. With `reference`, a
    folder of ideal exposures, edges and histograms are compared too (see `iea40k.metrics`). Raises
    `BadInputError` where the folders share no image.
    """
    named = [_by_stem(folder) for folder in map(Path, folders)]
    ideal = _by_stem(Path(reference)) if reference is not None else None
    sources = _by_stem(Path(inputs)) if inputs is not None else None
    common, left_out = _common([*named, *(more for more in (ideal, sources) if more is not None)])
    rows: dict[str, list[_Row]] = {}
    failures: list[IEAError] = []
    for number, stem in enumerate(common, start=1):
        try:
            target = load_guarded(ideal[stem], short_side=None)[0] if ideal is not None else None
            wanted = _Wanted.of(weights, sources[stem], options) if sources is not None else None
            rows[stem] = [_assess(weights, files[stem], target, options, wanted) for files in named]
        except Exception as error:
            failures.append(item_fault(error).located(stem))
        progress(stem, number, len(common))
    if not rows:
        raise BadInputError("no image could be judged in every folder", got=f"{len(failures)} failures")
    odd = {stem: tuple(dict.fromkeys(r for row in found for r in row.unlike)) for stem, found in rows.items()}
    odd = {stem: reasons for stem, reasons in odd.items() if reasons}
    return Judgement(_ranking(list(map(Path, folders)), rows), tuple(rows), left_out, tuple(failures), odd)


def wanted_luma(
    weights: AnyWeights, source: EncodedRGB, options: PredictOptions | None = None
) -> NDArray[np.float32]:
    """Return the luma (h, w) that the network wants of a picture, shorter side at most `JUDGED_SIDE`."""
    picture = shrink(source, JUDGED_SIDE)
    residual = predicted_residual(weights, picture, options)
    if residual.shape != picture.shape[:2]:
        size = (picture.shape[1], picture.shape[0])
        residual = cv2.resize(residual, size, interpolation=cv2.INTER_LINEAR)
    wanted: NDArray[np.float32] = np.clip(luma(picture) + residual, 0, 1)
    return wanted


@dataclass(frozen=True, eq=False)
class _Wanted:
    """An input and the luma that it ought to have."""

    source: EncodedRGB
    luma: NDArray[np.float32]
    unlike: tuple[str, ...]

    @classmethod
    def of(cls, weights: AnyWeights, path: Path, options: PredictOptions | None) -> "_Wanted":
        source, _ = load_guarded(path, short_side=None)
        reasons = tuple(found.reason for found in unlike(source))
        return cls(source, wanted_luma(weights, source, options), reasons)


def _assess(
    weights: AnyWeights,
    path: Path,
    target: EncodedRGB | None,
    options: PredictOptions | None,
    wanted: _Wanted | None,
) -> _Row:
    image, _ = load_guarded(path, short_side=None)
    if wanted is None:
        facts = predict_image(weights, image, options).facts
        odd = tuple(facts["unlike"])
        row = {name: float(facts[name]) for name in ("mean_abs_residual", "mean_residual", "score")}
        reasons: tuple[str, ...] = ()
    else:
        size = (wanted.luma.shape[1], wanted.luma.shape[0])
        residual = wanted.luma - cv2.resize(luma(image), size, interpolation=cv2.INTER_AREA)
        row = {
            "mean_abs_residual": float(np.abs(residual).mean()),
            "mean_residual": float(residual.mean()),
            "score": holistic_score(residual),
        }
        reasons = kept(wanted.source, image).reasons
        odd = wanted.unlike
    if target is not None:
        try:
            check_same_size(image, target, ("output", "reference"))
        except IEAError as error:
            raise error.located(path) from None
        row |= {name: metric(image, target) for name, metric in REFERENCE_METRICS.items()}
    return _Row(row, reasons, odd)


def _ranking(folders: Sequence[Path], rows: Mapping[str, list[_Row]]) -> tuple[Ranked, ...]:
    errors = np.array([[row.facts["mean_abs_residual"] for row in found] for found in rows.values()])
    marks = np.array([[bool(row.reasons) for row in found] for found in rows.values()])
    last = marks.mean(0) > MARKED_SHARE
    order = sorted(range(len(folders)), key=lambda k: (bool(last[k]), errors[:, k].mean(), str(folders[k])))
    # A marked output cannot be the best of its image.
    best = np.where(marks, np.inf, errors).min(1, keepdims=True)
    wins = ((errors == best) & ~marks).sum(0)
    first = order[0]
    return tuple(
        _rank(
            folders[k],
            {stem: found[k] for stem, found in rows.items()},
            int(wins[k]),
            bool(last[k]),
            errors[:, k],
            errors[:, first] if k != first else None,
        )
        for k in order
    )


def _rank(
    folder: Path,
    rows: Mapping[str, _Row],
    wins: int,
    last: bool,
    errors: NDArray[np.float64],
    first: NDArray[np.float64] | None,
) -> Ranked:
    names = next(iter(rows.values())).facts
    means = {name: float(np.mean([row.facts[name] for row in rows.values()])) for name in names}
    return Ranked(
        folder,
        means["mean_abs_residual"],
        means["mean_residual"],
        means["score"],
        wins,
        {name: means[name] for name in REFERENCE_METRICS if name in means},
        interval=bootstrap_interval(errors),
        behind=float("nan") if first is None else float((errors - first).mean()),
        p=float("nan") if first is None else paired_p(errors - first),
        marked={stem: row.reasons for stem, row in rows.items() if row.reasons},
        last=last,
    )


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
