"""The pixels of a release against its tables: shapes, dtypes, code ranges, digests and statistics of every entry."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from iea40k.arrays import check_codes
from iea40k.errors import CorruptDataError, IEAError, Place, StoreError
from iea40k.store.codecs import DTYPES
from iea40k.store.digests import array_digest
from iea40k.store.each import Each
from iea40k.store.release import content
from iea40k.store.release.array_check import dtype_of, of_scenes
from iea40k.store.release.arrays import mean_uncertainty, residual_statistics
from iea40k.store.release.reading import Release
from iea40k.store.shards import ShardedArray
from iea40k.uncertainty import ONE, UNKNOWN

Progress = Callable[[int, int, str], None]
_TOGETHER = 64
"""Entries that are read in one piece of work."""

_PICTURES = ("exposures", "reference")
_NEVER_ABSENT = ("exposures", "residual", "outliers", "reference")


def pixel_problems(release: Release, report: Progress, each: Each = map) -> Iterator[IEAError]:
    """Yield every problem of the arrays, reading each entry once. `report(images done, images, "pixels")`."""
    listed = set(release.images["frame"])
    for frame in sorted(set(release.frames()) - listed):
        yield CorruptDataError("no image is in this frame", where=release.path / content.ARRAYS / frame)
    done = 0
    for frame in sorted(listed):
        images = release.images[release.images["frame"] == frame].sort_values("index")
        scenes = release.scenes[release.scenes["frame"] == frame].sort_values("index")
        yield from _places(release, frame, images, scenes)
        yield from _Readers(release, frame, len(scenes), len(images)).problems
        counts = len(scenes), len(images)
        for found in each(partial(_scene_rows, release, frame, counts), list(_some(scenes))):
            yield from found
        rows = list(_some(images))
        for some, found in zip(rows, each(partial(_image_rows, release, frame, counts), rows), strict=True):
            yield from found
            done += len(some)
            report(done, len(release.images), "pixels")


Row = dict[str, Any]


class _Readers:
    """The arrays of a frame that can be read, by name, and the problems of the others."""

    def __init__(self, release: Release, frame: str, scenes: int, images: int) -> None:
        self.by_name: dict[str, ShardedArray] = {}
        self.problems: list[IEAError] = []
        for name in DTYPES:
            try:
                reader = _reader(release, frame, name, scenes if of_scenes(release.head, name) else images)
            except StoreError as error:
                self.problems.append(error)
            else:
                if reader is not None:
                    self.by_name[name] = reader


def _some(table: pd.DataFrame) -> Iterator[list[Row]]:
    """Yield the rows of a table, as many at once as are read in one piece of work."""
    for start in range(0, len(table), _TOGETHER):
        rows = table.iloc[start : start + _TOGETHER].to_dict("records")
        yield [{str(name): value for name, value in row.items()} for row in rows]


def _scene_rows(release: Release, frame: str, counts: tuple[int, int], rows: list[Row]) -> list[IEAError]:
    readers = _Readers(release, frame, *counts).by_name
    return [problem for row in rows for problem in _scene_pixels(release, readers, row)]


def _image_rows(release: Release, frame: str, counts: tuple[int, int], rows: list[Row]) -> list[IEAError]:
    readers = _Readers(release, frame, *counts).by_name
    return [problem for row in rows for problem in _image_pixels(release, readers, row)]


def table_problem(release: Release, table: str, column: str, what: str, value: str) -> IEAError:
    """Return the error of a table's value: `what` says what is wrong with it."""
    file = release.path / content.TABLES / f"{table}.parquet"
    return CorruptDataError(f"{value!r} {what}", where=Place(file, column=column))


def _places(release: Release, frame: str, images: pd.DataFrame, scenes: pd.DataFrame) -> Iterator[IEAError]:
    for name, table in (("images", images), ("scenes", scenes)):
        if list(table["index"]) != list(range(len(table))):
            yield table_problem(release, name, "index", "has gaps or repeats in its indices", frame)
    places = dict(zip(scenes["scene_id"], scenes["index"], strict=True))
    for row in images.to_dict("records"):
        if places.get(row["scene_id"]) != row["scene_index"]:
            yield table_problem(
                release, "images", "scene_index", "points to another scene's reference", row["image_id"]
            )


def _reader(release: Release, frame: str, name: str, count: int) -> ShardedArray | None:
    """Return the reader of an array, None where it may be and is absent; raise where it is not as it must be."""
    height, _, width = frame.partition("x")
    if not (height.isdecimal() and width.isdecimal()):
        raise CorruptDataError("not a frame shape", where=release.path, expected="HEIGHTxWIDTH", got=frame)
    if name not in _NEVER_ABSENT and not release.has_array(frame, name):
        return None
    reader = release.array(frame, name)
    expected = (count, int(height), int(width), *((3,) if name in _PICTURES else ()))
    dtype = dtype_of(release.head, name)
    if reader.shape != expected or reader.dtype != dtype:
        raise CorruptDataError(
            f"{name}: wrong shape or dtype",
            where=reader.folder,
            expected=f"{expected} {dtype}",
            got=f"{reader.shape} {reader.dtype}",
        )
    return reader


def _image_pixels(
    release: Release, readers: dict[str, ShardedArray], row: dict[str, Any]
) -> Iterator[IEAError]:
    for name in ("outliers", "touched", "spread"):
        try:
            values = _entry(readers, name, row["index"])
        except (CorruptDataError, IndexError) as error:
            yield _unreadable(error, readers[name], row["image_id"])
        else:
            if name == "touched" and values is not None and values.max() > 1:
                yield _differs(readers[name], row["image_id"], "touched", "0 or 1", str(values.max()))
    if not release.uncertainty_is_of_scenes:
        yield from _image_uncertainty(readers, row)
    yield from _compare(readers, "exposures", row["index"], row["image_id"], row["sha256_exposure"])
    try:
        codes = _entry(readers, "residual", row["index"])
        if codes is None:
            return
        check_codes(codes, f"residual of {row['image_id']}")
    except (IEAError, IndexError) as error:
        yield _unreadable(error, readers["residual"], row["image_id"])
        return
    yield from _digest(readers["residual"], codes, row["image_id"], row["sha256_residual"])
    # The code of "no data" is allowed where, and as often as, the table says so; and nowhere without any data.
    for name, value in residual_statistics(codes).items():
        if not _equal(row[name], value):
            yield _differs(readers["residual"], row["image_id"], name, str(row[name]), str(value))
    if row["valid_fraction"] == 0:
        yield _differs(readers["residual"], row["image_id"], "valid_fraction", "some valid pixels", "none")


def _scene_pixels(
    release: Release, readers: dict[str, ShardedArray], row: dict[str, Any]
) -> Iterator[IEAError]:
    yield from _compare(readers, "reference", row["index"], row["scene_id"], row["sha256_reference"])
    if row["has_uncertainty"]:
        if "uncertainty" not in readers:
            yield CorruptDataError("the scene's uncertainty is missing", where=row["scene_id"])
            return
        if not release.uncertainty_is_of_scenes:
            return
        try:
            _entry(readers, "uncertainty", row["index"])
        except (CorruptDataError, IndexError) as error:
            yield _unreadable(error, readers["uncertainty"], row["scene_id"])


def _image_uncertainty(readers: dict[str, ShardedArray], row: dict[str, Any]) -> Iterator[IEAError]:
    try:
        codes = _entry(readers, "uncertainty", row["index"])
    except (CorruptDataError, IndexError) as error:
        yield _unreadable(error, readers["uncertainty"], row["image_id"])
        return
    if codes is None:
        return
    if ((codes > ONE) & (codes != UNKNOWN)).any():
        meaning = f"0 ... {ONE}, or {UNKNOWN} for unknown"
        worst = str(int(codes[codes != UNKNOWN].max()))
        yield _differs(readers["uncertainty"], row["image_id"], "uncertainty", meaning, worst)
    elif not _equal(row["uncertainty"], found := mean_uncertainty(codes)):
        yield _differs(
            readers["uncertainty"], row["image_id"], "uncertainty", str(row["uncertainty"]), str(found)
        )


def _compare(
    readers: dict[str, ShardedArray], name: str, index: int, item: str, sha: str
) -> Iterator[IEAError]:
    try:
        values = _entry(readers, name, index)
    except (CorruptDataError, IndexError) as error:
        yield _unreadable(error, readers[name], item)
    else:
        if values is not None:
            yield from _digest(readers[name], values, item, sha)


def _digest(reader: ShardedArray, values: NDArray[Any], item: str, sha: str) -> Iterator[IEAError]:
    found = array_digest(values)
    if found != sha:
        yield _differs(reader, item, "digest of the pixels", f"sha256 {sha}", f"sha256 {found}")


def _entry(readers: dict[str, ShardedArray], name: str, index: int) -> NDArray[Any] | None:
    return readers[name][index] if name in readers else None


def _equal(table: float | None, pixels: float | None) -> bool:
    if pixels is None or table is None or np.isnan(table):
        return pixels is None and (table is None or bool(np.isnan(table)))
    return table == pixels


def _differs(reader: ShardedArray, item: str, what: str, expected: str, got: str) -> IEAError:
    return CorruptDataError(
        f"{item}: {what} is not what the tables say", where=reader.folder, expected=expected, got=got
    )


def _unreadable(error: Exception, reader: ShardedArray, item: str) -> IEAError:
    where = error.where if isinstance(error, IEAError) else None
    what = error.what if isinstance(error, IEAError) else str(error)
    got = error.got if isinstance(error, IEAError) else None
    return CorruptDataError(f"{item} cannot be read: {what}", where=where or reader.folder, got=got)
