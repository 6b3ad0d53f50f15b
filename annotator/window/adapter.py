"""Every call into napari's private parts, each with a public way to the same result.

napari updates a texture in part for its own brush only. The same is done here for ours: a box of a Labels layer
through the layer's own partial refresh, a box of a picture through its texture. Where napari has changed, the whole
layer is refreshed: slower, and right.
"""

import contextlib
from collections.abc import Callable
from typing import Any

from annotator.shared.boxes import Box

_PRIVATE_ERRORS = (AttributeError, TypeError, KeyError, ValueError, IndexError)


def update_labels(layer: Any, box: Box) -> bool:
    """Show what changed in `box` of a Labels layer's data; return whether only the box was sent."""
    try:
        layer._updated_slice = box
        layer._partial_labels_refresh()
    except _PRIVATE_ERRORS:
        layer.refresh()
        return False
    return True


def update_picture(viewer: Any, layer: Any, box: Box) -> bool:
    """Show what changed in `box` of an RGB layer's data; return whether only the box was sent."""
    try:
        visual = viewer.window._qt_viewer.canvas.layer_to_visual[layer]
        texture = visual.node._texture
        if visual.node._need_texture_upload or texture.shape[:2] != layer.data.shape[:2]:
            raise ValueError("the texture is not this picture's")
        texture.scale_and_set_data(layer.data[box], offset=(box[0].start, box[1].start))
        visual.node.update()
    except _PRIVATE_ERRORS:
        if hasattr(layer, "refresh"):
            layer.refresh(thumbnail=False, extent=False)
        return False
    return True


def hide_side_docks(viewer: Any) -> None:
    """Hide napari's layer list and controls, which the window's menu brings back; the picture gets their place."""
    with contextlib.suppress(*_PRIVATE_ERRORS):
        window = viewer.window._qt_viewer
        for dock in (window.dockLayerControls, window.dockLayerList):
            dock.setVisible(False)


def canvas_widget(viewer: Any) -> Any | None:
    """Return the widget that takes the keys, so that it can be given the focus back; None without a window."""
    with contextlib.suppress(*_PRIVATE_ERRORS):
        return viewer.window._qt_viewer.canvas.native
    return None


def canvas_size(viewer: Any) -> tuple[int, int]:
    """Return (height, width) of the canvas in pixels of the screen; a usual one without a window."""
    try:
        height, width = viewer.window._qt_viewer.canvas.size
    except _PRIVATE_ERRORS:
        return 600, 800
    return int(height), int(width)


def pixel_ratio(viewer: Any) -> float:
    """Return how many pixels of the screen make one of the canvas, 1 without a window."""
    canvas = canvas_widget(viewer)
    return 1.0 if canvas is None else float(canvas.devicePixelRatioF())


def on_resize(viewer: Any, call: Callable[[], None]) -> None:
    """Call `call` whenever the canvas has changed its size; never without a window."""
    with contextlib.suppress(*_PRIVATE_ERRORS):
        viewer.window._qt_viewer.canvas._scene_canvas.events.resize.connect(lambda _event: call())


def main_window(viewer: Any) -> Any | None:
    """Return napari's main window, None without one."""
    with contextlib.suppress(*_PRIVATE_ERRORS):
        return viewer.window._qt_window
    return None


def show_activity(window: Any | None, visible: bool) -> None:
    """Show or hide napari's list of progress bars in a main window; the person can do it by hand as well."""
    with contextlib.suppress(*_PRIVATE_ERRORS):
        window.statusBar()._toggle_activity_dock(visible)  # type: ignore[union-attr]


def real_viewer(viewer: Any) -> Any:
    """Return the viewer behind the proxy that napari gives to plugins, which hides the parts used here."""
    return getattr(viewer, "__wrapped__", viewer)
