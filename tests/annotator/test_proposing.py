"""Proposals at work: looked at, taken, refused and remembered, all of a kind at once; on napari's viewer model."""

import time
from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest

from annotator.actions import press
from annotator.residual.suggestions import REFUSALS, Suggestions, patch_in, refused_by_others, refused_tool
from annotator.sample import Practice, practice_scene
from annotator.shared.display import display_levels
from annotator.shared.screen import KIND_LABELS
from annotator.window.screen import GAP, PAPER, RIM
from iea40k.arrays import INVALID_CODE
from iea40k.store.ledger.verdicts import accepted_share, verdicts
from tests.annotator.conftest import Begin, a_photograph, a_practice
from tests.annotator.view import QuietView

pytestmark = pytest.mark.gui
components = pytest.importorskip("napari.components")


@pytest.fixture
def practices() -> dict[str, Practice]:
    """Three scenes with speckle enough to be worth a look, and so several proposals."""
    return {
        name: practice_scene(a_photograph(seed=seed), name, evs=(-1.0, 0.0, 1.0), seed=seed, speckles=24)
        for seed, name in enumerate(("s1", "s2", "s3"))
    }


@pytest.fixture
def open_at(begin: Begin) -> Iterator:
    from annotator.session.controller import Controller
    from annotator.window.screen import NapariScreen

    opened = []

    def at(name: str = "Ada") -> SimpleNamespace:
        session, view = begin(name), QuietView()
        screen = NapariScreen(components.ViewerModel())
        controller = Controller(session, screen, view)
        controller.flow.start()
        opened.append(controller)
        return SimpleNamespace(session=session, view=view, screen=screen, c=controller, image=session.image)

    yield at
    for controller in opened:
        controller.remember()


@pytest.fixture
def at_work(open_at) -> SimpleNamespace:
    return open_at()


def proposing(work):
    return work.c.residual.proposing


def looked_at(work):
    return proposing(work)._of.at


def test_j_outlines_one_proposal_alone_and_shows_it_repaired_beside_it(at_work):
    assert len(at_work.image.findings.proposals) > 1
    at_work.c.residual.proposing.found()  # as the window does once a second
    assert len(np.unique(at_work.screen.flags.data)) > 1
    press(at_work.c, "J")
    at = looked_at(at_work)
    rows, columns = np.nonzero(at_work.screen.flags.data)
    assert set(at_work.screen.flags.data[rows, columns]) == {KIND_LABELS[at.kind]}
    box = at.box
    assert box[0].start - 1 <= rows.min() <= rows.max() <= box[0].stop
    assert box[1].start - 1 <= columns.min() <= columns.max() <= box[1].stop
    after, labels = at_work.screen.after, at_work.screen.residual_after
    assert after.visible
    assert labels.visible
    rim = np.s_[RIM:-RIM, GAP:-RIM]
    assert labels.data.shape == after.data[rim].shape[:2]
    assert np.array_equal(after.translate + np.array([RIM, GAP]), labels.translate)
    assert (after.data[:RIM] == PAPER).all()
    assert (after.data[:, :GAP] == PAPER).all()
    assert tuple(labels.translate)[1] >= box[1].stop
    done = Suggestions(at_work.image).repair(at)
    assert set(np.unique(display_levels(done.after[done.touched]))) <= set(np.unique(labels.data))
    assert at.kind.words in at_work.view.panel.notice
    assert at.reason.lower() in at_work.view.panel.notice.lower()
    assert at_work.screen.viewer.scene.camera.zoom > 1


def test_the_image_itself_is_not_changed_by_looking(at_work):
    before = at_work.image.codes.copy()
    for _ in range(3):
        press(at_work.c, "J")
    press(at_work.c, "Shift-J")
    assert np.array_equal(at_work.image.codes, before)
    assert at_work.image.standing == 0
    press(at_work.c, "Escape")
    assert not at_work.screen.after.visible
    assert at_work.view.panel.notice == ""


def test_u_takes_what_is_looked_at_and_undo_brings_it_back(at_work):
    press(at_work.c, "J")
    at = looked_at(at_work)
    done = Suggestions(at_work.image).repair(at)
    before = at_work.image.codes.copy()
    press(at_work.c, "U")
    image = at_work.image
    assert np.array_equal(image.codes[at.box], done.after)
    outside = ~at.whole(image.shape)
    assert np.array_equal(image.codes[outside], before[outside])
    assert image.strokes[-1].tool == {
        "tool": "proposal",
        "kind": str(at.kind),
        "verdict": "taken",
        "all": False,
    }
    assert np.array_equal(at_work.screen.residual.data, display_levels(image.codes))
    assert at not in Suggestions(image).open()
    at_work.c.target.undo()
    assert np.array_equal(image.codes, before)
    assert at in Suggestions(image).open()


def test_shift_u_refuses_and_it_is_never_proposed_again_to_this_person(open_at, begin):
    work = open_at()
    press(work.c, "J")
    at = looked_at(work)
    before = work.image.codes.copy()
    press(work.c, "Shift-U")
    assert np.array_equal(work.image.codes, before)
    assert work.image.strokes[-1].tool["verdict"] == "refused"
    press(work.c, "J")
    assert looked_at(work) is not at
    work.session.close()
    again = open_at()
    kept = [(p.kind, p.top, p.left) for p in Suggestions(again.image).open()]
    assert (at.kind, at.top, at.left) not in kept
    assert len(kept) == len(again.image.findings.proposals) - 1


def test_what_two_others_refused_is_proposed_to_nobody(at_work):
    image = at_work.image
    at = image.findings.proposals[0]
    press(at_work.c, "J")
    press(at_work.c, "Shift-U")
    stroke = image.strokes[-1]
    assert stroke.tool == refused_tool(at)

    def of(*names):
        from dataclasses import replace

        maps = [(replace(image.key, annotator=name), [stroke]) for name in names]
        return refused_by_others(image, maps)

    assert not of("Bea").any()
    assert not of("Ada", "Bea").any()  # one's own does not count twice
    assert np.array_equal(of("Bea", "Cy"), at.whole(image.shape))
    assert REFUSALS == 2


def test_a_patch_of_a_box_lies_where_the_box_lies_and_touches_what_it_leaves():
    codes = np.full((20, 30), 300, np.int16)
    box, touched = (slice(4, 8), slice(20, 26)), np.zeros((4, 6), np.bool_)
    touched[1, 2:5] = True
    patch = patch_in(box, codes, codes[box], touched)
    assert patch.box == (slice(5, 6), slice(22, 25))
    assert np.array_equal(patch.old, patch.new)
    after = codes[box].copy()
    after[1, 3] = 900
    patch = patch_in(box, codes, after, touched)
    assert list(patch.new) == [300, 900, 300]
    assert patch_in(box, codes, codes[box], np.zeros((4, 6), np.bool_)) is None


def test_ctrl_j_shows_all_of_a_kind_with_its_pixels_and_enter_does_it(at_work):
    image = at_work.image
    press(at_work.c, "Control-J")
    batch = proposing(at_work)._batch
    assert f"{batch.pixels} pixels" in at_work.view.panel.notice
    after = batch.done(image.codes)
    assert np.array_equal(at_work.screen.residual.data, display_levels(after))
    assert np.array_equal(image.codes, image.base)
    press(at_work.c, "Enter")
    assert np.array_equal(image.codes, after)
    assert image.standing == 1
    assert image.strokes[-1].tool["all"] is True
    assert batch.kind not in Suggestions(image).kinds()
    at_work.c.target.undo()
    assert np.array_equal(image.codes, image.base)


def test_escape_and_painting_end_a_preview_without_doing_it(at_work):
    for end in (lambda: press(at_work.c, "Escape"), lambda: at_work.c.residual.press((3.0, 3.0))):
        press(at_work.c, "Control-J")
        assert not np.array_equal(at_work.screen.residual.data, display_levels(at_work.image.codes))
        end()
        at_work.c.target.cancel()
        assert np.array_equal(at_work.screen.residual.data, display_levels(at_work.image.codes))
        press(at_work.c, "Enter")
        assert at_work.image.standing == 0


def test_ctrl_j_again_shows_the_next_kind(at_work):
    of = Suggestions(at_work.image)
    kinds = [kind for kind in of.kinds() if of.batch(kind).repairs]
    assert kinds
    for kind in (*kinds, kinds[0]):
        press(at_work.c, "Control-J")
        assert proposing(at_work)._batch.kind == kind


def test_verdicts_are_kept_by_kind_without_what_was_undone(at_work, queued):
    from iea40k.store.ledger import Ledger

    press(at_work.c, "J")
    first = looked_at(at_work)
    press(at_work.c, "U")
    press(at_work.c, "J")
    second = looked_at(at_work)
    press(at_work.c, "Shift-U")
    press(at_work.c, "J")
    press(at_work.c, "U")
    at_work.c.target.undo()
    at_work.session.retry()
    with Ledger.open(queued.path) as ledger:
        found = {v.kind: (v.taken, v.refused) for v in verdicts(ledger)}
        share = accepted_share(ledger)
    assert sum(taken for taken, _ in found.values()) == 1
    assert sum(refused for _, refused in found.values()) == 1
    assert found[str(first.kind)][0] == 1
    assert found[str(second.kind)][1] == 1
    assert share[str(second.kind)] < 1


def test_what_people_took_is_shown_to_the_curator_and_ranks_the_next_proposals(
    at_work, queued, begin, capsys
):
    from iea40k.store.ledger import Ledger, TaskRequest, add_tasks
    from pipelines.cli.program import run

    kind = at_work.image.findings.proposals[0].kind
    of_kind = sum(p.kind == kind for p in at_work.image.findings.proposals)
    for _ in range(of_kind):
        press(at_work.c, "J")
        while looked_at(at_work).kind != kind:
            press(at_work.c, "J")
        press(at_work.c, "Shift-U")
    at_work.session.retry()
    assert run(["queue", str(queued.path), "list", "--notes"]) == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if line.split()[:1] == [str(kind)])
    assert [float(number) for number in row.split()[1:]] == [0, of_kind, 0]
    with Ledger.open(queued.path) as ledger:
        add_tasks(ledger, [TaskRequest("s1", "P0", 3, slots=2)], "curator")
        share = accepted_share(ledger)[str(kind)]
    assert share == 2 / (2 + of_kind)
    after = begin("Bea").start()
    before = {(p.kind, p.top, p.left): p.trust for p in at_work.image.findings.proposals}
    for found in after.findings.proposals:
        wanted = before[found.kind, found.top, found.left] * (share if found.kind == kind else 1)
        assert found.trust == pytest.approx(wanted)


def test_proposals_are_found_after_the_first_picture_and_no_press_finds_them_again(at_work, monkeypatch):
    def again(*_args, **_options):
        raise AssertionError("a press looked through the whole image")

    while "findings" not in vars(at_work.image):  # nobody has pressed a key: a thread looks through the image
        time.sleep(0.01)
    monkeypatch.setattr("annotator.residual.state.find", again)
    for key in ("J", "J", "Shift-J", "U", "Control-J", "Escape"):
        press(at_work.c, key)


def test_another_level_is_looked_at_without_a_way_to_change_it(at_work):
    press(at_work.c, "J")
    press(at_work.c, ".")
    assert not at_work.screen.after.visible
    press(at_work.c, "J")
    press(at_work.c, "U")
    press(at_work.c, "Control-J")
    press(at_work.c, "Enter")
    assert at_work.image.standing == 0


def test_a_stroke_that_the_ledger_refuses_leaves_nothing_half_done(at_work, monkeypatch):
    from iea40k.errors import LedgerError

    def refuse(*_drafts, **_options):
        raise LedgerError("the ledger refuses")

    press(at_work.c, "J")
    monkeypatch.setattr(at_work.session, "record", refuse)
    press(at_work.c, "U")
    assert np.array_equal(at_work.image.codes, at_work.image.base)
    assert np.array_equal(at_work.screen.residual.data, display_levels(at_work.image.codes))
    assert ("error", "the ledger refuses") in at_work.view.told


def test_an_image_without_proposals_says_so(at_work):
    from iea40k.outliers.proposals import Findings

    found = at_work.image.findings
    at_work.image.__dict__["findings"] = Findings(found.view, found.laws, ())
    for key in ("J", "Control-J"):
        press(at_work.c, key)
    assert [text for _, text in at_work.view.told] == ["Nothing is proposed on this image."] * 2


def test_a_whole_image_without_data_opens_and_proposes_nothing():
    practice = a_practice()
    from iea40k.outliers.proposals import find
    from iea40k.outliers.seen import Seen

    codes = np.full_like(practice.scene.residual[0], INVALID_CODE)
    assert find(Seen(practice.scene.exposures[0], practice.scene.reference, codes)).proposals == ()
