"""Whether Lance or litdata serve trainers better than our reader: random 256 crops of one release, in one run.

Needs the packages `pylance` and `litdata`, which the project does not; what is not installed is left out.
"""

import statistics
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

from benchmarks import bench_shards as shards
from benchmarks.container_contenders import LanceImages, LanceTiles, LitImages, LitTiles, png_row
from benchmarks.harness import Figure
from benchmarks.shard_contenders import Contender, Direct
from iea40k.store.layout import Store
from iea40k.store.release import ReleaseOptions, write_release
from pipelines.synthetic import PHOTOGRAPHS, load_photograph

TITLE = "Containers of other loaders: Lance and litdata against our reader"
_SHAPE, _CROPS, _ROUNDS = (512, 768), 576, 5
_NAMES = {
    "lance": "Lance, a row an image (PNG)",
    "lance_tiles": "Lance, a row a tile of ours",
    "lit": "litdata, a sample an image (PNG)",
    "lit_tiles": "litdata, a sample an image of our tiles",
}


def run() -> list[Figure]:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        contenders = _prepare(Path(name))
        _check_equal(contenders)
        wall, processor = _times(contenders)
        bare = _bare(contenders)
        space = {kind: contender.bytes_on_disk() for kind, contender in contenders.items()}
    figures = []
    for kind in contenders:
        if kind == "direct":
            continue
        pairs = zip(wall[kind], wall["direct"], strict=True)
        figures += [
            Figure(
                "crops/s by the loader, our reader", statistics.median(a / b for a, b in pairs), "x", _NAMES[kind],
                note=f"{_CROPS} crops of 256, 2 workers, in turn",
            ),
            Figure(
                "crops a processor second, our reader",
                statistics.median(processor[kind]) / statistics.median(processor["direct"]), "x", _NAMES[kind],
                note="of the loading process and its workers",
            ),
            Figure("one crop, one process, our reader", bare[kind] / bare["direct"], "x", _NAMES[kind]),
            Figure("space of exposures and residuals", space[kind] / space["direct"], "x", "our release",
                   note=_NAMES[kind]),
        ]  # fmt: skip
    return figures


def _prepare(folder: Path) -> dict[str, Contender]:
    store = Store.create(folder / "store")
    for number, photograph in enumerate([p for p in PHOTOGRAPHS if p.package == "scikit-image"][:6]):
        light = shards._light(load_photograph(photograph), number)
        store.write_scene(shards._scene(photograph.name, light))
    release = write_release(store, folder / "release", ReleaseOptions("1.0.0"))
    frame = f"{_SHAPE[0]}x{_SHAPE[1]}"
    exposures, residual = release.array(frame, "exposures"), release.array(frame, "residual")
    count = len(exposures)
    made: dict[str, Contender] = {"direct": Direct(release.path, _SHAPE, count, _CROPS)}
    rows = [png_row(exposures[i], residual[i]) for i in range(count)]
    for package, images, tiles, kind in (
        ("lance", LanceImages, LanceTiles, "lance"),
        ("litdata", LitImages, LitTiles, "lit"),
    ):
        if find_spec(package) is None:
            continue
        of_images = images(shards._made(folder / kind), _SHAPE, count, _CROPS)
        of_images.write(rows)
        of_tiles = tiles(shards._made(folder / f"{kind}_tiles"), _SHAPE, count, _CROPS)
        of_tiles.write(release)
        made |= {kind: of_images, f"{kind}_tiles": of_tiles}
    return made


def _check_equal(contenders: dict[str, Contender]) -> None:
    rows, columns = slice(100, 356), slice(33, 289)
    for entry in range(0, contenders["direct"].images, 7):
        image, codes = contenders["direct"].window(entry, rows, columns)
        for kind, contender in contenders.items():
            found = contender.window(entry, rows, columns)
            if not (np.array_equal(found[0], image) and np.array_equal(found[1], codes)):
                raise AssertionError(f"{kind} reads other pixels")


def _times(contenders: dict[str, Contender]) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    epochs = {kind: shards._epoch(contender) for kind, contender in contenders.items()}
    wall: dict[str, list[float]] = {kind: [] for kind in epochs}
    processor: dict[str, list[float]] = {kind: [] for kind in epochs}
    for number in range(_ROUNDS + 1):
        for kind, epoch in epochs.items():
            start, before = time.perf_counter(), shards._processor_seconds()
            epoch(number)
            if number:
                wall[kind].append(time.perf_counter() - start)
                processor[kind].append(shards._processor_seconds() - before)
    return wall, processor


def _bare(contenders: dict[str, Contender]) -> dict[str, float]:
    """Return the processor seconds of a crop in one process, all contenders in turn."""
    rng = np.random.default_rng(0)
    windows = [
        (int(rng.integers(contenders["direct"].images)), slice(y, y + 256), slice(x, x + 256))
        for y, x in rng.integers(0, (_SHAPE[0] - 255, _SHAPE[1] - 255), (60, 2)).tolist()
    ]
    times: dict[str, list[float]] = {kind: [] for kind in contenders}
    for _ in range(5):
        for kind, contender in contenders.items():
            start = time.process_time()
            for window in windows:
                contender.window(*window)
            times[kind].append((time.process_time() - start) / len(windows))
    return {kind: statistics.median(slot) for kind, slot in times.items()}
