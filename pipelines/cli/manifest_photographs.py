"""`iea40k manifest photographs`: finished photographs to train on, those of lists or what the dependencies ship."""

from pathlib import Path
from typing import Annotated

import typer

from iea40k.terminal import say
from pipelines.cli.terminal import DONE, messages


def photographs(
    folder: Annotated[Path, typer.Argument(help="Where the photographs are, or are written.")],
    lists: Annotated[
        list[Path] | None,
        typer.Option("--list", help="A list of photographs that are in FOLDER. May be given more than once."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--out", help="The manifest. Without it FOLDER/manifest.csv.")
    ] = None,
) -> int:
    """Write a manifest of finished photographs, each as its own reference, to train on.

    With --list it takes the files that lists name (see `iea40k fetch list`); rows of one scene_id are a bracket.
    Without, it writes what the dependencies ship into FOLDER. docs/training.md has the commands from there on.
    """
    from iea40k.errors import BadInputError
    from pipelines.finished import write_photographs

    if not lists:
        if output is not None:
            raise BadInputError("--out needs --list", remedy="without a list the manifest lies in FOLDER")
        say(str(write_photographs(folder)))
        return DONE
    from pipelines.listed import write_listed

    target = output or folder / "manifest.csv"
    rows = write_listed(lists, folder, target)
    brackets = int((rows["kind"] == "bracket").sum())
    messages.print(
        f"{target}: {len(rows) - brackets} photographs, {brackets} brackets", markup=False, style="green"
    )
    return DONE
