"""Frames that a scene was built without are told, with a picture, wherever people look."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from pipelines.cli.program import run
from pipelines.left_out import left_out_of, shown, small_picture
from tests.pipelines.test_brackets import save
from tests.planted import exposed


@pytest.fixture
def store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A store of one scene, built by the command; one of its four captures shows something else."""
    pictures = [exposed("coffee", ev) for ev in (-2, 0, 2)] + [exposed("rocket", 1)[:304, :504]]
    for i, (picture, ev) in enumerate(zip(pictures, (-2, 0, 2, 3), strict=True)):
        save(tmp_path / f"p/{i}.jpg", picture, ev=ev, second=i)
    manifest = tmp_path / "p/manifest.csv"
    assert run(["manifest", "brackets", str(tmp_path / "p"), "-o", str(manifest)]) == 0
    assert run(["build", str(manifest), str(tmp_path / "store")]) == 0
    told = capsys.readouterr().err
    assert "3.jpg left out (score" in " ".join(told.split())
    assert "1 frames left out" in told
    return tmp_path / "store"


def test_status_names_the_frame_its_reason_and_shows_it(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["status", str(store), "--json"]) == 0
    (frame,) = json.loads(capsys.readouterr().out)["left_out"]
    assert frame["name"] == "3.jpg"
    assert frame["score"] < 0.5
    assert "tiles" in frame["reason"]
    picture = shown(frame["picture"])
    assert picture is not None
    wanted = cv2.resize(exposed("rocket", 1)[:304, :504], picture.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(picture.astype(int) - wanted).mean() < 8
    assert run(["status", str(store)]) == 0
    assert "frames left out" in capsys.readouterr().out


def test_the_sheet_shows_it(store: Path, tmp_path: Path) -> None:
    assert run(["status", str(store), "--sheet", str(tmp_path / "sheets")]) == 0
    sheet = np.asarray(Image.open(tmp_path / "sheets/sheet-001.png"))
    rocket = shown(small_picture(exposed("rocket", 1)[:304, :504]))
    assert rocket is not None
    found = cv2.matchTemplate(sheet, cv2.resize(rocket, (168, 101)), cv2.TM_CCOEFF_NORMED)
    assert found.max() > 0.95


def test_a_simulated_scenes_refused_retouch_has_no_score() -> None:
    (frame,) = left_out_of("a", {"rejected": [["expert B", "does not fit"]]})
    assert frame.score is None
    assert frame.line() == "a: expert B left out: does not fit"


def test_a_folder_without_a_bracket_names_every_capture_and_the_way_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for i, name in enumerate(("first.jpg", "second.jpg", "third.jpg")):
        # Twenty minutes are more than any pause that is allowed unasked.
        save(tmp_path / "p" / name, exposed("coffee", 2 * i), ev=2 * i, second=20, minute=20 * i)
    manifest = tmp_path / "p/manifest.csv"
    assert run(["manifest", "brackets", str(tmp_path / "p"), "-o", str(manifest)]) == 2
    told = " ".join(capsys.readouterr().err.split())
    for name in ("first.jpg", "second.jpg", "third.jpg"):
        assert f"left out {name}: no bracket" in told
    assert "--alike-pause" in told
    assert not manifest.exists()
    again = ["manifest", "brackets", str(tmp_path / "p"), "-o", str(manifest), "--alike-pause", "1500"]
    assert run(again) == 0
    assert "1 scenes of 3 captures" in capsys.readouterr().err
