"""Every call into napari's private parts, each with a public way to the same result.

napari updates a texture in part for its own brush only. The same is done here for ours: a box of a Labels layer
through the layer's own partial refresh, a box of a picture through its texture. Where napari has changed, the whole
layer is refreshed: slower, and right.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

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


@contextlib.contextmanager
def in_place(viewer: Any, layer: Any) -> Iterator[None]:
    """Change what a flat layer shows, and where, for a single refresh at the end: without the sliders being worked out
    anew from every layer (there are none), and without the shader of a Labels layer being compiled and its colours
    sent again (they are as before). Each takes a good part of what a key press may."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(*_PRIVATE_ERRORS):
            for emitter in (layer.events.data, layer.events.scale, layer.events.translate):
                stack.enter_context(emitter.blocker(viewer._on_layers_change))
        with contextlib.suppress(*_PRIVATE_ERRORS):
            visual = viewer.window._qt_viewer.canvas.layer_to_visual[layer]
            stack.enter_context(layer.events.data.blocker(visual._on_colormap_change))
        with contextlib.suppress(*_PRIVATE_ERRORS):
            stack.enter_context(layer._block_refresh())
        yield
    layer.refresh(thumbnail=False, highlight=False)
    if not layer.visible:  # then a refresh is nothing
        measure_anew(layer)


def measure_anew(layer: Any) -> None:
    """Let napari know a layer's new size: of one that is hidden it keeps the old one, and fits that into the view."""
    try:
        layer._clear_extent()
    except _PRIVATE_ERRORS:
        shown = layer.visible
        layer.visible = True
        layer.refresh(thumbnail=False)
        layer.visible = shown


def draw_in(viewer: Any, layer: Any, shares: NDArray[np.float32]) -> bool:
    """Draw a Labels layer in these rectangles only: (n, 4) top, left, bottom, right as shares of it, none for nothing.
    Return whether it is so; where napari has changed, all of it is drawn."""
    try:
        node = viewer.window._qt_viewer.canvas.layer_to_visual[layer].node
        place, texture, _ = node._subdiv_position, node._subdiv_texcoord, node._build_vertex_data
        top, left, bottom, right = shares.T if len(shares) else np.zeros((4, 1), np.float32)
        corners = [(left, top), (right, top), (right, bottom), (left, top), (right, bottom), (left, bottom)]
        where = np.ascontiguousarray(np.stack([np.stack(c, -1) for c in corners], 1).reshape(-1, 2))

        def build() -> None:
            place.set_data((where * node.size).astype(np.float32))
            texture.set_data(where)
            node._need_vertex_update = False

        node._build_vertex_data, node._need_vertex_update = build, True
        node.update()
    except _PRIVATE_ERRORS:
        return False
    return True


def hide_side_docks(viewer: Any) -> None:
    """Hide napari's layer list and controls, which the window's menu brings back; the picture gets their place."""
    with contextlib.suppress(*_PRIVATE_ERRORS):
        window = viewer.window._qt_viewer
        for dock in (window.dockLayerControls, window.dockLayerList):
            dock.setVisible(False)


def take_the_screen(viewer: Any) -> None:
    """Open as large as the screen allows: napari would take the size of whatever window of its own was last open."""
    with contextlib.suppress(*_PRIVATE_ERRORS):
        window = viewer.window._qt_window
        # Where nothing manages windows, being maximised alone changes no size.
        window.setGeometry(window.screen().availableGeometry())
        window.showMaximized()


def units_from_cache() -> None:
    """Let pint, which napari asks for units, read its table of units from a cache: it takes a fifth of a second."""
    with contextlib.suppress(
        Exception
    ):  # whatever its cache's folder is like, the plain way gives the same units
        import pint

        pint.set_application_registry(pint.UnitRegistry(cache_folder=":auto:"))  # type: ignore[no-untyped-call]


@contextlib.contextmanager
def plain_arrays() -> Iterator[None]:
    """Make layers in this context without xarray, where their data are NumPy's: napari imports it, half a second of a
    processor, to ask whether an array is one of its own. Of any other data it asks as before."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(*_PRIVATE_ERRORS, ImportError):
            from napari.utils import _xarray_utils as asking

            asked, no = asking._check_xarray, asking._XarrayProps()
            asking._check_xarray = lambda data: no if type(data) is np.ndarray else asked(data)
            stack.callback(setattr, asking, "_check_xarray", asked)
        yield


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
        viewer.window._qt_viewer.canvas._scene_canvas.events.resize.connect(
            lambda _event: call(), position="last"
        )


def is_light(viewer: Any) -> bool:
    """Return whether napari's theme is a light one."""
    with contextlib.suppress(*_PRIVATE_ERRORS, ImportError):
        from napari.utils.theme import get_theme

        return bool(sum(get_theme(viewer.theme).background.as_rgb_tuple()[:3]) > 1.5 * 255)
    return False


def text_size(step: int = 0) -> int:
    """Return the size of napari's texts in points, `step` points larger from now on, between 6 and 30."""
    with contextlib.suppress(*_PRIVATE_ERRORS, ImportError):
        from napari.settings import get_settings

        appearance = get_settings().appearance
        if step:
            appearance.font_size = min(max(int(appearance.font_size) + step, 6), 30)
        return int(appearance.font_size)
    return 9


def on_look(viewer: Any, call: Callable[[], None]) -> Callable[[], None]:
    """Call `call` whenever napari's theme or the size of its texts changes; return what ends that."""

    def changed(_event: Any = None) -> None:
        call()

    emitters = []
    with contextlib.suppress(*_PRIVATE_ERRORS, ImportError):
        from napari.settings import get_settings

        emitters = [viewer.events.theme, get_settings().appearance.events.font_size]
        for emitter in emitters:
            emitter.connect(changed)

    def end() -> None:
        for emitter in emitters:
            with contextlib.suppress(*_PRIVATE_ERRORS):
                emitter.disconnect(changed)

    return end


def quiet_status(layer: Any) -> None:
    """Keep the status bar from naming a layer of ours with the number of its label: the read-out says what it is."""
    nothing = {"layer_name": "", "layer_base": "", "source_type": "", "plugin": "", "coordinates": ""}
    layer.get_status = lambda *_, **__: dict(nothing)


def quiet_help(viewer: Any, layer: Any) -> None:
    """Keep the status bar from the help of napari's brush, which is not the one in use: it comes at every change of a
    layer's mode, as when the layer is shown or hidden."""
    with contextlib.suppress(*_PRIVATE_ERRORS):
        layer.events.mode.disconnect(viewer._on_layer_mode_change)
    layer.help = viewer.help = ""


def dismiss_notifications() -> None:
    """Take away napari's notifications that are shown."""
    with contextlib.suppress(*_PRIVATE_ERRORS, ImportError):
        from napari._qt.dialogs.qt_notification import NapariQtNotification

        for shown in list(NapariQtNotification._instances):
            try:
                shown.close()
            except RuntimeError:  # it went with its window, and napari still lists it
                NapariQtNotification._instances.remove(shown)


def own_context(viewer: Any) -> None:
    """Make the OpenGL context of the viewer's canvas the current one.

    When a layer goes, napari sends what waits for OpenGL at once, deletions included, into whatever context is current
    then: Qt's own between two paintings, or another window's. A buffer that is deleted there ends the process when the
    canvas is next painted.
    """
    with contextlib.suppress(*_PRIVATE_ERRORS, RuntimeError):
        canvas = viewer.window._qt_viewer.canvas
        if canvas.native.isValid():  # it has been shown: before, it has none
            canvas._scene_canvas.set_current()


def speak_in(window: Any | None) -> None:
    """Let napari's next notification come in this main window: it takes the one that was active last."""
    with contextlib.suppress(*_PRIVATE_ERRORS):
        known = type(window)._instances  # type: ignore[union-attr]
        if window in known and known[-1] is not window:
            known.remove(window)
            known.append(window)


def expire_notification() -> None:
    """Let every notification go by itself: napari shows one for ever where the window is not active, as it is not yet
    when a dialog has just closed, or where another came over it before its time was over."""
    with contextlib.suppress(*_PRIVATE_ERRORS, ImportError, RuntimeError):
        from napari._qt.dialogs.qt_notification import NapariQtNotification

        for shown in NapariQtNotification._instances:
            if not shown.timer.isSingleShot():  # napari has not let it begin
                shown.timer.setSingleShot(True)
                shown.timer.timeout.connect(shown.close_with_fade)
            if not shown.timer.isActive():
                shown.timer.start(shown.DISMISS_AFTER)


def right_dock_to_the_bottom(viewer: Any) -> None:
    """Give the corner below the dock at the right to it: on a small screen the panel needs its height."""
    from qtpy.QtCore import Qt

    window = main_window(viewer)
    if window is not None:
        window.setCorner(Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.RightDockWidgetArea)


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
