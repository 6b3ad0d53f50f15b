"""Small widgets: a row of exclusive buttons, and a slider with its number beside it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from qtpy.QtCore import Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import QImage, QPixmap
from qtpy.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLayout,
    QPushButton,
    QSizePolicy,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from iea40k.arrays import EncodedRGB

_STEPS = 1000


def label(text: str, name: str, *, wrap: bool = False) -> QLabel:
    """Return a label that the sheet knows by `name`."""
    made = QLabel(text)
    made.setObjectName(name)
    made.setWordWrap(wrap)
    made.setTextFormat(Qt.TextFormat.PlainText)
    return made


class Choice(QWidget):
    """Exclusive buttons in a grid: `options` are (value, text, tip)."""

    chosen = Signal(str)

    def __init__(self, options: Sequence[tuple[str, str, str]], columns: int) -> None:
        super().__init__()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(4)
        self._group = QButtonGroup(self)
        self.buttons: dict[str, QToolButton] = {}
        for index, (value, text, tip) in enumerate(options):
            button = QToolButton()
            button.setText(text)
            button.setToolTip(tip)
            button.setCheckable(True)
            # The canvas keeps the keys: a button that takes the focus would swallow the next shortcut.
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            # Ignored, so that the dock's width and not the longest text decides.
            button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            button.clicked.connect(lambda _checked, value=value: self.chosen.emit(value))
            self._group.addButton(button)
            self.buttons[value] = button
            grid.addWidget(button, index // columns, index % columns)

    def set(self, value: str) -> None:
        """Show a value as chosen."""
        button = self.buttons.get(value)
        if button is not None and not button.isChecked():
            button.setChecked(True)


class Number(QWidget):
    """A slider and a number for one value; `curve` > 1 gives small values more of the slider."""

    changed = Signal(float)

    def __init__(
        self, text: str, low: float, high: float, *, decimals: int = 2, step: float = 0.01, curve: float = 1.0
    ) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        self.name = label(text, "quiet")
        self.name.setFixedWidth(62)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, _STEPS)
        self.slider.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.box = QDoubleSpinBox()
        self.box.setRange(low, high)
        self.box.setDecimals(decimals)
        self.box.setSingleStep(step)
        self.box.setFixedWidth(82)
        self.box.setKeyboardTracking(False)
        self.box.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self._low, self._high, self._curve = low, high, curve
        self.slider.valueChanged.connect(self._slid)
        self.box.valueChanged.connect(self._typed)
        for widget in (self.name, self.slider, self.box):
            row.addWidget(widget)

    def set(self, value: float) -> None:
        """Show a value without telling anybody."""
        for widget in (self.slider, self.box):
            widget.blockSignals(True)
        share = (min(max(value, self._low), self._high) - self._low) / (self._high - self._low)
        self.slider.setValue(round(share ** (1 / self._curve) * _STEPS))
        self.box.setValue(value)
        for widget in (self.slider, self.box):
            widget.blockSignals(False)

    def _slid(self, step: int) -> None:
        value = self._low + (step / _STEPS) ** self._curve * (self._high - self._low)
        self.changed.emit(round(value, self.box.decimals()))

    def _typed(self, value: float) -> None:
        self.changed.emit(value)


def push(text: str, name: str, tip: str = "") -> QPushButton:
    """Return a button that leaves the keys to the canvas; the sheet knows it by `name`."""
    button = QPushButton(text)
    button.setObjectName(name)
    button.setToolTip(tip)
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return button


def column_of(
    *items: QWidget | QLayout, margins: tuple[int, int, int, int] = (0, 0, 0, 0), stretch: bool = False
) -> QWidget:
    """Return widgets and rows below each other; with `stretch` they keep to the top."""
    widget = QWidget()
    column = QVBoxLayout(widget)
    column.setContentsMargins(*margins)
    column.setSpacing(5)
    for item in items:
        if isinstance(item, QLayout):
            column.addLayout(item)
        else:
            column.addWidget(item)
    if stretch:
        column.addStretch(1)
    return widget


def row_of(*widgets: Any) -> QHBoxLayout:
    """Return widgets in a row."""
    row = QHBoxLayout()
    row.setSpacing(5)
    for widget in widgets:
        row.addWidget(widget)
    return row


def text_or_hide(widget: Any, text: str) -> None:
    """Show a text; nothing where it is empty."""
    widget.setText(text)
    widget.setVisible(bool(text))


def check(box: QCheckBox, on: bool) -> None:
    """Check a box without telling anybody."""
    box.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    box.blockSignals(True)
    box.setChecked(on)
    box.blockSignals(False)


def pixmap(picture: EncodedRGB) -> QPixmap:
    """Return a picture (H, W, 3) uint8 for a label."""
    pixels = np.ascontiguousarray(picture)
    height, width = pixels.shape[:2]
    image = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    return QPixmap.fromImage(image.copy())
