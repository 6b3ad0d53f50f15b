"""Buttons and lines that say as much as there is room for, and never half a word."""

import re
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import QAbstractButton, QLabel, QPushButton, QSizePolicy, QToolButton

_SPACES = re.compile(" +")

if TYPE_CHECKING:
    _Button = QAbstractButton
else:
    _Button = object  # two classes of Qt's above one of ours end the process


class _Fitted(_Button):
    """`say(words, key)`: the words with their key where both fit, else the words; the tip has the key."""

    margin = 0
    """Pixels beside the text: what the sheet says of padding and border, of both sides."""

    _words = _key = ""

    def say(self, words: str, key: str) -> None:
        """Say these words, and the key where there is room."""
        if (words, key) != (self._words, self._key):
            self._words, self._key = words, key
            self.updateGeometry()
            self._fit()

    def resizeEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """There is more room, or less."""
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """The text may have become larger."""
        super().changeEvent(event)
        self._fit()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the room that the words need."""
        height = super().sizeHint().height()
        return QSize(self._wide(self._words), height) if self._words else super().sizeHint()

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the room that the words need."""
        return self.sizeHint()

    def _wide(self, text: str) -> int:
        return int(self.fontMetrics().horizontalAdvance(text)) + self.margin

    def _fit(self) -> None:
        if self._words:
            both = f"{self._words}  {self._key}" if self._key else self._words
            text = both if self._wide(both) <= self.width() else self._words
            if text != self.text():
                self.setText(text)


class FittedPush(_Fitted, QPushButton):
    """A wide button."""

    margin = 14


class FittedTool(_Fitted, QToolButton):
    """A small button."""

    margin = 6


class FittedLine(QLabel):
    """One line of plain text that may be narrower than what it says: then its parts stand closer, and if that is not
    enough it ends in dots, and its tip says all."""

    def __init__(self) -> None:
        super().__init__("")
        self.said = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        # A long line must not push the canvas about while the mouse moves over it.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def say(self, text: str) -> None:
        """Say a text, as much of it as there is room for."""
        self.said = text
        self._fit()

    def resizeEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """There is more room, or less."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        metrics, shown = self.fontMetrics(), self.said
        if metrics.horizontalAdvance(shown) > self.width():
            shown = metrics.elidedText(_SPACES.sub(" ", shown), Qt.TextElideMode.ElideRight, self.width())
        self.setText(shown)
        self.setToolTip(self.said if shown.endswith("…") else "")
