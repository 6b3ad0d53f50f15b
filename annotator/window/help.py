"""The page of keys, in columns, and the same as text for screen readers."""

from html import escape
from typing import Any

from qtpy.QtWidgets import QDialog, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from annotator.actions import help_groups, help_text
from annotator.shared.language import tr
from annotator.target import Kind

_COLUMNS: dict[Kind, tuple[tuple[str, ...], ...]] = {
    "residual": (("Tools",), ("Brush", "Strokes"), ("View",), ("Suggestions", "Flow")),
    "reference": (("Zones",), ("View",), ("Strokes", "Flow")),
}


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
    columns = QHBoxLayout(dialog)
    columns.setSpacing(28)
    groups = help_groups(kind)
    for names in _COLUMNS[kind]:
        column = QVBoxLayout()
        for name in names:
            rows = "".join(
                f"<tr><td style='padding:2px 12px 2px 0'><b>{escape(keys)}</b></td><td>{escape(what)}</td></tr>"
                for keys, what in groups[name]
            )
            column.addWidget(QLabel(f"<h3>{escape(tr(name))}</h3><table>{rows}</table>"))
        column.addStretch(1)
        columns.addLayout(column)
    return dialog
