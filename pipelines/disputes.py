"""`iea40k validate`: a release's disputed labels as tables, regions, contact sheets, and work in a store's queue."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from iea40k.disputes.expecting import Predict
from iea40k.disputes.finding import DISPUTED, Dispute, find_disputes
from iea40k.disputes.scenes import SmallScene, small_scene
from iea40k.errors import AlreadyExistsError
from iea40k.files import AnyPath
from iea40k.store.layout import Store
from iea40k.store.release import Release
from pipelines.dispute_files import TABLE, write_files
from pipelines.dispute_folds import FOLDS, ByTrees, Predictor, expect_all, expect_by, finish
from pipelines.dispute_queue import check_store, put_into_queue

FEW = 20
"""Scenes below which it is said that predictions say little."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Validated:
    """What a validation found: every image, the worst first; how many are disputed; what became of the queue.

    `words`: what could not be estimated, and what was done instead. `failed`: folds whose model failed, and why.
    """

    disputes: tuple[Dispute, ...]
    disputed: int
    queued: int
    settled: tuple[str, ...]
    words: tuple[str, ...]
    failed: dict[int, str]


def validate_release(
    release: Release,
    out: AnyPath,
    *,
    folds: int = 5,
    seed: int = 0,
    predictor: Predictor | None = None,
    predict: Predict | None = None,
    store: Store | None = None,
    ledger: str | None = None,
    progress: Progress = lambda *_: None,
) -> Validated:
    """Find disputed labels of a release and write the files of `pipelines.dispute_files` into `out`.

    `predictor` predicts out of fold, by trees where it is left out; `predict` is a model that never saw the release.
    A run that was stopped goes on in the same folder at the fold where it was, and so does one of whose folds some
    failed. With `store` the disputed images are put into its queue; a dispute that an expert settled there does not
    come back while exposure and reference have the same pixels. Raises `BadInputError` for fewer than four scenes and
    for a store that is not this release's.
    """
    out = Path(out)
    if (out / TABLE).exists() and not (out / FOLDS).exists():
        raise AlreadyExistsError(
            "there is a validation in this folder", where=out, remedy="name another folder"
        )
    if store is not None:
        check_store(release, store)
    scenes = []
    for number, scene in enumerate(read_scenes(release), start=1):
        scenes.append(scene)
        progress("reading", number, len(release.scenes))
    failed: dict[int, str] = {}
    if predict is None:
        expectations, failed = expect_all(
            scenes,
            out,
            predictor or ByTrees(),
            {"release": release.digest},
            folds=folds,
            seed=seed,
            progress=lambda done, total: progress("folds", done, total),
        )
    else:
        expectations = expect_by(scenes, predict)
    progress("weighing", 0, 1)
    disputes = find_disputes(scenes, expectations, seed=seed)
    progress("weighing", 1, 1)
    bad = [d for d in disputes if d.score >= DISPUTED]
    queued = 0
    settled: tuple[str, ...] = ()
    if store is not None:
        queued, settled = put_into_queue(release, store, ledger, bad)
    write_files(out, disputes, scenes, set(settled))
    if not failed:
        finish(out)
    return Validated(
        tuple(disputes), len(bad), queued, settled, _words(release, scenes, predict is None), failed
    )


def read_scenes(release: Release) -> Iterator[SmallScene]:
    """Yield the scenes of a release that have valid pixels, small, by id."""
    table = release.scenes.set_index("scene_id")
    for scene_id, rows in release.images.groupby("scene_id", sort=True):
        images = [release[image_id] for image_id in rows.sort_values("ev")["image_id"]]
        if not any(image.validity.any() for image in images):
            continue
        budgets = [image.uncertainty for image in images]
        spreads = [image.spread for image in images]
        yield small_scene(
            str(scene_id),
            [image.level for image in images],
            [image.ev for image in images],
            np.stack([image.exposure for image in images]),
            images[0].reference,
            np.stack([image.codes for image in images]),
            np.stack([image.touched for image in images]),
            budget=_stacked(budgets),
            apart=_stacked(spreads),
            composition=str(table.loc[scene_id].get("composition") or ""),
        )


def _stacked(maps: Sequence[np.ndarray | None]) -> np.ndarray | None:
    known = [m for m in maps if m is not None]
    return np.stack(known) if len(known) == len(maps) else None


def _words(release: Release, scenes: Sequence[SmallScene], by_folds: bool) -> tuple[str, ...]:
    said = []
    if by_folds and len(scenes) < FEW:
        said.append(
            f"{len(scenes)} scenes: predictions from so few say little; law and structure of each label decide"
        )
    without = len(release.scenes) - len(scenes)
    if without:
        said.append(f"{without} scenes have no valid pixel: nothing to dispute")
    constant = sum(
        int(np.nanstd(label) < 1e-4) for s in scenes for label in s.labels if not np.isnan(label).all()
    )
    if constant:
        said.append(
            f"{constant} maps are constant: their correlation is undefined, and left out of what speaks"
        )
    if all(len(s.levels) == 1 for s in scenes):
        said.append("every scene has one exposure: levels cannot be compared with each other")
    if all(np.isnan(s.apart).all() for s in scenes):
        said.append("no image was mapped by two experts: how far they lie apart does not speak here")
    if "scene_class" in release.scenes:
        counts = release.scenes["scene_class"].replace("", np.nan).dropna().value_counts()
        alone = sorted(counts.index[counts == 1])
        if alone and by_folds:
            said.append(
                f"{len(alone)} classes have one scene ({', '.join(alone[:3])}{' …' if len(alone) > 3 else ''}): "
                "what is expected of these comes from other classes"
            )
    return tuple(said)
