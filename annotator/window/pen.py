"""A pen on a tablet: Qt tells its pressure beside the mouse events that it makes of it."""

from typing import Any

from qtpy.QtCore import QEvent, QObject, QTimer

from annotator.session.controller import Controller

_PRESSED = (QEvent.Type.TabletPress, QEvent.Type.TabletMove)


class Pen(QObject):
    """Watches a canvas and tells the controller how hard the pen is pressed."""

    def __init__(self, canvas: Any, controller: Controller) -> None:
        super().__init__()
        self._controller = controller
        if canvas is not None:
            canvas.installEventFilter(self)

    def eventFilter(self, _watched: Any, event: Any) -> bool:  # noqa: N802 - Qt's name
        """Note the pressure and let the event pass: of what nobody takes, Qt makes mouse events."""
        if event.type() in _PRESSED:
            self._controller.pressure = min(max(float(event.pressure()), 0.0), 1.0)
        elif event.type() == QEvent.Type.TabletRelease:
            # The button of the mouse that Qt makes of it goes up after this: the stroke still is the pen's.
            QTimer.singleShot(0, self._lifted)
        return False

    def _lifted(self) -> None:
        self._controller.pressure = None
