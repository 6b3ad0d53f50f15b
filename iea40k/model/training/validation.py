"""Validation during training: whole images, as they will be used."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from iea40k.arrays import EncodedRGB, Residual, residual_from_codes
from iea40k.metrics import holistic_score, lcc, map_metrics
from iea40k.model.data import Samples
from iea40k.model.data.dataset import captures_of
from iea40k.model.data.rendering import Rendering
from iea40k.model.inference import predict_encoded, predict_with_scale
from iea40k.model.looking import SCALES_90
from iea40k.model.training.config import TrainingConfig
from iea40k.model.training.setup import Place

T = TypeVar("T")
_PICKED = 4096
_CAPTURES = 2
"""Rendered captures of each held-out reference."""


@dataclass(frozen=True, eq=False)
class Picture:
    """An image of the validation split with its label and its prediction, for a person to look at."""

    name: str
    image: EncodedRGB
    label: Residual
    prediction: Residual


@dataclass(frozen=True)
class Validation:
    """Mean metrics over images (see `iea40k.metrics.map_metrics`), `lcc` of the holistic score, and pictures.

    `temperature`: what the predicted scale is to be multiplied by so that its band of 90 % holds 90 % of the pixels of
    captures. Where references are rendered in training, held-out ones are rendered for this too: rungs of the ladder,
    whose brightest code tells their exposure, would make a network seem surer than it is of what people will show it.
    """

    metrics: dict[str, float]
    pictures: tuple[Picture, ...]
    temperature: float = 1.0


def validate(network: nn.Module, samples: Samples, config: TrainingConfig, place: Place) -> Validation:
    """Return the metrics of a network on `config.valid_images` images (all: None), evenly chosen.

    Every process measures its share; all get the metrics of the whole.
    """
    count = len(samples.samples)
    chosen = np.unique(
        np.linspace(0, count - 1, min(count, config.valid_images or count)).astype(int)
    ).tolist()
    shown = (
        set(chosen[:: max(1, len(chosen) // config.pictures)][: config.pictures])
        if config.pictures
        else set()
    )
    side = config.data.size if config.data.view == "official" else None
    render = Rendering(**config.data.render.model_dump()) if config.data.render else None
    rows, pictures, ratios = [], [], []
    errors: list[float] = []
    for number in chosen[place.rank.number :: place.rank.world]:
        image, label = read_labelled(samples, number)
        scaled = predict_with_scale(network, image, device=place.device)
        if scaled is None:
            prediction = predict_encoded(network, image, device=place.device, side=side)
        else:
            prediction = scaled[0]
            if render is None:
                ratios.append(_error_in_bands(*scaled, label))
            else:
                ratios += _of_captures(network, samples, number, render, place, errors)
        found = map_metrics(prediction, label)
        rows.append({**found, "score": holistic_score(prediction), "truth": holistic_score(label)})
        if number in shown:
            sample = samples.samples[number]
            pictures.append(Picture(f"{sample.scene_id}_{sample.level}", image, label, prediction))
    if place.rank.world > 1:
        rows, ratios, errors = _gather(rows), _gather(ratios), _gather(errors)
    keys = [key for key in rows[0] if key not in ("pixels", "score", "truth")]
    metrics = {key: float(np.nanmean([row[key] for row in rows])) for key in keys}
    metrics["lcc"] = lcc([row["score"] for row in rows], [row["truth"] for row in rows])
    if errors:
        metrics["captures_mae"] = float(np.mean(errors))
    if not ratios:
        return Validation(metrics, tuple(pictures))
    every = np.concatenate(ratios)
    metrics["coverage_90"] = float((every <= 1).mean())
    return Validation(metrics, tuple(pictures), float(np.quantile(every, 0.9)))


def _of_captures(
    network: nn.Module, samples: Samples, number: int, how: Rendering, place: Place, errors: list[float]
) -> list[NDArray[np.float32]]:
    """Return the errors, in half-widths of bands, of captures: a real one itself, of a reference some rendered ones.

    The mean absolute error of each is added to `errors`; a rung of the ladder has none.
    """
    sample = samples.samples[number]
    pixels = samples.read(number)
    captures = [pixels] if sample.groups.get("kind") == "bracket" else []
    captures += captures_of(pixels, sample, how, _CAPTURES)
    found = []
    for capture in captures:
        label = residual_from_codes(capture.codes)
        scaled = predict_with_scale(network, capture.image, device=place.device)
        if scaled is not None and not np.isnan(label).all():
            errors.append(float(np.nanmean(np.abs(scaled[0] - label))))
            found.append(_error_in_bands(*scaled, label))
    return found


def _error_in_bands(prediction: Residual, scale: Residual, label: Residual) -> NDArray[np.float32]:
    """Return the errors of an even grid of pixels, in half-widths of their bands of 90 %: as many of each image."""
    picked = np.linspace(0, label.size - 1, _PICKED).astype(np.intp)
    error = np.abs(prediction - label).ravel()[picked] / (SCALES_90 * scale.ravel()[picked])
    within: NDArray[np.float32] = error[~np.isnan(error)]
    return within


def read_labelled(samples: Samples, number: int) -> tuple[EncodedRGB, Residual]:
    """Return a whole image (H, W, 3) uint8 and its label (H, W) float32, NaN where there is no data."""
    pixels = samples.read(number)
    return pixels.image, residual_from_codes(pixels.codes)


def _gather(rows: list[T]) -> list[T]:
    parts: list[list[T]] = [[] for _ in range(torch.distributed.get_world_size())]
    torch.distributed.all_gather_object(parts, rows)
    return [row for part in parts for row in part]
