"""The window that says how well a practice image was repaired."""

from qtpy.QtWidgets import QDialog, QPushButton, QVBoxLayout, QWidget

from annotator.session.practice_score import Score
from annotator.shared.language import tr
from annotator.window.widgets import label


class ScoreDialog(QDialog):
    """Stays beside the next image until Enter or Escape."""

    def __init__(self, parent: QWidget | None, score: Score) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Practice"))
        self.text = label(score.text(), "plain", wrap=True)
        self.text.setAccessibleName(score.text())
        self.setMinimumWidth(460)
        on = QPushButton(tr("Go on"))
        on.setDefault(True)
        on.clicked.connect(self.accept)
        column = QVBoxLayout(self)
        column.addWidget(self.text)
        column.addWidget(on)
