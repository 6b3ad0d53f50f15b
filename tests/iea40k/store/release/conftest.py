"""A small store with two frame shapes, an uncertainty, a bracket with invalid pixels; and a release of it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from iea40k.files import sha256_file
from iea40k.scene import BuiltScene
from iea40k.store.layout import Store
from iea40k.store.release import Release, ReleaseOptions, write_release
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
        names = [n for n in names if n not in ("SHA256SUMS", "release.json")]
        sums = "".join(f"{sha256_file(path / n)}  {n}\n" for n in names)
        (path / "SHA256SUMS").write_text(sums)
        head = json.loads((path / "release.json").read_text())
        head["sha256sums"] = sha256_file(path / "SHA256SUMS")
        (path / "release.json").write_text(json.dumps(head))

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
