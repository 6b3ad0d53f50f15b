"""Buttons made from the table of actions: words, tips, and whether they are there, work, and are down."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractButton,
    QCheckBox,
    QGridLayout,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from annotator.action import Action
from annotator.session.controller import Controller

Button = TypeVar("Button", bound=QAbstractButton)
Run = Callable[[Action], None]


class Buttons:
    """The buttons of some actions; `run` does what one of them stands for."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._made: list[tuple[Action, QAbstractButton]] = []

    def tool(self, action: Action) -> QToolButton:
        """Return a small button that can be down."""
        button = QToolButton()
        button.setCheckable(True)
        # Ignored, so that the dock's width and not the longest text decides.
        button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        return self._made_of(action, button)

    def box(self, action: Action) -> QCheckBox:
        """Return a box to check."""
        return self._made_of(action, QCheckBox())

    def push(self, action: Action, style: str = "plain") -> QPushButton:
        """Return a wide button; the sheet knows it by `style`."""
        button = QPushButton()
        button.setObjectName(style)
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        return self._made_of(action, button)

    def grid(self, actions: Iterable[Action], columns: int) -> QWidget:
        """Return small buttons in a grid."""
        widget = QWidget()
        grid = QGridLayout(widget)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(4)
        for index, action in enumerate(actions):
            grid.addWidget(self.tool(action), index // columns, index % columns)
        return widget

    def show(self, controller: Controller) -> None:
        """Show every button as it is now."""
        for action, button in self._made:
            label = action.label(controller)
            if button.text() != label:
                button.setText(label)
            button.setVisible(action.visible(controller))
            button.setEnabled(action.enabled(controller))
            if action.checked is not None:
                button.setChecked(action.checked(controller))

    def __getitem__(self, id_: str) -> QAbstractButton:
        """Return the button of an action."""
        return next(button for action, button in self._made if action.id == id_)

    def _made_of(self, action: Action, button: Button) -> Button:
        button.setToolTip(action.tip)
        button.setAccessibleName(action.text)
        # The canvas keeps the keys: a button that takes the focus would swallow the next shortcut.
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        # Only `clicked`: showing a button as it is must not do anything.
        button.clicked.connect(lambda _checked=False: self._run(action))
        self._made.append((action, button))
        return button
