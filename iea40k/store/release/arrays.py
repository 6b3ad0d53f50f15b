"""The arrays of a release: one Zarr v3 group a frame shape, one writer a shard, each shard read back and compared."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from iea40k.arrays import INVALID_CODE, RESIDUAL_SCALE, check_codes
from iea40k.errors import ArrayError, CorruptDataError
from iea40k.files import fsync_tree, sha256_file
from iea40k.recipe import canonical_json
from iea40k.store.codecs import DTYPES, FILL, create_array
from iea40k.store.descriptions import CONVENTIONS
from iea40k.store.digests import array_digest
from iea40k.store.layout import Store
from iea40k.store.release import content
from iea40k.store.release.journal import Journal
from iea40k.store.release.labels import Labels, LabelsOf, base_labels
from iea40k.store.release.plan import Frame, Plan, PlannedScene
from iea40k.store.scenes import StoredScene
from iea40k.store.shard_writing import write_shard
from iea40k.store.shards import ShardedArray
from iea40k.store.tiles import covering, tile_shape
from iea40k.uncertainty import UNKNOWN, sd_of

IMAGES, SCENES = "images", "scenes"  # the two kinds of pieces of a frame
_PICTURES = ("exposures", "reference")

Progress = Callable[[int, int, str], None]
Stacks = dict[str, NDArray[Any]]


SCENE_ARRAYS = ("reference",)
"""The arrays with an entry a scene."""


def image_arrays(frame: Frame, corrected: bool) -> tuple[str, ...]:
    """Return the arrays with an entry an image."""
    known = ("uncertainty",) if frame.has_uncertainty else ()
    return ("exposures", "residual", "outliers", *known, *(("touched", "spread") if corrected else ()))


def write_arrays(
    store: Store, plan: Plan, journal: Journal, labels_of: LabelsOf | None, progress: Progress
) -> None:
    """Write every shard that the journal does not have yet. `progress(images done, images, frame)`."""
    writer = _Writer(store, journal, labels_of)
    root = zarr.open_group(journal.folder / content.ARRAYS, mode="a", zarr_format=3)
    done = 0
    for frame in plan.frames:
        group = root.require_group(frame.name)
        if not group.attrs:
            group.attrs["Conventions"] = CONVENTIONS
        writer.prepare(frame, group)
        for run in frame.scene_shards():
            writer.write(frame, SCENES, run)
        for run in frame.image_shards():
            writer.write(frame, IMAGES, run)
            done += run[1] - run[0]
            progress(done, plan.images, frame.name)


class _Writer:
    """Writes pieces: one shard of each array of a kind, for a run of images or scenes of one frame."""

    def __init__(self, store: Store, journal: Journal, labels_of: LabelsOf | None) -> None:
        self.journal = journal
        self.corrected = labels_of is not None
        self._store = store
        self._labels_of = labels_of or base_labels
        self._load = lru_cache(maxsize=1)(self._read_scene)

    def prepare(self, frame: Frame, group: zarr.Group) -> None:
        """Create the arrays of a frame that are not there yet."""
        tile = tile_shape(frame.shape)
        whole = covering(frame.shape, tile)
        for names, count, entries in (
            (image_arrays(frame, self.corrected), frame.images, "image"),
            (SCENE_ARRAYS, len(frame.scenes), "scene"),
        ):
            for name in names:
                if name not in group:
                    planes = (3,) if name in _PICTURES else ()
                    shard = (min(frame.per_shard, count), *whole, *planes)
                    shape, chunk = (count, *frame.shape, *planes), (1, *tile, *planes)
                    create_array(group, name, shape, chunk, shard, entries)

    def write(self, frame: Frame, kind: str, run: tuple[int, int]) -> None:
        """Write one piece, unless the journal has it."""
        piece = f"{kind}/{frame.name}/{run[0]}"
        if piece in self.journal.done:
            return
        names = image_arrays(frame, self.corrected) if kind == IMAGES else SCENE_ARRAYS
        stacks = _empty_stacks(names, run[1] - run[0], frame.shape)
        rows = (self._fill_images if kind == IMAGES else self._fill_scenes)(frame, run, stacks)
        files = {}
        for name, stack in stacks.items():
            folder = self.journal.folder / content.ARRAYS / frame.name / name
            count = frame.images if kind == IMAGES else len(frame.scenes)
            file = write_shard(folder, run[0] // min(frame.per_shard, count), stack)
            files.update(self._settle(folder, file, stack, run))
        self.journal.record(piece, files, rows)

    # ------------------------------------------------------------ private

    def _fill_images(self, frame: Frame, run: tuple[int, int], stacks: Stacks) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for index, scene, position in frame.images_between(*run):
            stored, labels = self._load(scene.scene_id)
            level, place = scene.levels[position], index - run[0]
            source = stored.levels.index(level)
            stacks["exposures"][place] = stored.exposure(level)
            stacks["outliers"][place] = stored.outliers(level)
            stacks["residual"][place] = labels.residual[source]
            uncertainty = stored.uncertainty(level)
            if uncertainty is not None:
                stacks["uncertainty"][place] = uncertainty
            if self.corrected and labels.touched is not None:
                stacks["touched"][place] = labels.touched[source]
            if self.corrected and labels.disagreement is not None:
                stacks["spread"][place] = labels.disagreement[source]
            rows.append(
                _image_row(scene, level, {name: stack[place] for name, stack in stacks.items()}, labels)
            )
        return rows

    def _fill_scenes(self, frame: Frame, run: tuple[int, int], stacks: Stacks) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for scene in frame.scenes[run[0] : run[1]]:
            stored, labels = self._load(scene.scene_id)
            place = scene.index - run[0]
            stacks["reference"][place] = stored.reference() if labels.reference is None else labels.reference
            rows.append(
                {
                    "scene_id": scene.scene_id,
                    "recipe": canonical_json(stored.recipe),
                    "sha256_reference": array_digest(stacks["reference"][place]),
                }
            )
        return rows

    def _read_scene(self, scene_id: str) -> tuple[StoredScene, Labels]:
        stored = self._store.open_scene(scene_id)
        labels = self._labels_of(stored)
        _check_labels(stored, labels)
        return stored, labels

    def _settle(self, folder: Path, file: Path, stack: NDArray[Any], run: tuple[int, int]) -> dict[str, str]:
        """Read a shard back, compare it, flush it to the disk, and return its file's checksum."""
        written = ShardedArray(folder)
        for place, entry in enumerate(stack):
            if not np.array_equal(written[run[0] + place], entry):
                raise CorruptDataError(
                    "what was written does not read back as it was",
                    where=folder,
                    got=f"entry {run[0] + place} differs",
                    remedy="check this disk",
                )
        fsync_tree(folder / "c" / file.relative_to(folder).parts[1])
        return {file.relative_to(self.journal.folder).as_posix(): sha256_file(file)}


def _empty_stacks(names: tuple[str, ...], count: int, shape: tuple[int, int]) -> Stacks:
    stacks = {}
    for name in names:
        full = (count, *shape, 3) if name in _PICTURES else (count, *shape)
        # Where a scene has no uncertainty or an image no spread, that is unknown, not zero.
        fill = FILL[name] if name in ("uncertainty", "spread") else 0
        stacks[name] = np.full(full, fill, DTYPES[name])
    return stacks


def _image_row(scene: PlannedScene, level: str, frames: Stacks, labels: Labels) -> dict[str, Any]:
    codes = frames["residual"]
    return {
        "scene_id": scene.scene_id,
        "level": level,
        **residual_statistics(codes),
        "uncertainty": mean_uncertainty(frames["uncertainty"]) if "uncertainty" in frames else None,
        "touched_fraction": float(frames["touched"].mean()) if "touched" in frames else 0.0,
        "sha256_exposure": array_digest(frames["exposures"]),
        "sha256_residual": array_digest(codes),
        "provenance": [vars(p) for p in labels.provenance if p.level == level],
    }


def residual_statistics(codes: NDArray[np.int16]) -> dict[str, float | None]:
    """Return `valid_fraction`, `mean_abs_residual` over valid pixels and `score` = 10 (1 - mean), None without any."""
    valid = codes != INVALID_CODE
    count = int(valid.sum())
    total = int(np.abs(codes[valid].astype(np.int32)).sum(dtype=np.int64))
    mean = total / (count * RESIDUAL_SCALE) if count else None
    return {
        "valid_fraction": count / codes.size,
        "mean_abs_residual": mean,
        "score": None if mean is None else 10 * (1 - mean),
    }


def mean_uncertainty(codes: NDArray[np.uint8]) -> float | None:
    """Return the root mean square of an image's standard deviations where they are known, None where nowhere."""
    squares = np.square(sd_of(codes[codes != UNKNOWN]), dtype=np.float64)
    return float(np.sqrt(squares.mean())) if squares.size else None


def _check_labels(scene: StoredScene, labels: Labels) -> None:
    check_codes(labels.residual)
    shape = (len(scene.levels), *scene.shape)
    expected: dict[str, tuple[NDArray[Any] | None, tuple[int, ...], type]] = {
        "residual": (labels.residual, shape, np.int16),
        "touched": (labels.touched, shape, np.bool_),
        "spread": (labels.disagreement, shape, np.uint16),
        "reference": (labels.reference, (*scene.shape, 3), np.uint8),
    }
    for name, (array, wanted, dtype) in expected.items():
        if array is not None and (array.shape != wanted or array.dtype != dtype):
            raise ArrayError(
                f"{name}: wrong shape or dtype",
                where=scene.scene_id,
                expected=f"{wanted} {np.dtype(dtype)}",
                got=f"{array.shape} {array.dtype}",
            )
