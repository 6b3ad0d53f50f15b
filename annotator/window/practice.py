"""`File > Open Sample > Practice`: the annotator at planted faults, in the viewer that is open."""

from typing import Any

from napari.utils.notifications import show_warning
from qtpy.QtCore import QTimer

from annotator.sample import photograph
from annotator.session.practice import PracticeSession
from annotator.window import adapter
from annotator.window.opening import Annotator

OPENING = "practice is opening"
OWNER = "practising"

_opened: list[Annotator] = []


def practice_sample() -> list[tuple[Any, dict[str, Any], str]]:
    """Return the first photograph, in whose place the annotator comes as soon as napari has shown it."""
    QTimer.singleShot(0, open_practice)
    return [(photograph("coffee"), {"name": OPENING, "rgb": True}, "image")]


def open_practice() -> Annotator | None:
    """Open practice in the viewer that is open, in place of the layer that says so; None where that has a session."""
    import napari

    found = napari.current_viewer()
    if found is None:
        return None
    viewer = adapter.real_viewer(found)
    for layer in [at for at in viewer.layers if at.name == OPENING]:
        viewer.layers.remove(layer)
    # One session a viewer: keys and layers of another one would answer as well.
    if any(isinstance(getattr(at, "__self__", None), Annotator) for at in viewer.mouse_drag_callbacks):
        show_warning(
            "The annotator is open in this window already: close it first, or practise in a new window."
        )
        return None
    annotator = Annotator(viewer, PracticeSession.begin(OWNER))
    _opened[:] = [*(a for a in _opened if not a.closed), annotator]
    annotator.start()
    return annotator
