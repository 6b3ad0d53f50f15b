"""Layers of outlines are drawn only where there are any.

Where there is no graphics card, the canvas asks every layer about every pixel, and each takes as long as the picture
itself. Outlines fill a few tiles of it.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotator.shared.boxes import Box
from annotator.window import adapter

TILES = 32
"""Tiles to each side of the picture."""


class Sparse:
    """A Labels layer and which of its tiles hold labels."""

    def __init__(self, viewer: Any, layer: Any) -> None:
        self._viewer, self._layer = viewer, layer
        self._held: NDArray[np.bool_] = np.zeros((0, 0), np.bool_)
        self._shape = (0, 0)
        self.look()

    def look(self, box: Box | None = None) -> None:
        """The labels in `box` (None: anywhere) changed: draw the tiles that hold any now."""
        data = self._layer.data
        if box is None or data.shape != self._shape:
            self._shape = data.shape
            self._edges = tuple(np.linspace(0, n, min(TILES, n) + 1).astype(int) for n in data.shape)
            self._held = np.zeros([len(edges) - 1 for edges in self._edges], np.bool_)
            box = (slice(0, data.shape[0]), slice(0, data.shape[1]))
        before = self._held.copy()
        rows, columns = (
            range(
                int(np.searchsorted(edges, span.start, "right")) - 1, int(np.searchsorted(edges, span.stop))
            )
            for edges, span in zip(self._edges, box, strict=True)
        )
        down, right = self._edges
        for row in rows:
            band = data[down[row] : down[row + 1]]
            for column in columns:
                self._held[row, column] = band[:, right[column] : right[column + 1]].any()
        if box[0].stop - box[0].start == data.shape[0] or (before != self._held).any():
            adapter.draw_in(self._viewer, self._layer, self.shares())

    def shares(self) -> NDArray[np.float32]:
        """Return the rectangles to draw (n, 4): top, left, bottom, right as shares of the picture."""
        down, right = (edges / edges[-1] for edges in self._edges)
        rectangles = []
        for row, held in enumerate(self._held):
            # Tiles beside each other are one rectangle.
            turns = np.flatnonzero(np.diff(np.concatenate(([False], held, [False])).astype(np.int8)))
            rectangles += [
                (down[row], right[a], down[row + 1], right[b])
                for a, b in zip(turns[::2], turns[1::2], strict=True)
            ]
        return np.array(rectangles, np.float32).reshape(-1, 4)
