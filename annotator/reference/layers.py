"""The layers filled with a reference: the pictures, the residual beside it, rims and hatches, the zones."""

import numpy as np
from numpy.typing import NDArray

from annotator.reference.blocks import Blocks
from annotator.reference.shading import flag_labels, zone_labels
from annotator.reference.state import Reference, Version
from annotator.shared.boxes import Box
from annotator.shared.display import Canvas, Picture, display_levels
from annotator.shared.layers import Layers
from annotator.shared.screen import Screen
from iea40k.arrays import EncodedRGB, Validity
from iea40k.residuals import residual_codes
from iea40k.zones import luminance


class ReferenceLayers(Layers[Reference, Version]):
    """Shows one reference, cut into `blocks`, beside a `level`. What it is compared with stands for the base."""

    live = "reference"

    def __init__(self, screen: Screen) -> None:
        super().__init__(screen)
        self.blocks: Blocks | None = None
        self.level = ""
        self._zones = False

    def close(self) -> None:
        """Nothing is open."""
        super().close()
        self.blocks = None

    def begin(self, shape: tuple[int, int]) -> None:
        """Another reference is open: nothing that the screen shows is right."""
        self._zones = False
        super().begin(shape)

    def show(self, canvas: Canvas) -> None:
        """Do what the canvas says, and only what is not so already."""
        if canvas.zones and not self._zones:
            self._fill_zones()
        super().show(canvas)

    def changed(self, box: Box | None, *, recorded: bool = False) -> None:
        """Show what changed in a box (None: anywhere); `recorded`: it counts as edited from now on."""
        super().changed(box, recorded=recorded)
        canvas = self._canvas
        if canvas is None or box is None:
            return
        if canvas.clipping:
            self._screen.draw("flags", box, self.flags(box, canvas))
        if recorded:
            self._zones = False
            if canvas.zones:
                self._fill_zones()

    def picture(self, name: Picture) -> EncodedRGB:
        """Return a picture."""
        if name == "exposure":
            return self.work.exposure(self.level)
        if name == "built":
            return self.work.base if self.beside is None else self.beside.picture
        return self.work.picture if self.judged is None else self.judged.picture

    def live_part(self, box: Box) -> EncodedRGB:
        """Return the reference in a box, after an edit there."""
        return self.picture("reference")[box]

    def residual(self, box: Box, *, right: bool) -> NDArray[np.uint16]:
        """Return the residual of the level beside, in a box, as labels."""
        del right
        if self._difference and self.beside is not None:
            left = self.picture("reference")[box]
            return display_levels(residual_codes(left, self.beside.picture[box][None])[0])
        picture = None if self.judged is None else self.judged.picture
        return display_levels(self.work.residual(self.level, box, picture))

    def flags_follow(self, canvas: Canvas) -> object:
        """Return what rims and hatches depend on: the light of the picture, too."""
        return canvas.outlines, canvas.clipping, canvas.left

    def flags(self, box: Box, canvas: Canvas) -> NDArray[np.uint8]:
        """Return the rims of the blocks, and a hatch where light is lost."""
        if self.blocks is None:
            raise ValueError("no reference is open")
        picture = self.picture(canvas.left)
        return flag_labels(self.blocks, picture, box, rims=canvas.outlines, lost=canvas.clipping)

    def touched(self, box: Box) -> Validity:
        """Return which pixels of a box are edited."""
        if self.judged is None:
            return super().touched(box)
        touched: Validity = self.judged.touched[box]
        return touched

    def _fill_zones(self) -> None:
        if self.blocks is not None:
            self._zones = True
            light = self.work.light if self.judged is None else luminance(self.judged.picture)
            self._screen.fill("zones", zone_labels(self.blocks, self.blocks.zones(light)))
