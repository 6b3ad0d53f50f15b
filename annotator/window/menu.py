"""The menu of the annotator in napari's menu bar: every action by group, with its keys beside it."""

from typing import Any

from qtpy.QtWidgets import QMenu

from annotator.action import Action
from annotator.actions import ACTIONS, run
from annotator.session.controller import Controller
from annotator.shared.language import tr


class Menu(QMenu):
    """Made once from the table. Keys are only named here: they are bound on the canvas."""

    def __init__(self, parent: Any, controller: Controller) -> None:
        super().__init__(tr("&Annotator"), parent)
        self._controller = controller
        self.items: list[tuple[Action, Any]] = []
        groups: dict[str, QMenu] = {}
        for action in ACTIONS:
            if action.let_go is not None:
                continue  # It lasts while its key is held.
            if action.group not in groups:
                groups[action.group] = self.addMenu(tr(action.group))
            keys = f"\t{action.key_words[0]}" if action.keys else ""
            item = groups[action.group].addAction(action.title.replace("&", "&&") + keys)
            item.setCheckable(action.checked is not None)
            item.triggered.connect(lambda _on=False, action=action: run(self._controller, action))
            self.items.append((action, item))
        self.aboutToShow.connect(self.refresh)

    def refresh(self) -> None:
        """Show what is available, enabled and on just now."""
        controller = self._controller
        for action, item in self.items:
            item.setVisible(action.visible(controller))
            item.setEnabled(not controller.busy and action.enabled(controller))
            if action.checked is not None:
                item.setChecked(action.checked(controller))
