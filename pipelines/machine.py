"""What a machine and an installation have, and what they lack: the checks of `iea40k doctor`.

What may crash a process (Qt, OpenGL, CUDA) is asked in a process of its own, so that its death is an answer.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution, version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import psutil
from packaging.requirements import Requirement

from iea40k.errors import IEAError
from iea40k.extras import MODULES, install_line

State = Literal["good", "note", "missing", "bad"]
"""`missing`: an extra that is not installed, which only its users need; `bad`: what is there does not work."""

_QT = """
import os, sys
from PySide6.QtGui import QGuiApplication, QOffscreenSurface, QOpenGLContext
import PySide6
app = QGuiApplication([])
surface, context = QOffscreenSurface(), QOpenGLContext()
surface.create()
made = context.create() and context.makeCurrent(surface)
gl = ".".join(map(str, context.format().version())) if made else ""
print(PySide6.__version__, app.platformName(), gl or "none", sep="|")
"""
_GPU = """
import torch
names = [torch.cuda.get_device_name(n) for n in range(torch.cuda.device_count())]
names += ["Apple GPU"] if torch.backends.mps.is_available() else []
print(torch.__version__, ", ".join(names) or "none", torch.get_num_threads(), sep="|")
"""
_PROBE = 32 << 20
_SLOW_MIB, _SLOW_SYNC, _TIGHT = 40.0, 0.1, 5 << 30


@dataclass(frozen=True)
class Finding:
    """One check: its group and name, how it stands, what was found, and the line that mends it ("" if none does)."""

    group: str
    name: str
    state: State
    found: str
    remedy: str = ""


def examine(folder: Path, ledger: str | None = None) -> Iterator[Finding]:
    """Yield every finding about this installation, this machine, the disk under `folder` and a ledger."""
    yield from _installation()
    yield from _extras()
    yield from _machine()
    yield from _screen()
    yield from _gpu()
    yield from _disk(folder)
    if ledger is not None:
        yield _ledger(ledger)


# ---------------------------------------------------------------- what is installed


def _installation() -> Iterator[Finding]:
    yield Finding(
        "installation", "iea40k", "good", f"{version('iea40k')} on Python {platform.python_version()}"
    )
    yield Finding(
        "installation", "system", "good", f"{platform.system()} {platform.release()}, {platform.machine()}"
    )
    wrong = [text for extra in ("", *MODULES) for text in _wrong_versions(extra)]
    if wrong:
        line = f"{sys.executable} -m pip install --upgrade " + " ".join(
            f"'{text.split(' (')[0]}'" for text in wrong
        )
        yield Finding("installation", "versions", "bad", "not as required: " + ", ".join(wrong), line)
    else:
        yield Finding("installation", "versions", "good", "all that is installed fits what is required")


def _wrong_versions(extra: str) -> list[str]:
    """Return the requirements (of one extra, or the plain ones) that what is installed does not meet."""
    wrong = []
    for text in distribution("iea40k").requires or ():
        wanted = Requirement(text)
        plain = wanted.marker is None or wanted.marker.evaluate({"extra": ""})
        of_extra = wanted.marker is not None and wanted.marker.evaluate({"extra": extra}) and not plain
        if not (of_extra if extra else plain):
            continue
        try:
            there = version(wanted.name)
        except PackageNotFoundError:
            if not extra:
                wrong.append(f"{wanted.name}{wanted.specifier} (not installed)")
            continue
        if not wanted.specifier.contains(there, prereleases=True):
            wrong.append(f"{wanted.name}{wanted.specifier} ({there})")
    return wrong


def _extras() -> Iterator[Finding]:
    for extra, modules in MODULES.items():
        lacking = [module for module in modules if find_spec(module) is None]
        if lacking:
            yield Finding("extras", extra, "missing", f"without {', '.join(lacking)}", install_line(extra))
        else:
            yield Finding("extras", extra, "good", "complete")


# ---------------------------------------------------------------- the machine


def _machine() -> Iterator[Finding]:
    memory = psutil.virtual_memory()
    cores = os.cpu_count() or 1
    found = f"{cores} cores, {memory.total / 2**30:.1f} GiB of memory, {memory.available / 2**30:.1f} free"
    tight = memory.available < 2 << 30
    yield Finding(
        "machine",
        "memory",
        "note" if tight else "good",
        found,
        "close programs, or use fewer --workers" if tight else "",
    )


def _screen() -> Iterator[Finding]:
    if find_spec("PySide6") is None:
        return
    shown = sys.platform != "linux" or any(os.environ.get(n) for n in ("DISPLAY", "WAYLAND_DISPLAY"))
    if not shown:
        remedy = "run `iea40k annotate` on a desktop, or under xvfb-run"
        yield Finding("window", "screen", "note", "no DISPLAY or WAYLAND_DISPLAY", remedy)
    code, said = _asked(_QT, {} if shown else {"QT_QPA_PLATFORM": "offscreen"})
    if code or said.count("|") != 2:
        remedy = "install the system's libraries: docs/annotator.md has the line"
        yield Finding("window", "Qt", "bad", said or f"the process ended with code {code}", remedy)
        return
    number, where, gl = said.split("|")
    yield Finding("window", "Qt", "good", f"PySide6 {number} on {where}")
    if gl != "none":
        yield Finding("window", "OpenGL", "good", gl)
    else:
        remedy = "install a driver, or Mesa's software one (libgl1-mesa-dri)" if shown else ""
        yield Finding("window", "OpenGL", "bad" if shown else "note", "no context could be made", remedy)


def _gpu() -> Iterator[Finding]:
    if find_spec("torch") is None:
        return
    code, said = _asked(_GPU, {})
    if code or said.count("|") != 2:
        yield Finding(
            "trainer", "torch", "bad", said or f"the process ended with code {code}", install_line("trainer")
        )
        return
    number, names, threads = said.split("|")
    yield Finding("trainer", "torch", "good", f"{number}, {threads} threads")
    if names != "none":
        yield Finding("trainer", "GPU", "good", names)
    else:
        card = shutil.which("nvidia-smi") is not None
        remedy = "this torch has no CUDA: install one that has, from pytorch.org" if card else ""
        yield Finding(
            "trainer", "GPU", "note", "none that torch can use: training runs on the processor", remedy
        )


def _asked(code: str, more: dict[str, str]) -> tuple[int, str]:
    """Run Python code in a process of its own; return its exit code and the last line that it said."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env={**os.environ, **more},
        )
    except subprocess.TimeoutExpired:
        return 1, "no answer within two minutes"
    lines = (done.stdout if not done.returncode else done.stderr).strip().splitlines()
    return done.returncode, lines[-1] if lines else ""


# ---------------------------------------------------------------- disk and ledger


def _disk(folder: Path) -> Iterator[Finding]:
    from iea40k.store.ledger.place import local_mounts, network_filesystem

    place = next(p for p in (folder.absolute(), *folder.absolute().parents) if p.is_dir())
    kind = network_filesystem(place.resolve(), local_mounts())
    if kind is None:
        yield Finding("disk", "file system", "good", f"local, {place}")
    else:
        remedy = "keep the ledger on a local disk or on PostgreSQL: SQLite's locks do not hold on a network"
        yield Finding("disk", "file system", "note", f"{kind}, {place}", remedy)
    free = shutil.disk_usage(place).free
    tight = free < _TIGHT
    yield Finding(
        "disk",
        "space",
        "note" if tight else "good",
        f"{free / 2**30:.1f} GiB free",
        "make room" if tight else "",
    )
    try:
        write, sync = _speed(place)
    except OSError as error:
        yield Finding("disk", "writing", "bad", str(error), "choose a folder that you may write to")
        return
    slow = write < _SLOW_MIB or sync > _SLOW_SYNC
    found = f"{write:.0f} MiB a second to the disk, {1000 * sync:.1f} ms to secure a stroke"
    yield Finding(
        "disk", "writing", "note" if slow else "good", found, "a local SSD is faster" if slow else ""
    )


def _speed(folder: Path) -> tuple[float, float]:
    """Return how fast a file is written and secured, in MiB a second, and the seconds that securing 4 KiB takes."""
    block = os.urandom(1 << 20)
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".iea40k-doctor-") as file:
        start = time.perf_counter()
        for _ in range(_PROBE >> 20):
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
        write = (_PROBE >> 20) / max(time.perf_counter() - start, 1e-9)
        start = time.perf_counter()
        for _ in range(5):
            file.write(block[:4096])
            file.flush()
            os.fsync(file.fileno())
        return write, (time.perf_counter() - start) / 5


def _ledger(place: str) -> Finding:
    from iea40k.store.ledger import Ledger

    try:
        with Ledger.open(place) as ledger:
            return Finding("ledger", "database", "good", f"{ledger.database.name} answers")
    except IEAError as error:
        return Finding("ledger", "database", "bad", error.what, error.remedy or "")


def as_json(findings: list[Finding]) -> str:
    """Return findings as JSON."""
    return json.dumps([vars(finding) for finding in findings])
