"""Weights as an ONNX file that any runtime takes, checked against PyTorch before it is kept."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from iea40k.errors import AlreadyExistsError, BadInputError
from iea40k.extras import require
from iea40k.files import AnyPath, write_file_with
from iea40k.model.networks import describe
from iea40k.model.networks.curve_net import CurveNet
from iea40k.model.networks.p_ieanet import SMALLEST
from iea40k.model.networks.plain import PlainNetwork
from iea40k.model.networks.plain_graphs import UNSAYABLE, PlainGraph
from iea40k.model.onnx_weights import FORMAT, HEADER, load_onnx
from iea40k.model.weights import Weights
from iea40k.recipe import canonical_json

OPSET = 17

LARGEST_DIFFERENCE = 1e-4
"""In residual, between PyTorch and ONNX Runtime, beyond which a file is not written."""

_SIZES = ((32, 32), (77, 200), (300, 256))


@dataclass(frozen=True)
class Exported:
    """What was written: the file, its bytes, and the largest difference to PyTorch that was met."""

    path: Path
    size: int
    difference: float


def export_onnx(weights: Weights, path: AnyPath) -> Exported:
    """Write weights as ONNX with height and width free (fixed for networks of one size), whole or not at all.

    Raises `AlreadyExistsError` for a file that is there, `BadInputError` for a network that ONNX cannot say or whose
    map would differ by more than 1e-4 from PyTorch's at any of three sizes.
    """
    require("onnx", "trainer")
    require("onnxruntime", "curator")
    path = Path(path)
    if path.suffix.lower() != ".onnx":
        raise BadInputError("ONNX weights are one file", where=path, expected="a name that ends in .onnx")
    if path.exists():
        raise AlreadyExistsError("there is a file of this name", where=path)
    found: list[float] = []

    def write(temporary: Path) -> None:
        _write(weights, temporary)
        found.append(_difference(weights, temporary))
        if not found[0] <= LARGEST_DIFFERENCE:
            raise BadInputError(
                "the ONNX file would not say what the weights say",
                where=path,
                expected=f"maps equal to {LARGEST_DIFFERENCE:g}",
                got=f"{found[0]:.2g}",
            )

    write_file_with(path, write)
    return Exported(path, path.stat().st_size, found[0])


class _Whole(nn.Module):
    """A network that says everything it can: the residual, and the scale where it has one."""

    def __init__(self, network: nn.Module, scale: bool) -> None:
        super().__init__()
        self.network, self.scale = network, scale

    def forward(self, image: Tensor) -> Tensor:
        out: Tensor = self.network(image, scale=True) if self.scale else self.network(image)
        return out


def _whole(weights: Weights) -> nn.Module:
    return _Whole(weights.network, describe(weights.name).has_scale).eval()


def _graph(weights: Weights) -> nn.Module:
    """Return what is traced: the network, or of a baseline, which is NumPy, the same of plain operations."""
    if not isinstance(weights.network, PlainNetwork):
        return _whole(weights)
    if weights.name in UNSAYABLE:
        raise BadInputError(
            f"{weights.name} cannot be said in ONNX",
            expected="another baseline, or a network",
            got=UNSAYABLE[weights.name],
            remedy="predict with the weights themselves",
        )
    return PlainGraph(weights.network).eval()


def _write(weights: Weights, path: Path) -> None:
    import onnx

    known = describe(weights.name)
    side = known.fixed_side
    free = None if side else {name: {2: "height", 3: "width"} for name in ("image", "residual")}
    image = torch.rand((1, 3, side or 80, side or 112), generator=torch.Generator().manual_seed(0))
    graph = _graph(weights)
    with torch.inference_mode():
        weights.network(image)  # what it has to say itself, such as that it was not fitted, is said here
    try:
        with warnings.catch_warnings(), _without_fused_layers():
            # The tracing exporter is deprecated for one that needs another package and minutes, and says the same.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                graph, (image,), str(path), dynamo=False, dynamic_axes=free, opset_version=OPSET,
                input_names=["image"], output_names=["residual"],
            )  # fmt: skip
        model = onnx.load(str(path))
    except Exception as error:  # the exporter raises whatever it meets
        raise BadInputError(
            f"{weights.name} cannot be said in ONNX",
            expected="a network of operations that the exporter of PyTorch knows",
            got=str(error).partition("\n")[0][:200] or type(error).__name__,
        ) from error
    header: dict[str, Any] = {
        "format": FORMAT,
        "network": weights.name,
        "config": dict(weights.config),
        "facts": dict(weights.facts),
        "fixed_side": side,
        # What is smaller is enlarged, as PyTorch's predictions do; these two are shown any picture as it is.
        "smallest": 1
        if isinstance(weights.network, CurveNet | PlainNetwork)
        else max(SMALLEST, known.smallest),
        "sees_whole": known.sees_whole,
        "has_scale": known.has_scale,
    }
    onnx.helper.set_model_props(model, {HEADER: canonical_json(header)})
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString(deterministic=True))


@contextmanager
def _without_fused_layers() -> Iterator[None]:
    """Let attention be traced as plain operations: PyTorch's fused layer is none that ONNX has."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


@torch.inference_mode()
def _difference(weights: Weights, path: Path) -> float:
    loaded = load_onnx(path)
    generator = torch.Generator().manual_seed(1)
    worst = 0.0
    side = loaded.fixed_side
    for size in ((side, side),) if side else _SIZES:
        image = torch.rand((1, 3, *size), generator=generator)
        wanted = _whole(weights)(image).numpy()
        got = loaded.session.run(None, {"image": image.numpy()})[0]
        worst = max(worst, float(np.abs(wanted - got).max())) if wanted.shape == got.shape else float("inf")
    return worst
