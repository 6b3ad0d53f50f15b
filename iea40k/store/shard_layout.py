"""How a sharded Zarr v3 array lies in its files, read from its metadata; layouts that are not ours are refused."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from iea40k.errors import CorruptDataError, StoreError
from iea40k.files import read_plain_file
from iea40k.store.decoding import ChunkCodec, parse_codecs
from iea40k.texts import parse_json

_MOST_BYTES = 1 << 31  # of an entry or an inner chunk, decoded: twenty times the largest camera's


@dataclass(frozen=True)
class Layout:
    """What the metadata of an array says: its whole shape, its inner and outer chunks, and how they are coded."""

    shape: tuple[int, ...]
    shard: tuple[int, ...]
    chunk: ChunkCodec
    index_crc: bool
    separator: str

    @cached_property
    def grid(self) -> tuple[int, ...]:
        """Inner chunks a shard, along each axis."""
        return tuple(side // step for side, step in zip(self.shard, self.chunk.shape, strict=True))

    @property
    def chunks(self) -> int:
        """Inner chunks a shard."""
        return math.prod(self.grid)


def shard_file(folder: Path, layout: Layout, shard: int) -> Path:
    """Return where a shard of the array in `folder` lies."""
    return folder / layout.separator.join(["c", str(shard), *["0"] * (len(layout.shape) - 1)])


def read_layout(folder: Path) -> Layout:
    """Return the layout of the array in `folder`. Raises `StoreError` where it is absent or not one of ours."""
    file = folder / "zarr.json"
    try:
        metadata = parse_json(read_plain_file(file))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise CorruptDataError("an array is missing", where=folder) from error
    except ValueError as error:
        raise CorruptDataError(
            "the metadata of an array cannot be read", where=file, got=str(error)
        ) from error
    try:
        return _parse(metadata)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
        raise StoreError(
            "the layout of this array is not one that the direct reader knows",
            where=file,
            expected="Zarr v3, sharded, entries whole or cut into tiles",
            got=str(error),
            remedy="read it with zarr-python",
        ) from error


def _parse(metadata: Mapping[str, Any]) -> Layout:
    if metadata["node_type"] != "array" or metadata["chunk_grid"]["name"] != "regular":
        raise ValueError("not an array on a regular grid")
    (codec,) = metadata["codecs"]
    options = codec["configuration"]
    index_codecs = [c["name"] for c in options["index_codecs"]]
    if codec["name"] != "sharding_indexed" or options.get("index_location", "end") != "end":
        raise ValueError("not sharded with the index at the end")
    if index_codecs not in (["bytes"], ["bytes", "crc32c"]):
        raise ValueError(f"index codecs {index_codecs}")
    shape, shard = tuple(metadata["shape"]), tuple(metadata["chunk_grid"]["configuration"]["chunk_shape"])
    inner = tuple(options["chunk_shape"])
    _check_sides(shape, shard, inner)
    tiled = len(shape) > 2 and inner[0] == 1 and inner[3:] == shape[3:]
    if not (tiled or inner == shape) or any(side % step for side, step in zip(shard, inner, strict=True)):
        raise ValueError(f"chunks of {inner} in shards of {shard} of an array of {shape}")
    if any(side < whole for side, whole in zip(shard[1:], shape[1:], strict=True)):
        raise ValueError(f"an entry of {shape[1:]} in several shards of {shard}")
    chunk = parse_codecs(options["codecs"], inner, np.dtype(metadata["data_type"]))
    if max(chunk.nbytes, math.prod(shape[1:]) * chunk.dtype.itemsize) > _MOST_BYTES:
        raise ValueError(f"an entry of {shape[1:]} and chunks of {inner} are more than memory is given for")
    key = metadata["chunk_key_encoding"]
    if key["name"] != "default" or key["configuration"]["separator"] not in ("/", "."):
        raise ValueError(f"chunk keys {key}"[:200])
    return Layout(shape, shard, chunk, "crc32c" in index_codecs, key["configuration"]["separator"])


def _check_sides(shape: tuple[int, ...], *chunks: tuple[int, ...]) -> None:
    """Raise `ValueError` unless all of these are as many whole numbers, none negative, and no chunk without extent."""
    sides = [*shape, *(side for chunk in chunks for side in chunk)]
    if any(type(side) is not int or not 0 <= side < 1 << 40 for side in sides) or 0 in (
        *shape[1:],
        *(side for chunk in chunks for side in chunk),
    ):
        raise ValueError(f"impossible shapes {shape}, {', '.join(map(str, chunks))}"[:200])
    if any(len(chunk) != len(shape) for chunk in chunks):
        raise ValueError("shapes of different lengths")
