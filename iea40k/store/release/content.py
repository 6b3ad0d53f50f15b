"""What a release holds: a closed list of files. Anything else in its folder does not belong to it.

The writer publishes exactly these files, and the verifier accepts no other, whatever the checksums list.
"""

import math
import os
import stat
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from iea40k.errors import CorruptDataError, IEAError, StoreError
from iea40k.store.release.splits import SPLITS
from iea40k.store.shard_layout import read_layout, shard_file

HEAD = "release.json"
SUMS = "SHA256SUMS"
ROOT = "ROOT.sha256"
CROISSANT = "croissant.json"
CARD = "README.md"
LICENCES = "LICENCES.csv"
COMPOSITION = "composition.png"
CITATION = "CITATION.cff"
PREVIEW = "preview"
ARRAYS = "arrays"
TABLES = "tables"
TABLE_NAMES = ("images", "scenes", "splits", "provenance")
ROW_DIGESTS = f"{TABLES}/digests.parquet"
SIGNATURE = f"{HEAD}.minisig"

NEWER = (COMPOSITION, ROW_DIGESTS)
"""Files that a release which carries no root digest, being older, may lack."""

OPTIONAL = frozenset({CITATION, *(f"{PREVIEW}/{split}.parquet" for split in SPLITS)})
"""Files that a release has where its release.json lists them (`files`): the older have none of them."""

UNSUMMED = (HEAD, SUMS, ROOT, SIGNATURE)
"""Files that the checksums cannot list: the root digest stands for the first two, and a signature for that."""


def metadata_file(frame: str, array: str) -> str:
    """Return the path of an array's metadata below the release."""
    return f"{ARRAYS}/{frame}/{array}/zarr.json"


def summed_files(
    folder: Path, arrays: Mapping[str, Collection[str]], optional: Collection[str] = ()
) -> set[str]:
    """Return the paths of all files that the checksums of the release in `folder` list.

    `arrays` names the arrays of each frame shape; how many shards each has, its metadata say. An array whose metadata
    cannot be read counts as that file alone. `optional` are those of `OPTIONAL` that it has.
    """
    names = {
        *OPTIONAL.intersection(optional),
        CARD,
        LICENCES,
        COMPOSITION,
        CROISSANT,
        ROW_DIGESTS,
        f"{ARRAYS}/zarr.json",
    }
    names |= {f"{TABLES}/{table}.parquet" for table in TABLE_NAMES}
    for frame, frame_arrays in arrays.items():
        names.add(f"{ARRAYS}/{frame}/zarr.json")
        for array in frame_arrays:
            names.add(metadata_file(frame, array))
            names.update(_shards(folder, frame, array))
    return names


def strangers(folder: Path, expected: Collection[str]) -> Iterator[IEAError]:
    """Yield an error for whatever lies in `folder` that is neither an expected file nor a folder on the way to one.

    Expected files must be plain files: a link, pipe or device in the place of one is a stranger too.
    """
    folders = {parent.as_posix() for name in expected for parent in Path(name).parents}
    for place, below, files in os.walk(folder):
        here = Path(place)
        for name in sorted([*below, *files]):
            path = here / name
            relative, mode = path.relative_to(folder).as_posix(), path.lstat().st_mode
            if stat.S_ISDIR(mode):
                if relative not in folders:
                    yield CorruptDataError("a folder does not belong to the release", where=path)
            elif relative not in expected:
                yield CorruptDataError("a file does not belong to the release", where=path)
            elif not stat.S_ISREG(mode):
                yield CorruptDataError(
                    "this is not a plain file",
                    where=path,
                    expected="a file with its own bytes",
                    got=_kind(mode),
                    remedy="fetch this file again",
                )
        below[:] = [name for name in below if (here / name).relative_to(folder).as_posix() in folders]


def _shards(folder: Path, frame: str, array: str) -> set[str]:
    where = folder / ARRAYS / frame / array
    try:
        layout = read_layout(where)
    except StoreError:
        return set()
    count = math.ceil(layout.shape[0] / layout.shard[0])
    return {shard_file(where, layout, number).relative_to(folder).as_posix() for number in range(count)}


def _kind(mode: int) -> str:
    kinds = {
        stat.S_IFLNK: "a symlink",
        stat.S_IFIFO: "a pipe",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
        stat.S_IFSOCK: "a socket",
    }
    return kinds.get(stat.S_IFMT(mode), "something else")
