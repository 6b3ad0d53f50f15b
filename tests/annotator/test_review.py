"""Review and looking, without a display."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from annotator.actions import press
from annotator.residual.brushes import Brush
from annotator.residual.strokes import Stroke
from annotator.session.opening import open_session
from annotator.session.review import Review
from annotator.session.viewing import open_viewer
from iea40k.errors import BadInputError, LedgerError
from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger, MapKey, Queue, TaskRequest, add_tasks
from iea40k.store.ledger.corrected import corrected_residual, read_record
from iea40k.store.sources import Row, note_build
from tests.annotator.conftest import Begin
from tests.annotator.test_session import paint
from tests.annotator.view import QuietView


def two_maps(queued: Store, begin: Begin, ledger_url: str | None = None) -> dict[str, Any]:
    """Let Ada and Ben hand in s1 P0, which they see differently; return their codes by name."""
    with Ledger.open(ledger_url or queued.path, create=True) as ledger:
        add_tasks(ledger, [TaskRequest("s1", "P0", 9, slots=2)], "curator")
    maps = {}
    for name, value in (("Ada", 0.25), ("Ben", -0.5)):
        session = begin(name, ledger_url=ledger_url)
        session.start()
        maps[name] = paint(session, (40, 40), (40, 60), value=value)
        session.submit()
        session.close()
    return maps


@pytest.fixture
def reviewed(queued: Store, begin: Begin, tmp_path: Path):
    """Ada and Ben have handed s1 in; Cy reviews."""
    maps = two_maps(queued, begin)
    review = Review.open(queued.path, "Cy", folders=tmp_path / "desks")
    yield SimpleNamespace(review=review, maps=maps, store=queued)
    review.close()


def test_a_reviewer_sees_every_map_the_consensus_and_the_base(reviewed):
    image = reviewed.review.start()
    assert image is not None
    assert list(reviewed.review.versions) == ["Ada", "Ben", "consensus", "base"]
    for name, codes in reviewed.maps.items():
        assert np.array_equal(reviewed.review.versions[name], codes)
    assert reviewed.review.versions["consensus"][40, 50] == round((8160 - 16320) / 2)
    assert np.array_equal(reviewed.review.versions["base"], image.base)
    assert image.standing == 0


def test_accept_one_return_the_other(reviewed):
    review = reviewed.review
    review.start()
    image = review.accept("Ada")
    assert image is not None
    assert image.key.scene_id == "s1"  # Ben's still waits
    assert review.return_("Ben", "the wall is not overexposed") is None
    with Ledger.open(reviewed.store.path) as ledger:
        assert Queue(ledger).state(MapKey("s1", "P0", "Ada")) == "accepted"
        assert Queue(ledger).state(MapKey("s1", "P0", "Ben")) == "returned"


def test_adjudication_by_painting_overrides_the_consensus(reviewed):
    review = reviewed.review
    image = review.start()
    review.take_over("Ada")
    assert np.array_equal(image.codes, reviewed.maps["Ada"])
    stroke = Stroke(image.codes, image.base, Brush("set", 0.75, 4))
    stroke.move((70, 100))
    review.record(image.draft("brush", stroke.finish(), {"tool": "set"}), shown=True)
    final = image.codes.copy()
    assert review.submit() is None
    with Ledger.open(reviewed.store.path) as ledger:
        scene = reviewed.store.open_scene("s1")
        result = corrected_residual(scene, "P0", read_record(ledger, "s1"))
        assert result.adjudicator == "Cy"
        assert np.array_equal(result.codes, final)


def test_what_was_handed_in_of_a_withdrawn_scene_waits_until_it_is_back(reviewed):
    manifest = reviewed.store.path.parent / "manifest.csv"
    both = "scene_id,kind,exposures,references\ns1,rendered,a.png,b.png\ns2,rendered,c.png,d.png\n"
    manifest.write_text(both, encoding="utf-8")
    note_build(reviewed.store, manifest, {name: Row({}, {}) for name in ("s1", "s2")})
    manifest.write_text(both.replace("s1,rendered,a.png,b.png\n", ""), encoding="utf-8")
    review = reviewed.review
    assert review.start() is None
    assert review.remaining == 0
    manifest.write_text(both, encoding="utf-8")
    image = review.next_if_idle()
    assert image is not None
    assert image.key.scene_id == "s1"
    assert review.judged(None) == ("Ada", "Ben")


def test_taking_over_is_one_step_to_undo(reviewed):
    image = reviewed.review.start()
    reviewed.review.take_over("Ben")
    reviewed.review.undo()
    assert np.array_equal(image.codes, image.base)


@pytest.mark.gui
def test_the_reviewer_s_window_compares_and_paints_only_his_own(reviewed):
    components = pytest.importorskip("napari.components")
    from annotator.session.controller import Controller
    from annotator.shared.display import display_levels
    from annotator.window.screen import NapariScreen

    view = QuietView()
    controller = Controller(reviewed.review, NapariScreen(components.ViewerModel()), view)
    controller.flow.start()
    layers, base = controller.screen, reviewed.review.image.base
    assert np.array_equal(layers.residual.data, display_levels(reviewed.maps["Ada"]))
    assert not controller.canvas.paintable
    controller.target.see(lambda d: d.compared("side by side"))
    assert np.array_equal(layers.right_residual.data, display_levels(base))
    assert layers.right_residual.visible
    controller.hold(blink=True)
    assert np.array_equal(layers.residual.data, display_levels(base))
    controller.hold(blink=False)
    controller.target.see(lambda d: d.compared("wipe"))
    controller.flow.choose(right="Ben")
    middle = base.shape[1] // 2
    assert np.array_equal(layers.residual.data[:, :middle], display_levels(reviewed.maps["Ada"])[:, :middle])
    assert np.array_equal(layers.residual.data[:, middle:], display_levels(reviewed.maps["Ben"])[:, middle:])
    controller.flow.take_over()
    assert controller.canvas.paintable
    assert np.array_equal(reviewed.review.image.codes, reviewed.maps["Ada"])
    controller.flow.choose(left="Ben")
    view.answers = ["not so dark"]
    controller.flow.skip()
    assert next(iter(reviewed.review.versions)) == "Ada"
    controller.flow.choose(left="Ada")
    controller.flow.submit()
    assert view.panel.title == "The queue is empty"


def test_looking_changes_nothing_and_goes_through_every_level(store: Store, tmp_path: Path):
    viewer = open_session(store.path, "", mode="read only", folders=tmp_path / "desks")
    seen = {
        (image.key.scene_id, image.level) for image in [viewer.start(), *(viewer.submit() for _ in range(8))]
    }
    assert len(seen) == 9
    for verb in (viewer.undo, viewer.redo, viewer.clear, viewer.adopt_stale):
        with pytest.raises(LedgerError, match="read-only"):
            verb()
    assert not (store.path / "ledger.sqlite").exists()


def test_a_scene_that_cannot_be_read_is_told_and_passed_over(store: Store, tmp_path: Path):
    (store.scene_path("s2") / "residual" / "zarr.json").write_text("{")
    viewer = open_viewer(store.path, tmp_path / "desks")
    told = []
    viewer.notice = lambda kind, _text: told.append(kind)
    seen = {image.key.scene_id for image in [viewer.start(), *(viewer.step(1) for _ in range(8))]}
    assert seen == {"s1", "s3"}
    assert "error" in told


def test_a_mode_that_there_is_not(store: Store):
    with pytest.raises(BadInputError, match="no such mode"):
        open_session(store.path, "Ada", mode="admire")


def test_a_release_is_looked_at(store: Store, tmp_path: Path):
    from iea40k.store.release.plan import ReleaseOptions
    from iea40k.store.release.writing import write_release

    write_release(store, tmp_path / "release", ReleaseOptions("1.0.0"))
    viewer = open_session(tmp_path / "release", "", mode="read only", folders=tmp_path / "desks")
    image = viewer.start()
    assert image is not None
    scene = store.open_scene(image.key.scene_id)
    assert image.level == "N1"
    assert np.array_equal(image.codes, scene.residual("N1"))
    assert np.array_equal(image.exposure, scene.exposure("N1"))
    assert np.array_equal(image.reference, scene.reference())
    assert np.array_equal(image.flags, scene.outliers("N1"))
    assert viewer.remaining == 8


def test_a_reviewer_without_work_asks_for_reviews_and_never_for_images(store: Store, tmp_path: Path):
    with Ledger.open(store.path, create=True) as ledger:
        add_tasks(ledger, [TaskRequest("s1", "P0", 9)], "curator")
    review = Review.open(store.path, "Cy", folders=tmp_path / "desks")
    assert review.start() is None
    assert review.next_if_idle() is None
    with Ledger.open(store.path) as ledger:
        assert Queue(ledger).lease("Ada") is not None  # the reviewer did not take it
    review.close()


def test_keys_go_through_the_maps(reviewed):
    pytest.importorskip("napari")
    from napari.components import ViewerModel

    from annotator.session.controller import Controller
    from annotator.window.screen import NapariScreen

    controller = Controller(reviewed.review, NapariScreen(ViewerModel()), QuietView())
    controller.flow.start()
    assert (controller.comparison.left, controller.comparison.right) == ("Ada", "base")
    seen = []
    for _ in range(5):
        press(controller, "Shift-Q")
        seen.append(controller.comparison.left)
    assert seen == ["Ben", "consensus", "base", "", "Ada"]
    assert controller.may_use_tools is False
    press(controller, "Shift-W")
    assert controller.comparison.right == "Ada"
    controller.flow.choose(left="")
    assert controller.may_use_tools


def test_opening_a_store_tells_how_far_it_is(store: Store, tmp_path: Path):
    from tests.annotator.view import counted

    kept: list[tuple[str, int, int]] = []
    open_viewer(store.path, tmp_path / "desks", lambda text, total: counted(kept, text, total))
    assert kept == [("Looking through the store", 3, 3)]
