"""`iea40k manifest official`: a manifest of published scenes, to make their residuals anew."""

import json
from pathlib import Path
from typing import Annotated

import typer

from iea40k.errors import BadInputError
from iea40k.manifest import write_manifest
from iea40k.roots import root_for
from pipelines.cli.options import AsJson
from pipelines.cli.terminal import DONE, FAILURES, messages


def official(
    root: Annotated[Path, typer.Argument(help="The published IEA40K files, unpacked.")],
    output: Annotated[Path, typer.Option("-o", "--out", help="The manifest to write, anywhere.")],
    metadata: Annotated[
        list[Path] | None,
        typer.Option(help="FiveK metadata, for each photo's own licence and device. Repeatable."),
    ] = None,
    licence: Annotated[str, typer.Option(help="The licence of images whose own is not known.")] = "",
    as_json: AsJson = False,
) -> int:
    """List published scenes as brackets with a given reference, so that a build makes their residuals anew.

    To keep the published residuals, corrected by people, use `iea40k import official` instead.
    """
    from pipelines.fivek_metadata import read_metadata
    from pipelines.official.manifest import manifest_rows
    from pipelines.official.tree import read_tree

    tree = read_tree(root)
    photos = read_metadata(metadata).photos if metadata else {}
    base = root_for(root, output)
    rows = manifest_rows(tree, base.folder, licence=licence, photos=photos)
    if rows.empty:
        raise BadInputError("no scene has two exposures with labels or more", where=root)
    write_manifest(rows, output, root=base.recorded)
    for problem in tree.problems:
        messages.print(str(problem), style="yellow", markup=False)
    if as_json:
        problems = [str(problem) for problem in tree.problems]
        typer.echo(json.dumps({"manifest": str(output), "scenes": len(rows), "problems": problems}))
    else:
        messages.print(
            f"{output}: {len(rows)} scenes, {len(tree.problems)} problems", style="green", markup=False
        )
    return FAILURES if tree.problems else DONE
