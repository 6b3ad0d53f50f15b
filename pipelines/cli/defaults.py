"""`iea40k.toml`: defaults for the options that one types again and again.

    ledger = "postgresql://server/iea40k"     # for every command that has such an option or argument
    annotator = "Ada Lovelace"
    store = "STORE"                           # paths are relative to this file
    release = "RELEASE"

    [build]                                   # for one command
    workers = 2
    [queue.add]
    levels = ["N1", "P0"]

What is typed wins over the environment, and that over the file.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from iea40k.errors import ConfigError
from iea40k.places import address_of

FILE = "iea40k.toml"
VARIABLE = "IEA40K_CONFIG"
COMMON = ("ledger", "annotator", "store", "release")
"""Keys that stand outside of any table: for every command that has such an option or argument."""

META = "iea40k.defaults"
"""Where the context of the command line keeps them."""


@dataclass(frozen=True)
class Defaults:
    """What a file says; `file` is None where there is none."""

    file: Path | None = None
    common: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, Any] = field(default_factory=dict)

    def of(self, called: str, command: Any) -> dict[str, Any]:
        """Return the defaults of a command (or group) by the names of its parameters.

        Raises `ConfigError` for a key of its table that it has not.
        """
        parameters = {parameter.name: parameter for parameter in command.params}
        found = {key: value for key, value in self.common.items() if key in parameters}
        table: Any = self.tables
        for word in called.split():
            table = table.get(word, {}) if isinstance(table, Mapping) else {}
        below = set(getattr(command, "commands", ()))
        for key, value in dict(table).items():
            name = _parameter(key, parameters)
            if name is not None:
                found[name] = value
            elif key not in below:
                known = sorted({opt for p in parameters.values() for opt in p.opts} | below)
                raise ConfigError(
                    f"`iea40k {called}` has no such option",
                    where=self.file,
                    expected=", ".join(text.removeprefix("--") for text in known),
                    got=key,
                )
        return {name: self._resolved(value, parameters[name]) for name, value in found.items()}

    def _resolved(self, value: Any, parameter: Any) -> Any:
        if not _takes_path(parameter) or self.file is None:
            return value
        home = self.file.absolute().parent
        return [_under(home, v) for v in value] if isinstance(value, list) else _under(home, value)


def read_defaults(called: Mapping[str, Any] | None = None) -> Defaults:
    """Return the defaults of the nearest `iea40k.toml`, from this folder upward, or of the one that IEA40K_CONFIG names
    ("" for none). `called` are the names of the commands. Raises `ConfigError`."""
    file = _file()
    if file is None:
        return Defaults()
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(
            "there is no such configuration", where=file, expected=f"what {VARIABLE} names"
        ) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError("the configuration is not TOML", where=file, got=str(error)) from error
    common = {key: value for key, value in content.items() if not isinstance(value, dict)}
    tables = {key: value for key, value in content.items() if isinstance(value, dict)}
    commands = set(called or ())
    for key, value in content.items():
        known = commands if isinstance(value, dict) else set(COMMON)
        if key not in known and (commands or key in common):
            raise ConfigError(
                "there is no such command" if isinstance(value, dict) else "there is no such default",
                where=file,
                expected=", ".join(sorted(known)),
                got=key,
                remedy=""
                if isinstance(value, dict)
                else "options of one command stand in a table of its name",
            )
        if key in common and not isinstance(value, str):
            raise ConfigError(f"{key} is not a text", where=file, expected=f'{key} = "..."', got=repr(value))
    return Defaults(file, common, tables)


def _file() -> Path | None:
    named = os.environ.get(VARIABLE)
    if named is not None:
        return Path(named) if named else None
    here = Path.cwd()
    return next((folder / FILE for folder in (here, *here.parents) if (folder / FILE).is_file()), None)


def _parameter(key: str, parameters: Mapping[str, Any]) -> str | None:
    name = key.replace("-", "_")
    if name in parameters:
        return name
    return next((n for n, p in parameters.items() if f"--{key.replace('_', '-')}" in p.opts), None)


def _under(home: Path, place: object) -> str:
    return str(place) if address_of(str(place)) else str(home / str(place))


def _takes_path(parameter: Any) -> bool:
    # Typer describes a parameter's type in one way and, in older versions, in another.
    kind = getattr(getattr(parameter, "type_descriptor", None), "annotation", None)
    old = getattr(getattr(parameter, "type", None), "name", "")
    return kind is Path or Path in get_args(kind) or old == "path"
