"""From a contender to what predicts: training on a split, weights from a file, or pictures from a folder."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from iea40k.arrays import EncodedRGB, Residual
from iea40k.develop import PICTURE_SUFFIXES, load_encoded
from iea40k.errors import BadInputError
from iea40k.model.benchmark.contenders import Contender
from iea40k.model.data import Sample, Samples
from iea40k.model.data.release_samples import ReleaseSamples
from iea40k.model.loading import load_predictor, pick_place
from iea40k.model.networks import describe
from iea40k.model.networks.uec import UEC
from iea40k.model.onnx_weights import OnnxWeights
from iea40k.model.predict import PredictOptions, predicted_residual
from iea40k.model.training.config import TrainingConfig
from iea40k.model.training.loop import CHECKPOINT, train
from iea40k.model.training.run import WEIGHTS, TrainingData
from iea40k.model.training.uec_training import choose_reference
from iea40k.model.weights import Weights, load_weights
from iea40k.residuals import luma
from iea40k.store.release import Release

SIDE = 256
"""Side, in pixels, of the picture for which multiply-accumulates are counted."""

Predict = Callable[[Sample, EncodedRGB], Residual]


@dataclass(frozen=True)
class Ready:
    """What predicts, and facts for the table; `of_split`: it is another one on another split."""

    predict: Predict
    facts: dict[str, Any]
    of_split: bool


def make_ready(
    contender: Contender,
    release: Release,
    split: str,
    folder: Path,
    config: TrainingConfig | None,
    device: str,
    tell: Callable[[str], None],
) -> Ready:
    """Return what predicts on `split`; `folder` keeps a training, and goes on with one that was stopped."""
    if contender.kind == "enhanced":
        return Ready(enhanced_residual(Path(contender.target)), {"network": "", "parameters": None}, False)
    if contender.kind == "learns":
        assert config is not None
        return _trained(release, split, folder, config, device, tell)
    loaded = load_predictor(contender.target)
    of_split = False
    network = loaded.network if isinstance(loaded, Weights) else None
    if isinstance(network, UEC) and not bool(network.get_buffer("reference").any()):
        scene, level = choose_reference(network, ReleaseSamples(release, split, "train"))
        tell(f"{contender.label}: carries pictures to the exposure of {scene} {level}")
        of_split = True
    return Ready(_by_weights(loaded, device), _facts(loaded), of_split)


def enhanced_residual(folder: Path) -> Predict:
    """Return what assesses by a folder of enhanced pictures: luma(enhanced) - luma(image).

    The enhanced picture of an image is the file SCENE_LEVEL with any suffix of a picture, of the image's size. Raises
    `BadInputError` for an image without one.
    """
    files = {p.stem: p for p in sorted(folder.iterdir()) if p.suffix.lower() in PICTURE_SUFFIXES}

    def predict(sample: Sample, image: EncodedRGB) -> Residual:
        name = f"{sample.scene_id}_{sample.level}"
        if name not in files:
            raise BadInputError(
                "the folder lacks an enhanced picture", where=folder, expected=f"{name}.png or another kind"
            )
        enhanced, _ = load_encoded(files[name], short_side=None)
        if enhanced.shape != image.shape:
            raise BadInputError(
                "the enhanced picture has another size",
                where=files[name],
                expected=f"{image.shape[1]}x{image.shape[0]}",
                got=f"{enhanced.shape[1]}x{enhanced.shape[0]}",
            )
        out: Residual = luma(enhanced) - luma(image)
        return out

    return predict


def _trained(
    release: Release,
    split: str,
    folder: Path,
    config: TrainingConfig,
    device: str,
    tell: Callable[[str], None],
) -> Ready:
    run = folder / "run"
    network = describe(config.network)
    if network.fitted and (run / WEIGHTS).exists():
        loaded = load_weights(run / WEIGHTS)
        return Ready(_by_weights(loaded, device), _facts(loaded), True)
    resume = (run / CHECKPOINT).exists()
    if run.exists() and not resume:
        shutil.rmtree(run)  # what was stopped before its first checkpoint
    data = split_data(release, split, config, tell)
    done = train(data, run, config, resume=resume, tell=tell)
    loaded = load_weights(done.weights)
    facts = {
        "steps": done.steps,
        "seconds": done.seconds,
        "batch": config.batch,
        "images": len(data.train.samples),
    }
    return Ready(_by_weights(loaded, device), {**_facts(loaded), **facts}, True)


def split_data(
    release: Release, split: str, config: TrainingConfig, tell: Callable[[str], None]
) -> TrainingData:
    """Return what a network learns from on a split; where nothing validates, some images of the training do.

    Their error is never reported, and fewer than three scenes choose no epoch.
    """
    data = config.data
    pictures = describe(config.network).learns_pictures
    learnt = ReleaseSamples(
        release, split, "train", data.levels, references=data.render is not None, pictures=pictures
    )
    valid: Samples = learnt
    try:
        valid = ReleaseSamples(release, split, "valid", data.levels)
    except BadInputError:
        tell(f"{split} has no validation scenes: the last epoch is kept")
        few = {s.scene_id for s in learnt.samples[:1]}
        valid = _Few(learnt, [n for n, s in enumerate(learnt.samples) if s.scene_id in few])
    identity = {"release": release.digest, "split": split, "train_part": "train", "levels": list(data.levels)}
    scenes = {s.scene_id for s in learnt.samples}
    described = (
        f"release {release.version}: {len(learnt.samples)} images of {len(scenes)} scenes ({split}, train)"
    )
    return TrainingData(learnt, valid, identity, described)


class _Few:
    """Implements `Samples`: some of others."""

    def __init__(self, samples: Samples, numbers: list[int]) -> None:
        self._samples, self._numbers = samples, numbers
        self.samples = tuple(samples.samples[n] for n in numbers)

    def read(self, number: int, *window: slice) -> Any:
        """Return the pixels of image `number`."""
        return self._samples.read(self._numbers[number], *window)


def _by_weights(loaded: Weights | OnnxWeights, device: str) -> Predict:
    options = PredictOptions(device=pick_place(loaded, device))

    def predict(sample: Sample, image: EncodedRGB) -> Residual:
        del sample
        return predicted_residual(loaded, image, options)

    return predict


def _facts(loaded: Weights | OnnxWeights) -> dict[str, Any]:
    facts: dict[str, Any] = {"network": loaded.name, "data": dict(loaded.facts.get("data", {}))}
    if isinstance(loaded, OnnxWeights):
        return {**facts, "parameters": None, "macs": None}
    own = sum(p.numel() for p in loaded.network.parameters())
    buffers = sum(b.numel() for b in loaded.network.buffers()) if describe(loaded.name).fitted else 0
    numbers = own or buffers  # a baseline's numbers are buffers; UEC's reference picture is no parameter
    return {**facts, "parameters": numbers, "macs": multiply_accumulates(loaded.network) if own else None}


def multiply_accumulates(network: torch.nn.Module, side: int = SIDE) -> int | None:
    """Return the multiply-accumulates of convolutions and products for one picture of `side` x `side` pixels."""
    network = network.cpu()
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        try:
            network(torch.full((1, 3, side, side), 0.5))
        except (BadInputError, RuntimeError, ValueError):
            return None
    return int(counter.get_total_flops()) // 2


def seen_before(facts: Mapping[str, Any], release: Release, scenes: set[str]) -> int:
    """Return how many of `scenes` weights were trained on, as far as they say."""
    data = facts.get("data", {})
    if data.get("release") != release.digest or data.get("split") not in release.split_schemes:
        return 0
    return len(scenes & set(release.images_of(data["split"], data.get("train_part", "train"))["scene_id"]))
