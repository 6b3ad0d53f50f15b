"""The napari layers, made once, filled anew for each image, and never removed.

Making layers anew for every image costs more than a second and leaks; filling them costs milliseconds.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotator.shared.boxes import Box
from annotator.shared.display import Canvas
from annotator.shared.screen import LayerName
from annotator.window import adapter
from annotator.window.colourmaps import edit_colourmap, flag_colourmap, residual_colourmap, zone_colourmap

GAP = 8
"""Pixels of the image between the two panels."""

CLOSEST = 16.0
"""Pixels of the canvas that a pixel of the image has at most, where a proposal is looked at."""

_EMPTY = (8, 8)


class NapariScreen:
    """The layers of one viewer; see `annotator.shared.screen`."""

    def __init__(self, viewer: Any) -> None:
        from napari.layers import Image as PictureLayer
        from napari.layers import Labels

        self._focused: tuple[Box, Box, float] | None = None
        self._before_actual: tuple[float, tuple[float, ...]] | None = None
        self._frame: Any = None

        def picture(name: str) -> Any:
            return PictureLayer(np.zeros((*_EMPTY, 3), np.uint8), rgb=True, name=name)

        def labels(name: str, kind: type = np.uint8, opacity: float = 0.9) -> Any:
            return Labels(np.zeros(_EMPTY, kind), name=name, opacity=opacity)

        self.viewer = viewer
        self.shape: tuple[int, int] | None = None
        self.picture, self.right = picture("picture"), picture("picture (right)")
        self.residual = labels("residual", np.uint16, 1.0)
        self.right_residual = labels("residual (right)", np.uint16, 0.7)
        self.flags, self.zones = labels("flags"), labels("zones")
        self.edited, self.right_edited = labels("edited"), labels("edited (right)")
        self.after, self.residual_after = picture("after"), labels("residual (after)", np.uint16, 1.0)
        self.flags.colormap, self.zones.colormap = flag_colourmap(), zone_colourmap()
        self.edited.colormap = self.right_edited.colormap = edit_colourmap()
        self.all: dict[LayerName, Any] = {
            "picture": self.picture,
            "right": self.right,
            "zones": self.zones,
            "residual": self.residual,
            "right_residual": self.right_residual,
            "flags": self.flags,
            "edited": self.edited,
            "right_edited": self.right_edited,
        }
        hidden = (
            self.right,
            self.right_residual,
            self.right_edited,
            self.zones,
            self.after,
            self.residual_after,
        )
        for layer in (*self.all.values(), self.after, self.residual_after):
            layer.visible = layer not in hidden
            viewer.add_layer(layer)
            # napari's own brush would paint on what is shown and not on the codes; ours takes its place and its keys.
            layer.editable = False
            layer.mouse_pan = True
            layer.help = ""  # napari's own speaks of its brush, which is not the one in use
        viewer.layers.selection.active = self.residual
        self._colours: tuple[str, float] | None = None
        self._second_panel = False

    def size(self, height: int, width: int) -> None:
        """Give every layer the size of what is shown: napari fits hidden layers into the view as well."""
        self.shape = height, width
        for layer in self.all.values():
            if layer.data.shape[:2] != self.shape:
                layer.data = np.zeros((height, width, *layer.data.shape[2:]), layer.data.dtype)

    def fill(self, name: LayerName, data: NDArray[Any]) -> None:
        """Fill a layer in place, which is what costs little."""
        layer = self.all[name]
        layer.data[...] = data
        layer.refresh(thumbnail=False, extent=False)

    def draw(self, name: LayerName, box: Box, data: NDArray[Any]) -> None:
        """Show data in a box of a layer."""
        layer = self.all[name]
        layer.data[box] = data
        if layer.data.ndim == 3:
            adapter.update_picture(self.viewer, layer, box)
        else:
            adapter.update_labels(layer, box)

    def arrange(self, canvas: Canvas) -> None:
        """Show and hide the layers, put them in their places, and take the cursor of the tool in use."""
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
        """Take the layers out of the viewer: the session is over."""
        for layer in (*self.all.values(), self.after, self.residual_after):
            if layer in self.viewer.layers:
                self.viewer.layers.remove(layer)

    def centre(self, row: float, column: float) -> None:
        """Move the view to a pixel, without changing the zoom."""
        self.viewer.scene.camera.center = (row, column)

    def focus(self, box: Box, beside: Box) -> None:
        """Zoom so that `box` fills a third of the canvas, with room for `beside` and for a second one at its right."""
        if self._focused is None:
            adapter.on_resize(self.viewer, self._focus_again)
        self._zoom_to(box, beside)
        self._focused = (box, beside, self.viewer.scene.camera.zoom)

    def _focus_again(self) -> None:
        """What the panel says of a region may take room from the canvas; nothing where somebody has zoomed since."""
        if self._focused is not None and self.viewer.scene.camera.zoom == self._focused[2]:
            self.focus(*self._focused[:2])

    def _zoom_to(self, box: Box, beside: Box) -> None:
        height, width = (span.stop - span.start for span in box)
        tall, wide = (span.stop - span.start for span in beside)
        canvas_height, canvas_width = adapter.canvas_size(self.viewer)
        zoom = min(
            canvas_height / max(3 * height, tall), canvas_width / max(3 * width, 2 * wide + GAP), CLOSEST
        )
        self.viewer.scene.camera.zoom = zoom
        self.viewer.scene.camera.center = (
            (beside[0].start + beside[0].stop) / 2,
            beside[1].stop + GAP / 2,
        )

    def trial(self, box: Box, picture: NDArray[Any], labels: NDArray[Any]) -> None:
        """Show a picture with residual labels to the right of the box that it stands for."""
        at = (box[0].start, box[1].stop + GAP)
        self.residual_after.colormap = self.residual.colormap
        for layer, data in ((self.after, picture), (self.residual_after, labels)):
            layer.data = np.ascontiguousarray(data)
            layer.translate = at
            layer.visible = True

    def end_trial(self) -> None:
        """Show it no more."""
        for layer in (self.after, self.residual_after):
            if layer.visible:
                layer.visible = False
                # napari fits hidden layers into the view as well.
                layer.data, layer.translate = (
                    np.zeros((*_EMPTY, *layer.data.shape[2:]), layer.data.dtype),
                    (0, 0),
                )

    def actual_size(self, at: tuple[int, int] | None) -> None:
        """Show a pixel of the image on each pixel of the screen, that at `at` staying where it is; again: as before."""
        camera, wanted = self.viewer.scene.camera, 1 / adapter.pixel_ratio(self.viewer)
        if abs(camera.zoom - wanted) < 1e-6 * wanted:
            if self._before_actual is None:
                self.fit()
            else:
                camera.zoom, camera.center = self._before_actual
            self._before_actual = None
            return
        self._before_actual = (camera.zoom, tuple(camera.center))
        if at is not None:
            share = camera.zoom / wanted
            camera.center = tuple(p - (p - c) * share for p, c in zip(at, camera.center[-2:], strict=True))
        camera.zoom = wanted

    def frame(self, box: Box | None) -> None:
        """Draw a frame around a box of the image while it is chosen; None: no more."""
        canvas = adapter.canvas_widget(self.viewer)
        if canvas is None:
            return
        if self._frame is None:
            from qtpy.QtWidgets import QRubberBand

            self._frame = QRubberBand(QRubberBand.Shape.Rectangle, canvas)
        self._frame.setVisible(box is not None)
        if box is not None:
            camera = self.viewer.scene.camera
            middle, half = camera.center[-2:], (canvas.height() / 2, canvas.width() / 2)
            (top, bottom), (left, right) = (
                (round((edge - 0.5 - m) * camera.zoom + h) for edge in (span.start, span.stop))
                for span, m, h in zip(box, middle, half, strict=True)
            )
            self._frame.setGeometry(left, top, right - left, bottom - top)

    def fit(self) -> None:
        """Show the whole picture, both panels where there are two."""
        self.viewer.reset_view()

    def on_visibility(self, tell: Callable[[str, bool], None]) -> None:
        """Call `tell(name, visible)` when the person shows or hides a layer by napari's own key or eye."""
        for layer in (self.residual, self.flags, self.edited):
            layer.events.visible.connect(lambda _event, at=layer: tell(at.name, bool(at.visible)))

    # ------------------------------------------------------------ private

    def _colour(self, palette: str, opacity: float) -> None:
        if self._colours != (palette, opacity):
            self._colours = (palette, opacity)
            self.residual.colormap = self.right_residual.colormap = residual_colourmap(palette, opacity)

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
