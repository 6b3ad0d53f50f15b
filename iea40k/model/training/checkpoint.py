"""Checkpoints: everything that a run needs to go on bit by bit, written whole or not at all."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from iea40k.errors import BadInputError, CorruptDataError
from iea40k.files import write_file_with

FORMAT = 2
"""Format 1 kept no digest."""


@dataclass
class Progress:
    """Where a run is: optimizer steps done; the epoch in progress and its batches done; what was best so far."""

    step: int = 0
    epoch: int = 0
    batch: int = 0
    best: float = float("inf")
    best_epoch: int = -1
    seconds: float = 0.0
    loss_sum: float = 0.0


def save_checkpoint(
    path: Path, identity: Mapping[str, Any], progress: Progress, state: Mapping[str, Any]
) -> None:
    """Write a checkpoint. `identity` says which run it belongs to: configuration and data."""
    payload: dict[str, Any] = {
        "format": FORMAT,
        "identity": dict(identity),
        "progress": asdict(progress),
        "state": dict(state),
        "random": torch.get_rng_state(),
    }
    payload["digest"] = _digest(payload)
    write_file_with(path, lambda temporary: torch.save(payload, temporary))


def load_checkpoint(path: Path, identity: Mapping[str, Any]) -> tuple[Progress, dict[str, Any]]:
    """Return progress and state, and set torch's random state. Code in the file is never run.

    Raises `CorruptDataError` for a damaged file, `BadInputError` where it belongs to another run.
    """
    try:
        payload = torch.load(path, map_location="cpu", weights_only=True)
        kept = payload.pop("digest", None)
        if kept is not None and kept != _digest(payload):  # earlier versions kept none
            raise ValueError("its contents are not those that were written")
        if kept is None and payload["format"] != 1:
            raise ValueError("it has no digest")
        found, progress, state = payload["identity"], Progress(**payload["progress"]), payload["state"]
    except Exception as error:  # damaged archives and pickles raise dozens of unrelated types
        raise CorruptDataError(
            "the checkpoint cannot be read",
            where=path,
            got=str(error).partition("\n")[0] or type(error).__name__,
            remedy="remove it to begin the run anew",
        ) from error
    differing = sorted(key for key in {*identity, *found} if identity.get(key) != found.get(key))
    if differing:
        raise BadInputError(
            "the checkpoint belongs to another run",
            where=path,
            expected="; ".join(f"{key} {found.get(key)}" for key in differing),
            got="; ".join(f"{key} {identity.get(key)}" for key in differing),
            remedy="resume with the run's own config.yaml and release, or train into another folder",
        )
    torch.set_rng_state(payload["random"])
    return progress, state


def _digest(payload: Mapping[str, Any]) -> str:
    """Return the sha256 of everything in a payload, its tensors bit by bit: flipped bits often load."""
    hasher = hashlib.sha256()

    def add(value: Any) -> None:
        if isinstance(value, torch.Tensor):
            hasher.update(f"tensor {value.dtype} {tuple(value.shape)}\n".encode())
            hasher.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
        elif isinstance(value, Mapping):
            hasher.update(f"table of {len(value)}\n".encode())
            for key, part in value.items():
                add(key)
                add(part)
        elif isinstance(value, list | tuple):
            hasher.update(f"list of {len(value)}\n".encode())
            for part in value:
                add(part)
        else:
            hasher.update(f"{type(value).__name__} {value!r}\n".encode())

    add(payload)
    return hasher.hexdigest()
