"""What is measured: a registered network that learns on each split, weights as they are, or a folder of pictures."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from iea40k.develop import PICTURE_SUFFIXES
from iea40k.errors import BadInputError
from iea40k.files import sha256_file
from iea40k.model.networks import describe, full_config, names
from iea40k.model.training.config import TrainingConfig, load_config
from iea40k.model.weights import shipped_weights
from iea40k.recipe import digest

Kind = Literal["learns", "weights", "enhanced"]

SHIPPED = "shipped:"
SLOW = ("wavelet_net", "p_ieanet_m")
"""Networks that are left out where no models are named: on a processor they train for hours."""

_WEIGHTS = (".safetensors", ".pth", ".pt", ".onnx")


@dataclass(frozen=True)
class Contender:
    """One row of the table. `target` is a network's name, weights, or a folder, by `kind`."""

    label: str
    kind: Kind
    target: str

    @property
    def folder(self) -> str:
        """The name of its folder below `models`."""
        return re.sub(r"[^A-Za-z0-9._-]+", "_", self.label).strip("_.") or "model"

    def identity(self, config: TrainingConfig | None) -> str:
        """Return a digest of what decides its figures, besides the release and the split."""
        if self.kind == "learns" and config is not None:
            facts: Mapping[str, Any] = {
                "network": full_config(self.target, config.network_config),
                "training": config.model_dump(mode="json"),
            }
        elif self.kind == "weights":
            path = Path(self.target)
            facts = {"weights": sha256_file(path) if path.is_file() else self.target}
        else:
            files = sorted(p for p in Path(self.target).iterdir() if p.suffix.lower() in PICTURE_SUFFIXES)
            facts = {"pictures": [[p.name, p.stat().st_size, p.stat().st_mtime_ns] for p in files]}
        return digest({"kind": self.kind, "target": self.target, **facts})


def default_models() -> tuple[str, ...]:
    """Return the models that are measured where none are named: all that are registered but `SLOW`, all shipped."""
    return (*(n for n in names() if n not in SLOW), *(SHIPPED + name for name in shipped_weights()))


def contender_of(text: str) -> Contender:
    """Return what a person means by NAME, shipped:NAME, a file of weights, a folder, or LABEL=one of these.

    Raises `BadInputError` for what is none of them.
    """
    label, equals, target = text.partition("=")
    if not equals:
        label, target = "", text
    path = Path(target)
    if target.startswith(SHIPPED):
        name = target.removeprefix(SHIPPED)
        if name not in shipped_weights():
            raise BadInputError(
                "there are no such shipped weights", expected=", ".join(shipped_weights()), got=name
            )
        return Contender(label or f"{name}, shipped", "weights", name)
    if path.is_dir():
        return Contender(label or path.name, "enhanced", target)
    if path.is_file() and path.suffix.lower() in _WEIGHTS:
        return Contender(label or path.stem, "weights", target)
    if target in names():
        return Contender(label or target, "learns", target)
    raise BadInputError(
        "there is no such model",
        expected=f"{', '.join(names())}, shipped:NAME, a file of weights, or a folder of enhanced pictures",
        got=target,
        remedy="LABEL=MODEL gives it another name in the table",
    )


def check_labels(contenders: list[Contender]) -> None:
    """Raise `BadInputError` where two contenders would share a row or a folder."""
    seen: dict[str, str] = {}
    for contender in contenders:
        key = contender.folder.casefold()
        if key in seen:
            raise BadInputError(
                "two models have one name",
                got=f"{seen[key]} and {contender.label}",
                remedy="LABEL=MODEL gives one of them another",
            )
        seen[key] = contender.label


def training_of(
    contender: Contender, split: str, file: str | None, settings: tuple[str, ...]
) -> TrainingConfig:
    """Return how a network learns on a split: the common configuration, suited to what the network sees.

    A setting "MODEL:KEY=VALUE" is for the model of that label alone. Networks of one size see whole pictures as squares
    of it; those that look at whole pictures see them zoomed to squares.
    """
    network = describe(contender.target)
    own = []
    for setting in settings:
        model, colon, rest = setting.partition(":")
        if colon and "=" not in model:
            own += [rest] if model == contender.label else []
        else:
            own.append(setting)
    changes: dict[str, Any] = {"network": contender.target}
    config = load_config(file, changes)
    suited: dict[str, Any] = {"split": split}
    if network.fixed_side is not None:
        suited |= {"view": "official", "size": network.fixed_side}
    elif network.sees_whole:
        suited |= {"view": "zoom"}
    data = config.data.model_dump(mode="json") | suited
    return load_config(file, changes | {"data": data}, own)


def check_settings(settings: tuple[str, ...], contenders: list[Contender]) -> None:
    """Raise `BadInputError` for a setting of a model that is not measured."""
    labels = [c.label for c in contenders if c.kind == "learns"]
    for setting in settings:
        model, colon, _ = setting.partition(":")
        if colon and "=" not in model and model not in labels:
            raise BadInputError(
                "a setting for a model that does not learn here",
                expected=f"one of {', '.join(labels)}" if labels else "no setting",
                got=setting,
            )
