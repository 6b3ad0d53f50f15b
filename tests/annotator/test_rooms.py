"""The walls: no Qt outside its room, no key of napari broken, a manifest that napari takes."""

import subprocess
import sys
from pathlib import Path

import pytest

import annotator
from annotator.actions import KEYS, ZONE_KEYS, help_text

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


SAME_MEANING = {
    "activate_labels_paint_mode": ("take_brush", "take_mode"),
    "activate_labels_erase_mode": ("take_brush", "take_mode"),
    "activate_labels_fill_mode": ("take",),
    "activate_labels_picker_mode": ("take",),
    "activate_labels_pan_zoom_mode": ("take",),
    "decrease_label_id": ("nudge",),
    "increase_label_id": ("nudge",),
    "decrease_brush_size": ("size",),
    "increase_brush_size": ("size",),
    "swap_selected_and_background_labels": ("swap_value", "swap_zone"),
    "reset_polygon": ("cancel",),
    "hold_for_pan_zoom": ("pan_held",),
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
    for key in (*KEYS, *ZONE_KEYS):
        for name in key.keys:
            action = theirs.get(coerce_keybinding(name))
            if action is not None:
                assert key.verb in SAME_MEANING.get(action, ()), f"{name} breaks {action}"
                assert key.like_napari
                shared.add(action)
    assert shared == set(SAME_MEANING)


BY_THE_MOUSE = {"set_hand", "set_look", "set_maps", "set_value", "compare_by", "go_level"}
"""Verbs of sliders and lists, each of which has keys that step through the same values."""

BY_OTHER_VERBS = {"start", "leave", "remember", "next_if_idle", "accept", "return_"}
"""Verbs of the window, and those that submit and skip turn into."""


@pytest.mark.gui
def test_every_verb_has_a_key():
    import re

    source = (ROOM / "session" / "controller.py").read_text(encoding="utf-8")
    offered = set(re.findall(r"self\.(\w+) = (?:self\.)?(?:flow|strokes|carrying|hands|view)\.\w+\n", source))
    assert len(offered) > 40
    assert offered - {key.verb for key in KEYS} == BY_THE_MOUSE | BY_OTHER_VERBS


def test_the_page_for_annotators_names_every_key():
    page = (ROOM.parent / "docs" / "annotator.md").read_text(encoding="utf-8")
    for key in (*KEYS, *ZONE_KEYS):
        assert f"| {key.text} |" in page, key.text
