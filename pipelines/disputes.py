"""`iea40k validate`: a release's disputed labels as tables, regions, contact sheets, and work in a store's queue."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from iea40k.arrays import EncodedRGB
from iea40k.disputes.finding import DISPUTED, Dispute, find_disputes, out_of_fold
from iea40k.disputes.scenes import Map, SmallScene, small_scene
from iea40k.errors import AlreadyExistsError, BadInputError
from iea40k.files import AnyPath, write_atomic, write_file_with
from iea40k.recipe import without_nan
from iea40k.render import heatmap
from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger, TaskRequest, add_tasks
from iea40k.store.ledger.overview import listing
from iea40k.store.release import Release

TABLE, REGIONS, SHEET = "disputes.parquet", "regions.json", "sheet.png"
_SETTLED = ("submitted", "in_review", "accepted")
_SHEET_ROWS = 20

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Validated:
    """What a validation found: every image, the worst first; how many are disputed; what became of the queue."""

    disputes: tuple[Dispute, ...]
    disputed: int
    queued: int
    settled: tuple[str, ...]
    words: tuple[str, ...]


def validate_release(
    release: Release,
    out: AnyPath,
    *,
    folds: int = 5,
    seed: int = 0,
    predict: Callable[[NDArray[np.uint8]], Map] | None = None,
    store: Store | None = None,
    ledger: str | None = None,
    progress: Progress = lambda *_: None,
) -> Validated:
    """Find disputed labels of a release and write `disputes.parquet`, `disputes.csv`, `regions.json`, `sheet.png`.

    `predict`: a model that never saw the release, instead of trees out of fold. With `store` the disputed images are
    put into its queue; what an expert settled there does not come back while its exposure is the same. Raises
    `BadInputError` for fewer than four scenes and for a store that is not this release's.
    """
    out = Path(out)
    if (out / TABLE).exists():
        raise AlreadyExistsError(
            "there is a validation in this folder", where=out, remedy="name another folder"
        )
    scenes = []
    for number, scene in enumerate(_scenes(release), start=1):
        scenes.append(scene)
        progress("reading", number, len(release.scenes))
    digests = _digests(release) if store is not None else {}
    if store is not None:
        _check_store(release, store)
    if predict is None:
        predictions = out_of_fold(
            scenes, folds, seed=seed, progress=lambda done, total: progress("folds", done, total)
        )
    else:
        predictions = [np.stack([predict(picture) for picture in scene.exposures]) for scene in scenes]
    disputes = find_disputes(scenes, predictions, seed=seed)
    bad = [d for d in disputes if d.score >= DISPUTED]
    queued = 0
    settled: tuple[str, ...] = ()
    if store is not None:
        queued, settled = _queue(store, ledger, bad, digests)
    _write(out, disputes, scenes, set(settled))
    return Validated(tuple(disputes), len(bad), queued, settled, _words(scenes, predict is None))


def _scenes(release: Release) -> Iterator[SmallScene]:
    for scene_id, rows in release.images.groupby("scene_id", sort=True):
        images = [release[image_id] for image_id in rows.sort_values("ev")["image_id"]]
        if not any(image.validity.any() for image in images):
            continue
        yield small_scene(
            str(scene_id),
            [image.level for image in images],
            [image.ev for image in images],
            np.stack([image.exposure for image in images]),
            images[0].reference,
            np.stack([image.codes for image in images]),
            np.stack([image.touched for image in images]),
        )


def _words(scenes: Sequence[SmallScene], by_folds: bool) -> tuple[str, ...]:
    """Return what could not be estimated, and what was done instead."""
    said = []
    if by_folds and len(scenes) < 20:
        said.append(
            f"{len(scenes)} scenes: predictions from so few say little; law and structure of each label decide"
        )
    constant = sum(
        int(np.nanstd(label) < 1e-4) for s in scenes for label in s.labels if not np.isnan(label).all()
    )
    if constant:
        said.append(
            f"{constant} maps are constant: their correlation is undefined, and left out of what speaks"
        )
    if all(len(s.levels) == 1 for s in scenes):
        said.append("every scene has one exposure: levels cannot be compared with each other")
    return tuple(said)


def _write(out: Path, disputes: list[Dispute], scenes: Sequence[SmallScene], settled: set[str]) -> None:
    rows = [
        {
            "image_id": f"{d.scene_id}_{d.level}",
            "score": d.score,
            "kind": d.kind,
            "reason": d.reason,
            "settled": f"{d.scene_id}_{d.level}" in settled,
            **d.signals,
        }
        for d in disputes
    ]
    table = pd.DataFrame(rows)
    regions = [
        {
            "image_id": f"{d.scene_id}_{d.level}",
            "box": list(r.box),
            "area": r.area,
            "kind": d.kind,
            "score": r.score,
        }
        for d in disputes
        for r in d.regions
    ]
    out.mkdir(parents=True, exist_ok=True)
    write_atomic(out / REGIONS, json.dumps(without_nan(regions), indent=1) + "\n")
    write_atomic(out / "disputes.csv", table.to_csv(index=False))
    picture = _sheet(disputes, scenes)
    if picture is not None:
        written, data = cv2.imencode(".png", picture[..., ::-1])
        if written:
            write_atomic(out / SHEET, data.tobytes())
    write_file_with(
        out / TABLE, lambda path: table.to_parquet(path, index=False)
    )  # last: it says that all is here


def _sheet(disputes: list[Dispute], scenes: Sequence[SmallScene]) -> EncodedRGB | None:
    """Return the worst images: exposure, label, prediction, and the regions drawn; None where nothing is disputed."""
    by_id = {scene.scene_id: scene for scene in scenes}
    rows = []
    for dispute in [d for d in disputes if d.score >= DISPUTED][:_SHEET_ROWS]:
        scene = by_id[dispute.scene_id]
        number = scene.levels.index(dispute.level)
        label = np.where(np.isnan(scene.labels[number]), np.nan, np.clip(scene.labels[number], -1, 1))
        maps = [
            heatmap(label.astype(np.float32)),
            heatmap(np.clip(dispute.prediction, -1, 1).astype(np.float32)),
        ]
        picture = scene.exposures[number].copy()
        share = scene.grey.shape[1] / scene.shape[0]
        for region in dispute.regions:
            top, left, height, width = (round(v * share) for v in region.box)
            cv2.rectangle(picture, (left, top), (left + width, top + height), (255, 0, 255), 1)
        tile = np.concatenate([picture, *maps], axis=1)
        caption = np.full((18, tile.shape[1], 3), 255, np.uint8)
        words = f"{dispute.scene_id} {dispute.level}  {dispute.score:.2f}  {dispute.kind}"
        cv2.putText(caption, words, (3, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (0, 0, 0), 1, cv2.LINE_AA)
        rows += [caption, tile]
    if not rows:
        return None
    width = max(row.shape[1] for row in rows)
    padded = [np.pad(r, ((0, 0), (0, width - r.shape[1]), (0, 0)), constant_values=255) for r in rows]
    return np.concatenate(padded)


# ---------------------------------------------------------------- the queue


def _digests(release: Release) -> dict[str, str]:
    """Return the sha256 of each image's exposure: what an expert settled holds for these pixels."""
    return {image.image_id: hashlib.sha256(image.exposure.tobytes()).hexdigest() for image in release}


def _check_store(release: Release, store: Store) -> None:
    missing = sorted(set(release.scenes["scene_id"]) - set(store.scene_ids()))
    if missing:
        raise BadInputError(
            "the store is not this release's",
            where=store.path,
            expected="every scene of the release",
            got=f"no {', '.join(missing[:5])}"
            + (f" and {len(missing) - 5} more" if len(missing) > 5 else ""),
        )


def _queue(
    store: Store, place: str | None, bad: list[Dispute], digests: dict[str, str]
) -> tuple[int, tuple[str, ...]]:
    """Put disputes into the queue; return how many, and the images that an expert has settled already."""
    with Ledger.open(place or store.path, create=True) as ledger:
        done: dict[str, set[Any]] = {}
        for row in listing(ledger):
            if row["state"] in _SETTLED:
                name = f"{row['scene_id']}_{row['level']}"
                done.setdefault(name, set()).add(row["note"].get("exposure_sha256"))
        fresh: list[Dispute] = []
        settled: list[Dispute] = []
        for dispute in bad:
            name = f"{dispute.scene_id}_{dispute.level}"
            known = done.get(name, set())
            (settled if known & {digests[name], None} else fresh).append(dispute)
        requests = [
            TaskRequest(
                d.scene_id,
                d.level,
                priority=1 + d.score,
                reason="dispute",
                note={
                    "score": d.score,
                    "kind": d.kind,
                    "reason": d.reason,
                    "exposure_sha256": digests[f"{d.scene_id}_{d.level}"],
                    "regions": [{"box": list(r.box), "area": r.area, "score": r.score} for r in d.regions],
                },
            )
            for d in fresh
        ]
        if requests:
            add_tasks(ledger, requests, actor="trainer")
    return len(requests), tuple(f"{d.scene_id}_{d.level}" for d in settled)
