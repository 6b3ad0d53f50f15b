"""`python -m tests.torture.soaking WORK FOLDER IMAGES`: one long piece of work; a line of JSON after each image.

A line says how many images are done, the MiB that this process and its children hold (resident), and the processor
seconds that they have used. Processor time, since how long a machine takes says more of the machine.
"""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

LEVELS = 9
_DIFFERENT = 12
"""Photographs that a long work goes through again and again."""


def build(folder: Path, images: int, done: Callable[[int], None]) -> None:
    """Build scenes of nine exposures from RAW files, one worker and its helper process."""
    from pipelines.build import build
    from pipelines.config import BuildConfig
    from pipelines.synthetic import PHOTOGRAPHS, make_project

    raw = [photograph for photograph in PHOTOGRAPHS if photograph.kind == "raw"]
    manifest = make_project(folder / "project", raw, scale=0.5)
    header, *rows = manifest.read_text(encoding="utf-8").splitlines()
    scenes = [f"{number}_{rows[number % len(rows)]}" for number in range(-(-images // LEVELS))]
    manifest.write_text("\n".join([header, *scenes]) + "\n", encoding="utf-8")

    def progress(_: object, scenes_done: int, __: int) -> None:
        done(scenes_done * LEVELS)

    report = build(manifest, folder / "store", BuildConfig(short_side=96), progress=progress)
    if report.failures:
        raise RuntimeError(report.failures[0])


def annotate(folder: Path, images: int, done: Callable[[int], None]) -> None:
    """Map images in one session of the window's controller: a stroke, an undo and a redo on each, then submitted."""
    from napari.components import ViewerModel

    from benchmarks.annotator_session import begin, leave
    from iea40k.scene import level_name
    from iea40k.store.layout import Store
    from iea40k.store.ledger import Ledger, TaskRequest, add_tasks
    from tests.builders import built_scene

    store = Store.create(folder / "store")
    evs = tuple(float(ev) for ev in range(-4, 5))
    names = [f"s{number}" for number in range(-(-images // LEVELS))]
    for number, name in enumerate(names):
        store.write_scene(built_scene(name, height=96, width=144, evs=evs, seed=number % _DIFFERENT))
    with Ledger.open(store.path, create=True) as ledger:
        add_tasks(ledger, [TaskRequest(name, level_name(ev), 1) for name in names for ev in evs], "curator")
    controller = begin(ViewerModel(), store, folder / "desks", "Ada")
    number = 0
    while controller.session.image is not None:
        controller.residual.press((20.0, 20.0))
        controller.residual.move((50.0, 90.0))
        controller.residual.release()
        controller.target.undo()
        controller.target.redo()
        controller.session.wait_ahead()  # a person takes longer than the reading ahead
        controller.flow.submit()
        number += 1
        done(number)
    leave(controller)


def predict(folder: Path, images: int, done: Callable[[int], None]) -> None:
    """Predict photographs, decoded in the helper process, one after the other."""
    import iea40k
    from iea40k.model.loading import load_predictor

    rng = np.random.default_rng(0)
    files = [folder / f"{number}.jpg" for number in range(_DIFFERENT)]
    for number, file in enumerate(files):
        smooth = rng.integers(0, 255, (12 + number, 16, 3), np.uint8)
        Image.fromarray(smooth).resize((192, 128)).save(file)
    weights = load_predictor("p_ieanet_s")
    for number in range(images):
        iea40k.predict(files[number % len(files)], weights=weights)
        done(number + 1)


WORKS = {"build": build, "annotate": annotate, "predict": predict}


def _looks() -> Iterator[dict[str, float]]:
    """Yield what this process and its children hold and have used; of a child that ended, what it had used."""
    this, used = psutil.Process(), {}
    while True:
        memory = 0
        for process in (this, *this.children(recursive=True)):
            try:
                times = process.cpu_times()
                memory += process.memory_info().rss
            except psutil.Error:  # it has just ended
                continue
            used[process.pid] = times.user + times.system
        yield {"memory": memory / 2**20, "processor": sum(used.values())}


def main(work: str, folder: Path, images: int) -> None:
    """Do a work, telling each image on standard output."""
    looks = _looks()

    def done(number: int) -> None:
        sys.stdout.write(json.dumps({"images": number, **next(looks)}) + "\n")
        sys.stdout.flush()

    WORKS[work](folder, images, done)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
