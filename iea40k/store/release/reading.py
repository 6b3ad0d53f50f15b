"""A release as its users read it: tables, arrays, and where each image lies in them."""

import difflib
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from operator import index as as_index
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from iea40k.errors import (
    BadInputError,
    CorruptDataError,
    NotThereError,
    OutOfRangeError,
    StoreError,
    UnknownKeyError,
)
from iea40k.files import AnyPath, read_plain_file
from iea40k.parquet import read_parquet
from iea40k.places import address_of
from iea40k.store.kinds import mistaken
from iea40k.store.release import content, notebook
from iea40k.store.release.array_check import checked_array
from iea40k.store.release.content import HEAD
from iea40k.store.release.image import ReleaseImage
from iea40k.store.release.root import root_digest
from iea40k.store.release.splits import SPLITS
from iea40k.store.remote.origin import Origin, open_origin
from iea40k.store.scenes import newer_format
from iea40k.store.shards import ShardedArray
from iea40k.texts import parse_json

FORMAT = "iea40k-release"
FORMAT_VERSION = 2
READABLE = (1, 2)
"""Format 1 had `uncertainty` as an entry a scene: the spread of the experts' luma, uint16 in 1/32640."""


class Release:
    """A release on disk, or on a server. `Release.open(path)` reads its head; the rest is read when asked for.

    `release["a0001_N1"]` and `release[0]` are images, `len(release)` counts them, and iterating goes over them.
    For whole columns, and to read parts of pictures: `images`, `scenes`, `splits` and `provenance` are pandas tables;
    an image with `frame` and `index` is entry `index` of `array(frame, "exposures")` and its siblings; its reference
    is entry `scene_index` of `array(frame, "reference")`.

    `path` is its folder; of a release on a server, `origin`, the folder in the cache where it comes to lie by parts.
    """

    def __init__(self, path: AnyPath, head: Mapping[str, Any], origin: Origin | None = None) -> None:
        self.path = Path(path)
        self.head = head
        self.origin = origin

    def __repr__(self) -> str:
        head = self.head
        name, images, scenes = (head.get(key, "?") for key in ("name", "images", "scenes"))
        return f"<Release {name} {self.version} in {self.where!r}: {images} images of {scenes} scenes>"

    def __reduce__(self) -> tuple[object, ...]:
        return Release, (self.path, self.head, self.origin)

    def _repr_html_(self) -> str:
        return notebook.release_html(self)

    def __len__(self) -> int:
        return len(self.images)

    def __iter__(self) -> Iterator[ReleaseImage]:
        return (self[number] for number in range(len(self)))

    def __contains__(self, image_id: object) -> bool:
        return image_id in self._numbers

    def __getitem__(self, key: str | int) -> ReleaseImage:
        """Return an image by its id, "SCENE_LEVEL", or by its row in `images` (negative counts from the end).

        Raises `UnknownKeyError` (a `KeyError`) or `OutOfRangeError` (an `IndexError`).
        """
        row = self._number_of(key) if isinstance(key, str) else as_index(key)
        if not -len(self) <= row < len(self):
            raise OutOfRangeError.of("the release", "image", row, len(self), self.where)
        return ReleaseImage(self, {str(name): value for name, value in self.images.iloc[row].items()})

    @classmethod
    def open(
        cls,
        path: AnyPath,
        *,
        storage_options: Mapping[str, Any] | None = None,
        cache: AnyPath | None = None,
        cache_gib: float | None = None,
    ) -> "Release":
        """Open a release in a folder or at an address. Raises `StoreError` where there is none, or a newer format.

        An address is https://, s3:// or another that fsspec knows; `storage_options` go to fsspec. What is fetched is
        kept in the folder `cache` (by default IEA40K_CACHE, else the user's own), up to `cache_gib` (IEA40K_CACHE_GIB).
        """
        address = address_of(path)
        if address is not None:
            origin, data = open_origin(
                address, storage_options=storage_options, cache=cache, cache_gib=cache_gib
            )
            return cls(origin.folder, _checked_head(lambda: data, origin.transport.shown(HEAD)), origin)
        path = Path(path)
        file = path / HEAD
        try:
            return cls(path, _checked_head(lambda: read_plain_file(file), file))
        except (FileNotFoundError, NotADirectoryError) as error:
            what, remedy = mistaken(path, "release") or (
                "there is no release here",
                "make one with `iea40k release STORE OUT --version X.Y.Z`",
            )
            expected = f"a folder with {HEAD}, which is written last"
            raise NotThereError(what, where=path, expected=expected, remedy=remedy) from error

    @property
    def where(self) -> str:
        """Where it lies, for people: its folder or its address."""
        return str(self.path) if self.origin is None else self.origin.where

    @property
    def uncertainty_is_of_scenes(self) -> bool:
        """Whether `uncertainty` has an entry a scene, as in format 1, and not an entry an image."""
        return self.head.get("format_version") == 1

    @property
    def version(self) -> str:
        """The release's own version, X.Y.Z."""
        return str(self.head["version"])

    @property
    def digest(self) -> str:
        """The sha256 of SHA256SUMS: one number that stands for every byte of the release."""
        return str(self.head["sha256sums"])

    @property
    def carries_root(self) -> bool:
        """Whether the release was published with a root digest and a digest of every row, as older ones were not."""
        return "root" in self.head

    @property
    def root(self) -> str:
        """The root digest, computed from release.json now: the number to note elsewhere (`root.py`)."""
        return root_digest(self.path)

    @property
    def split_schemes(self) -> tuple[str, ...]:
        """The names of the split schemes: five random ones, and those that the manifest gave."""
        return tuple(name for name in self.splits.columns if name != "scene_id")

    @cached_property
    def images(self) -> pd.DataFrame:
        """One row an exposure; docs/formats.md has the columns."""
        return self._table("images")

    @cached_property
    def scenes(self) -> pd.DataFrame:
        """One row a scene."""
        return self._table("scenes")

    @cached_property
    def splits(self) -> pd.DataFrame:
        """One row a scene: its split ("train", "valid", "test") in each scheme."""
        return self._table("splits")

    @cached_property
    def provenance(self) -> pd.DataFrame:
        """One row an image and annotator who corrected it."""
        return self._table("provenance")

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {image_id: number for number, image_id in enumerate(self.images["image_id"])}

    def _number_of(self, image_id: str) -> int:
        if image_id in self._numbers:
            return self._numbers[image_id]
        near = difflib.get_close_matches(image_id, self._numbers, n=3)
        raise UnknownKeyError(
            "the release has no such image",
            where=self.where,
            expected=f"SCENE_LEVEL, such as {' or '.join(near or list(self._numbers)[:3])}",
            got=image_id,
            remedy="`release.images` lists all of them",
        )

    def images_of(self, scheme: str, split: str) -> pd.DataFrame:
        """Return the images whose scene is in a split of a scheme, in the order of `images`."""
        if scheme not in self.split_schemes:
            raise BadInputError(
                "the release has no such split scheme",
                where=self.where,
                expected=", ".join(self.split_schemes),
                got=scheme,
            )
        if split not in SPLITS:
            raise BadInputError(
                "there is no such split",
                where=self.where,
                expected=" or ".join(SPLITS),
                got=split,
                remedy=f"name the scheme apart from it: {', '.join(self.split_schemes)}",
            )
        chosen = self.splits.loc[self.splits[scheme] == split, "scene_id"]
        return self.images[self.images["scene_id"].isin(chosen)]

    def frames(self) -> tuple[str, ...]:
        """Return the frame shapes, such as "512x768" (height x width), sorted."""
        if self.origin is not None:
            parts = [name.split("/") for name in self.origin.sums if name.startswith(f"{content.ARRAYS}/")]
            return tuple(sorted({names[1] for names in parts if len(names) > 2}))
        return tuple(sorted(p.name for p in (self.path / content.ARRAYS).glob("*") if p.is_dir()))

    def has_array(self, frame: str, name: str) -> bool:
        """Return whether frames of this shape have an array of this name."""
        file = content.metadata_file(frame, name)
        return (self.path / file).is_file() if self.origin is None else self.origin.has(file)

    def array(self, frame: str, name: str) -> ShardedArray:
        """Return a reader of an array: "exposures", "residual", "outliers", "reference", ...

        Raises `CorruptDataError` where its metadata are not what release.json says of it.
        """
        if self.origin is None:
            return checked_array(self.path, self.head, frame, name)
        self.origin.file(content.metadata_file(frame, name))
        return checked_array(self.path, self.head, frame, name, self.origin.opens)

    def arrow(self, name: str) -> pa.Table:
        """Return a table of `tables/` as Arrow has it, with its own types. Raises `CorruptDataError`."""
        file = self.path / content.TABLES / f"{name}.parquet"
        try:
            if self.origin is not None:
                file = self.origin.file(f"{content.TABLES}/{name}.parquet")
            return read_parquet(file)
        except FileNotFoundError as error:
            raise CorruptDataError("a table is missing", where=file) from error
        except (pa.ArrowException, OSError, ValueError, BadInputError) as error:
            if isinstance(error, StoreError):
                raise
            raise CorruptDataError("a table cannot be read", where=file, got=str(error)) from error

    def _table(self, name: str) -> pd.DataFrame:
        table: pd.DataFrame = self.arrow(name).to_pandas()
        return table


def _checked_head(read: Callable[[], bytes], where: str | Path) -> dict[str, Any]:
    """Return what release.json says. Raises `StoreError` where it is none, or one of a newer format."""
    try:
        head = parse_json(read())
    except ValueError as error:
        raise CorruptDataError(f"{HEAD} cannot be read", where=where, got=str(error)) from error
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise NotThereError("this folder is not a release", where=where, expected=f'"format": "{FORMAT}"')
    if head.get("format_version") not in READABLE:
        raise newer_format(where, FORMAT_VERSION, head.get("format_version"))
    return head
