"""Faults that people met in the window, each driven by real keys in a window of a small screen."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from iea40k.store.ledger import Ledger
from iea40k.store.ledger.overview import notes
from tests.annotator.conftest import Begin
from tests.annotator.screens import drawn, fits, in_dialog, key, opened, shown_viewer, told

pytestmark = [pytest.mark.gui, pytest.mark.screen]
pytest.importorskip("napari")
QTest = pytest.importorskip("qtpy.QtTest").QTest


@pytest.fixture(scope="module")
def shown(screen: None, qapp: Any) -> Iterator[Any]:
    with shown_viewer(1366, 768) as viewer:
        yield viewer


@pytest.fixture
def window(shown: Any, begin: Begin) -> Iterator[SimpleNamespace]:
    made = opened(shown, begin())
    yield made
    made.a.close()


def stroke(window: SimpleNamespace) -> None:
    window.c.residual.set_tools(tool="brush", mode="set", value=0.4, radius=5.0)
    window.c.residual.press((30, 30))
    window.c.residual.move((40, 40))
    window.c.residual.release()


def test_every_word_stands_out_from_its_button_in_dark_and_light(window):
    """Black words on dark buttons: what is drawn is looked at, not what a sheet says."""
    window.viewer.theme = "light"
    try:
        for theme in ("light", "dark"):
            window.viewer.theme = theme
            drawn()
            for name, button in (
                ("brush", window.a.dock.parts["residual"].buttons["add"]),
                ("level", window.a.dock._levels.buttons["N1"]),
                ("submit", window.a.dock.buttons["submit"]),
                ("skip", window.a.dock.buttons["skip"]),
            ):
                image = button.grab().toImage()
                light = np.array(
                    [
                        image.pixelColor(x, y).lightness()
                        for x in range(4, image.width() - 4)
                        for y in range(4, image.height() - 4)
                    ]
                )
                ground = np.median(light)
                assert np.abs(light - ground).max() > 100, f"{name}, {theme}"
    finally:
        window.viewer.theme = "dark"


def test_all_of_view_is_in_sight_on_a_small_screen(window):
    dock = window.a.dock
    height = dock._scroll.viewport().height()
    for widget in (dock.parts["residual"].view, dock.opacity, dock.buttons["palette"]):
        assert widget.isVisible()
        bottom = widget.mapTo(dock._scroll.viewport(), widget.rect().bottomLeft()).y()
        assert bottom <= height, f"{bottom} of {height}"


def test_the_panel_says_whose_work_it_is(window):
    assert window.a.dock.parentWidget().name == "Ada: annotating"


def test_the_first_picture_fits_and_stays_so_until_somebody_zooms(window):
    window_ = window.viewer.window._qt_window
    assert fits(window)
    try:
        for size in ((1100, 700), (1500, 900), (1366, 768)):
            window_.resize(*size)
            drawn(10)
            assert fits(window), size
        window_.showMaximized()
        drawn(10)
        assert fits(window)
        window.viewer.scene.camera.zoom *= 3
        zoom = window.viewer.scene.camera.zoom
        window_.showNormal()
        window_.resize(1200, 720)
        drawn(10)
        assert window.viewer.scene.camera.zoom == zoom
    finally:
        window_.showNormal()
        window_.resize(1366, 768)
        drawn()


def test_skip_is_finished_by_keys_with_a_reason_that_is_offered(window):
    seen = in_dialog("2", "\r")
    key(window, "K", "ControlModifier")
    assert seen
    assert window.session.work.key.scene_id == "s2"
    with Ledger.open(window.session.store.path) as ledger:
        assert notes(ledger)[0]["comment"] == "the picture is damaged, or not a photograph"


def test_flag_takes_words_of_ones_own_and_numbers_in_them(window):
    in_dialog(*"f 2", "\r")
    key(window, "I", "ControlModifier")
    with Ledger.open(window.session.store.path) as ledger:
        assert notes(ledger)[0]["comment"] == "f 2"
    assert window.session.work.key.scene_id == "s1"
    in_dialog("\x1b")
    key(window, "K", "ControlModifier")
    assert window.session.work.key.scene_id == "s1"


def test_pick_gives_the_tool_back(window):
    window.c.residual.set_tools(tool="fill", value=0.0)
    key(window, "L")
    assert window.c.residual.tools.tool == "picker"
    window.c.residual.press((50, 60))
    assert window.c.residual.tools.tool == "fill"
    assert window.c.residual.tools.value == window.session.work.codes[50, 60] / 32640
    key(window, "L")
    key(window, "L")
    assert window.c.residual.tools.tool == "fill"
    window.c.residual.set_tools(tool="brush")


def test_what_was_told_ends_with_its_image(window):
    key(window, "Z", "ControlModifier")
    assert told()
    stroke(window)
    key(window, "I", "ShiftModifier")
    window.c.residual.press((50, 60))
    window.c.residual.release()
    assert window.a.view._measured.isVisible()
    key(window, "Return", "ControlModifier")
    assert window.session.work.key.scene_id == "s2"
    assert not told()
    assert not window.a.view._measured.isVisible()
    window.c.residual.set_tools(tool="brush")


def test_what_is_told_comes_in_its_own_window_whichever_was_active_last(window):
    import napari

    other = napari.Viewer(show=False)
    try:
        key(window, "Z", "ControlModifier")
        assert told()
    finally:
        other.close()
        window.a.view.dismiss()


def test_what_was_told_goes_by_itself_also_where_the_window_is_not_active(window, monkeypatch):
    """A dialog that has just closed leaves it so, and napari's message stayed for ever."""
    from napari._qt.dialogs.qt_notification import NapariQtNotification
    from qtpy.QtTest import QTest

    monkeypatch.setattr(NapariQtNotification, "DISMISS_AFTER", 3000)
    monkeypatch.setattr(window.viewer.window._qt_viewer.canvas.native, "isActiveWindow", lambda: False)
    window.c.tell("info", "Nothing is proposed here.")
    window.c.tell("info", "Propagated to 4 levels.")
    assert told() == ["Nothing is proposed here.", "Propagated to 4 levels."]
    for _ in range(600):
        if told():
            QTest.qWait(50)
    assert told() == []


def test_the_window_takes_what_the_screen_gives(window):
    from annotator.window import adapter

    main = window.viewer.window._qt_window
    free = main.screen().availableGeometry()
    try:
        main.resize(1100, 700)
        drawn()
        adapter.take_the_screen(window.viewer)
        drawn(10)
        assert (main.width(), main.height()) >= (free.width() - 20, free.height() - 60)
        assert fits(window)
    finally:
        main.showNormal()
        main.resize(1366, 768)
        drawn()


@pytest.mark.parametrize("points", [0, 5])
def test_the_page_of_keys_is_no_wider_than_the_screen(window, points):
    from qtpy.QtWidgets import QLabel

    window.a.view.text_size(points)
    try:
        window.a.view.help("residual")
        drawn(5)
        page = window.a.view._help
        free = page.screen().availableGeometry()
        assert page.width() <= free.width()
        assert page.height() <= free.height()
        for label in page.findChildren(QLabel):
            assert label.width() >= label.minimumSizeHint().width(), "no line is cut"
            assert label.mapTo(page, label.rect().bottomRight()).x() <= page.width()
    finally:
        window.a.view.text_size(-points)  # first of all: napari keeps it for later sessions
        window.a.view.help("residual")  # puts it away


@pytest.mark.parametrize("kind", ["residual", "reference"])
def test_the_page_of_keys_needs_no_scroll_on_a_small_screen(window, kind, monkeypatch):
    from types import SimpleNamespace as Some

    from qtpy.QtCore import QRect
    from qtpy.QtWidgets import QDialog, QScrollArea

    small = Some(availableGeometry=lambda: QRect(0, 0, 1366, 768))
    monkeypatch.setattr(QDialog, "screen", lambda _self: small)
    window.a.view.help(kind)
    drawn(5)
    page = window.a.view._help
    assert page.width() <= 1366
    assert page.height() <= 768
    assert page.findChild(QScrollArea).verticalScrollBar().maximum() == 0
    window.a.view.help(kind)


def test_every_reason_that_is_offered_is_in_sight(window):
    from annotator.session.flow import SKIPPED
    from annotator.window.reason_dialog import ReasonDialog

    dialog = ReasonDialog(window.viewer.window._qt_window, "Skip", "Why?", SKIPPED, sheet=window.a.view.sheet)
    dialog.show()
    drawn()
    assert dialog.list.verticalScrollBar().maximum() == 0
    dialog.close()


def test_the_status_bar_names_no_label(window):
    viewer = window.viewer
    viewer.mouse_over_canvas = True
    viewer.cursor.position = (30, 30)
    viewer.update_status_from_cursor()
    drawn()
    bar = viewer.window._qt_window.statusBar()

    def said() -> list[str]:
        drawn()
        parts = (bar._status, bar._layer_base, bar._coordinates, bar._help)
        return [part.text() for part in parts if part.isVisible()]

    assert not any("residual" in text or "[" in text for text in said()), said()
    for _ in range(2):  # layers are made while the person looks at the picture
        window.a.screen.expect_trial()
        assert viewer.help == ""
        assert viewer.layers.selection.active is window.a.screen.residual
        assert not any("residual" in text or "[" in text or "use <" in text for text in said()), said()
    for _ in range(2):
        key(window, "V")
        assert not any("use <" in text for text in said()), said()
    assert viewer.help == ""


def test_a_submission_is_taken_back_until_somebody_reviews_it(window):
    stroke(window)
    key(window, "Return", "ControlModifier")
    assert window.session.work.key.scene_id == "s2"
    stroke(window)
    seen = in_dialog("\r")
    key(window, "K", "ShiftModifier")
    assert seen
    assert [seen[0].answers[0].split()[0], window.session.work.key.scene_id] == ["s1", "s1"]
    assert window.session.work.standing == 1
    key(window, "Z", "ControlModifier")
    assert window.session.work.standing == 0
    stroke(window)
    key(window, "Return", "ControlModifier")
    assert window.session.work.key.scene_id == "s2"
    assert window.session.work.standing == 1
    with Ledger.open(window.session.store.path) as ledger:
        from iea40k.store.ledger import Queue

        for found in window.session.recallable():
            Queue(ledger).accept(found, "Rita")
    key(window, "K", "ShiftModifier")
    assert window.session.work.key.scene_id == "s2"


def test_texts_grow_with_the_window_s_setting(window):
    from annotator.window import adapter

    size = adapter.text_size()
    label = window.a.dock.subtitle
    before, wide = label.fontMetrics().height(), window.a.dock.width()
    window.a.menu.refresh()
    item = next(item for action, item in window.a.menu.items if action.id == "larger text")
    try:
        for _ in range(6):
            item.trigger()
        drawn()
        assert adapter.text_size() == size + 6
        assert label.fontMetrics().height() > before
        assert window.a.dock.width() > wide
    finally:
        adapter.text_size(-6)
        drawn()
    assert label.fontMetrics().height() == before
    for _ in range(100):
        if window.a.dock.width() > wide:
            QTest.qWait(20)
    assert window.a.dock.width() == wide, "the picture has its place back"


@pytest.mark.parametrize("points", [0, 4])
def test_no_button_says_half_a_word(window, points):
    from annotator.window.fitted import FittedPush, FittedTool

    window.a.view.text_size(points)
    try:
        drawn(10)
        QTest.qWait(300)
        seen = [
            b for kind in (FittedPush, FittedTool) for b in window.a.dock.findChildren(kind) if b.isVisible()
        ]
        assert len(seen) > 20
        for button in seen:
            wide = button.fontMetrics().horizontalAdvance(button.text())
            assert wide <= button.width() - 2, f"{button.text()}: {wide} of {button.width()}"
        if not points:
            assert "Ctrl+Enter" in window.a.dock.buttons["submit"].text()
    finally:
        window.a.view.text_size(-points)


def test_the_read_out_is_whole_where_the_window_is_narrow(window):
    line, bar = window.a.readout.text, window.a.readout
    main = window.viewer.window._qt_window
    long = "residual +0.1234  (+31.5/255), base -0.1000   ·   +1.00 EV to the reference   ·   zone IV → V"
    try:
        bar.say(long)
        for size in (1366, 1100):
            main.resize(size, 700)
            whole = long.replace(" ", "")
            for _ in range(100):  # on a machine at work the window takes its new width later
                drawn()
                if bar.window().width() == size and line.text().replace(" ", "") == whole:
                    break
                QTest.qWait(20)
            assert line.text().replace(" ", "") == whole, (size, main.width(), line.width())
        assert not bar._ends[0].isVisible()
        main.resize(1600, 800)
        for _ in range(100):
            drawn()
            if bar.bar.isVisible():
                break
            QTest.qWait(20)
        assert bar.bar.isVisible()
        bar.say(long * 4)
        assert line.text().endswith("…")
        assert line.toolTip() == long * 4
    finally:
        main.resize(1366, 768)
        drawn()


def test_keys_go_on_while_statistics_are_shown(window):
    window.c.residual.set_tools(tool="brush", mode="set")
    key(window, "I", "ShiftModifier")
    window.c.residual.press((50, 60))
    window.c.residual.release()
    dialog = window.a.view._measured
    assert dialog.isVisible()
    QTest.keyClick(dialog, "a")
    drawn()
    assert (window.c.residual.tools.tool, window.c.residual.tools.mode) == ("brush", "add")
    QTest.keyClick(dialog, "\x1b")
    assert not dialog.isVisible()
    window.c.residual.set_tools(tool="brush", mode="set")
