"""The reviewer's window: what one press accepts is named before it."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from annotator.session.review import Review
from tests.annotator.conftest import Begin

pytestmark = [pytest.mark.gui, pytest.mark.screen]
pytest.importorskip("napari")


@pytest.fixture
def review(screen: None, qapp: Any, begin: Begin, queued: Any, tmp_path: Any) -> Iterator[SimpleNamespace]:
    """A reviewer's window on one submission of Ada's."""
    import napari

    from annotator.residual.brushes import Brush
    from annotator.residual.strokes import Stroke
    from annotator.window.opening import Annotator

    session = begin()
    image = session.start()
    made = Stroke(image.codes, image.base, Brush("add", 0.1, 6.0, 0.5))
    made.move((40, 40))
    session.record(image.draft("brush", made.finish(), {"tool": "add"}), shown=True)
    session.submit()
    session.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("napari._qt.threads.status_checker.StatusChecker.start", lambda _self: None)
        viewer = napari.Viewer(show=False)
        annotator = Annotator(viewer, Review.open(queued.path, "Rita", folders=tmp_path / "desks"))
        annotator.start()
        yield SimpleNamespace(viewer=viewer, a=annotator, c=annotator.controller, session=annotator.session)
        annotator.close()
        viewer.close()


def test_accept_names_whose_maps_it_accepts(review):
    button = review.a.dock.buttons["submit"]
    assert button.text().startswith("Accept Ada")
    review.c.flow.choose(left="consensus" if "consensus" in review.session.versions else "base")
    assert button.text().startswith("Accept Ada")
    assert "all" not in button.text()
