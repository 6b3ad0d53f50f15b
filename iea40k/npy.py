"""NumPy's `.npy` files from anywhere: nothing is unpickled, and nothing is allocated that the file does not hold."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iea40k.files import refuse_special


def read_npy(file: Path) -> NDArray[Any]:
    """Return the array of a `.npy` file, whatever its shape and dtype. Raises `ValueError` for what is no whole one."""
    try:
        refuse_special(file)
        with file.open("rb") as stream:
            if stream.read(6) != b"\x93NUMPY":
                raise ValueError("no NumPy array file")
        # A map of the file: its header is parsed as a literal, and one that promises more than the file holds is an
        # error instead of an allocation.
        with np.errstate(over="raise"):  # of a shape without end
            mapped = np.lib.format.open_memmap(file, mode="r")
        return np.array(mapped)
    except MemoryError:
        raise
    except Exception as error:  # the header is Python's own syntax: it can be wrong in as many ways
        raise ValueError(str(error) or type(error).__name__) from error
