"""From the metadata of a Zarr v3 array to a function that decodes one of its inner chunks.

Understands what `iea40k.store.codecs` writes and what is common beside it: transpose, bytes, blosc, zstd, gzip, crc32c.
Anything else is refused, never guessed.
"""

import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import google_crc32c
import numpy as np
from numcodecs import blosc, zstd
from numpy.typing import NDArray

# As zarr-python has it too: each reader is one of several workers, and threads of Blosc's own do not survive a fork.
blosc.use_threads = False

Bytes = NDArray[np.uint8]
Decoder = Callable[[Bytes, Bytes], Bytes]
"""Takes encoded bytes and a buffer of the decoded size that it may fill; returns the decoded bytes."""


@dataclass(frozen=True)
class ChunkCodec:
    """How an inner chunk is encoded: its decoded shape and dtype, the order of its axes, the byte decoders."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    order: tuple[int, ...]
    decoders: tuple[Decoder, ...]

    @property
    def nbytes(self) -> int:
        """Bytes of a decoded chunk."""
        return int(np.prod(self.shape)) * self.dtype.itemsize

    def decode(self, data: Bytes, buffer: Bytes) -> NDArray[Any]:
        """Return the chunk, in the memory of `buffer` where possible. Raises `ValueError` for damaged bytes.

        `data` uint8 (n,) as stored; `buffer` uint8 (nbytes,), overwritten. The result may be a transposed view.
        """
        for decoder in self.decoders:
            data = decoder(data, buffer)
        if data.nbytes != self.nbytes:
            raise ValueError(f"a chunk of {self.nbytes} bytes decodes to {data.nbytes}")
        stored = data.view(self.dtype).reshape([self.shape[axis] for axis in self.order])
        return stored.transpose(np.argsort(self.order))


def parse_codecs(codecs: list[Mapping[str, Any]], shape: tuple[int, ...], dtype: np.dtype[Any]) -> ChunkCodec:
    """Return how chunks of `shape` are decoded. Raises `ValueError` for a codec that is not known here."""
    order = tuple(range(len(shape)))
    endian: Literal["<", ">"] = "<"
    decoders: list[Decoder] = []
    for codec in codecs:
        name, options = codec["name"], codec.get("configuration", {})
        if name == "transpose":
            order = tuple(order[axis] for axis in options["order"])
        elif name == "bytes":
            endian = ">" if options.get("endian") == "big" else "<"
        elif name in _DECODERS:
            decoders.insert(0, _DECODERS[name])
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


def _blosc(data: Bytes, buffer: Bytes) -> Bytes:
    # Blosc trusts the sizes in its header: they are checked before it writes into the buffer.
    if data.size < 16:
        raise ValueError("shorter than a Blosc header")
    nbytes, _, cbytes = (int(v) for v in data[4:16].view("<u4"))
    if nbytes != buffer.size or cbytes != data.size:
        raise ValueError(
            f"a Blosc chunk of {cbytes} bytes for {nbytes}, expected {data.size} for {buffer.size}"
        )
    return _sized(blosc.decompress(data, buffer), buffer)


def _gzip(data: Bytes, _buffer: Bytes) -> Bytes:
    return np.frombuffer(gzip.decompress(data.tobytes()), np.uint8)


def _sized(decoded: object, buffer: Bytes) -> Bytes:
    """Return `buffer`, which a decoder has filled to the brim, or raise."""
    size = memoryview(decoded).nbytes  # type: ignore[arg-type]
    if size != buffer.size:
        raise ValueError(f"a chunk of {buffer.size} bytes decodes to {size}")
    return buffer


_DECODERS: dict[str, Decoder] = {"zstd": _zstd, "blosc": _blosc, "gzip": _gzip, "crc32c": _crc32c}
