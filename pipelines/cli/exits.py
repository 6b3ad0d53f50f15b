"""How a command ends: every error, signal and exit code of every command passes through `exit_code`."""

import os
import sys
from collections.abc import Callable

import typer

from iea40k.errors import AlreadyExistsError, BadInputError, IEAError


def exit_code(call: Callable[[], object]) -> int:
    """Run a command and return its exit code; errors that are meant for people become messages on stderr."""
    try:
        result = call()
    except typer.Exit as stop:
        return stop.exit_code
    except BrokenPipeError:
        # The reader (`head`, a pager) has gone: nothing to report, and stdout must not be flushed again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except BaseException as error:
        return _told(error)
    return result if isinstance(result, int) else 0


def _told(error: BaseException) -> int:
    """Tell an error on stderr and return its exit code; raise it again where it is none that we know."""
    from iea40k.extras import explained
    from pipelines.cli.terminal import BAD_USE, FAILURES, messages

    error = explained(error) or error
    if isinstance(error, IEAError):
        messages.print(error.letter(), style="red", markup=False)
        return BAD_USE if isinstance(error, BadInputError | AlreadyExistsError) else FAILURES
    if isinstance(error, KeyboardInterrupt):
        messages.print("\nstopped; run the same command again to go on", style="yellow")
        return 130
    if isinstance(error, typer.Abort):
        messages.print("stopped")
        return FAILURES
    usage = getattr(error, "format_message", None)
    if usage is None:
        raise error
    context = getattr(error, "ctx", None)
    text = usage()
    if context is not None and text != context.get_help():
        text = f"{context.get_usage()}\n{text}\n`{context.command_path} --help` says more"
    messages.print(text, style="red", markup=False)
    return BAD_USE
