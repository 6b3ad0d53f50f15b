"""A dispute of the trained model in the window: outlined first, said in words, taken or refused like any proposal."""

import numpy as np
import pytest

from annotator.actions import press
from annotator.session.session import Session
from annotator.shared.screen import KIND_LABELS
from iea40k.outliers.disputed import disputed_proposals, inside
from iea40k.outliers.kinds import Kind
from iea40k.outliers.repairs import RefusedError, repair
from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger, TaskRequest, add_tasks
from iea40k.store.ledger.settled import PIXELS, pixels_digest
from tests.annotator.view import QuietView

components = pytest.importorskip("napari.components")
OUTLINE = [[20, 30], [20, 59], [49, 59], [49, 30]]


def note_for(store: Store, pixels: str = "", outline=OUTLINE) -> dict:
    scene = store.open_scene("s1")
    region = {"box": [20, 30, 30, 30], "area": 900, "score": 0.9, "outline": outline, "error": 0.1}
    digest = pixels or pixels_digest(scene.exposure("P0"), scene.reference())
    return {"reason": "the sign seems to be turned", PIXELS: digest, "regions": [region]}


def dispute(store: Store, **changes) -> None:
    request = TaskRequest("s1", "P0", 9.0, "dispute", note=note_for(store, **changes))
    with Ledger.open(store.path, create=True) as ledger:
        add_tasks(ledger, [request], "trainer")


@pytest.mark.gui
def test_j_goes_to_the_dispute_first_and_outlines_it(queued, begin):
    from annotator.session.controller import Controller
    from annotator.window.screen import NapariScreen

    dispute(queued)
    session, view = begin("Ada"), QuietView()
    controller = Controller(session, NapariScreen(components.ViewerModel()), view)
    controller.flow.start()
    press(controller, "J")
    labels = controller.residual.proposing._layers
    assert controller.residual.proposing._of.at.kind is Kind.DISPUTED
    rows, columns = np.nonzero(np.asarray(controller.screen.flags.data) == KIND_LABELS[Kind.DISPUTED])
    assert labels is not None
    assert 19 <= rows.min() <= rows.max() <= 50
    assert 29 <= columns.min() <= columns.max() <= 60
    assert "disputed by the model" in view.panel.notice
    assert "sign seems to be turned" in view.panel.notice
    press(controller, "Shift-U")
    assert session.image.strokes[-1].tool == {"tool": "confirm", "kind": "disputed", "verdict": "refused"}
    controller.remember()


def test_a_dispute_about_other_pixels_is_not_shown(queued, begin):
    dispute(queued, pixels="of yesterday")
    session: Session = begin("Ada")
    assert session.start().disputes == ()


def test_a_region_without_an_outline_is_left_out():
    note = {
        "regions": [{"box": [0, 0, 9, 9], "score": 0.9}, {"outline": [[0, 0], [0, 1], [1, 1]], "score": 0.8}]
    }
    assert disputed_proposals(note, (96, 128)) == ()
    assert disputed_proposals({}, (96, 128)) == ()
    assert not inside([[3, 3], [4, 4]], (9, 9)).any()
    assert inside([[2, 2], [2, 5], [5, 5], [5, 2]], (9, 9)).sum() == 16


def test_a_wrong_label_is_subtracted_again_and_a_right_one_is_left_to_a_person(queued, begin):
    dispute(queued)
    image = begin("Ada").start()
    (proposal,) = image.disputes
    wrong = image.codes.copy()
    wrong[proposal.box] = np.clip(wrong[proposal.box].astype(int) + 6000, -32640, 32640)
    findings = image.findings
    from dataclasses import replace

    view = replace(findings.view, codes=wrong)
    done = repair(replace(findings, view=view), proposal, wrong)
    assert done.before_error > 0.1
    with pytest.raises(RefusedError, match=r"a person must see|says already"):
        repair(findings, proposal, image.codes)
