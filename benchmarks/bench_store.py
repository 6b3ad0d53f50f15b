"""What a working store costs to write: against zarr-python at the release's level, and where the time goes.

Processor time, since the disk is the machine's own. Photographs that scikit-image ships, nine exposures at 512.
"""

import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import zarr

from benchmarks.harness import Figure
from iea40k.contact_sheet import contact_sheet
from iea40k.scene import BuiltScene
from iea40k.store.codecs import RELEASE_LEVEL, create_array
from iea40k.store.layout import Store
from iea40k.store.scene_writing import scene_attributes, write_scene
from iea40k.store.scenes import open_scene
from pipelines.build import build
from pipelines.sheets import write_png
from pipelines.synthetic import PHOTOGRAPHS, make_project

TITLE = "Writing a store"
_SCENES = 5


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build(make_project(folder / "project", PHOTOGRAPHS[:_SCENES]), folder / "store")
        store = Store.open(folder / "store")
        scenes = [store.read_scene(scene_id) for scene_id in store.scene_ids()]
        before = _total(scenes, folder, lambda place, scene: _as_before(place, scene))
        now = _total(scenes, folder, write_scene)
        back = _cpu(lambda: [open_scene(folder / f"new{n}").load() for n in range(len(scenes))])
        digests = _cpu(lambda: [scene_attributes(scene) for scene in scenes])
        sheet = contact_sheet(scenes)
        drawing = _cpu(lambda: contact_sheet(scenes))
        encoding = _cpu(lambda: write_png(sheet, folder / "sheet.png"))
    each = 1e3 / len(scenes)
    against = f"zarr-python at level {RELEASE_LEVEL}, as before"
    return [
        Figure(
            "time to write a scene",
            now.seconds / before.seconds,
            "x",
            against,
            "<= 0.5",
            now.seconds <= before.seconds / 2,
        ),
        Figure(
            "space of a scene",
            now.space / before.space,
            "x",
            against,
            "<= 1.04",
            now.space <= 1.04 * before.space,
        ),
        Figure(
            "writing a scene",
            now.seconds * each,
            "ms",
            "-",
            note="processor time; digests of the pixels within",
        ),
        Figure("reading it back and comparing", back * each, "ms", "-"),
        Figure("digests of its pixels", digests * each, "ms", "-"),
        Figure(
            "encoding a contact sheet as PNG",
            encoding / drawing,
            "x",
            "drawing it",
            "<= 1.5",
            encoding <= 1.5 * drawing,
        ),
    ]


class _Total:
    def __init__(self, seconds: float, space: int) -> None:
        self.seconds, self.space = seconds, space


def _total(scenes: list[BuiltScene], folder: Path, write: Callable[[Path, BuiltScene], object]) -> _Total:
    def all_of_them() -> None:
        for number, scene in enumerate(scenes):
            place = folder / f"new{number}"
            shutil.rmtree(place, ignore_errors=True)
            write(place, scene)

    seconds = _cpu(all_of_them)
    files = [file for number in range(len(scenes)) for file in (folder / f"new{number}").rglob("*")]
    return _Total(seconds, sum(file.stat().st_size for file in files if file.is_file()))


def _as_before(place: Path, scene: BuiltScene) -> None:
    group = zarr.create_group(store=place, zarr_format=3, attributes=scene_attributes(scene))
    for name in ("exposures", "residual", "outliers", "uncertainty"):
        stack = getattr(scene, name)
        if stack is not None:
            create_array(group, name, stack.shape, (1, *stack.shape[1:]), stack.shape, "level")[...] = stack
    shape = scene.reference.shape
    create_array(group, "reference", shape, shape, shape, "level")[...] = scene.reference


def _cpu(call: Callable[[], object], repeats: int = 3) -> float:
    times = []
    for _ in range(repeats):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times)
