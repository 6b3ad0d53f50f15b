"""A small direct reader of sharded Zarr v3 arrays: the shard's index, the stored bytes, and one decoder a chunk.

zarr-python spends milliseconds a sample on its own machinery; this spends them on decoding alone. It equals
zarr-python bit by bit, with one difference that is meant: a chunk that is missing is an error, never fill values.

One entry of the first axis is one inner chunk, as in stores, or is cut into tiles, as in releases: a window decodes the
tiles that it touches. Readers may be used after fork, and pickle by their path for spawn; threads may share one.
"""

from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from iea40k.errors import CorruptDataError, StoreError
from iea40k.files import AnyPath
from iea40k.store.shard_files import OpenShard, Shard, open_local
from iea40k.store.shard_layout import read_layout
from iea40k.store.tiles import spans
from iea40k.store.zstd_frames import Bytes

_OPEN_SHARDS = 64  # memory maps an array keeps; each holds a file descriptor


class ShardedArray:
    """An array on disk whose entries along the first axis are read one by one.

    `shape`, `dtype` as the array's; `len()` entries; `array[i]` one entry. An array whose one inner chunk is the
    whole array is read by `whole()`. Raises `CorruptDataError` for missing or damaged data, `StoreError` where no
    such array is or its layout is not one of ours.

    `opens` opens a shard where its bytes are not in `folder` itself; the metadata always are.
    """

    def __init__(self, folder: AnyPath, opens: OpenShard = open_local) -> None:
        folder = Path(folder)
        self.folder = folder
        self._opens = opens
        self.layout = read_layout(folder)
        self.shape = self.layout.shape
        self.dtype = self.layout.chunk.dtype.newbyteorder("=")
        # Not a bound method: a cycle through `self` would keep every mapped file open until a garbage collection.
        self._shard = lru_cache(maxsize=_OPEN_SHARDS)(partial(opens, folder, self.layout))

    def __repr__(self) -> str:
        return f"ShardedArray({str(self.folder)!r}, shape={self.shape}, dtype={self.dtype})"

    def __reduce__(self) -> tuple[type["ShardedArray"], tuple[Path, OpenShard]]:
        return ShardedArray, (self.folder, self._opens)

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
        shard = self._shard(0)
        whole = self._decode(shard, 0, *shard.chunks([0]))
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
        tiles = [
            (first + row * across + column, of_down, of_across, down_here, across_here)
            for row, of_down, down_here in spans(*rows, chunk.shape[1])
            for column, of_across, across_here in spans(*columns, chunk.shape[2])
        ]
        # All at once: a shard on a server is asked once for what a window needs.
        stored = shard.chunks([place for place, *_ in tiles])
        for (place, of_down, of_across, down_here, across_here), data in zip(tiles, stored, strict=True):
            window[down_here, across_here] = self._decode(shard, place, data)[0, of_down, of_across]
        return window

    def _decode(self, shard: Shard, place: int, data: Bytes) -> NDArray[Any]:
        try:
            # A chunk's checksum is computed when this process reads it first; a published file does not change.
            chunk = self.layout.chunk.decode(data, check=not shard.checked[place])
        except (ValueError, RuntimeError, OSError, EOFError) as error:
            raise CorruptDataError(
                "a stored chunk is damaged",
                where=shard.where,
                expected=f"chunk {place} of {self.layout.chunks} intact",
                got=str(error),
                remedy="run `iea40k verify`, and fetch this file again",
            ) from error
        shard.checked[place] = 1
        return chunk
