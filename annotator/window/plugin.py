"""What napari's Plugins menu opens: a form for the store and the name, then the annotator in this viewer."""

import contextlib
from functools import partial
from pathlib import Path
from typing import Any

from magicgui import magicgui
from napari.utils.notifications import show_error
from qtpy.QtWidgets import QDockWidget, QMessageBox, QVBoxLayout, QWidget

from annotator.session.opening import MODES, doubtful, open_session, question_of
from annotator.session.settings import read_language, settings_file
from annotator.shared.language import tr, use
from annotator.window import adapter
from annotator.window.opening import Annotator
from annotator.window.progress import napari_progress
from iea40k.errors import IEAError


class AnnotateWidget(QWidget):
    """The form. napari gives the viewer to widgets that are classes, by the name `napari_viewer`.

    Its button opens the store and puts the annotator's docks into the viewer; `opened` is what it opened.
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__()
        self._viewer = adapter.real_viewer(napari_viewer)
        self.opened: Annotator | None = None
        with contextlib.suppress(IEAError):  # a setting of a later version
            use(read_language(settings_file()))

        @magicgui(
            call_button=tr("Open"),
            store={"mode": "d", "label": tr("store or release")},
            annotator={"label": tr("your name")},
            ledger={"label": tr("ledger (empty: the store's own)")},
            mode={"choices": MODES},
        )
        def form(store: Path = Path(), annotator: str = "", ledger: str = "", mode: str = MODES[0]) -> None:
            self.open(store, annotator, ledger, mode)

        self.form = form
        column = QVBoxLayout(self)
        column.addWidget(form.native)
        column.addStretch(1)

    def open(self, store: Path, annotator: str, ledger: str = "", mode: str = MODES[0]) -> None:
        """Open a store in the viewer. What refuses is told."""
        # One session a viewer: keys, docks and layers of an earlier one would answer as well.
        if self.opened is not None and not self.opened.leave():
            return
        name = annotator.strip()
        found = doubtful(name, ledger.strip() or str(store)) if name and mode != "read only" else None
        if found is not None and not self._confirmed(question_of(name, found)):
            return
        progress = partial(napari_progress, adapter.main_window(self._viewer))
        try:
            session = open_session(
                store, annotator.strip(), ledger_url=ledger.strip() or None, mode=mode, progress=progress
            )
        except IEAError as error:
            show_error(str(error))
            return
        # Kept: a session without an owner would be collected with its keys and callbacks.
        self.opened = Annotator(self._viewer, session)
        # The form is done with, and on a small screen the tools need its room; napari's menu brings it back.
        dock = self._dock()
        if dock is not None:
            dock.setVisible(False)
        self.opened.start()

    def _confirmed(self, question: str) -> bool:
        """Ask before a mistyped name becomes a new person."""
        answer = QMessageBox.question(self, tr("A new name"), question)
        return bool(answer == QMessageBox.StandardButton.Yes)

    def _dock(self) -> QDockWidget | None:
        """Return the dock in which napari put the form, None where it lies in none."""
        parent = self.parentWidget()
        while parent is not None and not isinstance(parent, QDockWidget):
            parent = parent.parentWidget()
        return parent
