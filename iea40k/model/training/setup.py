"""What a run needs before its first step: device and processes, data, and the state that a checkpoint holds."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader

from iea40k.errors import BadInputError
from iea40k.model.data import (
    BatchSampler,
    ExposureDataset,
    Rank,
    Resident,
    Samples,
    ViewConfig,
    make_loader,
    resident_bytes,
)
from iea40k.model.data.dataset import Item
from iea40k.model.data.rendering import Rendering
from iea40k.model.training.config import TrainingConfig

_HOST_LIMIT = 4 << 30  # bytes of decoded images that "auto" keeps in the host's memory
_SHARE_OF_GPU = 0.5


@dataclass(frozen=True)
class Place:
    """Where this process computes: its device, its rank, its precision."""

    device: torch.device
    rank: Rank
    bfloat16: bool

    @property
    def first(self) -> bool:
        """Whether this process writes files and messages."""
        return self.rank.number == 0

    def autocast(self) -> torch.autocast:
        """Return the context in which networks run."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16)


@contextmanager
def processes(config: TrainingConfig) -> Iterator[Place]:
    """Join the processes that `torchrun` started, if any, and yield this one's place."""
    world, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
    device = _device(config)
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    if config.threads:
        torch.set_num_threads(config.threads)
    if world > 1:
        torch.distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Place(device, Rank(rank, world), _bfloat16(config, device))
    finally:
        if world > 1:
            torch.distributed.destroy_process_group()


def training_batches(
    samples: Samples, config: TrainingConfig, place: Place
) -> tuple[Resident | DataLoader[Item], BatchSampler]:
    """Return what iterates training batches, and its sampler, which seeks epochs.

    Images stay in the device's memory where the configuration says so, or where they fit ("auto").
    """
    data = config.data
    render = Rendering(**data.render.model_dump()) if data.render else None
    view = ViewConfig(data.view, data.size, data.flips, config.seed, render)
    # Official views are resized on the device, so that frames of one shape share a batch.
    by_shape = data.view == "official"
    sampler = BatchSampler(
        samples.samples,
        config.batch,
        seed=config.seed,
        by_shape=by_shape,
        rank=place.rank,
        per_scene=data.per_scene,
    )
    if data.cache == "memory" or (data.cache == "auto" and resident_bytes(samples) <= _room(place.device)):
        return Resident(samples, view, sampler, place.device), sampler
    pin = place.device.type == "cuda"
    return make_loader(ExposureDataset(samples, view), sampler, workers=data.workers, pin=pin), sampler


def make_optimizer(network: nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    """Return the optimizer; weight decay spares what has one dimension (biases, scales)."""
    options = config.optimizer
    parameters = [p for p in network.parameters() if p.requires_grad]
    groups: list[dict[str, Any]] = [
        {"params": [p for p in parameters if p.squeeze().ndim > 1], "weight_decay": options.weight_decay},
        {"params": [p for p in parameters if p.squeeze().ndim <= 1], "weight_decay": 0.0},
    ]
    kind = torch.optim.AdamW if options.name == "adamw" else torch.optim.Adam
    return kind([g for g in groups if g["params"]], lr=options.rate)


def _room(device: torch.device) -> float:
    """Return the bytes that images may take on a device."""
    if device.type != "cuda":
        return _HOST_LIMIT
    free, _ = torch.cuda.mem_get_info(device)
    return _SHARE_OF_GPU * free


def _device(config: TrainingConfig) -> torch.device:
    there = torch.cuda.is_available()
    if config.device == "cuda" and not there:
        raise BadInputError(
            "there is no GPU that PyTorch can use", expected="a CUDA device", remedy="device: cpu"
        )
    return torch.device("cuda" if config.device != "cpu" and there else "cpu")


def _bfloat16(config: TrainingConfig, device: torch.device) -> bool:
    if config.precision == "auto":
        return device.type == "cuda" and torch.cuda.is_bf16_supported()
    return config.precision == "bfloat16"
