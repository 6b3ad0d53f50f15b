"""Reading a release: random 256 crops through the trainer's own loader, and the space that takes."""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import psutil
import torch
from torch.utils.data import DataLoader

from benchmarks.harness import Figure
from benchmarks.shard_contenders import Contender, Direct, PngNpy, RawMemmap, ZarrFrames, ZarrPython
from iea40k.colour import decode_srgb
from iea40k.develop import LinearImage, expose, load_linear
from iea40k.errors import UnreadableImageError
from iea40k.model.data import BatchSampler, ExposureDataset, ViewConfig, make_loader, to_batch
from iea40k.residuals import residual_codes
from iea40k.scene import LADDER, BuiltScene, level_name
from iea40k.store.layout import Store
from iea40k.store.release import Release, ReleaseOptions, write_release
from pipelines.synthetic import PHOTOGRAPHS, load_photograph

TITLE = "Reading a release"
_SHAPE = (512, 768)
_CROPS, _BATCH, _WORKERS, _ROUNDS = 384, 16, 2, 9
_LABELS = {
    "direct": "direct reader",
    "zarr": "zarr-python",
    "frames": "zarr-python, a chunk a frame",
    "png": "PNG + npy",
    "raw": "raw memory map",
}
_NOISE = (
    5e-6  # variance of light at light 1: half a percent at a tenth of white, as a frame scaled to 512 has
)
_REFERENCE_EV = 0.4


def run() -> list[Figure]:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        contenders = _prepare(Path(name))
        _check_equal(contenders)
        wall, processor = _loader_times(contenders)
        bare = {kind: _bare_time(c) for kind, c in contenders.items()}
        whole = {kind: _whole_time(contenders[kind]) for kind in ("direct", "zarr", "png", "raw")}
        space = contenders["direct"].bytes_on_disk() / contenders["raw"].bytes_on_disk()
        everything = _whole_ratio(Release.open(Path(name) / "release"))
    return [
        *_ratios("crops/s, release by the direct reader", wall, judged=True),
        *_ratios("crops a processor second, release by the direct reader", processor, judged=False),
        _a_crop(processor),
        *(
            Figure(
                "whole images of 512x768 in one process, direct reader",
                seconds / whole["direct"],
                "x",
                _LABELS[kind],
                note=f"{1 / whole['direct']:.0f} images a second, exposure and residual",
            )
            for kind, seconds in whole.items()
            if kind != "direct"
        ),
        Figure(
            "space of exposures and residuals",
            space,
            "x",
            "raw memory map",
            "<= 0.55",
            space <= 0.55,
            "pictures that scikit-image ships, scaled to 512x768, EV -4 ... +4, sensor noise",
        ),
        Figure("space of all arrays of the release", everything, "x", "the same arrays, raw"),
        *(
            Figure(f"crops/s by the loader, {label}", _CROPS / statistics.median(wall[kind]), "1/s", "-")
            for kind, label in _LABELS.items()
        ),
        *(
            Figure(f"one crop, {label}", bare[kind] * 1e6, "us", "-", note="one process, nothing but reading")
            for kind, label in _LABELS.items()
        ),
        *_real_space(),
    ]


def _ratios(what: str, times: dict[str, list[float]], *, judged: bool) -> list[Figure]:
    note = f"256 crops as float batches of {_BATCH}, {_WORKERS} workers, all in one run, in turn"
    aims = {"zarr": 2.3, "frames": 2.3, "png": 4.0, "raw": 0.4}
    figures = []
    for kind, aim in aims.items():
        pairs = zip(times[kind], times["direct"], strict=True)
        ratio = statistics.median(theirs / ours for theirs, ours in pairs)
        if judged:
            figures.append(Figure(what, ratio, "x", _LABELS[kind], f">= {aim}", ratio >= aim, note))
        else:
            figures.append(
                Figure(what, ratio, "x", _LABELS[kind], note="of the loading process and its workers")
            )
    return figures


def _a_crop(processor: dict[str, list[float]]) -> Figure:
    ours, floor = (statistics.median(processor[kind]) / _CROPS * 1e3 for kind in ("direct", "raw"))
    return Figure(
        "processor time a crop, direct reader",
        ours,
        "ms",
        f"{floor:.2f} ms from a memory map without compression",
        "<= 1.8",
        ours <= 1.8,
        "read, joined to batches and made floats; this process and its workers",
    )


# ---------------------------------------------------------------- data


def _prepare(folder: Path) -> dict[str, Contender]:
    store = Store.create(folder / "store")
    for number, photograph in enumerate(p for p in PHOTOGRAPHS if p.package == "scikit-image"):
        store.write_scene(_scene(photograph.name, _light(load_photograph(photograph), number)))
    release = write_release(store, folder / "release", ReleaseOptions("1.0.0"))
    frame = f"{_SHAPE[0]}x{_SHAPE[1]}"
    exposures, residual = release.array(frame, "exposures"), release.array(frame, "residual")
    count = len(exposures)
    png = PngNpy(_made(folder / "png"), _SHAPE, count, _CROPS)
    raw = RawMemmap(_made(folder / "raw"), _SHAPE, count, _CROPS)
    raw.write(np.stack([exposures[i] for i in range(count)]), np.stack([residual[i] for i in range(count)]))
    frames = ZarrFrames(_made(folder / "frames"), _SHAPE, count, _CROPS)
    frames.write(
        np.stack([exposures[i] for i in range(count)]), np.stack([residual[i] for i in range(count)])
    )
    for entry in range(count):
        png.write(entry, exposures[entry], residual[entry])
    return {
        "direct": Direct(release.path, _SHAPE, count, _CROPS),
        "zarr": ZarrPython(release.path, _SHAPE, count, _CROPS),
        "frames": frames,
        "png": png,
        "raw": raw,
    }


def _light(picture: np.ndarray, seed: int) -> np.ndarray:
    """Return light of a picture at the benchmark's size, with the noise of a sensor."""
    scale = max(_SHAPE[0] / picture.shape[0], _SHAPE[1] / picture.shape[1])
    size = (round(picture.shape[1] * scale + 0.5), round(picture.shape[0] * scale + 0.5))
    kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    light = decode_srgb(cv2.resize(picture, size, interpolation=kind)[: _SHAPE[0], : _SHAPE[1]])
    noise = np.random.default_rng(seed).normal(size=light.shape) * np.sqrt(light * _NOISE + 1e-7)
    return np.clip(light + noise, 0, None).astype(np.float32)


def _scene(name: str, light: np.ndarray) -> BuiltScene:
    exposures = expose(LinearImage(light, {}), LADDER)
    (reference,) = expose(LinearImage(light, {}), [_REFERENCE_EV])
    residual = residual_codes(reference, exposures)
    return BuiltScene(
        scene_id=name,
        exposures=exposures,
        reference=reference,
        residual=residual,
        outliers=np.zeros(residual.shape, np.uint8),
        evs=LADDER,
        levels=tuple(level_name(ev) for ev in LADDER),
        review_priority=(0.0,) * len(LADDER),
        attributes={"licence": "as shipped"},
        recipe={"noise": _NOISE},
    )


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


# ---------------------------------------------------------------- measuring


def _check_equal(contenders: dict[str, Contender]) -> None:
    """All four read the same pixels, or the comparison would mean nothing."""
    rows, columns = slice(100, 356), slice(33, 289)
    for entry in range(0, contenders["raw"].images, 5):
        image, codes = contenders["raw"].window(entry, rows, columns)
        for contender in contenders.values():
            found = contender.window(entry, rows, columns)
            if not (np.array_equal(found[0], image) and np.array_equal(found[1], codes)):
                raise AssertionError(f"{type(contender).__name__} reads other pixels")


def _loader_times(contenders: dict[str, Contender]) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Return by contender the wall and processor seconds of epochs of crops, all contenders in turn, again and again.

    Processor seconds are those of this process and its workers together. They differ from wall time where a reader
    waits, or uses the second core better than its workers alone would.
    """
    epochs = {kind: _epoch(contender) for kind, contender in contenders.items()}
    wall: dict[str, list[float]] = {kind: [] for kind in epochs}
    processor: dict[str, list[float]] = {kind: [] for kind in epochs}
    for number in range(_ROUNDS + 1):
        for kind, epoch in epochs.items():
            start, before = time.perf_counter(), _processor_seconds()
            epoch(number)
            if number:  # the first round starts the workers and fills the page cache
                wall[kind].append(time.perf_counter() - start)
                processor[kind].append(_processor_seconds() - before)
    return wall, processor


def _processor_seconds() -> float:
    here = psutil.Process()
    times = [p.cpu_times() for p in (here, *here.children(recursive=True))]
    return sum(t.user + t.system for t in times)


def _epoch(contender: Contender) -> Callable[[int], None]:
    dataset = ExposureDataset(contender, ViewConfig("random", 256))
    sampler = BatchSampler(contender.samples, _BATCH)
    # Spawned, since threads of zarr-python in this process would not survive a fork.
    loader: DataLoader = make_loader(dataset, sampler, workers=_WORKERS, start="spawn")

    def epoch(number: int) -> None:
        sampler.seek(number)
        for items in loader:
            to_batch(items)

    return epoch


def _whole_time(contender: Contender) -> float:
    """Seconds a whole image, in one process."""
    count = contender.images
    everything = slice(None)
    times = []
    for _ in range(4):
        start = time.perf_counter()
        for entry in range(count):
            contender.window(entry, everything, everything)
        times.append((time.perf_counter() - start) / count)
    return statistics.median(times[1:])


def _bare_time(contender: Contender) -> float:
    rng = np.random.default_rng(0)
    windows = [
        (int(rng.integers(contender.images)), slice(y, y + 256), slice(x, x + 256))
        for y, x in rng.integers(0, (_SHAPE[0] - 255, _SHAPE[1] - 255), (100, 2)).tolist()
    ]
    times = []
    for _ in range(3):
        start = time.perf_counter()
        for window in windows:
            contender.window(*window)
        times.append((time.perf_counter() - start) / len(windows))
    return statistics.median(times)


def _whole_ratio(release: Release, *, names: tuple[str, ...] | None = None) -> float:
    stored = raw = 0
    for frame in release.frames():
        for array in sorted(p.name for p in (release.path / "arrays" / frame).iterdir() if p.is_dir()):
            if names is None or array in names:
                reader = release.array(frame, array)
                raw += int(np.prod(reader.shape)) * reader.dtype.itemsize
                stored += sum(p.stat().st_size for p in reader.folder.rglob("*") if p.is_file())
    return stored / raw


def _real_space() -> list[Figure]:
    """Return the space that real photographs take, where they are here (IEA40K_REAL_DATA)."""
    root = Path(os.environ.get("IEA40K_REAL_DATA", "/nowhere"))
    captures = [
        sorted(f for f in folder.iterdir() if f.suffix.lower() in (".jpg", ".jpeg"))
        for folder in sorted(root.glob("brackets/*"))
    ]
    files = [*sorted(root.glob("raw/*/*")), *(c[len(c) // 2] for c in captures if c)]
    if not files:
        return []
    used = 0
    with tempfile.TemporaryDirectory() as name:
        store = Store.create(Path(name) / "store")
        for file in files:
            try:
                light = load_linear(file).pixels
            except UnreadableImageError:
                continue  # a file that no build would take
            if min(light.shape[:2]) == _SHAPE[0]:
                used += store.write_scene(_scene(f"{used}", light))
        release = write_release(store, Path(name) / "release", ReleaseOptions("1.0.0"))
        ratio = _whole_ratio(release, names=("exposures", "residual"))
    note = f"{used} photographs of cameras, RAW and brackets, at short side 512, EV -4 ... +4; not in the repository"
    what = "space of exposures and residuals of real photographs"
    return [Figure(what, ratio, "x", "the same arrays, raw", "<= 0.55", ratio <= 0.55, note)]
