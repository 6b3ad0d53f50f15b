"""Writes a shard of an array whose metadata zarr-python wrote: the encoded tiles of its entries, then their index."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from iea40k.store.codecs import FILL, RELEASE_LEVEL, encode
from iea40k.store.shard_layout import Layout, read_layout, shard_file

_ABSENT = 2**64 - 1


def write_shard(folder: Path, number: int, entries: NDArray[Any], level: int = RELEASE_LEVEL) -> Path:
    """Write shard `number` of the array in `folder` and return its file, which is overwritten if it is there.

    `entries` (n, H, W) or (n, H, W, 3) in the array's dtype, at most as many as a shard has room for; what is missing
    to that is noted as absent; or the whole of an array that is one inner chunk. `level` is Zstandard's. Not flushed to
    the disk.
    """
    layout = read_layout(folder)
    file = shard_file(folder, layout, number)
    file.parent.mkdir(parents=True, exist_ok=True)
    index = np.full((layout.chunks, 2), _ABSENT, "<u8")
    with file.open("wb") as stream:
        for place, tile in enumerate(_tiles(entries, layout, FILL[folder.name])):
            packed = encode(folder.name, tile, level)
            index[place] = stream.tell(), len(packed)
            stream.write(packed)
        tail = index.tobytes()
        stream.write(tail + struct.pack("<I", google_crc32c.value(tail)))
    return file


def _tiles(entries: NDArray[Any], layout: Layout, fill: int) -> Iterator[NDArray[Any]]:
    """Yield the inner chunks of entries in the order of the index; what hangs over the frame's edge is `fill`."""
    if layout.chunk.shape == layout.shape:
        yield entries
        return
    _, height, width, *_ = layout.chunk.shape
    over = [(0, whole - side) for whole, side in zip(layout.shard[1:], entries.shape[1:], strict=True)]
    for entry in entries:
        covered = np.pad(entry, over, constant_values=fill) if any(o != (0, 0) for o in over) else entry
        for top in range(0, covered.shape[0], height):
            for left in range(0, covered.shape[1], width):
                yield covered[top : top + height, left : left + width]
