"""The annotator's window, worked by mouse and keys as its tutorial says."""

import json
import os
import sys
import tempfile
import time
import traceback
from pathlib import Path

from screenshots.commands import practice_store

SIZE = (1400, 900)


def window(folder: Path) -> None:
    """Work the window as its tutorial says; see `work`."""
    work(Window, folder)


def work(of: "type[Window]", folder: Path) -> None:
    """Work a window, tell the keys pressed on standard output, and end the process.

    It has a process of its own: threads of napari may outlive their window and keep a process from ending.
    """
    with tempfile.TemporaryDirectory() as scratch:
        practice_store(Path(scratch) / "practice")
        opened = of(Path(scratch) / "practice", folder)
        try:
            opened.walk()
            code = 0
        except BaseException:
            traceback.print_exc()
            code = 1
    sys.stdout.write(json.dumps(opened.pressed) + "\n")
    sys.stdout.flush()
    os._exit(code)


class Window:
    """The annotator's window at a store, worked by mouse and keys; `pressed` is what was pressed, in order."""

    size = SIZE

    def __init__(self, store: Path, pictures: Path) -> None:
        import napari

        from annotator.session.opening import open_session
        from annotator.window import adapter
        from annotator.window.opening import Annotator

        self.pictures, self.pressed, self.asked = pictures, list[str](), list[str]()
        self.viewer = napari.Viewer(title="IEA40K", show=True)
        self.viewer.window._qt_window.resize(*self.size)
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
