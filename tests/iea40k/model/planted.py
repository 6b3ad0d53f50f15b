"""Samples whose pixels know where they come from, so that every crop and flip can be checked."""

import numpy as np

from iea40k.arrays import INVALID_CODE
from iea40k.model.data import Pixels, Sample


class Planted:
    """Image (row, column, number), codes 100 row + column, uncertainty row + 2 column; row 3 has no data."""

    def __init__(self, shapes, uncertainty=True):
        self.samples = tuple(
            Sample(f"s{n // 3}", f"P{n % 3}", float(n % 3), shape) for n, shape in enumerate(shapes)
        )
        self.uncertainty = uncertainty
        self.reads = 0

    def read(self, number, rows=slice(None), columns=slice(None)):
        self.reads += 1
        height, width = self.samples[number].shape
        row, column = np.mgrid[:height, :width]
        image = np.stack([row, column, np.full_like(row, number)], -1).astype(np.uint8)
        codes = (100 * row + column).astype(np.int16)
        codes[3] = INVALID_CODE
        uncertainty = (row + 2 * column).astype(np.uint16)
        window = (rows, columns)
        return Pixels(image[window], codes[window], uncertainty[window] if self.uncertainty else None)
