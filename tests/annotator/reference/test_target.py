"""The window's work at a reference on napari's viewer model: real layers, real sessions, no Qt and no display."""

from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest

from annotator.actions import available, help_text, press
from annotator.reference.shading import INK, PAPER, RIM, WHITE, zone_labels
from annotator.shared.display import display_levels
from annotator.window.screen import NapariScreen
from iea40k.arrays import validity_from_codes
from iea40k.errors import StoreError
from iea40k.residuals import residual_codes
from iea40k.store.ledger import Ledger, MapKey, TaskRequest, ZoneEdit, add_tasks
from iea40k.store.ledger.zone_replay import replay_zones
from iea40k.zones import block_zone, luminance
from tests.annotator.test_controller import drag
from tests.annotator.view import QuietView

pytestmark = pytest.mark.gui
components = pytest.importorskip("napari.components")


@pytest.fixture
def ledger_place() -> None:
    """The store's own ledger: what concerns the database is tested without the window."""


def at(session) -> SimpleNamespace:
    from annotator.session.controller import Controller

    view = QuietView()
    controller = Controller(session, NapariScreen(components.ViewerModel()), view)
    controller.flow.start()
    return SimpleNamespace(
        session=session, view=view, layers=controller.screen, c=controller, z=controller.reference
    )


@pytest.fixture
def work(begin_at) -> Iterator[SimpleNamespace]:
    made = at(begin_at())
    made.z.set_tools(side=24, edge=3.0)
    yield made
    made.c.remember()


def recorded(work, asked) -> list[ZoneEdit]:
    with Ledger.open(asked[0].path) as ledger:
        return ledger.zone_edits(MapKey("s1", "reference", "Ada"))


def test_a_reference_task_shows_the_reference_and_the_panel_says_so(work, asked):
    reference = asked[0].open_scene("s1").reference()
    assert np.array_equal(work.layers.picture.data, reference)
    panel = work.view.panel
    assert panel.title == "s1"
    assert panel.subtitle.startswith("Reference")
    assert work.c.canvas.paintable
    assert work.c.target is work.z
    assert panel.shown == "P0"
    assert not work.layers.residual.visible
    assert not work.layers.zones.visible
    blocks = work.session.reference.blocks(24)
    assert np.array_equal(work.layers.flags.data == RIM, blocks.rims)


def test_a_press_shows_the_zone_at_once_and_the_release_records_it(work, asked):
    reference = work.session.reference
    work.c.target.set_display(clipping=False)
    work.z.adjust(lambda t: t.with_zone(7.0))
    event = SimpleNamespace(button=1, modifiers=(), position=(48.0, 64.0), type="mouse_press")
    moves = work.c.drag(event)
    next(moves)
    shown = work.layers.picture.data.copy()
    assert np.array_equal(shown, reference.picture)
    assert not np.array_equal(shown, reference.base)
    assert recorded(work, asked) == []
    event.type = "mouse_release"
    next(moves, None)
    (edit,) = recorded(work, asked)
    assert (edit.kind, edit.new_zone) == ("zone", 7 * 256)
    assert edit.tool == {"tool": "set zone", "by": "block", "zone": 7.0, "side": 24, "edge": 3.0}
    assert np.array_equal(work.layers.picture.data, replay_zones(reference.base, [edit]).picture)
    assert work.view.panel.strokes == 1
    assert work.layers.edited.data.any()
    work.c.target.undo()
    assert np.array_equal(work.layers.picture.data, reference.base)
    assert not work.layers.edited.data.any()
    work.c.target.redo()
    assert np.array_equal(work.layers.picture.data, shown)


def test_the_residual_of_the_level_beside_follows_the_edit(work, asked):
    scene, reference = asked[0].open_scene("s1"), work.session.reference
    work.c.target.go_level("P1")
    work.c.target.set_display(overlay=True)
    assert work.layers.residual.visible
    assert np.array_equal(work.layers.residual.data, display_levels(scene.residual("P1")))
    for spot in ((20.0, 20.0), (60.0, 90.0)):
        drag(work.c, spot)
        valid = validity_from_codes(scene.residual("P1"))
        codes = residual_codes(reference.picture, scene.exposure("P1")[None], valid)[0]
        near = np.s_[int(spot[0]) - 3 : int(spot[0]) + 3, int(spot[1]) - 3 : int(spot[1]) + 3]
        assert np.array_equal(work.layers.residual.data[near], display_levels(codes[near]))
    press(work.c, "Shift-E")
    assert np.array_equal(work.layers.residual.data, display_levels(scene.residual("P1")))
    assert np.array_equal(work.layers.picture.data, reference.base)
    work.c.target.undo()
    assert reference.standing == 2


def test_keys_set_shift_pick_and_erase_under_the_cursor(work):
    reference = work.session.reference
    blocks = reference.blocks(24)
    number = blocks.at(48, 64)
    box, block = blocks.part(number, 0)
    row, column = (int(v) for v in blocks.middles[number])
    spot = (float(row), float(column))
    work.c.hover(spot)
    before = block_zone(reference.picture[box], block)
    press(work.c, "'")
    assert reference.shift[row, column] == 255 * 85
    press(work.c, ";")
    assert reference.shift[row, column] == 0
    press(work.c, "P")
    press(work.c, "X")
    press(work.c, "U")
    inner = block & (np.abs(reference.shift[box]) == np.abs(reference.shift[box]).max())
    assert block_zone(reference.picture[box], inner) == pytest.approx(work.z.tools.zone, abs=0.03)
    assert f"{before:.2f}" not in work.view.readout
    assert "→" in work.view.readout
    press(work.c, "L")
    drag(work.c, spot)
    assert work.z.tools.zone == pytest.approx(block_zone(reference.picture[box], block), abs=0.2)
    press(work.c, "E")
    drag(work.c, spot)
    assert reference.shift[row, column] == 0
    assert (work.z.tools.mode, work.z.tools.tool) == ("erase", "block")


def test_the_hand_s_keys(work):
    hand = lambda: work.z.tools  # noqa: E731
    press(work.c, "P")
    work.z.adjust(lambda t: t.with_zone(5.0))
    for key, zone in (("=", 16 / 3), ("0", 19 / 3), ("-", 6.0), ("9", 5.0), ("X", 6.0), ("X", 5.0)):
        press(work.c, key)
        assert hand().zone == pytest.approx(zone)
    press(work.c, "A")
    for key, stops in (("=", 2 / 3), ("-", 1 / 3), ("-", -1 / 3), ("Shift-X", 1 / 3), ("0", 4 / 3)):
        press(work.c, key)
        assert hand().stops == pytest.approx(stops)
    press(work.c, "]")
    assert hand().side == 32
    assert work.session.reference.blocks(32) is work.z.layers.blocks
    press(work.c, "/")
    assert hand().edge == 4.0
    press(work.c, "H")
    radius = hand().radius
    press(work.c, "]")
    assert hand().radius > radius
    assert work.c.canvas.cursor == 2 * hand().radius
    press(work.c, "J")
    assert "not available for references" in work.view.told[-1][1]
    press(work.c, "?")
    assert "set a block to the zone in use" in work.view.told[-1][1]


def test_zones_are_shown_by_block_with_numerals_and_follow(work):
    press(work.c, "O")
    reference, layer = work.session.reference, work.layers.zones
    blocks = reference.blocks(24)
    assert layer.visible
    number = blocks.at(48, 64)
    box, block = blocks.part(number, 0)

    def shown() -> set[int]:
        return set(np.unique(layer.data[box][block])) - {INK, PAPER}

    assert shown() == {round(float(blocks.zones(reference.light)[number])) + 1}
    work.z.adjust(lambda t: t.with_zone(2.0))
    work.c.hover((48.0, 64.0))
    press(work.c, "U")
    assert shown() == {3}
    assert np.array_equal(layer.data, zone_labels(blocks, blocks.zones(reference.light)))
    assert (layer.data == INK).any()
    press(work.c, "O")
    assert not layer.visible


def test_light_that_is_lost_is_hatched(work):
    work.c.target.set_display(clipping=True)
    work.z.adjust(lambda t: t.with_zone(10.0))
    drag(work.c, (48.0, 64.0))
    blocks = work.session.reference.blocks(24)
    box, block = blocks.part(blocks.at(48, 64), 0)
    hatched = (work.layers.flags.data[box] == WHITE)[block].mean()
    assert 0.2 < hatched < 0.5
    work.c.hover((48.0, 64.0))
    assert "of it blown" in work.view.readout


def test_the_base_and_the_exposures_are_one_key_away(work, asked):
    scene, reference = asked[0].open_scene("s1"), work.session.reference
    drag(work.c, (48.0, 64.0))
    picture = lambda: work.layers.picture.data  # noqa: E731
    press(work.c, "Y")
    assert np.array_equal(picture(), reference.base)
    assert not work.c.canvas.paintable
    drag(work.c, (20.0, 20.0))
    assert reference.standing == 1
    press(work.c, "Y")
    assert np.array_equal(picture(), reference.picture)
    press(work.c, "N", held=True)
    assert np.array_equal(picture(), scene.exposure("P0"))
    press(work.c, "N", held=False)
    press(work.c, ".")
    press(work.c, "D")
    assert np.array_equal(work.layers.right.data, scene.exposure("P1"))
    assert work.layers.right.visible
    drag(work.c, (20.0, 20.0 + reference.shape[1] + 8))  # in the panel on the right
    assert reference.standing == 2
    assert np.array_equal(picture(), reference.picture)
    press(work.c, "D")
    press(work.c, "W")
    drag(work.c, (70.0, 20.0))
    middle = reference.shape[1] // 2
    assert np.array_equal(picture()[:, : middle - 1], reference.picture[:, : middle - 1])
    assert np.array_equal(picture()[:, middle + 1 :], scene.exposure("P1")[:, middle + 1 :])


def test_escape_drops_the_edit_in_the_making(work, asked):
    event = SimpleNamespace(button=1, modifiers=(), position=(48.0, 64.0), type="mouse_press")
    moves = work.c.drag(event)
    next(moves)
    press(work.c, "Escape")
    event.type = "mouse_release"
    next(moves, None)
    reference = work.session.reference
    assert np.array_equal(work.layers.picture.data, reference.base)
    assert recorded(work, asked) == []


def test_an_edit_that_cannot_be_kept_is_put_back_and_told(work, monkeypatch):
    drag(work.c, (20.0, 20.0))
    before = work.session.reference.picture.copy()

    def refuse(*_: object, **__: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(work.session, "record", refuse)
    drag(work.c, (48.0, 64.0))
    assert ("error", "the disk is full") in [(kind, text.splitlines()[0]) for kind, text in work.view.told]
    assert np.array_equal(work.session.reference.picture, before)
    assert np.array_equal(work.layers.picture.data, before)
    assert work.session.reference.standing == 1


def test_submit_skip_and_the_base_is_right_go_on_through_the_queue(work, asked):
    drag(work.c, (48.0, 64.0))
    press(work.c, "Control-Enter")
    assert work.session.work.key.scene_id == "s2"
    assert np.array_equal(work.layers.picture.data, work.session.reference.base)
    press(work.c, "Control-B")
    work.view.answers = ["blurred"]
    press(work.c, "Control-K")
    assert work.session.work is None
    assert work.view.panel.title == "The queue is empty"
    assert work.c.target is work.c.residual


def test_from_reference_to_exposure_and_back_every_layer_is_right(begin_at, asked):
    with Ledger.open(asked[0].path) as ledger:
        add_tasks(ledger, [TaskRequest("s1", "P0", 2.5)], "curator")
    work = at(begin_at())
    press(work.c, "O")
    press(work.c, "Control-B")
    image = work.session.image
    assert image is not None
    assert not work.layers.zones.visible
    assert np.array_equal(work.layers.picture.data, image.exposure)
    assert np.array_equal(work.layers.residual.data, display_levels(image.codes))
    press(work.c, "P")
    assert work.c.residual.tools.mode == "set"
    work.c.residual.set_tools(value=0.5)
    drag(work.c, (30.0, 30.0), (30.0, 50.0))
    assert image.standing == 1
    press(work.c, "Control-Enter")
    assert work.session.reference.key.scene_id == "s2"
    assert work.layers.zones.visible
    assert np.array_equal(work.layers.picture.data, work.session.reference.picture)


def test_look_and_hand_are_remembered(work, begin_at):
    work.z.set_tools(zone=3.0, side=56)
    work.c.target.set_display(zones=True)
    work.c.remember()
    work.session.close()
    again = at(begin_at())
    assert again.z.tools.zone == 3.0
    assert again.z.tools.side == 56
    assert again.z.display.zones


def test_review_compares_versions_and_judges_them(begin_at, asked, tmp_path):
    from annotator.session.review import Review

    pictures = {}
    with Ledger.open(asked[0].path) as ledger:
        add_tasks(ledger, [TaskRequest("s1", "reference", 9, slots=2)], "curator")
    for name, zone in (("Ada", 6.0), ("Ben", 3.0)):
        made = at(begin_at(name))
        made.z.set_tools(zone=zone)
        drag(made.c, (48.0, 64.0))
        pictures[name] = made.session.reference.picture.copy()
        made.c.flow.submit()
        made.session.close()
    review = Review.open(asked[0].path, "Cy", folders=tmp_path / "desks")
    made = at(review)
    made.c.target.set_display(picture="reference", beside="built", compare="single")
    assert made.view.panel.maps == ("Ada", "Ben", "consensus", "base")
    assert np.array_equal(made.layers.picture.data, pictures["Ada"])
    assert not made.c.canvas.paintable
    press(made.c, "N", held=True)
    assert np.array_equal(made.layers.picture.data, review.reference.base)
    press(made.c, "N", held=False)
    scene = asked[0].open_scene("s1")
    made.c.target.set_display(
        overlay=True, zones=True
    )  # of the version that is judged, not of the reviewer's own
    valid = validity_from_codes(scene.residual("P0"))
    wanted = residual_codes(pictures["Ada"], scene.exposure("P0")[None], valid)[0]
    assert np.array_equal(made.layers.residual.data, display_levels(wanted))
    blocks = review.reference.blocks(made.z.tools.side)
    zones = blocks.zones(luminance(pictures["Ada"]))
    assert np.array_equal(made.layers.zones.data, zone_labels(blocks, zones))
    assert made.layers.edited.data.any()
    made.c.hover((48.0, 64.0))
    assert "→" in made.view.readout
    made.c.flow.choose(left="base")
    assert np.array_equal(made.layers.residual.data, display_levels(scene.residual("P0")))
    assert "as built" in made.view.readout
    made.c.flow.choose(left="Ada")
    made.c.target.set_display(overlay=False, zones=False)
    made.c.flow.choose(right="Ben")
    press(made.c, "D")
    assert np.array_equal(made.layers.right.data, pictures["Ben"])
    press(made.c, "D")
    made.c.flow.choose(left="Ben")
    made.view.answers = ["too dark"]
    press(made.c, "Control-K")
    assert made.view.panel.maps == ("Ada", "base")
    press(made.c, "Shift-A")
    assert np.array_equal(review.reference.picture, pictures["Ada"])
    assert made.c.canvas.paintable
    made.c.flow.choose(left="Ada")
    press(made.c, "Control-Enter")
    assert made.view.panel.title == "The queue is empty"
    review.close()


def test_no_key_is_used_twice_at_a_reference_and_all_are_in_its_help():
    actions = available("reference")
    names = [name for action in actions for name in action.names]
    assert len(names) == len(set(names))
    text = help_text("reference")
    for action in actions:
        assert not action.keys or action.text in text
    assert "propagate" not in text
    held = {name for action in available("residual") if action.let_go for name in action.names}
    assert held == {name for action in actions if action.let_go for name in action.names}
