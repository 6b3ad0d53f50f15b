"""Blosc (version 1) chunks of 16-bit values whose low and high bytes are compressed apart.

Any Blosc reads them: the format has "split" blocks, one stream for each byte of a value. Its own compressor no longer
writes them for Zstandard, but puts both bytes into one stream, though the high bytes of codes are smooth and the low
ones close to noise. Apart, they take 4 % less, and what does not shrink is stored as it is and need not be decoded.

A chunk is a header of 16 bytes, the start of every block as int32, and the blocks; a stream is its length as int32 and
its bytes, as they are where the length is that of the decoded ones. Source: C-Blosc's README_CHUNK_FORMAT.
"""

import struct

import cv2
import numpy as np
from numcodecs import blosc
from numpy.typing import NDArray

from iea40k.store import zstd_frames
from iea40k.store.zstd_frames import Bytes

# As zarr-python has it too: each reader is one of several workers, and threads of Blosc's own do not survive a fork.
blosc.use_threads = False

_HEADER = struct.Struct(
    "<BBBBIII"
)  # version, version of the codec, flags, bytes a value, decoded, block, stored
_WORD = struct.Struct("<I")
_VERSION = (2, 1)
_SPLIT_ZSTD = 0x81  # byte shuffle, streams split, Zstandard
_BODY = _HEADER.size + 4  # one block, and so one start
_SMALLEST = 128  # bytes of a stream: shorter blocks are not split
_LEVELS = (
    3,
    5,
)  # of low and high bytes: a higher level takes 1 % less of the high ones, at a third of the speed
_WORTH = 0.9  # a stream that does not shrink to this share is stored as it is


def compress_split(values: NDArray[np.int16] | NDArray[np.uint16]) -> bytes:
    """Return little-endian 16-bit `values` of any shape as a chunk of one block."""
    pairs = np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<")).view(np.uint8).reshape(-1, 2)
    if len(pairs) < _SMALLEST:
        return bytes(blosc.compress(pairs.reshape(-1).view("<i2"), b"zstd", 5, blosc.SHUFFLE))
    body = b"".join(_stream(pairs[:, k].copy(), level) for k, level in enumerate(_LEVELS))
    sizes = (pairs.size, pairs.size, _BODY + len(body))
    return _HEADER.pack(*_VERSION, _SPLIT_ZSTD, 2, *sizes) + _WORD.pack(_BODY) + body


def decompress(data: Bytes, nbytes: int) -> Bytes:
    """Return the `nbytes` bytes of any Blosc chunk. Raises `ValueError` or `RuntimeError` for damaged ones.

    Blosc itself trusts the sizes in a chunk, so they are checked before it writes into anybody's memory.
    """
    if data.size < _HEADER.size:
        raise ValueError("shorter than a Blosc header")
    _, _, flags, width, decoded, block, stored = _HEADER.unpack_from(data.data)
    if decoded != nbytes or stored != data.size or not block > 0:
        raise ValueError(f"a Blosc chunk of {stored} bytes for {decoded}, expected {data.size} for {nbytes}")
    if (flags, width, block) == (_SPLIT_ZSTD, 2, nbytes) and nbytes >= 2 * _SMALLEST:
        return _join(data, nbytes // 2)
    buffer = np.empty(nbytes, np.uint8)
    blosc.decompress(data, buffer)
    return buffer


def _stream(plane: Bytes, level: int) -> bytes:
    packed = zstd_frames.compress(plane, level)
    if len(packed) >= _WORTH * plane.size:
        packed = plane.tobytes()
    return _WORD.pack(len(packed)) + packed


def _join(data: Bytes, values: int) -> Bytes:
    """Return the interleaved bytes of the two streams of a chunk's one block."""
    planes = []
    memory = data.data
    (place,) = _WORD.unpack_from(memory, _HEADER.size)
    for _ in range(2):
        if not _BODY <= place <= data.size - 4:
            raise ValueError("a stream of a Blosc chunk lies outside of it")
        (length,) = _WORD.unpack_from(memory, place)
        found = data[place + 4 : place + 4 + length]
        if found.size != length:
            raise ValueError("a stream of a Blosc chunk is cut short")
        planes.append(found if length == values else zstd_frames.decompress(found, values))
        place += 4 + length
    joined: Bytes = cv2.merge(planes).reshape(-1)
    return joined
