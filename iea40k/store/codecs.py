"""How arrays are encoded on disk: Zarr v3, sharded, with codecs of the Zarr v3 registry alone.

Pictures are stored plane by plane (a transposition), so that a compressor meets R, G and B apart; 16-bit codes byte
by byte (a shuffle). docs/decisions/0031 has the measurements. Every inner chunk is written, also one that
equals the fill value: a chunk that is absent is therefore a loss, which a reader can tell from data.
"""

from typing import Any, Literal

import numpy as np
import zarr
from zarr.abc.codec import ArrayArrayCodec, BytesBytesCodec
from zarr.codecs import BloscCodec, Crc32cCodec, TransposeCodec, ZstdCodec

from iea40k.arrays import INVALID_CODE
from iea40k.scene import NO_UNCERTAINTY

FILL: dict[str, int] = {
    "exposures": 0,
    "reference": 0,
    "residual": INVALID_CODE,
    "outliers": 0,
    "uncertainty": NO_UNCERTAINTY,
    "touched": 0,
    "spread": NO_UNCERTAINTY,
}
"""The fill value of each kind of array: for a residual and its uncertainty "no data", never "perfect"."""

DTYPES: dict[str, np.dtype[Any]] = {
    "exposures": np.dtype(np.uint8),
    "reference": np.dtype(np.uint8),
    "residual": np.dtype(np.int16),
    "outliers": np.dtype(np.uint8),
    "uncertainty": np.dtype(np.uint16),
    "touched": np.dtype(np.uint8),
    "spread": np.dtype(np.uint16),
}

Compression = Literal["fast", "small"]
"""`fast`: LZ4, read by blocks, for trainers; `small`: Zstandard, 6 to 10 % of the raw size less, thrice as slow."""

_LZ4_LEVEL = 7  # level 9 saves 0.2 % of the space and writes at half the speed
_LZ4_BLOCK = (
    1 << 16
)  # a window decodes the blocks that hold its rows: smaller blocks are fewer bytes too many
_ZSTD_LEVEL = 9  # level 17 saves 3 % more of the space and writes 9 times slower
_BLOSC_ZSTD_LEVEL = 5  # Zstandard's own level 9
_BLOSC_ZSTD_BLOCK = (
    1 << 20
)  # larger than a frame's plane: smaller blocks cost 3 % of the space and a third of the speed


def create_array(
    group: zarr.Group,
    name: str,
    shape: tuple[int, ...],
    chunks: tuple[int, ...],
    shards: tuple[int, ...],
    compression: Compression = "small",
) -> zarr.Array[Any]:
    """Create an array of one of the kinds in `FILL`, with `chunks` as inner chunks of `shards`."""
    dtype = DTYPES[name]
    return group.create_array(
        name,
        shape=shape,
        dtype=dtype,
        chunks=chunks,
        shards=shards,
        filters=_filters(name, len(shape)),
        compressors=[_compressor(dtype, compression), Crc32cCodec()],
        fill_value=FILL[name],
        config={"write_empty_chunks": True},
    )


def writable(group: zarr.Group, name: str) -> zarr.Array[Any]:
    """Return an array that is there already, for writing: how empty chunks are written is not kept on disk."""
    found = group[name]
    if not isinstance(found, zarr.Array):
        raise TypeError(f"{name} is a group")
    return found.with_config({"write_empty_chunks": True})


def _filters(name: str, dimensions: int) -> list[ArrayArrayCodec]:
    if name not in ("exposures", "reference"):
        return []
    leading = range(dimensions - 3)
    return [TransposeCodec(order=(*leading, dimensions - 1, dimensions - 3, dimensions - 2))]


def _compressor(dtype: np.dtype[Any], compression: Compression) -> BytesBytesCodec:
    if compression == "fast":
        return BloscCodec(
            typesize=dtype.itemsize,
            cname="lz4hc",
            clevel=_LZ4_LEVEL,
            shuffle="bitshuffle" if dtype.itemsize == 1 else "shuffle",
            blocksize=_LZ4_BLOCK,
        )
    if dtype.itemsize == 1:
        return ZstdCodec(level=_ZSTD_LEVEL, checksum=False)
    return BloscCodec(
        typesize=dtype.itemsize,
        cname="zstd",
        clevel=_BLOSC_ZSTD_LEVEL,
        shuffle="shuffle",
        blocksize=_BLOSC_ZSTD_BLOCK,
    )
