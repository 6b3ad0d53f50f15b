"""The real viewer and the real widgets at a reference: mouse and key events through napari."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from iea40k.store.ledger import Ledger, MapKey
from tests.annotator.test_window import drag, press

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
        made = napari.Viewer(show=False)
        yield made
        made.close()


def test_keys_and_a_drag_through_napari_set_zones_that_are_saved(window, asked):
    for key in ("P", "0", "="):
        press(window, key)
    assert window.c.reference.tools.zone == pytest.approx(19 / 3)
    drag(window.viewer, (48, 20), (48, 100))
    reference = window.session.reference
    assert reference.standing > 2
    assert window.session.retry().clean
    assert np.array_equal(window.a.screen.picture.data, reference.picture)
    with Ledger.open(asked[0].path) as ledger:
        assert len(ledger.zone_edits(MapKey("s1", "reference", "Ada"))) == reference.standing
    press(window, "Control-Z")
    assert np.array_equal(window.a.screen.picture.data, reference.base)
    press(window, "Control-Enter")  # nothing stands: it is refused, and says so
    assert window.session.reference is reference


def test_the_dock_is_that_of_references_and_its_buttons_work(window):
    dock = window.a.dock
    part = dock.parts["reference"]
    assert part.tools.isVisibleTo(dock)
    assert not dock.parts["residual"].tools.isVisibleTo(dock)
    assert not dock.buttons["propagate"].isVisibleTo(dock)
    assert dock.buttons["base is right"].isEnabled()
    part.buttons["zone shift"].click()
    assert window.c.reference.tools.mode == "shift"
    part.numbers["stops"].box.setValue(-1.0)
    assert window.c.reference.tools.stops == -1
    assert part.buttons["zone shift"].text().startswith("Darker")
    part.buttons["zone brush"].click()
    assert window.c.canvas.cursor is not None
    part.buttons["zones"].click()
    assert window.a.screen.zones.visible
    assert window.a.readout.bar.pixmap().width() == 11 * 24
    part.buttons["zones"].click()
    assert window.a.readout.bar.pixmap().width() == 220
    part.buttons["reference picture built"].click()
    assert window.c.reference.display.picture == "built"


def test_napari_s_own_visibility_key_shows_the_residual(window):
    press(window, "V")
    assert window.a.screen.residual.visible
    assert window.c.reference.display.overlay
    press(window, "V")
    assert not window.c.reference.display.overlay


def test_the_help_is_that_of_references(window):
    press(window, "?")
    help_ = window.a.view._help
    assert "set a block to the zone in use" in help_.accessibleDescription()
    press(window, "?")
    assert not help_.isVisible()
