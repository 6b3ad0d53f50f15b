"""How arrays are encoded on disk: Zarr v3, sharded, with codecs of the Zarr v3 registry alone.

Pictures are stored plane by plane (a transposition), so that a compressor meets R, G and B apart; 16-bit codes byte
by byte (a shuffle). docs/decisions/0031 has the measurements. Every inner chunk is written, also one that
equals the fill value: a chunk that is absent is therefore a loss, which a reader can tell from data.
"""

import struct
from typing import Any

import google_crc32c
import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.abc.codec import ArrayArrayCodec, BytesBytesCodec
from zarr.codecs import BloscCodec, Crc32cCodec, TransposeCodec, ZstdCodec

from iea40k.arrays import INVALID_CODE
from iea40k.scene import NO_UNCERTAINTY
from iea40k.store import blosc_chunks, zstd_frames
from iea40k.store.descriptions import attributes_of, dimension_names
from iea40k.uncertainty import UNKNOWN

FILL: dict[str, int] = {
    "exposures": 0,
    "reference": 0,
    "as_shot": 0,
    "residual": INVALID_CODE,
    "outliers": 0,
    "uncertainty": UNKNOWN,
    "touched": 0,
    "spread": NO_UNCERTAINTY,
}
"""The fill value of each kind of array: for a residual and its uncertainty "no data", never "perfect"."""

_PICTURES = ("exposures", "reference", "as_shot")

DTYPES: dict[str, np.dtype[Any]] = {
    "exposures": np.dtype(np.uint8),
    "reference": np.dtype(np.uint8),
    "as_shot": np.dtype(np.uint8),
    "residual": np.dtype(np.int16),
    "outliers": np.dtype(np.uint8),
    "uncertainty": np.dtype(np.uint8),
    "touched": np.dtype(np.uint8),
    "spread": np.dtype(np.uint16),
}

RELEASE_LEVEL = 9  # Zstandard's: level 17 saves 3 % more of the space and writes 9 times slower
STORE_LEVEL = (
    3  # takes 3 % more space than 9 and a quarter of the time, which was half of a RAW scene's build
)
_BLOSC_LEVEL = 5  # Zstandard's own level 9
_BLOSC_BLOCK = (
    1 << 20
)  # larger than a frame's plane: smaller blocks cost 3 % of the space and a third of the speed


def create_array(
    group: zarr.Group,
    name: str,
    shape: tuple[int, ...],
    chunks: tuple[int, ...],
    shards: tuple[int, ...],
    entries: str = "image",
    level: int = RELEASE_LEVEL,
) -> zarr.Array[Any]:
    """Create an array of one of the kinds in `FILL`, with `chunks` as inner chunks of `shards`.

    `entries` names what its first axis counts ("image", "scene", "level") where it has one; `level` is Zstandard's.
    """
    dtype = DTYPES[name]
    return group.create_array(
        name,
        shape=shape,
        dtype=dtype,
        chunks=chunks,
        shards=shards,
        filters=_filters(name, len(shape)),
        compressors=[_compressor(dtype, level), Crc32cCodec()],
        fill_value=FILL[name],
        dimension_names=dimension_names(name, len(shape), entries),
        attributes=attributes_of(name),
        config={"write_empty_chunks": True},
    )


def encode(name: str, chunk: NDArray[Any], level: int = RELEASE_LEVEL) -> bytes:
    """Return an inner chunk of an array of one of the kinds in `FILL`, encoded as `create_array` promises it.

    16-bit chunks come out smaller than zarr-python makes them, and are read by the same codecs.
    """
    if name in _PICTURES:
        chunk = np.moveaxis(chunk, -1, -3)
    bytewise = chunk.dtype.itemsize == 1
    packed = zstd_frames.compress(chunk, level) if bytewise else blosc_chunks.compress_split(chunk)
    return packed + struct.pack("<I", google_crc32c.value(packed))


def memory_order(name: str, dimensions: int) -> tuple[int, ...]:
    """Return which axis of an array of one of the kinds in `FILL` lies at each place of a chunk's memory."""
    if name not in _PICTURES:
        return tuple(range(dimensions))
    return (*range(dimensions - 3), dimensions - 1, dimensions - 3, dimensions - 2)


def _filters(name: str, dimensions: int) -> list[ArrayArrayCodec]:
    return [TransposeCodec(order=memory_order(name, dimensions))] if name in _PICTURES else []


def _compressor(dtype: np.dtype[Any], level: int) -> BytesBytesCodec:
    if dtype.itemsize == 1:
        return ZstdCodec(level=level, checksum=False)
    return BloscCodec(
        typesize=dtype.itemsize,
        cname="zstd",
        clevel=_BLOSC_LEVEL,
        shuffle="shuffle",
        blocksize=_BLOSC_BLOCK,
    )
