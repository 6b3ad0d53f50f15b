"""A release as parquet for `datasets` and as tar for WebDataset: read back by those libraries, bit by bit."""

import json
import logging
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from iea40k.errors import CorruptDataError
from iea40k.store.release import Release
from pipelines.cli.program import run
from pipelines.exports import exporting
from pipelines.exports.exporting import export_release

HUB = {"train": "train", "valid": "validation", "test": "test"}


def exported(light: Release, out: Path, form: str, *options: str) -> Path:
    assert run(["export", str(light.path), str(out), "--format", form, *options]) == 0
    return out


@pytest.fixture(scope="module")
def parquet(light: Release, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported(light, tmp_path_factory.mktemp("hub") / "out", "huggingface", "--shard-mib", "1")


@pytest.fixture(scope="module")
def tar(light: Release, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported(light, tmp_path_factory.mktemp("tar") / "out", "webdataset", "--shard-mib", "1")


def same(light: Release, row: dict[str, Any], residual: np.ndarray) -> None:
    image = light[row["image_id"]]
    np.testing.assert_array_equal(residual, image.codes)
    np.testing.assert_array_equal(np.asarray(row["exposure"]), image.exposure)
    np.testing.assert_array_equal(np.asarray(row["reference"]), image.reference)
    np.testing.assert_array_equal(np.asarray(row["outliers"]), image.outliers)


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("streaming", [False, True])
def test_datasets_gives_every_pixel_back(light: Release, parquet: Path, streaming: bool) -> None:
    import datasets

    loaded = datasets.load_dataset(str(parquet), streaming=streaming)
    seen = set()
    for split, hub in HUB.items():
        wanted = set(light.images_of("split_0", split)["image_id"])
        rows = list(loaded[hub])
        assert {row["image_id"] for row in rows} == wanted
        for row in rows:
            stored = np.asarray(row["residual"])
            assert stored.dtype == np.uint16
            same(light, row, (stored.astype(np.int32) - 32768).astype(np.int16))
            frame = f"{row['height']}x{row['width']}"
            if light.has_array(frame, "uncertainty"):
                index = int(light.images.set_index("image_id").loc[row["image_id"], "index"])
                expected = light.array(frame, "uncertainty")[index]
                np.testing.assert_array_equal(np.asarray(row["uncertainty"]), expected)
            else:
                assert row["uncertainty"] is None
            seen.add(row["image_id"])
    assert len(seen) == len(light)
    assert len(list((parquet / "data").glob("train-*"))) > 1


# The library leaves its files to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_webdataset_gives_every_pixel_back(light: Release, tar: Path) -> None:
    import webdataset

    for split in HUB:
        files = sorted(map(str, (tar / "data").glob(f"{split}-*.tar")))
        rows = list(webdataset.WebDataset(files, shardshuffle=False, empty_check=False).decode("rgb8"))
        assert {row["json"]["image_id"] for row in rows} == set(light.images_of("split_0", split)["image_id"])
        for row in rows:
            pictures = {name: row[f"{name}.png"] for name in ("exposure", "reference")}
            outliers = row["outliers.png"][..., 0]
            same(
                light,
                {**row["json"], **pictures, "outliers": outliers},
                row["residual.npz"]["codes"],
            )


@pytest.mark.filterwarnings("ignore")
def test_mlcroissant_reads_the_parquet_to_the_same_pixels(light: Release, parquet: Path) -> None:
    import mlcroissant

    logging.getLogger("absl").setLevel(logging.ERROR)
    described = mlcroissant.Dataset(jsonld=parquet / "croissant.json")
    assert not described.metadata.issues.errors
    count = 0
    for record in described.metadata.record_sets:
        for found in described.records(record.id):
            row = {name.partition("/")[2]: value for name, value in found.items()}
            row["image_id"] = row["image_id"].decode()
            codes = np.asarray(row["residual"]).astype(np.int32) - 32768
            same(light, row, codes.astype(np.int16))
            count += 1
    assert count == len(light)


@pytest.mark.parametrize("form", ["parquet", "tar"])
def test_checksums_licences_and_the_release_travel(
    request: pytest.FixtureRequest, light: Release, form: str
) -> None:
    out: Path = request.getfixturevalue(form)
    command = ["sha256sum", "-c", "--strict", "--quiet", "SHA256SUMS"]
    assert subprocess.run(command, cwd=out, check=False).returncode == 0
    listed = {line.split("  ")[1] for line in (out / "SHA256SUMS").read_text().splitlines()}
    there = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert there == {*listed, "SHA256SUMS", "export.json"}
    head = json.loads((out / "export.json").read_text())
    assert head["release_sha256sums"] == light.digest
    assert len((out / "LICENCES.csv").read_text().splitlines()) == len(light) + 1
    assert "<i>" not in (out / "README.md").read_text().split("---\n")[-1]


def test_a_licence_filter_and_a_scheme(light: Release, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    out = exported(light, tmp_path / "out", "huggingface", "--licence", "CC0-1.0", "--split", "split_3")
    rows = [
        row
        for file in (out / "data").iterdir()
        for row in pq.read_table(file, columns=["licence"]).to_pylist()
    ]
    assert {row["licence"] for row in rows} == {"CC0-1.0"}
    assert len(rows) == (light.images["licence"] == "CC0-1.0").sum()
    refused = ["export", str(light.path), str(tmp_path / "no"), "--format", "webdataset"]
    assert run([*refused, "--licence", "MIT"]) == 2
    assert run([*refused, "--size", "0"]) == 2
    assert run([*refused[:2], str(out), *refused[3:]]) == 2  # never over another
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize("form", ["huggingface", "webdataset"])
def test_a_stopped_export_goes_on_and_gives_the_same_bytes(
    request: pytest.FixtureRequest, light: Release, tmp_path: Path, form: str
) -> None:
    whole: Path = request.getfixturevalue("parquet" if form == "huggingface" else "tar")

    class StopError(Exception):
        pass

    def stop(done: int, total: int, name: str) -> None:
        if "00001-of" in name:
            raise StopError

    out = tmp_path / "out"
    with pytest.raises(StopError):
        export_release(light, out, form, shard_mib=1, progress=stop)
    assert not out.exists()
    partial = tmp_path / ".out.partial"
    first = next(partial.glob("data/*00000-of*"))
    first.write_bytes(first.read_bytes()[:-1])  # an interrupted copy: it is made again
    report = export_release(light, out, form, shard_mib=1)
    assert report.resumed == 1
    assert report.pieces > 3
    names = sorted(path.relative_to(whole).as_posix() for path in whole.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    for name in names:
        assert (out / name).read_bytes() == (whole / name).read_bytes(), name
    assert not partial.exists()


def test_other_options_begin_anew(light: Release, tmp_path: Path) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_release(light, tmp_path / "out", "webdataset", shard_mib=1, progress=stop)
    report = export_release(light, tmp_path / "out", "webdataset", shard_mib=2)
    assert report.resumed == 0


def test_pixels_that_are_not_the_published_ones_stop_an_export(light: Release, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(light.path, copy)
    release = Release.open(copy)
    release.images.loc[0, "sha256_residual"] = "0" * 64
    with pytest.raises(CorruptDataError, match="not those that were published"):
        export_release(release, tmp_path / "out", "webdataset")
    assert not (tmp_path / "out").exists()


def test_images_in_no_split_are_counted(light: Release, tmp_path: Path) -> None:
    release = Release.open(light.path)
    release.splits.loc[release.splits["scene_id"] == "s0", "split_0"] = ""
    report = export_release(release, tmp_path / "out", "webdataset")
    assert report.left_out == 3
    assert sum(report.images.values()) == len(light) - 3
    assert exporting.FORMS.keys() == {"huggingface", "webdataset"}
