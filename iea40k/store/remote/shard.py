"""A shard on a server: its index, and the chunks that are asked for, each compared with its own checksum."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from iea40k.errors import BadInputError, CorruptDataError
from iea40k.store.decoding import strip_crc32c
from iea40k.store.remote.cache import Cache
from iea40k.store.remote.transport import Span, Transport, is_page, wrong_bytes
from iea40k.store.shard_files import Index, index_size, parse_index, written
from iea40k.store.shard_layout import Layout, shard_file
from iea40k.store.zstd_frames import Bytes

GAP = 16 << 10
"""Bytes between two ranges up to which they are asked for as one; docs/benchmarks.md says what that costs."""

_INDEX = ".index"


class OpenRemote:
    """Opens the shards of a release: `folder` is its place in the cache. Pickles."""

    def __init__(self, transport: Transport, cache: Cache, folder: Path, gap: int = GAP) -> None:
        self.transport, self.cache, self.folder, self.gap = transport, cache, folder, gap

    def __call__(self, folder: Path, layout: Layout, number: int) -> "RemoteShard":
        """Open shard `number` of the array whose metadata lie in `folder`."""
        file = shard_file(folder, layout, number)
        return RemoteShard(self, file.relative_to(self.folder).as_posix(), layout)


class RemoteShard:
    """One shard on a server. What was fetched is kept in the cache, and read from there as long as it is sound.

    Raises `BadInputError` for a shard without checksums, `CorruptDataError` and `RemoteError` where the server gives
    other bytes.
    """

    def __init__(self, opened: OpenRemote, name: str, layout: Layout) -> None:
        self.name = name
        self.where: str | Path = opened.transport.shown(name)
        self._from = opened
        self._kept = opened.folder / PurePosixPath(name)
        if not layout.index_crc or layout.chunk.codecs[:1] != ("crc32c",):
            raise BadInputError(
                "this array has no checksums of its parts, so that parts are not read from a server",
                where=self.where,
                remedy="copy the release with `iea40k fetch release ADDRESS -o FOLDER`",
            )
        self.index = self._read_index(layout)
        # Every chunk is checked when its bytes are had, from the cache too: nobody needs to check it again.
        self.checked = bytearray(b"\1" * layout.chunks)
        opened.cache.touch(self._kept)

    def chunks(self, places: Sequence[int]) -> list[Bytes]:
        """Return the stored bytes of inner chunks: from the cache, and those that are not there from the server."""
        spans = [self._span(place) for place in places]
        found = {span: data for span in spans if (data := self._from_cache(span)) is not None}
        found |= self._fetched([span for span in spans if span not in found])
        return [np.frombuffer(found[span], np.uint8) for span in spans]

    # ------------------------------------------------------------ private

    def _span(self, place: int) -> Span:
        offset, length = written(self.index, place, self.where)
        return offset, offset + length

    def _from_cache(self, span: Span) -> bytes | None:
        data = self._from.cache.read_part(self._kept, span[0], span[1] - span[0])
        return data if len(data) == span[1] - span[0] and _holds(data) else None

    def _fetched(self, wanted: Sequence[Span]) -> dict[Span, bytes]:
        missing = sorted(set(wanted))
        for attempt in (1, 2):
            found: dict[Span, bytes] = {}
            runs = merged(missing, self._from.gap)
            for run, data in zip(runs, self._from.transport.ranges(self.name, runs), strict=True):
                parts = {
                    span: data[span[0] - run[0] : span[1] - run[0]] for span in missing if _within(span, run)
                }
                wrong = [part for part in parts.values() if not _holds(part)]
                if not wrong:
                    self._from.cache.write_part(self._kept, run[0], data)
                    found |= parts
                elif attempt == 2:
                    raise self._damaged(wrong[0])
            if len(found) == len(missing):
                return found
        raise AssertionError("what is damaged twice was raised")

    def _read_index(self, layout: Layout) -> Index:
        """Return the shard's index, kept in a file of its own: its place depends on the shard's length."""
        size, kept = index_size(layout), self._kept.with_name(self._kept.name + _INDEX)
        try:
            return parse_index(_as_array(self._from.cache.read_part(kept, 0, size)), layout)
        except ValueError:
            pass  # not here yet
        data = b""
        for _ in range(2):
            data = self._from.transport.tail(self.name, size)
            try:
                index = parse_index(_as_array(data[-size:]), layout)
            except ValueError:
                continue
            self._from.cache.write_part(kept, 0, data[-size:])
            if len(data) > size:  # a server without ranges gave the whole shard: nothing is asked for twice
                self._from.cache.write_part(self._kept, 0, data)
            return index
        raise self._damaged(data)

    def _damaged(self, data: bytes) -> Exception:
        if is_page(data):
            return wrong_bytes(str(self.where), data, "a web page")
        return CorruptDataError(
            "a shard on the server is damaged, or not that of this release",
            where=self.where,
            expected="bytes whose checksum holds",
            got=f"{len(data)} others, twice",
            remedy="tell its publisher; `iea40k verify ADDRESS` names every file that is not as published",
        )


def merged(spans: Sequence[Span], gap: int) -> list[Span]:
    """Return ranges that hold all of these (sorted): neighbours with at most `gap` bytes between them become one.

    >>> merged([(0, 10), (10, 20), (25, 30)], 4)
    [(0, 20), (25, 30)]
    """
    runs: list[Span] = []
    for start, end in spans:
        if runs and start - runs[-1][1] <= gap:
            runs[-1] = (runs[-1][0], max(end, runs[-1][1]))
        else:
            runs.append((start, end))
    return runs


def _within(span: Span, run: Span) -> bool:
    return run[0] <= span[0] and span[1] <= run[1]


def _holds(data: bytes) -> bool:
    try:
        strip_crc32c(_as_array(data))
    except ValueError:
        return False
    return True


def _as_array(data: bytes) -> Bytes:
    return np.frombuffer(data, np.uint8)
