"""What a run is given and what it gives, however its network learns."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iea40k.model.data import Samples

WEIGHTS, CONFIG = "best.safetensors", "config.yaml"


@dataclass(frozen=True)
class TrainingData:
    """Samples to learn from and to validate on, and what they are: `identity` (release digest, split) and words."""

    train: Samples
    valid: Samples
    identity: Mapping[str, Any]
    described: str


@dataclass(frozen=True)
class Trained:
    """The outcome of a run: its best weights, the mean absolute error they reached in validation, and when."""

    weights: Path
    mae: float
    epoch: int
    steps: int
    seconds: float
