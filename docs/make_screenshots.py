"""Take the pictures of docs/tutorials: `xvfb-run -a python docs/make_screenshots.py [FOLDER]`.

Nothing is drawn for the page: the annotator's window is worked by mouse and keys as its tutorial says, the report and
TensorBoard are opened in Chromium. Each step is checked before its picture is taken. Run it again after changes.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
FOLDER = HERE / "images" / "tutorials"
SIZE = (1400, 900)


def main(folder: Path = FOLDER) -> None:
    """Take them all; the commands are those of the tutorials."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        subprocess.run([sys.executable, __file__, "window", str(folder)], check=True)
        bracket_store(work)
        report(work / "store", folder)
        trainer(work, folder)


def window(folder: Path) -> None:
    """Work the window, tell the keys pressed on standard output, and end the process.

    It has a process of its own: threads of napari may outlive their window and keep a process from ending.
    """
    with tempfile.TemporaryDirectory() as scratch:
        practice_store(Path(scratch) / "practice")
        opened = Window(Path(scratch) / "practice", folder)
        try:
            opened.walk()
            code = 0
        except BaseException:
            traceback.print_exc()
            code = 1
    sys.stdout.write(json.dumps(opened.pressed) + "\n")
    sys.stdout.flush()
    os._exit(code)


def bracket_store(work: Path) -> None:
    """Make what the curator's tutorial makes, in `work`."""
    from pipelines.synthetic import PHOTOGRAPHS, make_project

    make_project(work / "demo/photographs", [p for p in PHOTOGRAPHS if p.kind == "bracket"])
    _iea40k(
        work,
        "manifest",
        "brackets",
        "demo/photographs/brackets",
        "-o",
        "brackets.csv",
        "--licence",
        "CC0-1.0",
    )
    # A capture whose copy broke off, as in the tutorial, so that the report has something to tell.
    broken = work / "demo/photographs/brackets/rocket/01.jpg"
    whole = broken.read_bytes()
    broken.write_bytes(whole[:20000])
    _iea40k(work, "build", "brackets.csv", "store", allowed=(0, 1))
    broken.write_bytes(whole)


def practice_store(folder: Path) -> None:
    """Make the store of the annotator's tutorial: two photographs with planted faults, in the queue."""
    from annotator.sample import photograph, practice_scene
    from iea40k.store.layout import Store

    store = Store.create(folder)
    for name in ("coffee", "chelsea"):
        store.write_scene(practice_scene(photograph(name), name).scene)
    _iea40k(folder.parent, "queue", folder.name, "add", "--where", "level == 'P1'")
    _iea40k(folder.parent, "queue", folder.name, "add", "--references")


class Window:
    """The annotator's window at a store, worked by mouse and keys; `pressed` is what was pressed, in order."""

    def __init__(self, store: Path, pictures: Path) -> None:
        import napari

        from annotator.session.opening import open_session
        from annotator.window import adapter
        from annotator.window.opening import Annotator

        self.pictures, self.pressed, self.asked = pictures, list[str](), list[str]()
        self.viewer = napari.Viewer(title="IEA40K", show=True)
        self.viewer.window._qt_window.resize(*SIZE)
        adapter.hide_side_docks(self.viewer)
        session = open_session(
            store, "Ada Lovelace", ledger_url=None, mode="annotate", folders=store.parent / "desk"
        )
        self.annotator = Annotator(self.viewer, session)
        self.annotator.start()
        self.canvas = adapter.canvas_widget(self.viewer)
        self.settle()

    def walk(self) -> None:
        """Go through the steps of docs/tutorials/annotator.md."""
        self.first_image()
        self.reference()

    def first_image(self) -> None:
        """Look, take a proposal, paint, propagate, undo, compare, submit."""
        first = self.annotator.session.work
        self.picture("annotator-opened")
        self.key("J")
        self.picture("annotator-proposal")
        self.key("U")
        assert first.standing == 1, "the proposal was not taken"
        self.key("Escape")
        self.key("Ctrl+R")
        self.key("L")
        self.drag((100, 110), (100, 110))
        self.key("P")
        for _ in range(2):
            self.key("[")
        self.drag((90, 45), (90, 75), (105, 75), (105, 45), (118, 45), (118, 75))
        assert first.standing == 2, "nothing was painted"
        self.picture("annotator-stroke")
        self.when_asked("annotator-propagate", "Enter")
        self.key("Ctrl+L")
        assert "annotator-propagate" in self.asked, "nothing was asked"
        self.key("Ctrl+Z")
        self.key("W")
        self.picture("annotator-wipe")
        self.key("W")
        self.key("Ctrl+Enter")
        self.settle(1)
        assert self.annotator.session.work is not first, "it was not handed in"

    def reference(self) -> None:
        """Say of the other exposure that its base is right, then set a block of a reference to a lighter zone."""
        self.key("Ctrl+B")
        self.settle(1)
        session = self.annotator.session
        assert session.reference is not None, "the queue brought no reference"
        for _ in range(3):
            self.key("=")
        self.drag((120, 60), (120, 61))
        assert session.work.standing == 1, "no block was set"
        self.key("O")
        self.picture("annotator-zones")

    def key(self, words: str) -> None:
        """Press a key as a person does, on the canvas."""
        from qtpy.QtCore import Qt
        from qtpy.QtTest import QTest

        names = {"Ctrl": Qt.KeyboardModifier.ControlModifier, "Shift": Qt.KeyboardModifier.ShiftModifier}
        special = {"Enter": "Return", "[": "BracketLeft", "]": "BracketRight", "=": "Equal"}
        *held, last = words.split("+")
        modifiers = Qt.KeyboardModifier.NoModifier
        for name in held:
            modifiers |= names[name]
        self.pressed.append(words)
        QTest.keyClick(self.canvas, getattr(Qt.Key, f"Key_{special.get(last, last)}"), modifiers)
        self.settle()

    def drag(self, *pixels: tuple[float, float]) -> None:
        """Drag the left button over pixels (row, column) of the picture."""
        from qtpy.QtCore import QPoint, Qt
        from qtpy.QtTest import QTest

        camera = self.viewer.scene.camera
        row, column = camera.center[-2:]
        at = [
            QPoint(
                round((x - column) * camera.zoom + self.canvas.width() / 2),
                round((y - row) * camera.zoom + self.canvas.height() / 2),
            )
            for y, x in pixels
        ]
        none = Qt.KeyboardModifier.NoModifier
        QTest.mouseMove(self.canvas, at[0])
        QTest.mousePress(self.canvas, Qt.MouseButton.LeftButton, none, at[0])
        for point in at[1:]:
            QTest.mouseMove(self.canvas, point)
            self.settle(0.05)
        QTest.mouseRelease(self.canvas, Qt.MouseButton.LeftButton, none, at[-1])
        self.settle()

    def when_asked(self, name: str, answer: str) -> None:
        """When the next dialog has opened, take its picture and answer it."""
        from qtpy.QtCore import QTimer

        def answered() -> None:
            from qtpy.QtCore import Qt
            from qtpy.QtTest import QTest
            from qtpy.QtWidgets import QApplication

            dialog = QApplication.activeModalWidget()
            if dialog is None:
                QTimer.singleShot(100, answered)
                return
            self.asked.append(name)
            dialog.grab().save(str(self.pictures / f"{name}.png"))
            QTest.keyClick(dialog, Qt.Key.Key_Return if answer == "Enter" else Qt.Key.Key_Escape)
            self.pressed.append(answer)

        QTimer.singleShot(200, answered)

    def picture(self, name: str) -> None:
        """Take a picture of the whole window."""
        from PIL import Image

        self.settle(0.4)
        shot = self.viewer.window.screenshot(canvas_only=False, flash=False)
        Image.fromarray(shot[..., :3]).save(self.pictures / f"{name}.png", optimize=True)

    def settle(self, seconds: float = 0.2) -> None:
        """Let the window do what it has to."""
        from qtpy.QtWidgets import QApplication

        end = time.monotonic() + seconds
        while True:
            QApplication.processEvents()
            if time.monotonic() >= end:
                return
            time.sleep(0.01)


def report(store: Path, folder: Path) -> None:
    """Take the report of a store: what needs attention, and an image under the slider."""
    page = store.parent / "report.html"
    _iea40k(store.parent, "report", store.name, "-o", page.name)
    with _Browser() as tab:
        tab.goto(page.as_uri())
        tab.wait_for_selector(".tile[data-drawn]")
        tab.screenshot(path=folder / "curator-report.png")
        tab.locator(".tile").first.click()
        tab.wait_for_selector("#viewer[open]")
        box = tab.locator("#map").bounding_box()
        tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        tab.wait_for_timeout(500)
        tab.screenshot(path=folder / "curator-viewer.png")


def trainer(work: Path, folder: Path) -> None:
    """Train for some steps as the trainer's tutorial does; take TensorBoard's page and a heat map."""
    _iea40k(work, "release", "store", "release", "--version", "1.0.0")
    _iea40k(work, *TRAIN)
    _iea40k(work, "predict", "curve_net", "demo/photographs/brackets/flower/00.jpg", "-o", "maps")
    shutil.copy(work / "maps/00_heatmap.png", folder / "trainer-heatmap.png")
    port = 6123
    with subprocess.Popen(
        [sys.executable, "-m", "tensorboard.main", "--logdir", "run", "--port", str(port), "--bind_all"],
        cwd=work, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as server:  # fmt: skip
        try:
            _until(lambda: bool(urllib.request.urlopen(f"http://localhost:{port}/", timeout=5).status))
            with _Browser() as tab:
                tab.goto(f"http://localhost:{port}/#timeseries")
                tab.wait_for_timeout(12000)
                tab.screenshot(path=folder / "trainer-tensorboard.png")
        finally:
            server.terminate()


TRAIN = ("train", "release", "--out", "run", "--config", "demo", "--set", "max_steps=60")


class _Browser:
    def __enter__(self) -> Any:
        from playwright.sync_api import sync_playwright

        self._player = sync_playwright().start()
        path = shutil.which("chromium") or shutil.which("google-chrome")
        self._browser = self._player.chromium.launch(executable_path=path, args=["--no-sandbox"])
        return self._browser.new_page(viewport={"width": 1280, "height": 860})

    def __exit__(self, *_: object) -> None:
        self._browser.close()
        self._player.stop()


def _until(done: Callable[[], bool], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if done():
                return
        except OSError:
            time.sleep(0.5)
    raise SystemExit("TensorBoard did not answer")


def _iea40k(folder: Path, *words: str, allowed: tuple[int, ...] = (0,)) -> None:
    done = subprocess.run([sys.executable, "-m", "pipelines.cli", *words], cwd=folder, check=False)
    if done.returncode not in allowed:
        raise SystemExit(f"iea40k {' '.join(words)} ended with {done.returncode}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["window"]:
        window(Path(sys.argv[2]))
    else:
        main(*map(Path, sys.argv[1:2]))
