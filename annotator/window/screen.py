"""The napari layers, made once, filled anew for each image, and never removed.

Making layers anew for every image costs more than a second and leaks; filling them costs milliseconds. `picture` and
`residual` are the panel on the left, `... (right)` the one beside it, `flags` and `edited` are outlines, `zones` are
those of a reference's blocks.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotator.reference import shading
from annotator.residual.preview import re_exposed
from annotator.residual.regions import CLIPPED, SUGGESTED
from annotator.shared.boxes import Box, grown
from annotator.shared.display import Canvas, Picture, display_levels, wiped
from annotator.shared.progress import Progress, silent
from annotator.window import adapter
from annotator.window.labels import (
    FLAG_COLOURS,
    RIM_COLOUR,
    direct_colormap,
    fill,
    flag_labels,
    outlined,
    residual_colormap,
    zone_colormap,
)
from iea40k.arrays import EncodedRGB, OutlierFlags, ResidualCodes

GAP = 8
"""Pixels of the image between the two panels."""

BAND = 1 << 21
"""Pixels of a big picture that are re-exposed at a time."""

_EMPTY = (8, 8)


class Layers:
    """The layers of one viewer. `pictures` are those of the level shown; `codes` what the residual layer shows."""

    def __init__(self, viewer: Any) -> None:
        from napari.layers import Image as PictureLayer
        from napari.layers import Labels

        self.viewer = viewer
        black = np.zeros((*_EMPTY, 3), np.uint8)
        nothing = np.zeros(_EMPTY, np.uint16)
        self.picture = PictureLayer(black.copy(), rgb=True, name="picture")
        self.right = PictureLayer(black.copy(), rgb=True, name="picture (right)", visible=False)
        self.residual = Labels(nothing.copy(), name="residual", opacity=1.0)
        self.right_residual = Labels(nothing.copy(), name="residual (right)", visible=False)
        self.flags = Labels(nothing.astype(np.uint8), name="flags", opacity=0.9)
        self.edited = Labels(nothing.astype(np.uint8), name="edited", opacity=0.9)
        self.flags.colormap = direct_colormap({0: "transparent", **FLAG_COLOURS, shading.RIM: RIM_COLOUR})
        self.edited.colormap = direct_colormap({0: "transparent", 1: "#ffffff"})
        self.right_edited = Labels(
            nothing.astype(np.uint8), name="edited (right)", opacity=0.9, visible=False
        )
        self.right_edited.colormap = self.edited.colormap
        self.zones = Labels(nothing.astype(np.uint8), name="zones", opacity=0.9, visible=False)
        self.zones.colormap = zone_colormap()
        self.all = (
            self.picture,
            self.right,
            self.zones,
            self.residual,
            self.right_residual,
            self.flags,
            self.edited,
            self.right_edited,
        )
        for layer in self.all:
            viewer.add_layer(layer)
            # napari's own brush would paint on what is shown and not on the codes; ours takes its place and its keys.
            layer.editable = False
            layer.mouse_pan = True
            layer.help = ""  # napari's own speaks of its brush, which is not the one in hand
        viewer.layers.selection.active = self.residual
        self._pictures: dict[Picture, EncodedRGB] = {}
        self._codes: ResidualCodes | None = None
        self._right_codes: ResidualCodes | None = None
        self._flags: OutlierFlags = np.zeros(_EMPTY, np.uint8)
        self._touched: NDArray[np.bool_] = np.zeros(_EMPTY, np.bool_)
        self._stale_preview = True
        self._colours: tuple[str, float] | None = None
        self._canvas: Canvas | None = None
        self._second_panel = False
        self.shape: tuple[int, int] | None = None
        self.progress: Progress = silent

    # ------------------------------------------------------------ what is shown

    def open(
        self,
        exposure: EncodedRGB,
        reference: EncodedRGB,
        codes: ResidualCodes,
        flags: OutlierFlags,
        touched: NDArray[np.bool_],
        right_codes: ResidualCodes | None = None,
    ) -> None:
        """Fill every layer with another image or level. `codes` is shared: painting changes it in place.

        `right_codes` are shown beside instead of `codes`, to compare two people's maps.
        """
        self._pictures = {"exposure": exposure, "reference": reference, "preview": exposure}
        self._codes, self._right_codes = codes, right_codes
        self._stale_preview = True
        self._canvas = None
        self.size(exposure.shape[0], exposure.shape[1])
        self._flags = flags
        self._touched = touched.copy()
        fill(self.edited, outlined(touched.astype(np.uint8)))

    def size(self, height: int, width: int) -> None:
        """Give every layer the size of what is shown: napari fits hidden layers into the view as well."""
        self.shape = height, width
        for layer in self.all:
            if layer.data.shape[:2] != self.shape:
                layer.data = np.zeros((height, width, *layer.data.shape[2:]), layer.data.dtype)

    def show(self, canvas: Canvas) -> None:
        """Do what the canvas says, and only what is not so already."""
        before, self._canvas = self._canvas, canvas
        if before is None or (before.left, before.right, before.split) != (
            canvas.left,
            canvas.right,
            canvas.split,
        ):
            self._compose(canvas)
        if before is None or (before.split, before.swap_maps) != (canvas.split, canvas.swap_maps):
            self._fill_residual()
        if canvas.second_panel and (before is None or not before.second_panel):
            codes = self._codes if self._right_codes is None else self._right_codes
            if codes is not None:
                fill(self.right_residual, display_levels(codes))
                fill(self.right_edited, self.edited.data)
        if before is None or (before.outlines, before.clipping) != (canvas.outlines, canvas.clipping):
            bits = (int(SUGGESTED) if canvas.outlines else 0) | (int(CLIPPED) if canvas.clipping else 0)
            fill(self.flags, outlined(flag_labels(self._flags & np.uint8(bits))))
        self.arrange(canvas)

    def arrange(self, canvas: Canvas) -> None:
        """Show and hide the layers, and put them in their places."""
        self._colour(canvas.palette, canvas.opacity)
        for layer, visible in (
            (self.residual, canvas.overlay),
            (self.flags, canvas.outlines or canvas.clipping),
            (self.edited, canvas.edited),
            (self.right_edited, canvas.edited and canvas.second_panel),
            (self.right, canvas.second_panel),
            (self.zones, canvas.zones),
            (self.right_residual, canvas.second_panel and canvas.right_overlay),
        ):
            if layer.visible != visible:
                layer.visible = visible
        # Without a second panel its layers lie under the first: napari fits hidden layers into the view as well.
        self._second_panel = canvas.second_panel
        offset = (0, self.residual.data.shape[1] + GAP) if canvas.second_panel else (0, 0)
        for layer in (self.right, self.right_residual, self.right_edited):
            if tuple(layer.translate) != offset:
                layer.translate = offset
        self._hold(canvas)

    def changed(self, box: Box | None, touched: NDArray[np.bool_] | None = None) -> None:
        """Show codes that changed in `box` (None: anywhere); `touched`: its pixels that are edited, for the outline."""
        if self._codes is None or self._canvas is None:
            return
        whole = (slice(0, self._codes.shape[0]), slice(0, self._codes.shape[1]))
        area = whole if box is None else box
        labels = display_levels(self._codes[area])
        if self._right_codes is None:
            self.update(self.residual, area, labels)
        else:
            self._fill_residual()
        if self._canvas.second_panel and self._right_codes is None:
            self.update(self.right_residual, area, labels)
        self._preview(area)
        if touched is not None:
            self._touched[area] = touched
            # The outline changes one pixel around the box too, and depends on two.
            wide, changed = grown(area, 2, self._touched.shape), grown(area, 1, self._touched.shape)
            rows, columns = (
                slice(c.start - w.start, c.stop - w.start) for c, w in zip(changed, wide, strict=True)
            )
            edited = outlined(self._touched[wide].astype(np.uint8))[rows, columns]
            self.update(self.edited, changed, edited)
            if self._canvas.second_panel:
                self.update(self.right_edited, changed, edited)

    def pixel(self, position: tuple[float, ...]) -> tuple[float, float] | None:
        """Return the pixel (row, column) under a position of the canvas, in either panel; None without an image."""
        if self.shape is None:
            return None
        row, column = position[-2:]
        width = self.shape[1]
        if self._second_panel and column >= width + GAP / 2:
            column -= width + GAP
        return row, column

    def remove(self) -> None:
        """Take the layers out of the viewer: the sitting is over."""
        for layer in self.all:
            if layer in self.viewer.layers:
                self.viewer.layers.remove(layer)

    def centre(self, row: float, column: float) -> None:
        """Move the view to a pixel, without changing the zoom."""
        self.viewer.scene.camera.center = (row, column)

    def fit(self) -> None:
        """Show the whole picture, both panels where there are two."""
        self.viewer.reset_view()

    def on_visibility(self, tell: Callable[[str, bool], None]) -> None:
        """Call `tell(name, visible)` when the person shows or hides a layer by napari's own key or eye."""
        for layer in (self.residual, self.flags, self.edited):
            layer.events.visible.connect(lambda _event, at=layer: tell(at.name, bool(at.visible)))

    # ------------------------------------------------------------ private

    def _fill_residual(self) -> None:
        """The map on the left; of two that are compared, the right one beyond the wipe's edge or while it blinks."""
        if self._codes is None or self._canvas is None:
            return
        codes, other = self._codes, self._right_codes
        if other is not None and self._canvas.swap_maps:
            codes, other = other, codes
        labels = display_levels(codes)
        if other is not None and self._canvas.split is not None:
            edge = round(self._canvas.split * codes.shape[1])
            labels[:, edge:] = display_levels(other[:, edge:])
        fill(self.residual, labels)

    def _picture(self, name: Picture) -> EncodedRGB:
        if name == "preview" and self._stale_preview and self._codes is not None:
            self._stale_preview = False
            exposure, codes = self._pictures["exposure"], self._codes
            self._pictures["preview"] = preview = np.empty_like(exposure)
            bands = range(0, exposure.shape[0], max(1, BAND // exposure.shape[1]))
            with self.progress("Re-exposing the picture", len(bands)) as step:
                for top in bands:
                    band = slice(top, top + bands.step)
                    preview[band] = re_exposed(exposure[band], codes[band])
                    step()
        return self._pictures[name]

    def _compose(self, canvas: Canvas) -> None:
        if not self._pictures:
            return
        left = self._picture(canvas.left)
        if canvas.right is not None and canvas.split is not None:
            left = wiped(left, self._picture(canvas.right), canvas.split)
        fill(self.picture, left.copy() if left is self._pictures[canvas.left] else left)
        if canvas.right is not None and canvas.split is None:
            fill(self.right, self._picture(canvas.right).copy())

    def _preview(self, box: Box) -> None:
        canvas = self._canvas
        shown = canvas is not None and "preview" in (canvas.left, canvas.right)
        if not shown or canvas is None or self._codes is None or self._stale_preview:
            self._stale_preview = True
            return
        part = re_exposed(self._pictures["exposure"][box], self._codes[box])
        self._pictures["preview"][box] = part
        if canvas.left == "preview":
            self.send(self.picture, box, part, canvas.split, left=True)
        elif canvas.split is not None:
            self.send(self.picture, box, part, canvas.split, left=False)
        if canvas.right == "preview" and canvas.split is None:
            self.send(self.right, box, part, None, left=True)

    def send(self, layer: Any, box: Box, part: EncodedRGB, split: float | None, *, left: bool) -> None:
        """Show `part` in a box of a picture; of a wiped one, on its own side of the edge only."""
        if split is not None:
            edge = round(split * layer.data.shape[1])
            low, high = box[1].start, box[1].stop
            low, high = (low, min(high, edge)) if left else (max(low, edge), high)
            if low >= high:
                return
            part = part[:, low - box[1].start : high - box[1].start]
            box = (box[0], slice(low, high))
        layer.data[box] = part
        adapter.update_picture(self.viewer, layer, box)

    def update(self, layer: Any, box: Box, labels: NDArray[Any]) -> None:
        """Show labels in a box of a layer."""
        layer.data[box] = labels
        adapter.update_labels(layer, box)

    def _colour(self, palette: str, opacity: float) -> None:
        if self._colours != (palette, opacity):
            self._colours = (palette, opacity)
            colormap = residual_colormap(palette, opacity)  # type: ignore[arg-type]
            self.residual.colormap = colormap
            self.right_residual.colormap = colormap

    def _hold(self, canvas: Canvas) -> None:
        """The brush's circle as the cursor, and the left button for the brush rather than for moving the view."""
        if self.viewer.layers.selection.active is not self.residual:
            self.viewer.layers.selection.active = self.residual
        for layer in (self.residual, self.right_residual):
            layer.mouse_pan = canvas.pan
            if canvas.cursor is not None:
                layer.cursor_size = canvas.cursor
                layer.cursor = "circle"
            else:
                layer.cursor = "standard" if canvas.pan else "cross"
