"""A full disk under every command that writes: words instead of a traceback, and the same command goes on afterwards."""

import contextlib
import io
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger
from iea40k.store.release import ReleaseOptions, write_release
from iea40k.store.release.outgoing import Outgoing
from iea40k.temporaries import is_temporary
from pipelines.cli.program import run
from tests.builders import built_scene
from tests.torture.harness import Task, trial
from tests.torture.trials_disk import mount, resize

TRAIN = [
    "network=p_ieanet_s",
    "epochs=1",
    "batch=4",
    "threads=1",
    "pictures=1",
    "data.size=48",
    "data.cache=none",
]
Command = Callable[[Path, Path], list[str]]

# ruff: noqa: E501
COMMANDS: dict[str, tuple[int, Command]] = {
    "predict": (40, lambda world, out: ["predict", "p_ieanet_s", str(world / "a.png"), "-o", str(out / "p")]),
    "report": (200, lambda world, out: ["report", str(world / "store"), "-o", str(out / "r.html")]),
    "export huggingface": (300, lambda world, out: _export(world, out, "huggingface")),
    "export webdataset": (300, lambda world, out: _export(world, out, "webdataset")),
    "export official": (300, lambda world, out: _export(world, out, "official")),
    "release": (300, lambda world, out: ["release", str(world / "store"), str(out / "r"), "--version", "2.0.0", "--as-built"]),
    "queue copy": (150, lambda world, out: ["queue", str(world / "store"), "copy", "--to", str(out / "copied")]),
    "verify --make-list": (8, lambda _, out: ["verify", str(out / "old"), "--make-list"]),
    "queue seal": (8, lambda _, out: ["queue", str(out / "store"), "seal"]),
    "train": (900, lambda world, out: ["train", str(world / "release"), "--out", str(out / "run"), *_settings(), *_resumed(out)]),
    "validate": (200, lambda world, out: ["validate", str(world / "release"), "--out", str(out / "v"), "--folds", "2"]),
}  # fmt: skip
"""Name -> the kilobytes that it writes, about, and its command line. `iea40k.toml` is read and written by nothing."""


@trial("disk", "a disk that is full under each command that writes", weight=3)
def writers(task: Task) -> None:
    """It ends with words and no traceback; with room, the same command ends well and leaves nothing."""
    world = _world(task.folder / "world")
    small = task.folder / "small"
    small.mkdir()
    names: list[str] = []
    while task.clock:
        if not names:
            names = list(COMMANDS)
            task.rng.shuffle(names)
        _one(task, world, small, names.pop())


def _one(task: Task, world: Path, small: Path, name: str) -> None:
    kilobytes, command = COMMANDS[name]
    mount(small)
    try:
        if name == "verify --make-list":
            shutil.copytree(world / "store", small / "old")
            shutil.rmtree(small / "old" / "list")
        if name == "queue copy":
            (small / "copied").mkdir()
        if name == "queue seal":
            shutil.copytree(world / "store", small / "store")
        used = shutil.disk_usage(small).used // 1024
        resize(small, used + task.rng.randrange(4, max(8, kilobytes), 4))
        code, said = _run(command(world, small))
        if code != 0:
            told = "disk is full" in said or "no room" in said
            task.report.expect(
                told and "Traceback" not in said, f"{name}: {said}"[:400], f"full disks told by {name}"
            )
        else:
            task.report.held(f"{name} with room enough")
        resize(small, 65536)
        if code != 0:
            code, said = _run(command(world, small))
            task.report.expect(code == 0, f"{name}, again: {said}"[:400], "commands that went on")
        left = [path.name for path in small.rglob("*") if is_temporary(path.name)]
        task.report.expect(not left, f"{name} left {left}", "looks for temporaries")
    finally:
        subprocess.run(["umount", str(small)], check=True)


def _run(command: list[str]) -> tuple[int, str]:
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        code = run(command)
    return code, " ".join(out.getvalue().split())


def _world(folder: Path) -> Path:
    store = Store.create(folder / "store")
    for number in range(6):
        store.write_scene(
            built_scene(f"s{number}", height=40, width=56, uncertainty=True, scene_class="planted")
        )
    with Ledger.open(store.path, create=True):
        pass
    options = ReleaseOptions("1.0.0", ratios=(60, 20, 20))
    write_release(store, folder / "release", options, outgoing=Outgoing())
    rng = np.random.default_rng(1)
    Image.fromarray(rng.integers(0, 255, (48, 64, 3), np.uint8)).save(folder / "a.png")
    return folder


def _export(world: Path, out: Path, form: str) -> list[str]:
    return ["export", str(world / "release"), str(out / form), "--format", form]


def _settings() -> list[str]:
    return [part for setting in TRAIN for part in ("--set", setting)]


def _resumed(out: Path) -> list[str]:
    return ["--resume"] if (out / "run" / "checkpoint.pt").exists() else []
