"""Brackets that are none, or whose metadata lie: told, each at the cost of its own scene."""

from pathlib import Path

from iea40k.store.layout import Store
from pipelines.build import build
from pipelines.config import BuildConfig
from tests.pipelines.test_brackets import save
from tests.planted import exposed


def built(folder: Path, captures: list[tuple[float | None, float]]) -> tuple[str, Store]:
    """Build one bracket of (stops that EXIF claims, true stops); return what the build said, and the store."""
    for number, (claimed, true) in enumerate(captures):
        save(folder / f"{number}.jpg", exposed("coffee", true)[:160, :240], ev=claimed, second=number)
    files = "|".join(f"{number}.jpg" for number in range(len(captures)))
    (folder / "m.csv").write_text(f"scene_id,kind,exposures\ns,bracket,{files}\n", encoding="utf-8")
    report = build(folder / "m.csv", folder / "store", BuildConfig(short_side=160))
    (outcome,) = report.outcomes
    return outcome.message, Store.open(folder / "store")


def test_three_equal_frames_are_no_bracket(tmp_path: Path) -> None:
    for number, claimed in enumerate((0.0, None)):
        folder = tmp_path / str(number)
        said, store = built(folder, [(claimed, 0.0)] * 3)
        assert "fewer than two frames of the bracket can be used" in said
        assert "1.jpg: score 1.00, has the EV of 0.jpg" in said
        assert "captures of one exposure are no bracket" in said
        assert store.scene_ids() == []
        assert [entry.scene_id for entry in store.quarantined()] == ["s"]


def test_a_camera_whose_exif_contradicts_its_pixels_is_marked(tmp_path: Path) -> None:
    said, store = built(tmp_path, [(-2, -2), (0, -1), (2, 2)])
    assert said == ""
    scene = store.open_scene("s")
    assert "EXIF's exposures differ from the pixels" in scene.attributes["ev_warning"]
    assert scene.attributes["ev_source"] == "estimated"
    steps = [b - a for a, b in zip(scene.evs, scene.evs[1:], strict=False)]
    assert abs(steps[0] - 1) < 0.25, "the pixels say one stop, where EXIF said two"
    assert abs(steps[1] - 3) < 0.5
