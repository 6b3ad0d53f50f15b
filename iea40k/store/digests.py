"""Digests of arrays: the same on every machine, whatever the array's memory layout."""

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray


def array_digest(array: NDArray[Any]) -> str:
    """Return the sha256 (64 hex digits) of an array's dtype, shape and little-endian bytes in C order.

    What is hashed: the text `<dtype> <shape>` as in `int16 512,768`, a newline, then the bytes.
    """
    little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    hasher = hashlib.sha256(f"{array.dtype.name} {','.join(map(str, array.shape))}\n".encode())
    hasher.update(little.reshape(-1).view(np.uint8).data)
    return hasher.hexdigest()
