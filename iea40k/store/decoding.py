"""From the metadata of a Zarr v3 array to what decodes one of its inner chunks, or a window of it.

Understands what `iea40k.store.codecs` writes and what is common beside it: transpose, bytes, blosc, zstd, gzip, crc32c.
Anything else is refused, never guessed.
"""

import gzip
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import google_crc32c
import numpy as np
from numcodecs import zstd
from numpy.typing import NDArray

from iea40k.store import blosc_blocks
from iea40k.store.blosc_blocks import Bytes

Decoder = Callable[[Bytes, Bytes], Bytes]
"""Takes encoded bytes and a buffer of the decoded size that it may fill; returns the decoded bytes."""


@dataclass(frozen=True)
class ChunkCodec:
    """How an inner chunk is encoded: its decoded shape and dtype, the order of its axes, its byte codecs.

    `codecs` are in the order of decoding. `order[i]` is the axis that lies at place i of the decoded memory.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    order: tuple[int, ...]
    codecs: tuple[str, ...]

    @property
    def nbytes(self) -> int:
        """Bytes of a decoded chunk."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def by_rows(self) -> bool:
        """Whether some rows (axis 1) can be decoded without the others: one entry, in Blosc blocks."""
        rows_after = (0, 1, 2), (0, 1, 2, 3), (0, 3, 1, 2)
        return (
            self.shape[0] == 1
            and self.order in rows_after
            and self.codecs in (("crc32c", "blosc"), ("blosc",))
        )

    def decode(self, data: Bytes, buffer: Bytes, *, check: bool = True) -> NDArray[Any]:
        """Return the chunk, in the memory of `buffer` where possible. Raises `ValueError` for damaged bytes.

        `data` uint8 (n,) as stored; `buffer` uint8 (nbytes,), overwritten. The result may be a transposed view, and
        of read-only memory. Without `check`, checksums are taken off and not computed.
        """
        for codec in self.codecs:
            data = data[:-4] if codec == "crc32c" and not check else _DECODERS[codec](data, buffer)
        if data.nbytes != self.nbytes:
            raise ValueError(f"a chunk of {self.nbytes} bytes decodes to {data.nbytes}")
        stored = data.view(self.dtype).reshape([self.shape[axis] for axis in self.order])
        return stored.transpose(np.argsort(self.order))

    def decode_window(
        self, data: Bytes, rows: tuple[int, int], columns: slice, buffer: Bytes, *, check: bool = True
    ) -> NDArray[Any]:
        """Return rows (first, last + 1) and columns of the chunk's one entry, copied: (h, w) or (h, w, 3).

        For codecs `by_rows`; only the blocks that hold the rows are decompressed.
        """
        if self.codecs[0] == "crc32c":
            data = strip_crc32c(data) if check else data[:-4]
        height, width = self.shape[1:3]
        planes = self.shape[3] if self.order == (0, 3, 1, 2) else 1
        inner = self.shape[3:] if planes == 1 else ()
        row = width * math.prod(inner) * self.dtype.itemsize
        first, last = rows
        window = np.empty((planes, last - first, len(range(*columns.indices(width))), *inner), self.dtype)
        for plane, out in enumerate(window):
            begin = (plane * height + first) * row
            found = blosc_blocks.decompress_range(
                data, self.nbytes, begin, begin + (last - first) * row, buffer
            )
            out[...] = found.view(self.dtype).reshape(last - first, width, *inner)[:, columns]
        result: NDArray[Any] = window[0] if planes == 1 else window.transpose(1, 2, 0)
        return result


def parse_codecs(codecs: list[Mapping[str, Any]], shape: tuple[int, ...], dtype: np.dtype[Any]) -> ChunkCodec:
    """Return how chunks of `shape` are decoded. Raises `ValueError` for a codec that is not known here."""
    order = tuple(range(len(shape)))
    endian: Literal["<", ">"] = "<"
    decoders: list[str] = []
    for codec in codecs:
        name, options = codec["name"], codec.get("configuration", {})
        if name == "transpose":
            order = tuple(order[axis] for axis in options["order"])
        elif name == "bytes":
            endian = ">" if options.get("endian") == "big" else "<"
        elif name in _DECODERS:
            decoders.insert(0, name)
        else:
            raise ValueError(f"codec '{name}' is not known to the direct reader")
    return ChunkCodec(shape, dtype.newbyteorder(endian), order, tuple(decoders))


def strip_crc32c(data: Bytes) -> Bytes:
    """Return `data` without the checksum of its last four bytes. Raises `ValueError` where it does not match."""
    if data.size < 4:
        raise ValueError("shorter than its checksum")
    inner = data[:-4]
    stored = int.from_bytes(data[-4:].tobytes(), "little")
    computed = int(google_crc32c.value(inner))
    if stored != computed:
        raise ValueError(f"crc32c is {computed:08x}, stored is {stored:08x}")
    return inner


def _crc32c(data: Bytes, _buffer: Bytes) -> Bytes:
    return strip_crc32c(data)


def _zstd(data: Bytes, buffer: Bytes) -> Bytes:
    return _sized(zstd.decompress(data, buffer), buffer)


def _gzip(data: Bytes, _buffer: Bytes) -> Bytes:
    return np.frombuffer(gzip.decompress(data.tobytes()), np.uint8)


def _sized(decoded: object, buffer: Bytes) -> Bytes:
    """Return `buffer`, which a decoder has filled to the brim, or raise."""
    size = memoryview(decoded).nbytes  # type: ignore[arg-type]
    if size != buffer.size:
        raise ValueError(f"a chunk of {buffer.size} bytes decodes to {size}")
    return buffer


_DECODERS: dict[str, Decoder] = {
    "zstd": _zstd,
    "blosc": blosc_blocks.decompress,
    "gzip": _gzip,
    "crc32c": _crc32c,
}
