"""Where the stored bytes of inner chunks come from: a shard file in a memory map, and its index."""

import mmap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from iea40k.errors import CorruptDataError
from iea40k.store.decoding import strip_crc32c
from iea40k.store.shard_layout import Layout, shard_file
from iea40k.store.zstd_frames import Bytes

ABSENT = 2**64 - 1
"""Offset and length of an inner chunk that was never written."""

Index = list[tuple[int, int]]
"""Offset and length of each inner chunk of a shard."""


class Shard(Protocol):
    """A shard whose stored chunks can be had. `checked` marks the chunks whose checksum held when they were read."""

    where: str | Path
    checked: bytearray

    def chunks(self, places: Sequence[int]) -> list[Bytes]:
        """Return the stored bytes of inner chunks. Raises `CorruptDataError` where they are missing or damaged."""


OpenShard = Callable[[Path, Layout, int], Shard]
"""Opens shard number n of the array in a folder; pickles."""


class LocalShard:
    """One shard file, mapped into memory, with its index checked."""

    def __init__(self, file: Path, layout: Layout) -> None:
        self.where: str | Path = file
        try:
            with file.open("rb") as stream:
                mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        except FileNotFoundError as error:
            raise CorruptDataError("a shard is missing", where=file, remedy="run `iea40k verify`") from error
        except (ValueError, OSError) as error:  # an empty file cannot be mapped
            raise CorruptDataError("a shard cannot be read", where=file, got=str(error)) from error
        self.data: Bytes = np.frombuffer(mapped, np.uint8)
        try:
            self.index = parse_index(self.data[-index_size(layout) :], layout)
        except ValueError as error:
            raise CorruptDataError("the index of a shard is damaged", where=file, got=str(error)) from error
        self.checked = bytearray(layout.chunks)

    def chunks(self, places: Sequence[int]) -> list[Bytes]:
        """Return the stored bytes of inner chunks, as views of the map."""
        return [self._chunk(place) for place in places]

    def _chunk(self, place: int) -> Bytes:
        offset, length = written(self.index, place, self.where)
        if offset + length > self.data.size:
            raise CorruptDataError(
                "the shard is cut short",
                where=self.where,
                expected=f"at least {offset + length} bytes",
                got=str(self.data.size),
            )
        return self.data[offset : offset + length]


def open_local(folder: Path, layout: Layout, number: int) -> LocalShard:
    """Open shard `number` of the array in `folder`."""
    return LocalShard(shard_file(folder, layout, number), layout)


def index_size(layout: Layout) -> int:
    """Return how many bytes the index at the end of a shard takes."""
    return 16 * layout.chunks + (4 if layout.index_crc else 0)


def parse_index(tail: Bytes, layout: Layout) -> Index:
    """Return the index that the last bytes of a shard hold. Raises `ValueError` where they are damaged or too few."""
    if tail.size < index_size(layout):
        raise ValueError(f"{tail.size} bytes are fewer than the index takes")
    entries = (strip_crc32c(tail) if layout.index_crc else tail).view("<u8").reshape(-1, 2)
    return [(int(offset), int(length)) for offset, length in entries]


def written(index: Index, place: int, where: str | Path) -> tuple[int, int]:
    """Return offset and length of an inner chunk. Raises `CorruptDataError` where it was never written."""
    offset, length = index[place]
    if offset == ABSENT or length == ABSENT:
        raise CorruptDataError("a chunk was never written", where=where, got=f"chunk {place} is absent")
    return offset, length
