"""Weights for predictions, whatever runs them: PyTorch, or ONNX Runtime where PyTorch is not wanted."""

from importlib.resources import files as package_files
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from iea40k.extras import require
from iea40k.model.onnx_weights import OnnxWeights, load_onnx

if TYPE_CHECKING:
    from iea40k.model.weights import Weights

AnyWeights: TypeAlias = "Weights | OnnxWeights"
"""What predicts."""


def load_predictor(weights: str | Path) -> AnyWeights:
    """Load an `.onnx`, which needs no PyTorch, or whatever `iea40k.model.weights.load_weights` loads.

    A shipped name is taken from its ONNX file where PyTorch is not installed and there is one.
    """
    if Path(weights).suffix.lower() == ".onnx":
        return load_onnx(weights)
    shipped = Path(str(package_files("iea40k.model"))) / "shipped" / f"{weights}.onnx"
    if find_spec("torch") is None and shipped.is_file():
        return load_onnx(shipped)
    require("torch", "trainer")
    from iea40k.model.weights import load_weights

    return load_weights(weights)


def pick_place(weights: AnyWeights, device: str) -> str:
    """Return the device on which weights run: that of `iea40k.model.devices.pick_device`, or "cpu" for ONNX."""
    if isinstance(weights, OnnxWeights):
        return "cpu"
    from iea40k.model.devices import pick_device

    return pick_device(device)
