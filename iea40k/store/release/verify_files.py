"""The files of a release: no other than it holds, all of them plain, each with the checksum it was published with."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from iea40k.errors import CorruptDataError, IEAError, Place
from iea40k.files import is_plain_file, sha256_file
from iea40k.store.codecs import DTYPES
from iea40k.store.each import Each
from iea40k.store.release import content
from iea40k.store.release.content import HEAD, NEWER, SUMS
from iea40k.store.release.reading import Release

Progress = Callable[[int, int, str], None]
_ARRAY = re.compile(rf"^{content.ARRAYS}/(\d+x\d+)/({'|'.join(DTYPES)})/zarr\.json$")


def file_problems(release: Release, report: Progress, each: Each = map) -> Iterator[IEAError]:
    """Yield every problem of the release's files. `report(files done, files, "checksums")`."""
    sums_file = release.path / SUMS
    if not is_plain_file(sums_file):
        yield CorruptDataError("the checksums are missing", where=sums_file)
        return
    if (found := sha256_file(sums_file)) != release.digest:
        yield CorruptDataError(
            "the checksums are not those that the release was published with",
            where=sums_file,
            expected=f"sha256 {release.digest}, as {HEAD} says",
            got=found,
        )
    listed, unreadable = _read_sums(release)
    yield from unreadable
    held = held_files(release, listed)
    yield from content.strangers(release.path, {*held, *content.UNSUMMED})
    names = sorted({*held, *listed})
    pairs = [(name, listed.get(name)) for name in names]
    for done, found in enumerate(each(partial(_file, release.path), pairs), 1):
        yield from found
        report(done, len(names), "checksums")


def held_files(release: Release, listed: Mapping[str, str]) -> set[str]:
    """Return the paths of all files that this release holds and its checksums `listed` must list."""
    more = release.head.get("files", ())
    optional = [name for name in more if isinstance(name, str)] if isinstance(more, list) else []
    held = content.summed_files(release.path, _arrays(release, listed), optional)
    return held if release.carries_root else held - {name for name in NEWER if name not in listed}


def may_wait(release: Release) -> bool:
    """Return whether a reader of the release could wait forever: something lies there that is no plain file."""
    paths = (Path(place, name) for place, _, names in os.walk(release.path) for name in names)
    return any(path.exists() and not path.is_file() for path in paths)


def _file(folder: Path, named: tuple[str, str | None]) -> list[IEAError]:
    """Return what is wrong with a file of the release and its checksum."""
    name, sha = named
    file = folder / name
    if not os.path.lexists(file):
        return [
            CorruptDataError("a file of the release is missing", where=file, remedy="fetch this file again")
        ]
    if sha is None:
        return [CorruptDataError("the checksums do not list a file of the release", where=file)]
    if is_plain_file(file) and (found := sha256_file(file)) != sha:
        return [
            CorruptDataError(
                "a file is not what was published",
                where=file,
                expected=f"sha256 {sha}",
                got=found,
                remedy="fetch this file again",
            )
        ]
    return []


def _read_sums(release: Release) -> tuple[dict[str, str], list[IEAError]]:
    """Return path -> sha256 of the checksums, and a problem a line that is not one."""
    file = release.path / SUMS
    sums: dict[str, str] = {}
    problems: list[IEAError] = []
    for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        sha, _, name = line.partition("  ")
        if len(sha) != 64 or not name or name.startswith("/") or ".." in name.split("/"):
            problems.append(
                CorruptDataError("not a line of checksums", where=Place(file, number), got=line[:80])
            )
        else:
            sums[name] = sha
    return sums, problems


def _arrays(release: Release, listed: Mapping[str, str]) -> dict[str, set[str]]:
    """Return the arrays of each frame shape: as release.json has them, before it did as the checksums list them."""
    kept = release.head.get("arrays")
    if isinstance(kept, Mapping):
        frames = [(frame, of) for frame, of in kept.items() if isinstance(of, Mapping)]
        names = [content.metadata_file(frame, name) for frame, of in frames for name in of]
    else:
        names = list(listed)
    arrays: dict[str, set[str]] = {}
    for found in filter(None, map(_ARRAY.match, names)):
        arrays.setdefault(found[1], set()).add(found[2])
    return arrays
