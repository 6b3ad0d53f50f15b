"""What the pictures are taken of: the tutorials' stores, made by the commands."""

import subprocess
import sys
from pathlib import Path


def bracket_store(work: Path) -> None:
    """Make what the curator's tutorial makes, in `work`."""
    from pipelines.synthetic import PHOTOGRAPHS, make_project

    make_project(work / "demo/photographs", [p for p in PHOTOGRAPHS if p.kind == "bracket"])
    iea40k(
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
    iea40k(work, "build", "brackets.csv", "store", allowed=(0, 1))
    broken.write_bytes(whole)


def practice_store(folder: Path) -> None:
    """Make the store of the annotator's tutorial: two photographs with planted faults, in the queue."""
    from annotator.sample import photograph, practice_scene
    from iea40k.store.layout import Store

    store = Store.create(folder)
    for name in ("coffee", "chelsea"):
        store.write_scene(practice_scene(photograph(name), name).scene)
    iea40k(folder.parent, "queue", folder.name, "add", "--where", "level == 'P1'")
    iea40k(folder.parent, "queue", folder.name, "add", "--references")


def iea40k(folder: Path, *words: str, allowed: tuple[int, ...] = (0,)) -> None:
    """Run a command of the program in a folder; end where it ends with another code than those allowed."""
    done = subprocess.run([sys.executable, "-m", "pipelines.cli", *words], cwd=folder, check=False)
    if done.returncode not in allowed:
        raise SystemExit(f"iea40k {' '.join(words)} ended with {done.returncode}")
