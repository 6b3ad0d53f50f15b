"""Every shell and every Python block of the pages, and every example, is run as a reader would, in a folder of its own.

A block that cannot be run here is followed by a line that says so to the reader too: "*Not run by the tests: reason.*"
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from iea40k.store.layout import Store
from iea40k.store.release import ReleaseOptions, write_release
from pipelines.build import build
from pipelines.cli.program import run
from pipelines.dng import write_dng
from pipelines.synthetic import PHOTOGRAPHS, make_project
from tests.pipelines.test_brackets import save
from tests.planted import exposed, photograph

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / "manifests/README.md",
]
BLOCK = re.compile(
    r"^```(sh|bash|python)\n(.*?)^```\n+(\*Not run by the tests: [^*]+\*)?", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Block:
    language: str
    text: str
    line: int
    excused: bool


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(found[1], found[2], text[: found.start()].count("\n") + 1, bool(found[3]))
        for found in BLOCK.finditer(text)
    ]


def names(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_no_command_hides_in_an_indented_block(page: Path) -> None:
    hidden = re.findall(
        r"^ {4}(?:iea40k|pip|make|sudo|python) .*", page.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert hidden == []


# Tutorials are run in tests/docs: each from the demo on, every block in its place.
WITH_BLOCKS = [
    page
    for page in PAGES
    if page.parent.name != "tutorials" and any(not block.excused for block in blocks_of(page))
]


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a reader has: photographs of two brackets, a RAW file, a retouch; and a store and a release made of them."""
    folder = tmp_path_factory.mktemp("world")
    for scene, picture in (("a0001", "coffee"), ("a0002", "chelsea")):
        for second, ev in enumerate((-2, 0, 2)):
            save(
                folder / f"PHOTOS/{scene}/{second}.jpg",
                exposed(picture, ev)[:160, :240],
                ev=ev,
                second=second,
            )
    write_dng(folder / "photo.dng", photograph("coffee")[:160, :240])
    save(folder / "photo.jpg", exposed("coffee")[:160, :240])
    Image.fromarray(exposed("coffee")[:160, :240]).save(folder / "retouch.tif")
    _small_demo(folder / "demo")
    manifest = folder / "PHOTOS/manifest.csv"
    licensed = ["--licence", "CC0-1.0"]
    assert run(["manifest", "brackets", str(folder / "PHOTOS"), "-o", str(manifest), *licensed]) == 0
    assert run(["build", str(manifest), str(folder / "STORE")]) == 0
    assert run(["queue", str(folder / "STORE"), "add"]) == 0
    assert run(["release", str(folder / "STORE"), str(folder / "RELEASE"), "--version", "1.0.0"]) == 0
    return folder


def _small_demo(folder: Path) -> None:
    """Make what `make demo` makes, of one photograph and without training."""
    build(make_project(folder / "photographs", PHOTOGRAPHS[:1], scale=0.5), folder / "store")
    write_release(Store.open(folder / "store"), folder / "release", ReleaseOptions("0.1.0"))


EXAMPLES = {
    "look_at_a_release": (["demo/release"], "astronaut_N4"),
    "train_an_estimator": (["demo/release", "5"], "step    5"),
    "read_in_other_hands": (["RELEASE"], "webdataset   6 residuals, every pixel as ours"),
    "judge_enhancers": (["PHOTOS/a0001", "PHOTOS/a0001", "PHOTOS/a0002"], "on 3 images"),
    "steer_an_enhancer": (["photo.jpg", "better.png"], "as it is: "),
    "audit_labels": (["demo/release", "demo/store"], "5 images are in the queue"),
}


def test_every_example_is_listed_and_run():
    files = {file.stem for file in (ROOT / "examples").glob("*.py")}
    assert files == set(EXAMPLES)
    listed = (ROOT / "examples/README.md").read_text(encoding="utf-8")
    assert all(f"({name}.py)" in listed for name in files)


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_an_example_runs(name: str, world: Path, tmp_path: Path) -> None:
    arguments, expected = EXAMPLES[name]
    shutil.copytree(world, tmp_path / "world")
    command = [sys.executable, str(ROOT / "examples" / f"{name}.py"), *arguments]
    done = subprocess.run(
        command,
        cwd=tmp_path / "world",
        env=_environment(),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    assert expected in done.stdout


def _environment() -> dict[str, str]:
    """Return this process's environment, in which the code of this checkout is found."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path}


@pytest.mark.parametrize("page", WITH_BLOCKS, ids=names)
def test_the_blocks_of_a_page_run(page: Path, world: Path, tmp_path: Path) -> None:
    blocks = [block for block in blocks_of(page) if not block.excused]
    makes = "\n".join(block.text for block in blocks if block.language != "python")
    for given in world.iterdir():
        # A page that makes a store or a release begins without one.
        if given.name in ("STORE", "RELEASE") and re.search(
            rf"iea40k (build|release)\b.*\b{given.name}\b", makes
        ):
            continue
        shutil.copytree(given, tmp_path / given.name) if given.is_dir() else shutil.copy(given, tmp_path)
    (tmp_path / "PHOTOS/manifest.csv").unlink()
    script = []
    for block in blocks:
        if block.language == "python":
            script.append(block)
            continue
        _run(["sh", "-e", "-c", _with_this_program(block.text)], block, page, tmp_path)
    if script:
        text = "\n".join(block.text for block in script)
        _run([sys.executable, "-W", "ignore", "-c", text], script[0], page, tmp_path)


def _run(command: list[str], block: Block, page: Path, folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, (
        f"{names(page)}, line {block.line}:\n{block.text}\n{done.stdout}{done.stderr}"
    )


def _with_this_program(text: str) -> str:
    return re.sub(
        r"^iea40k |(?<=&& )iea40k ", f"{sys.executable} -m pipelines.cli ", text, flags=re.MULTILINE
    )
