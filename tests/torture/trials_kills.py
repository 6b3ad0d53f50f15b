"""Kills: of whatever writes, just before a step that changes the disk or at any moment; the same command goes on."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger, TaskRequest, add_tasks
from tests.killing import files_of, killed_at_each_step
from tests.torture.harness import Clock, NotHereError, Task, trial
from tests.torture.together import alone, end, start
from tests.torture.works import WORKS, copy

ROOT = Path(__file__).parents[2]
_TURN = 20.0
"""Seconds of one work in a row, at most."""
_START = 2.0
"""Seconds that a process takes to begin."""


@trial(
    "kills",
    "scenes, a release, exports, an import, a ledger's copy and a release fetched from a server, each killed just "
    "before a step that changes the disk",
    weight=5,
)
def steps(task: Task) -> None:
    """Whatever the step, the second run ends with the bytes of a run that nobody killed."""
    if os.name == "nt":
        raise NotHereError("SIGKILL is POSIX")
    before = templates(task.folder)
    waiting = list(WORKS)
    first_round = True
    while first_round or task.clock:  # each has its turn, also where the machine is slow
        name = waiting.pop(task.rng.randrange(len(waiting)))
        first, every = task.rng.randrange(1, 8), task.rng.randrange(5, 40)
        template, expected = before[name]
        seconds = min(max(task.clock.left() / (len(waiting) + 1) - _START, 0.5), _TURN)
        if not waiting:
            waiting, first_round = list(WORKS), False
        scratch = task.folder / "scratch"
        work = f"tests.torture.works:{name}"
        for told in killed_at_each_step(work, template, scratch, every, first, seconds):
            if told["killed_before"] is None and told.get("error") is None:
                continue  # it ended before that step came
            same = told.get("error") is None and comparable(told["files"]) == expected
            task.report.expect(same, f"{name} at step {told['step']}: {told}"[:400], f"kills of {name}")
        shutil.rmtree(scratch, ignore_errors=True)


@trial("kills", "a ledger's copy killed at any moment", weight=1)
def copies(task: Task) -> None:
    """All of it arrives or nothing, and the same command makes the same copy."""
    before = task.folder / "before"
    Store.create(before / "store")
    with Ledger.open(before / "store", create=True) as ledger:
        add_tasks(ledger, [TaskRequest(f"s{n}", "P0", n) for n in range(1500)], "curator")
    turn, took = 0, 0.0
    while not task.report.tried or task.clock:
        turn += 1
        folder = task.folder / f"turn {turn}"
        shutil.copytree(before, folder)
        began = time.monotonic()
        (process,) = start([(copy, (folder,))], folder / "said", task.rng)
        if turn > 1:
            time.sleep(task.rng.uniform(0, took))
            process.kill()
        (ended,) = end([process], folder / "said")
        took = took or time.monotonic() - began
        task.report.held("kills", int(ended.code == -signal.SIGKILL))
        alone(copy, folder, folder=folder / "said")
        told = (folder / "copied.txt").read_text(encoding="utf-8")
        task.report.expect("True" in told, f"after {ended}: {told}", "copies as of one that nobody killed")
        shutil.rmtree(folder)


def templates(folder: Path) -> dict[str, tuple[Path, dict[str, str]]]:
    """Return of each work where it begins, and the files with which it ends."""
    found = {}
    whole = folder / "whole"
    whole.mkdir(parents=True)
    for name, work in WORKS.items():
        template = folder / f"before_{name}"
        shutil.copytree(whole, template)
        work(whole)
        found[name] = (template, comparable(files_of(whole)))
    return found


def comparable(files: dict[str, str]) -> dict[str, str]:
    """Return the files that two runs make alike: all but SQLite's own, whose content the work writes as text."""
    return {name: sha for name, sha in files.items() if ".sqlite" not in name}


_BUILD = """
import sys
from pathlib import Path
from pipelines.build import build
from pipelines.config import BuildConfig
build(Path(sys.argv[1]), Path(sys.argv[2]), BuildConfig(short_side=48, evs=(-1.0, 0.0, 1.0)))
"""

_TRAIN = """
import sys
from pathlib import Path
from tests.iea40k.model.test_training import config, data
from iea40k.model.training.loop import train
out = Path(sys.argv[1])
train(data(), out, config(epochs=2), resume=(out / "checkpoint.pt").exists())
"""


@trial("kills", "a build killed at any moment, its helper process too", weight=3)
def build(task: Task) -> None:
    """The same command goes on, and ends with the bytes of a build that nobody killed."""
    from pipelines.synthetic import PHOTOGRAPHS, make_project

    chosen = [photograph for photograph in PHOTOGRAPHS if photograph.name in ("coffee", "astronaut")]
    manifest = make_project(task.folder / "project", chosen, scale=0.3)
    _until_done([sys.executable, "-c", _BUILD, str(manifest), str(task.folder / "whole")], None, task)
    expected = files_of(task.folder / "whole")
    while task.clock:
        store = task.folder / "store"
        kills = _until_done([sys.executable, "-c", _BUILD, str(manifest), str(store)], store, task)
        same = files_of(store) == expected
        task.report.expect(same, f"other bytes after {kills} kills", "builds gone on to the same bytes")
        task.report.held("kills", kills)
        shutil.rmtree(store)


def _until_done(command: list[str], place: Path | None, task: Task) -> int:
    """Run a command until it ends by itself, killing it and its children at random moments; return how often."""
    kills = 0
    while True:
        with subprocess.Popen(
            command, cwd=ROOT, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            if place is not None and kills < 3:
                patience = Clock(60)
                while process.poll() is None and not place.exists() and patience:
                    time.sleep(0.02)
                time.sleep(task.rng.random() * 3)
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    kills += 1
                    process.wait()
                    continue
            if process.wait() == 0:
                return kills
            raise RuntimeError(f"{command[:3]} ended with {process.returncode} after {kills} kills")


@trial("kills", "a training killed at any moment", weight=4)
def training(task: Task) -> None:
    """It goes on from its checkpoint, and ends with the bits of one that nobody killed."""
    import torch

    from iea40k.model.weights import load_weights

    def tensors(place: Path) -> dict[str, torch.Tensor]:
        return load_weights(place / "best.safetensors").network.state_dict()

    _until_done([sys.executable, "-c", _TRAIN, str(task.folder / "whole")], None, task)
    expected = tensors(task.folder / "whole")
    while task.clock:
        run = task.folder / "run"
        kills = _until_done([sys.executable, "-c", _TRAIN, str(run)], run, task)
        found = tensors(run)
        same = all(torch.equal(value, found[name]) for name, value in expected.items())
        task.report.expect(same, f"other weights after {kills} kills", "trainings gone on to the same bits")
        task.report.held("kills", kills)
        shutil.rmtree(run)
