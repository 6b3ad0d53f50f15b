"""A sitting for benchmarks: a controller on a viewer, with a face that says nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from annotator.session.controller import Controller
from annotator.session.session import Session
from annotator.shared.progress import silent
from annotator.window.screen import Layers
from iea40k.store.layout import Store


class Face:
    """A face that says nothing, so that the figures are the canvas's."""

    progress = staticmethod(silent)

    def __getattr__(self, _name: str) -> Callable[..., None]:
        return lambda *_args: None


def sit(viewer: Any, store: Store, desks: Path, name: str) -> Controller:
    session = Session.open(store.path, name, desks=desks)
    controller = Controller(session, Layers(viewer), Face())  # type: ignore[arg-type]
    controller.start()
    controller.set_look(picture="exposure", compare="single", outlines=True, edited=True)
    draw(viewer)
    return controller


def leave(controller: Controller) -> None:
    controller.session.close()
    controller.layers.remove()


def draw(viewer: Any) -> None:
    if hasattr(viewer, "window"):
        from qtpy.QtWidgets import QApplication

        for _ in range(3):
            QApplication.processEvents()
