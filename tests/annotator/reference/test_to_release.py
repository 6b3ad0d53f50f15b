"""The whole way of a zone edit: asked for in the queue, made in the window, accepted, released."""

from pathlib import Path

import numpy as np
import pytest

from annotator.actions import press
from annotator.session.review import Review
from annotator.session.session import Session
from iea40k.arrays import validity_from_codes
from iea40k.residuals import residual_codes
from iea40k.store.layout import Store
from iea40k.store.release import Release
from pipelines.cli.program import run
from tests.annotator.reference.test_target import at
from tests.annotator.test_controller import drag

pytestmark = pytest.mark.gui


def test_an_accepted_edit_is_in_the_release_with_its_residuals_and_its_author(store: Store, tmp_path: Path):
    place = str(store.path)
    assert run(["queue", place, "add", "--references", "--where", "scene_id == 's1'", "--priority", "1"]) == 0
    made = at(Session.open(store.path, "Ada", folders=tmp_path / "desks"))
    press(made.c, "P")
    made.z.adjust(lambda t: t.with_zone(6.5))
    drag(made.c, (30.0, 20.0), (30.0, 100.0))
    press(made.c, "A")
    drag(made.c, (70.0, 64.0))
    edited = made.session.reference.picture.copy()
    touched = made.session.reference.touched.copy()
    press(made.c, "Control-Enter")
    assert made.session.work is None
    made.session.close()

    def released(version: str) -> Release:
        out = tmp_path / version
        assert run(["release", place, str(out), "--version", version]) == 0
        assert run(["verify", str(out)]) == 0
        return Release.open(out)

    def reference_in(release: Release) -> np.ndarray:
        row = release.scenes.set_index("scene_id").loc["s1"]
        return np.asarray(release.array(str(row["frame"]), "reference")[int(row["index"])])

    scene = store.open_scene("s1")
    before = released("1.0.0")  # handed in, and not accepted yet: it does not count
    assert np.array_equal(reference_in(before), scene.reference())
    assert len(before.provenance) == 0

    review = at(Review.open(store.path, "Cy", folders=tmp_path / "desks"))
    assert np.array_equal(review.layers.picture.data, edited)
    press(review.c, "Control-Enter")
    review.session.close()

    after = released("1.1.0")
    assert np.array_equal(reference_in(after), edited)
    assert not np.array_equal(edited, scene.reference())
    for row in after.images[after.images["scene_id"] == "s1"].to_dict("records"):
        level, index, frame = str(row["level"]), int(row["index"]), str(row["frame"])
        valid = validity_from_codes(scene.residual(level))
        wanted = residual_codes(edited, scene.exposure(level)[None], valid)[0]
        assert np.array_equal(after.array(frame, "residual")[index], wanted)
        assert not np.array_equal(wanted, scene.residual(level))
    mine = after.provenance
    assert set(mine["scene_id"]) == {"s1"}
    assert set(mine["level"]) == set(scene.levels)
    assert set(mine["annotator"]) == {"Ada"}
    assert set(mine["purpose"]) == {"reference"}
    assert set(mine["pixels"]) == {int(touched.sum())}
