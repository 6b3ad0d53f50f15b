"""From the metadata of a Zarr v3 array to what decodes one of its inner chunks.

Understands what `iea40k.store.codecs` writes and what is common beside it: transpose, bytes, blosc, zstd, gzip, crc32c.
Anything else is refused, never guessed.
"""

import gzip
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from iea40k.store import blosc_chunks, zstd_frames
from iea40k.store.zstd_frames import Bytes

Decoder = Callable[[Bytes, int], Bytes]
"""Takes encoded bytes and how many they decode to (which a checksum does not know); returns the decoded bytes."""


@dataclass(frozen=True)
class ChunkCodec:
    """How an inner chunk is encoded: its decoded shape and dtype, the order of its axes, its byte codecs.

    `codecs` are in the order of decoding. `order[i]` is the axis that lies at place i of the decoded memory.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    order: tuple[int, ...]
    codecs: tuple[str, ...]

    @cached_property
    def nbytes(self) -> int:
        """Bytes of a decoded chunk."""
        return math.prod(self.shape) * self.dtype.itemsize

    @cached_property
    def stored_shape(self) -> tuple[int, ...]:
        """The shape of a chunk in memory, before its axes are put in order."""
        return tuple(self.shape[axis] for axis in self.order)

    @cached_property
    def axes(self) -> tuple[int, ...]:
        """The axes of the memory in the order of the array."""
        return tuple(self.order.index(axis) for axis in range(len(self.order)))

    def empty(self, shape: tuple[int, ...]) -> NDArray[Any]:
        """Return memory for a window of `shape`, its axes in the order in which those of a chunk lie."""
        memory = np.empty([shape[axis] for axis in self.order], self.dtype.newbyteorder("="))
        return memory.transpose(self.axes)

    def decode(self, data: Bytes, *, check: bool = True) -> NDArray[Any]:
        """Return the chunk. Raises `ValueError` or `RuntimeError` for damaged bytes.

        `data` uint8 (n,) as stored. The result may be a transposed view, and of read-only memory. Without `check`,
        checksums are taken off and not computed.
        """
        for codec in self.codecs:
            data = data[:-4] if codec == "crc32c" and not check else _DECODERS[codec](data, self.nbytes)
        if data.nbytes != self.nbytes:
            raise ValueError(f"a chunk of {self.nbytes} bytes decodes to {data.nbytes}")
        return data.view(self.dtype).reshape(self.stored_shape).transpose(self.axes)


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


def _crc32c(data: Bytes, _nbytes: int) -> Bytes:
    return strip_crc32c(data)


def _gzip(data: Bytes, _nbytes: int) -> Bytes:
    return np.frombuffer(gzip.decompress(data.tobytes()), np.uint8)


_DECODERS: dict[str, Decoder] = {
    "zstd": zstd_frames.decompress,
    "blosc": blosc_chunks.decompress,
    "gzip": _gzip,
    "crc32c": _crc32c,
}
