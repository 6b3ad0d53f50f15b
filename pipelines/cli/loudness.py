"""`--quiet`, `--verbose` and `--log FILE`, which stand anywhere on the command line of every command."""

import logging
import re
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from iea40k import __version__
from iea40k.errors import BadInputError
from iea40k.escaping import visible

_SECRET = re.compile(r"(://[^:/@\s]+):[^@\s]+@|((?:password|pgpassword)=)[^&\s]+", re.IGNORECASE)


@dataclass(frozen=True)
class Loudness:
    """How much is said: `quiet` leaves warnings, errors and results; `verbose` adds details; `log` is a file."""

    quiet: bool = False
    verbose: bool = False
    log: Path | None = None


def taken_out(arguments: Sequence[str]) -> tuple[Loudness, list[str]]:
    """Return what the arguments say of loudness, and all the others; what follows "--" is left alone.

    Raises `BadInputError` where --quiet and --verbose stand together, and for --log without a file.
    """
    quiet, verbose, log = False, False, None
    rest: list[str] = []
    given = iter(arguments)
    for argument in given:
        short = not rest  # before the command; behind it, other people's commands may use the letters
        if argument == "--":
            rest += ["--", *given]
        elif argument == "--quiet" or (short and argument == "-q"):
            quiet = True
        elif argument == "--verbose" or (short and argument == "-v"):
            verbose = True
        elif argument == "--log" or argument.startswith("--log="):
            log = argument[6:] if argument != "--log" else next(given, "")
            if not log:
                raise BadInputError("--log without a file", expected="--log FILE")
        else:
            rest.append(argument)
    if quiet and verbose:
        raise BadInputError("--quiet and --verbose exclude each other")
    return Loudness(quiet, verbose, None if log is None else Path(log)), rest


class Log:
    """A file to which a run adds what it says, line by line with the time (UTC) and a level."""

    def __init__(self, file: Path) -> None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._stream: TextIO = file.open("a", encoding="utf-8", buffering=1)
        except OSError as error:
            raise BadInputError("the log cannot be written", where=file, got=str(error)) from error

    def add(self, level: str, text: str) -> None:
        """Add a text; each of its lines becomes one of the log. Passwords in addresses are left out."""
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        for line in without_secrets(text).splitlines():
            self._stream.write(f"{stamp} {level:7} {visible(line)}\n")

    def close(self) -> None:
        """Close the file."""
        self._stream.close()


class _Handler(logging.Handler):
    def __init__(self, say: Callable[[str, str], None]) -> None:
        super().__init__()
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a record of the standard library's logging on."""
        try:
            self._say(record.levelname, f"{record.name}: {record.getMessage()}")
        except Exception:
            self.handleError(record)


def without_secrets(text: str) -> str:
    """Return a text without the passwords in its addresses.

    >>> without_secrets("postgresql://ada:secret@server/db")
    'postgresql://ada:***@server/db'
    """
    return _SECRET.sub(lambda found: f"{found[1]}:***@" if found[1] else f"{found[2]}***", text)


def with_loudness(loudness: Loudness, arguments: Sequence[str], call: Callable[[], int]) -> int:
    """Run `call`, which returns an exit code, as loud as is wanted; a plain call costs nothing."""
    if loudness == Loudness():
        return call()
    from pipelines.cli.terminal import messages

    log = None if loudness.log is None else Log(loudness.log)
    messages.terse, messages.detailed, messages.kept = loudness.quiet, loudness.verbose, log
    handler = _Handler(messages.detail)
    handler.setLevel(logging.DEBUG if loudness.verbose else logging.INFO)
    root = logging.getLogger()
    root.addHandler(handler)
    start = time.monotonic()
    messages.detail("INFO", f"iea40k {__version__}, Python {sys.version.split()[0]}: {' '.join(arguments)}")
    try:
        code = call()
        messages.detail("INFO", f"exit code {code} after {time.monotonic() - start:.1f} s")
    except BaseException as error:
        messages.detail("ERROR", "".join(traceback.format_exception(error)))
        raise
    finally:
        root.removeHandler(handler)
        messages.terse, messages.detailed, messages.kept = False, False, None
        if log is not None:
            log.close()
    return code
