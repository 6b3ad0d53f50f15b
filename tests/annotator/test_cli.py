import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from annotator.cli import register
from iea40k.errors import BadInputError
from iea40k.store.layout import Store


def run(*arguments: str) -> None:
    app = typer.Typer()
    register(app)
    app.command("other")(lambda: None)
    app(["annotate", *arguments], standalone_mode=False)


def test_a_name_is_needed(store: Store):
    with pytest.raises(BadInputError, match="no annotator is named"):
        run(str(store.path))


def test_review_and_looking_exclude_each_other(store: Store):
    with pytest.raises(BadInputError, match="exclude"):
        run(str(store.path), "--annotator", "Ada", "--review", "--look-only")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems always have a screen")
def test_no_screen_is_said_before_qt_ends_the_process(store: Store, monkeypatch: pytest.MonkeyPatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(BadInputError, match="no screen"):
        run(str(store.path), "--annotator", "Ada")


def test_a_folder_that_is_no_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DISPLAY", ":77")
    from iea40k.errors import IEAError

    with pytest.raises(IEAError, match="no store here"):
        run(str(tmp_path), "--annotator", "Ada")


def test_a_mistyped_name_is_asked_about_before_it_becomes_a_person(
    queued: Store, monkeypatch: pytest.MonkeyPatch
):
    from annotator.cli import _check_name
    from iea40k.store.ledger import Ledger
    from iea40k.store.ledger.people import set_annotator

    monkeypatch.setenv("DISPLAY", ":77")
    with Ledger.open(queued.path) as ledger:
        set_annotator(ledger, "Ada Lovelace")
    with pytest.raises(BadInputError, match="'Ada Lovelace'\\?"):
        run(str(queued.path), "--annotator", "Ada Lovelce")
    _check_name("Ada Lovelace", str(queued.path))
    asked: list[str] = []
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(typer, "confirm", lambda text, **_: asked.append(text))
    _check_name("Zoe", str(queued.path))
    assert asked == ["Nobody called 'Zoe' has worked here. Begin as a new person, 'Zoe'?"]


@pytest.mark.gui
@pytest.mark.screen
def test_the_command_opens_a_window_and_ends(screen: None, queued: Store, tmp_path: Path):
    """The real command in a process of its own, closed after two seconds."""
    code = f"""
import typer
from qtpy.QtCore import QTimer
import annotator.session.settings, annotator.window.opening as opening
from pathlib import Path
annotator.session.settings.platformdirs.user_data_dir = lambda *a, **k: {str(tmp_path)!r}
start = opening.Annotator.start
def started(self):
    start(self)
    print("open", self.session.image.key.scene_id, self.dock.title.text(), flush=True)
    QTimer.singleShot(1500, self.viewer.close)
opening.Annotator.start = started
app = typer.Typer()
from annotator.cli import register
register(app); app.command("other")(lambda: None)
app(["annotate", {str(queued.path)!r}, "--annotator", "Ada", "--target", "40"], standalone_mode=False)
print("ended", flush=True)
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env=environment
    )
    assert done.stdout.split() == ["open", "s1", "s1", "ended"], done.stderr[-2000:]


@pytest.mark.gui
@pytest.mark.screen
def test_a_session_ends_and_the_window_stays(screen: None, queued: Store, tmp_path: Path):
    """In a process of its own: a canvas painted in the middle of a removal ends the process."""
    code = f"""
import napari
from pathlib import Path
from qtpy.QtWidgets import QApplication
from annotator.session.session import Session
from annotator.window.opening import Annotator
viewer = napari.Viewer(show=True)
for name in ("Ada", "Boris"):
    annotator = Annotator(viewer, Session.open(Path({str(queued.path)!r}), name, folders=Path({str(tmp_path)!r})))
    annotator.start()
    for _ in range(5):
        QApplication.processEvents()
    print(name, len(viewer.layers), annotator.leave(), len(viewer.layers), flush=True)
    for _ in range(5):
        QApplication.processEvents()
viewer.close()
print("ended", flush=True)
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env=environment
    )
    lines = [line.split() for line in done.stdout.splitlines() if not line.startswith("INFO")]
    assert [line[0] for line in lines] == ["Ada", "Boris", "ended"], done.stderr[-2000:]
    assert all(line[2:] == ["True", "0"] for line in lines[:2])
