"""`iea40k manifest brackets`: separate captures, grouped into scenes."""

import json
from pathlib import Path
from typing import Annotated

import typer

from iea40k.brackets.grouping import GroupingRules
from iea40k.errors import BadInputError
from iea40k.manifest import write_manifest
from iea40k.roots import root_for
from pipelines.bracket_manifest import find_brackets
from pipelines.bracket_rows import Found
from pipelines.bracket_table import brackets_of_table
from pipelines.cli.options import AsJson
from pipelines.cli.terminal import DONE, FAILURES, messages


def brackets(
    root: Annotated[Path, typer.Argument(help="A folder of captures, or a CSV table of them.")],
    output: Annotated[Path, typer.Option("-o", "--out", help="The manifest, .csv or .parquet.")],
    pause: Annotated[float, typer.Option(help="Longest pause in a camera's own bracket, seconds.")] = 4.0,
    manual_pause: Annotated[float, typer.Option(help="The same for exposures set by hand.")] = 300.0,
    alike_pause: Annotated[float, typer.Option(help="The same where both show the same picture.")] = 120.0,
    least: Annotated[int, typer.Option(min=2, help="Fewest captures of a scene.")] = 2,
    licence: Annotated[
        str, typer.Option(help="The licence of the photographs, for every scene whose table names none.")
    ] = "",
    digests: Annotated[bool, typer.Option(help="Write the sha256 of every file.")] = True,
    as_json: AsJson = False,
) -> int:
    """Group captures into scenes by EXIF time and exposure, and write a manifest of them.

    ROOT may be a table instead, a row a capture: 'file', and as needed 'scene_id', 'ev' or 'exposure_time', 'f_number'
    and 'iso', 'reference'. The manifest may lie anywhere: where it lies neither in ROOT nor above it, it
    records ROOT in the column 'root'. Exit code 1: written, but some files could not be used.
    """
    rules = GroupingRules(pause=pause, manual_pause=manual_pause, alike_pause=alike_pause, least=least)
    search = brackets_of_table if root.is_file() else find_brackets
    base = root_for(root.parent if root.is_file() else root, output)
    found = search(root, base.folder, rules, digests=digests)
    if not found.rows:
        _name_left_out(found)
        raise BadInputError(
            "there is no bracket here",
            where=root,
            expected="captures of one scene at different exposures",
            got=_summary(found),
            remedy="what stands beside each capture above says what takes it in: --pause, --manual-pause and "
            "--alike-pause set how far apart in time captures of a scene may lie, --least how few may make one; "
            "or give a table that names the scene of each file",
        )
    for row in found.rows:
        if licence and not row.get("licence"):
            row["licence"] = licence
    write_manifest(found.table, output, root=base.recorded)
    if as_json:
        typer.echo(json.dumps(_as_json(found, output)))
    else:
        _tell(found, output)
    return FAILURES if found.failures else DONE


def _tell(found: Found, output: Path) -> None:
    _name_left_out(found)
    messages.print(
        f"{output}: {_summary(found)}", markup=False, style="yellow" if found.failures else "green"
    )


def _name_left_out(found: Found) -> None:
    for name, reason in found.left_out:
        messages.print(f"left out  {name}: {reason}", markup=False)
    for name, reason in found.failures:
        messages.print(f"failed    {name}: {reason}", style="red", markup=False)


def _summary(found: Found) -> str:
    captures = sum(row["exposures"].count("|") + 1 for row in found.rows)
    kinds = ", ".join(f"{count} {suffix}" for suffix, count in sorted(found.ignored.items()))
    return (
        f"{len(found.rows)} scenes of {captures} captures; {len(found.left_out)} captures left out, "
        f"{len(found.failures)} failed" + (f"; no photographs: {kinds}" if kinds else "")
    )


def _as_json(found: Found, output: Path) -> dict[str, object]:
    return {
        "manifest": str(output),
        "scenes": [
            {"scene_id": row["scene_id"], "exposures": row["exposures"].split("|")} for row in found.rows
        ],
        "left_out": [{"file": name, "reason": reason} for name, reason in found.left_out],
        "failures": [{"file": name, "reason": reason} for name, reason in found.failures],
        "ignored": dict(found.ignored),
    }
