"""Pieces of work that are killed: each goes on in a folder as the same command would, and ends with the same bytes."""

import contextlib
from pathlib import Path
from typing import Any
from unittest import mock

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


def export_table(folder: Path) -> None:
    """Write `release` for Hugging Face."""
    from pipelines.exports.exporting import export_release

    with contextlib.suppress(AlreadyExistsError):
        export_release(Release.open(folder / "release"), folder / "table", "huggingface")


def _content(ledger: Any) -> list[Any]:
    import sqlalchemy as sa

    with ledger.database.read() as connection:
        return [
            connection.execute(sa.text(f"SELECT * FROM {table} ORDER BY 1")).all()
            for table in ("tasks", "events")
        ]


def copy(folder: Path) -> None:
    """Copy a ledger, and write down what the copy holds."""
    from iea40k.store.ledger import Ledger, TaskRequest, add_tasks
    from iea40k.store.ledger.transfer import copy_ledger

    (folder / "copied").mkdir(exist_ok=True)
    with Ledger.open(folder / "store", create=True) as ledger:
        if not _content(ledger)[0]:
            add_tasks(ledger, [TaskRequest(f"s{n}", "P0", n) for n in range(20)], "curator")
        with contextlib.suppress(AlreadyExistsError):
            copy_ledger(ledger, str(folder / "copied"))
        with Ledger.open(folder / "copied") as copied:
            assert list(copied.tampering()) == []
            same = _content(copied) == _content(ledger)
    (folder / "copied.txt").write_text(f"the copy is the same: {same}\n")


def fetch_release(folder: Path) -> None:
    """Fetch `release` as from a server, in many small pieces."""
    from iea40k.store.remote import copying

    with contextlib.suppress(AlreadyExistsError), mock.patch.object(copying, "BLOCK", 500):
        copying.copy_release(f"file://{folder / 'release'}", folder / "fetched")


WORKS = {
    work.__name__: work
    for work in (write_scenes, release, export, import_again, export_table, copy, fetch_release)
}
"""In this order each needs what the one before it made."""
