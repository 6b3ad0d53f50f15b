"""Start to first picture: processor seconds of the annotator's process, beside a bare napari that shows one picture.

Each is a process of its own that ends itself when its canvas was first drawn with the picture in it; in turn, A B A B.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from annotator.sample import photograph, practice_scene
from benchmarks.harness import Figure
from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger, TaskRequest, add_tasks

TITLE = "Start to first picture"
REPEATS = int(os.environ.get("IEA40K_BENCH_REPEATS", "5"))
AIM = 5.0

_WHEN_DRAWN = """
from qtpy.QtCore import QTimer
from napari.viewer import current_viewer

def look():
    viewer = current_viewer()
    if viewer is None or not any(layer.visible and layer.data.size > 10000 for layer in viewer.layers):
        QTimer.singleShot(20, look)
        return
    canvas = viewer.window._qt_viewer.canvas
    canvas._scene_canvas.events.draw.connect(lambda _event: os._exit(0), position="last")
    canvas.native.update()
"""
_WINDOW = """
import os, sys
from annotator import cli
opened = cli._run

def watched(session, target):
    import napari.viewer  # before Qt, as the command does
    run = napari.run

    def looked():
        exec(WHEN, globals())
        look()
        run()

    napari.run = looked
    opened(session, target)

cli._run = watched
sys.argv = ["iea40k", "annotate", STORE, "--annotator", "Ada", "--new"]
from iea40k.__main__ import main
main()
"""
_BARE = """
import os
import napari
from skimage import data
exec(WHEN, globals())
viewer = napari.Viewer(show=True)
viewer.add_image(data.chelsea(), rgb=True)
QTimer.singleShot(0, look)
napari.run()
"""


def run() -> list[Figure]:
    if not os.environ.get("DISPLAY"):
        return []  # there is no screen: run it under xvfb-run
    with tempfile.TemporaryDirectory() as folder:
        store = _store(Path(folder) / "store")
        window = f"WHEN = {_WHEN_DRAWN!r}\nSTORE = {str(store)!r}\n{_WINDOW}"
        bare = f"WHEN = {_WHEN_DRAWN!r}\n{_BARE}"
        home = {**os.environ, "XDG_DATA_HOME": folder, "OMP_NUM_THREADS": "1"}
        for code in (bare, window):
            _seconds(code, home)  # compiled modules and caches
        pairs = [(_seconds(window, home), _seconds(bare, home)) for _ in range(REPEATS)]
    ours, floor = ([pair[n] for pair in pairs] for n in (0, 1))
    figures = []
    for index, what in ((0, "processor"), (1, "wall")):
        own, other = (statistics.median(times[index] for times in found) for found in (ours, floor))
        spread = f"{min(t[index] for t in ours):.1f} to {max(t[index] for t in ours):.1f} s, {REPEATS} times"
        aim, met = (f"<= {AIM:g} s", own <= AIM) if what == "processor" else ("", None)
        against = f"a bare napari with one picture: {other:.2f} s"
        figures.append(
            Figure(f"start to first picture, {what} seconds, median", own, "s", against, aim, met, spread)
        )
    return figures


def _store(place: Path) -> Path:
    store = Store.create(place)
    store.write_scene(practice_scene(photograph("chelsea"), "s1", evs=(-2.0, -1.0, 0.0, 1.0, 2.0)).scene)
    with Ledger.open(store.path, create=True) as ledger:
        add_tasks(ledger, [TaskRequest("s1", "P0", 1)], "bench")
    return place


def _seconds(code: str, environment: dict[str, str]) -> Sequence[float]:
    """Return processor seconds, of all threads, and wall seconds of one process."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return used, time.perf_counter() - start
