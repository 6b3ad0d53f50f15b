"""What tests of the real window share: a viewer that is shown, real keys, and what is seen."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest


@contextmanager
def shown_viewer(width: int, height: int) -> Iterator[Any]:
    """A napari viewer whose window is shown, at a size in pixels; its thread that reads the status does not run."""
    import napari

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("napari._qt.threads.status_checker.StatusChecker.start", lambda _self: None)
        viewer = napari.Viewer(show=True)
        viewer.window._qt_window.resize(width, height)
        yield viewer
        viewer.close()


def opened(viewer: Any, session: Any) -> SimpleNamespace:
    """Open a session in a shown viewer, with napari's side docks away as in our own window."""
    from annotator.window import adapter
    from annotator.window.opening import Annotator

    adapter.hide_side_docks(viewer)
    annotator = Annotator(viewer, session)
    annotator.start()
    drawn()
    return SimpleNamespace(viewer=viewer, a=annotator, c=annotator.controller, session=annotator.session)


def told() -> list[str]:
    """Return what napari's notifications say just now, the latest last."""
    from napari._qt.dialogs.qt_notification import NapariQtNotification

    return [shown.message.text() for shown in NapariQtNotification._instances if shown.isVisible()]


def drawn(times: int = 5) -> None:
    """Let Qt do what waits."""
    from qtpy.QtWidgets import QApplication

    for _ in range(times):
        QApplication.processEvents()


def key(window: SimpleNamespace, name: str, modifier: str = "NoModifier") -> None:
    """A real key on the canvas."""
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    canvas = window.viewer.window._qt_viewer.canvas.native
    canvas.setFocus()
    held = Qt.KeyboardModifier.NoModifier
    for one in modifier.split("|"):
        held |= getattr(Qt.KeyboardModifier, one)
    QTest.keyClick(canvas, getattr(Qt.Key, f"Key_{name}"), held)
    drawn()


_IN_DIALOG = "in dialog"


def in_dialog(*keys: str) -> list[Any]:
    """Press keys in the next dialog, once it is open; return what it was, filled later. A dialog that they leave open
    is closed. Whoever waited for one before, and met none, waits no longer."""
    from qtpy.QtCore import QTimer
    from qtpy.QtTest import QTest
    from qtpy.QtWidgets import QApplication

    seen: list[Any] = []
    for waiting in QApplication.instance().findChildren(QTimer, _IN_DIALOG):
        waiting.stop()
        waiting.setObjectName("")
    timer = QTimer(QApplication.instance())
    timer.setObjectName(_IN_DIALOG)

    def answer() -> None:
        dialog = QApplication.activeModalWidget()
        if dialog is None or not dialog.isVisible():
            return
        timer.stop()
        seen.append(dialog)
        try:
            for name in keys:
                QTest.keyClick(dialog.focusWidget() or dialog, name)
        finally:
            if dialog.isVisible():
                dialog.reject()

    timer.timeout.connect(answer)
    timer.start(30)
    return seen


def picture(window: SimpleNamespace) -> np.ndarray:
    """Return what the canvas shows, (H, W, 3) int."""
    drawn()
    return np.asarray(window.viewer.screenshot(canvas_only=True, flash=False))[..., :3].astype(int)


def fits(window: SimpleNamespace) -> bool:
    """Whether the whole picture is in sight, in the middle, and as large as it may be."""
    camera, canvas = window.viewer.scene.camera, window.viewer.window._qt_viewer.canvas
    height, width = canvas.size
    rows, columns = window.session.work.shape
    share = max(rows * camera.zoom / height, columns * camera.zoom / width)
    middle = np.abs(np.array(camera.center[-2:]) - [(rows - 1) / 2, (columns - 1) / 2])
    return bool(0.85 < share <= 1 and (middle < 2).all())
