"""`iea40k manifest …`: make and check manifests."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from iea40k.errors import ManifestError, Place
from iea40k.manifest import read_manifest
from pipelines.cli.options import AsJson, Root
from pipelines.cli.progress import Progress
from pipelines.cli.terminal import BAD_USE, DONE, FAILURES, messages


def check(
    file: Annotated[Path, typer.Argument(help="The manifest: CSV or parquet.")],
    root: Root = None,
    digests: Annotated[bool, typer.Option(help="Also read every file whose sha256 is given.")] = True,
    twins: Annotated[
        bool,
        typer.Option(help="Also look for scenes that show the same photograph; reads a picture of each."),
    ] = True,
    as_json: AsJson = False,
) -> int:
    """Check a manifest: every bad cell at once, with line and column; near-twins, and splits that divide them.

    Exit code 1: the table is good, but a picture cannot be read, scenes share a file, a split divides near-twins, or
    a label is in no taxonomy.
    """
    try:
        manifest = read_manifest(file, root=root, check_digests=digests)
    except ManifestError as error:
        if not as_json:
            raise
        typer.echo(json.dumps({"file": str(file), "problems": [_as_json(p) for p in error.problems]}))
        return BAD_USE
    from pipelines.manifest_twins import InCommon, in_common
    from pipelines.taxonomy import load_taxonomy, unknown_words

    kinds = {kind: sum(s.kind == kind for s in manifest.scenes) for kind in ("raw", "rendered", "bracket")}
    found = InCommon((), (), (), ())
    if twins:
        with Progress("comparing", "scenes") as bar:
            found = in_common(manifest.scenes, progress=bar.update)
    words = unknown_words(manifest, load_taxonomy())
    faults = [
        *found.unread_words(),
        *found.shared_words(),
        *(leak.words for leak in found.leaks),
        *(str(problem) for problem in words),
    ]
    if as_json:
        result = {
            "file": str(file),
            "scenes": len(manifest.scenes),
            "kinds": kinds,
            "problems": [_as_json(problem) for problem in words],
            "shared_files": [{"file": name, "scenes": scenes} for name, scenes in found.shared],
            "twins": [asdict(twin) for twin in found.twins],
            "leaks": [leak.facts() for leak in found.leaks],
            "not_compared": [{"scene_id": scene, "reason": reason} for scene, reason in found.unread],
        }
        typer.echo(json.dumps(result))
        return FAILURES if faults else DONE
    for line in found.lines():
        messages.print(line, style="yellow", markup=False)
    for fault in faults:
        messages.print(fault, style="red", markup=False)
    counts = ", ".join(f"{count} {kind}" for kind, count in kinds.items() if count)
    said = f"{len(faults)} fault{'s' * (len(faults) > 1)}" if faults else "no problems"
    messages.print(
        f"{file}: {len(manifest.scenes)} scenes ({counts}), {said}",
        style="red" if faults else "green",
        markup=False,
    )
    return FAILURES if faults else DONE


def _as_json(problem: Exception) -> dict[str, object]:
    where = getattr(problem, "where", None)
    place = where if isinstance(where, Place) else Place()
    return {
        "line": place.line,
        "column": place.column,
        **{name: getattr(problem, name, None) for name in ("what", "expected", "got", "remedy")},
    }
