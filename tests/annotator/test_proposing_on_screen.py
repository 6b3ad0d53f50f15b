"""Proposals in the real window, by real keys: what a person sees of them, and how soon."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from annotator.sample import Practice, practice_scene
from annotator.shared.display import display_levels
from tests.annotator.conftest import Begin, a_photograph

pytestmark = [pytest.mark.gui, pytest.mark.screen]
pytest.importorskip("napari")


@pytest.fixture
def practices() -> dict[str, Practice]:
    """Three scenes with speckle enough to be worth a look, and so several proposals."""
    return {
        name: practice_scene(a_photograph(seed=seed), name, evs=(-1.0, 0.0, 1.0), seed=seed, speckles=24)
        for seed, name in enumerate(("s1", "s2", "s3"))
    }


@pytest.fixture
def window(screen: None, qapp: Any, begin: Begin) -> Iterator[SimpleNamespace]:
    import napari

    from annotator.window.opening import Annotator

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("napari._qt.threads.status_checker.StatusChecker.start", lambda _self: None)
        viewer = napari.Viewer(show=True)
        viewer.window._qt_window.resize(1366, 768)
        annotator = Annotator(viewer, begin())
        annotator.start()
        drawn()
        yield SimpleNamespace(
            viewer=viewer, a=annotator, c=annotator.controller, image=annotator.session.image
        )
        annotator.close()
        viewer.close()


def drawn() -> None:
    from qtpy.QtWidgets import QApplication

    for _ in range(5):
        QApplication.processEvents()


def key(window: SimpleNamespace, name: str, modifier: str = "NoModifier") -> None:
    """A real key on the canvas."""
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    canvas = window.viewer.window._qt_viewer.canvas.native
    canvas.setFocus()
    QTest.keyClick(canvas, getattr(Qt.Key, f"Key_{name}"), getattr(Qt.KeyboardModifier, modifier))
    drawn()


def picture(window: SimpleNamespace) -> np.ndarray:
    drawn()
    return np.asarray(window.viewer.screenshot(canvas_only=True, flash=False))[..., :3].astype(int)


def at(window: SimpleNamespace):
    return window.c.residual.proposing._of.at


def test_j_zooms_so_that_the_region_fills_a_third_and_shows_it_before_and_after(window):
    before = picture(window)
    key(window, "J")
    proposal = at(window)
    camera = window.viewer.scene.camera
    canvas = window.viewer.window._qt_viewer.canvas
    height, width = canvas.size
    rows, columns = (span.stop - span.start for span in proposal.box)
    share = max(rows * camera.zoom / height, columns * camera.zoom / width)
    assert share <= 0.34
    assert share > 0.2 or camera.zoom >= 15
    now = picture(window)  # the panel has taken room from the canvas for what it says
    rows, columns = (min(pair) for pair in zip(now.shape[:2], before.shape[:2], strict=True))
    assert np.abs(now[:rows, :columns] - before[:rows, :columns]).sum(axis=2).mean() > 5
    left = (proposal.box[1].start - camera.center[-1]) * camera.zoom + width / 2
    assert 0 <= left < width / 2
    after = window.a.screen.after
    right = (after.translate[1] + after.data.shape[1] - camera.center[-1]) * camera.zoom + width / 2
    assert width / 2 < right <= width + 1
    assert "U takes it" in window.a.dock.notice.text() or "No repair" in window.a.dock.notice.text()
    assert window.a.dock.notice.isVisible()
    # The whole sentence can be read: nothing of it lies beyond the dock's own edge.
    notice = window.a.dock.notice
    assert notice.mapTo(window.a.dock, notice.rect().topRight()).x() <= window.a.dock.width()


def test_u_and_shift_u_and_ctrl_j_with_enter_by_real_keys(window):
    key(window, "J")
    first = at(window)
    key(window, "U")
    assert window.image.standing == 1
    assert (window.image.codes != window.image.base)[first.box][first.mask].any()
    second = at(window)
    assert second is not first
    before = window.image.codes.copy()
    key(window, "U", "ShiftModifier")
    assert window.image.standing == 2
    assert np.array_equal(window.image.codes, before)
    assert window.image.strokes[-1].tool["verdict"] == "refused"
    window.c.target.undo()
    window.c.target.undo()
    key(window, "J", "ControlModifier")
    assert window.image.standing == 0
    assert "pixels would change" in window.a.dock.notice.text()
    key(window, "Return")
    assert window.image.standing == 1
    assert window.image.strokes[-1].tool["all"] is True
    assert np.array_equal(window.a.screen.residual.data, display_levels(window.image.codes))
    key(window, "Z", "ControlModifier")
    assert np.array_equal(window.image.codes, window.image.base)


def test_a_key_that_shows_a_repair_finds_all_of_it_prepared(window, monkeypatch):
    """Neither the repair is worked out at the key, nor a layer made, nor every layer asked for its extent."""
    assert window.image.findings.proposals
    for _ in range(2):
        window.a._tick()  # the clock's, a second apart
    layers = len(window.viewer.layers)
    asked: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr("annotator.residual.ranking.plan", lambda *_: asked.append("plan"))
        ranges = property(lambda _self: asked.append("extent") or [])
        patch.setattr(type(window.viewer.layers), "_ranges", ranges)
        for _ in range(2):
            key(window, "J")
            assert window.a.screen.after.visible
    assert asked == []
    assert len(window.viewer.layers) == layers


def test_a_key_paints_the_canvas_once_and_compiles_no_shader(window, monkeypatch):
    from vispy.visuals.shaders.program import ModularProgram

    for _ in range(3):
        key(window, "J")
    assert window.a.screen.residual_after.visible
    done: list[str] = []
    built = ModularProgram._build
    scene = window.viewer.window._qt_viewer.canvas._scene_canvas
    with monkeypatch.context() as patch:
        patch.setattr(ModularProgram, "_build", lambda program: (done.append("shader"), built(program))[1])
        seen, drawn_once = at(window), lambda _event: done.append("painted")
        scene.events.draw.connect(drawn_once)
        key(window, "J")
        scene.events.draw.disconnect(drawn_once)
    assert at(window) is not seen
    assert done == ["painted"]


def test_outlines_are_drawn_where_there_are_any_and_nothing_of_them_is_missing(window):
    screen, sparse = window.a.screen, window.a.screen._sparse["flags"]
    node = window.viewer.window._qt_viewer.canvas.layer_to_visual[screen.flags].node
    rng = np.random.default_rng(0)
    height, width = screen.shape
    window.c.residual.proposing.drop()
    for turn in range(6):
        top, left = int(rng.integers(height - 30)), int(rng.integers(width - 30))
        box = (slice(top, top + int(rng.integers(1, 30))), slice(left, left + int(rng.integers(1, 30))))
        shape = tuple(span.stop - span.start for span in box)
        screen.draw(
            "flags", box, rng.integers(0, 5, shape, np.uint8) if turn % 3 != 2 else np.zeros(shape, np.uint8)
        )
        parts = picture(window)
        drawn_share = sum((b - t) * (z - a) for t, a, b, z in sparse.shares())
        assert 0 < drawn_share < 0.5
        build = node._build_vertex_data
        node._build_vertex_data = type(node)._build_vertex_data.__get__(node)
        node._need_vertex_update = True
        assert np.array_equal(picture(window), parts), turn
        node._build_vertex_data, node._need_vertex_update = build, True
    screen.fill("flags", np.zeros((height, width), np.uint8))
    assert len(sparse.shares()) == 0
    drawn()
    assert node.visible
