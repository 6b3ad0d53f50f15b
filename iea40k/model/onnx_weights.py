"""Weights as ONNX files, run by ONNX Runtime: predictions without PyTorch.

A file is what `iea40k export WEIGHTS --format onnx` wrote: a graph from `image` (1, 3, H, W) RGB in [0, 1] to
`residual` (1, 1, H, W), with a scale as second channel where the network has one; and under the metadata key
"iea40k" the JSON object that says what it is.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import EncodedRGB, Residual
from iea40k.errors import BadInputError
from iea40k.extras import require
from iea40k.files import AnyPath

HEADER = "iea40k"

FORMAT = 1
"""Version of what the header says, of ONNX files and of safetensors; another is refused."""

MOST_PIXELS = 1 << 23
"""Pixels of a picture that the graph sees at once; a larger one is shrunk for it, and its map enlarged."""


@dataclass(frozen=True, eq=False)
class OnnxWeights:
    """A network as an ONNX file; `smallest`, `fixed_side`, `sees_whole` as of `iea40k.model.networks.Network`.

    It may stand wherever predictions are made with `iea40k.model.weights.Weights`, and cannot be trained.
    """

    path: Path
    session: Any
    name: str
    config: Mapping[str, Any]
    facts: Mapping[str, Any] = field(default_factory=dict)
    fixed_side: int | None = None
    smallest: int = 32
    sees_whole: bool = False
    has_scale: bool = False

    def __reduce__(self) -> tuple[Any, ...]:
        return load_onnx, (self.path,)  # another process opens the file again

    def residual(self, image: EncodedRGB, *, native: bool = False, side: int | None = None) -> Residual:
        """Return the residual (H, W) of a picture (H, W, 3) uint8.

        `side` lets the network see a square of that side; networks of one fixed size always do. `native`: the map of
        such a square as it is.
        """
        found: Residual = self._run(image, native, side)[0]
        return found

    def with_scale(self, image: EncodedRGB) -> tuple[Residual, NDArray[np.float32]] | None:
        """Return the residual and the scale of its Laplace distribution, both (H, W); None where there is none."""
        if not self.has_scale:
            return None
        found = self._run(image, False, None)
        return found[0], found[1]

    def _run(self, image: EncodedRGB, native: bool, side: int | None) -> NDArray[np.float32]:
        height, width = image.shape[:2]
        side = side if self.fixed_side is None else self.fixed_side
        size = (side, side) if side is not None else self._seen(height, width)
        # Squares are made as the networks' authors made them, without means over areas.
        seen = _resized(image.astype(np.float32) / np.float32(255), size, side is not None)
        tensor = np.ascontiguousarray(seen.transpose(2, 0, 1)[None])
        found: NDArray[np.float32] = self.session.run(None, {"image": tensor})[0][0]
        if (native and side is not None) or found.shape[1:] == (height, width):
            return found
        return np.stack([_resized(part, (height, width), True) for part in found])

    def _seen(self, height: int, width: int) -> tuple[int, int]:
        factor = max(1.0, self.smallest / min(height, width))
        if factor == 1.0:
            factor = min(1.0, (MOST_PIXELS / (height * width)) ** 0.5)
        return max(self.smallest, round(height * factor)), max(self.smallest, round(width * factor))


def load_onnx(path: AnyPath) -> OnnxWeights:
    """Load what `iea40k export --format onnx` wrote.

    Raises `BadInputError` for a file that is no ONNX, that holds another project's network, or another format version;
    `MissingExtraError` without ONNX Runtime.
    """
    require("onnxruntime", "curator")
    import onnxruntime

    path = Path(path)
    if not path.is_file():
        raise BadInputError("there are no such weights", where=path, expected="an .onnx file")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors share no base class of their own
        raise BadInputError(
            "the file cannot be run as ONNX",
            where=path,
            got=str(error).partition("\n")[0][:200],
            remedy="export it again: iea40k export WEIGHTS OUT --format onnx",
        ) from error
    text = session.get_modelmeta().custom_metadata_map.get(HEADER)
    if text is None:
        inputs = ", ".join(f"{i.name} {i.shape}" for i in session.get_inputs())
        raise BadInputError(
            "the ONNX file holds another network: it does not say that it maps a picture to its residual",
            where=path,
            expected=f"metadata '{HEADER}', as `iea40k export WEIGHTS OUT --format onnx` writes it",
            got=f"inputs {inputs}"[:200],
        )
    header = checked_header(text, path)
    _check_graph(session, path)
    known = ("name", "config", "facts", "fixed_side", "smallest", "sees_whole", "has_scale")
    parts = {key: value for key, value in {**header, "name": header["network"]}.items() if key in known}
    return OnnxWeights(path, session, **parts)


def _check_graph(session: Any, path: Path) -> None:
    """Raise `BadInputError` where a graph is not the one that its header promises."""
    sides = [
        [(side.name, len(side.shape), side.type) for side in found]
        for found in (session.get_inputs(), session.get_outputs())
    ]
    wanted = [[("image", 4, "tensor(float)")], [("residual", 4, "tensor(float)")]]
    if sides != wanted:
        raise BadInputError(
            "the graph of the ONNX file is not what its header says",
            where=path,
            expected="image (1, 3, height, width) to residual (1, 1 or 2, height, width), both float32",
            got=", ".join(f"{name} of {rank} axes, {kind}" for part in sides for name, rank, kind in part)[
                :200
            ],
            remedy="export it again: iea40k export WEIGHTS OUT --format onnx",
        )


def checked_header(text: str, path: Path) -> dict[str, Any]:
    """Return the JSON object of a weights file. Raises `BadInputError` for another format version, or no object."""
    try:
        header = json.loads(text)
        header["network"]
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise BadInputError(
            "the file's header is not what weights say of themselves",
            where=path,
            expected="a JSON object with network, config and facts",
            got=text[:80],
        ) from error
    check_version(header, path)
    found: dict[str, Any] = header
    return found


def check_version(header: Mapping[str, Any], path: Path) -> None:
    """Raise `BadInputError` where a weights file's header is of another format version; old ones do not say it."""
    version = header.get("format", 1)
    if version != FORMAT:
        raise BadInputError(
            "the weights are of another format version",
            where=path,
            expected=f"format {FORMAT}",
            got=f"format {version} of {header['network']}",
            remedy="use the version of iea40k that wrote them, or newer",
        )


def _resized(values: NDArray[np.float32], size: tuple[int, int], bilinear: bool) -> NDArray[np.float32]:
    if values.shape[:2] == size:
        return values
    way = cv2.INTER_LINEAR if bilinear or size[0] > values.shape[0] else cv2.INTER_AREA
    found: NDArray[np.float32] = cv2.resize(values, size[::-1], interpolation=way)
    return found
