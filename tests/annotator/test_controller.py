"""The whole annotator on napari's viewer model: real layers and real sessions, no Qt and no display."""

from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest

from annotator.actions import available, press, run
from annotator.shared.display import Held, display_levels, outlined
from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger, Queue
from tests.annotator.conftest import Begin, a_practice
from tests.annotator.view import QuietView

pytestmark = pytest.mark.gui
components = pytest.importorskip("napari.components")


@pytest.fixture
def at_work(begin: Begin) -> Iterator[SimpleNamespace]:
    from annotator.session.controller import Controller
    from annotator.window.screen import NapariScreen

    session, view = begin(), QuietView()
    screen = NapariScreen(components.ViewerModel())
    controller = Controller(session, screen, view)
    controller.flow.start()
    yield SimpleNamespace(session=session, view=view, layers=screen, c=controller)
    controller.remember()


def drag(controller, *points: tuple[float, float], button: int = 1) -> None:
    """What napari does with a drag: a generator that gets a press, moves, and a release."""
    event = SimpleNamespace(button=button, modifiers=(), position=points[0], type="mouse_press")
    moves = controller.drag(event)
    for point in points:
        next(moves, None)
        event.type, event.position = "mouse_move", point
    next(moves, None)
    event.type = "mouse_release"
    next(moves, None)


def shown_codes(work) -> np.ndarray:
    return work.layers.residual.data


def test_the_layers_show_the_image(at_work):
    image = at_work.session.image
    assert np.array_equal(at_work.layers.picture.data, image.exposure)
    assert np.array_equal(shown_codes(at_work), display_levels(image.codes))
    assert at_work.view.panel.title == "s1"
    assert at_work.c.canvas.paintable


def test_a_drag_paints_what_is_shown_and_recorded(at_work):
    at_work.c.target.set_tools(value=0.5, radius=6.0, feather=0.0)
    drag(at_work.c, (30, 30), (30, 60), (50, 60))
    image = at_work.session.image
    assert image.codes[30, 45] == 16320
    assert np.array_equal(shown_codes(at_work), display_levels(image.codes))
    assert image.standing == 1
    edited = at_work.layers.edited.data
    assert edited[24, 45] == 1  # the rim of the stroke
    assert edited[30, 45] == 0
    assert np.array_equal(edited, outlined(image.touched.astype(np.uint8)))
    at_work.c.target.undo()
    assert np.array_equal(shown_codes(at_work), display_levels(image.base))
    assert not at_work.layers.edited.data.any()
    at_work.c.target.redo()
    assert shown_codes(at_work)[30, 45] == display_levels(np.array([[16320]], np.int16))[0, 0]


def test_the_right_button_and_the_view_tool_paint_nothing(at_work):
    drag(at_work.c, (30, 30), (40, 40), button=2)
    at_work.c.target.set_tools(tool="pan")
    assert at_work.layers.residual.mouse_pan
    drag(at_work.c, (30, 30), (40, 40))
    at_work.c.residual.set_tools(tool="brush", mode="set")
    at_work.c.hold(pan=True)
    assert at_work.layers.residual.mouse_pan
    drag(at_work.c, (30, 30), (40, 40))
    at_work.c.hold(pan=False)
    assert not at_work.layers.residual.mouse_pan
    assert at_work.session.image.standing == 0


def test_one_click_floods_a_logo(at_work):
    practice = a_practice("s1", 0)
    image, region = at_work.session.image, dict(practice.faults)["logo"]
    rows, columns = np.nonzero(region)
    at_work.c.target.set_tools(tool="light source")
    at_work.c.residual.set_tools(value=-0.35)
    drag(at_work.c, (float(rows[0]), float(columns[0])))
    assert np.abs(image.codes[region].astype(int) - practice.truth[1][region]).max() <= 1


def test_fill_superpixel_range_and_picker(at_work):
    image = at_work.session.image
    at_work.c.residual.set_tools(value=0.25)
    for tool in ("fill", "superpixel", "range"):
        at_work.c.target.set_tools(low=-0.05, high=0.05)
        at_work.c.target.set_tools(tool=tool)
        before = image.codes.copy()
        drag(at_work.c, (48.2, 61.7))
        changed = image.codes != before
        assert changed.any(), tool
        assert set(image.codes[changed]) == {8160}, tool
        at_work.c.target.undo()
    at_work.c.target.set_tools(tool="picker")
    drag(at_work.c, (10, 12))
    assert at_work.c.residual.tools.value == pytest.approx(image.codes[10, 12] / 32640)


def test_the_preview_follows_the_brush(at_work):
    at_work.c.target.see(lambda d: d.toggled("preview"))
    before = at_work.layers.picture.data.copy()
    at_work.c.target.set_tools(value=0.5, radius=6.0, feather=0.0)
    event = SimpleNamespace(button=1, modifiers=(), position=(30, 30), type="mouse_press")
    moves = at_work.c.drag(event)
    next(moves)
    during = at_work.layers.picture.data
    assert during[30, 30].sum() > before[30, 30].sum()
    assert np.array_equal(during[60:], before[60:])
    event.type = "mouse_release"
    next(moves, None)


def test_the_wipe_moves_with_shift_and_paints_its_own_side(at_work):
    at_work.c.target.see(lambda d: d.compared("wipe"))
    image = at_work.session.image
    at_work.c.hover((40.0, 31.5), shift=True)
    picture = at_work.layers.picture.data
    assert np.array_equal(picture[:, :30], image.exposure[:, :30])
    assert np.array_equal(picture[:, 34:], image.reference[:, 34:])


def test_painting_works_in_either_panel(at_work):
    at_work.c.target.see(lambda d: d.compared("side by side"))
    image = at_work.session.image
    assert at_work.layers.right.visible
    at_work.c.target.set_tools(value=0.5, radius=3.0, feather=0.0)
    drag(at_work.c, (20, 30 + image.shape[1] + 8))
    assert image.codes[20, 30] == 16320
    at_work.c.target.see(lambda d: d.compared("side by side"))
    assert not at_work.layers.right.visible


def test_other_levels_are_one_key_away_and_read_only(at_work):
    image = at_work.session.image
    at_work.c.target.other_level(-1)
    assert np.array_equal(at_work.layers.picture.data, image.origin.exposure("N1"))
    drag(at_work.c, (30, 30), (40, 40))
    assert image.standing == 0
    assert "looking at N1" in at_work.view.panel.notice
    at_work.c.residual.go_level(at_work.c.residual.home)
    assert np.array_equal(at_work.layers.picture.data, image.exposure)


def test_submit_shows_the_next_image_with_the_same_tool_and_view(at_work, queued: Store):
    at_work.c.target.set_tools(value=0.5, radius=6.0)
    at_work.layers.viewer.scene.camera.zoom = 3.5
    drag(at_work.c, (30, 30), (40, 40))
    first = at_work.session.image
    at_work.c.flow.submit()
    assert at_work.session.image.key.scene_id == "s2"
    assert np.array_equal(at_work.layers.picture.data, at_work.session.image.exposure)
    assert np.array_equal(shown_codes(at_work), display_levels(at_work.session.image.codes))
    assert at_work.layers.viewer.scene.camera.zoom == 3.5
    assert at_work.c.residual.tools.radius == 6.0
    with Ledger.open(queued.path) as ledger:
        assert Queue(ledger).state(first.key) == "submitted"


def test_a_refused_submit_says_why_and_stays(at_work):
    at_work.c.flow.submit()
    assert at_work.view.told[-1][0] == "error"
    assert "nothing was corrected" in at_work.view.told[-1][1]
    assert at_work.session.image.key.scene_id == "s1"


def test_an_image_that_is_being_read_is_no_empty_queue(at_work, monkeypatch: pytest.MonkeyPatch):
    seen: list[str] = []

    def waiting(_coming, step):
        step()
        seen.append(at_work.c.panel().title)
        return _coming.result()

    monkeypatch.setattr("annotator.session.prefetch._patient", waiting)
    at_work.c.flow.base_is_right()
    assert set(seen) == {"Reading the next image"}
    assert at_work.c.panel().title == "s2"


def test_the_end_of_the_queue(at_work):
    for _ in range(3):
        at_work.c.flow.base_is_right()
    assert at_work.session.image is None
    assert at_work.view.panel.title == "The queue is empty"
    assert not at_work.layers.residual.visible
    at_work.c.flow.submit()  # asks again
    assert at_work.session.image is None


def test_skip_flag_and_carry_ask_first(at_work):
    drag(at_work.c, (30, 30), (40, 40))
    at_work.view.answers = [None]
    at_work.c.flow.skip()
    assert at_work.session.image.key.scene_id == "s1"
    at_work.view.answers = ["the sky is odd"]
    at_work.c.flow.flag()
    assert at_work.view.told[-1] == ("info", "The curator will see it.")
    at_work.view.answers = [lambda plan: plan]
    at_work.c.residual.propagate()
    assert at_work.view.told[-1] == ("info", "Propagated to 2 levels.")
    assert ("Reading the other levels", 2, 2) in at_work.view.progressed
    at_work.c.target.go_level("N1")
    assert at_work.layers.edited.data.any()
    at_work.c.residual.go_level(at_work.c.residual.home)
    at_work.view.answers = ["too dark"]
    at_work.c.flow.skip()
    assert at_work.session.image.key.scene_id == "s2"


def test_napari_s_own_eye_and_key_are_a_wish(at_work):
    at_work.layers.residual.visible = False
    assert not at_work.c.residual.display.overlay
    at_work.layers.residual.visible = True
    assert at_work.c.residual.display.overlay
    at_work.c.hold(peek=True)
    assert not at_work.layers.residual.visible
    at_work.c.hold(peek=False)
    assert at_work.layers.residual.visible
    assert at_work.c.residual.display.overlay


def test_every_action_runs_at_an_exposure(at_work):
    at_work.view.answers = [None] * 10
    for action in available("residual"):
        if action.id not in ("submit", "base is right"):
            assert isinstance(action.label(at_work.c)[0], str)
            assert action.enabled(at_work.c) in (True, False)
            run(at_work.c, action)
            if action.let_go is not None:
                run(at_work.c, action, held=False)
    assert at_work.c.held == Held()
    assert at_work.session.image.key.scene_id == "s1"


def test_the_luminance_limit_keeps_the_brush_in_the_highlights(at_work):
    from iea40k.residuals import luma

    image = at_work.session.image
    middle = float(np.median(luma(image.exposure)))
    at_work.c.target.set_tools(only_low=round(middle, 2), only_high=1.0, value=-0.5, radius=30.0, feather=0.0)
    drag(at_work.c, (48, 64))
    changed = image.codes != image.base
    assert changed.any()
    assert luma(image.exposure)[changed].min() >= round(middle, 2)


def test_settings_are_there_in_the_next_session(at_work, begin: Begin):
    from annotator.session.controller import Controller
    from annotator.window.screen import NapariScreen

    at_work.c.target.see(lambda d: d.next_palette())
    at_work.c.target.set_tools(radius=33.0)
    at_work.c.remember()
    again = Controller(begin("Ben"), NapariScreen(components.ViewerModel()), QuietView())
    assert again.residual.display.palette == "colour-blind-safe"
    assert again.residual.tools.radius == 33.0


def test_the_outline_of_edits_is_right_after_every_stroke(at_work):
    """Partial updates of the outline give what outlining the whole image gives."""
    image, rng = at_work.session.image, np.random.default_rng(4)
    for _ in range(8):
        at_work.c.target.set_tools(radius=float(rng.uniform(2, 20)), value=0.1)
        drag(at_work.c, tuple(rng.uniform(0, 96, 2)), tuple(rng.uniform(0, 96, 2)))
        assert np.array_equal(at_work.layers.edited.data, outlined(image.touched.astype(np.uint8)))
    at_work.c.target.undo()
    assert np.array_equal(at_work.layers.edited.data, outlined(image.touched.astype(np.uint8)))


def test_bracket_keys_change_the_reach_of_the_tool_in_hand(at_work):
    hand = at_work.c.residual.tools
    for tool, name in (("fill", "tolerance"), ("superpixel", "side"), ("brush", "radius")):
        at_work.c.target.set_tools(tool=tool)
        at_work.c.residual.adjust(lambda t: t.resized(1))
        assert getattr(at_work.c.residual.tools, name) > getattr(hand, name)
        at_work.c.residual.adjust(lambda t: t.resized(-1))
        at_work.c.residual.adjust(lambda t: t.resized(-1))
        assert getattr(at_work.c.residual.tools, name) < getattr(hand, name)
    at_work.c.target.set_tools(tool="range")
    for _ in range(60):
        at_work.c.residual.adjust(lambda t: t.resized(1))
    assert (at_work.c.residual.tools.low, at_work.c.residual.tools.high) == (-1.0, 1.0)
    for _ in range(120):
        at_work.c.residual.adjust(lambda t: t.resized(-1))
    assert at_work.c.residual.tools.low == at_work.c.residual.tools.high


def test_a_range_around_the_pixel_under_the_cursor(at_work):
    image = at_work.session.image
    at_work.c.hover((10.2, 12.4))
    at_work.c.residual.range_here()
    value = image.codes[10, 12] / 32640
    assert at_work.c.residual.tools.tool == "range"
    assert at_work.c.residual.tools.low == pytest.approx(value - at_work.c.residual.tools.tolerance)
    assert at_work.c.residual.tools.high == pytest.approx(value + at_work.c.residual.tools.tolerance)
    at_work.c.hover((500.0, 12.4))
    at_work.c.residual.range_here()
    assert at_work.view.told[-1][1] == "There is no valid data under the cursor."


def test_highlights_only_and_the_whole_image_back(at_work):
    at_work.c.residual.adjust(lambda t: t.highlights_only())
    assert (at_work.c.residual.tools.only_low, at_work.c.residual.tools.only_high) == (0.7, 1.0)
    at_work.c.residual.adjust(lambda t: t.highlights_only())
    assert not at_work.c.residual.tools.limited
    drag(at_work.c, (30, 30), (40, 40))
    image = at_work.session.image
    at_work.c.clear()
    assert np.array_equal(image.codes, image.base)
    at_work.c.target.undo()
    assert not np.array_equal(image.codes, image.base)


def test_a_lost_lease_can_be_left_and_only_a_lost_one(at_work, queued: Store):
    at_work.c.flow.abandon()
    assert at_work.session.image.key.scene_id == "s1"
    assert "not lost" in at_work.view.told[-1][1]
    with Ledger.open(queued.path) as ledger:
        Queue(ledger).resume("Ada")  # the same person sat down elsewhere
    at_work.c.flow.base_is_right()
    assert at_work.view.told[-1][0] == "error"
    assert at_work.session.lost
    at_work.c.flow.abandon()
    assert at_work.session.image is None or at_work.session.image.key.scene_id != "s1"


def test_long_work_is_shown_and_nothing_can_be_done_meanwhile(at_work):
    drag(at_work.c, (30, 30), (40, 40))
    with at_work.c.working("Counting", 2) as step:
        step()
        press(at_work.c, "Control-Z")
        at_work.c.hover((3.0, 4.0))
        drag(at_work.c, (50, 50), (60, 60))
        assert at_work.session.image.standing == 1
    assert ("Counting", 2, 1) in at_work.view.progressed
    press(at_work.c, "Control-Z")
    assert at_work.session.image.standing == 0


def test_a_big_preview_is_made_in_bands_that_are_told(at_work, monkeypatch: pytest.MonkeyPatch):
    from annotator.residual import layers
    from annotator.residual.preview import re_exposed

    monkeypatch.setattr(layers, "BAND", 128 * 7)
    at_work.c.target.see(lambda d: d.toggled("preview"))
    image = at_work.session.image
    assert ("Re-exposing the picture", 14, 14) in at_work.view.progressed
    assert np.array_equal(at_work.layers.picture.data, re_exposed(image.exposure, image.codes))


def test_strokes_that_wait_are_sent_with_progress_before_leaving(at_work):
    session = at_work.session
    beat = session._uploads._ledger
    session._uploads._ledger = None  # nothing can be sent: every try fails
    for row in (20, 40, 60):
        drag(at_work.c, (row, 30), (row, 50))
    assert session.saving.unsent == 3
    session._uploads._ledger = beat
    assert at_work.c.flow.may_leave()
    assert ("Sending strokes to the ledger", 3, 3) in at_work.view.progressed
    assert session.saving.clean


def test_the_view_fits_the_picture_whatever_was_hidden_when_the_size_changed():
    """napari keeps a hidden layer's old size, and put the next picture off centre."""
    from annotator.window.screen import NapariScreen

    viewer = pytest.importorskip("napari.components").ViewerModel()
    screen = NapariScreen(viewer)
    screen.size(100, 100)
    screen.trial(
        (slice(10, 20), slice(80, 99)), np.zeros((10, 19, 3), np.uint8), np.ones((10, 19), np.uint16)
    )
    screen.residual.visible = screen.flags.visible = False
    screen.fit()
    screen.end_trial()
    for shape in ((60, 80), (90, 40)):
        screen.size(*shape)
        screen.fit()
        middle = tuple((n - 1) / 2 for n in shape)
        assert np.allclose(viewer.scene.camera.center[-2:], middle)
