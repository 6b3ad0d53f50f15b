"""The tutorials are done as a reader does them: every block, and in the window every key, in their order."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from iea40k.store.layout import Store
from iea40k.store.release import ReleaseOptions, write_release
from pipelines.build import build
from pipelines.synthetic import PHOTOGRAPHS, make_project
from tests.test_page_blocks import _environment, _run, _with_this_program, blocks_of

ROOT = Path(__file__).parents[2]
TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.md"))
PICTURES = ROOT / "docs" / "images" / "tutorials"
NAMES = ("astronaut", "chelsea", "coffee", "flower", "rocket", "motorcycle_left")


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """What `iea40k demo` makes, of fewer photographs at half their size, and without training."""
    folder = tmp_path_factory.mktemp("small") / "demo"
    some = [photograph for photograph in PHOTOGRAPHS if photograph.name in NAMES]
    build(make_project(folder / "photographs", some, scale=0.5), folder / "store")
    write_release(Store.open(folder / "store"), folder / "release", ReleaseOptions("0.1.0"))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_every_block_of_a_tutorial_runs_in_its_order_in_one_folder(page, demo, tmp_path):
    (tmp_path / "demo").symlink_to(demo)
    before = ""
    for block in blocks_of(page):
        if block.excused:
            continue
        if block.language == "python":
            # A reader's session goes on: what an earlier block made is still there.
            _run([sys.executable, "-W", "ignore", "-c", before + block.text], block, page, tmp_path)
            before += "" if "Store.create" in block.text else block.text
        else:
            _run(["sh", "-e", "-c", _with_this_program(block.text)], block, page, tmp_path)


def test_the_curators_damaged_file_costs_one_scene_and_the_same_command_mends_it(demo, tmp_path):
    (tmp_path / "demo").symlink_to(demo)
    blocks = [b for b in blocks_of(ROOT / "docs/tutorials/curator.md") if not b.excused][:4]
    done = [
        subprocess.run(
            ["sh", "-e", "-c", _with_this_program(block.text)],
            cwd=tmp_path, env=_environment(), capture_output=True, text=True, timeout=240, check=True,
        )
        for block in blocks
    ]  # fmt: skip
    assert "ended with 1" in done[2].stdout
    assert "rocket: the file is not the one the manifest describes" in done[2].stderr
    assert "2 built, 0 rebuilt, 0 kept, 1 quarantined" in done[2].stderr
    assert "1 built, 0 rebuilt, 2 kept, 0 quarantined" in done[3].stderr


def keys_of(page):
    """The keys that the text of a page tells to press, in their order, those in parentheses left out."""
    told = re.sub(r"```.*?```|\([^)]*\)", "", page.read_text(), flags=re.DOTALL)
    return re.findall(r"`((?:Ctrl\+|Shift\+)?(?:[A-Z]|Enter|Escape|=|\[|\]))`", told)


@pytest.mark.gui
@pytest.mark.screen
def test_the_keys_of_the_annotators_tutorial_do_in_the_window_what_it_says(tmp_path):
    """The script checks each step: a proposal is taken, a stroke stands, an image is handed in, a block is set."""
    pytest.importorskip("napari")
    if os.environ.get("QT_QPA_PLATFORM") == "offscreen" or not os.environ.get("DISPLAY"):
        pytest.skip("no screen: run `xvfb-run -a python -m pytest -m screen`")
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "make_screenshots.py"), "window", str(tmp_path)],
        env=_environment(), capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    pressed = json.loads(done.stdout.splitlines()[-1])
    once = [key for key, last in zip(pressed, [None, *pressed[:-1]], strict=True) if key != last]
    told = keys_of(ROOT / "docs/tutorials/annotator.md")
    assert [key for key, last in zip(told, [None, *told[:-1]], strict=True) if key != last] == once
    assert {file.name for file in tmp_path.iterdir()} == pictures_of(ROOT / "docs/tutorials/annotator.md")


def pictures_of(page):
    return set(re.findall(r"images/tutorials/([^)\s]+)", page.read_text()))


def test_every_picture_of_the_tutorials_is_there_and_shown():
    shown = set().union(*map(pictures_of, TUTORIALS))
    assert {file.name for file in PICTURES.iterdir()} == shown
