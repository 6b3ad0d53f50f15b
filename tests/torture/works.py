"""Pieces of work that are killed: each goes on in a folder as the same command would, and ends with the same bytes."""

import contextlib
from pathlib import Path
from typing import Any

from iea40k.errors import AlreadyExistsError
from iea40k.store.layout import Store
from iea40k.store.release import Release, ReleaseOptions, write_release
from tests.builders import built_scene

OPTIONS = ReleaseOptions("1.0.0", shard_bytes=16 * 16 * 9 * 2)
SCENES = ("a", "b")


def scene(name: str) -> Any:
    """Return a small scene of two exposures."""
    return built_scene(name, height=16, width=16, evs=(-1.0, 0.0))


def write_scenes(folder: Path) -> None:
    """Write two scenes into a new store."""
    store = Store.create(folder / "store")
    store.clear_leftovers()
    for name in SCENES:
        store.write_scene(scene(name))


def release(folder: Path) -> None:
    """Cut a release of `store`."""
    with contextlib.suppress(AlreadyExistsError):
        write_release(Store.open(folder / "store"), folder / "release", OPTIONS)


def export(folder: Path) -> None:
    """Write `release` in the published layout."""
    from pipelines.official.exporting import export_official

    with contextlib.suppress(AlreadyExistsError):
        export_official(Release.open(folder / "release"), folder / "export", size=None)


def import_again(folder: Path) -> None:
    """Read `export` back into a new store."""
    from pipelines.official.importing import import_official
    from pipelines.official.tree import read_tree

    import_official(read_tree(folder / "export"), Store.create(folder / "imported"))


WORKS = {work.__name__: work for work in (write_scenes, release, export, import_again)}
"""In this order each needs what the one before it made."""
