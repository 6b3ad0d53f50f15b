"""The reviewer's window: what one press accepts is named before it, and it opens where another was closed."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from annotator.session.review import Review
from tests.annotator.conftest import Begin
from tests.annotator.screens import drawn, opened, picture, shown_viewer

pytestmark = [pytest.mark.gui, pytest.mark.screen]
pytest.importorskip("napari")


def handed_in(begin: Begin) -> None:
    """One submission of Ada's."""
    from annotator.residual.brushes import Brush
    from annotator.residual.strokes import Stroke

    session = begin()
    image = session.start()
    made = Stroke(image.codes, image.base, Brush("add", 0.1, 6.0, 0.5))
    made.move((40, 40))
    session.record(image.draft("brush", made.finish(), {"tool": "add"}), shown=True)
    session.submit()
    session.close()


@pytest.fixture
def review(screen: None, qapp: Any, begin: Begin, queued: Any, tmp_path: Any) -> Iterator[SimpleNamespace]:
    """A reviewer's window in a viewer in which somebody annotated before."""
    with shown_viewer(1366, 768) as viewer:
        opened(viewer, begin("Ben")).a.close()
        drawn()
        handed_in(begin)
        window = opened(viewer, Review.open(queued.path, "Rita", folders=tmp_path / "desks"))
        yield window
        window.a.close()


def test_accept_names_whose_maps_it_accepts(review):
    button = review.a.dock.buttons["submit"]
    assert button.text().startswith("Accept Ada")
    review.c.flow.choose(left="consensus" if "consensus" in review.session.versions else "base")
    assert button.text().startswith("Accept Ada")
    assert "all" not in button.text()


def test_layers_go_in_the_canvas_s_own_context_whatever_is_current(review, queued, tmp_path):
    """A buffer that is deleted in another context ended the process at the next painting."""
    from qtpy.QtGui import QOffscreenSurface, QOpenGLContext

    review.c.target.see(lambda display: display.compared("side by side"))
    picture(review)
    surface, other = QOffscreenSurface(), QOpenGLContext()
    surface.create()
    assert other.create()
    canvas = review.viewer.window._qt_viewer.canvas.native
    own = []

    def look(_event: Any) -> None:
        own.append(QOpenGLContext.currentContext() == canvas.context())
        other.makeCurrent(surface)

    review.viewer.layers.events.removing.connect(look)
    other.makeCurrent(surface)
    review.a.close()
    review.viewer.layers.events.removing.disconnect(look)
    assert len(own) >= 6
    assert all(own)
    picture(review)
    again = opened(review.viewer, Review.open(queued.path, "Rita", folders=tmp_path / "desks"))
    assert picture(again).any()
    again.a.close()
    drawn()
