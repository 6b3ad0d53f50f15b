"""The program `iea40k`: its commands, its exit codes, and how an error reaches a person.

Exit codes: 0 done; 1 finished with failures that are listed; 2 wrong use or bad input. Results go to stdout,
messages to stderr. Each module of this package that has a
`register(app)` adds its commands there; other distributions' rooms
(the annotator) add theirs through the entry point group `iea40k.commands`.
"""

import importlib
import os
import pkgutil
import sys
from importlib.metadata import entry_points

import typer
from rich.console import Console

import pipelines.cli
from iea40k import __version__
from iea40k.errors import AlreadyExistsError, BadInputError, IEAError

DONE, FAILURES, BAD_USE = 0, 1, 2

messages = Console(stderr=True, highlight=False, soft_wrap=True)

app = typer.Typer(
    name="iea40k",
    help="Datasets of pixel-level image exposure: build, correct, release, train.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _program(
    version: bool = typer.Option(False, "--version", help="Print the version and exit."),
) -> None:
    if version:
        typer.echo(f"iea40k {__version__}")
        raise typer.Exit(DONE)


def main() -> None:
    """Run the command line and exit with its code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code; every deliberate error becomes a letter on stderr."""
    _load_commands()
    try:
        result = app(arguments, standalone_mode=False, prog_name="iea40k")
    except IEAError as error:
        messages.print(error.letter(), style="red", markup=False)
        return BAD_USE if isinstance(error, BadInputError | AlreadyExistsError) else FAILURES
    except typer.Exit as stop:
        return stop.exit_code
    except typer.Abort:
        messages.print("stopped")
        return FAILURES
    except KeyboardInterrupt:
        messages.print("stopped; run the same command again to go on", style="yellow")
        return FAILURES
    except BrokenPipeError:
        # The reader (`head`, a pager) has gone: nothing to report, and stdout must not be flushed again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:
        usage = getattr(error, "format_message", None)
        if usage is None:
            raise
        messages.print(usage(), style="red", markup=False)
        return BAD_USE
    return result if isinstance(result, int) else DONE


def _load_commands() -> None:
    if app.registered_commands or app.registered_groups:
        return
    for module in sorted(pkgutil.iter_modules(pipelines.cli.__path__), key=lambda m: m.name):
        register = getattr(importlib.import_module(f"pipelines.cli.{module.name}"), "register", None)
        if register is not None:
            register(app)
    for point in sorted(entry_points(group="iea40k.commands"), key=lambda p: p.name):
        point.load()(app)
