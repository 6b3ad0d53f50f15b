"""What a run leaves behind besides weights: its configuration, its history, TensorBoard events and heat maps."""

import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iea40k.errors import CorruptDataError
from iea40k.files import AnyPath, write_atomic
from iea40k.recipe import versions, without_nan
from iea40k.render import heatmap
from iea40k.texts import parse_json

Teller = Callable[[str], None]
"""Receives a line of progress."""


class Record:
    """Writes into a run's folder: `run.json`, `history.jsonl`, `events/` (TensorBoard), `heatmaps/`.

    A resumed run drops the entries of the history after the step it resumes from, so that no step is told twice.
    """

    def __init__(self, folder: Path, facts: Mapping[str, Any], from_step: int) -> None:
        from torch.utils.tensorboard import (
            SummaryWriter,  # imports slowly; only the recording process needs it
        )

        self.folder = folder
        told = {
            **facts,
            "versions": versions("iea40k", "torch", "numpy", "safetensors"),
            "python": sys.version,
        }
        write_atomic(folder / "run.json", json.dumps(told, indent=1) + "\n")
        self.history = [e for e in read_history(folder) if e["step"] <= from_step]
        self._write_history()
        self._events = SummaryWriter(str(folder / "events"), purge_step=from_step + 1 if from_step else None)

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Tell TensorBoard."""
        for name, value in values.items():
            self._events.add_scalar(name, value, step)

    def epoch(self, entry: dict[str, Any]) -> None:
        """Add an entry to the history; `entry` has a `step`."""
        self.history.append(entry)
        self._write_history()
        self.scalars(
            entry["step"], {k: v for k, v in entry.items() if isinstance(v, float) and np.isfinite(v)}
        )

    def picture(self, step: int, name: str, image: NDArray[np.uint8], label: Any, prediction: Any) -> None:
        """Save image, label and prediction side by side; maps as (h, w) float32 heat maps of fixed scale."""
        import cv2

        strip = np.concatenate([image, heatmap(label), heatmap(prediction)], axis=1)
        self._events.add_image(name, strip, step, dataformats="HWC")
        ok, data = cv2.imencode(".png", strip[..., ::-1])
        if ok:
            write_atomic(self.folder / "heatmaps" / f"{name}.png", data.tobytes())

    def close(self) -> None:
        """Flush everything."""
        self._events.close()

    def _write_history(self) -> None:
        text = "".join(json.dumps(without_nan(entry)) + "\n" for entry in self.history)
        write_atomic(self.folder / "history.jsonl", text)


def read_history(folder: AnyPath) -> list[dict[str, Any]]:
    """Return the entries of a run's history, one an epoch; empty where there is none."""
    folder = Path(folder)
    file = folder / "history.jsonl"
    if not file.is_file():
        return []
    try:
        return [parse_json(line) for line in file.read_text(encoding="utf-8").splitlines()]
    except ValueError as error:
        raise CorruptDataError("the run's history cannot be read", where=file, got=str(error)) from error


class Clock:
    """Speed and time to go, from the steps of this process alone."""

    def __init__(self, done: int, total: int) -> None:
        self.began, self.first, self.total = time.monotonic(), done, total

    def to_go(self, done: int) -> float:
        """Return the seconds left, NaN before the first step."""
        steps = done - self.first
        return (time.monotonic() - self.began) / steps * (self.total - done) if steps else float("nan")


def duration(seconds: float) -> str:
    """Return "1 h 02 min", "3 min 20 s" or "12 s"."""
    if not np.isfinite(seconds):
        return "?"
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 60} min {whole % 60:02d} s" if whole >= 60 else f"{whole} s"
