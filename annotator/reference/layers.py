"""The layers filled with a reference: the pictures, the residual beside it, rims and hatches, the zones."""

import numpy as np
from numpy.typing import NDArray

from annotator.reference.blocks import Blocks
from annotator.reference.shading import flag_labels, zone_labels
from annotator.reference.state import Reference
from annotator.reference.versions import Version
from annotator.shared.boxes import Box, grown
from annotator.shared.display import Canvas, Picture, display_levels, wiped
from annotator.window.labels import fill, outlined
from annotator.window.screen import Layers
from iea40k.arrays import EncodedRGB
from iea40k.zones import luminance


class ZoneLayers:
    """Shows one reference in the layers of a viewer. The pictures are shared: edits change them in place."""

    def __init__(self, layers: Layers) -> None:
        self._l = layers
        self._reference: Reference | None = None
        self._blocks: Blocks | None = None
        self._judged: Version | None = None
        self._beside: Version | None = None
        self._level = ""
        self._canvas: Canvas | None = None

    def open(
        self, reference: Reference, level: str, blocks: Blocks, judged: Version | None, beside: Version | None
    ) -> None:
        """Show a reference beside a level. In review `judged` is shown in its stead, and `beside` as what it is
        compared with in the place of the base."""
        self._reference, self._level, self._blocks, self._judged = reference, level, blocks, judged
        self._beside = beside
        self._canvas = None
        self._l.size(*reference.shape)
        touched = outlined((reference.touched if judged is None else judged.touched).astype(np.uint8))
        fill(self._l.edited, touched)
        fill(self._l.right_edited, touched)

    def show(self, canvas: Canvas) -> None:
        """Do what the canvas says, and only what is not so already."""
        reference, blocks = self._reference, self._blocks
        if reference is None or blocks is None:
            return
        before, self._canvas = self._canvas, canvas
        if _differ(before, canvas, "left", "right", "split"):
            self._compose(canvas, reference)
        if _differ(before, canvas, "overlay", "second_panel"):
            self._fill_residual(canvas)
        if _differ(before, canvas, "outlines", "clipping", "left"):
            whole = (slice(0, reference.shape[0]), slice(0, reference.shape[1]))
            fill(self._l.flags, self._flags(whole))
        if canvas.zones and _differ(before, canvas, "zones"):
            self._fill_zones()
        self._l.arrange(canvas)

    def changed(self, box: Box | None, recorded: bool) -> None:
        """Show what changed in a box (None: anywhere); `recorded`: it counts as edited from now on."""
        reference, canvas = self._reference, self._canvas
        if reference is None or canvas is None:
            return
        area = (slice(0, reference.shape[0]), slice(0, reference.shape[1])) if box is None else box
        self._show_picture(canvas, area, reference)
        if canvas.overlay:
            if box is None:
                self._fill_residual(canvas)
            else:
                levels = display_levels(reference.residual(self._level, box))
                self._l.update(self._l.residual, box, levels)
                if canvas.second_panel:
                    self._l.update(self._l.right_residual, box, levels)
        if canvas.clipping:
            self._l.update(self._l.flags, area, self._flags(area))
        if canvas.zones and recorded:
            self._fill_zones()
        if recorded:
            wide, around = grown(area, 2, reference.shape), grown(area, 1, reference.shape)
            rows, columns = (
                slice(a.start - w.start, a.stop - w.start) for a, w in zip(around, wide, strict=True)
            )
            edited = outlined(reference.touched_in(wide).astype(np.uint8))[rows, columns]
            for layer in (self._l.edited, self._l.right_edited):
                self._l.update(layer, around, edited)

    # ------------------------------------------------------------ private

    def _picture(self, name: Picture, reference: Reference) -> EncodedRGB:
        if name == "exposure":
            return reference.exposure(self._level)
        if name == "built":
            return reference.base if self._beside is None else self._beside.picture
        return reference.picture if self._judged is None else self._judged.picture

    def _compose(self, canvas: Canvas, reference: Reference) -> None:
        left = self._picture(canvas.left, reference)
        if canvas.right is not None and canvas.split is not None:
            left = wiped(left, self._picture(canvas.right, reference), canvas.split)
        fill(self._l.picture, left)
        if canvas.right is not None and canvas.split is None:
            fill(self._l.right, self._picture(canvas.right, reference))

    def _show_picture(self, canvas: Canvas, box: Box, reference: Reference) -> None:
        part = self._picture("reference", reference)[box]
        if canvas.left == "reference":
            self._l.send(self._l.picture, box, part, canvas.split, left=True)
        elif canvas.right == "reference" and canvas.split is not None:
            self._l.send(self._l.picture, box, part, canvas.split, left=False)
        if canvas.right == "reference" and canvas.split is None:
            self._l.send(self._l.right, box, part, None, left=True)

    def _fill_residual(self, canvas: Canvas) -> None:
        if self._reference is not None:
            picture = None if self._judged is None else self._judged.picture
            levels = display_levels(self._reference.residual(self._level, None, picture))
            fill(self._l.residual, levels)
            if canvas.second_panel:
                fill(self._l.right_residual, levels)

    def _fill_zones(self) -> None:
        if self._reference is not None and self._blocks is not None:
            light = self._reference.light if self._judged is None else luminance(self._judged.picture)
            fill(self._l.zones, zone_labels(self._blocks, self._blocks.zones(light)))

    def _flags(self, box: Box) -> NDArray[np.uint8]:
        canvas, blocks, reference = self._canvas, self._blocks, self._reference
        if canvas is None or blocks is None or reference is None:
            return np.zeros((box[0].stop - box[0].start, box[1].stop - box[1].start), np.uint8)
        picture = self._picture(canvas.left, reference)
        return flag_labels(blocks, picture, box, rims=canvas.outlines, lost=canvas.clipping)


def _differ(before: Canvas | None, after: Canvas, *names: str) -> bool:
    return before is None or any(getattr(before, name) != getattr(after, name) for name in names)
