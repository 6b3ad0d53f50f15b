"""The program `iea40k`: its list of commands, and the run of one."""

import os
import sys
from functools import partial
from typing import cast

import typer
from typer.main import get_command

from iea40k import __version__
from iea40k.errors import IEAError
from pipelines.cli.commands import COMMANDS
from pipelines.cli.defaults import META, read_defaults
from pipelines.cli.exits import exit_code
from pipelines.cli.lazy import CONTEXT, LazyGroup, extensions
from pipelines.cli.loudness import taken_out, with_loudness

NAME = "iea40k"
_COMPLETING = "_IEA40K_COMPLETE"


def _program(
    version: bool = typer.Option(False, "--version", help="Print the version and exit."),
    quiet: bool = typer.Option(False, "--quiet", "-q", help="Only results, warnings and errors."),
    verbose: bool = typer.Option(False, "--verbose", "-v", help="Details too, and where errors come from."),
    log: str | None = typer.Option(None, "--log", metavar="FILE", help="Add to a file what is said."),
) -> None:
    del quiet, verbose, log  # taken out beforehand: they may stand behind the command too
    if version:
        _show_version()
        raise typer.Exit(0)


def _show_version() -> None:
    typer.echo(f"{NAME} {__version__}")


def program() -> LazyGroup:
    """Return the whole command line: nothing of a command is imported yet."""
    app = typer.Typer(
        name=NAME,
        cls=LazyGroup,
        help="Datasets of pixel-level image exposure: build, correct, release, train.",
        no_args_is_help=True,
        invoke_without_command=True,
        rich_markup_mode=None,  # rich's help costs as much time as all the rest
        context_settings=CONTEXT,
    )
    app.callback(invoke_without_command=True)(_program)
    known = {called for rows in COMMANDS.values() for called, _, _ in rows}
    others = tuple(
        (name, f"from the distribution {point.dist.name if point.dist else '?'}", "")
        for name, point in sorted(extensions().items())
        if name not in known
    )
    return cast("LazyGroup", get_command(app)).of(COMMANDS | ({"More": others} if others else {}))


def main() -> None:
    """Run the command line and exit with its code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code; see `pipelines.cli.exits` for what becomes of errors and signals."""
    if arguments == [
        "--version"
    ]:  # before typer prepares to convert options, which takes longer than all the rest
        _show_version()
        return 0
    try:
        loudness, rest = taken_out(arguments)
    except IEAError as error:
        return exit_code(partial(_raise, error))
    group = program()
    if _COMPLETING in os.environ:  # a shell asks what may come next
        group.main(prog_name=NAME)

    def call() -> object:
        defaults = read_defaults(group.commands)
        with group.make_context(NAME, rest) as context:
            context.meta[META] = defaults
            return group.invoke(context)

    try:
        return with_loudness(loudness, arguments, lambda: exit_code(call, next(iter(rest), "")))
    except IEAError as error:  # of the log itself
        return exit_code(partial(_raise, error))


def _raise(error: Exception) -> None:
    raise error
