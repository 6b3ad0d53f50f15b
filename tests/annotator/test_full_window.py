"""The whole window on a screen: what is painted is seen, in the box that changed and nowhere else."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.annotator.conftest import Begin
from tests.annotator.screens import shown_viewer

pytestmark = [pytest.mark.gui, pytest.mark.screen]
pytest.importorskip("napari")


@pytest.fixture(scope="module")
def shown(screen: None, qapp: Any) -> Iterator[Any]:
    with shown_viewer(1100, 760) as viewer:
        yield viewer


@pytest.fixture
def window(shown: Any, begin: Begin) -> Iterator[SimpleNamespace]:
    from annotator.window.opening import Annotator

    annotator = Annotator(shown, begin())
    annotator.start()
    yield SimpleNamespace(viewer=shown, a=annotator, c=annotator.controller, session=annotator.session)
    annotator.close()


def picture(window: SimpleNamespace) -> np.ndarray:
    from qtpy.QtWidgets import QApplication

    for _ in range(5):
        QApplication.processEvents()
    return np.asarray(window.viewer.screenshot(canvas_only=True, flash=False))[..., :3].astype(int)


def qt_drag(window: SimpleNamespace, *pixels: tuple[float, float]) -> None:
    """Real mouse events on the canvas, at pixels of the image."""
    from qtpy.QtCore import QPoint, Qt
    from qtpy.QtTest import QTest
    from qtpy.QtWidgets import QApplication

    canvas = window.viewer.window._qt_viewer.canvas.native
    camera = window.viewer.scene.camera

    def at(pixel: tuple[float, float]) -> QPoint:
        row, column = camera.center[-2:]
        x = (pixel[1] - column) * camera.zoom + canvas.width() / 2
        y = (pixel[0] - row) * camera.zoom + canvas.height() / 2
        return QPoint(round(x), round(y))

    QTest.mouseMove(canvas, at(pixels[0]))
    QApplication.processEvents()
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at(pixels[0]))
    for pixel in pixels[1:]:
        QTest.mouseMove(canvas, at(pixel))
        QApplication.processEvents()
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at(pixels[-1]))
    QApplication.processEvents()


def test_a_real_stroke_is_seen_where_it_was_painted(window):
    window.c.target.set_display(outlines=False, edited=False, compare="single", picture="exposure")
    window.c.target.set_tools(tool="brush", mode="set", value=0.9, radius=8.0, feather=0.0)
    before = picture(window)
    qt_drag(window, (40, 40), (40, 60), (40, 80))
    image = window.session.image
    assert image.standing == 1
    assert image.codes[40, 60] == round(0.9 * 32640)
    changed = np.abs(picture(window) - before).sum(axis=2) > 30
    rows, columns = np.nonzero(changed)
    zoom = window.viewer.scene.camera.zoom
    assert rows.size > 0
    assert np.ptp(rows) < 20 * zoom
    assert 40 * zoom < np.ptp(columns) < 62 * zoom


def test_a_flick_is_painted_to_where_the_button_was_let_go(window):
    """Moves that come faster than napari takes them: none of them is handled before the release."""
    from qtpy.QtCore import QPoint, Qt
    from qtpy.QtTest import QTest
    from qtpy.QtWidgets import QApplication

    window.c.target.set_tools(tool="brush", mode="set", value=0.9, radius=4.0, feather=0.0)
    canvas = window.viewer.window._qt_viewer.canvas.native
    zoom = window.viewer.scene.camera.zoom
    middle = QPoint(canvas.width() // 2, canvas.height() // 2)
    start, end = middle - QPoint(150, 0), middle + QPoint(150, 0)
    QTest.mouseMove(canvas, start)
    QApplication.processEvents()
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start)
    for step in (1, 2):
        QTest.mouseMove(canvas, start + QPoint(100 * step, 0))
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, end)
    QApplication.processEvents()
    columns = np.flatnonzero(window.session.image.touched.any(axis=0))
    wanted = min(300 / zoom, window.session.image.shape[1] - 1)
    assert np.ptp(columns) >= wanted - 1
    row = window.session.image.touched[:, columns[0] : columns[-1] + 1].any(axis=0)
    assert row.all()


def test_partial_updates_of_texture_are_taken_by_napari(window):
    """Where they are not, the slower public way is used: right, but this test says that it is time to look."""
    from annotator.window import adapter

    picture(window)
    box = (slice(10, 30), slice(20, 50))
    assert adapter.update_labels(window.a.screen.residual, box)
    assert adapter.update_picture(window.viewer, window.a.screen.picture, box)


def test_the_preview_on_screen_follows_the_brush(window):
    window.c.target.set_display(outlines=False, edited=False, compare="single", picture="preview")
    window.c.target.set_tools(tool="brush", mode="set", value=0.6, radius=10.0, feather=0.0)
    before = picture(window)
    qt_drag(window, (60, 50), (60, 70))
    after = picture(window)
    changed = (after - before).sum(axis=2) > 30
    assert changed.sum() > 100
    assert ((after - before).sum(axis=2)[changed] > 0).all()


def test_an_adapter_without_private_parts_still_shows(window):
    """The public way: a layer whose private parts are gone is refreshed as a whole."""
    from annotator.window import adapter

    refreshed = []
    layer = SimpleNamespace(data=np.zeros((9, 9)), refresh=lambda **_: refreshed.append(1))
    box = (slice(0, 3), slice(0, 3))
    assert not adapter.update_labels(layer, box)
    assert not adapter.update_picture(SimpleNamespace(), layer, box)
    assert len(refreshed) == 2
