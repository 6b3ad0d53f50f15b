"""`iea40k predict`, `iea40k score` and `iea40k judge`."""

import json
from dataclasses import asdict
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from iea40k.errors import BadInputError
from iea40k.npy import read_npy
from iea40k.recipe import without_nan
from iea40k.terminal import say
from pipelines.cli.model import Device
from pipelines.cli.options import AsJson, Count
from pipelines.cli.progress import Progress
from pipelines.cli.terminal import DONE, FAILURES, messages

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from iea40k.model.judging import Ranked
    from iea40k.model.predict import Predicted

Size = Annotated[
    int | None, typer.Option("--size", help="Short side that the network sees; 0 = every pixel, in tiles.")
]
DEFAULT_WEIGHTS = "curve_net"


def predict(
    weights: Annotated[str, typer.Argument(help="A .safetensors, .onnx or .pth file, or a shipped name.")],
    images: Annotated[
        list[Path], typer.Argument(help="Photographs (JPEG, PNG, TIFF, RAW), or folders of them.")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="Where the results go.")],
    size: Size = None,
    native: Annotated[
        bool, typer.Option("--native", help="Keep the map at the size the network saw.")
    ] = False,
    flips: Annotated[bool, typer.Option("--flips", help="Average over the four flips: 4x the time.")] = False,
    corrected: Annotated[
        bool,
        typer.Option(
            "--corrected", help="Also STEM_corrected.png, a proposal for a reference (uec, messias)."
        ),
    ] = False,
    palette: Annotated[str, typer.Option(help="blue-white-red or colour-blind-safe.")] = "blue-white-red",
    device: Device = "auto",
    workers: Count = 1,
    as_json: AsJson = False,
) -> int:
    """Write STEM_residual.npy, STEM_heatmap.png and STEM.json for each photograph."""
    from iea40k.model.loading import load_predictor, pick_place
    from iea40k.model.predict import PredictOptions, find_images, predict_files
    from iea40k.render import PALETTES
    from pipelines.executor import Workers, open_executor

    if palette not in PALETTES:
        raise BadInputError("no such palette", expected=" or ".join(PALETTES), got=palette)
    loaded, paths = load_predictor(weights), find_images(images)
    place = pick_place(loaded, device)
    options = PredictOptions(
        size,
        native,
        flips,
        palette=palette,  # type: ignore[arg-type]
        device=place,
        corrected=corrected,
    )
    with Progress("assessing", "images") as bar, open_executor(Workers(workers)) as executor:

        def advance(outcome: "Predicted", done: int, total: int) -> None:
            bar.update(done, total, outcome.image.name)
            if outcome.error is not None:
                bar.say(str(outcome.error), style="red")

        outcomes = predict_files(loaded, paths, out, options, advance, executor.map)
    failed = [o for o in outcomes if o.error is not None]
    done = [o.facts for o in outcomes if o.facts is not None]
    if as_json:
        errors = [{"image": str(o.image), "error": str(o.error)} for o in failed if o.error is not None]
        typer.echo(json.dumps({"images": done, "failures": errors}))
    else:
        for facts in done:
            band = f", 9 in 10 within ±{facts['band_90']:.2f}" if "band_90" in facts else ""
            say(
                f"{facts['image']}: score {facts['score']:.2f}, under {facts['underexposed_share']:.0%}, "
                f"over {facts['overexposed_share']:.0%}{band}"
            )
            _say_unlike(facts)
    return FAILURES if failed else DONE


def score(
    source: Annotated[
        Path, typer.Argument(metavar="IMAGE|RESIDUAL", help="A photograph, or a residual .npy.")
    ],
    criteria: Annotated[str, typer.Option(help="A criteria file, or a shipped name such as portrait.")],
    mask: Annotated[Path | None, typer.Option(help="An image, white where the criteria's region is.")] = None,
    weights: Annotated[str, typer.Option(help="Weights, for a photograph.")] = DEFAULT_WEIGHTS,
    size: Size = None,
    as_json: AsJson = False,
) -> int:
    """Score a photograph or a residual map by a maker's own criteria."""
    from iea40k.scoring import judge as apply
    from iea40k.scoring import load_criteria

    rules = load_criteria(criteria)
    residual, facts = _residual(source, weights, size)
    region = None if mask is None else _mask(mask)
    verdict = apply(residual, rules, region)
    if as_json:
        typer.echo(json.dumps({"criteria": rules.name, **asdict(verdict), "unlike": facts.get("unlike", [])}))
    else:
        say(f"{rules.name}: {verdict.score:g} / 100, {verdict.because}")
        for name, value in verdict.measured.items():
            say(f"  {name:32} {value:.4f}")
        if rules.region and not verdict.masked:
            messages.print(f"no mask: '{rules.region}' was read on the whole image", style="yellow")
        _say_unlike({**facts, "image": source})
    return DONE


def judge(
    weights: Annotated[str, typer.Argument(help="A .safetensors, .onnx or .pth file, or a shipped name.")],
    folders: Annotated[list[Path], typer.Argument(help="One folder of outputs for each enhancer.")],
    reference: Annotated[
        Path | None, typer.Option(help="A folder of ideal exposures, to compare with.")
    ] = None,
    inputs: Annotated[
        Path | None,
        typer.Option(
            "--input", help="The folder of the pictures that were enhanced: re-exposures are ranked."
        ),
    ] = None,
    size: Size = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> int:
    """Rank enhancement algorithms by the mean |residual| of their outputs: lower is better."""
    from iea40k.model.judging import judge_folders
    from iea40k.model.loading import load_predictor, pick_place
    from iea40k.model.predict import PredictOptions

    loaded = load_predictor(weights)
    options = PredictOptions(size, native=True, device=pick_place(loaded, device))
    with Progress("judging", "images") as bar:
        found = judge_folders(
            loaded,
            folders,
            options,
            reference,
            lambda stem, done, total: bar.update(done, total, stem),
            inputs=inputs,
        )
    if inputs is None:
        messages.print(
            "without --input pictures are ranked, not re-exposures: a picture of nothing but grey may win",
            style="yellow",
        )
    for error in found.failures:
        messages.print(str(error), style="red", markup=False)
    for stem, reasons in list(found.unlike.items())[:5]:
        messages.print(
            f"{stem}: do not trust what is wanted of it: {'; '.join(reasons)}", style="yellow", markup=False
        )
    if len(found.unlike) > 5:
        messages.print(f"and {len(found.unlike) - 5} more such pictures; --json has all", style="yellow")
    if found.left_out:
        messages.print(f"not in every folder: {', '.join(found.left_out)}", style="yellow", markup=False)
    ranking: list[dict[str, Any]] = [{**asdict(r), "folder": str(r.folder)} for r in found.ranking]
    if as_json:
        failures = [str(error) for error in found.failures]
        typer.echo(
            json.dumps(
                without_nan(
                    {
                        "ranking": ranking,
                        "images": found.images,
                        "left_out": found.left_out,
                        "unlike": found.unlike,
                        "failures": failures,
                    }
                )
            )
        )
    else:
        say(f"mean |residual| over {len(found.images)} images; lower is better")
        for place, entry in enumerate(found.ranking, start=1):
            say(f"{place}. {_line(entry)}")
            for stem, reasons in list(entry.marked.items())[:3]:
                say(f"   {stem}: {'; '.join(reasons)}")
            if len(entry.marked) > 3:
                say(f"   and {len(entry.marked) - 3} more; --json has all")
    return FAILURES if found.failures else DONE


def _line(entry: "Ranked") -> str:
    low, high = entry.interval
    sure = "" if isnan(low) else f" [{low:.4f}, {high:.4f}]"
    told = "" if isnan(entry.p) else f", p {entry.p:.3f}" + (" no difference told" if entry.p > 0.05 else "")
    marked = f"  LAST: {len(entry.marked)} outputs are not their input's picture" if entry.last else ""
    more = "".join(f"  {name} {value:.3f}" for name, value in entry.against_reference.items())
    return (
        f"{entry.folder}  {entry.mean_abs_residual:.4f}{sure}  (mean {entry.mean_residual:+.4f}, "
        f"best on {entry.wins}{told}){more}{marked}"
    )


def _say_unlike(facts: "Mapping[str, Any]") -> None:
    """Warn where a picture is not of the kind that a network has learnt from."""
    for reason in facts.get("unlike", ()):
        messages.print(f"{facts['image']}: do not trust this map: {reason}", style="yellow", markup=False)


def _residual(source: Path, weights: str, size: int | None) -> "tuple[NDArray[np.float32], dict[str, Any]]":
    """Return the map that a file holds, or that weights give a photograph, with the facts of the prediction."""
    import numpy as np

    if source.suffix.lower() != ".npy":
        from iea40k.develop import load_guarded
        from iea40k.model.loading import load_predictor
        from iea40k.model.predict import PredictOptions, predict_image

        image, _ = load_guarded(source, short_side=None)
        found = predict_image(load_predictor(weights), image, PredictOptions(size))
        return found.residual, found.facts
    try:
        values = read_npy(source)
    except ValueError as error:
        raise BadInputError("not a residual file", where=source, got=str(error)) from error
    values = np.squeeze(values)
    if values.ndim != 2 or not np.issubdtype(values.dtype, np.floating):
        raise BadInputError(
            "not a residual map",
            where=source,
            expected="(height, width) floating point in [-1, 1], NaN = no data",
            got=f"{values.shape} {values.dtype}",
        )
    if (np.abs(values[~np.isnan(values)]) > 1).any():
        raise BadInputError(
            "residuals lie outside their range",
            where=source,
            expected="[-1, 1]",
            got=f"{np.nanmin(values):g} ... {np.nanmax(values):g}",
            remedy="labels of the published release are in units of 1/255: divide them by 255",
        )
    return values.astype(np.float32), {}


def _mask(path: Path) -> "NDArray[np.bool_]":
    from iea40k.develop import load_guarded

    white: NDArray[np.bool_] = load_guarded(path, short_side=None)[0].max(axis=2) > 127
    return white
