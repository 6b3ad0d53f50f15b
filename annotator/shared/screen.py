"""The layers that every target fills, as names; the window's layers are those of napari."""

from collections.abc import Callable
from typing import Any, Literal, Protocol

from numpy.typing import NDArray

from annotator.shared.boxes import Box, Spot
from annotator.shared.display import Canvas
from iea40k.arrays import EncodedRGB
from iea40k.outliers import Outlier
from iea40k.outliers.kinds import Kind

LayerName = Literal[
    "picture", "right", "zones", "residual", "right_residual", "flags", "edited", "right_edited"
]
"""`picture` and `residual` are the panel on the left, `right...` the one beside it; `flags` and `edited` are
outlines, `zones` are those of a reference's blocks."""

RIM = len(Outlier) + 1
"""The label in `flags` of the rims of blocks, which follows those of the outlier flags."""


KIND_LABELS: dict[Kind, int] = {kind: RIM + number for number, kind in enumerate(Kind, start=1)}
"""The labels in `flags` of what is proposed, after that of the rims."""


class Screen(Protocol):
    """Layers that are made once and filled anew for each image."""

    def size(self, height: int, width: int) -> None:
        """Give every layer this size."""

    def fill(self, name: LayerName, data: NDArray[Any]) -> None:
        """Fill a layer: a picture (H, W, 3) uint8, or labels (H, W)."""

    def draw(self, name: LayerName, box: Box, data: NDArray[Any]) -> None:
        """Show data in a box of a layer."""

    def arrange(self, canvas: Canvas) -> None:
        """Show and hide the layers, put them in their places, and take the cursor of the tool in use."""

    def centre(self, row: float, column: float) -> None:
        """Move the view to a pixel, without changing the zoom."""

    def focus(self, box: Box, beside: Box) -> None:
        """Zoom so that `box` fills a third of the canvas, with room for `beside` and for a second one at its right."""

    def trial(self, box: Box, picture: EncodedRGB, labels: NDArray[Any]) -> None:
        """Show a picture (h, w, 3) uint8 with residual labels (h, w) to the right of the box that it stands for."""

    def trial_words(self, box: Box, text: str) -> None:
        """Show words to the right of a box, where `trial` would show a picture."""

    def end_trial(self) -> None:
        """Show it no more."""

    def actual_size(self, at: Spot | None) -> None:
        """Show a pixel of the image on each pixel of the screen, that at `at` staying where it is; again: as before."""

    def frame(self, box: Box | None) -> None:
        """Draw a frame around a box of the image while it is chosen; None: no more."""

    def fit(self) -> None:
        """Show the whole picture, both panels where there are two."""

    def on_visibility(self, tell: Callable[[str, bool], None]) -> None:
        """Call `tell(name, visible)` when a layer is shown or hidden, by us or by the person."""

    def pixel(self, position: tuple[float, ...]) -> tuple[float, float] | None:
        """Return the pixel (row, column) under a position of the canvas, in either panel; None without an image."""
