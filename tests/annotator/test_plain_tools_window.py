"""The tools that experts missed, in the real window: by mouse and keys, with undo, hand-in and `verify`."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from iea40k.scene import BuiltScene
from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger, TaskRequest, add_tasks
from iea40k.store.verify import verify_store
from tests.annotator.screens import shown_viewer
from tests.annotator.test_full_window import qt_drag
from tests.annotator.test_window import press

pytestmark = [pytest.mark.gui, pytest.mark.screen]
pytest.importorskip("napari")

SHAPE = (96, 128)
EDGE = 48


def a_roof() -> BuiltScene:
    """A dark roof under a light sky, and a label with a region of the wrong sign in the sky."""
    y = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]][0]
    grey = np.where(y < EDGE, 190, 60)[..., None].repeat(3, 2).astype(np.uint8)
    residual = np.where(y < EDGE, 9000, 4000).astype(np.int16)
    residual[10:20, 80:100] = -9000
    return BuiltScene(
        scene_id="roof",
        exposures=grey[None].repeat(3, 0),
        reference=grey,
        residual=residual[None].repeat(3, 0),
        outliers=np.zeros((3, *SHAPE), np.uint8),
        evs=(-1.0, 0.0, 1.0),
        levels=("N1", "P0", "P1"),
        review_priority=(0.5, 0.5, 0.5),
        attributes={"licence": "CC0-1.0"},
        recipe={"made_by": "a test"},
    )


@pytest.fixture
def store(tmp_path: Any) -> Store:
    made = Store.create(tmp_path / "store")
    made.write_scene(a_roof())
    return made


@pytest.fixture
def queued(store: Store) -> Store:
    with Ledger.open(store.path, create=True) as ledger:
        add_tasks(ledger, [TaskRequest("roof", "P0", 3), TaskRequest("roof", "reference", 2)], "curator")
    return store


@pytest.fixture(scope="module")
def shown(screen: None, qapp: Any) -> Iterator[Any]:
    with shown_viewer(1100, 760) as viewer:
        yield viewer


@pytest.fixture
def window(shown: Any, begin: Any) -> Iterator[SimpleNamespace]:
    from annotator.window.opening import Annotator

    annotator = Annotator(shown, begin())
    annotator.start()
    annotator.controller.target.set_display(compare="single", picture="exposure")
    annotator.controller.target.set_tools(tool="brush", mode="set", value=0.0, edges=False, strength=1.0)
    yield SimpleNamespace(viewer=shown, a=annotator, c=annotator.controller, session=annotator.session)
    annotator.close()


def place(window: SimpleNamespace, pixel: tuple[float, float]) -> Any:
    """Where a pixel of the image lies on the canvas."""
    from qtpy.QtCore import QPoint

    canvas, camera = window.viewer.window._qt_viewer.canvas.native, window.viewer.scene.camera
    row, column = camera.center[-2:]
    return QPoint(
        round((pixel[1] - column) * camera.zoom + canvas.width() / 2),
        round((pixel[0] - row) * camera.zoom + canvas.height() / 2),
    )


def right(window: SimpleNamespace, *pixels: tuple[float, float]) -> None:
    """Press the right button, move, and let go."""
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest
    from qtpy.QtWidgets import QApplication

    canvas = window.viewer.window._qt_viewer.canvas.native
    button, none = Qt.MouseButton.RightButton, Qt.KeyboardModifier.NoModifier
    QTest.mouseMove(canvas, place(window, pixels[0]))
    QApplication.processEvents()
    QTest.mousePress(canvas, button, none, place(window, pixels[0]))
    for pixel in pixels[1:]:
        QTest.mouseMove(canvas, place(window, pixel))
        QApplication.processEvents()
    QTest.mouseRelease(canvas, button, none, place(window, pixels[-1]))
    QApplication.processEvents()


def undone_and_sound(window: SimpleNamespace) -> None:
    """Undo takes the stroke back to the bit, redo brings it, the image is handed in, and the ledger is sound."""
    image = window.session.image
    painted = image.codes.copy()
    press(window, "Control-Z")
    assert np.array_equal(image.codes, image.base)
    press(window, "Control-Shift-Z")
    assert np.array_equal(image.codes, painted)
    image.replay()
    assert np.array_equal(image.codes, painted)
    press(window, "Control-Enter")
    assert window.session.image is None  # a reference is next
    assert list(window.session.ledger.tampering()) == []
    assert verify_store(window.session.store) == []


def test_a_brush_stops_at_the_roof(window):
    press(window, "P")
    window.c.target.set_tools(value=0.5, radius=10.0, feather=0.0)
    press(window, "Shift-B")
    assert window.c.residual.tools.edges
    assert window.a.dock.parts["residual"].buttons["edges"].isChecked()
    qt_drag(window, (42, 20), (44, 40), (51, 55), (42, 70))
    image = window.session.image
    assert np.array_equal(image.codes[EDGE:], image.base[EDGE:])
    assert (image.codes[42, 22:38] == 16320).all()
    assert image.strokes[-1].tool["edges"] == 0.1
    undone_and_sound(window)


def test_a_region_of_the_wrong_sign_is_turned_by_one_click(window):
    press(window, "Shift-F")
    qt_drag(window, (15, 90), (15, 90))
    image = window.session.image
    assert (image.codes[10:20, 80:100] == 9000).all()
    assert image.touched.sum() == 200
    undone_and_sound(window)


def test_the_right_button_picks_where_it_does_not_move(window):
    press(window, "P")
    right(window, (15, 90))
    assert window.c.residual.tools.value == pytest.approx(-9000 / 32640)
    assert (window.c.residual.tools.tool, window.c.residual.tools.mode) == ("brush", "set")
    right(window, (70, 20), (60, 30), (50, 60))
    assert window.c.residual.tools.value == pytest.approx(-9000 / 32640)
    assert window.session.image.standing == 0


def test_a_clone_goes_on_at_the_distance_it_began_with(window):
    window.viewer.reset_view()
    press(window, "Shift-P")
    window.c.target.set_tools(radius=5.0, feather=0.5)
    qt_drag(window, (70, 20), (70, 30))
    assert window.session.image.standing == 0  # nothing was chosen to clone
    right(window, (15, 84))
    qt_drag(window, (70, 20), (70, 24))
    image = window.session.image
    assert image.codes[70, 22] == -9000
    assert (image.codes[77:] == image.base[77:]).all()
    away = image.strokes[-1].tool["from"]
    assert np.abs(np.array(away) - (-55, 64)).max() <= 1
    qt_drag(window, (70, 30), (70, 31))
    assert image.strokes[-1].tool["from"] == away
    press(window, "Control-Z")
    undone_and_sound(window)


def test_a_gradient_is_drawn_by_one_drag(window):
    window.viewer.reset_view()
    press(window, "A")
    window.c.target.set_tools(amount=0.25)
    press(window, "Shift-D")
    qt_drag(window, (40, 30), (40, 50), (40, 90))
    image = window.session.image
    added = image.codes.astype(int) - image.base
    assert (added[:, :29] == 8160).all()
    assert not added[:, 92:].any()
    assert (np.diff(added[40]) <= 0).all()
    assert image.strokes[-1].kind == "fill"
    undone_and_sound(window)


def test_a_gradient_over_a_reference_and_what_is_not_there(window, monkeypatch):
    press(window, "Control-B")
    reference = window.session.reference
    assert reference is not None
    window.viewer.reset_view()
    press(window, "A")
    press(window, "Shift-D")
    window.c.reference.set_tools(stops=1.0)
    qt_drag(window, (40, 30), (40, 90))
    assert reference.standing == 1
    assert (reference.shift[:, :29] == 255 * 256).all()
    assert not reference.shift[:, 92:].any()
    press(window, "Control-Z")
    assert not reference.shift.any()
    press(window, "Control-Shift-Z")
    told: list[str] = []
    monkeypatch.setattr(window.a.view, "notify", lambda _kind, text: told.append(text))
    for key in ("Shift-N", "Shift-P", "Shift-F"):
        press(window, key)
    assert len(told) == 3
    assert all("not available for references" in text for text in told)


def test_a_free_brush_stops_at_the_roof_of_a_reference(window):
    press(window, "Control-B")
    reference = window.session.reference
    window.viewer.reset_view()
    press(window, "H")
    press(window, "A")
    window.c.reference.set_tools(stops=1.0, radius=10.0, feather=0.0, edges=False)
    press(window, "Shift-B")
    qt_drag(window, (42, 20), (51, 55), (42, 70))
    assert not reference.shift[EDGE:].any()
    assert (reference.shift[42, 22:36] == 255 * 256).all()
    right(window, (15, 30))
    assert window.c.reference.tools.zone != 5.0


def test_a_pen_is_told_by_qt(window):
    """What Qt does with a pen: a tablet's event, which nobody takes, and the mouse's event made of it."""
    from qtpy.QtCore import QEvent, QPointF, Qt
    from qtpy.QtGui import QInputDevice, QPointingDevice, QPointingDeviceUniqueId, QTabletEvent
    from qtpy.QtTest import QTest
    from qtpy.QtWidgets import QApplication

    window.viewer.reset_view()
    press(window, "P")
    window.c.target.set_tools(value=0.5, radius=5.0, feather=0.0, pen=True)
    canvas = window.viewer.window._qt_viewer.canvas.native
    pen = QPointingDevice(
        "pen",
        1,
        QInputDevice.DeviceType.Stylus,
        QPointingDevice.PointerType.Pen,
        QInputDevice.Capability.Pressure | QInputDevice.Capability.Position,
        1,
        1,
        "",
        QPointingDeviceUniqueId(),
    )
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier

    def tablet(kind: Any, pixel: tuple[float, float], pressure: float) -> None:
        at = QPointF(place(window, pixel))
        event = QTabletEvent(kind, pen, at, at, pressure, 0, 0, 0.0, 0.0, 0, none, left, left)
        QApplication.sendEvent(canvas, event)

    QTest.mouseMove(canvas, place(window, (70, 20)))
    QApplication.processEvents()
    tablet(QEvent.Type.TabletPress, (70, 20), 0.25)
    QTest.mousePress(canvas, left, none, place(window, (70, 20)))
    tablet(QEvent.Type.TabletMove, (70, 60), 0.75)
    QTest.mouseMove(canvas, place(window, (70, 60)))
    QApplication.processEvents()
    tablet(QEvent.Type.TabletRelease, (70, 60), 0.0)
    QTest.mouseRelease(canvas, left, none, place(window, (70, 60)))
    image = window.session.image
    assert image.strokes[-1].tool["pressure"] == [0.25, 0.75]
    assert abs(int(image.codes[70, 40]) - (4000 + 0.75 * 12320)) <= 1
    QApplication.processEvents()
    assert window.c.pressure is None


def test_the_loupe_a_hundred_percent_and_statistics_by_key_and_mouse(window):
    from qtpy.QtTest import QTest
    from qtpy.QtWidgets import QApplication

    canvas = window.viewer.window._qt_viewer.canvas.native
    window.viewer.reset_view()
    QTest.mouseMove(canvas, place(window, (60, 50)))
    QApplication.processEvents()
    press(window, "Shift-L")
    loupe = window.a.view._loupe
    assert loupe.isVisible()
    assert loupe.pixmap().width() == 336
    press(window, "Shift-L")
    assert not loupe.isVisible()
    press(window, "Shift-Z")
    assert window.viewer.scene.camera.zoom == pytest.approx(1 / canvas.devicePixelRatioF())
    press(window, "Shift-Z")
    press(window, "Shift-I")
    qt_drag(window, (60, 20), (70, 40), (80, 60))
    dialog = window.a.view._measured
    assert dialog.isVisible()
    assert "mean +0.1225, sd 0.0000" in dialog.text.text()
    assert len(dialog.charts) == 3
    assert not window.a.screen._frame.isVisible()
    window.a.view.text_size(5)
    try:
        for _ in range(5):
            QApplication.processEvents()
        needed, text = dialog.text.sizeHint(), dialog.text
        assert (text.height(), text.width()) >= (needed.height(), needed.width()), "no line is cut"
        assert dialog.rect().contains(dialog.charts[-1].geometry())
    finally:
        window.a.view.text_size(-5)
    QTest.keyClick(dialog, "\x1b")
    assert not dialog.isVisible()
    assert window.session.image.standing == 0
