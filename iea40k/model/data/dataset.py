"""From samples to batches: the torch dataset, and the one place where stored codes become network inputs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import Dataset, default_collate

from iea40k.arrays import INVALID_CODE, RESIDUAL_SCALE
from iea40k.model.data.rendering import Kind, Rendering, draw_kind, render, vary_captured
from iea40k.model.data.samples import Pixels, Sample, Samples
from iea40k.model.data.views import Mode, View, choose_view
from iea40k.model.losses import certainty
from iea40k.residuals import luma
from iea40k.scene import NO_UNCERTAINTY, UNCERTAINTY_SCALE

_STILL = 0.005
"""Mean |residual| under which an exposure is its own reference."""

Item = dict[str, Tensor]
"""`image` (3, h, w) uint8; `codes` (h, w) int16; `number` () int64; `uncertainty` (h, w) int32, absent if unknown;
`reference` (3, h, w) uint8, where asked for."""


@dataclass(frozen=True)
class ViewConfig:
    """How images are shown: see `iea40k.model.data.views`. `size` in pixels, of crops and of squares.

    `render`: references are shown as captures that they could have come from, captures a little varied, with the
    labels that belong to what is shown.
    """

    mode: Mode = "random"
    size: int = 256
    flips: bool = True
    seed: int = 0
    render: Rendering | None = None


@dataclass(frozen=True)
class Batch:
    """What a network learns from: image (B,3,h,w) float in [0,1]; label, valid (bool), weight (B,1,h,w); number (B,).

    `label` is 0 where `valid` is False. `reference` is like `image`, where samples have it.
    """

    image: Tensor
    label: Tensor
    valid: Tensor
    weight: Tensor
    number: Tensor
    reference: Tensor | None = None


class ExposureDataset(Dataset[Item]):
    """Items by key (epoch, number). Image, residual, validity and uncertainty are cropped and flipped together."""

    def __init__(self, samples: Samples, view: ViewConfig) -> None:
        self.samples = samples
        self.view = view

    def __len__(self) -> int:
        return len(self.samples.samples)

    def __getitem__(self, key: tuple[int, int]) -> Item:
        """Return the item of (epoch, number) as stored integers; `to_batch` turns them into numbers."""
        epoch, number = key
        config = self.view
        shape = self.samples.samples[number].shape
        view = choose_view(config.mode, shape, config.size, config.flips, (config.seed, epoch, number))
        item = as_item(self.samples.read(number, view.rows, view.columns), number)
        return shown(item, self.samples.samples[number], view, config, key)


def as_item(pixels: Pixels, number: int) -> Item:
    """Return pixels as tensors, channels first."""
    item = {
        "image": torch.from_numpy(np.ascontiguousarray(pixels.image.transpose(2, 0, 1))),
        "codes": torch.from_numpy(np.ascontiguousarray(pixels.codes)),
        "number": torch.tensor(number),
    }
    if pixels.uncertainty is not None:
        item["uncertainty"] = torch.from_numpy(pixels.uncertainty.astype(np.int32))
    if pixels.reference is not None:
        item["reference"] = torch.from_numpy(np.ascontiguousarray(pixels.reference.transpose(2, 0, 1)))
    return item


def shown(item: Item, sample: Sample, view: View, config: ViewConfig, key: tuple[int, int]) -> Item:
    """Return an item (already cut to the view's window) as the network will see it in (epoch, number) = `key`."""
    if config.render is None:
        return apply_view(item, view)
    # The fourth part keeps these draws apart from those of windows and flips.
    random = np.random.default_rng((config.seed, *key, 2))
    kind = draw_kind(random, config.render) if _is_finished(item, sample) else None
    if kind == "plain":
        # Clipped at the picture's own size, as exposures of a release are, and shrunk afterwards.
        return apply_view(_rendered(item, random, config.render, kind), view)
    return _rendered(apply_view(item, view), random, config.render, kind)


def captures_of(pixels: Pixels, sample: Sample, how: Rendering, count: int) -> list[Pixels]:
    """Return `count` captures that a finished photograph could have come from, off the ladder: dull and of chance.

    They are the same at each call; empty where the image is no reference of its own, or is itself a capture.
    """
    item = as_item(pixels, 0)
    if not _is_finished(item, sample):
        return []
    kinds: tuple[Kind, ...] = ("dull", "captured")
    found = []
    for number in range(count):
        random = np.random.default_rng([number, *sample.scene_id.encode()])
        capture = _rendered(item, random, how, kinds[number % 2])
        found.append(Pixels(capture["image"].permute(1, 2, 0).numpy(), capture["codes"].numpy(), None))
    return found


def _is_finished(item: Item, sample: Sample) -> bool:
    """Return whether an item is its own reference and no capture.

    Resizing and tone matching may leave a code of 8 bits here and there between a reference and itself.
    """
    if sample.groups.get("kind") == "bracket":
        return False
    codes = item["codes"].numpy()
    known = codes[codes != INVALID_CODE].astype(np.float32)
    return bool(np.abs(known).mean() < _STILL * RESIDUAL_SCALE) if known.size else False


def _rendered(item: Item, random: np.random.Generator, how: Rendering, kind: Kind | None) -> Item:
    """Return the item as another capture of its scene (`kind` None: a capture, varied), with its own label."""
    image = np.ascontiguousarray(item["image"].permute(1, 2, 0).numpy())
    codes = item["codes"].numpy()
    reference = luma(image) + codes.astype(np.float32) / RESIDUAL_SCALE
    picture = render(image, random, how, kind) if kind else vary_captured(image, random, how)
    fresh = np.rint((reference - luma(picture)) * RESIDUAL_SCALE)
    fresh = np.where(codes == INVALID_CODE, INVALID_CODE, fresh).astype(np.int16)
    return {**item, **as_item(Pixels(picture, fresh, None), int(item["number"]))}


def apply_view(item: Item, view: View) -> Item:
    """Return an item (already cut to the view's window) padded with pixels without data, and flipped."""
    if view.side is not None:
        item = _squared(item, view.side)
    down, right = view.missing
    flips = [axis for axis, flip in ((-2, view.flip_rows), (-1, view.flip_columns)) if flip]
    fill = {"image": 0, "codes": INVALID_CODE, "uncertainty": NO_UNCERTAINTY, "reference": 0}
    out = dict(item)
    for name, value in fill.items():
        if name not in item:
            continue
        tensor = item[name]
        if down or right:
            tensor = F.pad(tensor, (0, right, 0, down), value=value)
        out[name] = tensor.flip(flips) if flips else tensor
    return out


def _squared(item: Item, side: int) -> Item:
    """Return image and codes as means over areas; a pixel has data where all that it was made from had."""
    image = cv2.resize(item["image"].permute(1, 2, 0).numpy(), (side, side), interpolation=cv2.INTER_AREA)
    codes = item["codes"].numpy()
    valid = codes != INVALID_CODE
    mean = cv2.resize(
        np.where(valid, codes, 0).astype(np.float32), (side, side), interpolation=cv2.INTER_AREA
    )
    whole = cv2.resize(valid.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA) > 1 - 1e-4
    small = np.where(whole, np.rint(mean), INVALID_CODE).astype(np.int16)
    out = {**item, **as_item(Pixels(image.astype(np.uint8), small, None), int(item["number"]))}
    if "uncertainty" in item:
        known = item["uncertainty"].numpy()
        out["uncertainty"] = torch.from_numpy(
            cv2.resize(known, (side, side), interpolation=cv2.INTER_NEAREST)
        )
    if "reference" in item:
        whole_picture = item["reference"].permute(1, 2, 0).numpy()
        shrunk = cv2.resize(whole_picture, (side, side), interpolation=cv2.INTER_AREA)
        out["reference"] = torch.from_numpy(np.ascontiguousarray(shrunk.transpose(2, 0, 1)))
    return out


def collate(items: Sequence[Item]) -> Item:
    """Return items as one, stacked; it has an `uncertainty` where any of them has."""
    if any("uncertainty" in item for item in items):
        items = [item if "uncertainty" in item else {**item, "uncertainty": _unknown(item)} for item in items]
    stacked: Item = default_collate(list(items))
    return stacked


def _unknown(item: Item) -> Tensor:
    return torch.full_like(item["codes"], NO_UNCERTAINTY, dtype=torch.int32)


def to_batch(
    items: Item,
    *,
    device: torch.device | None = None,
    side: int | None = None,
    spread_scale: float | None = None,
) -> Batch:
    """Return a batch of collated items as float32 on `device`.

    `side` resizes image and label to side x side as the published code does (bilinear, no antialiasing); a resized
    pixel is valid where all that it was made from was. `spread_scale` is the experts' disagreement (luma) at which a
    label's weight is 1/2; None gives every label the weight 1.
    """
    moved: dict[str, Any] = {name: tensor.to(device, non_blocking=True) for name, tensor in items.items()}
    codes = moved["codes"].unsqueeze(1)
    valid = codes != INVALID_CODE
    # In place: on a CPU, two buffers of this size cost several times as much as the arithmetic.
    image = moved["image"].float().div_(255)
    label = codes.float().div_(RESIDUAL_SCALE).masked_fill_(~valid, 0.0)
    weight = torch.ones_like(label)
    if spread_scale is not None and "uncertainty" in moved:
        stored = moved["uncertainty"].unsqueeze(1)
        uncertainty = torch.where(stored == NO_UNCERTAINTY, torch.nan, stored.float() / UNCERTAINTY_SCALE)
        weight = certainty(uncertainty, spread_scale)
    reference = moved["reference"].float().div_(255) if "reference" in moved else None
    if side is not None:
        reference = None if reference is None else _resize(reference, side)
        image, label, weight = (_resize(x, side) for x in (image, label, weight))
        valid = _resize(valid.float(), side) > 1 - 1e-6
        label = torch.where(valid, label, 0.0)
    return Batch(image, label, valid, weight, moved["number"], reference)


def _resize(x: Tensor, side: int) -> Tensor:
    return F.interpolate(x, (side, side), mode="bilinear", align_corners=False)
