"""The face: napari's notifications, Qt's dialogs, the dock and the read-out."""

from typing import Any

import numpy as np
from napari.utils import notifications
from qtpy.QtCore import QObject, Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import QImage, QPixmap
from qtpy.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QMessageBox,
    QVBoxLayout,
    QWidget,
)

from annotator.keys import help_groups
from annotator.panel import Panel
from annotator.window.dock import Dock
from annotator.window.widgets import label
from iea40k.render import legend

_LEGEND = (220, 10)


class ReadoutBar(QWidget):
    """One line under the picture: what the pixel says, and the legend with its fixed ends."""

    def __init__(self) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 2, 10, 2)
        self.text = QLabel("")
        self.text.setTextFormat(Qt.TextFormat.PlainText)
        self.bar = QLabel()
        self._palette = ""
        row.addWidget(self.text, 1)
        for widget in (label("−1 over", "quiet"), self.bar, label("+1 under", "quiet")):
            row.addWidget(widget)
        self.show_palette("blue-white-red")

    def show_palette(self, palette: str) -> None:
        """Show the legend of a palette."""
        if palette != self._palette:
            self._palette = palette
            pixels = np.ascontiguousarray(legend(*_LEGEND, palette))  # type: ignore[arg-type]
            image = QImage(pixels.data, *_LEGEND, 3 * _LEGEND[0], QImage.Format.Format_RGB888)
            self.bar.setPixmap(QPixmap.fromImage(image.copy()))


class QtFace(QObject):
    """The window's half of the controller. Notices from other threads are brought to this one."""

    _told = Signal(str, str)

    def __init__(self, dock: Dock, readout: ReadoutBar, parent: QWidget | None = None) -> None:
        super().__init__()
        self.dock, self.readout, self.parent_window = dock, readout, parent
        self._told.connect(self._notify)
        self._help: QDialog | None = None

    def show(self, panel: Panel) -> None:
        """Show the panel."""
        self.dock.show_panel(panel)
        self.readout.show_palette(panel.look.palette)

    def read(self, text: str) -> None:
        """Show what the pixel under the cursor says."""
        self.readout.text.setText(text)

    def notify(self, kind: str, text: str) -> None:
        """Tell something by napari's notifications; may be called from any thread."""
        self._told.emit(kind, text)

    def ask(self, title: str, question: str) -> str | None:
        """Ask for a line of text."""
        text, accepted = QInputDialog.getMultiLineText(self.parent_window, title, question)
        return str(text).strip() or None if accepted else None

    def confirm(self, title: str, question: str) -> bool:
        """Ask yes or no."""
        answer = QMessageBox.question(self.parent_window, title, question)
        return bool(answer == QMessageBox.StandardButton.Yes)

    def choose(self, title: str, question: str, choices: list[str]) -> str | None:
        """Ask for one of several."""
        text, accepted = QInputDialog.getItem(self.parent_window, title, question, choices, 0, False)
        return str(text) if accepted else None

    def help(self, text: str) -> None:
        """Show the keys, or put them away."""
        if self._help is not None and self._help.isVisible():
            self._help.close()
            return
        self._help = help_dialog(self.parent_window, text)
        self._help.show()

    def busy(self, text: str) -> None:
        """Say that something longer is under way."""
        self.readout.text.setText(text)

    def _notify(self, kind: str, text: str) -> None:
        show: dict[str, Any] = {"info": notifications.show_info, "warning": notifications.show_warning}
        show.get(kind, notifications.show_error)(text)


def help_dialog(parent: QWidget | None, text: str) -> QDialog:
    """Return the window with every key, in columns; `text` is the same for screen readers."""
    dialog = QDialog(parent)
    dialog.setWindowTitle("Keys")
    dialog.setAccessibleDescription(text)
    columns = QHBoxLayout(dialog)
    columns.setSpacing(28)
    groups = help_groups()
    for names in (("Tools",), ("Brush", "Strokes"), ("View",), ("Suggestions", "Flow")):
        column = QVBoxLayout()
        for name in names:
            rows = "".join(
                f"<tr><td style='padding:2px 12px 2px 0'><b>{_plain(keys)}</b></td><td>{_plain(what)}</td></tr>"
                for keys, what in groups[name]
            )
            column.addWidget(QLabel(f"<h3>{name}</h3><table>{rows}</table>"))
        column.addStretch(1)
        columns.addLayout(column)
    return dialog


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
