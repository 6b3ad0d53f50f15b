import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from iea40k.errors import BadInputError, ManifestError, Place
from iea40k.files import sha256_file
from iea40k.manifest import read_manifest, write_manifest
from iea40k.roots import Root, recorded_as, root_for


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("a.dng", "b.jpg", "c.jpg", "ref (1).png"):
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path


def write(root: Path, text: str | bytes) -> Path:
    file = root / "manifest.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def places(error: ManifestError) -> set[tuple[int | None, str | None]]:
    return {(p.where.line, p.where.column) for p in error.problems if isinstance(p.where, Place)}


GOOD = "scene_id,kind,exposures,evs,references,experts,licence,x_note\n"


def test_rows_become_scenes(root):
    file = write(
        root, GOOD + "one,raw,a.dng,,ref (1).png,C,CC0,hello\ntwo (2),bracket,b.jpg|c.jpg,-1|+1.5,,,,\n"
    )
    one, two = read_manifest(file).scenes
    assert (one.scene_id, one.kind, one.simulation, one.experts) == ("one", "raw", "ev", ("C",))
    assert one.exposures[0].path == root / "a.dng"
    assert one.references[0].name == "ref (1).png"
    assert one.attributes == {"experts": "C", "licence": "CC0", "x_note": "hello"}
    assert (two.evs, two.simulation, [s.name for s in two.exposures]) == ((-1.0, 1.5), "", ["b.jpg", "c.jpg"])


def test_excel_files_are_read(root):
    text = "\ufeffscene_id;kind;exposures;evs\r\none;bracket;b.jpg|c.jpg;-0,5|1\r\n\r\n"
    assert read_manifest(write(root, text)).scenes[0].evs == (-0.5, 1.0)


def test_every_bad_row_is_reported_at_once(root):
    file = write(
        root,
        GOOD
        + "ok,raw,a.dng,,,,,\n"
        + "bad/id,raw,a.dng,,,,,\n"  # line 3
        + "kind,video,a.dng,,,,,\n"  # 4
        + '"x\ny",raw,a.dng,,,,,\n'  # 5-6: a cell with a line break
        + "gone,raw,missing.dng,,,,,\n"  # 7
        + "counts,bracket,b.jpg|c.jpg,1|2|3,,,,\n"  # 8
        + "number,bracket,b.jpg|c.jpg,1|zwei,,,,\n"  # 9
        + "empty,raw,,,,,,\n"  # 10
        + "OK,raw,a.dng,,,,,\n"  # 11: as line 2 but for case
        + "experts,raw,a.dng,,ref (1).png,A|B,,\n",  # 12
    )
    with pytest.raises(ManifestError) as caught:
        read_manifest(file)
    assert places(caught.value) == {
        (2, "scene_id"), (3, "scene_id"), (4, "kind"), (5, "scene_id"), (7, "exposures"), (8, "evs"), (9, "evs"),
        (10, "exposures"), (11, "scene_id"), (12, "experts"),
    }  # fmt: skip
    letter = str(caught.value)
    assert f"{file}, line 9, column 'evs'" in letter
    assert "zwei" in letter


def test_keep_going_gives_the_good_rows_and_names_the_bad(root):
    manifest = read_manifest(
        write(root, GOOD + "one,raw,a.dng,,,,,\ntwo,raw,gone.dng,,,,,\n"), keep_going=True
    )
    assert [s.scene_id for s in manifest.scenes] == ["one"]
    assert manifest.lines == {"one": 2}
    assert len(manifest.problems) == 1
    assert "gone.dng" in str(manifest.problems[0])


@pytest.mark.parametrize("path", ["../a.dng", "/etc/passwd", "sub/../../a.dng", "C:\\a.dng", "..\\a.dng"])
def test_paths_may_not_leave_the_root(root, path):
    with pytest.raises(ManifestError, match="may not leave"):
        read_manifest(write(root, f'scene_id,kind,exposures\none,raw,"{path}"\n'))


@pytest.mark.skipif(os.name == "nt", reason="symlinks need rights on Windows")
def test_symlinks_may_not_leave_the_root(root, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "secret.dng"
    outside.write_bytes(b"x")
    (root / "link.dng").symlink_to(outside)
    (root / "inner.dng").symlink_to(root / "a.dng")
    with pytest.raises(ManifestError, match="symlink leads out"):
        read_manifest(write(root, "scene_id,kind,exposures\none,raw,link.dng\n"))
    assert read_manifest(write(root, "scene_id,kind,exposures\none,raw,inner.dng\n")).scenes


def test_digests_are_compared_where_given(root):
    right, wrong = sha256_file(root / "a.dng"), "0" * 64
    text = "scene_id,kind,exposures,exposures_sha256\none,raw,a.dng,{}\n"
    assert read_manifest(write(root, text.format(right.upper())), check_digests=True).scenes
    with pytest.raises(ManifestError, match="not the one the manifest describes"):
        read_manifest(write(root, text.format(wrong)), check_digests=True)
    with pytest.raises(ManifestError, match="64 hex digits"):
        read_manifest(write(root, text.format("abc")))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"scene_id,kind,exposures\n", "no rows"),
        (b"scene_id,kind\none,raw\n", "a column is missing"),
        (b"scene_id,kind,exposures,evz\none,raw,a.dng,\n", "unknown"),
        (b"scene_id,kind,exposures,kind\none,raw,a.dng,raw\n", "appear twice"),
        (b"scene_id,kind,exposures\none,raw\n", "another number of cells"),
        ("scene_id,kind,exposures\n\u00fc,raw,a.dng\n".encode("latin-1"), "not UTF-8"),
        ("scene_id,kind,exposures\none,raw,a.dng\n".encode("utf-16"), "UTF-16"),
        (b'scene_id,kind,exposures\n"one,raw,a.dng\n', "cannot be read"),
    ],
)
def test_broken_tables_are_one_clear_error(root, content, says):
    with pytest.raises(BadInputError, match=says):
        read_manifest(write(root, content))


def test_a_missing_file_and_a_false_parquet(root):
    with pytest.raises(BadInputError, match="no such file"):
        read_manifest(root / "nothing.csv")
    (root / "false.parquet").write_bytes(b"not parquet")
    with pytest.raises(BadInputError, match="not a parquet"):
        read_manifest(root / "false.parquet")


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_write_then_read(root, suffix):
    rows = pd.DataFrame(
        [
            {
                "scene_id": 'quote "x", comma'.replace('"', ""),
                "kind": "raw",
                "exposures": "a.dng",
                "x_b": "1",
                "x_a": None,
            }
        ]
    )
    file = root / f"out{suffix}"
    write_manifest(rows, file)
    scene = read_manifest(file).scenes[0]
    assert scene.scene_id == "quote x, comma"
    assert scene.attributes == {"x_b": "1"}
    first = file.read_bytes()
    write_manifest(rows[rows.columns[::-1]], file)
    assert file.read_bytes() == first  # column order is fixed


def elsewhere(root: Path, recorded: str) -> Path:
    file = root / "lists" / "manifest.csv"
    file.parent.mkdir(exist_ok=True)
    rows = pd.DataFrame([{"scene_id": "one", "kind": "raw", "exposures": "a.dng", "licence": "CC0"}])
    write_manifest(rows, file, root=recorded)
    return file


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_manifest_may_lie_anywhere(root, tmp_path_factory, suffix):
    file = tmp_path_factory.mktemp("work") / f"m{suffix}"
    rows = pd.DataFrame([{"scene_id": "one", "kind": "raw", "exposures": "a.dng"}])
    write_manifest(rows, file, root=recorded_as(root, file))
    manifest = read_manifest(file)
    assert manifest.root == root
    assert manifest.scenes[0].exposures[0].path == root / "a.dng"
    assert manifest.scenes[0].attributes == {}


def test_a_relative_root_moves_along_with_the_project(root, tmp_path_factory):
    read_manifest(elsewhere(root, ".."))
    moved = tmp_path_factory.mktemp("new") / "project"
    shutil.copytree(root, moved)
    assert read_manifest(moved / "lists" / "manifest.csv").scenes[0].exposures[0].path == moved / "a.dng"


def test_a_root_is_recorded_as_it_was_given(root, monkeypatch):
    monkeypatch.chdir(root)
    assert root_for(Path("sub"), Path("m.csv")) == Root(root)
    assert root_for(Path(), Path("m.csv")) == Root(root)
    assert root_for(Path("sub"), Path("lists/m.csv")) == Root(Path("sub"), "../sub")
    assert root_for(root / "sub", Path("lists/m.csv")) == Root(root / "sub", (root / "sub").as_posix())


def test_a_root_on_another_drive_is_recorded_as_an_absolute_path(root, monkeypatch):
    def refuse(*_):
        raise ValueError("path is on mount 'D:', start on mount 'C:'")  # as ntpath.relpath does

    monkeypatch.chdir(root)
    monkeypatch.setattr("os.path.relpath", refuse)
    assert recorded_as(Path("sub"), Path("lists/m.csv")) == (root / "sub").as_posix()


@pytest.mark.parametrize("recorded", ["../gone", "/gone/for/good", "D:/photos", "nul\0", "x" * 5000])
def test_a_root_that_is_gone_is_one_error_with_the_way_out(root, recorded):
    with pytest.raises(BadInputError, match="--root") as caught:
        read_manifest(elsewhere(root, recorded), keep_going=True)
    assert caught.value.where == Place(root / "lists" / "manifest.csv", 2, "root")
    assert read_manifest(elsewhere(root, recorded), root=root).scenes


def test_paths_may_not_leave_a_recorded_root(root):
    (root / "sub").mkdir()
    file = elsewhere(root, "../sub")
    file.write_text(file.read_text().replace("a.dng", "../a.dng"))
    with pytest.raises(ManifestError, match="may not leave"):
        read_manifest(file)


def test_rows_of_two_roots_are_refused(root):
    file = elsewhere(root, "..")
    with file.open("a") as stream:
        stream.write(file.read_text().splitlines()[1].replace("one", "two").replace("..", "../sub") + "\n")
    with pytest.raises(BadInputError, match="two roots"):
        read_manifest(file)


@pytest.mark.parametrize(
    "name", ["a\0.dng", "x" * 300 + ".dng", "circle.dng", "circle.dng/a.dng", "d" * 5000]
)
@pytest.mark.parametrize("column", ["exposures", "references"])
def test_a_name_that_no_file_can_have_costs_its_row(root, name, column):
    (root / "circle.dng").symlink_to(root / "circle.dng")
    cells = {"exposures": "a.dng", "references": "", column: name}
    text = f"scene_id,kind,exposures,references\nok,raw,a.dng,\nbad,raw,{cells['exposures']},{cells['references']}\n"
    manifest = read_manifest(write(root, text), keep_going=True)
    assert [scene.scene_id for scene in manifest.scenes] == ["ok"]
    assert [(p.where.line, p.where.column) for p in manifest.problems] == [(3, column)]


def test_a_sound_manifest_is_read_without_pandera(tmp_path: Path) -> None:
    # Importing it takes a second, which `status` and `queue add` cannot spare.
    (tmp_path / "m.csv").write_text("scene_id,kind,exposures,licence\nharbour,rendered,a.png,CC0-1.0\n")
    program = (
        "import sys\n"
        "from iea40k.manifest_labels import read_rows\n"
        "print(list(read_rows(sys.argv[1])), 'pandera' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "m.csv")], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[('harbour', {'licence': 'CC0-1.0'}, {'a.png': None})] False\n"
