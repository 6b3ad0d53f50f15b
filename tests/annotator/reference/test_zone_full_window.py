"""The whole window at a reference on a screen: mouse events of Qt, and the pixels that come of them."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.annotator.test_full_window import picture, qt_drag
from tests.annotator.test_window import press

pytestmark = [pytest.mark.gui, pytest.mark.screen]
pytest.importorskip("napari")


@pytest.fixture
def ledger_place() -> None:
    """The store's own ledger."""


@pytest.fixture(scope="module")
def viewer(screen: None, qapp: Any) -> Iterator[Any]:
    import napari

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("napari._qt.threads.status_checker.StatusChecker.start", lambda _self: None)
        made = napari.Viewer(show=True)
        made.window._qt_window.resize(1100, 760)
        yield made
        made.close()


def test_a_real_click_is_seen_on_its_block_and_nowhere_else(window):
    reference = window.session.reference
    blocks = reference.blocks(24)
    number = blocks.at(48, 64)
    row, column = (int(v) for v in blocks.middles[number])
    window.c.reference.adjust(lambda t: t.with_zone(7.0))
    before = picture(window)
    qt_drag(window, (row, column), (row, column))
    after = picture(window)
    assert reference.standing == 1
    changed = np.abs(after - before).sum(axis=2) > 30
    rows, columns = np.nonzero(changed)
    zoom = window.viewer.scene.camera.zoom
    box, _ = blocks.part(number, 4)
    assert rows.size > 200
    assert np.ptp(rows) <= (box[0].stop - box[0].start + 2) * zoom
    assert np.ptp(columns) <= (box[1].stop - box[1].start + 2) * zoom
    assert ((after - before).sum(axis=2)[changed] > 0).mean() > 0.95


def test_the_zones_are_seen_over_the_picture(window):
    before = picture(window)
    press(window, "O")
    assert (np.abs(picture(window) - before).sum(axis=2) > 30).mean() > 0.1
    press(window, "O")
    assert np.array_equal(picture(window), before)
