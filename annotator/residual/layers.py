"""The layers filled with an exposure: the pictures, the residual over it, the outlines of what is suggested."""

import numpy as np
from numpy.typing import NDArray

from annotator.residual.preview import re_exposed
from annotator.residual.regions import CLIPPED, SUGGESTED
from annotator.residual.state import Image
from annotator.shared.boxes import Box
from annotator.shared.display import Canvas, Picture, display_levels, outlined
from annotator.shared.layers import Layers
from annotator.shared.progress import Progress
from annotator.shared.screen import Screen
from iea40k.arrays import EncodedRGB, OutlierFlags, ResidualCodes
from iea40k.outliers import Outlier

BAND = 1 << 21
"""Pixels of a big picture that are re-exposed at a time."""


class ResidualLayers(Layers[Image, ResidualCodes]):
    """Shows one image. `judged` are somebody's codes instead of the image's own, `beside` those on the right."""

    live = "preview"

    def __init__(self, screen: Screen, progress: Progress) -> None:
        super().__init__(screen)
        self._progress = progress
        self._preview: EncodedRGB | None = None

    def open(self, work: Image, judged: ResidualCodes | None, beside: ResidualCodes | None) -> None:
        """Show an image or level, or two people's maps of it."""
        self.two_maps = beside is not None
        super().open(work, judged, beside)

    def close(self) -> None:
        """Nothing is open."""
        super().close()
        self._preview = None

    def begin(self, shape: tuple[int, int]) -> None:
        """Another image is open: nothing that the screen shows is right."""
        self._preview = None
        super().begin(shape)

    @property
    def codes(self) -> ResidualCodes:
        """The codes that are shown on the left."""
        return self.work.codes if self.judged is None else self.judged

    def picture(self, name: Picture) -> EncodedRGB:
        """Return a picture; the preview is made when it is first wanted."""
        if name == "preview":
            if self._preview is None:
                self._preview = self._re_exposed()
            return self._preview
        return self.work.reference if name == "reference" else self.work.exposure

    def live_part(self, box: Box) -> EncodedRGB:
        """Return the preview in a box, after a stroke there."""
        part = re_exposed(self.work.exposure[box], self.codes[box])
        if self._preview is not None:
            self._preview[box] = part
        return part

    def out_of_sight(self) -> None:
        """The preview changed while it was not shown: it is made anew when it is next wanted."""
        self._preview = None

    def residual(self, box: Box, *, right: bool) -> NDArray[np.uint16]:
        """Return the residual in a box as labels."""
        codes = self.beside if right and self.beside is not None else self.codes
        return display_levels(codes[box])

    def flags(self, box: Box, canvas: Canvas) -> NDArray[np.uint8]:
        """Return the outlines of what is suggested, and of blown and crushed regions."""
        bits = (int(SUGGESTED) if canvas.outlines else 0) | (int(CLIPPED) if canvas.clipping else 0)
        return outlined(flag_labels(self.work.flags[box] & np.uint8(bits)))

    def _re_exposed(self) -> EncodedRGB:
        exposure, codes = self.work.exposure, self.codes
        preview = np.empty_like(exposure)
        bands = range(0, exposure.shape[0], max(1, BAND // exposure.shape[1]))
        with self._progress("Re-exposing the picture", len(bands)) as step:
            for top in bands:
                band = slice(top, top + bands.step)
                preview[band] = re_exposed(exposure[band], codes[band])
                step()
        return preview


def flag_labels(flags: OutlierFlags) -> NDArray[np.uint8]:
    """Return the number (1, 2 ... in the order of bits) of the highest flag at each pixel, 0 where is none."""
    labels = np.zeros(flags.shape, np.uint8)
    for number, bit in enumerate(Outlier, start=1):
        labels[(flags & int(bit)) != 0] = number
    return labels
