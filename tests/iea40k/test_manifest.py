import os
from pathlib import Path

import pandas as pd
import pytest

from iea40k.errors import BadInputError, ManifestError, Place
from iea40k.files import sha256_file
from iea40k.manifest import read_manifest, write_manifest


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
