"""A small direct reader of sharded Zarr v3 arrays: a memory map, the shard's index, and one decoder a chunk.

zarr-python spends milliseconds a sample on its own machinery; this spends them on decoding alone. It equals
zarr-python bit by bit, with one difference that is meant: a chunk that is missing is an error, never fill values.

One entry of the first axis is one inner chunk, as in stores, or is cut into tiles, as in releases: a window decodes the
tiles that it touches. Readers may be used after fork, and pickle by their path for spawn; threads may share one.
"""

import math
import mmap
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iea40k.errors import CorruptDataError, StoreError
from iea40k.files import AnyPath, read_plain_file
from iea40k.store.decoding import ChunkCodec, parse_codecs, strip_crc32c
from iea40k.store.tiles import spans
from iea40k.store.zstd_frames import Bytes
from iea40k.texts import parse_json

_ABSENT = 2**64 - 1  # offset and length of an inner chunk that was never written
_MOST_BYTES = 1 << 31  # of an entry or an inner chunk, decoded: twenty times the largest camera's
_OPEN_SHARDS = 64  # memory maps an array keeps; each holds a file descriptor


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


class ShardedArray:
    """An array on disk whose entries along the first axis are read one by one.

    `shape`, `dtype` as the array's; `len()` entries; `array[i]` one entry. An array whose one inner chunk is the
    whole array is read by `whole()`. Raises `CorruptDataError` for missing or damaged data, `StoreError` where no
    such array is or its layout is not one of ours.
    """

    def __init__(self, folder: AnyPath) -> None:
        folder = Path(folder)
        self.folder = folder
        self.layout = read_layout(folder)
        self.shape = self.layout.shape
        self.dtype = self.layout.chunk.dtype.newbyteorder("=")
        # Not a bound method: a cycle through `self` would keep every mapped file open until a garbage collection.
        self._shard = lru_cache(maxsize=_OPEN_SHARDS)(partial(_open_shard, folder, self.layout))

    def __repr__(self) -> str:
        return f"ShardedArray({str(self.folder)!r}, shape={self.shape}, dtype={self.dtype})"

    def __reduce__(self) -> tuple[type["ShardedArray"], tuple[Path]]:
        return ShardedArray, (self.folder,)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: int) -> NDArray[Any]:
        """Return entry `index` (negative counts from the end) as an array of its own."""
        return self.read(index)

    def read(self, index: int, rows: slice = slice(None), columns: slice = slice(None)) -> NDArray[Any]:
        """Return rows and columns of entry `index`: (h, w) or (h, w, 3), not aliased with anything.

        A picture's memory is plane after plane, so `.transpose(2, 0, 1)` of the result is contiguous.
        """
        entry = self._entry(index)
        if self.layout.chunk.shape[0] != 1:
            raise StoreError("this array is one chunk, read by whole()", where=self.folder)
        top, bottom, down = rows.indices(self.shape[1])
        left, right, along = columns.indices(self.shape[2])
        if (down, along) != (1, 1) or bottom <= top or right <= left:
            whole: NDArray[Any] = self.read(entry)
            return whole[rows, columns].copy(order="K")
        return self._window(entry, (top, bottom), (left, right))

    def whole(self) -> NDArray[Any]:
        """Return an array that is a single inner chunk."""
        if self.layout.chunk.shape != self.shape or self.layout.chunks != 1:
            raise StoreError(
                "this array is more than one chunk",
                where=self.folder,
                expected=f"one chunk of {self.shape}",
                got=f"chunks of {self.layout.chunk.shape}",
            )
        whole = self._decode(self._shard(0), 0)
        return whole.astype(self.dtype, order="K", copy=not whole.flags.writeable)

    # ------------------------------------------------------------ private

    def _entry(self, index: int) -> int:
        entry = int(index)
        if not -len(self) <= entry < len(self):
            raise IndexError(f"entry {index} of an array of {len(self)}")
        return entry % len(self)

    def _window(self, entry: int, rows: tuple[int, int], columns: tuple[int, int]) -> NDArray[Any]:
        """Return a window of at least one pixel, put together from the tiles that it touches."""
        chunk, (entries, down, across, *_) = self.layout.chunk, self.layout.grid
        number, place = divmod(entry, entries)
        shard, first = self._shard(number), place * down * across
        window: NDArray[Any] = chunk.empty((1, rows[1] - rows[0], columns[1] - columns[0], *self.shape[3:]))[
            0
        ]
        lines = list(spans(*columns, chunk.shape[2]))
        for row, of_tile_down, down_here in spans(*rows, chunk.shape[1]):
            for column, of_tile, here in lines:
                tile = self._decode(shard, first + row * across + column)
                window[down_here, here] = tile[0, of_tile_down, of_tile]
        return window

    def _decode(self, shard: "_Shard", place: int) -> NDArray[Any]:
        data = shard.chunk(place)
        try:
            # A chunk's checksum is computed when this process reads it first; a published file does not change.
            chunk = self.layout.chunk.decode(data, check=not shard.checked[place])
        except (ValueError, RuntimeError, OSError, EOFError) as error:
            raise CorruptDataError(
                "a stored chunk is damaged",
                where=shard.file,
                expected=f"chunk {place} of {self.layout.chunks} intact",
                got=str(error),
                remedy="run `iea40k verify`, and fetch this file again",
            ) from error
        shard.checked[place] = 1
        return chunk


class _Shard:
    """One shard file, mapped into memory, with its index checked; `checked` marks chunks whose checksum held."""

    def __init__(self, file: Path, layout: Layout) -> None:
        self.file = file
        try:
            with file.open("rb") as stream:
                mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        except FileNotFoundError as error:
            raise CorruptDataError("a shard is missing", where=file, remedy="run `iea40k verify`") from error
        except (ValueError, OSError) as error:  # an empty file cannot be mapped
            raise CorruptDataError("a shard cannot be read", where=file, got=str(error)) from error
        self.data: Bytes = np.frombuffer(mapped, np.uint8)
        self.index = self._read_index(layout)
        self.checked = bytearray(layout.chunks)

    def chunk(self, place: int) -> Bytes:
        """Return the stored bytes of an inner chunk."""
        offset, length = self.index[place]
        if offset == _ABSENT or length == _ABSENT:
            raise CorruptDataError(
                "a chunk was never written", where=self.file, got=f"chunk {place} is absent"
            )
        if offset + length > self.data.size:
            raise CorruptDataError(
                "the shard is cut short",
                where=self.file,
                expected=f"at least {offset + length} bytes",
                got=str(self.data.size),
            )
        return self.data[offset : offset + length]

    def _read_index(self, layout: Layout) -> list[tuple[int, int]]:
        size = 16 * layout.chunks + (4 if layout.index_crc else 0)
        try:
            if self.data.size < size:
                raise ValueError(f"{self.data.size} bytes are fewer than the index takes")
            tail = self.data[self.data.size - size :]
            entries = (strip_crc32c(tail) if layout.index_crc else tail).view("<u8").reshape(-1, 2)
        except ValueError as error:
            raise CorruptDataError(
                "the index of a shard is damaged", where=self.file, got=str(error)
            ) from error
        return [(int(offset), int(length)) for offset, length in entries]


def shard_file(folder: Path, layout: Layout, shard: int) -> Path:
    """Return where a shard of the array in `folder` lies."""
    return folder / layout.separator.join(["c", str(shard), *["0"] * (len(layout.shape) - 1)])


def _open_shard(folder: Path, layout: Layout, shard: int) -> _Shard:
    return _Shard(shard_file(folder, layout, shard), layout)


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
