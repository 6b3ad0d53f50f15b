"""`iea40k manifest fivek` and `iea40k manifest labels`: a manifest of a FiveK tree, and people's labels for it."""

import json
from pathlib import Path
from typing import Annotated

import typer

from iea40k.errors import BadInputError, IEAError
from iea40k.manifest import root_of, write_manifest
from iea40k.roots import recorded_as, root_for
from iea40k.tables import read_table
from pipelines.cli.options import AsJson
from pipelines.cli.progress import Progress
from pipelines.cli.terminal import DONE, FAILURES, messages


def fivek(
    root: Annotated[
        Path, typer.Argument(help="The FiveK tree: the official layout, the loader's, or a fetched one.")
    ],
    output: Annotated[Path, typer.Option("-o", "--out", help="The manifest to write, anywhere.")],
    metadata: Annotated[
        list[Path] | None,
        typer.Option(
            help="JSON tables, official lists, or a folder of them (default: those in ROOT). Repeatable."
        ),
    ] = None,
    licence: Annotated[
        list[str] | None, typer.Option(help="Only photos under this licence (Adobe, AdobeMIT). Repeatable.")
    ] = None,
    rehash: Annotated[
        bool, typer.Option(help="Read every file again instead of trusting an earlier manifest.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Make a manifest of a FiveK tree: one row a photo whose DNG has arrived.

    Run it again when more has arrived: labels that people filled in are kept. What has not arrived is listed in a table
    beside the manifest (NAME.missing.csv), and in the column 'missing'; rows whose DNG has gone wait in NAME.gone.csv.
    """
    from pipelines import fivek as source
    from pipelines.fivek_metadata import find_metadata, read_metadata
    from pipelines.taxonomy import load_taxonomy

    tree = source.scan(root)
    known = read_metadata(list(metadata or find_metadata(root) or [root]))
    known = known.under(licence) if licence else known
    aside, missing = (output.with_name(f"{output.stem}.{what}.csv") for what in ("gone", "missing"))
    earlier = source.read_earlier(output)
    known_before = {**source.read_earlier(aside), **earlier}
    base = root_for(root, output)
    moved = any(cells.get("root", "") != base.recorded for cells in earlier.values())
    hasher = source.digests_since(output, {} if rehash or moved else earlier)
    with Progress("reading", "photos") as bar:
        found = source.describe(tree, known, load_taxonomy(), base.folder, hasher, bar.update)
    if found.rows.empty:
        raise _nothing(root, found.problems)
    # Before the manifest: a row that people have labelled must never be nowhere.
    source.set_aside(known_before, found.rows, aside)
    write_manifest(source.keep_handwork(found.rows, known_before), output, root=base.recorded)
    write_manifest(found.missing, missing)
    for problem in found.problems:
        messages.print(str(problem), style="yellow", markup=False)
    gone = sorted(set(earlier) - set(found.rows["scene_id"]))
    result = {
        "manifest": str(output),
        "photos": len(found.rows),
        "new": len(set(found.rows["scene_id"]) - set(earlier)),
        "gone": gone,
        "without_dng": len(found.missing),
        "problems": [str(problem) for problem in found.problems],
    }
    if as_json:
        typer.echo(json.dumps(result))
    else:
        messages.print(
            f"{output}: {result['photos']} photos ({result['new']} new, {len(gone)} gone), "
            f"{len(found.missing)} without DNG (see {missing.name}), {len(found.problems)} problems",
            style="yellow" if found.problems else "green",
            markup=False,
        )
    return FAILURES if found.problems else DONE


def labels(
    manifest: Annotated[Path, typer.Argument(help="The manifest to label.")],
    output: Annotated[
        Path, typer.Option("-o", "--out", help="The table to fill, or with --apply the new manifest.")
    ],
    apply: Annotated[
        Path | None, typer.Option(help="A filled table: check it and take its labels over.")
    ] = None,
) -> int:
    """Label scenes by hand: write a table that a spreadsheet opens, then take the filled table over.

    Words come from manifests/taxonomies; every wrong cell is named at once. Empty cells change nothing.
    """
    from pipelines.taxonomy import apply_labels, load_taxonomy, write_labels

    if apply is None:
        count = write_labels(manifest, output)
        messages.print(
            f"{output}: {count} scenes to label; then --apply {output.name}", style="green", markup=False
        )
    else:
        rows = apply_labels(manifest, apply, load_taxonomy())
        root = recorded_as(root_of(read_table(manifest)), output)
        write_manifest(rows.drop(columns="root", errors="ignore"), output, root=root)
        messages.print(f"{output}: {len(rows)} scenes", style="green", markup=False)
    return DONE


def _nothing(root: Path, problems: tuple[IEAError, ...]) -> BadInputError:
    told = "\n".join(str(problem) for problem in problems[:10])
    return BadInputError(
        "no photo of this tree can be used",
        where=root,
        expected="DNGs that the metadata names, below this folder",
        got=f"{len(problems)} problems" + (f":\n{told}" if told else ""),
        remedy="`iea40k fetch fivek --ids 1-10 -o ROOT` fetches some",
    )
