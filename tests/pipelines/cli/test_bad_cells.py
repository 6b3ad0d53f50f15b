"""Bad cells of a manifest cost their rows: named by `manifest check` and by `build`, which builds all others."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from iea40k.store.layout import Store
from pipelines.cli.program import run

NAMES = (
    "a\0.png",
    "x" * 300 + ".png",
    "d" * 5000,
    "circle.png",
    "circle.png/a.png",
    "around/around/around/a.png",
)
"""NUL, names that are too long, a circle of links, a file below it, a folder that leads into itself."""
BAD = [(column, name) for column in ("exposures", "references") for name in NAMES]
BAD += [("scene_id", name) for name in NAMES[:3]]


@pytest.fixture(params=[".csv", ".parquet"])
def manifest(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Two good rows, and between them one for each bad cell."""
    picture = np.random.default_rng(0).integers(0, 255, (40, 56, 3), np.uint8)
    Image.fromarray(picture).save(tmp_path / "a.png")
    (tmp_path / "circle.png").symlink_to("other.png")
    (tmp_path / "other.png").symlink_to("circle.png")
    (tmp_path / "around").symlink_to("around")
    (tmp_path / "build.yaml").write_text("short_side: 40\n")
    good = {"kind": "rendered", "exposures": "a.png", "references": "a.png", "experts": "C", "licence": "MIT"}
    bad = [{"scene_id": f"bad {n}", **good, column: name} for n, (column, name) in enumerate(BAD)]
    rows = pd.DataFrame([{"scene_id": "one", **good}, *bad, {"scene_id": "two", **good}])
    file = tmp_path / f"manifest{request.param}"
    rows.to_csv(file, index=False) if request.param == ".csv" else rows.to_parquet(file)
    return file


def _places(manifest: Path) -> list[tuple[int, str]]:
    """Line and column of each bad cell; a CSV has a line of names, a table of parquet begins with its first row."""
    first = 3 if manifest.suffix == ".csv" else 2
    return [(line, column) for line, (column, _) in enumerate(BAD, first)]


def test_manifest_check_names_every_cell(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["manifest", "check", str(manifest), "--json"]) == 2
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    told = {(problem["line"], problem["column"]) for problem in json.loads(out)["problems"]}
    expected = set(_places(manifest))
    assert expected <= told
    assert {line for line, _ in told} == {line for line, _ in expected}, "a good row is blamed"


def test_build_names_every_cell_and_builds_the_others(
    manifest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = manifest.parent / "store"
    config = str(manifest.parent / "build.yaml")
    assert run(["build", str(manifest), str(store), "--config", config]) == 1
    out, err = capsys.readouterr()
    words = " ".join((out + err).split())
    assert "Traceback" not in words
    for line, column in _places(manifest):
        assert f"line {line}, column '{column}'" in words
    assert "2 built" in words
    assert Store.open(store).scene_ids() == ["one", "two"]


@pytest.mark.parametrize("bad", ["x" * 300 + ".csv", "circle.csv", "circle.csv/m.csv"])
def test_a_path_that_no_file_can_have_is_one_error(
    tmp_path: Path, bad: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "circle.csv").symlink_to("circle.csv")
    place = str(tmp_path / bad)
    for command in (
        ["manifest", "check", place],
        ["build", place, str(tmp_path / "store")],
        ["status", place],
        ["verify", place],
    ):
        assert run(command) == 2, command
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        assert "a fault of this program" not in err
        assert bad[:20] in err.replace("\n", "")
