"""Verification of a store: every scene read and compared with its digests and with the list, and nothing that does
not belong."""

import stat
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from iea40k.errors import CorruptDataError, IEAError
from iea40k.files import disk_errors, sha256_file
from iea40k.recipe import digest
from iea40k.store import sources, split_book
from iea40k.store.each import Each
from iea40k.store.kinds import LEDGER_FILE, SEALS_FILE
from iea40k.store.layout import Store
from iea40k.store.listing import LIST, METADATA, SUFFIX, changed_metadata, files_below
from iea40k.store.release.splits import RATIOS
from iea40k.temporaries import is_temporary

Progress = Callable[[int, int, str], None]

MAKE_LIST = "iea40k verify STORE --make-list"
_FOLDERS = {"scenes": "", "quarantine": ".json", LIST: SUFFIX}
"""What lies in the folders of a store: files with this suffix, "" folders."""
_FILES = {
    "store.json",
    LEDGER_FILE,
    SEALS_FILE,
    split_book.FILE,
    split_book.LOCK,
    sources.FILE,
    sources.CHANGES,
    sources.LOCK,
    *(LEDGER_FILE + end for end in ("-wal", "-shm", "-journal", "-turns")),
}


def verify_store(store: Store, *, progress: Progress | None = None, each: Each = map) -> list[IEAError]:
    """Return every problem of a store's scenes, list and quarantine, none if it is sound.

    `progress(done, total, scene)`; `each` spreads the scenes over processes. The ledger verifies itself
    (`iea40k.store.ledger`).
    """
    report = progress or (lambda *_: None)
    problems: list[IEAError] = list(_strangers(store))
    ids = sorted({*_folders(store), *store.listing.names()})
    if not store.listing.kept and ids:
        problems.append(
            CorruptDataError(
                "this store has no list of its scenes: neither changed metadata nor a scene that is gone can be told",
                where=store.listing.folder,
                expected="a list, as newer versions write it",
                got="none: the store is older, or the list was taken away",
                remedy=f"if you trust the store as it stands, `{MAKE_LIST}` lists its scenes",
            )
        )
    for done, found in enumerate(each(partial(_scene_problems, store), ids), 1):
        problems += found
        report(done, len(ids), ids[done - 1])
    for read in (
        store.quarantined,
        lambda: sources.read_record(store),
        lambda: sources.read_changes(store),
        lambda: split_book.kept_splits(store, 0, RATIOS),
    ):
        try:
            read()
        except CorruptDataError as error:
            problems.append(error)
    return problems


def make_list(store: Store, *, progress: Progress | None = None) -> int:
    """List the scenes that are sound in themselves and not listed, as they stand; return how many there were.

    For stores of earlier versions. What is listed already is never changed. `progress(done, total, scene)`.
    """
    added, ids = 0, _folders(store)
    with disk_errors(store.path):
        store.clear_leftovers()
        for done, scene_id in enumerate(ids, 1):
            folder = store.scenes_folder / scene_id
            if store.listing.digests(scene_id) is None and not list(_contradictions(store, scene_id)):
                added += store.listing.add(folder)
            if progress is not None:
                progress(done, len(ids), scene_id)
    return added


def _folders(store: Store) -> list[str]:
    return [name for name in store.scene_ids() if _is_folder(store.scenes_folder / name)]


def _scene_problems(store: Store, scene_id: str) -> list[IEAError]:
    """Return what is wrong with a scene; looked at again where it was replaced meanwhile, which damages nothing."""
    while True:
        before = store.state_of(scene_id)
        try:
            found = list(_scene(store, scene_id))
        except FileNotFoundError:
            if store.state_of(scene_id) == before:
                raise
        else:
            if not found or store.state_of(scene_id) == before:
                return found


def _scene(store: Store, scene_id: str) -> Iterator[IEAError]:
    """Yield what is wrong with a scene: with its files, and where those are as listed or unlisted, with its pixels."""
    folder = store.scenes_folder / scene_id
    try:
        listed = store.listing.digests(scene_id) if store.listing.kept else None
    except IEAError as error:
        yield error
        listed = None
    else:
        if store.listing.kept and listed is None and folder.is_dir():
            yield CorruptDataError(
                "the list of the store does not have this scene: another program put it here",
                where=folder,
                remedy=f"if you trust it, `{MAKE_LIST}` lists it; else remove it",
            )
    if not folder.is_dir():
        if store.listing.kept and scene_id not in store.listing.names():
            return  # it was discarded just now
        yield CorruptDataError(
            "a scene that was in the store is gone",
            where=folder,
            remedy="restore it from a copy, or build it again; to do without it for good, remove "
            f"{LIST}/{scene_id}{SUFFIX}",
        )
        return
    named: set[str] = set()
    if not any(name.endswith("/") for name in files_below(folder)):  # reading a pipe would wait for ever
        found = list(_contradictions(store, scene_id, closed=listed is not None))
        named = {_part(folder, problem) for problem in found} - {METADATA}
        yield from found
    for problem in _files(folder, listed) if listed is not None else ():
        if _part(folder, problem) not in named:  # what a pixel's digest told already is not told again
            yield problem


def _part(folder: Path, error: IEAError) -> str:
    """Return which array of a scene, or which other file, an error names; "" for the scene as a whole."""
    where = Path(str(error.where))
    return where.relative_to(folder).parts[0] if where != folder and where.is_relative_to(folder) else ""


def _files(folder: Path, listed: Mapping[str, str]) -> Iterator[IEAError]:
    """Yield how the files of a scene differ from what was listed when it was written."""
    there = set(files_below(folder))
    for name in sorted(there - set(listed)):
        yield CorruptDataError("this does not belong to the scene", where=folder / name, remedy="remove it")
    for name, sha in sorted(listed.items()):
        if name not in there:
            yield CorruptDataError("a file of the scene is missing", where=folder / name, remedy=_RESTORE)
        elif (found := sha256_file(folder / name)) != sha:
            yield (
                changed_metadata(folder / name)
                if name == METADATA
                else CorruptDataError(
                    "a file of the scene is not what was written",
                    where=folder / name,
                    expected=f"sha256 {sha}",
                    got=f"sha256 {found}",
                    remedy=_RESTORE,
                )
            )


def _contradictions(store: Store, scene_id: str, *, closed: bool = False) -> Iterator[IEAError]:
    """Yield how a scene contradicts itself; `closed`: what does not belong to it was told already."""
    folder = store.scenes_folder / scene_id
    try:
        scene = store.open_scene(scene_id)
        if scene.scene_id != scene_id:
            yield CorruptDataError(
                "a scene lies in another scene's folder", where=scene.folder, got=f"scene {scene.scene_id}"
            )
        built = scene.load()
    except IEAError as error:
        yield error.located(folder)
        return
    if built.reference.shape[:2] != scene.shape:
        yield _other(folder, "size", f"{scene.shape}", f"{built.reference.shape[:2]}")
    if (found := digest(scene.recipe)) != scene.recipe_digest:
        yield _other(folder, "recipe", f"sha256 {scene.recipe_digest}", f"sha256 {found}")
    belongs = {"zarr.json", *scene.digests}
    for path in sorted(scene.folder.iterdir()):
        if path.name not in belongs and not closed:
            yield CorruptDataError("this does not belong to the scene", where=path, remedy="remove it")


def _strangers(store: Store) -> Iterator[IEAError]:
    """Yield whatever lies in the store and is no part of it."""
    for path in sorted(store.path.iterdir()):
        if path.name == ".writing":
            continue
        ours = path.name in _FILES or is_temporary(path.name)
        if not (path.name in _FOLDERS and path.is_dir()) and not (ours and _is_file(path)):
            yield _stranger(path)
    for name, suffix in _FOLDERS.items():
        folder = store.path / name
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            fits = _is_folder(path) and path.name[0] != "." if suffix == "" else _is_file(path)
            if not fits or not path.name.endswith(suffix):
                yield _stranger(path)


def _stranger(path: Path) -> IEAError:
    return CorruptDataError(
        "this does not belong to the store", where=path, remedy="move it elsewhere, or remove it"
    )


def _other(folder: Path, what: str, expected: str, got: str) -> IEAError:
    return CorruptDataError(
        f"the scene's {what} is not the one that its metadata state",
        where=folder / "zarr.json",
        expected=expected,
        got=got,
        remedy=_RESTORE,
    )


def _is_folder(path: Path) -> bool:
    return _is(stat.S_ISDIR, path)


def _is_file(path: Path) -> bool:
    return _is(stat.S_ISREG, path)


def _is(kind: Callable[[int], bool], path: Path) -> bool:
    """Return whether a path is of a kind; what another process took away meanwhile is in nobody's way."""
    try:
        return kind(path.lstat().st_mode)
    except FileNotFoundError:
        return True


_RESTORE = "restore the scene from a copy, or discard and build it again"
