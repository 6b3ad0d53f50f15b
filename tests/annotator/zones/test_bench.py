"""The window's work at a reference on napari's viewer model: real layers, real sessions, no Qt and no display."""

from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest

from annotator.actions import KEYS, ZONE_KEYS, help_text
from annotator.reference.shading import INK, PAPER, RIM, WHITE, zone_labels
from annotator.shared.display import display_levels
from annotator.window.screen import Layers
from iea40k.arrays import validity_from_codes
from iea40k.errors import StoreError
from iea40k.residuals import residual_codes
from iea40k.store.ledger import Ledger, MapKey, TaskRequest, ZoneEdit, add_tasks
from iea40k.store.ledger.zone_replay import replay_zones
from iea40k.zones import block_zone, luminance
from tests.annotator.face import QuietFace
from tests.annotator.test_controller import drag

pytestmark = pytest.mark.gui
components = pytest.importorskip("napari.components")


@pytest.fixture
def ledger_place() -> None:
    """The store's own ledger: what concerns the database is tested without the window."""


def at(sitting) -> SimpleNamespace:
    from annotator.session.controller import Controller

    face = QuietFace()
    controller = Controller(sitting, Layers(components.ViewerModel()), face)
    controller.start()
    return SimpleNamespace(
        session=sitting, face=face, layers=controller.layers, c=controller, z=controller.zones
    )


@pytest.fixture
def work(sit_at) -> Iterator[SimpleNamespace]:
    made = at(sit_at())
    made.z.set_hand(side=24, edge=3.0)
    yield made
    made.c.remember()


def recorded(work, asked) -> list[ZoneEdit]:
    with Ledger.open(asked[0].path) as ledger:
        return ledger.zone_edits(MapKey("s1", "reference", "Ada"))


def test_a_reference_task_shows_the_reference_and_the_panel_says_so(work, asked):
    reference = asked[0].open_scene("s1").reference()
    assert np.array_equal(work.layers.picture.data, reference)
    panel = work.face.panel
    assert panel.title == "s1"
    assert panel.subtitle.startswith("Reference")
    assert panel.can_submit
    assert panel.zone_hand == work.z.hand
    assert panel.shown == "P0"
    assert not work.layers.residual.visible
    assert not work.layers.zones.visible
    blocks = work.session.reference.blocks(24)
    assert np.array_equal(work.layers.flags.data == RIM, blocks.rims)


def test_a_press_shows_the_zone_at_once_and_the_release_records_it(work, asked):
    reference = work.session.reference
    work.c.set_look(clipping=False)
    work.z.set_zone(7.0)
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
    assert work.face.panel.strokes == 1
    assert work.layers.edited.data.any()
    work.c.undo()
    assert np.array_equal(work.layers.picture.data, reference.base)
    assert not work.layers.edited.data.any()
    work.c.redo()
    assert np.array_equal(work.layers.picture.data, shown)


def test_the_residual_of_the_level_beside_follows_the_edit(work, asked):
    scene, reference = asked[0].open_scene("s1"), work.session.reference
    work.c.go_level("P1")
    work.c.toggle("overlay")
    assert work.layers.residual.visible
    assert np.array_equal(work.layers.residual.data, display_levels(scene.residual("P1")))
    for spot in ((20.0, 20.0), (60.0, 90.0)):
        drag(work.c, spot)
        valid = validity_from_codes(scene.residual("P1"))
        codes = residual_codes(reference.picture, scene.exposure("P1")[None], valid)[0]
        near = np.s_[int(spot[0]) - 3 : int(spot[0]) + 3, int(spot[1]) - 3 : int(spot[1]) + 3]
        assert np.array_equal(work.layers.residual.data[near], display_levels(codes[near]))
    work.c.press("Shift-E")
    assert np.array_equal(work.layers.residual.data, display_levels(scene.residual("P1")))
    assert np.array_equal(work.layers.picture.data, reference.base)
    work.c.undo()
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
    work.c.press("'")
    assert reference.shift[row, column] == 255 * 85
    work.c.press(";")
    assert reference.shift[row, column] == 0
    work.c.press("P")
    work.c.press("X")
    work.c.press("U")
    inner = block & (np.abs(reference.shift[box]) == np.abs(reference.shift[box]).max())
    assert block_zone(reference.picture[box], inner) == pytest.approx(work.z.hand.zone, abs=0.03)
    assert f"{before:.2f}" not in work.face.readout
    assert "→" in work.face.readout
    work.c.press("L")
    drag(work.c, spot)
    assert work.z.hand.zone == pytest.approx(block_zone(reference.picture[box], block), abs=0.2)
    work.c.press("E")
    drag(work.c, spot)
    assert reference.shift[row, column] == 0
    assert (work.z.hand.mode, work.z.hand.tool) == ("erase", "block")


def test_the_hand_s_keys(work):
    hand = lambda: work.z.hand  # noqa: E731
    work.c.press("P")
    work.z.set_zone(5.0)
    for key, zone in (("=", 16 / 3), ("0", 19 / 3), ("-", 6.0), ("9", 5.0), ("X", 6.0), ("X", 5.0)):
        work.c.press(key)
        assert hand().zone == pytest.approx(zone)
    work.c.press("A")
    for key, stops in (("=", 2 / 3), ("-", 1 / 3), ("-", -1 / 3), ("Shift-X", 1 / 3), ("0", 4 / 3)):
        work.c.press(key)
        assert hand().stops == pytest.approx(stops)
    work.c.press("]")
    assert hand().side == 32
    assert work.session.reference.blocks(32) is work.z.layers._blocks
    work.c.press("/")
    assert hand().edge == 4.0
    work.c.press("H")
    radius = hand().radius
    work.c.press("]")
    assert hand().radius > radius
    assert work.c.canvas.cursor == 2 * hand().radius
    work.c.press("J")
    assert "means nothing at a reference" in work.face.told[-1][1]
    work.c.press("?")
    assert "set a block to the zone in hand" in work.face.told[-1][1]


def test_zones_are_shown_by_block_with_numerals_and_follow(work):
    work.c.press("O")
    reference, layer = work.session.reference, work.layers.zones
    blocks = reference.blocks(24)
    assert layer.visible
    number = blocks.at(48, 64)
    box, block = blocks.part(number, 0)

    def shown() -> set[int]:
        return set(np.unique(layer.data[box][block])) - {INK, PAPER}

    assert shown() == {round(float(blocks.zones(reference.light)[number])) + 1}
    work.z.set_zone(2.0)
    work.c.hover((48.0, 64.0))
    work.c.press("U")
    assert shown() == {3}
    assert np.array_equal(layer.data, zone_labels(blocks, blocks.zones(reference.light)))
    assert (layer.data == INK).any()
    work.c.press("O")
    assert not layer.visible


def test_light_that_is_lost_is_hatched(work):
    work.c.set_look(clipping=True)
    work.z.set_zone(10.0)
    drag(work.c, (48.0, 64.0))
    blocks = work.session.reference.blocks(24)
    box, block = blocks.part(blocks.at(48, 64), 0)
    hatched = (work.layers.flags.data[box] == WHITE)[block].mean()
    assert 0.2 < hatched < 0.5
    work.c.hover((48.0, 64.0))
    assert "of it blown" in work.face.readout


def test_the_base_and_the_exposures_are_one_key_away(work, asked):
    scene, reference = asked[0].open_scene("s1"), work.session.reference
    drag(work.c, (48.0, 64.0))
    picture = lambda: work.layers.picture.data  # noqa: E731
    work.c.press("Y")
    assert np.array_equal(picture(), reference.base)
    assert not work.c.canvas.paintable
    drag(work.c, (20.0, 20.0))
    assert reference.standing == 1
    work.c.press("Y")
    assert np.array_equal(picture(), reference.picture)
    work.c.press("N", held=True)
    assert np.array_equal(picture(), scene.exposure("P0"))
    work.c.press("N", held=False)
    work.c.press(".")
    work.c.press("D")
    assert np.array_equal(work.layers.right.data, scene.exposure("P1"))
    assert work.layers.right.visible
    drag(work.c, (20.0, 20.0 + reference.shape[1] + 8))  # in the panel on the right
    assert reference.standing == 2
    assert np.array_equal(picture(), reference.picture)
    work.c.press("D")
    work.c.press("W")
    drag(work.c, (70.0, 20.0))
    middle = reference.shape[1] // 2
    assert np.array_equal(picture()[:, : middle - 1], reference.picture[:, : middle - 1])
    assert np.array_equal(picture()[:, middle + 1 :], scene.exposure("P1")[:, middle + 1 :])


def test_escape_drops_the_edit_in_the_making(work, asked):
    event = SimpleNamespace(button=1, modifiers=(), position=(48.0, 64.0), type="mouse_press")
    moves = work.c.drag(event)
    next(moves)
    work.c.press("Escape")
    event.type = "mouse_release"
    next(moves, None)
    reference = work.session.reference
    assert np.array_equal(work.layers.picture.data, reference.base)
    assert recorded(work, asked) == []


def test_an_edit_that_cannot_be_kept_is_put_back_and_told(work, monkeypatch):
    drag(work.c, (20.0, 20.0))
    before = work.session.reference.picture.copy()

    def refuse(*_: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(work.session, "record_zones", refuse)
    drag(work.c, (48.0, 64.0))
    assert ("error", "the disk is full") in [(kind, text.splitlines()[0]) for kind, text in work.face.told]
    assert np.array_equal(work.session.reference.picture, before)
    assert np.array_equal(work.layers.picture.data, before)
    assert work.session.reference.standing == 1


def test_submit_skip_and_the_base_is_right_go_on_through_the_queue(work, asked):
    drag(work.c, (48.0, 64.0))
    work.c.press("Control-Enter")
    assert work.session.work.lane.scene_id == "s2"
    assert np.array_equal(work.layers.picture.data, work.session.reference.base)
    work.c.press("Control-B")
    work.face.answers = ["blurred"]
    work.c.press("Control-K")
    assert work.session.work is None
    assert work.face.panel.title == "The queue is empty"
    assert work.face.panel.zone_hand is None


def test_from_reference_to_exposure_and_back_every_layer_is_right(sit_at, asked):
    with Ledger.open(asked[0].path) as ledger:
        add_tasks(ledger, [TaskRequest("s1", "P0", 2.5)], "curator")
    work = at(sit_at())
    work.c.press("O")
    work.c.press("Control-B")
    image = work.session.image
    assert image is not None
    assert not work.layers.zones.visible
    assert np.array_equal(work.layers.picture.data, image.exposure)
    assert np.array_equal(work.layers.residual.data, display_levels(image.codes))
    work.c.press("P")
    assert work.c.hand.mode == "set"
    work.c.set_value(0.5)
    drag(work.c, (30.0, 30.0), (30.0, 50.0))
    assert image.standing == 1
    work.c.press("Control-Enter")
    assert work.session.reference.lane.scene_id == "s2"
    assert work.layers.zones.visible
    assert np.array_equal(work.layers.picture.data, work.session.reference.picture)


def test_look_and_hand_are_remembered(work, sit_at):
    work.z.set_hand(zone=3.0, side=56)
    work.c.set_look(zones=True)
    work.c.remember()
    work.session.close()
    again = at(sit_at())
    assert again.z.hand.zone == 3.0
    assert again.z.hand.side == 56
    assert again.z.look.zones


def test_review_compares_versions_and_judges_them(sit_at, asked, tmp_path):
    from annotator.session.review import Review

    pictures = {}
    with Ledger.open(asked[0].path) as ledger:
        add_tasks(ledger, [TaskRequest("s1", "reference", 9, slots=2)], "curator")
    for name, zone in (("Ada", 6.0), ("Ben", 3.0)):
        made = at(sit_at(name))
        made.z.set_zone(zone)
        drag(made.c, (48.0, 64.0))
        pictures[name] = made.session.reference.picture.copy()
        made.c.submit()
        made.session.close()
    review = Review.open(asked[0].path, "Cy", desks=tmp_path / "desks")
    made = at(review)
    made.c.set_look(picture="reference", beside="built", compare="single")
    assert made.face.panel.maps == ("Ada", "Ben", "consensus", "base")
    assert np.array_equal(made.layers.picture.data, pictures["Ada"])
    assert not made.c.canvas.paintable
    made.c.press("N", held=True)
    assert np.array_equal(made.layers.picture.data, review.reference.base)
    made.c.press("N", held=False)
    scene = asked[0].open_scene("s1")
    made.c.set_look(overlay=True, zones=True)  # of the version that is judged, not of the reviewer's own
    valid = validity_from_codes(scene.residual("P0"))
    wanted = residual_codes(pictures["Ada"], scene.exposure("P0")[None], valid)[0]
    assert np.array_equal(made.layers.residual.data, display_levels(wanted))
    blocks = review.reference.blocks(made.z.hand.side)
    zones = blocks.zones(luminance(pictures["Ada"]))
    assert np.array_equal(made.layers.zones.data, zone_labels(blocks, zones))
    assert made.layers.edited.data.any()
    made.c.hover((48.0, 64.0))
    assert "→" in made.face.readout
    made.c.set_maps(left="base")
    assert np.array_equal(made.layers.residual.data, display_levels(scene.residual("P0")))
    assert "as built" in made.face.readout
    made.c.set_maps(left="Ada")
    made.c.set_look(overlay=False, zones=False)
    made.c.set_maps(right="Ben")
    made.c.press("D")
    assert np.array_equal(made.layers.right.data, pictures["Ben"])
    made.c.press("D")
    made.c.set_maps(left="Ben")
    made.face.answers = ["too dark"]
    made.c.press("Control-K")
    assert made.face.panel.maps == ("Ada", "base")
    made.c.press("Shift-A")
    assert np.array_equal(review.reference.picture, pictures["Ada"])
    assert made.c.canvas.paintable
    made.c.set_maps(left="Ada")
    made.c.press("Control-Enter")
    assert made.face.panel.title == "The queue is empty"
    review.close()


def test_no_key_is_used_twice_at_a_reference_and_all_are_in_its_help():
    names = [name for key in ZONE_KEYS for name in key.keys]
    assert len(names) == len(set(names))
    text = help_text(at_reference=True)
    for key in ZONE_KEYS:
        assert key.text in text
    assert "propagate" not in text
    held = {name for key in KEYS for name in key.keys if key.held}
    assert not held & set(names)
