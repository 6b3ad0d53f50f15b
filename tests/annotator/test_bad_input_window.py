"""Input that is bad, poor or large, in the real window by real keys: it is said in words, and nothing is half done."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from annotator.sample import practice_scene
from annotator.session.loading import waiting_in
from annotator.session.session import Session
from iea40k.arrays import INVALID_CODE
from iea40k.errors import LedgerError
from iea40k.residuals import residual_codes
from iea40k.scene import BuiltScene, level_name
from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger, Queue, TaskRequest, add_tasks
from tests.annotator.conftest import a_photograph, a_practice
from tests.annotator.screens import drawn, in_dialog, key, opened, shown_viewer

pytestmark = [pytest.mark.gui, pytest.mark.screen]
pytest.importorskip("napari")
Show = Callable[..., SimpleNamespace]


@pytest.fixture(scope="module")
def shown(screen: None, qapp: Any) -> Iterator[Any]:
    with shown_viewer(1366, 768) as viewer:
        yield viewer


@pytest.fixture
def show(shown: Any, tmp_path: Path) -> Iterator[Show]:
    """Open the window on a store of one scene, its first task's level in the queue."""
    made: list[SimpleNamespace] = []

    def show(scene: BuiltScene, level: str = "P0") -> SimpleNamespace:
        store = Store.create(tmp_path / "store")
        store.write_scene(scene)
        with Ledger.open(store.path, create=True) as ledger:
            add_tasks(ledger, [TaskRequest(scene.scene_id, level, 1)], "curator")
        window = opened(shown, Session.open(store.path, "Ada", folders=tmp_path / "desks"))
        window.store, window.said = store, []
        window.c.view._told.connect(lambda _kind, text: window.said.append(text))
        made.append(window)
        return window

    yield show
    for window in made:
        window.a.close()


def a_scene(reference: np.ndarray, exposures: np.ndarray, evs: tuple[float, ...]) -> BuiltScene:
    codes = residual_codes(reference, exposures)
    return BuiltScene(
        scene_id="s1",
        exposures=exposures,
        reference=reference,
        residual=codes,
        outliers=np.zeros(codes.shape, np.uint8),
        evs=evs,
        levels=tuple(level_name(ev) for ev in evs),
        review_priority=tuple(0.5 for _ in evs),
        attributes={"licence": "CC0-1.0"},
        recipe={"made_by": "tests"},
    )


def every_key(window: SimpleNamespace) -> None:
    """The keys of proposals, levels, pictures and propagation, one after the other."""
    for name, modifier in (
        ("J", "NoModifier"), ("U", "NoModifier"), ("U", "ShiftModifier"), ("J", "ControlModifier"),
        ("Return", "NoModifier"), ("Escape", "NoModifier"), ("Comma", "NoModifier"), ("Period", "NoModifier"),
        ("QuoteLeft", "NoModifier"), ("Y", "NoModifier"), ("W", "NoModifier"), ("D", "NoModifier"),
        ("L", "ControlModifier"), ("Z", "ControlModifier"), ("Z", "ShiftModifier"), ("L", "ShiftModifier"),
    ):  # fmt: skip
        in_dialog("\x1b")
        key(window, name, modifier)


def whole(window: SimpleNamespace) -> None:
    """What the window shows and the ledger holds are the base with the strokes that stand, and no more."""
    image = window.session.image
    before = image.codes.copy()
    image.replay()
    assert np.array_equal(image.codes, before)
    with Ledger.open(window.store.path) as ledger:
        assert np.array_equal(ledger.replayed(image.key, image.base).codes, before)


def test_a_scene_with_one_level_only(show):
    reference = a_photograph()
    window = show(a_scene(reference, (reference * 0.7).astype(np.uint8)[None], (0.0,)))
    every_key(window)
    whole(window)
    assert window.c.residual.level == "P0"
    window.c.target.set_display(compare="single")
    window.c.residual.set_tools(tool="brush", mode="set", value=0.4, radius=5.0)
    window.c.residual.press((30, 30))
    window.c.residual.release()
    window.said.clear()
    key(window, "L", "ControlModifier")
    assert window.said == ["This scene has no other level to propagate to."]


def test_a_reference_without_texture(show):
    grey = np.full((96, 128, 3), 118, np.uint8)
    evs = (-1.0, 0.0, 1.0)
    window = show(a_scene(grey, np.stack([np.full_like(grey, v) for v in (60, 100, 200)]), evs))
    key(window, "J")
    assert window.said == ["Nothing is proposed on this image."]
    every_key(window)
    whole(window)


def test_an_image_that_is_wholly_clipped(show):
    reference = a_photograph()
    exposures = np.stack([np.full_like(reference, 255)] * 3)
    window = show(a_scene(reference, exposures, (0.0, 1.0, 2.0)))
    key(window, "J")
    notice = window.a.dock.notice.text()
    assert window.said or "No repair" in notice
    every_key(window)
    whole(window)


def test_an_image_without_any_valid_pixel(show):
    made = a_practice("s1").scene
    window = show(replace(made, residual=np.full_like(made.residual, INVALID_CODE)))
    key(window, "J")
    assert window.said == ["Nothing is proposed on this image."]
    window.c.residual.set_tools(tool="brush", mode="set", value=0.4, radius=5.0)
    window.c.residual.press((30, 30))
    window.c.residual.release()
    assert window.said[-1] == "There was no pixel with valid data under the brush."
    every_key(window)
    assert window.session.image.standing == 0


def test_a_proposal_whose_base_was_rebuilt_is_not_taken(show):
    window = show(a_practice("s1", seed=3).scene)
    window.c.residual.set_tools(tool="brush", mode="set", value=0.4, radius=5.0)
    window.c.residual.press((90, 120))
    window.c.residual.release()
    key(window, "J")
    assert window.c.residual.proposing._of.at is not None
    before = window.session.image
    window.store.replace_scene(a_practice("s1", seed=4).scene)
    key(window, "U")
    image = window.session.image
    assert image is not before
    assert "was built again" in window.said[-1]
    assert len(image.stale) == 1
    assert not image.touched.any()
    assert np.array_equal(image.base, window.store.open_scene("s1").residual("P0"))
    assert window.c.residual.work is image
    whole(window)
    with Ledger.open(window.store.path) as ledger:
        assert len(ledger.corrections(image.key)) == 1
    key(window, "S", "ShiftModifier")
    assert not image.stale
    assert image.touched[90, 120]
    key(window, "J")
    key(window, "U")
    with Ledger.open(window.store.path) as ledger:
        assert len(ledger.corrections(image.key)) == 3
    whole(window)


def test_what_was_drawn_on_a_rebuilt_base_is_not_handed_in(show):
    window = show(a_practice("s1", seed=3).scene)
    window.c.residual.set_tools(tool="brush", mode="set", value=0.4, radius=5.0)
    window.c.residual.press((90, 120))
    window.c.residual.release()
    window.store.replace_scene(a_practice("s1", seed=4).scene)
    key(window, "Return", "ControlModifier")
    assert "was built again" in window.said[-1]
    with Ledger.open(window.store.path) as ledger:
        assert Queue(ledger).state(window.session.image.key) == "leased"
    assert window.a.dock.subtitle.text().endswith("1 stroke was drawn on an earlier base")


def test_a_rebuild_that_gives_the_same_pixels_is_none(show):
    window = show(a_practice("s1", seed=3).scene)
    window.store.replace_scene(a_practice("s1", seed=3).scene)
    key(window, "J")
    key(window, "U")
    assert window.session.image.standing == 1
    assert not window.said


def test_a_repair_that_the_ledger_refuses_is_kept_on_this_machine(show):
    """The image was opened elsewhere meanwhile."""
    window = show(a_practice("s1", seed=3).scene)
    key(window, "J")
    image = window.session.image
    with Ledger.open(window.store.path) as ledger:
        assert Queue(ledger).resume("Ada")
        key(window, "U")
        window.a._tick()
        assert window.session.lost
        assert "lease was lost" in window.a.dock.saving.text()
        assert not ledger.corrections(image.key)
    assert image.standing == 1
    assert [waiting.draft.stroke_id for waiting in waiting_in(window.session._outbox)] == [
        image.strokes[0].stroke_id
    ]


def test_a_repair_that_nothing_takes_is_put_back_whole(show, monkeypatch):
    window = show(a_practice("s1", seed=3).scene)
    key(window, "J")
    image, at = window.session.image, window.c.residual.proposing._of.at

    def post(*_drafts: object) -> None:
        raise LedgerError("the disk is full, and so is the memory")

    with monkeypatch.context() as patch:
        patch.setattr(window.session._uploads, "post", post)
        key(window, "U")
    assert "the disk is full" in window.said[-1]
    assert np.array_equal(image.codes, image.base)
    assert image.standing == 0
    assert window.c.residual.proposing._of.at is at
    whole(window)


def test_a_region_of_one_pixel(show):
    made = a_practice("s1", seed=3).scene
    codes = made.residual.copy()
    codes[1, 50, 60] = 9000
    window = show(replace(made, residual=codes))
    image = window.session.image
    for tool in ("fill", "sign", "superpixel", "measure", "outlier", "light source"):
        window.c.residual.set_tools(tool=tool, mode="set", value=0.25, tolerance=0.001)
        window.c.residual.press((50, 60))
        window.c.residual.release()
        drawn()
        whole(window)
    assert image.strokes[0].patch.pixels == 1
    assert image.codes[50, 60] != image.base[50, 60]
    measured = window.c.view._measured
    assert measured is not None
    measured.close()


@pytest.mark.slow
def test_a_frame_of_24_megapixels(show):
    pixels = np.kron(a_photograph(250, 375), np.ones((16, 16, 1), np.uint8))
    window = show(practice_scene(pixels, "s1", evs=(-1.0, 0.0), speckles=4).scene)
    image = window.session.image
    assert image.shape == (4000, 6000)
    for name, modifier, verdict in (("U", "NoModifier", "taken"), ("U", "ShiftModifier", "refused")):
        key(window, "J")
        assert window.c.residual.proposing._of.at is not None
        key(window, name, modifier)
        assert image.strokes[-1].tool["verdict"] == verdict
        key(window, "Z", "ControlModifier")
    assert np.array_equal(image.codes, image.base)
    key(window, "J", "ControlModifier")
    key(window, "Return")
    assert image.standing == 1
    assert image.strokes[-1].tool["all"]
    whole(window)
    assert not window.said
