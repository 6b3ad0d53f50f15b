"""Practice: what is planted, what the score says of it, and that nothing outside the scratch folder is written."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from annotator.actions import press as press_key
from annotator.session.practice import PracticeSession
from annotator.session.practice_score import score_of
from iea40k.arrays import INVALID_CODE
from iea40k.errors import LedgerError
from tests.annotator.test_window import press, viewer  # noqa: F401 - a fixture
from tests.annotator.view import QuietView


@pytest.fixture
def practising() -> Iterator[PracticeSession]:
    session = PracticeSession.begin("Ada", seed=5)
    yield session
    session.close()


def test_the_score_says_what_was_missed_harmed_and_by_how_much_the_error_fell():
    truth = np.zeros((40, 40), np.int16)
    truth[0, 0] = INVALID_CODE
    base = truth.copy()
    regions = {name: np.zeros(truth.shape, np.bool_) for name in ("a", "b", "c")}
    for at, region in enumerate(regions.values()):
        region[10 * at + 2 : 10 * at + 8, 5:15] = True
        base[region] = 8160
    codes = base.copy()
    codes[regions["a"]] = 0
    codes[regions["c"]] = 16320
    codes[5:8, 30:34] = 4000
    found = score_of("x", base, codes, truth, list(regions.items()))
    assert [f.verdict for f in found.faults] == ["repaired", "missed", "made worse"]
    assert found.harmed == 12
    assert found.before == pytest.approx(3 * 60 * 0.25 / 1599)
    assert found.fell == pytest.approx(1 - found.after / found.before)
    assert "harmed outside the faults, by more than 8/255: 12 pixels" in found.text()
    assert "ROSE" in score_of("x", base, base + np.int16(9), truth, []).text()
    # The other sign of nothing is no fault that was repaired.
    assert score_of("x", truth, truth, truth, list(regions.items())).faults == ()
    assert [f.name for f in score_of("x", truth, codes, truth, list(regions.items())).faults] == ["b", "c"]


def test_faults_are_planted_by_the_seed_in_scratch_and_go(practising, tmp_path):
    practising.start()
    scratch = practising._scratch
    assert practising.store.path.is_relative_to(scratch)
    assert practising.folder.settings_file.is_relative_to(scratch)
    work = practising.image
    made = practising._planted[work.key.scene_id]
    names = [name for name, _ in made.faults]
    assert names == ["logo", "misaligned", "speckle", "wrong sign", "wrong gain"]
    at = made.scene.levels.index(work.level)
    for name, region in made.faults:
        off = np.abs(work.base.astype(int) - made.truth[at])[region]
        assert off.mean() > 300, name
    again = PracticeSession.begin("Ada", seed=5)
    again.start()
    assert np.array_equal(again.image.base, work.base)
    again.close()
    with pytest.raises(LedgerError, match="no curator"):
        practising.flag("a lamp")
    practising.close()
    assert not scratch.exists()


@pytest.mark.gui
def test_what_is_handed_in_is_scored(practising):
    components = pytest.importorskip("napari.components")
    from annotator.session.controller import Controller
    from annotator.window.screen import NapariScreen

    view = QuietView()
    controller = Controller(practising, NapariScreen(components.ViewerModel()), view)
    controller.flow.start()
    work = practising.image
    made = practising._planted[work.key.scene_id]
    region = dict(made.faults)["wrong sign"]
    rows, columns = np.nonzero(region)
    controller.target.set_tools(tool="brush", mode="negate", radius=200.0, feather=0.0)
    press_key(controller, "Shift-N")
    controller.residual.press((float(rows.mean()), float(columns.mean())))
    controller.residual.release()
    controller.flow.submit()
    (scored,) = [text for kind, text in view.told if kind == "scored"]
    assert "wrong sign: repaired" in scored
    assert "ROSE" in scored  # the brush was far too large
    assert practising.image is not work


@pytest.mark.gui
@pytest.mark.screen
def test_open_sample_opens_practice_and_the_window_scores(viewer, qapp):  # noqa: F811
    from annotator.window import practice

    viewer.open_sample("iea40k", "practice")
    for _ in range(20):
        qapp.processEvents()
    annotator: Any = practice._opened[-1]
    assert annotator.session.image is not None
    assert practice.OPENING not in [layer.name for layer in viewer.layers]
    scratch = annotator.session._scratch
    from types import SimpleNamespace

    press(SimpleNamespace(viewer=viewer), "Control-B")
    dialog = annotator.view._score
    assert dialog.isVisible()
    assert "logo: missed" in dialog.text.text()
    assert "harmed outside the faults, by more than 8/255: none" in dialog.text.text()
    assert practice.open_practice() is None  # one session a viewer
    annotator.close()
    assert not scratch.exists()
    assert not viewer.layers
