"""What a release proves: every byte to who noted its root digest, every slip also to who did not."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from iea40k.errors import BadInputError, CorruptDataError, IEAError
from iea40k.files import sha256_file
from iea40k.recipe import canonical_json, digest
from iea40k.store.release import Release, verify_release
from iea40k.store.release.signature import check_signature

Reseal = Callable[[Path], None]
Edit = Callable[..., None]
posix = pytest.mark.skipif(sys.platform == "win32", reason="pipes and devices are a thing of POSIX systems")


def messages(problems: list[IEAError]) -> str:
    return "\n".join(str(problem) for problem in problems)


def edit_head(release: Release, **changes: object) -> None:
    file = release.path / "release.json"
    head = json.loads(file.read_text())
    file.write_text(json.dumps({**head, **changes}, indent=1, ensure_ascii=False) + "\n")


# ------------------------------------------------- without the root digest


def test_every_edited_field_of_the_head_is_found(published: Release, tmp_path: Path) -> None:
    assert len(published.head) > 15
    for field, value in published.head.items():
        path = tmp_path / field
        shutil.copytree(published.path, path)
        other = "9.9.9" if isinstance(value, str) else {"x": 1} if isinstance(value, dict) else 41
        if field not in ("format", "format_version"):
            edit_head(Release(path, {}), **{field: other})
            assert "release.json is not what the release was published with" in messages(verify_release(path))
        shutil.rmtree(path)


def test_a_root_digest_that_is_gone_or_nonsense_is_found(release: Release) -> None:
    file = release.path / "ROOT.sha256"
    file.unlink()
    assert "the root digest is missing" in messages(verify_release(release.path))
    file.write_text("0123 release.json\n")
    assert "not a root digest" in messages(verify_release(release.path))


def reseal_sums_only(path: Path) -> None:
    """Forge checksums and the root digest, but not the digests of the rows."""
    sums = dict(reversed(line.split("  ", 1)) for line in (path / "SHA256SUMS").read_text().splitlines())
    text = "".join(f"{sha256_file(path / name)}  {name}\n" for name in sums)
    (path / "SHA256SUMS").write_text(text)
    edit_head(Release(path, {}), sha256sums=sha256_file(path / "SHA256SUMS"))
    (path / "ROOT.sha256").write_text(f"{sha256_file(path / 'release.json')}  release.json\n")


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("images", "licence", "CC0-1.0"),
        ("images", "ev", 0.25),
        ("images", "suspicion", 0.5),
        ("scenes", "licence", "CC0-1.0"),
        ("scenes", "device", "another"),
        ("splits", "split_3", "other"),
    ],
)
def test_a_changed_row_is_named(release: Release, table: str, column: str, value: object) -> None:
    file = release.path / "tables" / f"{table}.parquet"
    frame = pd.read_parquet(file)
    row = len(frame) - 1
    if value == "other":
        value = {"train": "test"}.get(frame.loc[row, column], "train")
    frame.loc[row, column] = value
    frame.to_parquet(file)
    reseal_sums_only(release.path)
    problems = [p for p in verify_release(release.path) if "row of a table is not" in p.what]
    assert [p.where.line for p in problems] == [row + 1]  # type: ignore[union-attr]
    assert str(frame.iloc[row, 0]) in str(problems[0].got)


def test_added_and_missing_rows_are_named(release: Release) -> None:
    file = release.path / "tables" / "splits.parquet"
    frame = pd.read_parquet(file)
    extra = frame.iloc[[0]].assign(scene_id="zz")
    pd.concat([frame.iloc[:-1], extra, extra.assign(scene_id="zzz")]).to_parquet(file)
    reseal_sums_only(release.path)
    found = messages(verify_release(release.path))
    assert "a row was added to a table" in found
    frame.iloc[:-2].to_parquet(file)
    reseal_sums_only(release.path)
    assert messages(verify_release(release.path)).count("a row of a table is missing") == 2


def test_a_recipe_that_is_not_its_digest_is_found(release: Release, edit_table: Edit) -> None:
    def change(scenes: pd.DataFrame) -> None:
        scenes.loc[0, "recipe"] = canonical_json({"made_by": "somebody else"})

    edit_table(release, "scenes", change)
    assert "another recipe than its digest" in messages(verify_release(release.path))


# ------------------------------------------------- with everything forged


def licence(release: Release) -> None:
    for name in ("images", "scenes"):
        file = release.path / "tables" / f"{name}.parquet"
        pd.read_parquet(file).assign(licence="CC0-1.0").to_parquet(file)
    text = (release.path / "LICENCES.csv").read_text()
    (release.path / "LICENCES.csv").write_text(text.replace(",Adobe,", ",CC0-1.0,"))


def stops(release: Release) -> None:
    file = release.path / "tables" / "images.parquet"
    images = pd.read_parquet(file)
    images.loc[0, "ev"] = images.loc[0, "ev"] + 0.1
    images.to_parquet(file)


def recipe(release: Release) -> None:
    file = release.path / "tables" / "scenes.parquet"
    scenes = pd.read_parquet(file)
    scenes.loc[0, "recipe"] = canonical_json({"made_by": "somebody else"})
    scenes.loc[0, "recipe_digest"] = digest({"made_by": "somebody else"})
    scenes.to_parquet(file)


def split(release: Release) -> None:
    file = release.path / "tables" / "splits.parquet"
    splits = pd.read_parquet(file)
    first = splits.index[splits["split_0"] == "train"][0]
    second = splits.index[splits["split_0"] == "test"][0]
    splits.loc[[first, second], "split_0"] = ["test", "train"]
    splits.to_parquet(file)


def card(release: Release) -> None:
    file = release.path / "README.md"
    file.write_text(file.read_text() + "\nUse it as you like.\n")


def version(release: Release) -> None:
    edit_head(release, version="1.0.1", licences={"CC0-1.0": 10}, seed=8, ledger={})


@pytest.mark.parametrize("forge", [licence, stops, recipe, split, card, version])
def test_a_forger_who_makes_all_fit_is_found_by_the_root_digest_alone(
    release: Release, reseal: Reseal, forge: Callable[[Release], None]
) -> None:
    noted = release.root
    assert verify_release(release.path, root=noted) == []
    forge(release)
    reseal(release.path)
    assert verify_release(release.path) == [], "all that is in the release fits"
    assert "not the release whose root digest was noted" in messages(verify_release(release.path, root=noted))


def test_a_root_digest_is_taken_as_people_write_it(published: Release) -> None:
    assert re.fullmatch("[0-9a-f]{64}", published.root)
    assert (published.path / "ROOT.sha256").read_text() == f"{published.root}  release.json\n"
    assert verify_release(published.path, root=f" SHA256:{published.root.upper()}\n") == []
    for nonsense in ("", "12ab", published.root + "0", "g" * 64):
        with pytest.raises(BadInputError, match="not a root digest"):
            verify_release(published.path, root=nonsense)


# ------------------------------------------------- what is no plain file


def pipe(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    try:
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5))  # /dev/zero: endless bytes
    except PermissionError:
        pytest.skip("only root makes devices")


def link(path: Path) -> None:
    path.symlink_to(path.parent.parent / "outside")


@posix
@pytest.mark.parametrize("kind", [pipe, device, link])
@pytest.mark.parametrize(
    "name", ["README.md", "tables/images.parquet", "arrays/24x32/residual/zarr.json", "ROOT.sha256"]
)
def test_something_else_in_the_place_of_a_file_is_found_and_nothing_waits(
    release: Release, name: str, kind: Callable[[Path], None]
) -> None:
    path = release.path / name
    shutil.copy(path, path.parent.parent / "outside")
    path.unlink()
    kind(path)
    start = time.monotonic()
    found = messages(verify_release(release.path))
    assert time.monotonic() - start < 60
    assert "not a plain file" in found
    assert name in found
    (path.parent.parent / "outside").unlink()


def test_added_folders_are_found_also_empty_ones_and_links_to_folders(release: Release) -> None:
    (release.path / "tables" / "more").mkdir()
    assert "a folder does not belong" in messages(verify_release(release.path))
    (release.path / "tables" / "more").rmdir()
    shutil.move(release.path / "arrays", release.path.parent / "arrays")
    (release.path / "arrays").symlink_to(release.path.parent / "arrays")
    assert verify_release(release.path)


# ------------------------------------------------- releases of earlier versions


@pytest.fixture
def older(release: Release) -> Release:
    """The release as earlier versions wrote it: no digests of rows and arrays, no root digest."""
    sums = (release.path / "SHA256SUMS").read_text().splitlines(keepends=True)
    (release.path / "SHA256SUMS").write_text("".join(line for line in sums if "digests.parquet" not in line))
    for name in ("ROOT.sha256", "tables/digests.parquet"):
        (release.path / name).unlink()
    head = {k: v for k, v in release.head.items() if k not in ("arrays", "root")}
    head["sha256sums"] = sha256_file(release.path / "SHA256SUMS")
    (release.path / "release.json").write_text(json.dumps(head, indent=1) + "\n")
    return Release.open(release.path)


def test_an_older_release_is_sound_and_says_that_it_carries_no_root_digest(older: Release) -> None:
    assert verify_release(older.path) == []
    assert not older.carries_root
    assert verify_release(older.path, root=older.root) == []
    assert len(older.array("24x32", "residual")) == older.head["frames"]["24x32"]["images"]


# ------------------------------------------------- arrays against release.json


def as_unsigned(metadata: dict[str, object]) -> None:
    metadata["data_type"] = "uint16"
    metadata["fill_value"] = 32768


def big_endian(metadata: dict[str, object]) -> None:
    codecs = metadata["codecs"][0]["configuration"]["codecs"]  # type: ignore[index]
    next(codec for codec in codecs if codec["name"] == "bytes")["configuration"]["endian"] = "big"


def shorter(metadata: dict[str, object]) -> None:
    metadata["shape"][0] -= 1  # type: ignore[index]


@pytest.mark.parametrize("change", [as_unsigned, big_endian, shorter])
@pytest.mark.parametrize("old", [False, True])
def test_an_array_that_says_something_else_than_the_release_is_not_read(
    release: Release, change: Callable[[dict[str, object]], None], old: bool, request: pytest.FixtureRequest
) -> None:
    opened = request.getfixturevalue("older") if old else release
    file = release.path / "arrays" / "24x32" / "residual" / "zarr.json"
    assert opened.array("24x32", "residual").dtype == "int16"
    metadata = json.loads(file.read_text())
    change(metadata)
    file.write_text(json.dumps(metadata))
    with pytest.raises(CorruptDataError, match="metadata are not what release"):
        opened.array("24x32", "residual")


# ------------------------------------------------- signatures


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    if shutil.which("minisign") is None:
        pytest.skip("minisign is not installed")
    for name in ("signer", "stranger"):
        command = [
            "minisign",
            "-G",
            "-W",
            "-p",
            str(tmp_path / f"{name}.pub"),
            "-s",
            str(tmp_path / f"{name}.key"),
        ]
        subprocess.run(command, check=True, capture_output=True)
    return tmp_path


def sign(release: Release, keys: Path) -> None:
    command = ["minisign", "-S", "-s", str(keys / "signer.key"), "-m", str(release.path / "release.json")]
    subprocess.run(command, check=True, capture_output=True)


def test_a_signature_is_verified_against_the_given_key(release: Release, keys: Path, reseal: Reseal) -> None:
    signer, stranger = str(keys / "signer.pub"), str(keys / "stranger.pub")
    assert check_signature(release.path).state == "none"
    assert check_signature(release.path, signer).state == "invalid", "asked for, and not there"
    sign(release, keys)
    assert verify_release(release.path) == [], "a signature belongs to a release"
    assert check_signature(release.path).state == "unchecked"
    assert check_signature(release.path, signer).state == "valid"
    key = Path(signer).read_text().splitlines()[1]
    assert check_signature(release.path, key).state == "valid"
    assert check_signature(release.path, stranger).state == "invalid"
    licence(release)
    reseal(release.path)
    assert check_signature(release.path, signer).state == "invalid"


def test_without_the_tool_it_says_so(release: Release, keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sign(release, keys)
    monkeypatch.setenv("PATH", "")
    checked = check_signature(release.path, str(keys / "signer.pub"))
    assert checked.state == "unchecked"
    assert "minisign is not installed" in checked.words


def test_a_key_that_is_none_is_refused(published: Release, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="not a public key"):
        check_signature(published.path, str(tmp_path / "absent.pub"))
