"""`iea40k manifest …`: make and check manifests."""

import json
from pathlib import Path
from typing import Annotated

import typer

from iea40k.errors import ManifestError, Place
from iea40k.manifest import read_manifest
from pipelines.cli.options import AsJson, Root
from pipelines.cli.terminal import BAD_USE, messages


def check(
    file: Annotated[Path, typer.Argument(help="The manifest: CSV or parquet.")],
    root: Root = None,
    digests: Annotated[bool, typer.Option(help="Also read every file whose sha256 is given.")] = True,
    as_json: AsJson = False,
) -> int:
    """Check a manifest: every bad cell at once, with line and column."""
    try:
        manifest = read_manifest(file, root=root, check_digests=digests)
    except ManifestError as error:
        if not as_json:
            raise
        typer.echo(json.dumps({"file": str(file), "problems": [_as_json(p) for p in error.problems]}))
        return BAD_USE
    kinds = {kind: sum(s.kind == kind for s in manifest.scenes) for kind in ("raw", "rendered", "bracket")}
    if as_json:
        typer.echo(
            json.dumps({"file": str(file), "scenes": len(manifest.scenes), "kinds": kinds, "problems": []})
        )
    else:
        counts = ", ".join(f"{count} {kind}" for kind, count in kinds.items() if count)
        messages.print(f"{file}: {len(manifest.scenes)} scenes ({counts}), no problems", style="green")
    return 0


def _as_json(problem: Exception) -> dict[str, object]:
    where = getattr(problem, "where", None)
    place = where if isinstance(where, Place) else Place()
    return {
        "line": place.line,
        "column": place.column,
        **{name: getattr(problem, name, None) for name in ("what", "expected", "got", "remedy")},
    }
