"""The learning rate as a pure function of the step: nothing to save, nothing to resume."""

import math

from iea40k.model.training.config import OptimizerConfig

FLOOR = 0.01
"""Where the cosine ends, as a share of the rate."""


def rate_at(step: int, steps_an_epoch: int, total_steps: int, config: OptimizerConfig) -> float:
    """Return the learning rate of optimizer step `step` (from 0) of `total_steps`."""
    if config.schedule == "paper":
        return config.rate * 0.1 ** (step // (steps_an_epoch * config.decay_epochs))
    if step < config.warmup_steps:
        return config.rate * (step + 1) / config.warmup_steps
    progress = (step - config.warmup_steps) / max(1, total_steps - 1 - config.warmup_steps)
    return config.rate * (FLOOR + (1 - FLOOR) * (1 + math.cos(math.pi * min(1.0, progress))) / 2)
