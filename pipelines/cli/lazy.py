"""Commands that are imported when they are called.

The program's help and completion are made from a table of names: `iea40k --help` imports no command. Distributions add
commands by entry points of the group `iea40k.commands`: the point's name is the command's, its value a function that
takes a `typer.Typer` and adds the command to it. It, too, is imported when the command is called.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

from pipelines.cli.defaults import META

CONTEXT = {"help_option_names": ["-h", "--help"]}
EXTENSIONS = "iea40k.commands"

Row = tuple[str, str, str]
"""How a command is called, a line about it, "module:name" of its function: see `pipelines.cli.commands`."""


class LazyGroup(TyperGroup):
    """A group of commands that knows their names and one line about each, and imports the one that is called."""

    _rows: Mapping[str, Sequence[Row]]
    _path: str

    def of(self, rows: Mapping[str, Sequence[Row]], path: str = "") -> "LazyGroup":
        """Take over the commands one word below `path`, under the headings that are the keys; return this group."""
        self._rows, self._path = rows, path
        for entries in self._listed().values():
            self.commands.update({name: TyperCommand(name, help=line) for name, line in entries})
        return self

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[Any, Any, list[str]]:
        """Return the called command's name, the command, now imported, and the arguments left for it."""
        name, _, rest = super().resolve_command(ctx, args)
        command = None if name is None else self.load(name)
        defaults = ctx.meta.get(META)
        if defaults is not None and command is not None:
            called = f"{self._path} {name}".strip()
            ctx.default_map = {**(ctx.default_map or {}), name: defaults.of(called, command)}
        return name, command, rest

    def load(self, name: str) -> Any:
        """Import a command of this group. Raises `KeyError` for an unknown one."""
        called = f"{self._path} {name}".strip()
        row = next((row for rows in self._rows.values() for row in rows if row[0] == called), None)
        below = [r for rows in self._rows.values() for r in rows if r[0].startswith(f"{called} ")]
        if row is None or not (row[2] or below):
            return _extension(name)
        return _group(row, below) if below else _command(name, _found(row[2]))

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the commands under their headings."""
        del ctx
        for heading, entries in self._listed().items():
            with formatter.section(heading):
                formatter.write_dl(entries)

    def _listed(self) -> dict[str, list[tuple[str, str]]]:
        listed: dict[str, list[tuple[str, str]]] = {}
        for heading, rows in self._rows.items():
            for called, line, _ in rows:
                above, _, name = called.rpartition(" ")
                if above == self._path:
                    listed.setdefault(heading, []).append((name, line))
        return listed


def extensions() -> dict[str, EntryPoint]:
    """Return the commands that installed distributions add, by name."""
    return {point.name: point for point in entry_points(group=EXTENSIONS)}


def _command(name: str, function: Callable[..., Any]) -> Any:
    app = _empty()
    app.command(name)(function)
    return get_command(app)


def _group(row: Row, below: Sequence[Row]) -> LazyGroup:
    called, line, target = row
    if target:
        app = cast("typer.Typer", _found(target))
    else:
        app = typer.Typer(cls=LazyGroup, help=f"{line[0].upper()}{line[1:]}.", rich_markup_mode=None)
    app.info.name, app.info.no_args_is_help, app.info.context_settings = called, True, CONTEXT
    return cast("LazyGroup", get_group(app)).of({"Commands": below}, called)


def _extension(name: str) -> Any:
    app = _empty()
    extensions()[name].load()(app)
    return get_command(app)


def _empty() -> typer.Typer:
    return typer.Typer(context_settings=CONTEXT, add_completion=False, rich_markup_mode=None)


def _found(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)
