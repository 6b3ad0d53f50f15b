"""Kills a piece of work at each step that changes the disk, runs it again, and says what came of it.

`python -m tests.killing MODULE:FUNCTION TEMPLATE SCRATCH [EVERY [FIRST [SECONDS]]]`: `FUNCTION(folder)` works in a
copy of TEMPLATE. It is killed (SIGKILL) just before its first step, in a new copy before its second, and so on until
it ends by itself; with EVERY, before each so manieth, with FIRST from that one on. After each kill the function runs
once more to its end. A line of JSON a kill: the step, what it was, the digest of every file that is there after the
second run, and what that run raised.

Steps are what Python's audit hooks tell (files opened for writing, renamed, removed, linked, folders made) and every
fsync, below the folder.
"""

import hashlib
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[1]
_CHANGES = {
    "os.rename",
    "os.remove",
    "os.mkdir",
    "os.rmdir",
    "os.link",
    "os.symlink",
    "os.truncate",
    "os.chmod",
}
Work = Callable[[Path], None]


def killed_at_each_step(
    work: str, template: Path, scratch: Path, every: int = 1, first: int = 1, seconds: float = 1e9
) -> Iterator[dict[str, Any]]:
    """Yield what `python -m tests.killing` says of each kill, in a process of its own. The last line has no kill.

    Kills begin at step `first`; after `seconds` no further one is tried.
    """
    command = [sys.executable, "-m", "tests.killing", work, str(template), str(scratch)]
    command += [str(every), str(first), str(seconds)]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for line in done.stdout.splitlines():
        yield json.loads(line)


def files_of(folder: Path) -> dict[str, str]:
    """Return path -> sha256 of every file below a folder; links and folders without files count as well."""
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_file():
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        elif not any(path.iterdir()):
            found[name + "/"] = ""
    return found


def _kill_before(step: int, folder: Path, told: int) -> None:
    """Make this process kill itself just before its `step`-th change below `folder`, and tell what that was."""
    count = 0
    inside = str(folder)

    def at(what: str, path: object) -> None:
        nonlocal count
        if isinstance(path, bytes | str | os.PathLike) and not os.fsdecode(path).startswith(inside):
            return
        count += 1
        if count == step:
            os.write(told, f"{what} {os.fsdecode(path) if not isinstance(path, int) else path}".encode())
            os.kill(os.getpid(), signal.SIGKILL)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        opened = event == "open" and not isinstance(arguments[0], int) and _writes(arguments[2])
        if opened or event in _CHANGES:
            at(event, arguments[0])

    fsync = os.fsync

    def counted(descriptor: int) -> None:
        at("fsync", descriptor)
        fsync(descriptor)

    os.fsync = counted
    sys.addaudithook(hook)


def _writes(flags: object) -> bool:
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR))


def _run(work: Work, folder: Path, step: int | None) -> tuple[int, str]:
    """Run the work in a child process; return its exit status and what it told before it ended."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 0
        try:
            os.close(reading)
            if step is not None:
                _kill_before(step, folder, writing)
            work(folder)
        except BaseException:
            os.write(writing, traceback.format_exc()[-2000:].encode())
            code = 1
        os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        told = stream.read().decode(errors="replace")
    _, status = os.waitpid(child, 0)
    return status, told


def _main(
    name: str, template: Path, scratch: Path, every: int = 1, first: int = 1, seconds: float = 1e9
) -> None:
    module, _, function = name.partition(":")
    work: Work = getattr(importlib.import_module(module), function)
    step, end = first, time.monotonic() + seconds
    while time.monotonic() < end:
        folder = scratch / f"step_{step}"
        shutil.copytree(template, folder, symlinks=True)
        status, told = _run(work, folder, step)
        killed = os.WIFSIGNALED(status)
        said: dict[str, Any] = {
            "step": step,
            "killed_before": told.replace(str(folder), "") if killed else None,
        }
        if killed or status:
            status, error = _run(work, folder, None) if killed else (status, told)
            said["error"] = error if status else None
        said["files"] = files_of(folder)
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()
        shutil.rmtree(folder)
        if not killed:
            break
        step += every


if __name__ == "__main__":
    numbers = sys.argv[4:]
    _main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), *map(int, numbers[:2]), *map(float, numbers[2:]))
