"""A release read from a server: the pixels of the copy on the disk, through whatever the server and the cache do."""

import errno
import os
import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest

import iea40k
from iea40k.errors import CorruptDataError, DiskError, NotThereError, RemoteError, StoreError
from iea40k.store.release import Release
from iea40k.store.remote.cache import Cache, CacheWarning
from tests.iea40k.store.remote.conftest import shards
from tests.web import Site


def same(found: Release, published: Release, count: int | None = None) -> None:
    for number in range(len(published) if count is None else count):
        image, expected = found[number], published[number]
        for name in ("exposure", "reference", "codes", "outliers"):
            np.testing.assert_array_equal(getattr(image, name), getattr(expected, name))
        if expected.uncertainty is None:
            assert image.uncertainty is None
        else:
            np.testing.assert_array_equal(image.uncertainty, expected.uncertainty)


def test_every_pixel_and_table_is_that_of_the_folder(site: Site, published: Release) -> None:
    found = iea40k.open_release(site.address)
    assert found.frames() == published.frames()
    assert found.root == published.root
    for name in ("images", "scenes", "splits", "provenance"):
        assert getattr(found, name).equals(getattr(published, name))
    same(found, published)
    assert site.address in repr(found)


def test_what_was_read_once_is_read_from_the_cache(site: Site, published: Release) -> None:
    same(iea40k.open_release(site.address), published)
    before = site.sent
    again = iea40k.open_release(site.address)
    same(again, published)
    assert site.sent - before == (published.path / "release.json").stat().st_size


def test_a_path_may_hold_an_address_and_a_token_stays_at_its_end(site: Site, published: Release) -> None:
    same(iea40k.open_release(Path(site.address)), published, 1)
    found = iea40k.open_release(f"{site.address}/?token=secret")
    same(found, published, 1)
    assert "secret" not in repr(found)
    assert "secret" not in found.where


def test_a_window_asks_for_its_own_tiles_only(site: Site, published: Release) -> None:
    array = iea40k.open_release(site.address).array("300x400", "exposures")
    whole = (published.path / "arrays/300x400/exposures").rglob("*")
    total = sum(p.stat().st_size for p in whole if p.is_file() and p.name != "zarr.json")
    before = site.sent
    window = array.read(4, slice(10, 60), slice(20, 70))
    expected = published.array("300x400", "exposures").read(4, slice(10, 60), slice(20, 70))
    np.testing.assert_array_equal(window, expected)
    assert 0 < site.sent - before < total / 20


def test_connections_that_drop_are_tried_again(site: Site, published: Release) -> None:
    count = 0

    def drop(_path: str) -> bool:
        nonlocal count
        count += 1
        return count % 3 == 0

    site.drop = drop
    same(iea40k.open_release(site.address), published)
    assert count > 20


def test_a_slow_server_is_waited_for(site: Site, published: Release) -> None:
    site.slow = 0.02
    same(iea40k.open_release(site.address), published, 2)


def test_a_busy_server_is_asked_again(site: Site, published: Release) -> None:
    site.status = lambda _path: 503 if len(site.asked) % 2 else 200
    same(iea40k.open_release(site.address), published, 2)


def test_silence_ends_with_an_error_that_says_so(site: Site, published: Release) -> None:
    found = iea40k.open_release(site.address)
    assert len(found)
    site.silent = lambda path: path in shards(published)
    with pytest.raises(
        RemoteError, match=r"cannot be reached, or stops answering[\s\S]*exposures[\s\S]*4 attempts"
    ):
        _ = found[0].exposure


def test_no_server_is_named() -> None:
    with pytest.raises(RemoteError, match="cannot be reached") as told:
        iea40k.open_release("http://127.0.0.1:9/release")
    assert "iea40k fetch release" in str(told.value)


@pytest.mark.parametrize("status", [401, 403])
def test_a_server_that_refuses_is_not_asked_again(site: Site, status: int) -> None:
    site.status = lambda _path: status
    with pytest.raises(RemoteError, match="refuses to give this file"):
        iea40k.open_release(site.address)
    assert len(site.asked) == 1


def test_a_page_to_log_in_is_named(site: Site, published: Release) -> None:
    site.page = lambda _path: True
    with pytest.raises(RemoteError, match=r"gives a web page[\s\S]*log in by"):
        iea40k.open_release(site.address)
    site.page = lambda _path: False
    found = iea40k.open_release(site.address)
    assert len(found)
    site.page = lambda path: path in shards(published)  # a session that ended meanwhile
    with pytest.raises(RemoteError, match="gives a web page"):
        _ = found[0].exposure
    site.page = lambda _path: False
    same(found, published, 1)


def test_a_changed_table_is_named_and_not_kept(site: Site, published: Release) -> None:
    name = "tables/images.parquet"
    site.spoilt[name] = lambda data: data[:100] + bytes([data[100] ^ 1]) + data[101:]
    found = iea40k.open_release(site.address)
    with pytest.raises(CorruptDataError, match=r"not what was published[\s\S]*images\.parquet"):
        _ = found.images
    site.spoilt.clear()
    same(found, published, 1)


def test_one_changed_byte_of_a_shard_costs_its_own_images(site: Site, published: Release) -> None:
    name = next(name for name in shards(published) if "300x400/residual" in name)
    site.spoilt[name] = lambda data: data[:40] + bytes([data[40] ^ 1]) + data[41:]
    found = iea40k.open_release(site.address)
    wrong = []
    for image, expected in zip(found, published, strict=True):
        try:
            np.testing.assert_array_equal(image.codes, expected.codes)
        except CorruptDataError as error:
            wrong.append(str(error))
    assert len(wrong) == 1
    assert "a shard on the server is damaged" in wrong[0]
    assert name in wrong[0]
    site.spoilt.clear()
    same(found, published)


def test_a_changed_index_is_named(site: Site, published: Release) -> None:
    name = next(name for name in shards(published) if "150x200/exposures" in name)
    site.spoilt[name] = lambda data: data[:-20] + bytes([data[-20] ^ 1]) + data[-19:]
    image = next(i for i in iea40k.open_release(site.address) if i.shape == (150, 200))
    with pytest.raises(CorruptDataError, match="damaged"):
        _ = image.exposure


def test_a_missing_shard_is_named(site: Site, published: Release) -> None:
    name = next(name for name in shards(published) if "150x200/exposures" in name)
    site.status = lambda path: 404 if path == name else 200
    image = next(i for i in iea40k.open_release(site.address) if i.shape == (150, 200))
    with pytest.raises(NotThereError, match="not on the server") as told:
        _ = image.exposure
    assert name in str(told.value)


def test_an_interrupted_copy_on_the_server_is_no_release(site: Site) -> None:
    site.status = lambda path: 404 if path == "release.json" else 200
    with pytest.raises(NotThereError, match=r"no release at this address[\s\S]*interrupted"):
        iea40k.open_release(site.address)


def test_a_newer_format_is_named(site: Site) -> None:
    site.spoilt["release.json"] = lambda data: data.replace(b'"format_version": 2', b'"format_version": 9')
    with pytest.raises(StoreError, match="does not know"):
        iea40k.open_release(site.address)


def test_a_server_without_ranges_gives_whole_shards_once(site: Site, published: Release) -> None:
    site.ranges = False
    same(iea40k.open_release(site.address), published)
    asked = [path for path, _ in site.asked if path in shards(published)]
    assert sorted(asked) == shards(published)


def test_a_spoilt_cache_is_fetched_again(site: Site, published: Release) -> None:
    same(iea40k.open_release(site.address), published)
    for file in Cache().folder.rglob("*"):
        if file.is_file() and file.name not in ("release.json", "SHA256SUMS"):
            data = bytearray(file.read_bytes())
            for place in range(0, len(data), 1000):
                data[place] ^= 1
            file.write_bytes(data)
    same(iea40k.open_release(site.address), published)


def test_another_release_at_the_address_is_another_release(site: Site, published: Release) -> None:
    same(iea40k.open_release(site.address), published, 1)
    site.spoilt["release.json"] = lambda data: data.replace(
        b'"name": "exposure dataset"', b'"name": "another"'
    )
    assert iea40k.open_release(site.address).head["name"] == "another"


def test_a_cache_that_is_full_is_said_once_and_reading_goes_on(
    site: Site, published: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = iea40k.open_release(site.address)
    assert len(found)
    assert found.frames()
    for frame in found.frames():
        for name in ("exposures", "residual", "reference", "outliers", "uncertainty"):
            if found.has_array(frame, name):
                found.array(frame, name)

    def full(*_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("iea40k.store.remote.cache.os.open", full)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        same(found, published)
    told = [w for w in said if w.category is CacheWarning]
    assert len(told) == 1
    assert "full" in str(told[0].message)
    assert "IEA40K_CACHE" in str(told[0].message)


def test_a_cache_that_cannot_hold_the_tables_is_an_error(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    found = iea40k.open_release(site.address)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("iea40k.store.remote.cache.write_atomic", full)
    with pytest.raises(DiskError, match=r"cache of fetched releases[\s\S]*full[\s\S]*IEA40K_CACHE"):
        _ = found.images


@pytest.mark.skipif(os.name == "nt", reason="files with holes are whole there")
def test_a_cache_stays_within_its_limit(site: Site, published: Release) -> None:
    every = sum((published.path / name).stat().st_size for name in shards(published))
    limit = every // 3
    found = iea40k.open_release(site.address, cache_gib=limit / (1 << 30))
    same(found, published)
    same(found, published)
    # What one look at the cache allows to come, and the tables, which always stay.
    assert found.origin is not None
    assert found.origin.cache.used() < limit * 1.3 + (1 << 20)
    assert found.origin.cache.used() < every


def test_releases_and_images_travel_to_other_processes(site: Site, published: Release) -> None:
    found = iea40k.open_release(site.address)
    same(found, published, 1)
    same(pickle.loads(pickle.dumps(found)), published, 2)


def test_folders_and_drives_are_no_addresses(tmp_path: Path) -> None:
    for place in ("C:/releases/1.0.0", tmp_path / "nothing", "c:\\release"):
        with pytest.raises(NotThereError, match="there is no release here"):
            iea40k.open_release(place)


def test_an_unknown_kind_of_address_is_named() -> None:
    with pytest.raises(iea40k.BadInputError, match="no reader for addresses of this kind"):
        iea40k.open_release("gopherx://host/release")
