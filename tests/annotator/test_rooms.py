"""The walls: no Qt outside its room, no key of napari broken, a manifest that napari takes."""

import subprocess
import sys
from pathlib import Path

import pytest

import annotator
from annotator.keys import KEYS, ZONE_KEYS, help_text

ROOM = Path(annotator.__file__).parent


def test_importing_the_annotator_imports_no_qt_and_no_napari():
    modules = [
        f"annotator.{'.'.join(file.relative_to(ROOM).with_suffix('').parts)}"
        for file in ROOM.rglob("*.py")
        if "window" not in file.parts and file.name != "__init__.py"
    ]
    code = (
        "import sys, annotator\n"
        + "".join(f"import {m}\n" for m in modules)
        + (
            "bad = [m for m in sys.modules if m.split('.')[0] in "
            "('qtpy', 'PySide6', 'PyQt6', 'PyQt5', 'napari', 'torch')]\nprint(bad)\n"
        )
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def test_only_the_window_room_names_qt():
    for file in ROOM.rglob("*.py"):
        if "window" not in file.relative_to(ROOM).parts:
            text = file.read_text(encoding="utf-8")
            assert "qtpy" not in text or file.name == "adapter.py", file
            assert "PySide" not in text, file


def test_napari_takes_the_manifest():
    npe2 = pytest.importorskip("npe2")
    manifest = npe2.PluginManifest.from_file(ROOM / "napari.yaml")
    assert manifest.name == "iea40k"
    for command in manifest.contributions.commands:
        module, _, name = command.python_name.partition(":")
        source = (ROOM.parent / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8")
        assert f"def {name}(" in source
    done = subprocess.run(
        [sys.executable, "-m", "npe2", "validate", str(ROOM / "napari.yaml")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_key_is_used_twice_and_all_are_in_the_help():
    names = [name for key in KEYS for name in key.keys]
    assert len(names) == len(set(names))
    text = help_text()
    for key in KEYS:
        assert key.text in text


OTHER_LAYERS = ("points", "shape", "select", "vector", "vertex", "tracks", "surface", "image", "plane", "contrast",
                "add_", "direct_mode", "new_label", "delete_selected_p")  # fmt: skip


@pytest.mark.gui
def test_keys_of_napari_keep_their_meaning():
    """A key that napari binds on Labels or the viewer, and we bind too, does the same thing with us."""
    shortcuts = pytest.importorskip("napari.utils.shortcuts")
    from napari.utils.key_bindings import coerce_keybinding

    theirs = {
        binding: action
        for action, bindings in shortcuts.default_shortcuts.items()
        for binding in bindings
        if not any(part in action for part in OTHER_LAYERS)
    }
    shared = 0
    for key in (*KEYS, *ZONE_KEYS):
        for name in key.keys:
            action = theirs.get(coerce_keybinding(name))
            assert action is None or key.like_napari, f"{name} breaks {action}"
            shared += action is not None
    assert shared > 12


def test_the_page_for_annotators_names_every_key():
    page = (ROOM.parent / "docs" / "annotator.md").read_text(encoding="utf-8")
    for key in (*KEYS, *ZONE_KEYS):
        assert f"| {key.text} |" in page, key.text
