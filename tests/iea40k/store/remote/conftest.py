"""A release of two frame shapes, served on localhost; waits of a test's own length."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from iea40k.store.layout import Store
from iea40k.store.release import Release, ReleaseOptions, write_release
from iea40k.store.remote import transport
from tests.builders import built_scene
from tests.web import Site, served


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Release:
    store = Store.create(tmp_path_factory.mktemp("published") / "store")
    for number in range(10):
        height, width = (300, 400) if number % 2 else (150, 200)
        store.write_scene(built_scene(f"s{number}", height=height, width=width, uncertainty=number % 2 == 1))
    return write_release(store, store.path.parent / "release", ReleaseOptions("1.0.0"))


@pytest.fixture
def site(published: Release) -> Iterator[Site]:
    with served(published.path) as opened:
        yield opened


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Failures are tried again at once, silence is given up after a second, and the cache is the test's own."""
    monkeypatch.setattr(transport.Patience, "__init__", _quick)
    monkeypatch.setenv("IEA40K_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("IEA40K_CACHE_GIB", raising=False)


def _quick(self: transport.Patience) -> None:
    for name, value in {"attempts": 4, "first_wait": 0.01, "longest": 0.02, "stall": 0.7}.items():
        object.__setattr__(self, name, value)


def shards(release: Release) -> list[str]:
    """The paths of all shards."""
    return sorted(
        p.relative_to(release.path).as_posix() for p in release.path.glob("arrays/*/*/c/**/*") if p.is_file()
    )
