"""Small widgets: a row of exclusive buttons, and a slider with its number beside it."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from qtpy.QtCore import Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import QImage, QPixmap
from qtpy.QtWidgets import (
    QButtonGroup,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLayout,
    QSizePolicy,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from annotator.shared.language import tr
from annotator.shared.sliders import Slider, clamped
from annotator.window.fitted import FittedPush, FittedTool
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
        self._group = QButtonGroup(self)
        self.buttons: dict[str, FittedTool] = {}
        for value, text, tip in options:
            button = self.buttons[value] = small()
            button.say(text, "")
            button.setToolTip(tip)
            button.clicked.connect(lambda _checked, value=value: self.chosen.emit(value))
            self._group.addButton(button)
        self.setLayout(grid_of(self.buttons.values(), columns))

    def set(self, value: str) -> None:
        """Show a value as chosen."""
        button = self.buttons.get(value)
        if button is not None and not button.isChecked():
            button.setChecked(True)


class Number(QWidget):
    """A slider and a number for one value."""

    changed = Signal(float)

    def __init__(self, of: Slider) -> None:
        super().__init__()
        self._of = of
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        self.name = label(tr(of.label), "quiet")
        self.name.setMinimumWidth(66)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, _STEPS)
        self.slider.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.box = QDoubleSpinBox()
        self.box.setRange(of.low, of.high)
        self.box.setDecimals(of.decimals)
        self.box.setSingleStep(of.step)
        self.box.setMinimumWidth(82)
        self.box.setKeyboardTracking(False)
        self.box.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.slider.valueChanged.connect(self._slid)
        self.box.valueChanged.connect(self.changed)
        for widget in (self.name, self.slider, self.box):
            row.addWidget(widget, 1 if widget is self.slider else 0)

    def set(self, value: float) -> None:
        """Show a value without telling anybody."""
        for widget in (self.slider, self.box):
            widget.blockSignals(True)
        share = (clamped(value, self._of.low, self._of.high) - self._of.low) / (self._of.high - self._of.low)
        self.slider.setValue(round(share ** (1 / self._of.curve) * _STEPS))
        self.box.setValue(value)
        for widget in (self.slider, self.box):
            widget.blockSignals(False)

    def _slid(self, step: int) -> None:
        value = self._of.low + (step / _STEPS) ** self._of.curve * (self._of.high - self._of.low)
        self.changed.emit(round(value, self._of.decimals))


def small() -> FittedTool:
    """Return a small button that can be down."""
    button = FittedTool()
    button.setCheckable(True)
    # The canvas keeps the keys: a button that takes the focus would swallow the next shortcut.
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return button


def push(text: str, name: str) -> FittedPush:
    """Return a button that leaves the keys to the canvas; the sheet knows it by `name`."""
    button = FittedPush()
    button.say(text, "")
    button.setObjectName(name)
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
    column.setSpacing(3)
    for item in items:
        if isinstance(item, QLayout):
            column.addLayout(item)
        else:
            column.addWidget(item)
    if stretch:
        column.addStretch(1)
    return widget


def grid_of(widgets: Iterable[QWidget], columns: int, spacing: int = 4) -> QGridLayout:
    """Return widgets in a grid."""
    grid = QGridLayout()
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setSpacing(spacing)
    for index, widget in enumerate(widgets):
        grid.addWidget(widget, index // columns, index % columns)
        grid.setColumnStretch(index % columns, 1)
    return grid


def row_of(*widgets: Any) -> QHBoxLayout:
    """Return widgets in a row."""
    row = QHBoxLayout()
    row.setSpacing(5)
    for widget in widgets:
        row.addWidget(widget, 1 if isinstance(widget, FittedPush) else 0)
    return row


def text_or_hide(widget: Any, text: str) -> None:
    """Show a text; nothing where it is empty."""
    widget.setText(text)
    widget.setVisible(bool(text))


def pixmap(picture: EncodedRGB) -> QPixmap:
    """Return a picture (H, W, 3) uint8 for a label."""
    pixels = np.ascontiguousarray(picture)
    height, width = pixels.shape[:2]
    image = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    return QPixmap.fromImage(image.copy())
