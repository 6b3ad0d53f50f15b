"""Fetch FiveK photographs one by one from the official site, into a tree that `iea40k manifest fivek` reads.

    ROOT/legal/            the lists of which licence covers which photo, and both licences
    ROOT/raw/dng/*.dng     photographs
    ROOT/processed/tiff16_{a..e}/*.tif   retouches
    ROOT/fetched.csv       what came from where: path, bytes, sha256, url

The site publishes no checksums. So a file counts as whole when its length is what the server said and every piece of
its pixels is there; its sha256 is written down, and `verify` compares later.
"""

import csv
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import quote

from iea40k.develop.tiff_tags import check_whole
from iea40k.errors import BadInputError, IEAError
from iea40k.files import disk_errors, sha256_file
from iea40k.isolation import guarded
from pipelines.download import Patience, check_address, download
from pipelines.fetching import Progress, Report, fetch_each
from pipelines.fivek import scan
from pipelines.fivek_metadata import EXPERTS, LICENCE_LISTS, Photo, photo_number

SITE = "https://data.csail.mit.edu/graphics/fivek/"
LEGAL = ("filesAdobe.txt", "filesAdobeMIT.txt", "LicenseAdobe.txt", "LicenseAdobeMIT.txt")
RECORD = "fetched.csv"


@dataclass(frozen=True)
class Wanted:
    """One file to fetch: its address below the site, and its path below the root."""

    address: str
    path: str


def choose(photos: Mapping[str, Photo], ids: str | None) -> list[Photo]:
    """Return the photos of a selection like "1-10,42,a0001-jmac_DSC1459", in order of number; all without one.

    Raises `BadInputError` for what is no id, and for ids that the metadata does not name.
    """
    ordered = sorted(photos.values(), key=lambda photo: photo.number)
    if ids is None:
        return ordered
    by_number = {photo.number: photo for photo in ordered}
    chosen: dict[int, Photo] = {}
    for part in filter(None, (text.strip() for text in ids.split(","))):
        for number in [photos[part].number] if part in photos else _numbers(part):
            if number not in by_number:
                raise BadInputError(
                    "the metadata does not name this photo", expected="one of its ids", got=str(number)
                )
            chosen[number] = by_number[number]
    if not chosen:
        raise BadInputError("no photo is chosen", expected="ids like 1-10,42", got=repr(ids))
    return [chosen[number] for number in sorted(chosen)]


def parse_experts(text: str) -> tuple[str, ...]:
    """Return the experts of "C", "ABC", "a,b" or "none". Raises `BadInputError` for any other letter."""
    letters = [] if text.lower() == "none" else [c for c in text.upper() if c not in ", "]
    wrong = sorted(set(letters) - set(EXPERTS))
    if wrong:
        raise BadInputError("no such expert", expected=f"{', '.join(EXPERTS)}, or none", got=", ".join(wrong))
    return tuple(dict.fromkeys(letters))


def plan(photos: Iterable[Photo], experts: Sequence[str]) -> list[Wanted]:
    """Return the files of some photos: each DNG, then its retouches."""
    wanted: list[Wanted] = []
    for photo in photos:
        name = photo.basename
        wanted.append(Wanted(f"img/dng/{quote(name)}.dng", f"raw/dng/{name}.dng"))
        wanted += [
            Wanted(f"img/tiff16_{expert}/{quote(name)}.tif", f"processed/tiff16_{expert}/{name}.tif")
            for expert in (e.lower() for e in experts)
        ]
    return wanted


def without_unpacked(wanted: Iterable[Wanted], root: Path) -> list[Wanted]:
    """Return what is still to fetch when DNGs that lie elsewhere in the tree (an unpacked archive) count as there."""
    raws = scan(root).raws if root.is_dir() else {}
    return [
        item
        for item in wanted
        if not item.path.endswith(".dng") or (root / item.path).is_file() or Path(item.path).stem not in raws
    ]


def fetch(
    wanted: Sequence[Wanted],
    root: Path,
    *,
    site: str = SITE,
    pause: float = 1.0,
    patience: Patience | None = None,
    sha256s: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Report:
    """Fetch what is not there yet; see `fetch_each`, and `download` for the manners.

    `sha256s` gives known checksums by file name or path below the root.
    """
    site, pauses, sums = check_address(site), patience or Patience(), sha256s or {}

    def bring(item: Wanted) -> None:
        check = partial(guarded, check_whole) if item.path.endswith((".dng", ".tif")) else None
        known = sums.get(item.path) or sums.get(Path(item.path).name)
        got = download(site + item.address, root / item.path, check=check, sha256=known, patience=pauses)
        _record(root / RECORD, item.path, got.size, got.sha256, site + item.address)

    return fetch_each(wanted, root, bring, pause=pause, patience=pauses, progress=progress)


def fetch_lists(root: Path, *, site: str = SITE, patience: Patience | None = None) -> None:
    """Fetch the lists of licences and the licences themselves. Raises `DownloadError` where one does not come."""
    wanted = [Wanted(f"legal/{name}", f"legal/{name}") for name in LEGAL]
    report = fetch(wanted, root, site=site, pause=0.0, patience=patience)
    for path, error in report.failures.items():
        if Path(path).name.lower() in LICENCE_LISTS:
            raise error


def verify(root: Path, paths: Iterable[str]) -> tuple[list[str], list[IEAError]]:
    """Return which of these files are as they were fetched, and what is wrong with the others."""
    record, good, bad = read_record(root / RECORD), [], []
    for path in paths:
        file = root / path
        try:
            if file.suffix in (".dng", ".tif"):
                guarded(check_whole, file)
            if path in record and sha256_file(file) != record[path]:
                raise BadInputError(
                    "the file has changed since it was fetched",
                    where=file,
                    expected=f"sha256 {record[path]}",
                    remedy="delete it and fetch again",
                )
            good.append(path)
        except IEAError as error:
            bad.append(error)
    return good, bad


def read_record(file: Path) -> dict[str, str]:
    """Return the recorded sha256 by path; a line that a crash cut short counts as absent."""
    if not file.is_file():
        return {}
    with file.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    return {row[0]: row[2] for row in rows[1:] if len(row) == 5 and len(row[2]) == 64}


def read_checksums(file: Path) -> dict[str, str]:
    """Return sha256 by name from lines as `sha256sum` writes them. Raises `BadInputError` for other lines."""
    sums: dict[str, str] = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        digest, _, name = line.strip().partition(" ")
        if line.strip() and (len(digest) != 64 or not name.strip(" *")):
            raise BadInputError(
                "not a line of checksums", where=f"{file}, line {number}", expected="SHA256  NAME"
            )
        if line.strip():
            sums[name.strip(" *")] = digest.lower()
    return sums


def _record(file: Path, path: str, size: int, sha256: str, url: str) -> None:
    with disk_errors(file), file.open("a", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        if stream.tell() == 0:
            writer.writerow(["path", "bytes", "sha256", "url", "fetched_at"])
        writer.writerow([path, size, sha256, url, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())])


def _numbers(part: str) -> range:
    first, dash, last = part.partition("-")
    if first.isdigit() and (not dash or (last.isdigit() and int(first) <= int(last))):
        return range(int(first), int(last or first) + 1)
    number = photo_number(part)
    if number is None or number == 0:
        raise BadInputError(
            "not an id", expected="numbers, ranges or names: 1-10,42,a0001-jmac_DSC1459", got=part
        )
    raise BadInputError("the metadata does not name this photo", expected="one of its names", got=part)
