"""The list of a store's scenes: of each, the sha256 of every file, so that what changed, came or went is told.

    STORE/list/SCENE_ID.sha256    as `sha256sum` writes it, paths relative to STORE; `cat list/* | sha256sum -c` checks

A scene's entry is on the disk before the scene has its name: it is written beside the scene in its workspace and moved
here right after the scene. So a writer that dies between the two leaves both, and `settle` brings them together.
Stores of earlier versions have no list until one is asked for.
"""

import contextlib
import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from iea40k.errors import CorruptDataError
from iea40k.files import fsync_folder, is_plain_file, make_folders, read_plain_file, sha256_file, write_atomic
from iea40k.scene import check_scene_id
from iea40k.temporaries import is_temporary

LIST = "list"
SUFFIX = ".sha256"
METADATA = "zarr.json"
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")
_MOST = 1 << 20
"""Bytes of an entry, at most: a scene has some ten files."""


class StoreList:
    """The list of the store at `store`; reading changes nothing."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self.folder = store / LIST

    @property
    def kept(self) -> bool:
        """Whether this store has a list at all."""
        return self.folder.is_dir()

    def names(self) -> set[str]:
        """Return the ids of the scenes that are listed."""
        if not self.kept:
            return set()
        files = (path for path in self.folder.iterdir() if path.suffix == SUFFIX)
        return {path.name.removesuffix(SUFFIX) for path in files if not is_temporary(path.name)}

    def digests(self, scene_id: str) -> Mapping[str, str] | None:
        """Return path -> sha256 of a scene's files as they were written, paths relative to the scene.

        None where the scene is not listed. Raises `CorruptDataError` for an entry that cannot be read.
        """
        entry = self._entry(scene_id)
        if not os.path.lexists(entry):  # of a scene whose writer died before it was listed
            noted = [f for f in self._store.glob(f".writing/*/{LIST}/*{SUFFIX}") if f.name == entry.name]
            for file in noted:
                try:
                    return _parsed(file, scene_id)
                except (CorruptDataError, FileNotFoundError):
                    if os.path.lexists(file):
                        raise
            if not os.path.lexists(entry):  # its writer may have listed it since it was looked for
                return None
        return _parsed(entry, scene_id)

    def check_metadata(self, scene_id: str) -> None:
        """Raise `CorruptDataError` where a scene's metadata are not those that were written.

        Without a list nothing is known, and so nothing raised.
        """
        listed = self.digests(scene_id) if self.kept else None
        if listed is None:
            return
        file = self._store / "scenes" / scene_id / METADATA
        if sha256_file(file) != listed.get(METADATA):
            raise changed_metadata(file)

    def root(self) -> str:
        """Return one sha256 (64 hex digits) for the whole list: of `sha256sum *.sha256` in its folder, names sorted."""
        hasher = hashlib.sha256()
        for name in sorted(self.names()):
            entry = read_plain_file(self._entry(name), _MOST)
            hasher.update(f"{hashlib.sha256(entry).hexdigest()}  {name}{SUFFIX}\n".encode())
        return hasher.hexdigest()

    def write_ahead(self, workspace: Path, scene: Path, scene_id: str) -> None:
        """Note in a workspace what a finished scene in it holds; on the disk when this returns."""
        write_atomic(workspace / LIST / (scene_id + SUFFIX), entry_of(scene, scene_id))
        fsync_folder(workspace)
        fsync_folder(workspace.parent)

    def settle(self, workspace: Path, *, ours: bool = False) -> None:
        """List the scenes that a workspace noted and that stand in the store as noted.

        `ours`: they do, since this writer has just published them.
        """
        for noted in sorted((workspace / LIST).glob("*" + SUFFIX)):
            scene_id = noted.name.removesuffix(SUFFIX)
            scene = self._store / "scenes" / scene_id
            if is_temporary(noted.name) or not scene.is_dir():
                continue
            with contextlib.suppress(FileNotFoundError):  # its writer lives, and has listed it
                if ours or entry_of(scene, scene_id).encode() == read_plain_file(noted, _MOST):
                    noted.replace(self._entry(scene_id))
                    fsync_folder(self.folder)

    def add(self, scene: Path) -> bool:
        """List a scene as it stands unless it is listed; return whether it was not. Makes the list where it is absent.

        What it holds is believed: verify it before.
        """
        make_folders(self.folder)
        if self._entry(scene.name).exists():
            return False
        write_atomic(self._entry(scene.name), entry_of(scene, scene.name))
        return True

    def remove(self, scene_id: str) -> None:
        """Take a scene off the list; a no-op where it is not on it."""
        self._entry(scene_id).unlink(missing_ok=True)

    def _entry(self, scene_id: str) -> Path:
        return self.folder / (check_scene_id(scene_id) + SUFFIX)


def changed_metadata(file: Path) -> CorruptDataError:
    """Return the error for a scene whose metadata are not those that were written."""
    return CorruptDataError(
        "the scene's metadata (its licence, EVs, sizes, priorities, recipe, digests) are not those that were written",
        where=file,
        expected="the sha256 that the list of the store has",
        got="another",
        remedy="restore the scene from a copy, or discard and build it again",
    )


def entry_of(scene: Path, scene_id: str) -> str:
    """Return the lines of a scene's entry, its files in the order of their paths."""
    found = sorted(files_below(scene))
    return "".join(
        f"{sha256_file(scene / name)}  scenes/{scene_id}/{name}\n" for name in found if name[-1] != "/"
    )


def files_below(folder: Path) -> Iterator[str]:
    """Yield the path of everything below a folder, relative to it; what is no plain file or folder ends in "/"."""
    for parent, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = Path(parent) / name
            mode = path.lstat().st_mode
            if not stat.S_ISDIR(mode):
                relative = path.relative_to(folder).as_posix()
                yield relative if stat.S_ISREG(mode) else relative + "/"


def _parsed(file: Path, scene_id: str) -> Mapping[str, str]:
    expected = f"lines of `sha256sum`, each of a file below scenes/{scene_id}"
    got = "no plain file"
    if is_plain_file(file):
        text = read_plain_file(file, _MOST).decode(errors="replace")
        lines = [_LINE.fullmatch(line) for line in text.split("\n")[:-1]]
        prefix = f"scenes/{scene_id}/"
        if text.endswith("\n") and all(line is not None and line[2].startswith(prefix) for line in lines):
            return {line[2].removeprefix(prefix): line[1] for line in lines if line is not None}
        got = repr(text[:80])
    raise CorruptDataError(
        "a scene's entry in the list of the store cannot be read",
        where=file,
        expected=expected,
        got=got,
        remedy="restore it from a copy; nothing else says what the scene was",
    )
