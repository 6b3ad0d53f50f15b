"""Options that mean the same in every command."""

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]

Root = Annotated[
    Path | None,
    typer.Option(help="The folder that the manifest's paths are relative to, where the files have moved."),
]

Count = Annotated[
    int, typer.Option("--workers", min=1, metavar="N", help="Processes that work at once; 1 needs no Dask.")
]
