"""Whether workers see the files that they are to read and the store that they are to write."""

import contextlib
import socket
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from uuid import uuid4

from iea40k.errors import BadInputError
from iea40k.files import disk_errors
from iea40k.scene import Scene
from iea40k.store.layout import Store
from iea40k.store.locks import workspace_beside
from pipelines.executor.base import Executor

_LOOKED_AT = 3
"""Scenes whose files are looked for, of the first."""


def check_paths(executor: Executor, store: Store, scenes: Sequence[Scene]) -> None:
    """Let every worker write into the store, or beside where it will be, and look for the first scenes' files.

    Nothing is left behind. Raises `BadInputError` naming each worker that cannot.
    """
    if not executor.elsewhere:
        return
    sources = [s for scene in scenes[:_LOOKED_AT] for s in (*scene.exposures, *scene.references)]
    files = {source.path: source.path.stat().st_size for source in sources if source.path.is_file()}
    with disk_errors(store.path), _scratch(store) as folder:
        token = uuid4().hex
        (folder / "client").write_text(token, encoding="utf-8")
        found = executor.everywhere(partial(_look, folder, token, files))
        written = {path.name for path in folder.iterdir()}
        faults = [f"{worker}: {fault}" for worker, said in found.items() if (fault := _fault(said, written))]
    if faults:
        raise BadInputError(
            "workers do not see the same files as this program",
            where=store.path,
            expected="the store and the photographs under the same path on every machine",
            got="; ".join(faults[:10]),
            remedy="put both on a file system that all machines share, mounted at the same place",
        )


def _scratch(store: Store) -> contextlib.AbstractContextManager[Path]:
    """Make a folder for the context: in the store, or in the nearest folder above it that is there."""
    if store.is_there:
        return store.scratch()
    missing = store.path.absolute()
    while not missing.parent.is_dir():
        missing = missing.parent
    return workspace_beside(missing)


def _look(folder: Path, token: str, files: Mapping[Path, int]) -> tuple[str, str]:
    """Run on a worker: return the name of a file that it wrote into the store, and what is wrong, "" if nothing."""
    name, host = uuid4().hex, socket.gethostname()
    try:
        if (folder / "client").read_text(encoding="utf-8") != token:
            return name, f"on {host}, another store is at this path"
    except OSError as error:
        return name, f"on {host}, the store's folder is not there ({error.strerror})"
    try:
        (folder / name).write_text(token, encoding="utf-8")
    except OSError as error:
        return name, f"on {host}, the store's folder cannot be written ({error.strerror})"
    for path, size in files.items():
        if not path.is_file() or path.stat().st_size != size:
            return name, f"on {host}, {path} is not there, or another file"
    return name, ""


def _fault(said: tuple[str, str] | Exception, written: Collection[str]) -> str:
    if isinstance(said, Exception):
        return f"{type(said).__name__}: {said}"
    name, fault = said
    return fault or ("" if name in written else "it wrote to another disk of the same path")
