"""Questions that are answered by the keyboard alone: usual answers by their number, any other by typing it."""

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDialog, QListWidget, QListWidgetItem, QPlainTextEdit, QVBoxLayout, QWidget

from annotator.shared.language import tr
from annotator.window.widgets import label, push, row_of

MOST = 9
"""Answers with a number of their own."""


class ReasonDialog(QDialog):
    """Offers `answers`, and (`typed`) takes others. `answer` is what is chosen or written, `at` the place of an answer.

    A number, or the arrows, choose; Enter does it, Shift+Enter begins a new line, Escape changes one's mind. Numbers
    are typed once there is text.
    """

    def __init__(
        self,
        parent: QWidget | None,
        title: str,
        question: str,
        answers: Sequence[str],
        *,
        sheet: str,
        typed: bool = True,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("iea40k")
        self.setStyleSheet(sheet)
        self.setWindowTitle(title)
        self.setMinimumWidth(440)
        self.answers = list(answers[:MOST])
        self.list = QListWidget()
        self.list.setAccessibleName(question)
        for number, answer in enumerate(self.answers, start=1):
            self.list.addItem(QListWidgetItem(f"{number}   {answer}"))
        self.list.setVisible(bool(self.answers))
        self.text = QPlainTextEdit()
        self.text.setPlaceholderText(tr("or in your own words"))
        self.text.setAccessibleName(question)
        self.text.setFixedHeight(3 * self.text.fontMetrics().lineSpacing() + 14)
        self.text.setVisible(typed)
        self.ok, self.cancel = push(f"{title}   Enter", "submit"), push(tr("Cancel   Esc"), "plain")
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 14)
        for widget in (label(question, "title", wrap=True), self.list, self.text):
            column.addWidget(widget)
        column.addLayout(row_of(self.cancel, self.ok))
        for widget in (self.text, self.list):
            widget.installEventFilter(self)
        self.list.itemDoubleClicked.connect(lambda _item: self._finish())
        self.list.currentRowChanged.connect(lambda _row: self._enable())
        self.text.textChanged.connect(self._written)
        self.ok.clicked.connect(self._finish)
        self.cancel.clicked.connect(self.reject)
        if not typed:
            self.list.setCurrentRow(0)
        (self.text if typed else self.list).setFocus()
        self._enable()

    def showEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Make the list as high as its rows: only in its window, and styled, does it know how high they are."""
        super().showEvent(event)
        rows = sum(self.list.sizeHintForRow(row) for row in range(len(self.answers)))
        self.list.setFixedHeight(rows + self.list.height() - self.list.viewport().height())

    @property
    def at(self) -> int | None:
        """The place of the answer that is chosen, None where words are written or nothing is chosen."""
        row = self.list.currentRow()
        return row if row >= 0 and not self._words() else None

    @property
    def answer(self) -> str:
        """What is chosen or written, "" where neither is."""
        return self._words() or ("" if self.at is None else self.answers[self.at])

    def eventFilter(self, watched: Any, event: Any) -> bool:  # noqa: N802 - Qt's name
        """Take the keys that choose and finish from the text and the list, whichever has the focus."""
        return (event.type() == event.Type.KeyPress and self._key(event)) or super().eventFilter(
            watched, event
        )

    # ------------------------------------------------------------ private

    def _key(self, event: Any) -> bool:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                return False
            self._finish()
            return True
        if self.text.toPlainText():
            return False
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down) and self.answers:
            step = 1 if event.key() == Qt.Key.Key_Down else -1
            self.list.setCurrentRow(min(max(self.list.currentRow() + step, 0), len(self.answers) - 1))
            return True
        if event.text() in {str(n) for n in range(1, len(self.answers) + 1)}:
            self.list.setCurrentRow(int(event.text()) - 1)
            return True
        return False

    def _words(self) -> str:
        return str(self.text.toPlainText()).strip()

    def _written(self) -> None:
        if self._words():
            self.list.setCurrentRow(-1)
        self._enable()

    def _enable(self) -> None:
        self.ok.setEnabled(bool(self.answer))

    def _finish(self) -> None:
        if self.answer:
            self.accept()
