"""The directories of a TIFF, walked before any library does: they lead in no circle, and are not too many.

Libraries follow a chain of directories for as long as it goes on, and of one that points to itself that is for ever.
Whatever else is wrong with a file is left to its decoder.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from iea40k.errors import UnreadableImageError
from iea40k.files import refuse_special

MOST_DIRECTORIES = 1000
"""Directories of a file, at most: RAW files have some ten, and a file of that many pictures is none of ours."""
_MOST_TAGS = 4096
_SUBDIRECTORIES = 330
_INTEGERS = {3: "H", 4: "I", 13: "I", 16: "Q", 17: "q", 18: "Q"}


@dataclass(frozen=True)
class _Form:
    """How a TIFF writes numbers: byte order, and the sizes of classic or of Big TIFF."""

    order: str
    big: bool

    @property
    def _sizes(self) -> tuple[str, str, int]:
        return ("Q", "Q", 20) if self.big else ("H", "I", 12)

    def directory(self, stream: BinaryIO, at: int) -> tuple[list[int], int]:
        """Return where the subdirectories of the directory at a byte lie, and the next directory of its chain.

        Nowhere (no subdirectory, 0) where it cannot be read.
        """
        counter, offset, entry_bytes = self._sizes
        stream.seek(at)
        (count,) = self._unpack(counter, stream.read(struct.calcsize(counter)))
        if count > _MOST_TAGS:
            return [], 0
        data = stream.read(count * entry_bytes + struct.calcsize(offset))
        (following,) = self._unpack(offset, data[count * entry_bytes :])
        below: list[int] = []
        for start in range(0, count * entry_bytes, entry_bytes):
            entry = data[start : start + entry_bytes]
            if self._unpack("H", entry[:2]) == (_SUBDIRECTORIES,):
                below += self._values(stream, entry)
        return below, following

    def _values(self, stream: BinaryIO, entry: bytes) -> list[int]:
        _, offset, _ = self._sizes
        kind, count = self._unpack("H" + offset, entry[2 : 4 + struct.calcsize(offset)])
        letter, field = _INTEGERS.get(kind), entry[4 + struct.calcsize(offset) :]
        if letter is None or count > MOST_DIRECTORIES:
            return []
        size = count * struct.calcsize(letter)
        if size > len(field):
            stream.seek(self._unpack(offset, field)[0])
            field = stream.read(size)
        return list(self._unpack(letter * count, field[:size]))

    def _unpack(self, letters: str, data: bytes) -> tuple[int, ...]:
        return struct.unpack(self.order + letters, data)


def check_directories(path: Path) -> None:
    """Raise `UnreadableImageError` where the directories of a TIFF lead in a circle or are more than a thousand.

    A file that is no TIFF, or whose directories cannot be read, passes.
    """
    refuse_special(path)
    with path.open("rb") as stream:
        head = stream.read(16)
        order = {b"II": "<", b"MM": ">"}.get(head[:2])
        if order is None or len(head) < 16:
            return
        form = _Form(order, head[2:4] in (b"+\0", b"\0+"))
        first = struct.unpack(f"{order}Q", head[8:16]) if form.big else struct.unpack(f"{order}I", head[4:8])
        for number, (at, above) in enumerate(_walk(form, stream, first[0]), 1):
            if at in above:
                raise _refused(path, "directories that end", f"one at byte {at} that leads to itself")
            if number > MOST_DIRECTORIES:
                raise _refused(path, f"at most {MOST_DIRECTORIES} directories", "more")


def _walk(form: _Form, stream: BinaryIO, first: int) -> Iterator[tuple[int, frozenset[int]]]:
    """Yield each directory, depth first, with those that lead to it: earlier ones of its chain, and its parents."""
    waiting = [(first, frozenset[int](), True)]
    while waiting:
        at, above, chained = waiting.pop()
        yield at, above
        try:
            below, following = form.directory(stream, at)
        except (struct.error, OverflowError, OSError, ValueError):
            continue
        seen = above | {at}
        if chained and following:
            waiting.append((following, seen, True))
        waiting += [(child, seen, False) for child in below if child]


def _refused(path: Path, expected: str, got: str) -> UnreadableImageError:
    return UnreadableImageError(
        "the TIFF's directories lead nowhere",
        where=path,
        expected=expected,
        got=got,
        remedy="copy or download it again, or save the picture anew",
    )
