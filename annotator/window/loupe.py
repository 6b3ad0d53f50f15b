"""The loupe: a corner of the canvas that shows the pixels under the mouse, and lets the mouse through."""

from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel

from annotator.window.widgets import pixmap
from iea40k.arrays import EncodedRGB

_MARGIN = 8


class Loupe(QLabel):
    """Lies over the top right corner of a canvas; goes to the left one where the mouse comes under it."""

    def __init__(self, canvas: Any) -> None:
        super().__init__(canvas)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setStyleSheet("border: 1px solid #888")
        self.setAccessibleName("the pixels under the mouse, enlarged, and their residual")
        self.hide()

    def show_picture(self, picture: EncodedRGB | None) -> None:
        """Show a picture (H, W, 3) uint8; None hides the loupe."""
        if picture is None:
            self.hide()
            return
        self.setPixmap(pixmap(picture))
        self.adjustSize()
        canvas = self.parentWidget()
        if canvas is None:
            return
        mouse = canvas.mapFromGlobal(canvas.cursor().pos())
        right = canvas.width() - self.width() - _MARGIN
        near = mouse.y() < self.height() + 3 * _MARGIN and mouse.x() > right - 3 * _MARGIN
        self.move(_MARGIN if near else right, _MARGIN)
        self.show()
        self.raise_()
