"""Call a function where a crash, an endless loop or an explosion of memory costs its answer and nothing else.

Decoders of pictures are C and C++, and no file is to be trusted. So they run in a process of their own that is kept
alive from call to call and replaced when it dies; see `docs/decisions/0140-isolated-decoders.md`.

This guards against accidents. It is no sandbox: the process may do what its user may do.
"""

import atexit
import contextlib
import math
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, cast

from iea40k.errors import IEAError, LimitError
from iea40k.escaping import visible

_START = "from iea40k.isolation import serve; serve()"
_GRACE = 5
"""Seconds after the limit at which the process ends itself, where whoever started it did not live to do so."""
_WATCH = 1.0
"""Seconds between looks at whether whoever started it still lives."""


def machine_memory() -> int | None:
    """Return the bytes of memory that this process may hope for, None where that cannot be found out."""
    found = []
    for file in (
        Path("/sys/fs/cgroup/memory.max"),
        Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
    ):
        with contextlib.suppress(OSError, ValueError):
            found.append(int(file.read_text()))
    with contextlib.suppress(AttributeError, OSError, ValueError):
        found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return min(found, default=None)


@dataclass(frozen=True)
class Limits:
    """What one call may cost: `seconds` by the clock, `memory` in bytes (None: no limit).

    The memory limit holds where the operating system can impose one (Linux); elsewhere only the clock does.
    """

    seconds: float = 600.0
    memory: int | None = field(default_factory=machine_memory)

    def shared_by(self, workers: int) -> "Limits":
        """Return the limits of each of so many processes on one machine."""
        return Limits(self.seconds, None if self.memory is None else self.memory // workers)


class Isolated:
    """Calls functions in a process of its own, one at a time: `isolated(function, *arguments)`.

    Function, arguments and answer are pickled; the function is found by its module and name. What it raises is
    raised here. Raises `LimitError` where the call took too long, asked for too much memory, or its process died.
    `environment` is added to the process's; `prepare` is a function and its arguments, called when a process starts.
    Close it, or use it as a context manager, so that the process ends.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        environment: Mapping[str, str] | None = None,
        prepare: tuple[Any, ...] | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self._prepare = prepare
        self._environment = dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None

    def __call__(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return `function(*arguments)`, called in the process; see the class."""
        process = self._running()
        late = threading.Event()

        def end() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(self.limits.seconds, end)
        timer.daemon = True
        timer.start()
        try:
            _send(process.stdin, (_folder(), function, arguments))
            good, answer = pickle.load(process.stdout)  # type: ignore[arg-type]
        except (EOFError, BrokenPipeError, ConnectionError, pickle.UnpicklingError) as error:
            process.kill()
            raise self._broken(process.wait(), late.is_set()) from error
        except BaseException:  # an interrupt: the answer would be taken for that of the next call
            self.close()
            raise
        finally:
            timer.cancel()
            if late.is_set():
                self.close()
        if good:
            return answer
        if isinstance(answer, LimitError):
            self.close()  # memory that ran out leaves libraries in states of their own
        raise answer

    def close(self) -> None:
        """End the process; a later call starts another."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                cast("Any", pipe).close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.close()
        paths = os.pathsep.join(p or str(Path.cwd()) for p in sys.path)
        self._process = subprocess.Popen(
            [sys.executable, "-c", _START],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": paths, **self._environment},
        )
        threading.Thread(target=_pass_on, args=(self._process.stderr,), daemon=True, name="stderr").start()
        _send(self._process.stdin, (self.limits, self._prepare))
        return self._process

    def _broken(self, code: int, late: bool) -> LimitError:
        self.close()
        if late or (sys.platform != "win32" and code == -signal.SIGALRM):
            return LimitError(
                "it took too long, and was stopped",
                expected=f"at most {self.limits.seconds:g} seconds",
                remedy="give it more time if it deserves it, or leave out the file that it hung on",
            )
        return LimitError(
            "the process that worked on it died",
            expected="files that decoders can read, and enough memory on the machine",
            got=_death(code),
            remedy="find the file that its decoder dies of, and replace it or leave it out",
        )


class _Helper:
    """The one helper process that `guarded` shares, and whose it is: after a fork the child starts its own."""

    lock = threading.Lock()
    owner = 0
    isolated: Isolated | None = None
    serving = False


def guarded(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return `function(*arguments)`, called in a helper process that is kept for all such calls of this process.

    For what reads files of strangers outside of builds, which have their own. Raises what `Isolated` raises. In a
    helper process it is a plain call.
    """
    if _Helper.serving:
        return function(*arguments)
    with _Helper.lock:
        if _Helper.isolated is None or _Helper.owner != os.getpid():
            _Helper.isolated, _Helper.owner = Isolated(), os.getpid()
            atexit.register(_Helper.isolated.close)
        return _Helper.isolated(function, *arguments)


def serve() -> None:
    """Answer the calls on standard input until it ends. What libraries print goes to standard error."""
    _Helper.serving = True
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    calls = sys.stdin.buffer
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process; the one that called decides
    limits, prepare = pickle.load(calls)
    _bound_memory(limits.memory)
    _end_with(os.getppid())
    if prepare is not None:
        prepare[0](*prepare[1:])
    while True:
        try:
            folder, function, arguments = pickle.load(calls)
        except EOFError:
            return
        except Exception as error:
            _send(replies, (False, _told(error)))
            continue
        if folder != _folder():
            os.chdir(folder)  # relative paths mean what they mean to the caller
        _alarm(math.ceil(limits.seconds) + _GRACE)
        reply = _reply(function, arguments, limits)
        _alarm(0)
        try:
            _send(replies, reply)
        except BrokenPipeError:
            return


def _folder() -> str:
    """Return the working folder, "/" where it was removed."""
    try:
        return os.getcwd()  # noqa: PTH109 - a name, for another process
    except FileNotFoundError:
        return os.sep


def peak_memory() -> int:
    """Return the most bytes of memory that this process has held so far, 0 where that cannot be found out."""
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) * 1024
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def out_of_memory(error: BaseException) -> bool:
    """Return whether an error of any library says that memory ran out."""
    name = type(error).__name__
    return isinstance(error, MemoryError) or "Memory" in name or "Insufficient memory" in str(error)


def memory_error(limit: int | None) -> LimitError:
    """Return the error that says that a call asked for more memory than it may have."""
    return LimitError(
        "it asked for more memory than it may have",
        expected="what the machine has" if limit is None else f"at most {limit / 1e9:.1f} GB",
        remedy="use a machine with more memory, fewer workers, or leave out the largest files",
    )


def _reply(function: Callable[..., Any], arguments: tuple[Any, ...], limits: Limits) -> tuple[bool, Any]:
    try:
        return True, function(*arguments)
    except IEAError as error:
        return False, error
    except Exception as error:
        return False, memory_error(limits.memory) if out_of_memory(error) else _told(error)


def _told(error: BaseException) -> BaseException:
    """Return the error itself where it can travel, else one that says the same."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return IEAError("an unexpected error", got=f"{type(error).__name__}: {error}")
    return error


def _pass_on(words: Any) -> None:
    """Say what a process says on its standard error: decoders print names of files as they are."""
    with words, contextlib.suppress(OSError, ValueError):
        for line in words:
            sys.stderr.write(visible(line.decode(errors="replace")))
            sys.stderr.flush()


def _send(pipe: Any, value: Any) -> None:
    pickle.dump(value, pipe, protocol=pickle.HIGHEST_PROTOCOL)
    pipe.flush()


def _bound_memory(memory: int | None) -> None:
    if memory is None or sys.platform == "win32":
        return
    import resource

    # What was written to, not what was reserved: of address space alone, threads reserve gigabytes.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))


def _end_with(parent: int) -> None:
    """End this process soon after its parent, which may be killed while a call runs."""
    if sys.platform == "win32":
        return

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_WATCH)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="parent").start()


def _alarm(seconds: int) -> None:
    if sys.platform != "win32":
        signal.alarm(seconds)


def _death(code: int) -> str:
    if code >= 0:
        return f"it ended with code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = str(-code)
    hint = " (the system's way to end what takes too much memory)" if name == "SIGKILL" else ""
    return f"ended by {name}{hint}"
