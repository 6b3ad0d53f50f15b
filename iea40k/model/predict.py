"""Photographs of any size and kind to residual files, heat maps and scores; one bad file costs one file."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import EncodedRGB, Residual
from iea40k.colour import decode_srgb, encode_srgb
from iea40k.develop import PICTURE_SUFFIXES, fit, load_guarded
from iea40k.develop.geometry import scale_light
from iea40k.errors import BadInputError, IEAError
from iea40k.faults import item_fault
from iea40k.files import AnyPath, write_atomic, write_file_with
from iea40k.metrics import holistic_score
from iea40k.model.loading import AnyWeights
from iea40k.model.looking import looker
from iea40k.model.onnx_weights import OnnxWeights
from iea40k.model.tiling import OVERLAP, TILE
from iea40k.model.unlike import unlike
from iea40k.render import Palette, heatmap
from iea40k.store.each import Each

SHORT_SIDE = 512
"""What the network sees where its weights do not say on which size they were trained."""

COUNTS_FROM = 0.15
"""|residual| from which a pixel counts as under- or overexposed in a prediction's facts: a stop at middle grey."""


@dataclass(frozen=True)
class PredictOptions:
    """How photographs are assessed.

    - `short_side`: what the network sees (None: the size it was trained on); 0 = every pixel, in tiles
    - `native`: keep the map at the size that the network saw instead of the photograph's: its own square, for a
      network that sees one size
    - `flips`: average over the four flips, so that a flipped photograph gets the flipped map
    - `corrected`: also give the corrected picture, of networks that make one; a proposal for a reference
    """

    short_side: int | None = None
    native: bool = False
    flips: bool = False
    tile: int = TILE
    overlap: int = OVERLAP
    palette: Palette = "blue-white-red"
    device: str = "cpu"
    corrected: bool = False


@dataclass(frozen=True, eq=False, repr=False)
class Prediction:
    """A photograph's residual (h, w) float32 in [-1, 1], and its facts, JSON-able: score, shares, sizes.

    `band`: (h, w) float32, the half-width around the residual within which the truth lies nine times in ten by the
    network's own account; None for a network that gives none. `facts["unlike"]` says in words why the picture is not of
    the kind that was learnt from (see `iea40k.model.unlike`); the band is then at least as wide as such reasons ask.
    `corrected` (h, w, 3) uint8: the picture as the network would have it, where that was asked for.
    """

    residual: Residual
    facts: dict[str, Any]
    band: NDArray[np.float32] | None = None
    corrected: EncodedRGB | None = None

    def __repr__(self) -> str:
        height, width = self.residual.shape
        return f"<Prediction by {self.facts['network']}: score {self.score:.2f}, {width}x{height} pixels>"

    @property
    def score(self) -> float:
        """10 (1 - mean |residual|): 10 is ideal."""
        return float(self.facts["score"])


@dataclass(frozen=True)
class Predicted:
    """What became of a file: its facts, or the error that it met."""

    image: Path
    facts: dict[str, Any] | None
    error: IEAError | None


def predict_image(
    weights: AnyWeights, image: EncodedRGB, options: PredictOptions | None = None
) -> Prediction:
    """Return the prediction for a picture (H, W, 3) uint8, sRGB-encoded.

    The picture is shrunk (by area, in linear light) to the size that the network knows, and the map enlarged again
    (bilinear), unless `native`.
    """
    options = options or PredictOptions()
    maps, seen = predicted_maps(weights, image, options)
    facts = _facts(weights, maps[0], image, seen)
    maps = _enlarged(maps, image, options)
    band = maps[1] if len(maps) > 1 else None
    reasons = unlike(image)
    if band is not None:
        np.maximum(band, max((reason.least_band for reason in reasons), default=0), out=band)
        facts["band_90"] = round(float(band.mean()), 6)
    facts["unlike"] = [reason.reason for reason in reasons]
    facts["size"] = [maps.shape[2], maps.shape[1]]
    corrected = corrected_picture(weights, image, options.device) if options.corrected else None
    return Prediction(maps[0], facts, band, corrected)


def predicted_residual(
    weights: AnyWeights, image: EncodedRGB, options: PredictOptions | None = None
) -> Residual:
    """Return the residual (h, w) of `predict_image` alone, without its facts: what benchmarks time."""
    options = options or PredictOptions()
    maps, _ = predicted_maps(weights, image, options)
    found: Residual = _enlarged(maps, image, options)[0]
    return found


def _enlarged(maps: NDArray[np.float32], image: EncodedRGB, options: PredictOptions) -> NDArray[np.float32]:
    if options.native or maps.shape[1:] == image.shape[:2]:
        return maps
    size = (image.shape[1], image.shape[0])
    return np.stack([cv2.resize(part, size, interpolation=cv2.INTER_LINEAR) for part in maps])


def predicted_maps(
    weights: AnyWeights, image: EncodedRGB, options: PredictOptions
) -> tuple[NDArray[np.float32], EncodedRGB]:
    """Return what a network gives (residual and, where it has one, its band) and the picture that it was shown."""
    seen = shrink(image, _short_side(weights, options))
    look = looker(
        weights,
        options.device,
        native=options.native,
        flips=options.flips,
        side=_square(weights),
        tile=options.tile,
        overlap=options.overlap,
    )
    return look(seen), seen


def corrected_picture(weights: AnyWeights, image: EncodedRGB, device: str = "cpu") -> EncodedRGB:
    """Return a picture (H, W, 3) uint8 as a network that corrects pictures (uec, messias) would have it.

    Every pixel is shown to the network. Raises `BadInputError` for a network that makes residuals only.
    """
    network = None if isinstance(weights, OnnxWeights) else weights.network
    if network is None or not getattr(network, "corrects", False):
        raise BadInputError(
            "this network makes residuals, and no pictures", expected="uec or messias", got=weights.name
        )
    import torch

    from iea40k.model.inference import corrected_encoded

    return corrected_encoded(network, image, torch.device(device))


def predict_files(
    weights: AnyWeights,
    images: Sequence[AnyPath],
    out: AnyPath,
    options: PredictOptions | None = None,
    progress: Callable[[Predicted, int, int], None] = lambda *_: None,
    each: Each = map,
) -> list[Predicted]:
    """Write `STEM_residual.npy`, `STEM_heatmap.png` and `STEM.json` for every image into `out`.

    Of a network that says how sure it is also `STEM_band.npy`, the half-width of the 90 % band.

    `each` spreads the images over processes. Raises `BadInputError` before anything is read where two images would
    write the same files.
    """
    files = [Path(image) for image in images]
    _check_stems(files)
    done = []
    predict = partial(_predict_file, weights, Path(out), options or PredictOptions())
    for number, outcome in enumerate(each(predict, files), start=1):
        done.append(outcome)
        progress(outcome, number, len(files))
    return done


def _predict_file(weights: AnyWeights, out: Path, options: PredictOptions, path: Path) -> Predicted:
    try:
        image, recipe = load_guarded(path, short_side=None)
        prediction = predict_image(weights, image, options)
        del image  # the maps of a large picture need its room
        facts = {"image": str(path), **prediction.facts, "recipe": recipe}
        if prediction.corrected is not None:
            _write_png(out / f"{path.stem}_corrected.png", prediction.corrected)
        _write(out, path.stem, prediction, facts, options.palette)
    except Exception as error:
        return Predicted(path, None, item_fault(error).located(path))
    return Predicted(path, facts, None)


def find_images(places: Sequence[AnyPath]) -> list[Path]:
    """Return the given files, and the photographs directly inside the given folders, sorted by name.

    Pictures of kinds that cannot be read, such as WebP, are among them: each fails with its reason when it is read.
    """
    found: list[Path] = []
    for place in map(Path, places):
        if place.is_dir():
            inside = sorted(p for p in place.iterdir() if p.suffix.lower() in PICTURE_SUFFIXES)
            if not inside:
                raise BadInputError("there is no photograph in this folder", where=place)
            found += inside
        else:
            found.append(place)
    return found


def shrink(image: EncodedRGB, short_side: int | None) -> EncodedRGB:
    """Return a picture whose shorter side is at most `short_side`, scaled by area in linear light; None keeps it."""
    size = fit(image.shape[0], image.shape[1], short_side)
    return image if size == image.shape[:2] else encode_srgb(scale_light(image, size, decode_srgb))


def _short_side(weights: AnyWeights, options: PredictOptions) -> int | None:
    known = _known(weights)
    if known.fixed_side is not None or _square(weights) is not None:
        return None  # resized to its square by the network's own way of resizing
    if options.short_side is not None:
        return options.short_side or None
    if known.sees_whole:
        return None  # it shrinks what it judges by itself, and applies its judgement to every pixel
    return int(weights.facts.get("short_side", SHORT_SIDE))


def _known(weights: AnyWeights) -> Any:
    """Return what says `fixed_side` and `sees_whole` of a network."""
    if isinstance(weights, OnnxWeights):
        return weights
    from iea40k.model.networks import describe

    return describe(weights.name)


def _square(weights: AnyWeights) -> int | None:
    """Return the side of the square that the weights were trained on, None where images kept their shape."""
    data = weights.facts.get("training", {}).get("data", {})
    return int(data["size"]) if data.get("view") == "official" else None


def _facts(weights: AnyWeights, residual: Residual, image: EncodedRGB, seen: EncodedRGB) -> dict[str, Any]:
    return {
        "score": round(holistic_score(residual), 4),
        "mean_abs_residual": round(float(np.abs(residual).mean()), 6),
        "mean_residual": round(float(residual.mean()), 6),
        "underexposed_share": round(float((residual > COUNTS_FROM).mean()), 6),
        "overexposed_share": round(float((residual < -COUNTS_FROM).mean()), 6),
        "network": weights.name,
        "image_size": [image.shape[1], image.shape[0]],
        "seen_size": [seen.shape[1], seen.shape[0]],
    }


def _write(out: Path, stem: str, prediction: Prediction, facts: dict[str, Any], palette: Palette) -> None:
    residual = prediction.residual
    _write_map(out / f"{stem}_residual.npy", residual)
    if prediction.band is not None:
        _write_map(out / f"{stem}_band.npy", prediction.band)
    # Unbounded networks (wavelet_net) can leave the scale; the picture shows its end, the array keeps the value.
    within = float(residual.min()) >= -1 and float(residual.max()) <= 1
    picture = heatmap(residual if within else np.clip(residual, -1, 1), palette)
    _write_png(out / f"{stem}_heatmap.png", picture)
    write_atomic(out / f"{stem}.json", json.dumps(facts, indent=1, ensure_ascii=False) + "\n")


def _write_png(path: Path, picture: EncodedRGB) -> None:
    written, data = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    if not written:
        raise IEAError("the picture could not be encoded", where=path)
    write_atomic(path, data.tobytes())


def _write_map(path: Path, values: NDArray[np.float32]) -> None:
    kept = values.astype(np.float32, copy=False)
    write_file_with(path, lambda temporary: np.save(temporary, kept, allow_pickle=False))


def _check_stems(images: Sequence[Path]) -> None:
    by_stem: dict[str, list[str]] = {}
    for path in images:
        by_stem.setdefault(path.stem.casefold(), []).append(str(path))
    double = [" and ".join(paths) for paths in by_stem.values() if len(paths) > 1]
    if double:
        raise BadInputError(
            "images would write the same files",
            expected="file names that differ before the suffix",
            got="; ".join(double[:5]),
            remedy="assess them into different folders",
        )
