"""Buttons made from the table of actions: words, tips, and whether they are there, work, and are down."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractButton, QCheckBox, QGridLayout

from annotator.action import Action
from annotator.session.controller import Controller
from annotator.window.fitted import FittedPush, FittedTool
from annotator.window.widgets import grid_of, push, small

Button = TypeVar("Button", bound=QAbstractButton)
Run = Callable[[Action], None]


class Buttons:
    """The buttons of some actions; `run` does what one of them stands for."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._made: list[tuple[Action, QAbstractButton]] = []

    def box(self, action: Action) -> QCheckBox:
        """Return a box to check."""
        return self._made_of(action, QCheckBox())

    def push(self, action: Action, style: str = "plain") -> FittedPush:
        """Return a wide button; the sheet knows it by `style`."""
        return self._made_of(action, push("", style))

    def grid(self, actions: Iterable[Action], columns: int) -> QGridLayout:
        """Return small buttons in a grid."""
        return grid_of([self._made_of(action, small()) for action in actions], columns)

    def show(self, controller: Controller) -> None:
        """Show every button as it is now."""
        for action, button in self._made:
            words, key = action.label(controller)
            if isinstance(button, (FittedPush, FittedTool)):
                button.say(words, key)
            elif button.text() != (said := f"{words}  {key}" if key else words):
                button.setText(said)
            button.setVisible(action.visible(controller))
            button.setEnabled(action.enabled(controller))
            if action.checked is not None:
                button.setChecked(action.checked(controller))

    def __getitem__(self, id_: str) -> QAbstractButton:
        """Return the button of an action."""
        return next(button for action, button in self._made if action.id == id_)

    def _made_of(self, action: Action, button: Button) -> Button:
        button.setToolTip(action.tip)
        button.setAccessibleName(action.title)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        # Only `clicked`: showing a button as it is must not do anything.
        button.clicked.connect(lambda _checked=False: self._run(action))
        self._made.append((action, button))
        return button
