"""The walls: no Qt outside its room, no key of napari broken, a manifest that napari takes."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

import annotator
from annotator.action import BOTH
from annotator.actions import ACTIONS, available, help_text
from annotator.shared.language import LANGUAGES

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
            assert "qtpy" not in text or False, file
            assert "PySide" not in text, file


def test_napari_takes_the_manifest():
    npe2 = pytest.importorskip("npe2")
    manifest = npe2.PluginManifest.from_file(ROOM / "napari.yaml")
    assert manifest.name == "iea40k"
    for command in manifest.contributions.commands:
        module, _, name = command.python_name.partition(":")
        source = (ROOM.parent / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8")
        assert f"def {name}(" in source or f"class {name}(" in source
    done = subprocess.run(
        [sys.executable, "-m", "npe2", "validate", str(ROOM / "napari.yaml")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("kind", BOTH)
def test_no_key_is_used_twice_and_all_are_in_the_help(kind):
    names = [name for action in available(kind) for name in action.names]
    assert len(names) == len(set(names))
    text = help_text(kind)
    for action in available(kind):
        assert not action.keys or action.text in text


def test_every_action_has_an_id_of_its_own_and_words_where_it_has_a_button():
    ids = [action.id for action in ACTIONS]
    assert len(ids) == len(set(ids))
    for action in ACTIONS:
        assert bool(action.part) == bool(action.words), action.id


SAME_MEANING = {
    "activate_labels_paint_mode": ("set", "zone set"),
    "activate_labels_erase_mode": ("erase", "zone erase"),
    "activate_labels_fill_mode": ("fill",),
    "activate_labels_picker_mode": ("picker", "zone picker"),
    "activate_labels_pan_zoom_mode": ("pan", "zone pan"),
    "decrease_label_id": ("value down", "zone down"),
    "increase_label_id": ("value up", "zone up"),
    "decrease_brush_size": ("smaller", "smaller blocks"),
    "increase_brush_size": ("larger", "larger blocks"),
    "swap_selected_and_background_labels": ("swap", "swap zone"),
    "reset_polygon": ("cancel",),
    "complete_polygon": ("do it",),
    "hold_for_pan_zoom": ("hold to pan",),
    "undo": ("undo",),
    "redo": ("redo",),
}
"""What napari's actions on its own labels are with us; any other key of napari is left alone."""


@pytest.mark.gui
def test_keys_of_napari_keep_their_meaning():
    """Every key that napari itself binds on labels, on any layer, or on the viewer, read from napari."""
    pytest.importorskip("napari")
    from napari.components import ViewerModel
    from napari.layers import Labels, Layer
    from napari.utils.action_manager import action_manager
    from napari.utils.key_bindings import coerce_keybinding
    from napari.utils.shortcuts import default_shortcuts

    theirs = {
        coerce_keybinding(binding): name.removeprefix("napari:")
        for name, action in action_manager._actions.items()
        if action.keymapprovider in (Labels, Layer, ViewerModel)
        for binding in default_shortcuts.get(name, ())
    }
    for provider in (Labels, Layer, ViewerModel):
        for binding, act in provider.class_keymap.items():
            theirs.setdefault(binding, getattr(act, "__name__", str(act)))
    assert coerce_keybinding("M") in theirs
    assert coerce_keybinding("Control-G") in theirs
    shared = set()
    for ours in ACTIONS:
        for name in ours.names:
            action = theirs.get(coerce_keybinding(name))
            if action is not None:
                assert ours.id in SAME_MEANING.get(action, ()), f"{name} breaks {action}"
                shared.add(action)
    assert shared == set(SAME_MEANING)


BY_KEYS_THAT_STEP = ("pictures", "beside", "compares", "checks")
"""Where buttons without a key stand, each of which has a key that steps through the same values, or napari's V."""


def test_every_action_has_a_key():
    without = [action for action in ACTIONS if not action.keys]
    assert all(action.part in BY_KEYS_THAT_STEP for action in without)
    assert [action.id for action in without if action.part == "checks"] == ["overlay"]


def test_the_guides_have_the_keys_as_they_are_in_every_language_of_the_window():
    path = ROOM.parent / "docs" / "make_annotator_keys.py"
    spec = importlib.util.spec_from_file_location("make_annotator_keys", path)
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    assert {guide.code for guide in made.GUIDES} == set(LANGUAGES)
    for guide in made.GUIDES:
        page = (ROOM.parent / "docs" / guide.file).read_text(encoding="utf-8")
        assert page == made.with_tables(guide, page), "run `python docs/make_annotator_keys.py`"
        assert page.count(guide.head) == 2


def test_our_layers_do_not_import_xarray_and_those_of_xarray_keep_their_coordinates():
    pytest.importorskip("napari")
    code = """
import sys
import numpy as np
from napari.components import ViewerModel
from napari.layers import Image
from annotator.window import adapter
from annotator.window.screen import NapariScreen

NapariScreen(ViewerModel())
assert "xarray" not in sys.modules
import xarray
theirs = xarray.DataArray(np.zeros((4, 5)), dims=("a", "b"), coords={"a": [0, 2, 4, 6], "b": range(5)})
with adapter.plain_arrays():
    assert list(Image(theirs).scale) == [2, 1]
assert list(Image(theirs).scale) == [2, 1]
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
