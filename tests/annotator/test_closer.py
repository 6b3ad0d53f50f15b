"""Statistics of a region, the loupe, the difference of two maps: by the controller on napari's model, no display."""

import numpy as np
import pytest

from annotator.actions import press
from annotator.shared.display import code_difference, display_levels
from annotator.shared.statistics import statistics_of
from iea40k.arrays import INVALID_CODE
from tests.annotator.test_controller import at_work, drag  # noqa: F401 - a fixture
from tests.annotator.test_review import reviewed  # noqa: F401 - a fixture
from tests.annotator.view import QuietView

pytestmark = pytest.mark.gui
components = pytest.importorskip("napari.components")


def test_statistics_are_numpy_s_and_count_no_invalid_pixel():
    codes = np.random.default_rng(0).integers(-32640, 32641, (40, 50)).astype(np.int16)
    codes[:5] = INVALID_CODE
    region = np.zeros(codes.shape, np.bool_)
    region[2:20, 10:30] = True
    grey = np.full((*codes.shape, 3), 118, np.uint8)  # 18 % of the light
    found = statistics_of(codes, region, {"exposure": grey})
    values = codes[5:20, 10:30] / 32640
    assert (found.pixels, found.valid) == (360, 300)
    assert found.residual.mean == pytest.approx(values.mean())
    assert found.residual.sd == pytest.approx(values.std())
    assert sum(found.residual.counts) == 300
    assert found.zones[0].counts[5] == 300
    assert "60 without valid data" in found.text()
    assert "zone of the exposure: mean 5.01, sd 0.00, V to V" in found.text()
    one = np.zeros(codes.shape, np.bool_)
    one[8, 8] = True
    assert statistics_of(codes, one, {}).residual.sd == 0
    assert statistics_of(codes, one & False, {}) is None
    nothing = np.zeros(codes.shape, np.bool_)
    nothing[0, :4] = True
    assert statistics_of(codes, nothing, {"exposure": grey}).residual is None


def test_a_box_or_a_click_is_measured_and_changes_nothing(at_work):  # noqa: F811
    press(at_work.c, "Shift-I")
    drag(at_work.c, (20, 20), (39, 49))
    image = at_work.session.image
    told = [text for kind, text in at_work.view.told if kind == "measured"]
    assert told[-1].startswith("600 pixels\n")
    assert f"mean {(image.codes[20:40, 20:50] / 32640).mean():+.4f}" in told[-1]
    assert "zone of the reference" in told[-1]
    drag(at_work.c, (20, 20))
    assert len([1 for kind, _ in at_work.view.told if kind == "measured"]) == 2
    assert image.standing == 0


def test_the_loupe_shows_the_pixels_and_their_residual(at_work):  # noqa: F811
    at_work.c.hover((30.0, 40.0))
    assert at_work.view.seen_close is None
    press(at_work.c, "Shift-L")
    seen = at_work.view.seen_close
    assert seen.shape == (168, 336, 3)
    image = at_work.session.image
    assert np.array_equal(seen[4::8, 4:168:8][0], image.exposure[20, 30:51])
    at_work.c.hover((0.0, 0.0))
    assert np.array_equal(at_work.view.seen_close[84, 84], image.exposure[0, 0])
    press(at_work.c, "Shift-L")
    assert at_work.view.seen_close is None


def test_a_hundred_percent_and_back(at_work):  # noqa: F811
    camera = at_work.layers.viewer.scene.camera
    before = camera.zoom, tuple(camera.center)
    at_work.c.hover((30.0, 40.0))
    press(at_work.c, "Shift-Z")
    assert camera.zoom == 1
    share = before[0]
    assert camera.center[-2] == pytest.approx(30 - (30 - before[1][-2]) * share)
    press(at_work.c, "Shift-Z")
    assert (camera.zoom, tuple(camera.center)) == before


def test_the_difference_of_two_people_s_maps(reviewed):  # noqa: F811
    from annotator.session.controller import Controller
    from annotator.window.screen import NapariScreen

    view, screen = QuietView(), NapariScreen(components.ViewerModel())
    controller = Controller(reviewed.review, screen, view)
    controller.flow.start()
    controller.flow.choose(left="Ada", right="Ben")
    press(controller, "Shift-Y")
    wanted = code_difference(reviewed.maps["Ada"], reviewed.maps["Ben"])
    assert wanted[40, 50] == round(0.75 * 32640)
    assert np.array_equal(screen.residual.data, display_levels(wanted))
    controller.hover((40.0, 50.0))
    assert "left less right +0.7500" in view.readout
    press(controller, "Shift-Y")
    assert np.array_equal(screen.residual.data, display_levels(reviewed.maps["Ada"]))


def test_a_difference_stops_at_the_scale_s_end_and_keeps_holes():
    left = np.array([[32640, -32640, INVALID_CODE, 5]], np.int16)
    right = np.array([[-32640, 32640, 0, INVALID_CODE]], np.int16)
    assert code_difference(left, right).tolist() == [[32640, -32640, INVALID_CODE, INVALID_CODE]]


def test_a_pen_s_pressure_is_the_strength_where_it_is_wanted(at_work):  # noqa: F811
    at_work.c.target.set_tools(value=0.5, radius=5.0, feather=0.0)
    at_work.c.pressure = 0.5
    drag(at_work.c, (30, 30), (30, 40))
    image = at_work.session.image
    half = image.base[30, 35] + 0.5 * (16320 - int(image.base[30, 35]))
    assert abs(int(image.codes[30, 35]) - half) <= 1
    assert image.strokes[-1].tool["pressure"] == [0.5, 0.5]
    at_work.c.target.undo()
    press(at_work.c, "8")
    drag(at_work.c, (30, 30), (30, 40))
    assert image.codes[30, 35] == 16320
    assert "pressure" not in image.strokes[-1].tool
