import json
from pathlib import Path

import pytest

from iea40k.errors import BadInputError, LicenceError
from pipelines.fivek_metadata import find_metadata, photo_number, read_metadata

ENTRY = {
    "id": 1,
    "license": "Adobe",
    "camera": {"make": "Nikon", "model": "D70"},
    "categories": {"location": "outdoor", "time": "day", "light": "sun_sky", "subject": "nature"},
}
FIRST = "a0001-jmac_DSC1459"


def write(file: Path, table: object) -> Path:
    file.write_text(table if isinstance(table, str) else json.dumps(table), encoding="utf-8")
    return file


def test_json_entry_is_read_whole(tmp_path: Path) -> None:
    photo = read_metadata([write(tmp_path / "training.json", {FIRST: ENTRY})]).photos[FIRST]
    assert (photo.number, photo.licence, photo.make, photo.model) == (1, "Adobe", "Nikon", "D70")
    assert photo.categories["subject"] == "nature"


def test_official_lists_make_the_same_photos(tmp_path: Path) -> None:
    write(tmp_path / "filesAdobe.txt", f"{FIRST}\n")
    write(tmp_path / "filesAdobeMIT.txt", "a4125-jmacdscf0006 (1)\r\n\n")
    write(
        tmp_path / "categories.txt",
        f"{FIRST},outdoor,day,sun_sky,None\na4125-jmacdscf0006 (1),indoor,None,mixed,people\n",
    )
    photos = read_metadata([tmp_path]).photos
    assert photos[FIRST].licence == "Adobe"
    assert photos[FIRST].categories["subject"] == "unknown"
    assert photos["a4125-jmacdscf0006 (1)"].licence == "AdobeMIT"
    assert photos["a4125-jmacdscf0006 (1)"].categories["light"] == "mixed"


def test_metadata_is_found_in_the_official_folder(tmp_path: Path) -> None:
    (tmp_path / "fivek_dataset").mkdir()
    file = write(tmp_path / "fivek_dataset" / "filesAdobe.txt", FIRST)
    assert find_metadata(tmp_path) == [file]


def test_two_photos_with_one_number_are_both_left_out(tmp_path: Path) -> None:
    table = {FIRST: ENTRY, "a0001-other": ENTRY, "a0002-dgw_005": {**ENTRY, "id": 2}}
    metadata = read_metadata([write(tmp_path / "t.json", table)])
    assert set(metadata.photos) == {"a0002-dgw_005"}
    assert "a0001-jmac_DSC1459 and a0001-other" in str(metadata.problems[0])


def test_a_repeated_key_is_seen_although_json_would_keep_the_last(tmp_path: Path) -> None:
    other = json.dumps({**ENTRY, "license": "AdobeMIT"})
    file = write(tmp_path / "t.json", f'{{"{FIRST}": {json.dumps(ENTRY)}, "{FIRST}": {other}}}')
    metadata = read_metadata([file])
    assert not metadata.photos
    assert "contradicts itself" in str(metadata.problems[0])


def test_a_photo_under_both_licences_is_left_out(tmp_path: Path) -> None:
    write(tmp_path / "filesAdobe.txt", f"{FIRST}\na0002-dgw_005\n")
    write(tmp_path / "filesAdobeMIT.txt", FIRST)
    metadata = read_metadata([tmp_path])
    assert set(metadata.photos) == {"a0002-dgw_005"}
    assert len(metadata.problems) == 1


@pytest.mark.parametrize(
    "basename",
    ["../a0001-x", "a0001-../../etc", "0001-x", "a5001-x", "a0000-x", "a0001", "a0001-x/y", "a0001-nul\0"],
)
def test_a_name_that_is_no_photo_is_one_problem_not_a_path(tmp_path: Path, basename: str) -> None:
    metadata = read_metadata(
        [write(tmp_path / "t.json", {basename: ENTRY, "a0002-dgw_005": {**ENTRY, "id": 2}})]
    )
    assert set(metadata.photos) == {"a0002-dgw_005"}
    assert len(metadata.problems) == 1


@pytest.mark.parametrize(
    "entry", [{}, None, 3, {**ENTRY, "id": 7}, {**ENTRY, "categories": {"light": "laser"}}]
)
def test_an_unusable_entry_costs_that_photo_alone(tmp_path: Path, entry: object) -> None:
    table = {FIRST: entry, "a0002-dgw_005": {**ENTRY, "id": 2}}
    metadata = read_metadata([write(tmp_path / "t.json", table)])
    assert set(metadata.photos) == {"a0002-dgw_005"}


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "[" * 100_000])
def test_what_is_no_table_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadInputError, match="metadata is no"):
        read_metadata([write(tmp_path / "t.json", text)])


def test_a_bad_list_line_says_where(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="line 2"):
        read_metadata(
            [write(tmp_path / "categories.txt", f"{FIRST},outdoor,day,sun_sky,nature\n{FIRST},outdoor\n")]
        )
    with pytest.raises(BadInputError, match="not a list"):
        read_metadata([write(tmp_path / "mine.txt", FIRST)])


def test_absent_metadata_says_where_to_get_it(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "none.json"):
        with pytest.raises(BadInputError, match="no FiveK metadata"):
            read_metadata([place])


def test_filter_by_licence(tmp_path: Path) -> None:
    table = {FIRST: ENTRY, "a0002-dgw_005": {**ENTRY, "id": 2, "license": "AdobeMIT"}}
    metadata = read_metadata([write(tmp_path / "t.json", table)])
    assert set(metadata.under(["AdobeMIT"]).photos) == {"a0002-dgw_005"}
    with pytest.raises(LicenceError, match="Adobe, AdobeMIT"):
        metadata.under(["CC0"])


def test_numbers() -> None:
    assert photo_number("a4125-jmacdscf0006 (1)") == 4125
    assert photo_number("b4125-x") is None


@pytest.mark.real_data
def test_the_five_thousand(real_data: Path) -> None:
    metadata = read_metadata([real_data / "fivek" / "metadata"])
    assert len(metadata.photos) == 5000
    assert not metadata.problems
    licences = [photo.licence for photo in metadata.photos.values()]
    assert (licences.count("Adobe"), licences.count("AdobeMIT")) == (2690, 2310)
