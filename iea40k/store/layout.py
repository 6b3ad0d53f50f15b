"""The store: where everything of a working dataset lies on disk, and the rules for writing there.

    STORE/store.json              what this folder is; written last when a store is made
    STORE/scenes/SCENE_ID/        one Zarr v3 group a scene, immutable
    STORE/list/SCENE_ID.sha256    what the scene holds (see `iea40k.store.listing`)
    STORE/quarantine/SCENE_ID.json   why a scene could not be built
    STORE/ledger.sqlite           corrections (see `iea40k.store.ledger`)
    STORE/.writing/               scenes being written; emptied of what dead writers left

Several processes may write different scenes at once. Where two write the same scene, one wins.
"""

import contextlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from iea40k.errors import AlreadyExistsError, CorruptDataError, NotThereError
from iea40k.files import (
    AnyPath,
    disk_errors,
    make_folders,
    publish_folder,
    read_plain_file,
    write_atomic,
)
from iea40k.recipe import Recipe, canonical_json, digest
from iea40k.scene import BuiltScene, check_scene_id
from iea40k.sealed import parse_sealed, sealed_json
from iea40k.store import scenes
from iea40k.store.kinds import mistaken, refuse_mistaken
from iea40k.store.listing import LIST, SUFFIX, StoreList
from iea40k.store.locks import clear_leftovers, workspace
from iea40k.store.scenes import StoredScene
from iea40k.temporaries import clear_temporaries, is_temporary
from iea40k.texts import parse_json

FORMAT = "iea40k-store"
FORMAT_VERSION = 1
_MOST = 1 << 26
"""Bytes of a small file, at most."""
_QUARANTINE = "iea40k-quarantined"
_PLAIN = {"scene_id", "error", "letter", "recipe_digest"}
"""The keys of a quarantine entry."""
_FOLDERS = ("scenes", "quarantine", LIST, ".writing")


@dataclass(frozen=True)
class QuarantinedScene:
    """A scene that could not be built: the error's class name and message, and the digest of the recipe tried."""

    scene_id: str
    error: str
    message: str
    recipe_digest: str | None = None


@dataclass(frozen=True)
class StoreCounts:
    """How many scenes and exposures a store holds, and how many scenes are in quarantine."""

    scenes: int
    exposures: int
    quarantined: int


class Store:
    """A store on disk. Make one with `Store.create`, open one with `Store.open`; opening writes nothing."""

    def __init__(self, path: AnyPath) -> None:
        self.path = Path(path)
        self.listing = StoreList(self.path)

    def __repr__(self) -> str:
        return f"Store({str(self.path)!r})"

    @classmethod
    def create(cls, path: AnyPath) -> Self:
        """Make an empty store at `path`, or open the one that is there.

        Raises `AlreadyExistsError` where the folder holds something else.
        """
        store = cls.planned(path)
        if store.is_there:
            return store
        with disk_errors(store.path):
            for folder in (store.scenes_folder, store.quarantine_folder, store.listing.folder):
                make_folders(folder)
        head = {"format": FORMAT, "version": FORMAT_VERSION}
        write_atomic(store.path / "store.json", json.dumps(head, indent=1) + "\n")
        return store

    @classmethod
    def planned(cls, path: AnyPath) -> Self:
        """Return the store at `path`, or the one that `create` would make there; nothing is written.

        Raises `AlreadyExistsError` where the folder holds something else.
        """
        path = Path(path)
        if (path / "store.json").exists():
            return cls.open(path)
        with disk_errors(path):
            refuse_mistaken(path, "store")
            strange = path.exists() and any(
                p.name not in _FOLDERS and not is_temporary(p.name) for p in path.iterdir()
            )
            if strange and not (path / "store.json").exists():  # another process may have made it just now
                raise AlreadyExistsError(
                    "this folder holds something else than a store",
                    where=path,
                    expected="a folder that is empty or absent",
                    remedy="name another folder for the store",
                )
        return cls(path)

    @classmethod
    def open(cls, path: AnyPath) -> Self:
        """Open a store. Raises `StoreError` where there is none, or one of a newer format."""
        path = Path(path)
        file = path / "store.json"
        try:
            head = parse_json(read_plain_file(file, _MOST))
        except (FileNotFoundError, NotADirectoryError) as error:
            what, remedy = mistaken(path, "store") or (
                "there is no store here",
                "make one with `iea40k build MANIFEST STORE`",
            )
            raise NotThereError(what, where=path, remedy=remedy) from error
        except ValueError as error:
            raise CorruptDataError("store.json cannot be read", where=file, got=str(error)) from error
        if not isinstance(head, dict) or head.get("format") != FORMAT:
            raise NotThereError("this folder is not a store", where=file, expected=f'"format": "{FORMAT}"')
        if head.get("version") != FORMAT_VERSION:
            raise scenes.newer_format(file, FORMAT_VERSION, head.get("version"))
        return cls(path)

    @property
    def is_there(self) -> bool:
        """Whether there is a store yet."""
        return (self.path / "store.json").exists()

    @property
    def changeable(self) -> bool:
        """Whether files may be put into the store: not on a disk mounted to be read only, or where rights lack."""
        return os.access(self.path, os.W_OK)

    @property
    def scenes_folder(self) -> Path:
        """Where the scenes lie, a folder each."""
        return self.path / "scenes"

    @property
    def quarantine_folder(self) -> Path:
        """Where the failures lie, a JSON file each."""
        return self.path / "quarantine"

    def scene_path(self, scene_id: str) -> Path:
        """Return where a scene lies, or would lie. Raises `BadInputError` for an impossible id."""
        return self.scenes_folder / check_scene_id(scene_id)

    # ------------------------------------------------------------ reading

    def scene_ids(self) -> list[str]:
        """Return the ids of all scenes, sorted."""
        if not self.scenes_folder.is_dir():
            return []
        return sorted(p.name for p in self.scenes_folder.iterdir() if not p.name.startswith("."))

    def has_scene(self, scene_id: str, recipe_digest: str | None = None) -> bool:
        """Return whether a scene is there; with a digest, whether it was made by that very recipe."""
        if not (self.scene_path(scene_id) / "zarr.json").exists():
            return False
        return recipe_digest is None or self.recipe_digest(scene_id) == recipe_digest

    def recipe_digest(self, scene_id: str) -> str:
        """Return the digest of the recipe that made a scene. Raises `StoreError` where it is absent."""
        found = scenes.read_attributes(self.scene_path(scene_id)).get("recipe_digest")
        return str(found)

    def open_scene(self, scene_id: str) -> StoredScene:
        """Return a scene whose pixels are read, and checked, on demand."""
        return scenes.open_scene(self.scene_path(scene_id))

    def read_scene(self, scene_id: str) -> BuiltScene:
        """Return a whole scene, every array checked; as it was or as it is now, where it is replaced meanwhile.

        Raises `StoreError` or `CorruptDataError`.
        """
        while True:
            before = self.state_of(scene_id)
            try:
                return self.open_scene(scene_id).load()
            except (CorruptDataError, NotThereError, FileNotFoundError):
                if before is None or self.state_of(scene_id) == before:
                    raise

    def state_of(self, scene_id: str) -> tuple[int, int] | None:
        """Return what changes when a scene is replaced, and only then; None where there is no such scene."""
        try:
            found = self.scene_path(scene_id).stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_ctime_ns

    def counts(self) -> StoreCounts:
        """Count scenes, exposures and quarantined scenes."""
        ids = self.scene_ids()
        exposures = sum(len(self.open_scene(scene_id).levels) for scene_id in ids)
        return StoreCounts(len(ids), exposures, len(self.quarantined()))

    # ------------------------------------------------------------ writing

    def write_scene(self, scene: BuiltScene) -> bool:
        """Write a scene whole or not at all; return False where the very same scene was there already.

        It is written beside the others, read back and compared, flushed to the disk, and then renamed. Takes the
        scene out of quarantine. Raises `AlreadyExistsError` where another scene of this id is there,
        `StoreError` where the disk is full or cannot be written.
        """
        from iea40k.store.scene_writing import write_scene  # readers do without zarr-python

        final = self.scene_path(scene.scene_id)
        written = not final.exists()
        if written:
            with disk_errors(final), workspace(self._writing) as work:
                folder = work / "scene"
                write_scene(folder, scene)
                scenes.open_scene(folder).load()
                written = self._publish(work, folder, final)
        if not written:
            self._check_same(final, scene)
        self.clear_quarantine(scene.scene_id)
        return written

    def _publish(self, work: Path, folder: Path, final: Path) -> bool:
        """Give a finished scene its name and list it; return False where another has the name."""
        if not self.listing.kept:
            with contextlib.suppress(AlreadyExistsError):
                publish_folder(folder, final)
            return not folder.exists()
        self.listing.write_ahead(work, folder, final.name)
        try:
            publish_folder(folder, final)
        except AlreadyExistsError:
            return False
        finally:  # an interrupt may come once the scene has its name
            self.listing.settle(work, ours=not folder.exists())
        return True

    def scratch(self) -> contextlib.AbstractContextManager[Path]:
        """Make a new folder inside the store that is nobody else's, for the context."""
        return workspace(self._writing)

    def discard_scene(self, scene_id: str) -> None:
        """Take a scene out of the store, so that it can be built again. Corrections in the ledger stay."""
        final = self.scene_path(scene_id)
        with disk_errors(final), workspace(self._writing) as work:
            if not final.is_dir():
                raise NotThereError("there is no such scene", where=final)
            entry = self.listing.folder / (scene_id + SUFFIX)
            if entry.is_file():  # it is listed until it is gone, however this ends
                make_folders(work / LIST)
                entry.rename(work / LIST / entry.name)
            try:
                final.rename(work / "discarded")
            finally:
                self.listing.settle(work)

    def replace_scene(self, scene: BuiltScene) -> None:
        """Write a scene in the place of the one of its id. Corrections in the ledger stay, stale where pixels changed.

        Killed in between, the store has neither, and the next build makes the new one.
        """
        with contextlib.suppress(NotThereError):  # another process that replaces it too has taken it away
            self.discard_scene(scene.scene_id)
        self.write_scene(scene)

    def clear_leftovers(self) -> int:
        """Remove what killed writers left; return how much. Living writers are left alone."""
        with disk_errors(self.path):
            for left in sorted(self._writing.glob("*/")):
                self.listing.settle(left)
            files = sum(clear_temporaries(folder) for folder in self._small_files)
            return files + clear_leftovers(self._writing)

    # ------------------------------------------------------------ quarantine

    def quarantine(self, scene_id: str, error: Exception, recipe: Recipe | None = None) -> None:
        """Record why a scene could not be built; a later failure replaces an earlier one."""
        entry = {
            "scene_id": scene_id,
            "error": type(error).__name__,
            "letter": str(error),
            "recipe_digest": None if recipe is None else digest(recipe),
        }
        write_atomic(self._quarantine_file(scene_id), sealed_json(_QUARANTINE, entry))

    def quarantined(self) -> list[QuarantinedScene]:
        """Return the scenes in quarantine, sorted by id."""
        files = sorted(self.quarantine_folder.glob("*.json"), key=lambda file: file.stem)
        found = []
        for file in files:
            with contextlib.suppress(FileNotFoundError):  # a build took it out just now
                found += [] if file.name.startswith(".") else [_read_quarantined(file)]
        return found

    def failed_before(self, scene_id: str, kind: type[Exception], recipe: Callable[[], Recipe]) -> str:
        """Return the message of a quarantined scene whose error and recipe were these; "" for any other scene."""
        file = self._quarantine_file(scene_id)
        if not file.exists():
            return ""
        entry = _read_quarantined(file)
        same = entry.error == kind.__name__ and entry.recipe_digest == digest(recipe())
        return entry.message if same else ""

    def has_quarantine(self, scene_id: str) -> bool:
        """Return whether a scene is in quarantine."""
        return self._quarantine_file(scene_id).exists()

    def clear_quarantine(self, scene_id: str) -> None:
        """Forget a scene's failure; a no-op where there is none."""
        with disk_errors(self.quarantine_folder):
            self._quarantine_file(scene_id).unlink(missing_ok=True)

    # ------------------------------------------------------------ private

    @property
    def _writing(self) -> Path:
        return self.path / ".writing"

    @property
    def _small_files(self) -> tuple[Path, ...]:
        return self.path, self.quarantine_folder, self.listing.folder

    def _quarantine_file(self, scene_id: str) -> Path:
        return self.quarantine_folder / f"{check_scene_id(scene_id)}.json"

    def _check_same(self, final: Path, scene: BuiltScene) -> None:
        from iea40k.store.scene_writing import scene_attributes

        there, here = scenes.read_attributes(final), scene_attributes(scene)
        if canonical_json(there) != canonical_json(here):
            raise AlreadyExistsError(
                "another scene of this id is in the store, and base arrays are never overwritten",
                where=final,
                expected=f"recipe {there.get('recipe_digest')}",
                got=f"recipe {here['recipe_digest']}",
                remedy="build into a new store, or discard this scene first",
            )


def _read_quarantined(file: Path) -> QuarantinedScene:
    try:
        data = read_plain_file(file, _MOST)
        entry: Mapping[str, Any] = parse_json(data)
        if set(entry) - _PLAIN:  # earlier versions wrote these alone, and no digest
            entry = parse_sealed(_QUARANTINE, data)
        return QuarantinedScene(
            entry["scene_id"], entry["error"], entry["letter"], entry.get("recipe_digest")
        )
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptDataError("a quarantine entry cannot be read", where=file, got=str(error)) from error
