"""The napari layers, made once, filled anew for each image, and never removed.

Making layers anew for every image costs more than a second and leaks; filling them costs milliseconds.
"""

from collections.abc import Callable
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from annotator.shared.boxes import Box
from annotator.shared.display import Canvas
from annotator.shared.screen import LayerName
from annotator.window import adapter
from annotator.window.colourmaps import edit_colourmap, flag_colourmap, residual_colourmap, zone_colourmap
from annotator.window.sparse import Sparse
from annotator.window.written import written

GAP, RIM = 8, 2
"""Pixels of the image between the two panels, and around what is tried."""

PAPER = (35, 39, 47)

CLOSEST = 16.0
"""Pixels of the canvas that a pixel of the image has at most, where a proposal is looked at."""

_EMPTY = (8, 8)

LAYERS: dict[str, tuple[str, type | None, float]] = {
    "picture": ("picture", None, 1.0),
    "right": ("picture (right)", None, 1.0),
    "zones": ("zones", np.uint8, 0.9),
    "residual": ("residual", np.uint16, 1.0),
    "right_residual": ("residual (right)", np.uint16, 0.7),
    "flags": ("flags", np.uint8, 0.9),
    "edited": ("edited", np.uint8, 0.9),
    "right_edited": ("edited (right)", np.uint8, 0.9),
    "after": ("after", None, 1.0),
    "residual_after": ("residual (after)", np.uint16, 1.0),
}
"""The layers from below to above: what napari's list calls each, the type of its labels (None: a picture), opacity."""

FILLED: tuple[str, ...] = get_args(LayerName)
OUTLINES = ("flags", "edited", "right_edited")
SHOWN = ("picture", "residual", "flags", "edited")
"""Layers of the size of the image; those of outlines among them; those that are there from the start."""

TRIAL = ("after", "residual_after")
"""Layers that show a proposal as repaired."""


class NapariScreen:
    """The layers of one viewer; see `annotator.shared.screen`."""

    def __init__(self, viewer: Any) -> None:
        self._again: Callable[[], None] | None = None
        self._left_at: tuple[float, tuple[float, ...]] | None = None
        self._before_actual: tuple[float, tuple[float, ...]] | None = None
        self._frame: Any = None

        self.viewer = viewer
        self.shape: tuple[int, int] | None = None
        self._made: dict[str, Any] = {}
        self._sparse: dict[str, Sparse] = {}
        self._colours: tuple[str, float] | None = None
        self.picture, self.residual, self.flags, self.edited = (
            self._layer(name) for name in ("picture", "residual", "flags", "edited")
        )
        viewer.layers.selection.active = self.residual
        self._second_panel = False
        adapter.on_resize(viewer, self._resized)

    def size(self, height: int, width: int) -> None:
        """Give every layer the size of what is shown: napari fits hidden layers into the view as well."""
        self.shape = height, width
        for name, layer in self._made.items():
            if name in FILLED and layer.data.shape[:2] != self.shape:
                layer.data = np.zeros((height, width, *layer.data.shape[2:]), layer.data.dtype)
                adapter.measure_anew(layer)
                self._look(name)

    def fill(self, name: LayerName, data: NDArray[Any]) -> None:
        """Fill a layer in place, which is what costs little."""
        layer = self._layer(name)
        layer.data[...] = data
        layer.refresh(thumbnail=False, extent=False)
        self._look(name)

    def draw(self, name: LayerName, box: Box, data: NDArray[Any]) -> None:
        """Show data in a box of a layer."""
        layer = self._layer(name)
        layer.data[box] = data
        if layer.data.ndim == 3:
            adapter.update_picture(self.viewer, layer, box)
        else:
            adapter.update_labels(layer, box)
            self._look(name, box)

    def arrange(self, canvas: Canvas) -> None:
        """Show and hide the layers, put them in their places, and take the cursor of the tool in use."""
        self._colour(canvas.palette, canvas.opacity)
        for name, visible in (
            ("residual", canvas.overlay),
            ("flags", canvas.outlines or canvas.clipping),
            ("edited", canvas.edited),
            ("right_edited", canvas.edited and canvas.second_panel),
            ("right", canvas.second_panel),
            ("zones", canvas.zones),
            ("right_residual", canvas.second_panel and canvas.right_overlay),
        ):
            layer = self._layer(name) if visible else self._made.get(name)
            if layer is not None and layer.visible != visible:
                layer.visible = visible
        # Without a second panel its layers lie under the first: napari fits hidden layers into the view as well.
        self._second_panel = canvas.second_panel
        offset = (0, self.residual.data.shape[1] + GAP) if canvas.second_panel else (0, 0)
        for name in ("right", "right_residual", "right_edited"):
            if name in self._made and tuple(self._made[name].translate) != offset:
                self._made[name].translate = offset
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
        self._again = None
        for layer in self._made.values():
            if layer in self.viewer.layers:
                adapter.own_context(self.viewer)
                self.viewer.layers.remove(layer)

    def centre(self, row: float, column: float) -> None:
        """Move the view to a pixel, without changing the zoom."""
        self.viewer.scene.camera.center = (row, column)

    def focus(self, box: Box, beside: Box) -> None:
        """Zoom so that `box` fills a third of the canvas, with room for `beside` and for a second one at its right."""
        self._keep(lambda: self._zoom_to(box, beside))

    def _keep(self, look: Callable[[], None]) -> None:
        """Set the view, and set it again when the canvas changes its size, until somebody moves it."""
        look()
        self._again, self._left_at = look, self._camera()

    def _resized(self) -> None:
        if self._again is not None and self._left_at == self._camera():
            self._keep(self._again)

    def _camera(self) -> tuple[float, tuple[float, ...]]:
        camera = self.viewer.scene.camera
        return float(camera.zoom), tuple(float(at) for at in camera.center)

    def _zoom_to(self, box: Box, beside: Box) -> None:
        height, width = (span.stop - span.start for span in box)
        tall, wide = (span.stop - span.start for span in beside)
        canvas_height, canvas_width = adapter.canvas_size(self.viewer)
        zoom = min(
            canvas_height / max(3 * height, tall + 2 * RIM),
            canvas_width / max(3 * width, 2 * (wide + RIM) + GAP),
            CLOSEST,
        )
        self.viewer.scene.camera.zoom = zoom
        self.viewer.scene.camera.center = (
            (beside[0].start + beside[0].stop) / 2,
            beside[1].stop + GAP / 2,
        )

    def expect_trial(self) -> None:
        """Make a layer that a trial will want, unless all are made: the first key that shows one does not wait."""
        for name in TRIAL:
            if name not in self._made:
                self._layer(name)
                return

    def trial(self, box: Box, picture: NDArray[Any], labels: NDArray[Any]) -> None:
        """Show a picture with residual labels to the right of the box that it stands for."""
        # A frame of paper: what lies under it goes on as if it were the same picture.
        height, width = picture.shape[:2]
        framed = np.full((height + 2 * RIM, width + GAP + RIM, 3), PAPER, np.uint8)
        framed[RIM:-RIM, GAP:-RIM] = picture
        self._put_beside(self._layer("after"), box, framed, by=(-RIM, -GAP))
        self._put_beside(self._layer("residual_after"), box, labels)

    def trial_words(self, box: Box, text: str) -> None:
        """Show words to the right of a box, where `trial` would show a picture."""
        height, width = (span.stop - span.start for span in box)
        # As many pixels as the canvas has for them, so that the words are sharp.
        finer = max(1, round(self.viewer.scene.camera.zoom))
        if "residual_after" in self._made:
            self._made["residual_after"].visible = False
        self._put_beside(self._layer("after"), box, written(text, finer * height, finer * width), 1 / finer)

    def _put_beside(
        self, layer: Any, box: Box, data: NDArray[Any], scale: float = 1.0, by: tuple[int, int] = (0, 0)
    ) -> None:
        # napari counts from the middle of the first pixel.
        half = (scale - 1) / 2
        at = (box[0].start + by[0] + half, box[1].stop + GAP + by[1] + half)
        self._put(layer, np.ascontiguousarray(data), scale, at)
        if not layer.visible:
            layer.visible = True

    def _put(self, layer: Any, data: NDArray[Any], scale: float, at: tuple[float, float]) -> None:
        with adapter.in_place(self.viewer, layer):
            layer.data = data
            if layer.scale[0] != scale:
                layer.scale = (scale, scale)
            if tuple(layer.translate) != at:
                layer.translate = at

    def end_trial(self) -> None:
        """Show it no more."""
        for name in TRIAL:
            layer = self._made.get(name)
            if layer is not None and layer.visible:
                layer.visible = False
                # napari fits hidden layers into the view as well.
                self._put(layer, np.zeros((*_EMPTY, *layer.data.shape[2:]), layer.data.dtype), 1, (0, 0))

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
        self._keep(self.viewer.reset_view)

    def on_visibility(self, tell: Callable[[str, bool], None]) -> None:
        """Call `tell(name, visible)` when the person shows or hides a layer by napari's own key or eye."""
        for layer in (self.residual, self.flags, self.edited):
            layer.events.visible.connect(lambda _event, at=layer: tell(at.name, bool(at.visible)))

    # ------------------------------------------------------------ private

    def __getattr__(self, name: str) -> Any:
        """Return a layer by its name; one that nothing has wanted yet is made."""
        if name not in LAYERS:
            raise AttributeError(name)
        return self._layer(name)

    def _layer(self, name: str) -> Any:
        """Return a layer, made when it is first wanted: each costs a fifth of a second, and most are seen seldom."""
        if name in self._made:
            return self._made[name]
        with adapter.plain_arrays():
            made = self._made[name] = self._new(name)
        made.visible = False if name not in SHOWN else made.visible
        adapter.quiet_status(made)  # first: what is added is in use for a moment, and napari says so
        self.viewer.add_layer(made)
        adapter.quiet_help(self.viewer, made)
        # Each has its place above others, whenever it is made.
        order = [n for n in LAYERS if n in self._made]
        above = [self._made[n] for n in order[order.index(name) + 1 :]]
        if above:
            self.viewer.layers.move(
                self.viewer.layers.index(made), min(self.viewer.layers.index(other) for other in above)
            )
        self.viewer.layers.selection.active = self._made.get("residual", made)
        # napari's own brush would paint on what is shown and not on the codes; ours takes its place and its keys.
        made.editable = False
        made.mouse_pan = True
        if name in OUTLINES:
            self._sparse[name] = Sparse(self.viewer, made)
        return made

    def _look(self, name: str, box: Box | None = None) -> None:
        if name in self._sparse:
            self._sparse[name].look(box)

    def _new(self, name: str) -> Any:
        from napari.layers import Image as PictureLayer
        from napari.layers import Labels

        title, kind, opacity = LAYERS[name]
        size = self.shape if self.shape is not None and name in FILLED else _EMPTY
        if kind is None:
            return PictureLayer(np.zeros((*size, 3), np.uint8), rgb=True, name=title)
        layer = Labels(np.zeros(size, kind), name=title, opacity=opacity)
        if name in ("flags", "zones"):
            layer.colormap = flag_colourmap() if name == "flags" else zone_colourmap()
        elif "edited" in name:
            layer.colormap = edit_colourmap()
        elif self._colours is not None:
            layer.colormap = residual_colourmap(*self._colours)
        return layer

    def _colour(self, palette: str, opacity: float) -> None:
        if self._colours != (palette, opacity):
            self._colours = (palette, opacity)
            self.residual.colormap = colours = residual_colourmap(palette, opacity)
            for name in ("right_residual", "residual_after"):
                if name in self._made:
                    self._made[name].colormap = colours

    def _hold(self, canvas: Canvas) -> None:
        """The brush's circle as the cursor, and the left button for the brush rather than for moving the view."""
        if self.viewer.layers.selection.active is not self.residual:
            self.viewer.layers.selection.active = self.residual
        for layer in (self._made[n] for n in ("residual", "right_residual") if n in self._made):
            layer.mouse_pan = canvas.pan
            if canvas.cursor is not None:
                layer.cursor_size = canvas.cursor
                layer.cursor = "circle"
            else:
                layer.cursor = "standard" if canvas.pan else "cross"
