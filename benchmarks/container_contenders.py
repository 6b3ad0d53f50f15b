"""The same labelled images in the containers of Lance and litdata: an image a row, as they are meant, and our tiles."""

from functools import cached_property
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np

from benchmarks.shard_contenders import Contender
from iea40k.arrays import EncodedRGB, ResidualCodes
from iea40k.store.release import Release
from iea40k.store.shard_files import open_local
from iea40k.store.shards import ShardedArray
from iea40k.store.tiles import spans

_ARRAYS = ("exposures", "residual")


def png(array: np.ndarray) -> bytes:
    return bytes(imagecodecs.png_encode(np.ascontiguousarray(array), level=6))


def png_row(exposure: EncodedRGB, codes: ResidualCodes) -> dict[str, bytes]:
    return {"exposures": png(exposure), "residual": png((codes.astype(np.int32) + 32768).astype(np.uint16))}


def from_png(row: dict[str, Any], rows: slice, columns: slice) -> tuple[EncodedRGB, ResidualCodes]:
    image = imagecodecs.png_decode(row["exposures"])[rows, columns]
    stored = imagecodecs.png_decode(row["residual"])[rows, columns]
    return np.ascontiguousarray(image), (stored.astype(np.int32) - 32768).astype(np.int16)


def tile_bytes(array: ShardedArray, entry: int) -> list[bytes]:
    """The stored bytes of an entry's tiles, as our shards have them."""
    entries, down, across, *_ = array.layout.grid
    number, place = divmod(entry, entries)
    first = place * down * across
    shard = open_local(array.folder, array.layout, number)
    return [bytes(data) for data in shard.chunks(range(first, first + down * across))]


class _OurTiles(Contender):
    """Rows of our tiles: the container alone differs."""

    release: Path

    def __getstate__(self) -> dict[str, object]:
        return {**super().__getstate__(), "release": self.release}

    @cached_property
    def arrays(self) -> dict[str, ShardedArray]:
        release = Release.open(self.release)
        return {name: release.array(f"{self.shape[0]}x{self.shape[1]}", name) for name in _ARRAYS}

    def tiles(self, entry: int, name: str, numbers: list[int]) -> list[bytes]:
        raise NotImplementedError

    def window(self, entry: int, rows: slice, columns: slice) -> tuple[EncodedRGB, ResidualCodes]:
        found = []
        for name in _ARRAYS:
            layout = self.arrays[name].layout
            across = layout.grid[2]
            top, bottom, _ = rows.indices(self.shape[0])
            left, right, _ = columns.indices(self.shape[1])
            parts = [
                (row * across + column, of_down, of_across, down, here)
                for row, of_down, down in spans(top, bottom, layout.chunk.shape[1])
                for column, of_across, here in spans(left, right, layout.chunk.shape[2])
            ]
            rest = self.arrays[name].shape[3:]
            window = layout.chunk.empty((1, bottom - top, right - left, *rest))[0]
            stored = self.tiles(entry, name, [part[0] for part in parts])
            for (_, of_down, of_across, down, here), data in zip(parts, stored, strict=True):
                tile = layout.chunk.decode(np.frombuffer(data, np.uint8), check=False)
                window[down, here] = tile[0, of_down, of_across]
            found.append(window)
        return found[0], found[1]


class LanceImages(Contender):
    """Lance, a row an image: PNG."""

    def write(self, rows: list[dict[str, bytes]]) -> None:
        import lance
        import pyarrow as pa

        lance.write_dataset(pa.Table.from_pylist(rows), str(self.folder / "images.lance"))

    @cached_property
    def table(self) -> Any:
        import lance

        return lance.dataset(str(self.folder / "images.lance"))

    def window(self, entry: int, rows: slice, columns: slice) -> tuple[EncodedRGB, ResidualCodes]:
        return from_png(self.table.take([entry]).to_pylist()[0], rows, columns)


class LanceTiles(_OurTiles):
    """Lance, a row a tile of ours."""

    def write(self, release: Release) -> None:
        import lance
        import pyarrow as pa

        self.release = release.path
        for name in _ARRAYS:
            every = [data for entry in range(self.images) for data in tile_bytes(self.arrays[name], entry)]
            table = pa.table({"tile": pa.array(every, pa.binary())})
            lance.write_dataset(table, str(self.folder / f"{name}.lance"))

    @cached_property
    def tables(self) -> dict[str, Any]:
        import lance

        return {name: lance.dataset(str(self.folder / f"{name}.lance")) for name in _ARRAYS}

    def tiles(self, entry: int, name: str, numbers: list[int]) -> list[bytes]:
        first = entry * int(np.prod(self.arrays[name].layout.grid[1:]))
        found = self.tables[name].take([first + number for number in numbers])
        return [bytes(data) for data in found.column("tile").to_pylist()]


class LitImages(Contender):
    """litdata, a sample an image: PNG."""

    def write(self, rows: list[dict[str, Any]]) -> None:
        from litdata.streaming.writer import BinaryWriter

        writer = BinaryWriter(cache_dir=str(self.folder), chunk_bytes=32 << 20)
        for number, row in enumerate(rows):
            writer[number] = row
        writer.done()
        writer.merge()

    @cached_property
    def samples_of_litdata(self) -> Any:
        from litdata import StreamingDataset

        return StreamingDataset(str(self.folder), shuffle=False)

    def window(self, entry: int, rows: slice, columns: slice) -> tuple[EncodedRGB, ResidualCodes]:
        return from_png(self.samples_of_litdata[entry], rows, columns)


class LitTiles(_OurTiles):
    """litdata, a sample an image of our tiles: what it reads whole is decoded by parts."""

    samples_of_litdata = cached_property(LitImages.samples_of_litdata.func)

    def write(self, release: Release) -> None:
        self.release = release.path
        rows = [
            {
                f"{name}{number}": data
                for name in _ARRAYS
                for number, data in enumerate(tile_bytes(self.arrays[name], e))
            }
            for e in range(self.images)
        ]
        LitImages.write(self, rows)  # type: ignore[arg-type]

    def window(self, entry: int, rows: slice, columns: slice) -> tuple[EncodedRGB, ResidualCodes]:
        self._row = self.samples_of_litdata[entry]
        return super().window(entry, rows, columns)

    def tiles(self, entry: int, name: str, numbers: list[int]) -> list[bytes]:
        del entry
        return [self._row[f"{name}{number}"] for number in numbers]
