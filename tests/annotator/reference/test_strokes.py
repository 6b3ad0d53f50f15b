import uuid

import numpy as np
import pytest

from annotator.reference.blocks import OUTSIDE, cut
from annotator.reference.state import Reference, zone_step
from annotator.reference.strokes import ReferenceStroke
from annotator.reference.tools import ReferenceTools
from iea40k.arrays import validity_from_codes
from iea40k.errors import BadInputError
from iea40k.residuals import residual_codes
from iea40k.store.ledger.zone_replay import replay_zones
from iea40k.zones import ZONE_UNITS, block_zone
from tests.iea40k.store.ledger.test_replay import recorded_zone

HAND = ReferenceTools(side=24, edge=3.0)
ALL = (slice(None), slice(None))


def paint(reference: Reference, hand: ReferenceTools, *points: tuple[float, float], group: str = "") -> int:
    """A stroke from press to release, added as a session would; return how many edits it made."""
    stroke = ReferenceStroke(reference, hand)
    for point in points:
        stroke.move(point)
    drafts = reference.drafts(stroke.finish(), {"tool": hand.mode, "group": group or uuid.uuid4().hex})
    for draft in drafts:
        reference.add(draft, shown=True)
    return len(drafts)


def check_replay(reference: Reference) -> None:
    """What is shown is what the ledger's replay gives, to the byte."""
    log = [recorded_zone(draft, i) for i, draft in enumerate(reference.strokes)]
    replayed = replay_zones(reference.base, log)
    assert np.array_equal(reference.picture, replayed.picture)
    assert np.array_equal(reference.shift, replayed.shift)
    assert np.array_equal(reference.touched, replayed.touched)


def test_blocks_hold_valid_pixels_only_and_know_their_boxes_rims_and_middles(reference):
    valid = np.ones(reference.shape, np.bool_)
    valid[:, :40] = False
    blocks = cut(reference.base, valid, 24)
    assert (blocks.labels[~valid] == OUTSIDE).all()
    assert (blocks.labels[valid] >= 0).all()
    assert not blocks.rims[~valid].any()
    seen = np.zeros(reference.shape, np.bool_)
    for number, box in enumerate(blocks.boxes):
        if box is None:
            assert not (blocks.labels == number).any()
            continue
        where, part = blocks.part(number, 0)
        assert where == box
        seen[box] |= part
        assert blocks.at(*blocks.middles[number]) == number
    assert np.array_equal(seen, valid)
    assert blocks.at(50, 10) is None
    assert blocks.at(-1, 50) is None


def test_a_block_set_to_a_zone_is_in_it_and_setting_it_again_changes_nothing(reference):
    blocks = reference.blocks(24)
    number = blocks.at(48, 64)
    box, block = blocks.part(number, 0)
    assert paint(reference, ReferenceTools(side=24, edge=2, zone=6), (48, 64)) == 1
    edit = reference.strokes[-1]
    inner = block & (reference.shift[box] == 255 * (edit.new_zone - edit.old_zone))
    assert inner.sum() > 50
    assert block_zone(reference.picture[box], inner) == pytest.approx(6, abs=0.03)
    before = reference.picture.copy()
    paint(reference, ReferenceTools(side=24, edge=2, zone=6), (48, 64))
    assert np.abs(reference.picture.astype(int) - before).max() <= 2
    check_replay(reference)


def test_a_drag_takes_every_block_once_and_undo_takes_the_whole_drag_back(reference):
    blocks = reference.blocks(24)
    crossed = {blocks.at(50, column) for column in range(10, 118)}
    assert len(crossed) > 3
    made = paint(reference, ReferenceTools(side=24, edge=3, zone=4), (50, 10), (50, 117), (50, 10))
    assert made == len(crossed)
    check_replay(reference)
    for draft in (undo := zone_step(reference.strokes, redo=False)):
        reference.add(draft)
    assert len(undo) == made
    assert np.array_equal(reference.picture, reference.base)
    assert not reference.touched.any()
    for draft in zone_step(reference.strokes, redo=True):
        reference.add(draft)
    assert reference.standing == made
    check_replay(reference)


def test_two_drags_are_two_steps(reference):
    paint(reference, HAND, (50, 10), (50, 60), group="one")
    first = reference.picture.copy()
    paint(reference, ReferenceTools(side=24, zone=3), (70, 10), (70, 60), group="two")
    for draft in zone_step(reference.strokes, redo=False):
        reference.add(draft)
    assert np.array_equal(reference.picture, first)


def test_a_third_of_a_stop_over_many_blocks_has_no_seam_inside(reference):
    stroke_hand = ReferenceTools(mode="shift", stops=1 / 3, side=24, edge=4)
    rows, columns = reference.shape
    points = [(float(r), float(c)) for r in range(0, rows, 6) for c in (0, columns - 1)]
    assert paint(reference, stroke_hand, *points) == 1
    # Every block was taken, so the whole picture moves by one and the same shift.
    assert np.unique(reference.shift).tolist() == [255 * round(ZONE_UNITS / 3)]
    check_replay(reference)


def test_neighbours_set_alike_show_no_seam_in_corners_of_three(reference):
    flat = np.full_like(reference.base, 90)
    plain = Reference(
        key=reference.key, lease=None, origin=reference.origin, base=flat, valid=reference.valid
    )
    blocks = reference.blocks(24)
    plain._blocks[24] = blocks  # the blocks of a picture with structure, over a flat one
    points = [(float(r), float(c)) for r in range(0, 96, 4) for c in (0, 127)]
    paint(plain, ReferenceTools(side=24, edge=4, zone=6), *points)
    picture = plain.picture.astype(int)
    assert picture.max() - picture.min() <= 2
    assert picture.min() > 90


def test_the_eraser_goes_back_to_the_base_to_the_byte_and_softly_at_its_edge(reference):
    for zone, row in ((6, 30), (2, 60), (7, 45)):
        paint(reference, ReferenceTools(side=24, edge=3, zone=zone), (row, 20), (row, 100))
    edited = reference.picture.copy()
    eraser = ReferenceTools(mode="erase", side=40, edge=2)
    blocks = reference.blocks(40)
    box, block = blocks.part(blocks.at(48, 64), 0)
    inside = np.zeros(reference.shape, np.bool_)
    inside[box] = block
    assert 1 <= paint(reference, eraser, (48, 64)) <= 6
    deep = np.zeros(reference.shape, np.bool_)
    deep[3:-3, 3:-3] = np.lib.stride_tricks.sliding_window_view(inside, (7, 7)).all(axis=(-1, -2))
    assert deep.sum() > 50
    assert not reference.shift[deep].any()
    assert np.array_equal(reference.picture[deep], reference.base[deep])
    far = np.ones(reference.shape, np.bool_)
    far[max(0, box[0].start - 4) : box[0].stop + 4, max(0, box[1].start - 4) : box[1].stop + 4] = False
    assert np.array_equal(reference.picture[far], edited[far])
    check_replay(reference)
    for draft in zone_step(reference.strokes, redo=False):
        reference.add(draft)
    assert np.array_equal(reference.picture, edited)


def test_the_free_brush_shifts_where_it_went_and_sets_by_what_it_met_first(reference):
    paint(
        reference,
        ReferenceTools(tool="brush", mode="shift", stops=-1, radius=8, feather=0),
        (40, 30),
        (40, 60),
    )
    assert reference.shift[40, 45] == -255 * 256
    assert reference.shift[60, 45] == 0
    before = block_zone(reference.picture[62:79, 72:89], np.ones((17, 17), np.bool_))
    paint(reference, ReferenceTools(tool="brush", zone=before + 1, radius=8, feather=0), (70, 80), (70, 100))
    assert reference.shift[70, 95] / (255 * 256) == pytest.approx(1, abs=0.1)
    check_replay(reference)


def test_a_cancelled_stroke_leaves_nothing(reference):
    paint(reference, HAND, (20, 20))
    before, shift = reference.picture.copy(), reference.shift.copy()
    stroke = ReferenceStroke(reference, ReferenceTools(side=24, zone=8))
    stroke.move((50, 50))
    assert not np.array_equal(reference.picture, before)
    assert stroke.cancel() is not None
    assert np.array_equal(reference.picture, before)
    assert np.array_equal(reference.shift, shift)
    assert stroke.finish() == []


def test_pixels_without_valid_data_are_never_edited(reference):
    reference.valid[:, :50] = False
    for hand in (
        HAND,
        ReferenceTools(tool="brush", mode="shift", radius=20),
        ReferenceTools(mode="shift", side=24),
    ):
        paint(reference, hand, (50, 20), (50, 70))
    assert not reference.shift[:, :50].any()
    assert reference.shift[:, 51:].any()


def test_a_shift_that_no_picture_can_be_developed_with_is_refused(reference):
    for _ in range(5):
        paint(reference, ReferenceTools(mode="shift", stops=4, side=24), (50, 50))
    stroke = ReferenceStroke(reference, ReferenceTools(mode="shift", stops=4, side=24))
    assert stroke.move((50, 50)) is None
    assert stroke.stopped
    assert stroke.finish() == []
    check_replay(reference)


def test_residuals_follow_the_edited_reference(reference):
    scene = reference.origin.scene
    assert np.array_equal(reference.residual("P1"), scene.residual("P1"))
    paint(reference, ReferenceTools(side=24, zone=7), (50, 50))
    for level in scene.levels:
        valid = validity_from_codes(scene.residual(level))
        wanted = residual_codes(reference.picture, scene.exposure(level)[None], valid)[0]
        assert np.array_equal(reference.residual(level), wanted)
        box = (slice(40, 60), slice(45, 46))
        assert np.array_equal(reference.residual(level, box), wanted[box])


def test_undo_of_a_clear_and_redo_are_what_a_replay_gives(reference):
    paint(reference, HAND, (50, 50))
    shown = reference.picture
    reference.add(reference.draft("clear", None, {"tool": "clear"}))
    assert reference.picture is shown  # what a layer holds goes on being the reference
    assert np.array_equal(reference.picture, reference.base)
    paint(reference, ReferenceTools(side=24, zone=3), (20, 20), group="after")
    for redo in (False, False, False, True, True, True):
        for draft in zone_step(reference.strokes, redo=redo):
            reference.add(draft)
        check_replay(reference)


def test_a_hand_that_means_nothing():
    for bad in (
        {"tool": "axe"},
        {"mode": "burn"},
        {"zone": 11.0},
        {"stops": 0.0},
        {"stops": float("nan")},
        {"side": 13},
        {"edge": -1.0},
        {"radius": 0.0},
    ):
        with pytest.raises(BadInputError):
            ReferenceTools(**bad)
