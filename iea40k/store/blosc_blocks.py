"""Part of a Blosc chunk: only the blocks that hold the bytes asked for are decompressed.

A Blosc (version 1) chunk is a header of 16 bytes, the start of every block as int32, and the blocks. A run of blocks
under a header of its own is a chunk again, which numcodecs decompresses; so no second decompressor is needed here.
Source: the chunk format described in C-Blosc's README_CHUNK_FORMAT.
"""

from dataclasses import dataclass
from typing import cast

import numpy as np
from numcodecs import blosc
from numpy.typing import NDArray

# As zarr-python has it too: each reader is one of several workers, and threads of Blosc's own do not survive a fork.
blosc.use_threads = False

Bytes = NDArray[np.uint8]

_HEADER = 16
_STORED_RAW = 0x02  # flag: the bytes were not compressible and follow the header as they are


@dataclass(frozen=True)
class Header:
    """Sizes of a Blosc chunk in bytes: decoded, of a decoded block, and as stored; and its flags."""

    nbytes: int
    blocksize: int
    cbytes: int
    flags: int

    @property
    def blocks(self) -> int:
        """How many blocks the chunk has; the last may be shorter."""
        return -(-self.nbytes // self.blocksize) if self.nbytes else 0


def read_header(data: Bytes, nbytes: int) -> Header:
    """Return the header of a chunk that is to decode to `nbytes`. Raises `ValueError` where sizes contradict.

    Blosc itself trusts these sizes, so they are checked before it writes into anybody's memory.
    """
    if data.size < _HEADER:
        raise ValueError("shorter than a Blosc header")
    decoded, blocksize, stored = (int(v) for v in data[4:_HEADER].view("<u4"))
    if decoded != nbytes or stored != data.size or not blocksize > 0:
        raise ValueError(f"a Blosc chunk of {stored} bytes for {decoded}, expected {data.size} for {nbytes}")
    return Header(decoded, blocksize, stored, int(data[2]))


def decompress(data: Bytes, buffer: Bytes) -> Bytes:
    """Decompress a whole chunk into `buffer`, whose size must be that of the decoded bytes, and return it."""
    read_header(data, buffer.size)
    blosc.decompress(data, buffer)
    return buffer


def decompress_range(data: Bytes, nbytes: int, first: int, last: int, buffer: Bytes) -> Bytes:
    """Return decoded bytes `first` to `last` (exclusive) of a chunk of `nbytes`, as a view that lives in `buffer`.

    `buffer` holds at least `nbytes`. Where the bytes were stored raw, the view is of `data` itself.
    """
    header = read_header(data, nbytes)
    if not 0 <= first <= last <= nbytes:
        raise ValueError(f"bytes {first} to {last} of {nbytes}")
    if header.flags & _STORED_RAW:
        return data[_HEADER + first : _HEADER + last]
    low, high = first // header.blocksize, max(1, -(-last // header.blocksize))
    # Blosc codes a short last block in its own way, and knows it by the whole blocks before it.
    low = max(0, min(low, header.blocks - 2))
    run = _run_of_blocks(data, header, low, high)
    start = low * header.blocksize
    decoded = buffer[: min(high * header.blocksize, nbytes) - start]
    blosc.decompress(run, decoded)
    return decoded[first - start : last - start]


def _run_of_blocks(data: Bytes, header: Header, low: int, high: int) -> Bytes:
    """Return blocks `low` to `high` (exclusive) as a chunk of their own."""
    table = _HEADER + 4 * header.blocks
    starts = cast("list[int]", [*data[_HEADER:table].view("<i4").tolist(), header.cbytes])
    begin, end = starts[low], starts[high]
    run_starts = starts[low:high]
    if begin < table or end > header.cbytes or run_starts != sorted(run_starts) or run_starts[-1] > end:
        raise ValueError("the blocks of a Blosc chunk do not follow each other")
    head = _HEADER + 4 * (high - low)
    run = np.empty(head + end - begin, np.uint8)
    run[:4] = data[:4]
    sizes = (min(high * header.blocksize, header.nbytes) - low * header.blocksize, header.blocksize, run.size)
    run[4:_HEADER].view("<u4")[:] = sizes
    run[_HEADER:head].view("<i4")[:] = [start - begin + head for start in run_starts]
    run[head:] = data[begin:end]
    return run
