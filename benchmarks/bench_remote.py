"""Reading a release from a server: bytes that come against those that a crop needs, and requests, by how ranges merge.

What a crop needs is the stored bytes of its tiles, each by the share of its pixels that the crop has.
"""

import shutil
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks import bench_shards as shards
from benchmarks.harness import Figure
from iea40k.store.layout import Store
from iea40k.store.release import Release, ReleaseOptions, write_release
from iea40k.store.remote.origin import open_origin
from iea40k.store.remote.shard import GAP
from iea40k.store.shard_files import open_local
from iea40k.store.shards import ShardedArray
from iea40k.store.tiles import spans
from pipelines.synthetic import PHOTOGRAPHS, load_photograph
from tests.web import Site, served

TITLE = "Reading a release from a server: random crops of 256x256 from frames of 512x768"
_SHAPE, _CROP, _CROPS = (512, 768), 256, 40
_ARRAYS = ("exposures", "residual")
_GAPS = (0, GAP, 64 << 10, 256 << 10)
_WAIT = 0.05
Window = tuple[int, slice, slice]


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = Store.create(folder / "store")
        for number, photograph in enumerate([p for p in PHOTOGRAPHS if p.package == "scikit-image"][:8]):
            store.write_scene(
                shards._scene(photograph.name, shards._light(load_photograph(photograph), number))
            )
        release = write_release(store, folder / "release", ReleaseOptions("1.0.0"))
        windows = _windows(len(release.array("512x768", "residual")))
        need, tiles, whole = _needs(release, windows)
        figures = [
            Figure("bytes of the tiles that a crop touches", tiles / need, "x", "what the crop needs"),
            Figure(
                "bytes, whole images", whole / need, "x", "what the crop needs", note="as with a PNG an image"
            ),
        ]
        with served(release.path) as site:
            figures += _by_gap(site, windows, need, folder)
            figures += _again(site, windows, folder)
    return figures


def _by_gap(site: Site, windows: list[Window], need: float, folder: Path) -> list[Figure]:
    figures = []
    for gap in _GAPS:
        words = f"ranges up to {gap >> 10} KiB apart as one" + (", as we do" if gap == GAP else "")
        # A cache of its own for each crop: what a first read costs, without luck.
        sent = asked = 0
        for number, window in enumerate(windows):
            arrays = _arrays(_opened(site, folder / f"cache{gap}_{number % 2}", gap))
            _prime(arrays, window)
            before = site.sent, len(site.asked)
            _read(arrays, window)
            sent, asked = sent + site.sent - before[0], asked + len(site.asked) - before[1]
        figures += [
            Figure(f"bytes read, {words}", sent / len(windows) / need, "x", "what the crop needs"),
            Figure(f"requests a crop, {words}", asked / len(windows), "-", "-", note="exposure and residual"),
        ]
    return figures


def _again(site: Site, windows: list[Window], folder: Path) -> list[Figure]:
    """One release, one cache: a second pass over the same crops, and the time of a crop at 50 ms a request."""
    arrays = _arrays(_opened(site, folder / "cache", GAP))
    times: dict[str, list[float]] = {"first": [], "again": []}
    site.slow = _WAIT / 8  # before every 8 KiB, too
    before = site.sent
    for window in windows:
        start = time.perf_counter()
        _read(arrays, window)
        times["first"].append(time.perf_counter() - start)
    first, before = site.sent - before, site.sent
    for window in windows:
        start = time.perf_counter()
        _read(arrays, window)
        times["again"].append(time.perf_counter() - start)
    local = _arrays(Release.open(site.folder))
    start = time.perf_counter()
    for window in windows:
        _read(local, window)
    near = (time.perf_counter() - start) / len(windows)
    site.slow = 0
    return [
        Figure("bytes of a second pass", (site.sent - before) / first, "x", "the first", "0", site.sent == before),
        Figure("time of a crop from the cache", statistics.median(times["again"]) / near, "x", "from a folder",
               note="which is read for the first time, checksums and all; machine shared with some 14 processes"),
        Figure("time of a crop from the cache", statistics.median(times["again"]) / statistics.median(times["first"]),
               "x", "from a slow server", note=f"which waits {_WAIT / 8 * 1e3:.0f} ms before every 8 KiB"),
    ]  # fmt: skip


def _windows(images: int) -> list[Window]:
    rng = np.random.default_rng(0)
    corners = rng.integers(0, (_SHAPE[0] - _CROP + 1, _SHAPE[1] - _CROP + 1), (_CROPS, 2)).tolist()
    return [(int(rng.integers(images)), slice(y, y + _CROP), slice(x, x + _CROP)) for y, x in corners]


def _needs(release: Release, windows: list[Window]) -> tuple[float, float, float]:
    """Return the bytes a crop needs, those of the tiles it touches, and those of the whole image; means."""
    need, touched, whole = 0.0, 0, 0
    for entry, rows, columns in windows:
        for name in _ARRAYS:
            array = release.array("512x768", name)
            entries, down, across, *_ = array.layout.grid
            number, place = divmod(entry, entries)
            index = open_local(array.folder, array.layout, number).index
            first = place * down * across
            area = array.layout.chunk.shape[1] * array.layout.chunk.shape[2]
            whole += sum(length for _, length in index[first : first + down * across])
            for row, _, high in spans(rows.start, rows.stop, array.layout.chunk.shape[1]):
                for column, _, wide in spans(columns.start, columns.stop, array.layout.chunk.shape[2]):
                    length = index[first + row * across + column][1]
                    touched += length
                    need += length * (high.stop - high.start) * (wide.stop - wide.start) / area
    return need / len(windows), touched / len(windows), whole / len(windows)


def _opened(site: Site, cache: Path, gap: int) -> Release:
    shutil.rmtree(cache, ignore_errors=True)
    origin, _ = open_origin(site.address, cache=cache, gap=gap)
    return Release(origin.folder, Release.open(site.folder).head, origin)


def _prime(arrays: list[ShardedArray], window: Window) -> None:
    """Let the shard's index come first: it comes once for all crops of a shard."""
    for array in arrays:
        array._shard(window[0] // array.layout.grid[0])


def _arrays(release: Release) -> list[ShardedArray]:
    return [release.array("512x768", name) for name in _ARRAYS]


def _read(arrays: list[ShardedArray], window: Window) -> None:
    for array in arrays:
        array.read(*window)
