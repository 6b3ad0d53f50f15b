"""Open the annotator in a napari viewer: layers, docks, keys, mouse, and a closing that loses nothing."""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

# Before Qt: PySide reads the source of every module that is imported after it.
import napari.viewer
from qtpy.QtCore import QEvent, QObject, Qt, QTimer
from qtpy.QtWidgets import QApplication, QWidget

from annotator.actions import bound_keys, press
from annotator.session.base import BaseSession
from annotator.session.controller import Controller
from annotator.shared.keys import bound
from annotator.shared.language import tr
from annotator.window import adapter
from annotator.window.dock import Dock
from annotator.window.menu import Menu
from annotator.window.pen import Pen
from annotator.window.screen import NapariScreen
from annotator.window.stopping import ended_by_signals
from annotator.window.style import sheet
from annotator.window.view import QtView, ReadoutBar


class Annotator(QObject):
    """What belongs to one viewer: its controller, its widgets, and how they end."""

    def __init__(self, viewer: Any, session: BaseSession) -> None:
        super().__init__()
        self.viewer, self.session = viewer, session
        self.dock, self.readout = Dock(), ReadoutBar()
        window = adapter.main_window(viewer)
        self.view = QtView(self.dock, self.readout, window)
        self.screen = NapariScreen(viewer)
        self.view.canvas = adapter.canvas_widget(viewer)
        self.controller = Controller(session, self.screen, self.view)
        self._closed = self._went = False
        adapter.right_dock_to_the_bottom(viewer)
        viewer.window.add_dock_widget(self.dock, name=_title(session), area="right")
        bar = viewer.window.add_dock_widget(self.readout, name=tr("pixel"), area="bottom")
        # One line needs no title bar; its height goes to the picture.
        bar.setTitleBarWidget(QWidget(bar))
        bar.setFixedHeight(30)
        self.dock.connect_to(self.controller)
        self._look()
        self._end_look = adapter.on_look(viewer, self._look)
        self.menu = Menu(window, self.controller)
        if window is not None:
            window.menuBar().addMenu(self.menu)
        self.pen = Pen(self.view.canvas, self.controller)
        bind_keys(viewer, self.screen, self.controller)
        viewer.mouse_drag_callbacks.append(self._dragged)
        viewer.mouse_move_callbacks.append(self._moved)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._tick)
        self._timer.start(1000)
        if window is not None:
            window.installEventFilter(self)
        # A window that is closed takes the dock with it while timers and threads still run: the session ends there.
        self.dock.destroyed.connect(self._window_went)

    def start(self) -> None:
        """Open the first image."""
        self.controller.flow.start()
        self.give_focus()

    def give_focus(self) -> None:
        """Give the keys to the canvas."""
        canvas = adapter.canvas_widget(self.viewer)
        if canvas is not None:
            canvas.setFocus()

    @property
    def closed(self) -> bool:
        """Whether the session has ended."""
        return self._closed

    def leave(self) -> bool:
        """End the session where the person agrees; return whether it has ended."""
        if not self._closed and self._may_close():
            self.close()
        return self._closed

    def close(self) -> None:
        """End the session; the viewer may stay."""
        if not self._closed:
            self._closed = True
            self._timer.stop()
            self._end_look()
            if not self._went:
                self.view.end()
            self.dock.connect_to(None)
            window = None if self._went else adapter.main_window(self.viewer)
            if window is not None:
                window.removeEventFilter(self)
                window.menuBar().removeAction(self.menu.menuAction())
                self.menu.deleteLater()
                self.dock.destroyed.disconnect(self._window_went)
                # Each removal lays the window out anew: it is painted once, when all are done.
                window.setUpdatesEnabled(False)
                for widget in (self.dock, self.readout):
                    with contextlib.suppress(LookupError, RuntimeError):
                        self.viewer.window.remove_dock_widget(widget)
                self.screen.remove()
                window.setUpdatesEnabled(True)
            for callbacks, mine in (
                (self.viewer.mouse_drag_callbacks, self._dragged),
                (self.viewer.mouse_move_callbacks, self._moved),
            ):
                if mine in callbacks:
                    callbacks.remove(mine)
            for name in bound_keys():
                self.viewer.bind_key(bound(name), None)
                self.screen.residual.bind_key(bound(name), None)
            self.controller.remember()
            self.session.close()

    def eventFilter(self, _watched: Any, event: Any) -> bool:  # noqa: N802 - Qt's name
        """Warn before the window closes over strokes that the ledger does not have."""
        if event.type() == QEvent.Type.Close and not self._closed and not self._may_close():
            event.ignore()
            return True
        return False

    def _may_close(self) -> bool:
        """Nothing is closed in the middle of long work, during which Qt goes on."""
        return not self.controller.busy and self.controller.flow.may_leave()

    def _dragged(self, _viewer: Any, event: Any) -> Any:
        yield from self.controller.drag(event)

    def _moved(self, _viewer: Any, event: Any) -> None:
        self.controller.hover(event.position, shift="Shift" in event.modifiers)

    def _window_went(self) -> None:
        """The window was destroyed, and its docks and layers with it."""
        self._went = True
        self.close()

    def _look(self) -> None:
        """Look as napari does now: light or dark, and as large."""
        light, size = adapter.is_light(self.viewer), adapter.text_size()
        self.dock.style_as(light=light, size=size)
        self.view.sheet = sheet(light=light, size=size)

    def _tick(self) -> None:
        found = self.controller.residual.proposing.found()
        if found and QApplication.mouseButtons() == Qt.MouseButton.NoButton:
            self.screen.expect_trial()
        self.view.show(self.controller.panel())


def _title(session: BaseSession) -> str:
    """Return what the panel is called: whose work it is, and what they do."""
    if session.role == "review":
        return tr("{person}: review", person=session.annotator)
    if session.role == "read only":
        return tr("Exposure residuals, read-only")
    return tr("{person}: annotating", person=session.annotator)


def bind_keys(viewer: Any, screen: NapariScreen, controller: Controller) -> None:
    """Bind every key, on the layer under work and on the viewer, so that it works wherever the focus is."""
    for name, held in bound_keys().items():
        act = _held(controller, name) if held else _once(controller, name)
        screen.residual.bind_key(bound(name), act, overwrite=True)
        viewer.bind_key(bound(name), act, overwrite=True)


def _once(controller: Controller, name: str) -> Callable[[Any], None]:
    def act(_owner: Any) -> None:
        press(controller, name)

    return act


def _held(controller: Controller, name: str) -> Callable[[Any], Any]:
    def act(_owner: Any) -> Any:
        press(controller, name, held=True)
        yield
        press(controller, name, held=False)

    return act


def run_window(session: BaseSession, target: float = 0.0) -> None:
    """Open a window of its own on a session and return when it is closed; `target` in images an hour."""
    session.pace = replace(session.pace, target=target)
    adapter.units_from_cache()
    viewer = napari.Viewer(title="IEA40K", show=True)
    adapter.hide_side_docks(viewer)
    adapter.take_the_screen(viewer)
    annotator = Annotator(viewer, session)
    try:
        annotator.start()
        with ended_by_signals():
            napari.run()
    finally:
        annotator.close()
