"""What a report is made from: the scenes of a store or of a release, in one form; a damaged one costs itself."""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from iea40k.arrays import EncodedRGB
from iea40k.errors import BadInputError, CorruptDataError, IEAError, NotThereError
from iea40k.fusion.judging import BOTH
from iea40k.places import address_of
from iea40k.store.kinds import kind_of, neither
from iea40k.store.layout import Store
from iea40k.store.release.reading import Release
from iea40k.store.scenes import StoredScene
from iea40k.uncertainty import PARTS
from pipelines.left_out import LeftOut, left_out_of
from pipelines.report.disagreement import Work, annotated, of_maps

FACTS = ("kind", "licence", "light", "super_class", "scene_class", "device", "source")
"""What is said of every scene, in the words of the manifest's columns."""


@dataclass(frozen=True)
class Pixels:
    """A scene's pictures: reference (H, W, 3), exposures (E, H, W, 3), both uint8; residual codes (E, H, W) int16."""

    reference: EncodedRGB
    exposures: NDArray[np.uint8]
    codes: NDArray[np.int16]


@dataclass(frozen=True)
class ReportScene:
    """A scene: its facts as text, its images' numbers, and how its pixels are read."""

    scene_id: str
    facts: Mapping[str, str]
    levels: tuple[str, ...]
    evs: tuple[float, ...]
    priority: tuple[float, ...]
    touched: tuple[float, ...]
    uncertainty: tuple[float, ...]
    quality: float | None
    words: str
    left_out: tuple[LeftOut, ...]
    pixels: Callable[[], Pixels] = field(repr=False)
    disagreement: tuple[float, ...] = ()
    """How far annotators lie apart on each level: mean MAD, luma; NaN where no two drew. Empty: nowhere."""


@dataclass(frozen=True)
class Source:
    """A store or a release: what is said of the whole, what failed, and its scenes in order."""

    kind: str
    title: str
    facts: tuple[tuple[str, str], ...]
    failures: tuple[tuple[str, str], ...]
    count: int
    scenes: Callable[[], Iterator[ReportScene]] = field(repr=False)


def open_source(path: Path, ledger: str | None = None) -> Source:
    """Open what a report is wanted of; `ledger` is where a store's ledger is (None: the file in it, if there is one).

    Raises `NotThereError` where the folder is neither a store nor a release, `BadInputError` for a ledger of a release.
    """
    kind = kind_of(path) if address_of(path) is None else "release"
    if kind == "release":
        if ledger is not None:
            raise BadInputError(
                "a release has no ledger",
                where=path,
                remedy="leave --ledger out: what annotators did is in the release; or name the store",
            )
        return _of_release(Release.open(path))
    if kind == "store":
        return _of_store(Store.open(path), path, ledger)
    raise neither(path)


def _of_store(store: Store, path: Path, ledger: str | None) -> Source:
    counts = store.counts()
    facts = (
        ("scenes", str(counts.scenes)),
        ("exposures", str(counts.exposures)),
        ("in quarantine", str(counts.quarantined)),
        ("residuals", "as built; corrections of people are in the ledger and in releases"),
    )
    failures = tuple((entry.scene_id, entry.message) for entry in store.quarantined())

    def scenes() -> Iterator[ReportScene]:
        with annotated(store, ledger) as people:
            for scene_id in store.scene_ids():
                try:
                    stored = store.open_scene(scene_id)
                    found = _stored(store, stored, people.work(stored))
                except (CorruptDataError, NotThereError) as error:
                    found = unreadable(scene_id, error)
                yield found

    return Source("store", path.resolve().name, facts, failures, counts.scenes, scenes)


def _stored(store: Store, stored: StoredScene, work: Work) -> ReportScene:
    scene_id = stored.scene_id

    def pixels() -> Pixels:
        scene = store.read_scene(scene_id)
        return Pixels(scene.reference, np.asarray(scene.exposures), np.asarray(scene.residual))

    parts = [stored.attributes.get(f"uncertainty_{part}", {}) for part in PARTS]
    return ReportScene(
        scene_id,
        _facts(stored.attributes),
        tuple(stored.levels),
        tuple(stored.evs),
        tuple(stored.review_priority),
        work.touched,
        tuple(_together(parts, level) for level in stored.levels),
        _optional(stored.attributes.get("reference_quality")),
        _judged(stored.attributes),
        tuple(left_out_of(scene_id, stored.attributes)),
        pixels,
        work.disagreement,
    )


def _of_release(release: Release) -> Source:
    licences = release.head.get("licences", {})
    facts = (
        ("version", release.version),
        ("published", str(release.head.get("published", ""))),
        ("scenes", str(len(release.scenes))),
        ("exposures", str(len(release))),
        ("corrected by people", str(release.head.get("corrected_images", 0))),
        ("licences", ", ".join(sorted(map(str, licences)))),
        ("root digest", release.root if release.carries_root else "none: an older release"),
    )
    schemes = release.split_schemes
    splits: Mapping[str, str] = {}
    if schemes and len(release.splits):
        table = release.splits
        splits = dict(zip(table["scene_id"].astype(str), table[schemes[0]].astype(str), strict=True))

    def scenes() -> Iterator[ReportScene]:
        grouped = release.images.groupby("scene_id", sort=False)
        for row in release.scenes.to_dict("records"):
            try:
                found = _released(release, row, grouped.get_group(row["scene_id"]), splits)
            except (CorruptDataError, NotThereError) as error:
                found = unreadable(str(row["scene_id"]), error)
            yield found

    name = str(release.head.get("name", ""))
    return Source("release", f"{name} {release.version}".strip(), facts, (), len(release.scenes), scenes)


def _released(
    release: Release, row: Mapping[Any, Any], images: pd.DataFrame, splits: Mapping[str, str]
) -> ReportScene:
    scene_id = str(row["scene_id"])
    ids = images["image_id"].astype(str).tolist()
    facts = {**_facts(row), "split": splits.get(scene_id, "")}

    def pixels() -> Pixels:
        shown = [release[image_id] for image_id in ids]
        return Pixels(
            shown[0].reference,
            np.stack([image.exposure for image in shown]),
            np.stack([image.codes for image in shown]),
        )

    def column(name: str) -> tuple[float, ...]:
        return tuple(map(_number, images[name])) if name in images else (float("nan"),) * len(ids)

    rejected = row.get("rejected")
    rows = json.loads(rejected) if isinstance(rejected, str) and rejected else []
    return ReportScene(
        scene_id,
        facts,
        tuple(images["level"].astype(str)),
        tuple(images["ev"].astype(float)),
        column("suspicion"),
        column("touched_fraction"),
        column("uncertainty"),
        _optional(row.get("reference_quality")),
        _judged(row),
        tuple(left_out_of(scene_id, {"rejected": rows})),
        pixels,
        of_maps({image_id: release[image_id].spread for image_id in ids}) if _annotated(release, row) else (),
    )


def unreadable(scene_id: str, error: IEAError) -> ReportScene:
    """Return a scene of which nothing can be read: whoever asks for its pixels gets the error."""

    def pixels() -> Pixels:
        raise error

    return ReportScene(scene_id, {}, (), (), (), (), (), None, "", (), pixels)


def _annotated(release: Release, row: Mapping[Any, Any]) -> bool:
    return release.has_array(str(row["frame"]), "spread")


def _together(parts: Sequence[Mapping[str, float]], level: str) -> float:
    """Return the standard deviation that the parts of an error budget give together, NaN where there is none."""
    known = [value for part in parts if (value := _number(part.get(level))) == value]
    return math.hypot(*known) if known else float("nan")


def _facts(row: Mapping[Any, Any]) -> dict[str, str]:
    return {name: _text(row.get(name)) for name in FACTS}


def _judged(row: Mapping[Any, Any]) -> str:
    parts = [_text(row.get(name)) for name in ("reference_words", "reference_ends")]
    return "; ".join(part for part in parts if part and part != BOTH)


def _text(value: object) -> str:
    return "" if value is None or value != value else str(value)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")


def _optional(value: object) -> float | None:
    number = _number(value)
    return None if number != number else number
