"""A small direct reader of sharded Zarr v3 arrays: a memory map, the shard's index, and one decoder a chunk.

zarr-python spends milliseconds a sample on its own machinery; this spends them on decoding alone. It equals
zarr-python bit by bit, with one difference that is meant: a chunk that is missing is an error, never fill values.

One entry of the first axis is one inner chunk, as stores and releases have it. Readers may be used after fork, and
pickle by their path for spawn; threads may share one.
"""

import json
import mmap
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iea40k.errors import CorruptDataError, StoreError
from iea40k.store.blosc_blocks import Bytes
from iea40k.store.decoding import ChunkCodec, parse_codecs, strip_crc32c

_ABSENT = 2**64 - 1  # offset and length of an inner chunk that was never written
_OPEN_SHARDS = 64  # memory maps an array keeps; each holds a file descriptor

_scratch = threading.local()


@dataclass(frozen=True)
class Layout:
    """What the metadata of an array says: its whole shape, its inner and outer chunks, and how they are coded."""

    shape: tuple[int, ...]
    shard: tuple[int, ...]
    chunk: ChunkCodec
    index_crc: bool
    separator: str

    @property
    def per_shard(self) -> int:
        """Inner chunks a shard."""
        return self.shard[0] // self.chunk.shape[0]


class ShardedArray:
    """An array on disk whose entries along the first axis are read one by one.

    `shape`, `dtype` as the array's; `len()` entries; `array[i]` one entry. An array whose one inner chunk is the
    whole array is read by `whole()`. Raises `CorruptDataError` for missing or damaged data, `StoreError` where no
    such array is or its layout is not one of ours.
    """

    def __init__(self, folder: Path) -> None:
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
        shard, place = divmod(entry, self.layout.per_shard)
        if rows == columns == slice(None):
            frame: NDArray[Any] = self._decode(shard, place, None)[0]
            return frame
        return self._decode(shard, place, (rows, columns))

    def whole(self) -> NDArray[Any]:
        """Return an array that is a single inner chunk."""
        if self.layout.chunk.shape != self.shape or self.layout.per_shard != 1:
            raise StoreError(
                "this array is more than one chunk",
                where=self.folder,
                expected=f"one chunk of {self.shape}",
                got=f"chunks of {self.layout.chunk.shape}",
            )
        return self._decode(0, 0, None)

    # ------------------------------------------------------------ private

    def _entry(self, index: int) -> int:
        entry = int(index)
        if not -len(self) <= entry < len(self):
            raise IndexError(f"entry {index} of an array of {len(self)}")
        return entry % len(self)

    def _decode(self, shard: int, place: int, window: tuple[slice, slice] | None) -> NDArray[Any]:
        opened = self._shard(shard)
        data = opened.chunk(place)
        try:
            # A chunk's checksum is computed when this process reads it first; a published file does not change.
            array = self._pixels(data, window, check=not opened.checked[place])
        except (ValueError, RuntimeError, OSError, EOFError) as error:
            raise CorruptDataError(
                "a stored chunk is damaged",
                where=opened.file,
                expected=f"chunk {place} of {self.layout.per_shard} intact",
                got=str(error),
                remedy="run `iea40k verify`, and fetch this file again",
            ) from error
        opened.checked[place] = 1
        return array

    def _pixels(self, data: Bytes, window: tuple[slice, slice] | None, *, check: bool) -> NDArray[Any]:
        """Return a chunk, or a window of its one entry, in memory of its own and of the native byte order."""
        chunk = self.layout.chunk
        if window is None:
            # Memory that cannot be written, such as the map itself, is copied.
            array = chunk.decode(data, np.empty(chunk.nbytes, np.uint8), check=check)
            return array.astype(self.dtype, order="K", copy=not array.flags.writeable)
        first, last, step = window[0].indices(self.shape[1])
        if step == 1 and first < last and chunk.by_rows:
            array = chunk.decode_window(data, (first, last), window[1], _buffer(chunk.nbytes), check=check)
            return array.astype(self.dtype, order="K", copy=False)
        entry: NDArray[Any] = chunk.decode(data, _buffer(chunk.nbytes), check=check)[0]
        return entry[window].astype(self.dtype, order="K")


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
        self.checked = bytearray(layout.per_shard)

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
        size = 16 * layout.per_shard + (4 if layout.index_crc else 0)
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


def _shard_file(folder: Path, layout: Layout, shard: int) -> Path:
    return folder / layout.separator.join(["c", str(shard), *["0"] * (len(layout.shape) - 1)])


def _open_shard(folder: Path, layout: Layout, shard: int) -> _Shard:
    return _Shard(_shard_file(folder, layout, shard), layout)


def read_layout(folder: Path) -> Layout:
    """Return the layout of the array in `folder`. Raises `StoreError` where it is absent or not one of ours."""
    file = folder / "zarr.json"
    try:
        metadata = json.loads(file.read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise CorruptDataError("an array is missing", where=folder) from error
    except ValueError as error:
        raise CorruptDataError(
            "the metadata of an array cannot be read", where=file, got=str(error)
        ) from error
    try:
        return _parse(metadata)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise StoreError(
            "the layout of this array is not one that the direct reader knows",
            where=file,
            expected="Zarr v3, sharded, one entry an inner chunk",
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
    if inner[1:] != shape[1:] or shard[1:] != shape[1:] or shard[0] % inner[0]:
        raise ValueError(f"chunks of {inner} in shards of {shard} of an array of {shape}")
    chunk = parse_codecs(options["codecs"], inner, np.dtype(metadata["data_type"]))
    key = metadata["chunk_key_encoding"]
    if key["name"] != "default":
        raise ValueError(f"chunk keys '{key['name']}'")
    return Layout(shape, shard, chunk, "crc32c" in index_codecs, key["configuration"]["separator"])


def _buffer(nbytes: int) -> Bytes:
    """Return this thread's buffer of at least `nbytes`, cut to that size."""
    found: Bytes | None = getattr(_scratch, "buffer", None)
    if found is None or found.size < nbytes:
        found = _scratch.buffer = np.empty(nbytes, np.uint8)
    return found[:nbytes]
