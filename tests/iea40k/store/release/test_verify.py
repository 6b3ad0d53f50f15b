"""Verification finds what is damaged, also where a forger has made every checksum fit again."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import zarr

from iea40k.arrays import INVALID_CODE
from iea40k.errors import IEAError, StoreError
from iea40k.store.codecs import create_array
from iea40k.store.layout import Store
from iea40k.store.release import Release, verify_release
from iea40k.store.verify import verify_store
from tests.builders import built_scene

EditTable = Callable[..., None]


def messages(problems: list[IEAError]) -> str:
    return "\n".join(str(problem) for problem in problems)


def flip(file: Path, position: int) -> None:
    data = bytearray(file.read_bytes())
    data[position % len(data)] ^= 0x04
    file.write_bytes(data)


def every_file(path: Path) -> list[str]:
    return sorted(p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file())


def test_a_flipped_byte_of_any_kind_of_file_is_found(release: Release) -> None:
    kinds = {re.sub(r"\d+", "0", name): name for name in every_file(release.path) if name != "release.json"}
    assert len(kinds) > 15
    for name in kinds.values():
        file = release.path / name
        intact = file.read_bytes()
        flip(file, len(intact) // 2)
        problems = verify_release(release.path)
        assert problems, name
        assert name in messages(problems), name
        file.write_bytes(intact)
    assert verify_release(release.path) == []


def test_a_missing_file_is_found(release: Release) -> None:
    for name in (
        "README.md",
        "tables/splits.parquet",
        "arrays/24x32/residual/c/0/0/0",
        "croissant.json",
        "SHA256SUMS",
    ):
        moved = (release.path / name).rename(release.path.parent / "moved")
        assert "missing" in messages(verify_release(release.path)), name
        moved.rename(release.path / name)


def test_an_extra_file_is_found(release: Release) -> None:
    (release.path / "arrays" / "24x32" / "extra.txt").write_text("hello")
    (problem,) = verify_release(release.path)
    assert "does not belong" in problem.what
    assert str(problem.where).endswith("extra.txt")


def test_a_changed_head_is_found(release: Release) -> None:
    file = release.path / "release.json"
    head = json.loads(file.read_text())
    for change in ({"sha256sums": "0" * 64}, {"images": 3}, {"scenes": 99}):
        file.write_text(json.dumps({**head, **change}))
        assert verify_release(release.path), change


def test_every_problem_is_told_at_once(release: Release) -> None:
    flip(release.path / "README.md", 10)
    (release.path / "LICENCES.csv").unlink()
    (release.path / "more.txt").write_text("")
    flip(release.path / "arrays/24x32/exposures/c/0/0/0/0", 50)
    found = messages(verify_release(release.path))
    for name in ("README.md", "LICENCES.csv", "more.txt", "exposures/c/0/0/0/0", "cannot be read"):
        assert name in found


# ------------------------------------------------- with checksums that fit


def write_codes(release: Release, change: Callable[[np.ndarray], None]) -> None:
    """Change residual 0 of the larger frames as zarr-python lets anybody."""
    array = zarr.open_array(release.path / "arrays/24x32/residual", mode="r+")
    array = array.with_config({"write_empty_chunks": True})
    shard = array[0:4]
    change(shard[0])
    array[0:4] = shard


def test_a_changed_pixel_is_found(release: Release, reseal: Callable[[Path], None]) -> None:
    def change(codes: np.ndarray) -> None:
        codes[9, 9] += 1

    write_codes(release, change)
    reseal(release.path)
    found = messages(verify_release(release.path))
    assert "digest of the pixels" in found
    assert "mean_abs_residual" in found


def test_a_code_that_means_nothing_is_found(release: Release, reseal: Callable[[Path], None]) -> None:
    def change(codes: np.ndarray) -> None:
        codes[3, 3] = 32700

    write_codes(release, change)
    reseal(release.path)
    assert "codes mean nothing" in messages(verify_release(release.path))


def test_no_data_where_the_table_says_there_is_some_is_found(
    release: Release, reseal: Callable[[Path], None]
) -> None:
    def change(codes: np.ndarray) -> None:
        codes[3, 3] = INVALID_CODE

    write_codes(release, change)
    reseal(release.path)
    assert "valid_fraction" in messages(verify_release(release.path))


def test_an_array_of_another_shape_is_found(release: Release, reseal: Callable[[Path], None]) -> None:
    folder = release.path / "arrays" / "24x32"
    shutil.rmtree(folder / "outliers")
    create_array(zarr.open_group(folder, mode="a"), "outliers", (3, 24, 32), (1, 24, 32), (3, 24, 32))[
        ...
    ] = 1
    reseal(release.path)
    assert "outliers: wrong shape" in messages(verify_release(release.path))


def test_an_array_that_was_taken_out_is_found(release: Release, reseal: Callable[[Path], None]) -> None:
    shutil.rmtree(release.path / "arrays" / "24x32" / "reference")
    shutil.rmtree(release.path / "arrays" / "24x32" / "uncertainty")
    reseal(release.path)
    found = messages(verify_release(release.path))
    assert "an array is missing" in found
    assert "uncertainty is missing" in found


def set_first(column: str, value: object) -> Callable[[pd.DataFrame], None]:
    def change(table: pd.DataFrame) -> None:
        table.loc[0, column] = value

    return change


@pytest.mark.parametrize(
    ("table", "change", "expected"),
    [
        ("images", set_first("index", 5), "gaps or repeats"),
        ("images", set_first("scene_index", 2), "another scene's reference"),
        ("images", set_first("scene_id", "nobody"), "not in the table of scenes"),
        ("images", set_first("sha256_exposure", "0" * 64), "digest of the pixels"),
        ("images", set_first("mean_abs_residual", 0.5), "mean_abs_residual"),
        ("images", set_first("score", 1.0), "score"),
        ("images", lambda t: t.drop(index=3), "gaps or repeats"),
        ("images", lambda t: t[t["scene_id"] != "s03"], "has no images"),
        ("images", lambda t: pd.concat([t, t.iloc[:1]]), "appears twice"),
        ("images", lambda t: t.drop(columns="licence"), "columns of a table are missing"),
        ("images", set_first("frame", "../../x"), "not a frame shape"),
        ("scenes", set_first("sha256_reference", "0" * 64), "digest of the pixels"),
        ("scenes", lambda t: t.drop(index=0), "not in the table of scenes"),
        ("splits", lambda t: pd.concat([t, t.iloc[:1]]), "appears twice"),
        ("splits", lambda t: t.drop(index=2), "is in no split"),
        ("splits", set_first("split_0", "training"), "is not a split"),
        ("splits", lambda t: t.assign(split_3="train"), "the table of splits disagree"),
    ],
)
def test_tables_that_lie_are_found(
    release: Release, edit_table: EditTable, table: str, change: Callable, expected: str
) -> None:
    edit_table(release, table, change)
    assert expected in messages(verify_release(release.path))


def test_one_scene_in_two_parts_is_found(release: Release, edit_table: EditTable) -> None:
    def both(table: pd.DataFrame) -> pd.DataFrame:
        other = table.iloc[:1].assign(split_0="test" if table["split_0"][0] != "test" else "train")
        return pd.concat([table, other])

    edit_table(release, "splits", both)
    assert "in two splits of one scheme" in messages(verify_release(release.path))


def test_a_parted_composition_is_found(release: Release, edit_table: EditTable) -> None:
    edit_table(release, "scenes", lambda t: t.assign(composition="all one"))
    assert "in two splits of one scheme" in messages(verify_release(release.path))


def test_a_table_that_is_no_parquet_is_found(release: Release, reseal: Callable[[Path], None]) -> None:
    (release.path / "tables" / "images.parquet").write_text("image_id,level\n")
    reseal(release.path)
    assert "table cannot be read" in messages(verify_release(release.path))


@pytest.mark.parametrize("line", ["nonsense", f"{'0' * 64}  ../../etc/passwd", f"{'0' * 64}  /etc/passwd"])
def test_checksum_lines_that_lead_elsewhere_are_refused(release: Release, line: str) -> None:
    sums = release.path / "SHA256SUMS"
    sums.write_text(sums.read_text() + line + "\n")
    assert "not a line of checksums" in messages(verify_release(release.path))


def test_a_description_that_is_no_croissant_is_found(
    release: Release, reseal: Callable[[Path], None]
) -> None:
    pytest.importorskip("mlcroissant")
    (release.path / "croissant.json").write_text('{"@type": "sc:Dataset"}')
    reseal(release.path)
    assert "description for machines" in messages(verify_release(release.path))


def test_without_a_release_there_is_nothing_to_verify(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no release here"):
        verify_release(tmp_path)


# ------------------------------------------------- stores


@pytest.fixture
def small_store(tmp_path: Path) -> Store:
    store = Store.create(tmp_path / "store")
    for scene_id in ("a", "b", "c"):
        store.write_scene(built_scene(scene_id, uncertainty=scene_id == "b"))
    return store


def test_a_sound_store_has_no_problems(small_store: Store) -> None:
    steps: list[tuple[int, int, str]] = []
    assert verify_store(small_store, progress=lambda *step: steps.append(step)) == []
    assert steps == [(1, 3, "a"), (2, 3, "b"), (3, 3, "c")]


def test_a_flipped_byte_of_any_array_of_a_store_is_found(small_store: Store) -> None:
    for name in every_file(small_store.scene_path("b")):
        file = small_store.scene_path("b") / name
        intact = file.read_bytes()
        for position in (5, len(intact) // 2, len(intact) - 3) if "/c/" in name else ():
            flip(file, position)
            (problem,) = verify_store(small_store)
            assert "/b/" in str(problem.where), name
            file.write_bytes(intact)
    assert verify_store(small_store) == []


def test_misplaced_things_of_a_store_are_found(small_store: Store) -> None:
    small_store.scene_path("a").rename(small_store.path / "scenes" / "other")
    (small_store.scene_path("b") / "notes.txt").write_text("")
    (small_store.scene_path("c") / "zarr.json").write_text("{}")
    (small_store.quarantine_folder / "x.json").write_text("{")
    found = messages(verify_store(small_store))
    for expected in (
        "another scene's folder",
        "does not belong",
        "metadata cannot be read",
        "quarantine entry",
    ):
        assert expected in found
