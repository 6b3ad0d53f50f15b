"""Brackets from files to frames, and from folders to manifests."""

import json
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image

from iea40k.errors import AlignmentError, UnreadableImageError
from iea40k.manifest import read_manifest
from iea40k.scene import Scene, SourceFile
from iea40k.tables import read_table
from pipelines.bracket_manifest import find_brackets
from pipelines.brackets import build_bracket
from pipelines.cli.program import run
from pipelines.label_uncertainty import bracket_parts
from tests.planted import exposed, farthest_corner, hand_shake

TAG = ExifTags.Base


def save(
    path: Path,
    pixels: np.ndarray,
    *,
    ev: float | None = None,
    bias: float | None = None,
    minute: int = 4,
    second: int = 0,
) -> Path:
    """Write a JPEG with the metadata of a capture `ev` stops from 1/60 s at f/4, ISO 100."""
    exif = Image.Exif()
    inner = exif.get_ifd(ExifTags.IFD.Exif)
    if ev is not None:
        inner[TAG.ExposureTime] = 2.0**ev / 60
        inner[TAG.FNumber] = 4.0
        inner[TAG.ISOSpeedRatings] = 100
        inner[TAG.DateTimeOriginal] = f"2024:01:02 03:{minute:02}:{second:02}"
    if bias is not None:
        inner[TAG.ExposureBiasValue] = bias
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, quality=95, exif=exif)
    return path


def scene(
    *paths: Path, evs: tuple[float, ...] | None = None, references: tuple[Path, ...] = (), **attributes
) -> Scene:
    def sources(files: tuple[Path, ...]) -> tuple[SourceFile, ...]:
        return tuple(SourceFile(p, p.name) for p in files)

    return Scene(
        "scene", "bracket", sources(paths), evs, sources(references), ("",) * len(references), "", attributes
    )


@pytest.fixture(scope="module")
def shaken(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Path], np.ndarray]:
    """Three hand-held captures with metadata, and the planted motion of the third."""
    folder = tmp_path_factory.mktemp("shaken")
    size = exposed("coffee").shape[1::-1]
    motion = hand_shake(11, size, shift=10)
    pixels = [exposed("coffee"), exposed("coffee", -2, noise=0.3), exposed("coffee", 2, motion)]
    return [
        save(folder / f"{i}.jpg", p, ev=ev, bias=ev, second=i)
        for i, (p, ev) in enumerate(zip(pixels, (0, -2, 2), strict=True))
    ], motion


def test_a_bracket_with_metadata_becomes_registered_frames_and_a_fusion(shaken) -> None:
    paths, motion = shaken
    built = build_bracket(scene(*paths), 512)
    assert built.names == ("0.jpg", "1.jpg", "2.jpg")
    assert built.evs == pytest.approx((0, -2, 2), abs=1e-4)
    assert (built.ev_source, built.rejected) == ("exif", ())
    found = np.array(built.recipe["alignment"]["frames"]["2.jpg"]["homography"])
    assert farthest_corner(found, motion, exposed("coffee").shape[1::-1]) < 1.5
    assert built.validity[:2].all()
    assert not built.validity[2].all()
    assert built.exposures.shape == (3, *built.reference.shape)
    assert built.reference.dtype == built.exposures.dtype == np.uint8
    json.dumps(built.recipe)


def test_a_build_repeats_to_the_byte(shaken) -> None:
    first, second = (build_bracket(scene(*shaken[0]), 200) for _ in range(2))
    assert (first.exposures == second.exposures).all()
    assert (first.reference == second.reference).all()
    assert json.dumps(first.recipe, sort_keys=True) == json.dumps(second.recipe, sort_keys=True)


def test_a_table_wins_and_a_manifest_of_metadata_says_so(shaken) -> None:
    paths, _ = shaken
    assert build_bracket(scene(*paths, evs=(0.5, -1, 3)), 200).ev_source == "table"
    assert build_bracket(scene(*paths, evs=(0, -2, 2), x_ev_source="exif"), 200).ev_source == "exif"


def test_without_metadata_the_evs_are_estimated_and_marked(tmp_path: Path) -> None:
    paths = [save(tmp_path / f"{i}.jpg", exposed("coffee", ev)) for i, ev in enumerate((1, -1, 0))]
    built = build_bracket(scene(*paths), 512)
    assert built.ev_source == "estimated"
    assert built.evs == pytest.approx((1, -1, 0), abs=0.12)


def test_exif_that_is_kept_against_the_pixels_makes_its_labels_less_certain(tmp_path: Path) -> None:
    """Two times that are wrong by 0.42 stops, and no exposure bias that could tell better."""
    evs = (-2.0, -1.0, 0.0, 1.0, 2.0)
    found = []
    for name, told in (("sound", evs), ("wrong", (-2.0, -1.42, 0.0, 1.0, 1.58))):
        paths = [
            save(tmp_path / name / f"{i}.jpg", exposed("coffee", ev), ev=said, second=i)
            for i, (ev, said) in enumerate(zip(evs, told, strict=True))
        ]
        built = build_bracket(scene(*paths), 200)
        assert built.evs == pytest.approx(told, abs=1e-3)
        found.append((built.recipe["evs"]["conflict"], bracket_parts(built)["ev"].mean()))
    (silent, sound), (said, wrong) = found
    assert silent == ""
    assert "EXIF kept" in said
    assert wrong > 2 * sound


def test_a_given_retouch_is_the_reference_and_the_geometry(shaken, tmp_path: Path) -> None:
    paths, motion = shaken
    retouch = save(tmp_path / "reference.jpg", exposed("coffee", 0.3, motion))
    built = build_bracket(scene(*paths, references=(retouch,)), 512)
    assert (built.reference == np.asarray(Image.open(retouch))).all()
    assert built.recipe["reference"]["method"] == "given"
    assert built.validity[2].all()  # taken from where the retouch was
    assert not built.validity[0].all()


def test_a_retouch_that_was_cropped_is_brought_onto_the_captures(shaken, tmp_path: Path) -> None:
    paths, _ = shaken
    cropped = save(tmp_path / "reference.jpg", exposed("coffee", 0.3)[3:-2, 4:-3])
    built = build_bracket(scene(*paths, references=(cropped,)), 512)
    assert built.reference.shape == built.exposures.shape[1:]
    assert not built.validity[:, 0].any()
    inner = np.s_[20:-20, 20:-20]
    assert np.abs(built.reference.astype(int) - exposed("coffee", 0.3))[inner].mean() < 3


def test_a_retouch_of_another_scene_is_refused(shaken, tmp_path: Path) -> None:
    other = save(tmp_path / "reference.jpg", exposed("rocket")[:304, :504])
    with pytest.raises(AlignmentError, match="does not lie on any capture"):
        build_bracket(scene(*shaken[0], references=(other,)), 512)


def test_frames_that_cannot_be_used_are_left_out_by_name(shaken, tmp_path: Path) -> None:
    paths, _ = shaken
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(paths[0].read_bytes()[:2000])
    small = save(tmp_path / "small.jpg", exposed("coffee", 1)[::2, ::2], ev=1, bias=1)
    stranger = save(tmp_path / "stranger.jpg", exposed("rocket", -1)[:304, :504], ev=-1, bias=-1)
    again = save(tmp_path / "again.jpg", exposed("coffee", -2, noise=0.3, seed=5), ev=-2, bias=-2)
    built = build_bracket(scene(*paths, broken, small, stranger, again), 152)
    assert set(built.names) >= {"0.jpg", "2.jpg"}
    why = {name: reason for name, _, reason in built.rejected}
    assert set(why) - {"1.jpg", "again.jpg"} == {"broken.jpg", "small.jpg", "stranger.jpg"}
    assert "252x152" in why["small.jpg"]  # although both have 152 pixels on the shorter side once scaled
    assert len({"1.jpg", "again.jpg"} & set(why)) == 1  # two frames of one EV: the better aligned one stays
    assert "has the EV of" in why.get("again.jpg", "") + why.get("1.jpg", "")


def test_fewer_than_two_frames_are_no_bracket(shaken, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"")
    with pytest.raises(AlignmentError):
        build_bracket(scene(shaken[0][0], broken), 200)
    with pytest.raises(AlignmentError, match="no frame of the bracket can be read"):
        build_bracket(scene(broken, broken), 200)
    with pytest.raises(UnreadableImageError):
        build_bracket(scene(*shaken[0], references=(broken,)), 200)


# ---------------------------------------------------------------- manifests


@pytest.fixture
def walk(tmp_path: Path) -> Path:
    """A mixed folder: two brackets, a single shot, a broken file, a text, and a folder without metadata."""
    picture = exposed("chelsea")[:60, :80]
    for index, (second, ev) in enumerate(((0, 0), (1, -2), (1, 2), (20, 0), (20, -2), (21, 2), (50, 0))):
        save(tmp_path / f"walk/{index}.jpg", picture, ev=ev, bias=ev, second=second)
    (tmp_path / "walk/broken.jpg").write_bytes(b"\xff\xd8\xff")
    (tmp_path / "walk/notes.txt").write_text("sunny")
    for name in ("a", "b"):
        save(tmp_path / f"silent/{name}.jpg", picture)
    save(tmp_path / "silent/reference_final.jpg", picture)
    save(tmp_path / "silent/odd.jpg", picture[:50])
    return tmp_path


def test_a_folder_becomes_a_manifest_that_can_be_read(walk: Path) -> None:
    output = walk / "manifest.csv"
    assert (
        run(["manifest", "brackets", str(walk), "-o", str(output)]) == 1
    )  # a broken and an odd file are listed
    manifest = read_manifest(output, check_digests=True)
    found = {s.scene_id: [e.name for e in s.exposures] for s in manifest.scenes}
    assert found == {
        "silent": ["silent/a.jpg", "silent/b.jpg"],
        "walk_0": ["walk/0.jpg", "walk/1.jpg", "walk/2.jpg"],
        "walk_3": ["walk/3.jpg", "walk/4.jpg", "walk/5.jpg"],
    }
    by_id = {s.scene_id: s for s in manifest.scenes}
    assert by_id["walk_3"].evs == pytest.approx((0, -2, 2), abs=1e-3)
    assert by_id["silent"].evs is None
    assert [r.name for r in by_id["silent"].references] == ["silent/reference_final.jpg"]
    assert all(e.sha256 for s in manifest.scenes for e in s.exposures)


def test_what_is_not_taken_is_said(walk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["manifest", "brackets", str(walk), "-o", str(walk / "m.csv"), "--json", "--no-digests"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert {f["file"] for f in told["failures"]} == {"walk/broken.jpg", "silent/odd.jpg"}
    assert {f["file"] for f in told["left_out"]} == {"walk/6.jpg"}
    assert told["ignored"] == {".txt": 1}


def test_a_manifest_is_the_same_on_every_run(walk: Path) -> None:
    run(["manifest", "brackets", str(walk), "-o", str(walk / "m.csv")])
    first = (walk / "m.csv").read_bytes()
    run(["manifest", "brackets", str(walk), "-o", str(walk / "m.csv")])
    assert (walk / "m.csv").read_bytes() == first


def test_a_manifest_elsewhere_records_its_root(walk: Path, tmp_path_factory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    assert run(["manifest", "brackets", str(walk), "-o", str(elsewhere / "m.csv")]) == 1
    assert run(["manifest", "brackets", str(walk), "-o", str(walk / "m.csv")]) == 1
    away, home = read_table(elsewhere / "m.csv").frame, read_table(walk / "m.csv").frame
    assert set(away.pop("root")) == {walk.as_posix()}
    assert away.equals(home)
    assert read_manifest(elsewhere / "m.csv").scenes == read_manifest(walk / "m.csv").scenes


@pytest.mark.parametrize(
    ("root", "output"), [("photos", "photos/m.csv"), ("photos", "m.csv"), (".", "m.csv")]
)
def test_relative_paths_work_as_absolute_ones(walk: Path, monkeypatch, root: str, output: str) -> None:
    (walk / "photos").mkdir()
    for name in ("walk", "silent"):
        (walk / name).rename(walk / "photos" / name)
    monkeypatch.chdir(walk if root == "photos" else walk / "photos")
    assert run(["manifest", "brackets", root, "-o", output]) == 1
    assert [s.scene_id for s in read_manifest(Path(output)).scenes] == ["silent", "walk_0", "walk_3"]


def test_a_table_of_captures_may_have_its_manifest_elsewhere(
    walk: Path, monkeypatch, tmp_path_factory
) -> None:
    table(walk, "file,scene_id,ev\nsilent/a.jpg,s,0\nsilent/b.jpg,s,1\n")
    monkeypatch.chdir(tmp_path_factory.mktemp("work"))
    captures = os.path.relpath(walk / "captures.csv")
    assert run(["manifest", "brackets", captures, "-o", "lists/m.csv"]) == 0
    assert [e.name for e in read_manifest(Path("lists/m.csv")).scenes[0].exposures] == [
        "silent/a.jpg",
        "silent/b.jpg",
    ]


def test_a_folder_without_brackets_is_bad_input(tmp_path: Path) -> None:
    assert run(["manifest", "brackets", str(tmp_path), "-o", str(tmp_path / "m.csv")]) == 2
    assert run(["manifest", "brackets", str(tmp_path / "none"), "-o", str(tmp_path / "m.csv")]) == 2


def test_a_slow_ladder_and_two_scenes_without_metadata_in_one_folder_are_found(tmp_path: Path) -> None:
    for i, ev in enumerate((-2, -1, 0, 1, 2)):
        save(tmp_path / f"slow/{i}.jpg", exposed("coffee", ev), ev=ev, second=8 * i)
    for name in ("coffee", "astronaut"):
        for ev in (-2, 0, 2):
            save(tmp_path / f"mixed/{name}_{ev + 2}.jpg", exposed(name, ev)[:304, :416])
    found = find_brackets(tmp_path, tmp_path)
    assert [row["exposures"].count("|") + 1 for row in found.rows] == [3, 3, 5]
    assert found.left_out == []


def test_scene_ids_fit_every_system(tmp_path: Path) -> None:
    picture = exposed("chelsea")[:60, :80]
    for folder in ("Straße 1: nachts", "CON", "a"):
        if ":" in folder and cv2.os.name == "nt":
            continue
        for i in (0, 1):
            save(tmp_path / folder / f"{i}.jpg", picture, ev=i, second=i)
    run(["manifest", "brackets", str(tmp_path), "-o", str(tmp_path / "m.csv")])
    assert len(read_manifest(tmp_path / "m.csv").scenes) == 3


def table(folder: Path, text: str) -> Path:
    path = folder / "captures.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_table_of_captures_becomes_a_manifest(walk: Path) -> None:
    captures = table(
        walk,
        "file,scene_id,exposure_time,licence,x_weather\n"
        "silent/a.jpg,garden,1/60,CC0-1.0,sun\n"
        "silent/b.jpg,garden,0.8 s,,\n"
        "walk/0.jpg,,,,\nwalk/1.jpg,,,,\nwalk/2.jpg,,,,\n",
    )
    assert run(["manifest", "brackets", str(captures), "-o", str(walk / "m.csv")]) == 0
    garden, walked = read_manifest(walk / "m.csv", check_digests=True).scenes
    assert garden.scene_id == "garden"
    assert garden.evs == pytest.approx((0, np.log2(48)), abs=1e-3)
    assert garden.attributes["licence"] == "CC0-1.0"
    assert garden.attributes["x_weather"] == "sun"
    assert garden.attributes["x_ev_source"] == "table"
    assert walked.evs == pytest.approx((0, -2, 2), abs=1e-3)
    assert walked.attributes["x_ev_source"] == "exif"


def test_a_table_of_evs_in_a_spreadsheets_dialect(walk: Path) -> None:
    captures = table(
        walk,
        "\ufefffile;scene_id;ev;reference\r\nsilent/a.jpg;s;-1,5;\r\nsilent/b.jpg;s;0;silent/reference_final.jpg\r\n",
    )
    assert run(["manifest", "brackets", str(captures), "-o", str(walk / "m.csv")]) == 0
    (found,) = read_manifest(walk / "m.csv").scenes
    assert found.evs == (-1.5, 0)
    assert [r.name for r in found.references] == ["silent/reference_final.jpg"]


def test_every_bad_cell_of_a_table_is_named_at_once(walk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    captures = table(
        walk,
        "file,scene_id,ev,exposure_time,iso\n"
        "silent/a.jpg,s,0,bulb,100\n"
        "silent/none.jpg,s,1,,\n"
        "../outside.jpg,s,2,,\n"
        ",s,3,,\n"
        "walk/0.jpg,t,0,,-5\n"
        "walk/1.jpg,u,0,,\nwalk/1.jpg,u,1,,\nwalk/2.jpg,u,,,\n"
        "walk/broken.jpg,u,1,,\n",
    )
    assert run(["manifest", "brackets", str(captures), "-o", str(walk / "m.csv")]) == 2
    told = capsys.readouterr().err
    for place in (
        "line 2, column 'exposure_time'",
        "line 3, column 'file'",
        "line 4, column 'file'",
        "line 5, column 'file'",
        "line 6, column 'iso'",
        "line 8, column 'file'",
        "line 9, column 'ev'",
        "line 10, column 'file'",
    ):
        assert place in told
    assert not (walk / "m.csv").exists()


def test_an_unknown_column_of_a_table_is_refused(walk: Path) -> None:
    captures = table(walk, "file,shutter\nsilent/a.jpg,1/60\n")
    assert run(["manifest", "brackets", str(captures), "-o", str(walk / "m.csv")]) == 2


def test_a_retouch_in_a_folder_of_several_scenes_names_its_capture(walk: Path) -> None:
    for name in ("reference_4", "reference_lost"):
        shutil.copy(walk / "walk/4.jpg", walk / f"walk/{name}.jpg")
    found = find_brackets(walk, walk, digests=False)
    by_id = {row["scene_id"]: row["references"] for row in found.rows}
    assert by_id["walk_3"] == "walk/reference_4.jpg"
    assert by_id["walk_0"] == ""
    assert "walk/reference_lost.jpg" in dict(found.left_out)


@pytest.mark.real_data
def test_the_real_folder(real_data: Path, tmp_path: Path) -> None:
    shutil.copytree(real_data / "brackets", tmp_path / "brackets")
    found = find_brackets(tmp_path / "brackets", tmp_path, digests=False)
    assert len(found.rows) == 15
    assert [name for name, _ in found.failures] == ["brackets/pixls_cabin_5/B1010235.jpg"]
    assert len(found.left_out) == 3


@pytest.mark.real_data
def test_mixed_sizes_are_left_out_by_name(real_data: Path) -> None:
    paths = sorted((real_data / "brackets/pixls_cabin_5").glob("*.jpg"))
    built = build_bracket(scene(*paths), 200)
    assert [r[0] for r in built.rejected] == ["B1010235.jpg"]
    assert "600x452" in built.rejected[0][2]
    assert np.array(built.evs) - built.evs[-1] == pytest.approx((4, 3, 1, 0), rel=0.1, abs=0.05)


@pytest.mark.real_data
def test_seven_stops_estimated(real_data: Path) -> None:
    paths = sorted((real_data / "brackets/memorial_16").glob("*.png"))[2:9]
    built = build_bracket(scene(*paths), 384)
    assert built.ev_source == "estimated"
    assert np.array(built.evs) - built.evs[-1] == pytest.approx(np.arange(6, -1, -1), rel=0.06, abs=0.12)
