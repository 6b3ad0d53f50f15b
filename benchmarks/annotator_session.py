"""A session for benchmarks: a controller on a viewer, with a view that says nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from annotator.session.controller import Controller
from annotator.session.session import Session
from annotator.shared.progress import silent
from annotator.window.screen import NapariScreen
from iea40k.store.layout import Store


class SilentView:
    """A view that says nothing, so that the figures are the canvas's."""

    progress = staticmethod(silent)

    def __getattr__(self, _name: str) -> Callable[..., None]:
        return lambda *_args: None


def begin(viewer: Any, store: Store, folders: Path, name: str) -> Controller:
    session = Session.open(store.path, name, folders=folders)
    controller = Controller(session, NapariScreen(viewer), SilentView())  # type: ignore[arg-type]
    controller.flow.start()
    controller.target.set_display(picture="exposure", compare="single", outlines=True, edited=True)
    draw(viewer)
    return controller


def leave(controller: Controller) -> None:
    controller.session.close()
    controller.screen.remove()  # type: ignore[attr-defined]


def draw(viewer: Any) -> None:
    if hasattr(viewer, "window"):
        from qtpy.QtWidgets import QApplication

        for _ in range(3):
            QApplication.processEvents()
