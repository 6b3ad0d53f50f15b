"""The dialog in which a propagation is looked at: one card a level, before and after, and what to propagate."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QDialog, QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from annotator.residual.propagation import LevelPanel, PropagationPlan
from annotator.shared.language import marked, tr
from annotator.window.widgets import Choice, grid_of, label, pixmap, push, row_of
from iea40k.render import legend

COLUMNS = 3
_LEGEND = (220, 10)
HOWS = (
    (
        "same change",
        marked("Same change  S"),
        marked("The reference is wrong there: every level changes by as much (S)"),
    ),
    (
        "same value",
        marked("Same value  V"),
        marked("The exposure's own fault: every level gets the value painted here (V)"),
    ),
)
SHOWN = (
    ("residual", marked("Residual  R"), marked("The residual, on its fixed scale (R)")),
    ("photograph", marked("Photograph  Y"), marked("The exposure, re-exposed by its residual (Y)")),
)
CHOICES = {
    "s": {"how": "same change"},
    "v": {"how": "same value"},
    "r": {"shown": "residual"},
    "y": {"shown": "photograph"},
}
NUMBERS = ("1", "2", "3", "4", "5", "6", "7", "8", "9")


def _said(options: Sequence[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    return [(value, tr(words), tr(tip)) for value, words, tip in options]


class PropagationDialog(QDialog):
    """Shows a plan and changes it as the person chooses; `plan` is what it is now."""

    def __init__(self, parent: QWidget | None, plan: PropagationPlan, sheet: str = "") -> None:
        super().__init__(parent)
        self.plan = plan
        self.setObjectName("iea40k")
        self.setStyleSheet(sheet)
        self.setWindowTitle(tr("Propagate to the other levels"))
        self.hows, self.shown = Choice(_said(HOWS), 2), Choice(_said(SHOWN), 2)
        self.total, self.scale = label("", "title"), QWidget()
        self.accept_button = push(tr("Propagate   Enter"), "submit")
        self.cancel_button = push(tr("Cancel   Esc"), "plain")
        self.cards = [_Card(number) for number, _ in enumerate(plan.levels, start=1)]
        self._arrange()
        self.hows.chosen.connect(lambda how: self._change(how=how))
        self.shown.chosen.connect(lambda shown: self._change(shown=shown))
        for card, level in zip(self.cards, plan.levels, strict=True):
            card.box.clicked.connect(lambda _on, name=level.name: self._toggle(name))
        self.accept_button.clicked.connect(self.accept)
        self.cancel_button.clicked.connect(self.reject)
        self.refresh()

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Do what a key means here; Escape is Qt's own."""
        text = event.text().lower()
        if text in CHOICES:
            self._change(**CHOICES[text])
        elif text in NUMBERS[: len(self.cards)]:
            self._toggle(self.plan.levels[NUMBERS.index(text)].name)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._accept_key()
        else:
            super().keyPressEvent(event)

    def refresh(self) -> None:
        """Draw every card anew."""
        self.hows.set(self.plan.how)
        self.shown.set(self.plan.shown)
        for card, panel in zip(self.cards, self.plan.panels(), strict=True):
            card.show_panel(panel)
        self.total.setText(self.plan.total())
        self.scale.setVisible(self.plan.shown == "residual")
        self.accept_button.setEnabled(any(self.plan.taken(level) for level in self.plan.levels))

    # ------------------------------------------------------------ private

    def _arrange(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 14)
        column.setSpacing(10)
        column.addWidget(self.total)
        choices = row_of(self.hows, self.shown)
        choices.setSpacing(18)
        column.addLayout(choices)
        column.addLayout(grid_of(self.cards, COLUMNS, 10))
        bar = QLabel()
        bar.setPixmap(pixmap(legend(*_LEGEND, self.plan.palette)))
        scale = QHBoxLayout(self.scale)
        scale.setContentsMargins(0, 0, 0, 0)
        for widget in (label(tr("−1 over"), "quiet"), bar, label(tr("+1 under"), "quiet")):
            scale.addWidget(widget)
        scale.addStretch(1)
        scale.addWidget(label(tr("outlined: what changes    1 … 9: leave a level out"), "quiet"))
        policy = self.scale.sizePolicy()
        policy.setRetainSizeWhenHidden(True)  # or the cards would jump
        self.scale.setSizePolicy(policy)
        column.addWidget(self.scale)
        column.addLayout(row_of(self.cancel_button, self.accept_button))

    def _accept_key(self) -> None:
        if self.accept_button.isEnabled():
            self.accept()

    def _change(self, **changes: str) -> None:
        self.plan = replace(self.plan, **changes)  # type: ignore[arg-type]
        self.refresh()

    def _toggle(self, level: str) -> None:
        self.plan = self.plan.toggled(level)
        self.refresh()


class _Card(QFrame):
    """One level: its name with its number, before and after, and what would happen."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.setObjectName("card")
        self.number = number
        self.box = QCheckBox()
        self.box.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.before, self.after, self.text = QLabel(), QLabel(), label("", "quiet", wrap=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 6, 8, 6)
        column.setSpacing(4)
        column.addWidget(self.box)
        column.addLayout(row_of(self.before, label("→", "quiet"), self.after))
        column.addWidget(self.text)

    def show_panel(self, panel: LevelPanel) -> None:
        """Show a panel."""
        self.box.setText(f"{self.number}   {panel.title}")
        self.box.setChecked(panel.taken)
        self.box.setEnabled(not panel.blocked)
        self.before.setPixmap(pixmap(panel.before))
        self.after.setPixmap(pixmap(panel.after if panel.taken else panel.before))
        self.text.setText(panel.text)
        self.text.setToolTip(panel.text)


def ask_propagation(parent: QWidget | None, plan: PropagationPlan, sheet: str = "") -> PropagationPlan | None:
    """Show a plan until the person decides; return it as decided, None where they changed their mind."""
    dialog = PropagationDialog(parent, plan, sheet)
    accepted = dialog.exec() == QDialog.DialogCode.Accepted
    decided = dialog.plan
    dialog.deleteLater()
    return decided if accepted else None
