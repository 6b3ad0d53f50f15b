"""`iea40k import official`: the published IEA40K files into a store."""

import contextlib
import json
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import AsJson, Count
from pipelines.cli.progress import Progress
from pipelines.cli.terminal import DONE, FAILURES, messages


def official(
    root: Annotated[
        Path, typer.Argument(help="The published IEA40K files: a folder, or a zip or tar of it.")
    ],
    store: Annotated[Path, typer.Argument(help="The store to write into; made where it is absent.")],
    metadata: Annotated[
        list[Path] | None,
        typer.Option(help="FiveK metadata, for each photo's own licence and device. Repeatable."),
    ] = None,
    licence: Annotated[str, typer.Option(help="The licence of images whose own is not known.")] = "",
    workers: Count = 1,
    as_json: AsJson = False,
) -> int:
    """Import the published layout: pixels and residuals exactly, scores as given, the published split by name."""
    from iea40k.store.layout import Store
    from iea40k.store.locks import workspace_beside
    from pipelines.archives import is_archive, unpack
    from pipelines.executor import Workers, open_executor
    from pipelines.fivek_metadata import read_metadata
    from pipelines.official.importing import import_official
    from pipelines.official.tree import read_tree

    photos = read_metadata(metadata).photos if metadata else {}
    with contextlib.ExitStack() as stack:
        folder = root
        if is_archive(root):
            messages.print(f"unpacking {root}", markup=False)
            folder = stack.enter_context(workspace_beside(store))  # the system's own disk may be too small
            unpack(root, folder)
        tree = read_tree(folder)
        target = Store.create(store)
        with Progress("importing", "scenes") as bar, open_executor(Workers(workers)) as executor:
            report = import_official(
                tree, target, licence=licence, photos=photos, progress=bar.update, each=executor.map
            )
    for problem in report.problems:
        messages.print(str(problem), style="yellow", markup=False)
    result = {
        "store": str(store),
        "scenes": report.scenes,
        "exposures": report.exposures,
        "present": report.present,
        "labels_rounded": report.rounded,
        "problems": [str(problem) for problem in report.problems],
    }
    if as_json:
        typer.echo(json.dumps(result))
    else:
        rounded = f", {report.rounded} labels rounded to 1/128 of their unit" if report.rounded else ""
        messages.print(
            f"{store}: {report.scenes} scenes with {report.exposures} exposures, {report.present} were there"
            f"{rounded}, {len(report.problems)} problems",
            style="yellow" if report.problems else "green",
            markup=False,
        )
    return FAILURES if report.problems else DONE
