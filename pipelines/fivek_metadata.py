"""What is known of the FiveK photographs: licence, camera and categories, from the user's own copy of the lists.

Two forms are read. The JSON tables of the public loader: an object of `{basename: {"id", "license", "camera":
{"make", "model"}, "categories": {"location", "time", "light", "subject"}}}`. And the lists of the official site:
`filesAdobe.txt` and `filesAdobeMIT.txt` (a basename a line: which licence covers it) and `categories.txt` (a basename,
location, time, light and subject, separated by commas, "None" where unknown). The tables are not ours to ship.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from iea40k.errors import BadInputError, IEAError, LicenceError, Place
from iea40k.scene import check_scene_id

EXPERTS = ("A", "B", "C", "D", "E")
PHOTO_COUNT = 5000
LICENCE_LISTS = {"filesadobe.txt": "Adobe", "filesadobemit.txt": "AdobeMIT"}
CATEGORY_LIST = "categories.txt"
CATEGORIES: Mapping[str, tuple[str, ...]] = {
    "location": ("indoor", "outdoor", "unknown"),
    "time": ("day", "dusk", "night", "unknown"),
    "light": ("artificial", "mixed", "sun_sky", "unknown"),
    "subject": ("abstract", "animals", "man_made", "nature", "people", "unknown"),
}

_BASENAME = re.compile(r"^a(\d{4})-.")


@dataclass(frozen=True)
class Photo:
    """A FiveK photograph as the metadata describes it; "" where a form of the metadata does not say.

    `basename` is the file name without its suffix ("a0001-jmac_DSC1459"); `licence` is "Adobe" or "AdobeMIT".
    """

    basename: str
    licence: str = ""
    make: str = ""
    model: str = ""
    categories: Mapping[str, str] = field(default_factory=dict)

    @property
    def number(self) -> int:
        """The photograph's number, 1 ... 5000."""
        number = photo_number(self.basename)
        assert number is not None, "checked when it was read"
        return number


@dataclass(frozen=True)
class Metadata:
    """The photographs by basename, and what is wrong with single entries (which are left out)."""

    photos: Mapping[str, Photo]
    problems: tuple[IEAError, ...] = ()

    def under(self, licences: Sequence[str]) -> "Metadata":
        """Return only the photographs under these licences. Raises `LicenceError` where one covers none."""
        held = {photo.licence for photo in self.photos.values()}
        for licence in licences:
            if licence not in held:
                raise LicenceError(
                    "no photo is under this licence", expected=", ".join(sorted(held)) or "none", got=licence
                )
        kept = {name: photo for name, photo in self.photos.items() if photo.licence in licences}
        return Metadata(kept, self.problems)


def photo_number(basename: str) -> int | None:
    """Return the number in a FiveK basename: "a0001-jmac_DSC1459" -> 1; None for another name."""
    match = _BASENAME.match(basename)
    number = int(match[1]) if match else 0
    return number if 1 <= number <= PHOTO_COUNT else None


def find_metadata(root: Path) -> list[Path]:
    """Return the metadata files that lie in a FiveK tree where its users keep them, sorted."""
    wanted = {*LICENCE_LISTS, CATEGORY_LIST}
    jsons = {"training.json", "validation.json", "testing.json"}
    folders = (
        root,
        root / "fivek_dataset",
        root / "raw" / "fivek_dataset",
        root / "legal",
        root / "metadata",
    )
    return sorted(
        file
        for folder in folders
        if folder.is_dir()
        for file in folder.iterdir()
        if file.name.lower() in wanted | jsons and file.is_file()
    )


def read_metadata(files: Sequence[Path]) -> Metadata:
    """Read JSON tables and official lists, in any mixture; a folder stands for the metadata files in it.

    Raises `BadInputError` where a file is missing or is none of these forms. Entries that contradict each other,
    name an impossible file, or share a number with another photograph are left out and named in `problems`.
    """
    problems: list[IEAError] = []
    found: list[tuple[Place, Photo]] = []
    for file in _expand(files):
        found += _read_list(file) if file.suffix.lower() == ".txt" else _read_json(file, problems)
    photos = _merge(found, problems)
    return Metadata(_one_a_number(photos, problems), tuple(problems))


def _expand(files: Sequence[Path]) -> list[Path]:
    expanded: list[Path] = []
    for file in files:
        inside = find_metadata(file) if file.is_dir() else [file]
        if not inside or not inside[0].is_file():
            raise BadInputError(
                "there is no FiveK metadata here",
                where=file,
                expected="the JSON tables, or filesAdobe.txt, filesAdobeMIT.txt and categories.txt",
                remedy="take the lists from the 'legal' folder of the FiveK site, or name the files with --metadata",
            )
        expanded += inside
    return expanded


def _read_json(file: Path, problems: list[IEAError]) -> list[tuple[Place, Photo]]:
    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        # json keeps the last of two equal keys without a word; here both would be the same photograph.
        table: dict[str, Any] = {}
        for key, value in items:
            if key in table and table[key] != value:
                problems.append(
                    _entry_problem(Place(file), key, "one entry", "two that differ: the photo is left out")
                )
                value = None
            table[key] = value
        return table

    try:
        table = json.loads(file.read_text(encoding="utf-8-sig"), object_pairs_hook=pairs)
    except (ValueError, RecursionError) as error:
        raise BadInputError("the metadata is not JSON", where=file, got=str(error)) from error
    if not isinstance(table, dict):
        raise BadInputError("the metadata is no table", where=file, expected="{basename: {...}}")
    photos: list[tuple[Place, Photo]] = []
    for basename, entry in table.items():
        if entry is None:
            continue
        try:
            photos.append((Place(file), _parse_entry(basename, entry)))
        except BadInputError as error:
            problems.append(error.located(Place(file)))
    return photos


def _parse_entry(basename: str, entry: Any) -> Photo:
    _check_basename(basename)
    camera = entry.get("camera") if isinstance(entry, dict) else None
    categories = entry.get("categories") if isinstance(entry, dict) else None
    licence = entry.get("license") if isinstance(entry, dict) else None
    if not isinstance(camera, dict) or not isinstance(categories, dict) or not isinstance(licence, str):
        raise BadInputError(
            f"{basename}: the entry is not usable",
            expected="license, camera and categories",
            got=str(entry)[:120],
        )
    if entry.get("id") not in (None, photo_number(basename)):
        raise BadInputError(
            f"{basename}: the entry's id is another photo's",
            expected=str(photo_number(basename)),
            got=str(entry["id"]),
        )
    return Photo(
        basename,
        licence,
        str(camera.get("make") or ""),
        str(camera.get("model") or ""),
        _parse_categories(basename, {name: str(categories.get(name) or "unknown") for name in CATEGORIES}),
    )


def _read_list(file: Path) -> list[tuple[Place, Photo]]:
    name = file.name.lower()
    if name not in LICENCE_LISTS and name != CATEGORY_LIST:
        raise BadInputError(
            "not a list of the FiveK site",
            where=file,
            expected="filesAdobe.txt, filesAdobeMIT.txt or categories.txt",
            remedy="keep the lists' own names: the name says which licence covers the photos in it",
        )
    photos: list[tuple[Place, Photo]] = []
    for number, text in enumerate(file.read_text(encoding="utf-8-sig").splitlines(), 1):
        line = text.strip()
        if not line:
            continue
        place = Place(file, number)
        try:
            photos.append((place, _parse_line(line, name)))
        except BadInputError as error:
            raise error.located(place) from None
    return photos


def _parse_line(line: str, name: str) -> Photo:
    if name in LICENCE_LISTS:
        return Photo(_check_basename(line), licence=LICENCE_LISTS[name])
    basename, *values = (part.strip() for part in line.split(","))
    _check_basename(basename)
    if len(values) != len(CATEGORIES):
        raise BadInputError(
            "the line does not hold four categories",
            expected="basename,location,time,light,subject",
            got=line[:120],
        )
    given = ("unknown" if value == "None" else value for value in values)
    return Photo(basename, categories=_parse_categories(basename, dict(zip(CATEGORIES, given, strict=True))))


def _check_basename(basename: str) -> str:
    if photo_number(basename) is None:
        raise BadInputError(
            "not the name of a FiveK photo", expected="a name like a0001-jmac_DSC1459", got=basename[:120]
        )
    return check_scene_id(basename)


def _parse_categories(basename: str, given: dict[str, str]) -> dict[str, str]:
    for name, value in given.items():
        if value not in CATEGORIES[name]:
            raise BadInputError(
                f"{basename}: unknown {name}", expected=", ".join(CATEGORIES[name]), got=value[:120]
            )
    return given


def _merge(found: Iterable[tuple[Place, Photo]], problems: list[IEAError]) -> dict[str, Photo]:
    photos: dict[str, Photo] = {}
    torn: set[str] = set()
    for place, photo in found:
        known = photos.get(photo.basename)
        if known is None:
            photos[photo.basename] = photo
            continue
        for name in ("licence", "make", "model", "categories"):
            old, new = getattr(known, name), getattr(photo, name)
            if old and new and old != new:
                torn.add(photo.basename)
                problems.append(_entry_problem(place, photo.basename, f"{name} {old}", str(new)))
            known = replace(known, **{name: old or new})
        photos[photo.basename] = known
    return {name: photo for name, photo in photos.items() if name not in torn}


def _one_a_number(photos: dict[str, Photo], problems: list[IEAError]) -> dict[str, Photo]:
    by_number: dict[int, list[str]] = {}
    for photo in photos.values():
        by_number.setdefault(photo.number, []).append(photo.basename)
    shared = {name for names in by_number.values() if len(names) > 1 for name in names}
    problems += [
        BadInputError(
            "two photos have one number",
            expected="a number of its own for each photo",
            got=" and ".join(sorted(names)),
            remedy="correct the metadata; neither photo is used until then",
        )
        for names in by_number.values()
        if len(names) > 1
    ]
    return {name: photo for name, photo in photos.items() if name not in shared}


def _entry_problem(place: Place, basename: str, expected: str, got: str) -> IEAError:
    return BadInputError(
        f"{basename}: the metadata contradicts itself",
        where=place,
        expected=expected,
        got=got,
        remedy="correct one of the entries; the photo is left out until then",
    )
