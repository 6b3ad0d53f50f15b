"""What napari's Plugins menu opens: a form for the store and the name, then the annotator in this viewer."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import napari
from magicgui import magicgui
from napari.utils.notifications import show_error

from annotator.session.opening import sit_down
from annotator.shared.progress import Step
from annotator.window import adapter
from annotator.window.opening import Annotator
from annotator.window.progress import napari_progress
from iea40k.errors import IEAError


def annotate_widget(napari_viewer: "napari.Viewer") -> Any:
    """Return the form. Its button opens the store and puts the annotator's docks into the viewer."""

    @magicgui(
        call_button="Sit down",
        store={"mode": "d", "label": "store or release"},
        annotator={"label": "your name"},
        ledger={"label": "ledger (empty: the store's own)"},
        mode={"choices": ["annotate", "review", "look only"]},
    )
    def form(store: Path = Path(), annotator: str = "", ledger: str = "", mode: str = "annotate") -> None:
        window = adapter.main_window(napari_viewer)
        # One sitting a viewer: keys, docks and layers of an earlier one would answer as well.
        if form.opened is not None and not form.opened.leave():
            return

        def progress(text: str, total: int) -> AbstractContextManager[Step]:
            return napari_progress(window, text, total)

        try:
            session = sit_down(
                store, annotator.strip(), ledger_url=ledger.strip() or None, mode=mode, progress=progress
            )
        except IEAError as error:
            show_error(error.letter())
            return
        # The viewer keeps it: a widget without a parent would be collected with its keys and callbacks.
        form.opened = Annotator(napari_viewer, session)
        form.opened.start()

    form.opened = None
    return form
