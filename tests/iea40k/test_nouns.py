import os
import pickle
import subprocess
import sys
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iea40k.arrays import check_codes, check_encoded, check_linear
from iea40k.errors import (
    AlreadyExistsError,
    ArrayError,
    BadInputError,
    IEAError,
    ManifestError,
    Place,
    StoreError,
)
from iea40k.files import inside, publish_folder, write_atomic
from iea40k.recipe import canonical_json, digest
from iea40k.scene import BuiltScene, check_scene_id, ev_of_level, level_name


def test_an_error_says_everything_a_line_each():
    error = BadInputError(
        "too dark", where=Place("a.csv", 3, "evs"), expected="light", got="none", remedy="wait"
    )
    lines = str(error).splitlines()
    assert lines[0] == "too dark"
    assert [line.split(":", 1)[1].strip() for line in lines[1:]] == [
        "a.csv, line 3, column 'evs'",
        "light",
        "none",
        "wait",
    ]


def test_errors_survive_the_way_between_processes():
    problems = [BadInputError("one", where=Place("f", 1, "c")), BadInputError("two")]
    error = pickle.loads(pickle.dumps(ManifestError("f.csv", problems)))
    assert isinstance(error, ManifestError)
    assert [p.what for p in error.problems] == ["one", "two"]
    assert "column 'c'" in str(error)


def test_located_keeps_the_first_place():
    assert IEAError("x").located("here").where == "here"
    assert "here" in str(IEAError("x").located("here"))
    assert IEAError("x", where="there").located("here").where == "there"


@given(st.integers(-1200, 1200).map(lambda n: n / 100))
def test_level_names_round_trip(ev):
    assert ev_of_level(level_name(ev)) == ev


def test_the_published_levels():
    assert [level_name(ev) for ev in range(-4, 5)] == ["N4", "N3", "N2", "N1", "P0", "P1", "P2", "P3", "P4"]
    assert level_name(-0.001) == "P0"
    for wrong in ("N", "X1", "P1.234", "P-1", ""):
        with pytest.raises(BadInputError):
            ev_of_level(wrong)


@pytest.mark.parametrize(
    "scene_id",
    ["a0001-jmac_DSC1459", "a4125-jmacdscf0006 (1)", "x", "a+b=c@d,e", "été", "夜景 (1)", "منظر", "हिन्दी"],
)
def test_scene_ids_that_exist_are_allowed(scene_id):
    assert check_scene_id(scene_id) == scene_id


@pytest.mark.parametrize(
    "scene_id",
    [
        "",
        " a",
        "a ",
        "a.",
        "../a",
        "a/b",
        "a\\b",
        "a:b",
        "CON",
        "con.dng",
        "a\nb",
        unicodedata.normalize("NFD", "ü"),
        "a\u202eb",
        "a\u200bb",
        "COM¹",
        "夜" * 67,
        "＝1",
        "a\ud800",
        "=1",
        "a" * 129,
        ".hidden",
        "-x",
    ],
)
def test_scene_ids_that_break_a_file_system_or_a_spreadsheet_are_refused(scene_id):
    with pytest.raises(BadInputError):
        check_scene_id(scene_id)


def test_a_built_scene_checks_its_arrays():
    good = {
        "scene_id": "s", "exposures": np.zeros((2, 4, 6, 3), np.uint8), "reference": np.zeros((4, 6, 3), np.uint8),
        "residual": np.zeros((2, 4, 6), np.int16), "outliers": np.zeros((2, 4, 6), np.uint8), "evs": (0.0, 1.0),
        "levels": ("P0", "P1"), "review_priority": (0.0, 0.0), "attributes": {}, "recipe": {},
    }  # fmt: skip
    BuiltScene(**good)
    for change in (
        {"exposures": np.zeros((2, 4, 5, 3), np.uint8)},
        {"residual": np.zeros((2, 4, 6), np.int32)},
        {"residual": np.full((2, 4, 6), 32641, np.int16)},
        {"levels": ("P0", "P0")},
        {"uncertainty": np.zeros((4, 6), np.float32)},
        {"evs": (), "levels": (), "review_priority": ()},
    ):
        with pytest.raises(ArrayError):
            BuiltScene(**{**good, **change})


def test_array_checks_name_what_is_wrong():
    with pytest.raises(ArrayError, match="at least 2 pixels"):
        check_encoded(np.zeros((1, 1, 3), np.uint8))
    with pytest.raises(ArrayError, match="shape"):
        check_encoded(np.zeros((4, 4), np.uint8))
    light = np.ones((4, 4, 3), np.float32)
    check_linear(light * 7)
    for bad in (np.nan, np.inf, -0.1):
        broken = light.copy()
        broken[1, 2, 0] = bad
        with pytest.raises(ArrayError):
            check_linear(broken)
    with pytest.raises(ArrayError, match="mean nothing"):
        check_codes(np.array([[-32767]], np.int16))


def test_recipes_have_one_digest_whatever_their_order_or_type():
    first = {"b": np.float64(0.1) + 0.2, "a": (1, np.int64(2)), "p": None}
    second = {"p": None, "a": [1, 2], "b": 0.3}
    assert canonical_json(first) == canonical_json(second)
    assert digest(first) == digest(second)
    assert digest(first) != digest({**second, "a": [2, 1]})


def test_write_atomic_replaces_whole_or_refuses(tmp_path):
    file = tmp_path / "sub" / "x.json"
    write_atomic(file, "one")
    write_atomic(file, "two")
    assert file.read_text() == "two"
    with pytest.raises(AlreadyExistsError):
        write_atomic(file, "three", overwrite=False)
    assert file.read_text() == "two"
    assert [p.name for p in file.parent.iterdir()] == ["x.json"]


def test_a_published_folder_is_never_overwritten(tmp_path):
    for name in ("new", "old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "f").write_text(name)
    with pytest.raises(AlreadyExistsError):
        publish_folder(tmp_path / "new", tmp_path / "old")
    assert (tmp_path / "old" / "f").read_text() == "old"
    publish_folder(tmp_path / "new", tmp_path / "there")
    assert (tmp_path / "there" / "f").read_text() == "new"


def test_paths_stay_inside(tmp_path):
    assert inside(tmp_path, "a/./b") == tmp_path.resolve() / "a" / "b"
    with pytest.raises(BadInputError):
        inside(tmp_path, "a/../../b")


FULL_DISK = """
import resource, sys
from pathlib import Path
from iea40k.files import write_atomic
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
write_atomic(Path(sys.argv[1]), b"x" * 5000)
"""


@pytest.mark.skipif(os.name == "nt", reason="POSIX limits")
def test_a_write_that_does_not_fit_leaves_what_was_there(tmp_path):
    file = tmp_path / "x"
    write_atomic(file, "before")
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "DiskError" in done.stderr
    assert file.read_text() == "before"
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can mount a tiny disk")
def test_a_full_disk_is_named(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], check=False).returncode:
        pytest.skip("this machine does not allow mounting a tmpfs")
    try:
        with pytest.raises(StoreError, match="disk is full"):
            write_atomic(disk / "x", b"x" * 200_000)
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", disk], check=True)
