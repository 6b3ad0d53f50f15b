"""How a command ends: every error, signal and exit code of every command passes through `exit_code`.

Exit codes: 0 done; 1 finished with failures that are listed; 2 wrong use or bad input; 128 and the signal's number
where one stopped the run (130 is Ctrl-C). Signals arrive as exceptions, so that temporary files are cleared on the way
out.
"""

import contextlib
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TextIO

import typer

from iea40k.errors import AlreadyExistsError, BadInputError, IEAError, IEAWarning
from iea40k.stopping import handled_by

_GO_ON = {
    "annotate": "every stroke that was finished is kept",
    "benchmark": "run the same command again: it goes on with what is not measured yet",
    "build": "run the same command again: it goes on with the scenes that are not built yet",
    "demo": "run the same command again: it begins anew",
    "export": "run the same command again: it goes on with the files that are not there yet",
    "fetch": "run the same command again: it goes on where it stopped",
    "import": "run the same command again: it goes on with the scenes that are not there yet",
    "release": "run the same command again: it goes on where it stopped",
    "train": "a checkpoint stands where training had begun: add --resume to go on",
}
"""How a command goes on after a stop. Of every other command nothing is left, and it begins anew."""


class Stopped(KeyboardInterrupt):
    """A signal that ends the command; `number` says which. It is no `Exception`, which a loop might swallow."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def exit_code(call: Callable[[], object], command: str = "") -> int:
    """Run a command and return its exit code; errors that are meant for people become messages on stderr."""
    try:
        with handled_by(_stop), _plain_warnings():
            result = call()
    except typer.Exit as stop:
        return stop.exit_code
    except BrokenPipeError:
        # The reader (`head`, a pager) has gone: nothing to report, and stdout must not be flushed again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except BaseException as error:
        return _told(error, command)
    return result if isinstance(result, int) else 0


@contextlib.contextmanager
def _plain_warnings() -> Iterator[None]:
    """Show warnings of ours as messages, without the line of code that gave them."""
    shown = warnings.showwarning

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if issubclass(category, IEAWarning):
            from pipelines.cli.terminal import messages

            messages.print(str(message), style="yellow", markup=False)
        else:
            shown(message, category, filename, lineno, file, line)

    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = shown


def _stop(number: int, frame: FrameType | None) -> None:
    del frame
    raise Stopped(number)


def _told(error: BaseException, command: str) -> int:
    """Tell an error on stderr and return its exit code; raise it again where it is none that we know."""
    from iea40k.extras import explained
    from iea40k.files import disk_error, path_error
    from pipelines.cli.terminal import BAD_USE, FAILURES, messages

    detail = "".join(traceback.format_exception(error)) if messages.detailed or messages.kept else ""
    if detail and not isinstance(error, KeyboardInterrupt | typer.Abort):
        messages.detail("DEBUG", detail)
    system = (disk_error(error) or path_error(error)) if isinstance(error, OSError) else None
    error = explained(error) or system or error
    if isinstance(error, IEAError):
        messages.print(str(error), style="red", markup=False)
        return BAD_USE if isinstance(error, BadInputError | AlreadyExistsError) else FAILURES
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        number = error.number if isinstance(error, Stopped) else signal.SIGINT
        go_on = _GO_ON.get(command, "nothing half-written was left; the same command begins anew")
        messages.print(f"\nstopped by {signal.Signals(number).name}; {go_on}", style="yellow", markup=False)
        return 128 + number
    usage = getattr(error, "format_message", None)
    if usage is None:
        messages.print(
            "a fault of this program, not of your input; please report it with what follows", style="red"
        )
        raise error
    context = getattr(error, "ctx", None)
    text = usage()
    if context is not None and text != context.get_help():
        text = f"{context.get_usage()}\n{text}\n`{context.command_path} --help` says more"
    messages.print(text, style="red", markup=False)
    return BAD_USE
