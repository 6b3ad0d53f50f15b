"""Weights on disk: safetensors that say what they are, and the authors' released `.pth`.

A file holds the tensors and, in its header under "iea40k", a JSON object: `network`, `config`, `tensors_sha256` and
`facts` (metrics, release, licence, how it was trained). Loading needs nothing else.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from iea40k.errors import BadInputError, CorruptDataError, IEAError
from iea40k.files import AnyPath, write_file_with
from iea40k.model.networks import build, full_config
from iea40k.model.onnx_weights import FORMAT, HEADER, check_version
from iea40k.recipe import canonical_json, digest
from iea40k.shipped import Shipped
from iea40k.texts import parse_json

_SHIPPED = Shipped(
    "iea40k.model", "shipped", ".safetensors", "a .safetensors or .pth file", "there are no such weights"
)

_UEC_FACTS = {
    "licence": "non-commercial research, by its authors: for comparison, never to be shipped",
    "trained_on": "what its authors say of their weights; published with UEC (ECCV 2024)",
}


@dataclass(frozen=True)
class Weights:
    """A network with its weights, in evaluation mode on the CPU; its registered name, configuration, and facts."""

    network: nn.Module
    name: str
    config: Mapping[str, Any]
    facts: Mapping[str, Any] = field(default_factory=dict)


def save_weights(
    path: AnyPath, network: nn.Module, name: str, config: Mapping[str, Any], facts: Mapping[str, Any]
) -> None:
    """Write weights with all that is needed to use and to judge them, whole or not at all.

    `facts` must hold `licence` and `trained_on`; raises `BadInputError` otherwise.
    """
    path = Path(path)
    missing = {"licence", "trained_on"} - set(facts)
    if missing:
        raise BadInputError(
            "weights say under which licence and on what they were made", got=f"no {sorted(missing)}"
        )
    tensors = {key: value.detach().cpu().contiguous() for key, value in network.state_dict().items()}
    header = {
        "format": FORMAT,
        "network": name,
        "config": full_config(name, config),
        "tensors_sha256": _tensors_digest(tensors),
        "facts": dict(facts),
    }
    header["header_sha256"] = digest(header)
    write_file_with(path, lambda temporary: save_file(tensors, temporary, {HEADER: canonical_json(header)}))


def load_weights(weights: str | Path) -> Weights:
    """Load a `.safetensors` of ours, the published `.pth` of `wavelet_net` or `uec`, or shipped weights by name.

    Raises `BadInputError` for a missing file or a file of another kind, `CorruptDataError` where the tensors are not
    those that were written.
    """
    path = _SHIPPED.find(weights)
    if path.suffix.lower() == ".onnx":
        raise BadInputError(
            "weights of ONNX predict only",
            where=path,
            expected="a .safetensors or .pth file",
            remedy="use the weights that it was exported from",
        )
    return _load_pickled(path) if path.suffix.lower() in (".pth", ".pt") else _load_safetensors(path)


def shipped_weights() -> tuple[str, ...]:
    """Return the names of the weights that come with the package."""
    return _SHIPPED.names()


def residual_map(network: nn.Module, image: Tensor) -> Tensor:
    """Return the residual (B, 1, H, W) of RGB (B, 3, H, W) in [0, 1] for any network, at the image's own size.

    A network of one fixed size sees the image resized (bilinear, no antialiasing, as its authors did), and its map is
    resized back. Differentiable.
    """
    side = fixed_side(network)
    if side is None or tuple(image.shape[-2:]) == (side, side):
        out: Tensor = network(image)
        return out
    seen = F.interpolate(image, (side, side), mode="bilinear", align_corners=False)
    return F.interpolate(network(seen), tuple(image.shape[-2:]), mode="bilinear", align_corners=False)


def fixed_side(network: nn.Module) -> int | None:
    """Return the one height and width that a network takes, None where it takes any."""
    side = getattr(network, "fixed_side", None)
    return int(side) if side is not None else None


def _load_safetensors(path: Path) -> Weights:
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get(HEADER)
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (no mapping)
    except (SafetensorError, OSError, ValueError, RuntimeError, TypeError, OverflowError) as error:
        raise BadInputError("not a safetensors file", where=path, got=str(error)) from error
    if text is None:
        raise BadInputError(
            "the file does not say which network its tensors belong to",
            where=path,
            expected=f"a header '{HEADER}' with network and config",
            remedy="use weights that `iea40k train` wrote",
        )
    name, config, facts, tensors_digest = _parse_header(text, path)
    if _tensors_digest(tensors) != tensors_digest:
        raise CorruptDataError("the tensors are not those that were written", where=path)
    _refuse_other_tensors(name, config, tensors, path)
    network = build(name, config)
    _fill(network, tensors, path)
    return Weights(network.eval(), name, config, facts)


def _parse_header(text: str, path: Path) -> tuple[str, dict[str, Any], dict[str, Any], str]:
    """Return what a header says: the network's name, its configuration, the facts, the digest of its tensors."""
    kinds = {"network": str, "config": dict, "facts": dict, "tensors_sha256": str}
    try:
        header = parse_json(text)
        wrong = [key for key, kind in kinds.items() if not isinstance(header[key], kind)]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is {header[wrong[0]]!r}"[:200])
        check_version(header, path)
        said = header.pop("header_sha256", None)  # earlier versions wrote none
        if said is not None and said != digest(header):
            raise ValueError("it is not the one that was written")
    except (ValueError, KeyError, TypeError) as error:
        raise BadInputError(
            "the file's header does not say what the network is",
            where=path,
            expected=f"JSON under '{HEADER}' with {', '.join(kinds)}",
            got=str(error),
            remedy="use weights that `iea40k train` wrote",
        ) from error
    return header["network"], header["config"], header["facts"], header["tensors_sha256"]


def _refuse_other_tensors(
    name: str, config: Mapping[str, Any], tensors: Mapping[str, Tensor], path: Path
) -> None:
    """Raise where the file's tensors are not the network's, before any memory is taken for the network."""
    try:
        with torch.device("meta"):
            shapes = {key: tuple(value.shape) for key, value in build(name, config).state_dict().items()}
    except IEAError:
        raise
    except Exception as error:  # a configuration can be wrong in as many ways as a network has numbers
        raise BadInputError(
            "the network that the file describes cannot be built", where=path, got=f"{name}: {error}"[:300]
        ) from error
    if shapes != {key: tuple(value.shape) for key, value in tensors.items()}:
        raise CorruptDataError("the tensors do not fit the network they name", where=path, got=name)


def _load_pickled(path: Path) -> Weights:
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged archives and pickles raise dozens of unrelated types
        raise BadInputError(
            "the file cannot be loaded safely",
            where=path,
            expected="a PyTorch file of tensors only",
            got=str(error).partition("\n")[0] or type(error).__name__,
            remedy="files that hold code are never run; ask for a safetensors file",
        ) from error
    tensors = _state_dict(loaded)
    uec = build("uec")
    own = {"reference": uec.state_dict()["reference"]}
    if {*tensors, *own} == set(uec.state_dict()):
        _fill(uec, {**tensors, **own}, path)
        return Weights(uec.eval(), "uec", full_config("uec"), dict(_UEC_FACTS))
    network = build("wavelet_net")
    if set(tensors) != set(network.state_dict()):
        raise BadInputError(
            "the tensors belong to no network that is known from a .pth",
            where=path,
            expected="the 472 tensor names of the released wavelet_net, or the 14 of uec",
            got=f"{len(tensors)} tensors, such as {', '.join(list(tensors)[:3])}",
            remedy="use a .safetensors file that `iea40k train` wrote",
        )
    _fill(network, tensors, path)
    facts = {
        "licence": "not stated by its authors",
        "trained_on": "IEA40K, by its authors; released with P-IEANet (NeurIPS 2024)",
    }
    return Weights(network.eval(), "wavelet_net", full_config("wavelet_net"), facts)


def _state_dict(loaded: Any) -> dict[str, Tensor]:
    """Return the tensors by name, from under "state_dict" and without the "module." of DataParallel."""
    if isinstance(loaded, dict) and isinstance(loaded.get("state_dict"), dict):
        loaded = loaded["state_dict"]
    if not isinstance(loaded, dict):
        return {}
    return {str(k).removeprefix("module."): v for k, v in loaded.items() if isinstance(v, Tensor)}


def _fill(network: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise CorruptDataError(
            "the tensors do not fit the network they name", where=path, got=str(error)
        ) from error


def _tensors_digest(tensors: Mapping[str, Tensor]) -> str:
    hasher = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        hasher.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        hasher.update(tensor.contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return hasher.hexdigest()
