"""Zstandard frames by compressors and decompressors that each thread keeps.

Making a decompressor asks the processor what it can do, which takes 25 us in a virtual machine: as long as
decompressing 30 KB. numcodecs and Blosc make one for every frame, this makes one for every thread.
"""

import threading

import numpy as np
import zstandard
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

_own = threading.local()
_UNKNOWN = -1  # the size that a frame without one gives


def compress(data: Bytes, level: int) -> bytes:
    """Return `data` as one frame that names its size and has no checksum of its own."""
    compressors: dict[int, zstandard.ZstdCompressor] = _own.__dict__.setdefault("compressors", {})
    if level not in compressors:
        compressors[level] = zstandard.ZstdCompressor(level=level)
    return compressors[level].compress(np.ascontiguousarray(data).data)


def decompress(data: Bytes, nbytes: int) -> Bytes:
    """Return the `nbytes` bytes of a frame, in read-only memory. Raises `ValueError` where they are not that many."""
    decompressor: zstandard.ZstdDecompressor | None = getattr(_own, "decompressor", None)
    if decompressor is None:
        decompressor = _own.decompressor = zstandard.ZstdDecompressor()
    try:
        stated = zstandard.frame_content_size(data.data)
        if stated not in (nbytes, _UNKNOWN):
            raise ValueError(f"{nbytes} bytes were expected, the frame has {stated}")
        found = decompressor.decompress(data.data, max_output_size=nbytes, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from error
    if len(found) != nbytes:
        raise ValueError(f"{nbytes} bytes were expected, the frame has {len(found)}")
    return np.frombuffer(found, np.uint8)
