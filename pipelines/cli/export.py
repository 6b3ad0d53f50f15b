"""`iea40k export`: a release, or weights, in another form."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from iea40k.places import name_of
from pipelines.cli.options import AsJson
from pipelines.cli.progress import Progress
from pipelines.cli.terminal import DONE, messages

FormName = Literal["official", "huggingface", "webdataset", "onnx"]


def export(
    release: Annotated[Path, typer.Argument(help="The release; for onnx, weights.")],
    out: Annotated[
        Path, typer.Argument(help="The new folder to write, or an address (s3://…); for onnx, the file.")
    ],
    form: Annotated[
        FormName,
        typer.Option(
            "--format",
            help="official: the published IEA40K layout; huggingface: parquet for `datasets`; webdataset: tar files; "
            "onnx: weights.",
        ),
    ],
    split: Annotated[
        str | None,
        typer.Option(help="The split scheme of the tables (default: split_official, else the first)."),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(
            min=0, help="official: side of the square frames, 256 by default; 0 leaves every frame as it is."
        ),
    ] = None,
    licence: Annotated[
        list[str] | None, typer.Option(help="Only images under this licence. Repeatable.")
    ] = None,
    originals: Annotated[
        Path | None,
        typer.Option(
            help="official: the tree that was imported; pictures that are the same still are copied byte for byte."
        ),
    ] = None,
    shard_mib: Annotated[
        int | None,
        typer.Option(min=1, help="huggingface, webdataset: raw pixels of a file in MiB, 256 by default."),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Write a release, or weights, in another form. A run that was stopped goes on (onnx: begins anew)."""
    from iea40k.errors import BadInputError

    given = {"--size": size, "--originals": originals, "--shard-mib": shard_mib}
    fitting = {"official": ("--size", "--originals"), "onnx": ()}.get(form, ("--shard-mib",))
    for option, value in given.items():
        if value is not None and option not in fitting:
            raise BadInputError(
                f"{option} does not go with --format {form}", expected=", ".join(fitting) or "no option"
            )
    if form == "onnx":
        return _onnx(str(release), out, as_json)
    if form == "official":
        return _official(release, out, split, 256 if size is None else size, licence, originals, as_json)
    return _by_pieces(release, out, form, split, licence, shard_mib, as_json)


def _by_pieces(
    release: Path,
    out: Path,
    form: str,
    split: str | None,
    licence: list[str] | None,
    shard_mib: int | None,
    as_json: bool,
) -> int:
    from iea40k.store.release import Release
    from pipelines.exports.exporting import SHARD_MIB, export_release

    with Progress("exporting", "images") as bar:
        report = export_release(
            Release.open(release),
            out,
            form,
            split=split,
            licences=tuple(licence or ()),
            shard_mib=shard_mib or SHARD_MIB,
            progress=bar.update,
        )
    if report.left_out:
        messages.print(f"{report.left_out} images are in no split of the scheme: left out", style="yellow")
    if as_json:
        typer.echo(json.dumps({"out": name_of(out), **vars(report)}))
    else:
        counts = ", ".join(f"{split} {count}" for split, count in report.images.items())
        resumed = f", {report.resumed} of an earlier run" if report.resumed else ""
        messages.print(
            f"{name_of(out)}: {sum(report.images.values())} images of {report.scenes} scenes ({counts}) in "
            f"{report.pieces} files"
            f"{resumed}",
            style="green",
            markup=False,
        )
    return DONE


def _official(
    release: Path,
    out: Path,
    split: str | None,
    size: int,
    licence: list[str] | None,
    originals: Path | None,
    as_json: bool,
) -> int:
    from iea40k.store.release import Release
    from pipelines.official.exporting import export_official

    with Progress("exporting", "images") as bar:
        report = export_official(
            Release.open(release),
            out,
            split=split,
            size=size or None,
            licences=tuple(licence or ()),
            originals=originals,
            progress=bar.update,
        )
    if report.widened:
        messages.print(
            f"{len(report.widened)} labels were corrected to fractions of a level: stored as float32",
            style="yellow",
        )
    if as_json:
        typer.echo(json.dumps({"out": name_of(out), **vars(report)}))
    else:
        rows = ", ".join(f"{table} {count}" for table, count in sorted(report.rows.items()))
        messages.print(
            f"{name_of(out)}: {report.images} images of {report.scenes} scenes ({report.resized} scaled); rows: {rows}",
            style="green",
            markup=False,
        )
    return DONE


def _onnx(weights: str, out: Path, as_json: bool) -> int:
    from iea40k.extras import require

    require("torch", "trainer")
    from iea40k.model.onnx_export import export_onnx
    from iea40k.model.weights import load_weights

    written = export_onnx(load_weights(weights), out)
    if as_json:
        typer.echo(
            json.dumps({"out": str(out), "bytes": written.size, "largest_difference": written.difference})
        )
    else:
        messages.print(
            f"{out}: {written.size / 1e6:.1f} MB; maps differ by {written.difference:.1g} from PyTorch's at most",
            style="green",
            markup=False,
        )
    return DONE
