"""How `uec` learns: exposures of one scene are each other's truth, and no expert's label is looked at.

For each item of a batch: two exposures of a scene, the first to be carried to the second in three passes
(restoration), and two exposures of another scene as references of single passes (monotony: the brighter reference
must not give a darker picture at any pixel). Total variation is a third term, with the factor `tv` of the network.
"""

from collections import defaultdict
from collections.abc import Sequence

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from iea40k.arrays import EncodedRGB
from iea40k.errors import BadInputError
from iea40k.model.data import Samples
from iea40k.model.networks.uec import REFERENCE_SIZE, UEC
from iea40k.model.training.config import TrainingConfig
from iea40k.model.training.record import Teller
from iea40k.model.training.stopping import stoppable
from iea40k.model.training.validation import read_labelled
from iea40k.residuals import luma

_TELL_EVERY = 50
_UNTIMED_STEPS = 400
"""Steps where the configuration names no `max_steps`."""


def learn_uec(network: UEC, samples: Samples, config: TrainingConfig, tell: Teller) -> int:
    """Train `network` on the scenes of `samples` by Adam at the configuration's rate; return the number of steps.

    Pictures are shown as squares of `data.size`; batch, seed and `max_steps` are the configuration's. Raises
    `BadInputError` where there are no two scenes of two exposures each.
    """
    scenes = _scenes(samples)
    steps = config.max_steps or _UNTIMED_STEPS
    random = np.random.default_rng([config.seed, 3])
    optimizer = torch.optim.Adam(network.parameters(), lr=config.optimizer.rate)
    device = next(network.parameters()).device
    network.train()
    shown = _Shown(samples, config.data.size)
    with stoppable() as stop:
        for step in range(steps):
            picked = [_quadruple(scenes, samples, random) for _ in range(config.batch)]
            start, end, darker, brighter = (
                torch.stack([shown(numbers[k]) for numbers in picked]).to(device) for k in range(4)
            )
            loss = uec_loss(network, start, end, darker, brighter)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            if config.optimizer.clip:
                torch.nn.utils.clip_grad_norm_(network.parameters(), config.optimizer.clip)
            optimizer.step()
            stop.check()
            if (step + 1) % _TELL_EVERY == 0:
                tell(f"step {step + 1}/{steps}  loss {loss.item():.4f}")
    return steps


def uec_loss(network: UEC, start: Tensor, end: Tensor, darker: Tensor, brighter: Tensor) -> Tensor:
    """Return restoration + monotony + `network.tv` total variation of RGB batches (B, 3, H, W) in [0, 1].

    `start` and `end` are exposures of one scene, `darker` and `brighter` of another.
    """
    restored = network.passes(start, end)[0][-1]
    loss = F.mse_loss(restored, end)
    own = network.code(start, like=start)
    low, high = (
        network.once(start, network.value(own, network.code(reference, like=start)))
        for reference in (darker, brighter)
    )
    loss = loss + F.relu(low - high).mean()
    if network.tv:
        loss = loss + network.tv * total_variation(restored)
    return loss


def total_variation(picture: Tensor) -> Tensor:
    """Return the mean length of the gradient of pictures (B, C, H, W), in their unit a pixel."""
    across = picture[..., :-1, 1:] - picture[..., :-1, :-1]
    down = picture[..., 1:, :-1] - picture[..., :-1, :-1]
    return (across.square() + down.square() + 1e-12).sqrt().mean()


def choose_reference(network: UEC, samples: Samples) -> tuple[str, str]:
    """Give `network` the well-exposed picture of `samples` whose mean luma is nearest to their median; return its name.

    Well exposed: the tenth of the images with the smallest mean |residual|. The picture is squeezed to
    `REFERENCE_SIZE`: its content does not matter, only the statistics of its exposure.
    """
    facts = []
    for number in range(len(samples.samples)):
        image, label = read_labelled(samples, number)
        facts.append((float(np.nanmean(np.abs(label))), float(luma(image).mean())))
    errors, greys = np.array(facts).T
    good = np.argsort(errors, kind="stable")[: max(1, len(errors) // 10)]
    middle = float(np.median(greys[good]))
    chosen = int(min(good, key=lambda n: (abs(greys[n] - middle), n)))
    network.get_buffer("reference").copy_(reference_picture(samples.read(chosen).image))
    sample = samples.samples[chosen]
    return sample.scene_id, sample.level


def reference_picture(image: EncodedRGB) -> Tensor:
    """Return a picture (H, W, 3) uint8 as `UEC.reference` holds it: (3, *REFERENCE_SIZE) uint8."""
    height, width = REFERENCE_SIZE
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return torch.from_numpy(np.ascontiguousarray(small.transpose(2, 0, 1)))


class _Shown:
    """Pictures by number as squares (3, side, side) in [0, 1]; each is read once."""

    def __init__(self, samples: Samples, side: int) -> None:
        self._samples, self._side = samples, side
        self._kept: dict[int, Tensor] = {}

    def __call__(self, number: int) -> Tensor:
        if number not in self._kept:
            image = self._samples.read(number).image
            small = cv2.resize(image, (self._side, self._side), interpolation=cv2.INTER_AREA)
            self._kept[number] = torch.from_numpy(np.ascontiguousarray(small.transpose(2, 0, 1)))
        return self._kept[number].float() / 255


def _scenes(samples: Samples) -> list[list[int]]:
    """Return the numbers of each scene's images, the darkest first, of scenes with two images or more."""
    found: dict[str, list[int]] = defaultdict(list)
    for number, sample in enumerate(samples.samples):
        found[sample.scene_id].append(number)
    scenes = [sorted(n, key=lambda k: samples.samples[k].ev) for n in found.values() if len(n) > 1]
    if len(scenes) < 2:
        raise BadInputError(
            "uec learns from pairs of exposures, and carries them over to another scene",
            expected="two scenes of two exposures each, at least",
            got=f"{len(scenes)} such scenes of {len(found)}",
        )
    return scenes


def _quadruple(
    scenes: Sequence[Sequence[int]], samples: Samples, random: np.random.Generator
) -> tuple[int, int, int, int]:
    """Return two exposures of a scene, and two of another: the darker, then the brighter by EV."""
    one, other = random.choice(len(scenes), 2, replace=False)
    start, end = random.choice(scenes[one], 2, replace=False)
    pair = sorted(random.choice(scenes[other], 2, replace=False), key=lambda n: samples.samples[int(n)].ev)
    return int(start), int(end), int(pair[0]), int(pair[1])
