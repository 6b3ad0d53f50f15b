"""`iea40k manifest check`: shared files, near-twins, leaks of given splits, words that the taxonomy does not have."""

import json
from itertools import product
from pathlib import Path

import pytest
from PIL import Image

from pipelines.cli.program import run
from tests.iea40k.colour.profiles import ink_profile
from tests.planted import exposed

SOLIDS = list(product((0, 1), repeat=4))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, picture in {
        "coffee": exposed("coffee"),
        "coffee again": exposed("coffee", 0.8)[6:, 9:],
        "rocket": exposed("rocket"),
    }.items():
        Image.fromarray(picture).save(tmp_path / f"{name}.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    return tmp_path


def check(folder: Path, rows: str, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, dict]:
    file = folder / "manifest.csv"
    file.write_text(rows, encoding="utf-8")
    code = run(["manifest", "check", str(file), "--json", *more])
    return code, json.loads(capsys.readouterr().out)


def test_near_twins_are_told_and_are_no_fault(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = (
        "scene_id,kind,exposures\na,rendered,coffee.png\nb,rendered,coffee again.png\nc,rendered,rocket.png\n"
    )
    code, found = check(folder, rows, capsys)
    assert code == 0
    assert [(twin["first"], twin["second"]) for twin in found["twins"]] == [("a", "b")]
    assert found["leaks"] == []
    assert check(folder, rows, capsys, "--no-twins")[1]["twins"] == []


def test_a_split_that_divides_near_twins_is_a_leak(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = (
        "scene_id,kind,exposures,split_official\n"
        "a,rendered,coffee.png,train\nb,rendered,coffee again.png,test\nc,rendered,rocket.png,test\n"
    )
    code, found = check(folder, rows, capsys)
    assert code == 1
    (leak,) = found["leaks"]
    assert leak["splits"] == {"a": "train", "b": "test"}


def test_two_scenes_that_share_a_file_are_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "scene_id,kind,exposures,split_x\na,rendered,rocket.png,train\nb,rendered,rocket.png,test\n"
    code, found = check(folder, rows, capsys)
    assert code == 1
    assert found["shared_files"] == [{"file": "rocket.png", "scenes": ["a", "b"]}]
    assert found["leaks"][0]["splits"] == {"a": "train", "b": "test"}


def test_a_shared_file_alone_is_a_problem_unless_it_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = "scene_id,kind,exposures\na,rendered,rocket.png\nb,rendered,rocket.png\n"
    assert check(folder, rows, capsys)[0] == 1
    assert run(["manifest", "check", str(folder / "manifest.csv")]) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "rocket.png: used by 2 scenes: a, b" in said
    assert "1 fault" in said
    assert "no problems" not in said
    rows = "scene_id,kind,exposures,x_composition\na,rendered,rocket.png,one\nb,rendered,rocket.png,one\n"
    assert check(folder, rows, capsys)[0] == 0


def test_a_picture_that_cannot_be_read_is_a_fault(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "scene_id,kind,exposures\na,rendered,broken.png\nb,rendered,rocket.png\n"
    code, found = check(folder, rows, capsys)
    assert code == 1
    assert [entry["scene_id"] for entry in found["not_compared"]] == ["a"]
    assert run(["manifest", "check", str(folder / "manifest.csv")]) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "a: its picture was not compared: " in said
    assert "1 fault" in said
    assert check(folder, rows, capsys, "--no-twins")[0] == 0


def test_what_a_build_reads_by_choice_alone_is_compared(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(exposed("coffee")).save(folder / "no profile.tif")
    paper_to_black = [
        (100.0 - 25 * (c + m + y), 0.0, 0.0) if not k else (0.0, 0.0, 0.0) for c, m, y, k in SOLIDS
    ]
    picture = Image.fromarray(exposed("rocket")).convert("CMYK")
    picture.save(folder / "print.tif", icc_profile=ink_profile(paper_to_black))
    rows = "scene_id,kind,exposures\na,rendered,no profile.tif\nb,rendered,print.tif\n"
    code, found = check(folder, rows, capsys)
    assert (code, found["not_compared"]) == (0, [])


def test_a_class_that_the_taxonomy_does_not_have_is_a_fault_with_its_place(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = "scene_id,kind,exposures,light\na,rendered,rocket.png,nonsense light\n"
    code, found = check(folder, rows, capsys)
    assert code == 1
    (problem,) = found["problems"]
    assert (problem["line"], problem["column"], problem["got"]) == (2, "light", "'nonsense light'")
