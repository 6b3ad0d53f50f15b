"""What release.json says of an array against what the array's own metadata say, before a pixel is believed.

A changed dtype, byte order or order of axes would decode to other numbers without an error; a release fixes them.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from iea40k.errors import CorruptDataError
from iea40k.files import sha256_file
from iea40k.store.codecs import DTYPES, memory_order
from iea40k.store.release import content
from iea40k.store.shard_files import OpenShard, open_local
from iea40k.store.shard_layout import Layout, read_layout
from iea40k.store.shards import ShardedArray

_PICTURES = ("exposures", "reference")


def of_scenes(head: Mapping[str, Any], name: str) -> bool:
    """Return whether an array has an entry a scene and not an entry an image; in format 1 `uncertainty` had too."""
    return name == "reference" or (name == "uncertainty" and head.get("format_version") == 1)


def dtype_of(head: Mapping[str, Any], name: str) -> np.dtype[Any]:
    """Return the dtype of an array in a release of this head."""
    old = name == "uncertainty" and head.get("format_version") == 1
    return np.dtype(np.uint16) if old else DTYPES[name]


def array_facts(path: Path, frame: str, name: str) -> dict[str, Any]:
    """Return what release.json keeps of an array of the release at `path`: shape, dtype, sha256 of its metadata."""
    layout = read_layout(path / content.ARRAYS / frame / name)
    return {
        "shape": list(layout.shape),
        "dtype": layout.chunk.dtype.name,
        "zarr_json": sha256_file(path / content.metadata_file(frame, name)),
    }


def checked_array(
    path: Path, head: Mapping[str, Any], frame: str, name: str, opens: OpenShard = open_local
) -> ShardedArray:
    """Return the reader of an array of the release at `path`, whose release.json is `head`.

    Raises `CorruptDataError` where the array's metadata are not those that were published; in a release that kept no
    digest of them, where shape, dtype, byte order or order of axes are not what the array's name and frame ask for.
    """
    array = ShardedArray(path / content.ARRAYS / frame / name, opens)
    kept: Any = head.get("arrays")
    for key in (frame, name):
        kept = kept.get(key) if isinstance(kept, Mapping) else None
    if kept is None:
        expected, found = _expected(head, frame, name, array.layout), _told(array.layout)
    else:
        expected, found = kept, array_facts(path, frame, name)
    if not isinstance(expected, Mapping) or expected != found:
        raise CorruptDataError(
            f"{name}: the array's metadata are not what {content.HEAD} says",
            where=path / content.metadata_file(frame, name),
            expected=_words(expected) if isinstance(expected, Mapping) else str(expected),
            got=_words(found),
            remedy="fetch this file again",
        )
    return array


def _expected(head: Mapping[str, Any], frame: str, name: str, layout: Layout) -> dict[str, Any]:
    told = _told(layout)
    if name not in DTYPES:
        return told
    dtype = dtype_of(head, name)
    expected = {**told, "dtype": dtype.name, "order": memory_order(name, len(layout.shape))}
    if dtype.itemsize > 1:
        expected["little_endian"] = True
    count = head.get("frames", {}).get(frame, {}).get("scenes" if of_scenes(head, name) else "images")
    height, _, width = frame.partition("x")
    if isinstance(count, int) and height.isdecimal() and width.isdecimal():
        expected["shape"] = [count, int(height), int(width), *([3] if name in _PICTURES else [])]
    return expected


def _told(layout: Layout) -> dict[str, Any]:
    return {
        "shape": list(layout.shape),
        "dtype": layout.chunk.dtype.name,
        "order": layout.chunk.order,
        "little_endian": layout.chunk.dtype.newbyteorder("<") == layout.chunk.dtype,
    }


def _words(facts: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in facts.items())
