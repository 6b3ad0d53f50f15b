"""Every bit of a store's small files counts: what flipped is told by `verify_store`, whichever file and bit."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from iea40k.errors import IEAError
from iea40k.sealed import parse_sealed, sealed_json
from iea40k.store import sources, split_book
from iea40k.store.layout import Store
from iea40k.store.release import ReleaseOptions, write_release
from iea40k.store.release.outgoing import Outgoing
from iea40k.store.verify import verify_store
from tests.builders import built_scene

SMALL = ("store.json", "splits.json", "manifests.json", "changes.jsonl", "quarantine/z.json", "list/a.sha256")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store.create(tmp_path_factory.mktemp("flips") / "store")
    store.write_scene(built_scene("a", height=8, width=8, evs=(0.0,)))
    for licence in ("CC0-1.0", "MIT"):
        rows = {"a": sources.Row({"licence": licence}, {})}
        sources.note_build(store, store.path.parent / "manifest.csv", rows)
    store.quarantine("z", ValueError("it would not do"), {"seed": 1})
    write_release(store, store.path.parent / "release", ReleaseOptions("1.0.0"), outgoing=Outgoing())
    assert verify_store(store) == []
    return store


@pytest.mark.parametrize("name", SMALL)
def test_every_bit_of_a_small_file_counts(store: Store, name: str) -> None:
    file = store.path / name
    whole = file.read_bytes()
    assert len(whole) > 20
    try:
        for place, data in flips(whole):
            file.write_bytes(data)
            assert told(store.path), (
                f"bit {place % 8} of byte {place // 8}: {data[place // 8 - 9 : place // 8 + 9]!r}"
            )
    finally:
        file.write_bytes(whole)
    assert verify_store(store) == []


def flips(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Every 13th bit of a file in turn: over eight bytes that is each bit of a byte; of short ones every bit."""
    for place in range(0, 8 * len(data), 1 if len(data) < 60 else 13):
        byte = place // 8
        yield place, data[:byte] + bytes([data[byte] ^ 1 << place % 8]) + data[byte + 1 :]


def told(folder: Path) -> bool:
    try:
        return bool(verify_store(Store.open(folder)))
    except IEAError:
        return True


def test_a_store_of_an_earlier_version_is_read(store: Store) -> None:
    """Version 1 of these files had no digest."""
    for name in ("splits.json", "manifests.json"):
        file = store.path / name
        whole = file.read_bytes()
        content = parse_sealed(f"iea40k-{name.removesuffix('.json')}", whole)
        file.write_text(
            json.dumps({**content, "format": f"iea40k-{name[:-5]}", "version": 1}), encoding="utf-8"
        )
        assert verify_store(store) == []
        assert split_book.kept_splits(store, 0, (70, 10, 20))["split_0"] == {"a": "train"}
        file.write_bytes(whole)


def test_a_digest_fits_no_other_text() -> None:
    text = sealed_json("f", {"a": [1, "é"]})
    assert parse_sealed("f", text.encode()) == {"a": [1, "é"]}
    for bad in (text.replace("1,", "2,", 1), text.replace("é", "e"), text.replace(" ", "  ", 1), "[]", "{}"):
        with pytest.raises(ValueError, match=r"digest|format"):
            parse_sealed("f", bad.encode())
