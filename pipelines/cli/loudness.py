"""`--quiet`, `--verbose` and `--log FILE`, which stand anywhere on the command line of every command."""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from iea40k import __version__
from iea40k.errors import BadInputError


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


def with_loudness(loudness: Loudness, arguments: Sequence[str], call: Callable[[], int]) -> int:
    """Run `call`, which returns an exit code, as loud as is wanted; a plain call costs nothing."""
    if loudness == Loudness():
        return call()
    import logging
    import traceback

    from pipelines.cli.log_file import Handler, Log
    from pipelines.cli.terminal import messages

    log = None if loudness.log is None else Log(loudness.log)
    messages.terse, messages.detailed, messages.kept = loudness.quiet, loudness.verbose, log
    handler = Handler(messages.detail)
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
