"""The arrays of a release: one Zarr v3 group a frame shape, one writer a shard, each shard read back and compared."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
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
from iea40k.store.each import Each
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
    store: Store,
    plan: Plan,
    journal: Journal,
    labels_of: LabelsOf | None,
    progress: Progress,
    each: Each = map,
) -> None:
    """Write every shard that the journal does not have yet. `progress(images done, images, frame)`."""
    writer = _Writer(store, journal.folder, labels_of)
    root = zarr.open_group(journal.folder / content.ARRAYS, mode="a", zarr_format=3)
    for frame in plan.frames:
        group = root.require_group(frame.name)
        if not group.attrs:
            group.attrs["Conventions"] = CONVENTIONS
        writer.prepare(frame, group)
    pieces = [piece for frame in plan.frames for piece in _pieces(frame, writer.corrected)]
    to_write = [piece for piece in pieces if piece.name not in journal.done]
    done = sum(len(piece.images) for piece in pieces) - sum(len(piece.images) for piece in to_write)
    for piece, (files, rows) in zip(to_write, each(writer.write, to_write), strict=True):
        journal.record(piece.name, files, rows)
        done += len(piece.images)
        progress(done, plan.images, piece.frame)


@dataclass(frozen=True)
class _Piece:
    """One shard of each array of a kind: entries `first` ... `last` - 1 of a frame, of `images` or of `scenes`."""

    name: str
    frame: str
    shape: tuple[int, int]
    arrays: tuple[str, ...]
    shard: int
    first: int
    last: int
    images: tuple[tuple[int, PlannedScene, int], ...] = ()
    scenes: tuple[PlannedScene, ...] = ()


def _pieces(frame: Frame, corrected: bool) -> Iterator[_Piece]:
    for first, last in frame.scene_shards():
        shard = first // min(frame.per_shard, len(frame.scenes))
        name = f"{SCENES}/{frame.name}/{first}"
        scenes = frame.scenes[first:last]
        yield _Piece(name, frame.name, frame.shape, SCENE_ARRAYS, shard, first, last, scenes=scenes)
    names = image_arrays(frame, corrected)
    for first, last in frame.image_shards():
        shard = first // min(frame.per_shard, frame.images)
        name = f"{IMAGES}/{frame.name}/{first}"
        images = tuple(frame.images_between(first, last))
        yield _Piece(name, frame.name, frame.shape, names, shard, first, last, images=images)


class _Writer:
    """Writes pieces: one shard of each array of a kind. Travels to whatever process writes a piece."""

    def __init__(self, store: Store, folder: Path, labels_of: LabelsOf | None) -> None:
        self.folder = folder
        self.corrected = labels_of is not None
        self._store = store
        self._labels_of = labels_of
        self._loaded: tuple[StoredScene, Labels] | None = None

    def __reduce__(self) -> tuple[object, ...]:
        return _Writer, (self._store, self.folder, self._labels_of)

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

    def write(self, piece: _Piece) -> tuple[dict[str, str], list[dict[str, Any]]]:
        """Write one piece; return path -> sha256 of its files, and its rows for the tables."""
        stacks = _empty_stacks(piece.arrays, piece.last - piece.first, piece.shape)
        rows = self._fill_images(piece, stacks) if piece.images else self._fill_scenes(piece, stacks)
        files = {}
        for name, stack in stacks.items():
            folder = self.folder / content.ARRAYS / piece.frame / name
            file = write_shard(folder, piece.shard, stack)
            files.update(self._settle(folder, file, stack, piece.first))
        return files, rows

    # ------------------------------------------------------------ private

    def _fill_images(self, piece: _Piece, stacks: Stacks) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for index, scene, position in piece.images:
            stored, labels = self._load(scene.scene_id)
            level, place = scene.levels[position], index - piece.first
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

    def _fill_scenes(self, piece: _Piece, stacks: Stacks) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for scene in piece.scenes:
            stored, labels = self._load(scene.scene_id)
            place = scene.index - piece.first
            stacks["reference"][place] = stored.reference() if labels.reference is None else labels.reference
            rows.append(
                {
                    "scene_id": scene.scene_id,
                    "recipe": canonical_json(stored.recipe),
                    "sha256_reference": array_digest(stacks["reference"][place]),
                }
            )
        return rows

    def _load(self, scene_id: str) -> tuple[StoredScene, Labels]:
        """Return a scene and its labels; the last one asked for is at hand."""
        if self._loaded is None or self._loaded[0].scene_id != scene_id:
            stored = self._store.open_scene(scene_id)
            labels = (self._labels_of or base_labels)(stored)
            _check_labels(stored, labels)
            self._loaded = stored, labels
        return self._loaded

    def _settle(self, folder: Path, file: Path, stack: NDArray[Any], first: int) -> dict[str, str]:
        """Read a shard back, compare it, flush it to the disk, and return its file's checksum."""
        written = ShardedArray(folder)
        for place, entry in enumerate(stack):
            if not np.array_equal(written[first + place], entry):
                raise CorruptDataError(
                    "what was written does not read back as it was",
                    where=folder,
                    got=f"entry {first + place} differs",
                    remedy="check this disk",
                )
        fsync_tree(folder / "c" / file.relative_to(folder).parts[1])
        return {file.relative_to(self.folder).as_posix(): sha256_file(file)}


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
