"""`iea40k manifest photographs`: the photographs that the dependencies ship, to train on without data of one's own."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.terminal import DONE


def photographs(
    folder: Annotated[Path, typer.Argument(help="Where to write the photographs and their manifest.csv.")],
) -> int:
    """Write the photographs that the dependencies ship, each as its own reference, and a manifest of them.

    `iea40k train --config photographs` learns from a release of these; docs/training.md has the commands.
    """
    from pipelines.finished import write_photographs

    typer.echo(str(write_photographs(folder)))
    return DONE
