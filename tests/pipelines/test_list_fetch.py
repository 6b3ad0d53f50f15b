"""Photographs of a list: fetched from a server on this machine, only whole, only as listed."""

import csv
import hashlib
from importlib.resources import files
from pathlib import Path

import pytest

from iea40k.errors import BadInputError, ManifestError
from pipelines.cli.program import run
from pipelines.list_fetch import COLUMNS, fetch_list, read_list, verify_list
from tests.pipelines.test_fetch import Site, patience, site, waits  # noqa: F401 (fixtures)

CONTENT = {"a/one.png": b"one" * 5000, "two.png": b"two" * 7000}


def write(file: Path, address: str, **changes: str) -> Path:
    with file.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        for path, data in CONTENT.items():
            row = {
                "path": path,
                "url": address + path,
                "sha256": hashlib.sha256(data).hexdigest(),
                "bytes": str(len(data)),
                "licence": "CC0-1.0",
                "author": "nobody",
            }
            writer.writerow(row | (changes if path == "two.png" else {}))
    return file


def test_a_cut_download_goes_on_and_ends_whole(tmp_path, site, patience):  # noqa: F811
    site.files, site.cut = dict(CONTENT), {"a/one.png": 4000}
    listed = read_list(write(tmp_path / "list.csv", site.address))
    report = fetch_list(listed, tmp_path / "out", pause=0, patience=patience)
    assert report.fetched == list(CONTENT)
    assert {p: (tmp_path / "out" / p).read_bytes() for p in CONTENT} == CONTENT
    assert any(headers.get("Range") == "bytes=4000-" for _, headers in site.seen)
    seen = len(site.seen)
    assert fetch_list(listed, tmp_path / "out", patience=patience).present == list(CONTENT)
    assert len(site.seen) == seen
    assert verify_list(listed, tmp_path / "out") == []


def test_another_file_never_gets_the_name(tmp_path, site, patience):  # noqa: F811
    site.files = {**CONTENT, "two.png": b"an error page"}
    report = fetch_list(
        read_list(write(tmp_path / "list.csv", site.address)), tmp_path / "out", pause=0, patience=patience
    )
    assert report.fetched == ["a/one.png"]
    assert list(report.failures) == ["two.png"]
    assert not (tmp_path / "out" / "two.png").exists()


def test_the_command_verifies_and_says_what_is_wrong(tmp_path, site):  # noqa: F811
    site.files = dict(CONTENT)
    listed = write(tmp_path / "list.csv", site.address)
    line = ["fetch", "list", str(listed), "-o", str(tmp_path / "out"), "--pause", "0", "--verify"]
    assert run(line) == 0
    (tmp_path / "out" / "two.png").write_bytes(b"tampered")
    assert run(line) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sha256": "12"}, "64 hexadecimal"),
        ({"url": "ftp://x"}, "https"),
        ({"bytes": "many"}, "whole number"),
        ({"licence": ""}, "licence"),
        ({"path": "../up.png"}, "leave its root"),
        ({"path": "A/ONE.png"}, "twice"),
    ],
)
def test_bad_cells_are_named_before_anything_is_asked(tmp_path, change, words):
    with pytest.raises(ManifestError, match=words):
        read_list(write(tmp_path / "list.csv", "https://x/", **change))


def test_a_missing_column_is_named(tmp_path):
    (tmp_path / "list.csv").write_text("path,url\na,b\n")
    with pytest.raises(BadInputError, match="sha256"):
        read_list(tmp_path / "list.csv")


def test_the_list_of_the_shipped_weights_is_a_list():
    listed = read_list(Path(str(files("manifests"))) / "photographs" / "public.csv")
    assert len(listed) == 244
    assert all("/raw" not in item.path and item.url.startswith("https://") for item in listed)
