"""The page of keys, in columns, and the same as text for screen readers."""

from html import escape
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QBoxLayout,
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from annotator.actions import help_groups, help_text
from annotator.shared.language import tr
from annotator.target import Kind

_COLUMNS: dict[Kind, tuple[tuple[str, ...], ...]] = {
    "residual": (("Tools",), ("Brush",), ("View",), ("Suggestions", "Strokes", "Flow")),
    "reference": (("Zones",), ("View",), ("Strokes", "Flow")),
}

_OF_SCREEN = 0.97
_EDGE = 40
"""Pixels for the dialog's edge and a scroll bar."""


class HelpDialog(QDialog):
    """A window that the key which opened it closes; Escape is Qt's own."""

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Close at a question mark."""
        if event.text() == "?":
            self.close()
        else:
            super().keyPressEvent(event)


def help_dialog(parent: QWidget | None, kind: Kind) -> QDialog:
    """Return the window with every key."""
    dialog = HelpDialog(parent)
    dialog.setWindowTitle(tr("Keys"))
    dialog.setAccessibleDescription(help_text(kind))
    area = QScrollArea(dialog)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidgetResizable(True)
    outer = QVBoxLayout(dialog)
    outer.setContentsMargins(4, 4, 4, 4)
    outer.addWidget(area)
    page, labels, layouts = _page(kind)
    area.setWidget(page)
    _fit(dialog, page, labels, layouts)
    return dialog


def _page(kind: Kind) -> tuple[QWidget, list[QLabel], list[QBoxLayout]]:
    """Return the page, its texts, and its layouts: those of the columns, then the whole."""
    page, labels = QWidget(), []
    columns = QHBoxLayout(page)
    columns.setSpacing(22)
    layouts: list[QBoxLayout] = []
    groups = help_groups(kind)
    for names in _COLUMNS[kind]:
        column = QVBoxLayout()
        layouts.append(column)
        for name in names:
            rows = "".join(
                f"<tr><td style='padding:1px 12px 1px 0'><b>{escape(keys)}</b></td><td>{escape(what)}</td></tr>"
                for keys, what in groups[name]
            )
            labels.append(
                QLabel(f"<h3 style='margin:0 0 2px 0'>{escape(tr(name))}</h3><table>{rows}</table>")
            )
            column.addWidget(labels[-1])
        column.addStretch(1)
        columns.addLayout(column)
    return page, labels, [*layouts, columns]


def _fit(dialog: QDialog, page: QWidget, labels: list[QLabel], layouts: list[QBoxLayout]) -> None:
    """Make the page as wide as its lines, or as the screen, where long ones are broken and the rest is scrolled."""
    room = dialog.screen().availableGeometry()
    for label in labels:
        label.ensurePolished()  # napari's texts may be larger than the system's
    wide = page.sizeHint().width()
    for label in labels:
        label.setWordWrap(True)
    width = min(wide, round(room.width() * _OF_SCREEN) - _EDGE)
    for layout in layouts:
        layout.invalidate()  # they remember the lines unbroken
    height = layouts[-1].totalHeightForWidth(width)
    dialog.resize(width + _EDGE, min(height + _EDGE, round(room.height() * _OF_SCREEN)))
