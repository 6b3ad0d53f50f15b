"""A dataset lives: scenes come, go, are licensed anew and rebuilt, and a release says what became of them."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from iea40k.manifest import read_manifest
from iea40k.store.digests import array_digest
from iea40k.store.layout import Store
from iea40k.store.ledger import CorrectionDraft, Ledger, MapKey, PackedPatch, Patch
from iea40k.store.ledger.overview import listing
from iea40k.store.release import Outgoing, Release, ReleaseOptions, write_release
from iea40k.store.sources import read_changes
from iea40k.store.verify import verify_store
from iea40k.store.withdrawn import Withdrawn
from pipelines.cli.program import run
from pipelines.config import read_config
from tests.planted import exposed

SCENES = ("astronaut", "chelsea", "coffee", "rocket")
HEAD = "scene_id,kind,exposures,references,licence,light\n"
CONFIG = "short_side: 64\nevs: [-1, 0, 1]\n"


def row(name: str, licence: str = "CC0-1.0", light: str = "") -> str:
    return f"{name},rendered,{name}.png,{name} retouched.png,{licence},{light}\n"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with photographs, their manifest, and the store built from it."""
    folder = tmp_path_factory.mktemp("living")
    for name in SCENES:
        Image.fromarray(exposed(name)[::4, ::4]).save(folder / f"{name}.png")
        Image.fromarray(exposed(name, 0.3)[::4, ::4]).save(folder / f"{name} retouched.png")
    (folder / "manifest.csv").write_text(HEAD + "".join(map(row, SCENES)), encoding="utf-8")
    (folder / "config.yaml").write_text(CONFIG, encoding="utf-8")
    assert rebuild(folder) == 0
    return folder


@pytest.fixture
def folder(built: Path, tmp_path: Path) -> Path:
    """A copy of its own: photographs, manifest and store, which finds its manifest where it lay beside it."""
    shutil.copytree(built, tmp_path / "living")
    hidden = built / "manifest.csv"
    hidden.rename(built / "elsewhere.csv")
    return tmp_path / "living"


@pytest.fixture(autouse=True)
def put_back(built: Path) -> object:
    yield
    if (built / "elsewhere.csv").exists():
        (built / "elsewhere.csv").rename(built / "manifest.csv")


def rebuild(folder: Path, *more: str) -> int:
    arguments = [str(folder / "manifest.csv"), str(folder / "store"), "--config", str(folder / "config.yaml")]
    return run(["build", *arguments, *more])


def release(folder: Path, version: str, *more: str) -> int:
    return run(["release", str(folder / "store"), str(folder / version), "--version", version, *more])


def write(folder: Path, *rows: str) -> None:
    (folder / "manifest.csv").write_text(HEAD + "".join(rows), encoding="utf-8")


def test_a_withdrawn_scene_is_never_released_and_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert release(folder, "1.0.0") == 0
    write(folder, row("astronaut"), row("chelsea"), row("coffee"))
    capsys.readouterr()
    assert release(folder, "1.1.0") == 0
    assert "rocket: no longer in the manifest" in capsys.readouterr().err
    cut = Release.open(folder / "1.1.0")
    assert sorted(cut.scenes["scene_id"]) == ["astronaut", "chelsea", "coffee"]
    assert cut.head["withdrawn"] == [{"scene_id": "rocket", "reason": "no longer in the manifest"}]
    assert "| rocket | no longer in the manifest |" in (cut.path / "README.md").read_text("utf-8")
    assert run(["diff", str(folder / "1.0.0"), str(folder / "1.1.0")]) == 0
    assert "withdrawn:                  rocket: no longer in the manifest" in capsys.readouterr().out
    assert [(c["scene_id"], c["what"]) for c in read_changes(Store.open(folder / "store"))] == [
        ("rocket", "withdrawn")
    ]
    assert verify_store(Store.open(folder / "store")) == []
    write(folder, *map(row, SCENES))
    assert release(folder, "1.2.0") == 0
    assert len(Release.open(folder / "1.2.0").scenes) == 4


def test_a_withdrawn_scene_is_not_put_into_the_queue_and_labels_are_todays(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, row("astronaut", light="midday_sun"), row("chelsea"), row("coffee"))
    capsys.readouterr()
    assert run(["queue", str(folder / "store"), "add", "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["new"] == 9
    assert "not offered, no longer in the manifest (1): rocket" in told.err
    with Ledger.open(folder / "store") as ledger:
        assert {r["scene_id"] for r in listing(ledger, state=None, limit=99)} == {
            "astronaut",
            "chelsea",
            "coffee",
        }
    assert run(["queue", str(folder / "store"), "add", "--where", "light == 'midday_sun'", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["unchanged"] == 3


def test_a_scene_withdrawn_after_it_was_queued_is_given_to_nobody_and_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    queue = ["queue", str(folder / "store")]
    assert run([*queue, "add", "--where", "level == 'P0'"]) == 0
    write(folder, row("astronaut"), row("chelsea"), row("coffee"))
    capsys.readouterr()
    assert run([*queue, "list"]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "images given to nobody, since the manifest lists their scenes no longer (1; what" in said
    assert "rocket (1)" in said
    assert run([*queue, "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["withdrawn"] == {"rocket": 1}
    assert run([*queue, "assign", "--to", "Anna", "--new", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"Anna": 3}
    assert run(["status", str(folder / "store")]) == 0
    assert "the queue gives them to nobody (1): rocket" in " ".join(capsys.readouterr().out.split())
    write(folder, *map(row, SCENES))
    assert run([*queue, "assign", "--to", "Anna", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"Anna": 1}


def test_withdrawn_scenes_are_known_where_the_manifest_is_out_of_reach(folder: Path) -> None:
    store = Store.open(folder / "store")
    withdrawn = Withdrawn(store)
    assert withdrawn.now() == frozenset()
    write(folder, row("astronaut"), row("chelsea"), row("coffee"))
    assert withdrawn.now() == {"rocket"}
    assert release(folder, "1.0.0") == 0
    (folder / "manifest.csv").unlink()
    assert withdrawn.now() == Withdrawn(store).now() == {"rocket"}
    (folder / "store" / "manifests.json").write_text("{}", encoding="utf-8")
    assert withdrawn.now() == frozenset()


@pytest.fixture
def read_only(folder: Path) -> Iterator[Path]:
    """The folder, where nothing can be written any more: not even by root."""
    command = shutil.which("mount")
    mounted = command and subprocess.run(
        [command, "--bind", folder, folder], capture_output=True, check=False
    )
    if not mounted or mounted.returncode:
        pytest.skip("only root may mount a folder to be read only")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def test_a_store_that_cannot_be_written_is_released_to_another_place(
    read_only: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = str(read_only / "store")
    assert run(["release", store, str(tmp_path / "out"), "--version", "1.0.0"]) == 0
    assert "are noted in this release alone" in capsys.readouterr().err
    assert run(["verify", str(tmp_path / "out")]) == 0
    assert len(Release.open(tmp_path / "out").scenes) == 4
    assert run(["release", store, str(tmp_path / "again"), "--version", "1.0.0"]) == 0
    assert Release.open(tmp_path / "again").root == Release.open(tmp_path / "out").root


def test_corrections_of_a_store_that_cannot_be_written_need_a_copy_of_its_ledger(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    assert run(["queue", str(folder / "store"), "add"]) == 0
    store = str(request.getfixturevalue("read_only") / "store")
    assert run(["release", store, str(tmp_path / "out"), "--version", "1.0.0"]) == 2
    assert "--ledger FOLDER" in capsys.readouterr().err
    (tmp_path / "ledger").mkdir()
    shutil.copy(folder / "store" / "ledger.sqlite", tmp_path / "ledger")
    copied = ["--ledger", str(tmp_path / "ledger")]
    assert run(["release", store, str(tmp_path / "out"), "--version", "1.0.0", *copied]) == 0


def test_the_function_withdraws_as_the_command_does(folder: Path) -> None:
    write(folder, row("astronaut"), row("chelsea"), row("coffee", "MIT"))
    cut = write_release(Store.open(folder / "store"), folder / "out", ReleaseOptions("1.0.0"))
    assert sorted(cut.scenes["scene_id"]) == ["astronaut", "chelsea", "coffee"]
    assert cut.head["licences"] == {"CC0-1.0": 2, "MIT": 1}
    all_of_them = write_release(
        Store.open(folder / "store"), folder / "all", ReleaseOptions("1.0.1"), outgoing=Outgoing()
    )
    assert len(all_of_them.scenes) == 4


def test_a_scene_is_licensed_and_labelled_anew_without_a_build(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert release(folder, "1.0.0") == 0
    write(folder, row("astronaut", "CC-BY-4.0", "midday_sun"), *map(row, SCENES[1:]))
    before = (folder / "store/scenes/astronaut/zarr.json").read_bytes()
    assert release(folder, "1.1.0") == 0
    assert (folder / "store/scenes/astronaut/zarr.json").read_bytes() == before
    images = Release.open(folder / "1.1.0").images.set_index("scene_id")
    assert set(images.loc["astronaut", "licence"]) == {"CC-BY-4.0"}
    assert set(images.loc["astronaut", "light"]) == {"midday_sun"}
    assert set(images.loc["coffee", "licence"]) == {"CC0-1.0"}
    assert run(["verify", str(folder / "1.1.0")]) == 0
    capsys.readouterr()
    assert run(["diff", str(folder / "1.0.0"), str(folder / "1.1.0"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(c["scene_id"], c["column"], c["new"]) for c in found["labels_changed"]] == [
        ("astronaut", "licence", "CC-BY-4.0"),
        ("astronaut", "light", "midday_sun"),
    ]
    assert found["images_changed"] == []
    changes = read_changes(Store.open(folder / "store"))
    assert [(c["what"], c["old"], c["new"]) for c in changes] == [
        ("licence", "CC0-1.0", "CC-BY-4.0"),
        ("light", "", "midday_sun"),
    ]
    assert rebuild(folder) == 0
    assert "4 kept" in capsys.readouterr().err


def test_a_changed_line_of_the_record_of_changes_is_found(folder: Path) -> None:
    write(folder, row("astronaut", "CC-BY-4.0"), row("chelsea", "CC-BY-4.0"), *map(row, SCENES[2:]))
    assert release(folder, "1.0.0") == 0
    file = folder / "store/changes.jsonl"
    lines = file.read_text("utf-8").splitlines()
    file.write_text(lines[0].replace("CC-BY", "GPL") + "\n" + lines[1] + "\n", encoding="utf-8")
    with pytest.raises(Exception, match="not what was written"):
        read_changes(Store.open(folder / "store"))
    assert any(
        "not what was written" in str(problem) for problem in verify_store(Store.open(folder / "store"))
    )


def test_one_changed_reference_rebuilds_its_scene_alone(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    others = {name: (folder / f"store/scenes/{name}/zarr.json").read_bytes() for name in SCENES[1:]}
    was = Store.open(folder / "store").read_scene("astronaut").reference
    Image.fromarray(exposed("astronaut", 0.6)[::4, ::4]).save(folder / "astronaut retouched.png")
    capsys.readouterr()
    assert rebuild(folder) == 0
    said = capsys.readouterr().err
    assert "astronaut: built again, since" in said
    assert "astronaut retouched.png changed" in said
    assert "0 built, 1 rebuilt, 3 kept, 0 quarantined" in said
    store = Store.open(folder / "store")
    assert (store.read_scene("astronaut").reference != was).any()
    assert {name: (folder / f"store/scenes/{name}/zarr.json").read_bytes() for name in SCENES[1:]} == others
    assert store.quarantined() == []
    assert verify_store(store) == []
    assert rebuild(folder) == 0
    assert "0 built, 0 rebuilt, 4 kept" in capsys.readouterr().err


def test_a_changed_file_that_cannot_be_built_keeps_the_scene_and_stops_a_release(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = (folder / "coffee retouched.png").read_bytes()
    (folder / "coffee retouched.png").write_bytes(b"no picture any more")
    assert rebuild(folder) == 1
    store = Store.open(folder / "store")
    assert [entry.scene_id for entry in store.quarantined()] == ["coffee"]
    assert store.has_scene("coffee")
    assert release(folder, "1.0.0") == 1
    assert "coffee (its newer files could not be built)" in capsys.readouterr().err
    (folder / "coffee retouched.png").write_bytes(good)
    assert rebuild(folder) == 0
    assert store.quarantined() == []
    assert release(folder, "1.0.0") == 0


def test_another_configuration_is_said_to_be_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "config.yaml").write_text("short_side: 48\nevs: [-1, 0, 1]\n", encoding="utf-8")
    assert rebuild(folder) == 1
    said = capsys.readouterr().err
    assert "built with another configuration" in said
    assert "0 quarantined" in said
    assert " refused, 0 quarantined" in said
    assert Store.open(folder / "store").quarantined() == []


def test_excluded_scenes_stay_behind_with_their_reason(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "not yet.txt").write_text("# waiting\ncoffee, the owner | was not asked\n\n", encoding="utf-8")
    assert release(folder, "1.0.0", "--exclude", str(folder / "not yet.txt")) == 0
    cut = Release.open(folder / "1.0.0")
    assert "coffee" not in set(cut.scenes["scene_id"])
    assert cut.head["withdrawn"] == [{"scene_id": "coffee", "reason": "excluded: the owner | was not asked"}]
    assert run(["verify", str(cut.path)]) == 0
    (folder / "not yet.txt").write_text("coffe\n", encoding="utf-8")
    assert release(folder, "1.0.1", "--exclude", str(folder / "not yet.txt")) == 2
    assert "line 1: coffe" in capsys.readouterr().err
    assert not (folder / "1.0.1").exists()


def test_a_scene_without_a_licence_stops_a_release(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, row("astronaut", ""), *map(row, SCENES[1:]))
    assert release(folder, "1.0.0") == 2
    assert "1 of 4 without: astronaut" in capsys.readouterr().err
    assert release(folder, "1.0.0", "--allow-unlicensed") == 0
    assert set(Release.open(folder / "1.0.0").images["licence"]) == {"CC0-1.0", "not stated"}


def test_a_manifest_that_lost_half_its_rows_stops_a_release(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, row("astronaut"), row("chelsea"))
    assert release(folder, "1.0.0") == 2
    assert "2 of them are gone: coffee, rocket" in capsys.readouterr().err
    assert release(folder, "1.0.0", "--allow-withdrawn") == 0
    assert len(Release.open(folder / "1.0.0").scenes) == 2
    assert release(folder, "1.0.1") == 0, "they are known to be withdrawn now"


def test_a_build_from_a_manifest_that_lost_rows_says_so(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, row("astronaut"), row("chelsea"))
    assert rebuild(folder) == 0
    assert (
        "no longer in the manifest, a release will leave them out (2): coffee, rocket"
        in capsys.readouterr().err
    )
    assert release(folder, "1.0.0") == 2


def test_a_store_whose_manifest_is_gone_releases_nothing_unasked(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "manifest.csv").rename(folder / "moved.csv")
    assert release(folder, "1.0.0") == 2
    said = capsys.readouterr().err
    assert "is gone" in said
    assert "--manifest FILE" in said
    assert release(folder, "1.0.0", "--manifest", str(folder / "moved.csv")) == 0
    assert release(folder, "1.0.1") == 0, "the store knows where it is now"
    (folder / "moved.csv").unlink()
    assert release(folder, "1.0.2", "--as-built") == 0
    assert len(Release.open(folder / "1.0.2").scenes) == 4


def test_a_licence_that_begins_a_formula_or_a_table_is_text_everywhere(folder: Path) -> None:
    write(folder, row("astronaut", "=HYPERLINK(1) | x"), *map(row, SCENES[1:]))
    assert release(folder, "1.0.0") == 0
    cut = Release.open(folder / "1.0.0")
    assert set(cut.images.set_index("scene_id").loc["astronaut", "licence"]) == {"=HYPERLINK(1) | x"}
    assert "\n=" not in (cut.path / "LICENCES.csv").read_text("utf-8").replace(",=", "\n=")
    assert r'| "=HYPERLINK(1) \| x" | 1 |' in (cut.path / "README.md").read_text("utf-8")
    assert run(["verify", str(cut.path)]) == 0


def test_a_class_that_the_taxonomy_does_not_have_goes_out_with_a_word(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, row("astronaut", light="gloaming"), *map(row, SCENES[1:]))
    assert release(folder, "1.0.0") == 0
    assert "astronaut: light 'gloaming' is not in the taxonomy" in capsys.readouterr().err
    assert "gloaming" in set(Release.open(folder / "1.0.0").images["light"])


@pytest.mark.parametrize(
    "damage", ["{", '{"format": "iea40k-manifests", "version": 1, "manifests": 3}', "[" * 9000]
)
def test_a_damaged_record_of_manifests_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    (folder / "store/manifests.json").write_text(damage, encoding="utf-8")
    assert release(folder, "1.0.0") == 1
    assert "record of its manifests cannot be read" in capsys.readouterr().err
    assert verify_store(Store.open(folder / "store")) != []


def test_strokes_on_a_rebuilt_scene_are_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = Store.open(folder / "store").open_scene("astronaut").residual("P0")
    after = base.copy()
    after[:4, :4] = 0
    with Ledger.open(str(folder / "store"), create=True) as ledger:
        ledger.append(
            CorrectionDraft(
                map_key=MapKey("astronaut", "P0", "anna"),
                image_shape=(base.shape[0], base.shape[1]),
                base_digest=array_digest(base),
                kind="brush",
                patch=PackedPatch.of(Patch.between(base, after)),
            ),
            None,
        )
    Image.fromarray(exposed("astronaut", 0.9)[::4, ::4]).save(folder / "astronaut retouched.png")
    assert rebuild(folder) == 0
    said = capsys.readouterr().err
    assert "astronaut P0: 1 strokes of anna were drawn on what the scene was before; they are stale" in said


def test_a_file_changed_in_place_to_one_as_long_is_noticed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As an uncompressed TIFF is after a change: the manifest gives no digest, and only its content tells."""
    from pipelines.scene_state import why_build

    file = folder / "rocket retouched.png"
    longest = file.stat().st_size + 999
    file.write_bytes(file.read_bytes().ljust(longest, b"\0"))
    assert rebuild(folder) == 0  # built again, from the longer file
    scene = next(s for s in read_manifest(folder / "manifest.csv").scenes if s.scene_id == "rocket")
    config, store = read_config(folder / "config.yaml"), Store.open(folder / "store")
    assert why_build(scene, config, store) == ""
    Image.fromarray(exposed("rocket", 0.8)[::4, ::4]).save(file)
    file.write_bytes(file.read_bytes().ljust(longest, b"\0"))
    assert file.stat().st_size == longest
    assert why_build(scene, config, store) == "rocket retouched.png changed"


def test_status_counts_what_is_in_quarantine_now(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "bad.png").write_bytes(b"no picture")
    bad = "bad,rendered,bad.png,,CC0-1.0,\n"
    write(folder, *map(row, SCENES), bad)
    assert rebuild(folder) == 1
    assert status(folder, capsys)["quarantined"] == 1
    write(folder, *map(row, SCENES[:3]))
    found = status(folder, capsys)
    assert found["quarantined"] == 0
    assert [entry["scene_id"] for entry in found["quarantine_unlisted"]] == ["bad"]
    assert found["withdrawn"] == ["rocket"]
    assert found["composition"]["counts"]["licence"] == {"CC0-1.0": {"scenes": 3, "images": 9}}
    assert (found["scenes"], found["exposures"]) == (3, 9), "what is withdrawn counts nowhere"
    assert "rocket" not in {row["scene_id"] for row in (*found["review_first"], *found["references"])}
    (folder / "manifest.csv").unlink()
    assert "is gone" in status(folder, capsys)["manifest_problem"]


def status(folder: Path, capsys: pytest.CaptureFixture[str]) -> dict:
    capsys.readouterr()
    assert run(["status", str(folder / "store"), "--json"]) == 0
    return json.loads(capsys.readouterr().out)
