"""How arrays are encoded on disk: Zarr v3, sharded, with codecs of the Zarr v3 registry alone.

Every inner chunk is written, also one that equals the fill value: a chunk that is absent is therefore a loss,
which a reader can tell from data.
"""

from typing import Any

import numpy as np
import zarr
from zarr.codecs import BloscCodec, Crc32cCodec

from iea40k.arrays import INVALID_CODE
from iea40k.scene import NO_UNCERTAINTY

FILL: dict[str, int] = {
    "exposures": 0,
    "reference": 0,
    "residual": INVALID_CODE,
    "outliers": 0,
    "uncertainty": NO_UNCERTAINTY,
}
"""The fill value of each kind of array: never a value that means something good."""

DTYPES: dict[str, np.dtype[Any]] = {
    "exposures": np.dtype(np.uint8),
    "reference": np.dtype(np.uint8),
    "residual": np.dtype(np.int16),
    "outliers": np.dtype(np.uint8),
    "uncertainty": np.dtype(np.uint16),
}


def create_array(
    group: zarr.Group, name: str, shape: tuple[int, ...], chunks: tuple[int, ...], shards: tuple[int, ...]
) -> zarr.Array[Any]:
    """Create an array of one of the kinds in `FILL`, with `chunks` as inner chunks of `shards`."""
    dtype = DTYPES[name]
    return group.create_array(
        name,
        shape=shape,
        dtype=dtype,
        chunks=chunks,
        shards=shards,
        compressors=[
            BloscCodec(typesize=dtype.itemsize, cname="zstd", clevel=3, shuffle="bitshuffle"),
            Crc32cCodec(),
        ],
        fill_value=FILL[name],
        config={"write_empty_chunks": True},
    )
