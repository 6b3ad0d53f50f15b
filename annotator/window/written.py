"""Words as a picture, to stand where a picture would."""

import numpy as np
from qtpy.QtCore import QRect, Qt
from qtpy.QtGui import QColor, QFont, QGuiApplication, QImage, QPainter

from iea40k.arrays import EncodedRGB

PAPER, INK = "#23272f", "#e8eaee"


def written(text: str, height: int, width: int) -> EncodedRGB:
    """Return words in a box (height, width, 3) uint8, as large as they fit into it, between 7 and 40 pixels.

    Without a running application, as in a script that only drives the session, the box is left empty: Qt would end the
    whole process where it is asked for a font.
    """
    image = QImage(width, height, QImage.Format.Format_RGB888)
    image.fill(QColor(PAPER))
    if QGuiApplication.instance() is not None:
        _write(image, text)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(height, image.bytesPerLine())
    return rows[:, : 3 * width].reshape(height, width, 3).copy()


def _write(image: QImage, text: str) -> None:
    width, height = image.width(), image.height()
    painter = QPainter(image)
    painter.setPen(QColor(INK))
    edge = max(2, min(height, width) // 20)
    room = QRect(edge, edge, width - 2 * edge, height - 2 * edge)
    how = int(Qt.TextFlag.TextWordWrap) | int(Qt.AlignmentFlag.AlignCenter)
    font = QFont()
    for size in range(40, 6, -1):
        font.setPixelSize(size)
        painter.setFont(font)
        needed = painter.boundingRect(room, how, text)
        if needed.height() <= room.height() and needed.width() <= room.width():
            break
    painter.drawText(room, how, text)
    painter.end()
