"""The real viewer and the real widgets: mouse and key events through napari."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from annotator.actions import ACTIONS, bound_keys
from annotator.shared.display import display_levels
from tests.annotator.conftest import Begin

pytestmark = [pytest.mark.gui, pytest.mark.screen]
pytest.importorskip("napari")
pytest.importorskip("qtpy.QtWidgets")


@pytest.fixture(scope="module")
def viewer(screen: None, qapp: Any) -> Iterator[Any]:
    """One real viewer, not shown; each test sits down in it and leaves it empty, as a person may."""
    import napari

    with pytest.MonkeyPatch.context() as patch:
        # As napari's own fixture does: its thread for the status bar may outlive the window and end the process.
        patch.setattr("napari._qt.threads.status_checker.StatusChecker.start", lambda _self: None)
        made = napari.Viewer(show=False)
        yield made
        made.close()


@pytest.fixture
def window(viewer: Any, begin: Begin) -> Iterator[SimpleNamespace]:
    from annotator.window.opening import Annotator

    annotator = Annotator(viewer, begin())
    annotator.start()
    yield SimpleNamespace(viewer=viewer, a=annotator, c=annotator.controller, session=annotator.session)
    annotator.close()
    assert not viewer.layers


def mouse(viewer: Any, kind: str, position: tuple[float, float], **more: Any) -> Any:
    """Return a mouse event as napari hands it to its callbacks: read-only but for `handled`."""
    from napari.utils._proxies import ReadOnlyWrapper

    told = {
        "type": kind,
        "position": position,
        "button": 1,
        "modifiers": (),
        "is_dragging": kind == "mouse_move",
        "dims_displayed": [0, 1],
        "view_direction": None,
        "pos": np.array(position),
        "handled": False,
    }
    event = SimpleNamespace(**{**told, **more})
    return ReadOnlyWrapper(event, exceptions=("handled",))


def drag(viewer: Any, *points: tuple[float, float]) -> None:
    from napari.utils.interactions import mouse_move_callbacks, mouse_press_callbacks, mouse_release_callbacks

    mouse_press_callbacks(viewer, mouse(viewer, "mouse_press", points[0]))
    for point in points[1:]:
        mouse_move_callbacks(viewer, mouse(viewer, "mouse_move", point))
    mouse_release_callbacks(viewer, mouse(viewer, "mouse_release", points[-1]))


def press(window: SimpleNamespace, key: str) -> None:
    """Press a key as the canvas does: through napari's key map of the active layer and the viewer."""
    handler = window.viewer.window._qt_viewer._key_map_handler
    assert handler.press_key(key)
    handler.release_key(key)


def test_a_drag_through_napari_paints_and_is_saved(window):
    window.c.target.set_tools(value=0.5, radius=5.0, feather=0.0)
    drag(window.viewer, (30, 30), (30, 50), (50, 50))
    image = window.session.image
    assert image.codes[30, 40] == 16320
    assert image.codes[40, 50] == 16320
    assert image.standing == 1
    assert window.session.saving.clean
    assert np.array_equal(window.a.screen.residual.data, display_levels(image.codes))


def test_keys_reach_the_controller_whatever_is_selected(window):
    press(window, "A")
    assert (window.c.residual.tools.tool, window.c.residual.tools.mode) == ("brush", "add")
    window.viewer.layers.selection.active = window.a.screen.picture
    press(window, "E")
    assert window.c.residual.tools.mode == "erase"
    press(window, "P")
    radius = window.c.residual.tools.radius
    press(window, "]")
    assert window.c.residual.tools.radius > radius
    window.c.residual.set_tools(value=0.1)
    press(window, "=")
    assert window.c.residual.tools.value == pytest.approx(0.1 + 1 / 255)
    press(window, "X")
    assert window.c.residual.tools.value == 0


def test_undo_key_takes_back_the_stroke_and_not_napari_s_history(window):
    drag(window.viewer, (30, 30), (40, 40))
    press(window, "Control-Z")
    image = window.session.image
    assert np.array_equal(image.codes, image.base)
    press(window, "Control-Shift-Z")
    assert not np.array_equal(image.codes, image.base)


def test_napari_s_own_visibility_key_still_works(window):
    press(window, "V")
    assert not window.a.screen.residual.visible
    assert not window.c.residual.display.overlay
    press(window, "V")
    assert window.a.screen.residual.visible


def test_held_keys_last_while_held(window):
    handler = window.viewer.window._qt_viewer._key_map_handler
    handler.press_key("Q")
    assert not window.a.screen.residual.visible
    handler.release_key("Q")
    assert window.a.screen.residual.visible
    handler.press_key("Space")
    assert window.a.screen.residual.mouse_pan
    handler.release_key("Space")
    assert not window.a.screen.residual.mouse_pan


def test_napari_s_brush_cannot_paint_past_the_session(window):
    window.a.screen.residual.mode = "paint"
    drag(window.viewer, (60, 60), (70, 70))
    image = window.session.image
    assert np.array_equal(window.a.screen.residual.data, display_levels(image.codes))


def test_submit_key_goes_on(window):
    drag(window.viewer, (30, 30), (40, 40))
    press(window, "Control-Enter")
    assert window.session.image.key.scene_id == "s2"
    press(window, "Control-B")
    assert window.session.image.key.scene_id == "s3"
    assert window.a.dock.title.text() == "s3"


def test_the_dock_shows_and_changes_the_hand(window):
    dock = window.a.dock
    part = dock.parts["residual"]
    part.buttons["smooth"].click()
    assert window.c.residual.tools.mode == "smooth"
    part.numbers["radius"].box.setValue(42.0)
    assert window.c.residual.tools.radius == 42.0
    window.c.target.set_tools(tool="superpixel")
    assert part.buttons["superpixel"].isChecked()
    part.buttons["suggestions"].click()
    assert not window.c.residual.display.outlines
    part.buttons["residual picture preview"].click()
    assert window.c.residual.display.picture == "preview"
    part.buttons["residual wipe"].click()
    assert window.c.residual.display.compare == "wipe"
    part.buttons["single"].click()
    assert window.c.residual.display.compare == "single"
    dock.buttons["palette"].click()
    assert window.c.residual.display.palette == "colour-blind-safe"


def test_the_level_buttons_look_elsewhere(window):
    window.a.dock._levels.buttons["N1"].click()
    assert window.c.residual.shown.level == "N1"
    assert not window.c.canvas.paintable


def test_the_read_out_follows_the_mouse(window):
    from napari.utils.interactions import mouse_move_callbacks

    mouse_move_callbacks(window.viewer, mouse(window.viewer, "mouse_move", (20.2, 31.4), is_dragging=False))
    text = window.a.readout.text.said
    assert "residual" in text
    assert "EV" in text
    assert "zone" in text


def test_no_shortcut_of_napari_s_menus_is_taken(window):
    from napari._app_model import get_app_model
    from napari.utils.key_bindings import coerce_keybinding

    taken = {coerce_keybinding(str(bound.keybinding)) for bound in get_app_model().keybindings}
    assert coerce_keybinding("Control-O") in taken
    ours = {coerce_keybinding(name) for name in bound_keys()}
    assert not ours & taken


def test_closing_over_unsent_strokes_asks(window, monkeypatch: pytest.MonkeyPatch):
    from qtpy.QtGui import QCloseEvent

    from annotator.session.upload import Saving

    asked: list[str] = []
    answers = [False, True]

    def confirm(_title: str, question: str) -> bool:
        asked.append(question)
        return answers.pop(0)

    monkeypatch.setattr(window.a.view, "confirm", confirm)
    qt_window = window.viewer.window._qt_window
    assert not window.a.eventFilter(qt_window, QCloseEvent())
    assert asked == []
    monkeypatch.setattr(window.session._uploads, "_saving", Saving(3))
    monkeypatch.setattr(window.session, "retry", lambda: Saving(3))
    event = QCloseEvent()
    assert window.a.eventFilter(qt_window, event)
    assert not event.isAccepted()
    assert "3 strokes" in asked[0]
    assert not window.a.eventFilter(qt_window, QCloseEvent())
    monkeypatch.undo()


def test_the_key_that_opens_the_page_of_keys_closes_it_there_too(window):
    from qtpy.QtTest import QTest

    press(window, "?")
    page = window.a.view._help
    assert page.isVisible()
    QTest.keyClick(page, "?")
    assert not page.isVisible()


def test_sample_data_opens(viewer: Any):
    from annotator.window.sample_layers import sample_layers

    for data in sample_layers():
        viewer._add_layer_from_data(*data)
    assert [layer.name for layer in viewer.layers] == [
        "reference",
        "exposure P1",
        "residual P1",
        "suggestions",
    ]
    viewer.layers.clear()


@pytest.fixture
def form(viewer: Any) -> Iterator[Any]:
    """The form as Plugins > Annotate a store opens it: napari makes the widget and gives it the viewer."""
    from annotator.window.plugin import AnnotateWidget

    docked, made = viewer.window.add_plugin_dock_widget("iea40k", "Annotate a store")
    assert isinstance(made, AnnotateWidget)
    yield made
    if made.opened is not None:
        made.opened.close()
    viewer.window.remove_dock_widget(docked)


def test_the_form_of_the_plugins_menu(form: Any, queued: Any, tmp_path: Any, monkeypatch: Any):
    from qtpy.QtWidgets import QDockWidget

    monkeypatch.setattr("annotator.session.settings.platformdirs.user_data_dir", lambda *_, **__: tmp_path)
    form.form.store.value = queued.path
    form.form.annotator.value = "Ada"
    form.form.call_button.native.click()
    assert form.opened.session.image.key.scene_id == "s1"
    assert form.opened.session.image.key.annotator == "Ada"
    dock = form.parentWidget()
    while not isinstance(dock, QDockWidget):
        dock = dock.parentWidget()
    assert dock.isHidden()  # the tools have its room


def test_the_form_tells_what_refuses_and_stays(form: Any, tmp_path: Any, monkeypatch: Any):
    told: list[str] = []
    monkeypatch.setattr("annotator.window.plugin.show_error", told.append)
    form.open(tmp_path, "Ada")
    assert form.opened is None
    assert "no store here" in told[0]


def test_opening_again_ends_the_session_before(
    viewer: Any, form: Any, queued: Any, tmp_path: Any, monkeypatch: Any
):
    monkeypatch.setattr("annotator.session.settings.platformdirs.user_data_dir", lambda *_, **__: tmp_path)
    form.open(queued.path, "Ada")
    before, layers = form.opened, len(viewer.layers)
    asked: list[str] = []
    monkeypatch.setattr(form, "_confirmed", lambda question: asked.append(question) or True)
    form.open(queued.path, "Boris")
    assert "Begin as a new person, 'Boris'?" in asked[0]
    assert form.opened is not before
    assert form.opened.session.image.key.annotator == "Boris"
    assert len(viewer.layers) == layers
    assert viewer.mouse_drag_callbacks.count(before._dragged) == 0
    assert before.session._closed


def test_the_menu_has_every_action_and_does_it(window):
    menu = window.a.menu
    bar = window.viewer.window._qt_window.menuBar()
    assert menu.menuAction() in bar.actions()
    menu.refresh()
    items = {action.id: item for action, item in menu.items}
    held = {action.id for action in ACTIONS if action.let_go is not None}
    assert set(items) == {action.id for action in ACTIONS} - held
    assert items["smooth"].text() == "Brush: smooth\tH"
    items["smooth"].trigger()
    assert window.c.residual.tools.mode == "smooth"
    menu.refresh()
    assert items["smooth"].isChecked()
    assert not items["set"].isChecked()
    assert not items["zone set"].isVisible()
    window.a.close()
    assert menu.menuAction() not in bar.actions()


def in_dialog(*keys: str) -> list[tuple[Any, Any]]:
    """Press keys in the dialog of a propagation once it is open; return what it showed and planned, filled later."""
    from qtpy.QtCore import QTimer
    from qtpy.QtTest import QTest
    from qtpy.QtWidgets import QApplication

    seen: list[tuple[Any, Any]] = []
    timer = QTimer(QApplication.instance())

    def choose() -> None:
        dialog = QApplication.activeModalWidget()
        if dialog is None or not dialog.isVisible():
            return
        timer.stop()
        try:
            seen.append((dialog.cards[0].after.pixmap().toImage(), dialog.plan))
            for key in keys:
                QTest.keyClick(dialog, key)
                seen.append((dialog.cards[0].after.pixmap().toImage(), dialog.plan))
        finally:
            if dialog.isVisible():
                dialog.reject()

    timer.timeout.connect(choose)
    timer.start(50)
    return seen


def test_a_propagation_is_looked_at_changed_by_keys_and_taken_back(window):
    """The real dialog: keys choose, the pictures follow, one undo takes it back from every level."""
    drag(window.viewer, (30, 30), (40, 40))
    seen = in_dialog("v", "y", "2", "\r")
    press(window, "Control-L")
    pictures, plans = [p for p, _ in seen], [plan for _, plan in seen]
    assert [plan.how for plan in plans] == ["same change", *["same value"] * 4]
    assert [plan.shown for plan in plans] == ["residual", "residual", *["photograph"] * 3]
    assert plans[-1].left_out == {"P1"}
    assert pictures[0] != pictures[1]
    assert pictures[1] != pictures[2]
    others = window.session.image.others
    assert len(others["N1"]) == 1
    assert not others.get("P1")
    press(window, "Control-Z")
    assert len(others["N1"]) == 2
    assert others["N1"][1].undoes == others["N1"][0].stroke_id
    seen = in_dialog("\x1b")
    press(window, "Control-L")
    assert seen
    assert len(others["N1"]) == 2


def test_long_work_shows_napari_s_progress_and_ends_it(window):
    import time

    from napari.utils import progress

    seen: list[tuple[str, int, bool]] = []
    with window.c.working("Counting", 4) as step:
        for _ in range(4):
            time.sleep(0.2)
            step()
            shown = [bar for bar in progress._all_instances if "Counting" in str(bar.desc)]
            seen += [(str(bar.desc), bar.n, window.c.busy) for bar in shown]
        press(window, "Control-B")
        assert window.session.image.key.scene_id == "s1"
    assert [n for _, n, _ in seen] == [2, 3, 4]
    assert all(busy for *_, busy in seen)
    assert not [bar for bar in progress._all_instances if "Counting" in str(bar.desc)]
    assert not window.c.busy
    with window.c.working("Soon over", 1) as step:
        step()
        assert not [bar for bar in progress._all_instances if "Soon over" in str(bar.desc)]


def test_open_sample_finds_the_photograph(viewer: Any):
    """What File > Open Sample does: through napari's plugin manager and the manifest that was installed."""
    added = viewer.open_sample("iea40k", "photograph")
    assert [layer.name for layer in added] == ["reference", "exposure P1", "residual P1", "suggestions"]
    assert added[2].data.max() <= 511
    viewer.layers.clear()


def test_a_window_that_is_destroyed_ends_its_session(viewer: Any, begin: Begin, qapp: Any):
    """The timer would go on speaking to widgets that are gone, and the leases would stay held."""
    import time

    from qtpy.QtCore import QEvent

    from annotator.window.opening import Annotator

    session = begin("Zoe")
    annotator = Annotator(viewer, session)
    annotator.start()
    annotator.dock.deleteLater()
    qapp.sendPostedEvents(annotator.dock, QEvent.Type.DeferredDelete)
    until = time.monotonic() + 1.5
    while time.monotonic() < until:
        qapp.processEvents()
    assert session._closed
    assert not annotator._timer.isActive()
    annotator.controller.refresh()  # shows nothing, and raises nothing
    annotator.screen.remove()
    viewer.window.remove_dock_widget(annotator.readout)
