"""A small store with two frame shapes, an uncertainty, a bracket with invalid pixels; and a release of it."""

import contextlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from iea40k.files import sha256_file
from iea40k.scene import BuiltScene
from iea40k.store.layout import Store
from iea40k.store.release import Release, ReleaseOptions, write_release
from iea40k.store.release.array_check import array_facts
from iea40k.store.release.content import ROW_DIGESTS, TABLE_NAMES, UNSUMMED
from iea40k.store.release.rows import SCHEMA, digest_rows
from tests.builders import built_scene

SCENES: dict[str, BuiltScene] = {
    f"s{i:02}": built_scene(
        f"s{i:02}",
        height=24 if i % 3 else 20,
        evs=(2.0, -2.0, 0.0) if i % 2 else (-1.0, 0.5),
        uncertainty=i == 4,
        invalid=i % 4 == 0,
        licence="CC0-1.0" if i < 5 else "Adobe",
        source=f"photo {i}",
    )
    for i in range(10)
}
SHARD_BYTES = 24 * 32 * 10 * 4
OPTIONS = ReleaseOptions("1.0.0", seed=7, shard_bytes=SHARD_BYTES)


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store.create(tmp_path_factory.mktemp("stores") / "store")
    for scene in SCENES.values():
        store.write_scene(scene)
    return store


@pytest.fixture(scope="session")
def published(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Release:
    """One release for tests that only read."""
    return write_release(store, tmp_path_factory.mktemp("releases") / "published", OPTIONS)


@pytest.fixture
def release(published: Release, tmp_path: Path) -> Release:
    """A copy of its own for tests that damage."""
    path = tmp_path / "release"
    shutil.copytree(published.path, path)
    return Release.open(path)


@pytest.fixture
def reseal() -> Callable[[Path], None]:
    """Make all checksums fit again: what a forger would do, so that only the deeper checks can tell."""

    def seal(path: Path) -> None:
        names = sorted(p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file())
        names = [n for n in names if n not in UNSUMMED]
        with contextlib.suppress(pa.ArrowInvalid):
            tables = {name: pq.read_table(path / f"tables/{name}.parquet") for name in TABLE_NAMES}
            rows = [row for name, table in tables.items() for row in digest_rows(name, table)]
            pq.write_table(pa.Table.from_pylist(rows, SCHEMA), path / ROW_DIGESTS)
        sums = "".join(f"{sha256_file(path / n)}  {n}\n" for n in names)
        (path / "SHA256SUMS").write_text(sums)
        head = json.loads((path / "release.json").read_text())
        head["sha256sums"] = sha256_file(path / "SHA256SUMS")
        head["arrays"] = {
            folder.name: {
                p.parent.name: array_facts(path, folder.name, p.parent.name)
                for p in folder.glob("*/zarr.json")
            }
            for folder in (path / "arrays").iterdir()
            if folder.is_dir()
        }
        (path / "release.json").write_text(json.dumps(head))
        (path / "ROOT.sha256").write_text(f"{sha256_file(path / 'release.json')}  release.json\n")

    return seal


@pytest.fixture
def edit_table(reseal: Callable[[Path], None]) -> Callable[..., None]:
    """Change a table of a release by a function of its pandas frame, and make the checksums fit."""

    def edit(release: Release, name: str, change: Callable[[pd.DataFrame], pd.DataFrame | None]) -> None:
        file = release.path / "tables" / f"{name}.parquet"
        table = pd.read_parquet(file)
        changed = change(table)
        (table if changed is None else changed).to_parquet(file)
        reseal(release.path)

    return edit
