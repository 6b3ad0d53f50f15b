"""The window that says what a region is like: words and histograms."""

from typing import Any

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QDialog, QLabel, QLayout, QVBoxLayout, QWidget

from annotator.reference.shading import ladder
from annotator.shared.language import tr
from annotator.shared.statistics import Spread, Statistics
from annotator.window.widgets import label, pixmap
from iea40k.arrays import EncodedRGB
from iea40k.render import palette_table

_HEIGHT, _WIDTH = 64, 330
_PAPER = 30


class MeasuredDialog(QDialog):
    """One window for all that is measured, one after the other; Escape puts it away. Every other key is the canvas's,
    which it does not take the work from."""

    def __init__(self, parent: QWidget | None, canvas: QWidget | None = None) -> None:
        super().__init__(parent)
        self._canvas = canvas
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.setWindowTitle(tr("Statistics of a region"))
        self.text = label("", "plain")
        self.charts: list[QLabel] = []
        self._column = QVBoxLayout(self)
        # As large as what it says, also when the text grows.
        self._column.setSizeConstraint(QLayout.SizeConstraint.SetFixedSize)
        self._column.addWidget(self.text)

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Keys go on meaning what they mean."""
        if self._canvas is None or event.key() == Qt.Key.Key_Escape:
            super().keyPressEvent(event)
        else:
            QApplication.sendEvent(self._canvas, event)

    def keyReleaseEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """A key that is held ends where it began."""
        if self._canvas is None:
            super().keyReleaseEvent(event)
        else:
            QApplication.sendEvent(self._canvas, event)

    def show_statistics(self, found: Statistics) -> None:
        """Show what was measured last."""
        self.text.setText(found.text())
        self.text.setAccessibleName(found.text())
        for chart in self.charts:
            self._column.removeWidget(chart)
            chart.deleteLater()
        self.charts = []
        colours = palette_table("blue-white-red")
        rows: list[tuple[Spread, Any]] = []
        if found.residual is not None:
            count = len(found.residual.counts)
            ends = np.linspace(0, len(colours) - 1, count).astype(int)
            rows.append((found.residual, colours[ends]))
        rows += [(spread, ladder()) for spread in found.zones]
        for spread, bars in rows:
            chart = QLabel()
            chart.setPixmap(pixmap(histogram(spread, bars)))
            chart.setToolTip(tr("histogram: {name}", name=tr(spread.name)))
            self.charts.append(chart)
            self._column.addWidget(chart)
        self.show()


def histogram(spread: Spread, colours: Any) -> EncodedRGB:
    """Return a histogram as a picture; `colours` (bins, 3) uint8 are those of its bars."""
    picture = np.full((_HEIGHT, _WIDTH, 3), _PAPER, np.uint8)
    most = max(*spread.counts, 1)
    edges = np.linspace(0, _WIDTH, len(spread.counts) + 1).astype(int)
    for number, count in enumerate(spread.counts):
        # The square root, so that a few pixels far off are seen beside many near by.
        tall = round((count / most) ** 0.5 * (_HEIGHT - 2))
        if count:
            bar = slice(_HEIGHT - max(tall, 1), _HEIGHT), slice(edges[number], edges[number + 1] - 1)
            picture[bar] = colours[number]
    return picture
