"""A manifest's root: the folder that its paths are relative to. It may lie anywhere; the paths may not leave it."""

import os
from dataclasses import dataclass
from pathlib import Path

from iea40k.errors import BadInputError, Place
from iea40k.files import inside

SEPARATOR = "|"
"""Between the values of a cell; a file name that holds it cannot stand in a manifest."""


@dataclass(frozen=True)
class Root:
    """Where files lie (`folder`), and what a manifest's column `root` says of it, "" for the manifest's folder."""

    folder: Path
    recorded: str = ""


def root_for(folder: Path, manifest: Path) -> Root:
    """Return the root of a manifest of the files below `folder`.

    It is the manifest's own folder where that holds `folder`, else `folder`.
    """
    home = manifest.absolute().parent
    if folder.resolve().is_relative_to(home.resolve()):
        return Root(home)
    return Root(folder, recorded_as(folder, manifest))


def recorded_as(folder: Path, manifest: Path) -> str:
    """Return what a manifest's column `root` says of `folder`, "" where that is the manifest's own.

    It is recorded as it was given: an absolute path as such, a relative one relative to the manifest's folder
    (absolute on another drive).
    """
    home, target = manifest.absolute().parent.resolve(), folder.resolve()
    if target == home:
        return ""
    if folder.is_absolute():
        return folder.as_posix()
    try:
        return Path(os.path.relpath(target, home)).as_posix()
    except ValueError:  # Windows: no relative path leads to another drive
        return target.as_posix()


def recorded_root(manifest: Path, recorded: str, line: int | None = None) -> Path:
    """Return the folder that a manifest's column `root` names. Raises `BadInputError` where it is not there."""
    root = manifest.parent / recorded.replace("\\", "/")
    try:
        there = root.is_dir()
    except (OSError, ValueError):  # too long, or with a NUL
        there = False
    if not there:
        raise BadInputError(
            "the manifest's root is not there",
            where=Place(manifest, line, "root"),
            expected="the folder that the manifest's paths are relative to",
            got=repr(recorded),
            remedy="where it has moved, add --root FOLDER or correct the column; or bring the folder back",
        )
    return root


def name_below(root: Path, file: Path) -> str:
    """Return a file's name relative to the root, with forward slashes; of a file that is a link, the link's.

    Raises `BadInputError` where the file lies outside the root.
    """
    place = file.parent.resolve() / file.name
    if not place.is_relative_to(root.resolve()):
        raise BadInputError(
            "the file lies outside the manifest's root",
            where=file,
            expected=f"a file below {root}",
            remedy="copy it below the root, or name a folder above both as the root",
        )
    return place.relative_to(root.resolve()).as_posix()


def usable_name(root: Path, file: Path) -> str:
    """Return a file's name as a manifest with this root can hold it.

    Raises `BadInputError` where the file, or what it links to, lies outside the root, and where its name holds `|`.
    """
    name = name_below(root, file)
    if SEPARATOR in name:
        raise BadInputError(f"the name has a '{SEPARATOR}'", where=file, remedy="rename the file")
    inside(root, name)
    return name
