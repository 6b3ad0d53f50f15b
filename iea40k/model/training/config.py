"""The configuration of a training run, as YAML: an unknown key or an impossible value is an error."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from iea40k.errors import ConfigError
from iea40k.shipped import Shipped
from iea40k.texts import parse_yaml

_SHIPPED = Shipped("manifests", "training", ".yaml", "a YAML file", "there is no such configuration")

Count = Annotated[int, Field(ge=1)]
Factor = Annotated[float, Field(ge=0)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class VariationConfig(_Strict):
    """See `iea40k.model.training.variation`: how far images, with their labels, are varied. 0 = not at all."""

    stops: Factor = 0.0
    contrast: Factor = 0.0
    colour: Factor = 0.0
    saturation: Annotated[float, Field(ge=0, le=1)] = 0.0


class RenderConfig(_Strict):
    """See `iea40k.model.data.rendering.Rendering`: references shown as captures that they could have come from."""

    stops: Factor = 5.0
    plain: Annotated[float, Field(ge=0, le=1)] = 0.5
    whole: Annotated[float, Field(ge=0, le=1)] = 0.0
    dull: Annotated[float, Field(ge=0, le=1)] = 0.2
    captured_stops: Factor = 0.7

    @model_validator(mode="after")
    def _shares(self) -> Self:
        if self.plain + self.dull > 1:
            raise ValueError("plain and dull are shares of all pictures: together 1 at most")
        return self


class DataConfig(_Strict):
    """Which images, and how they are shown. `spread_scale`: the uncertainty (luma) that halves a weight.

    `per_scene`: at most so many images of a scene in an epoch, drawn anew for each epoch.
    """

    split: str = "split_0"
    train_part: str = "train"
    valid_part: str = "valid"
    view: Literal["random", "centre", "official", "zoom"] = "random"
    size: Annotated[int, Field(ge=32)] = 256
    flips: bool = True
    vary: VariationConfig = VariationConfig()
    render: RenderConfig | None = None
    per_scene: Count | None = None
    spread_scale: Annotated[float, Field(gt=0)] | None = 0.1
    cache: Literal["auto", "memory", "none"] = "auto"
    workers: Annotated[int, Field(ge=0)] = 0
    levels: tuple[str, ...] = ()


class OptimizerConfig(_Strict):
    """`schedule`: "paper" multiplies the rate by 0.1 every `decay_epochs`; "cosine" warms up, then falls to 1 %."""

    name: Literal["adam", "adamw"] = "adamw"
    rate: Annotated[float, Field(gt=0)] = 2e-3
    weight_decay: Factor = 0.01
    schedule: Literal["paper", "cosine"] = "cosine"
    warmup_steps: Annotated[int, Field(ge=0)] = 100
    decay_epochs: Count = 10
    clip: Factor = 1.0


class LossesConfig(_Strict):
    """See `iea40k.model.losses.LossConfig`; `scale` is for networks that also say how far they may be off.

    `every` n: of `scale`, and of the map with it, only each n-th pixel of rows and columns is compared. The network
    sees all of them. `rungs`: factor of how badly a network with a ladder tells which rung a picture is.
    """

    kind: Literal["l1", "l2", "smooth_l1"] = "l1"
    ssim: Factor = 0.0
    gradient: Factor = 0.0
    scale: Factor = 0.0
    every: Count = 1
    rungs: Factor = 0.0


class FiguresConfig(_Strict):
    """See `iea40k.model.training.figures`: how often each finished photograph and each real capture is shown.

    `pixels`: of each picture and step so many are compared.
    """

    renderings: Count = 50
    captures: Count = 32
    pixels: Count = 256


class TrainingConfig(_Strict):
    """Everything that decides a run, given a release and the number of processes.

    `start`: weights to begin from, a file or a shipped name, of the same network; parts that they lack are new.
    `learn`: names that parameters begin with; only those learn. Empty: all.
    `figures`: the parts in `learn` read figures of pictures alone, and learn from figures that are made once.
    """

    network: str = "p_ieanet"
    network_config: dict[str, Any] = Field(default_factory=dict)
    start: str | None = None
    learn: tuple[str, ...] = ()
    data: DataConfig = DataConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    loss: LossesConfig = LossesConfig()
    figures: FiguresConfig | None = None
    seed: int = 0
    batch: Count = 16
    accumulate: Count = 1
    epochs: Count = 30
    max_steps: Count | None = None
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.998
    patience: Count | None = None
    validate_every: Count = 1
    valid_images: Count | None = None
    checkpoint_minutes: Annotated[float, Field(gt=0)] = 5.0
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    compile: bool = False
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: Count | None = None
    pictures: Annotated[int, Field(ge=0)] = 4
    licence: str = "Apache-2.0"

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        if self.batch % self.accumulate:
            raise ValueError("batch must be a multiple of accumulate, into which it is divided")
        return self

    @model_validator(mode="after")
    def _warmup_fits(self) -> Self:
        if self.max_steps is not None and self.optimizer.warmup_steps >= self.max_steps:
            raise ValueError("optimizer.warmup_steps must be fewer than max_steps")
        return self


def load_config(
    file: str | Path | None, changes: dict[str, Any] | None = None, settings: Sequence[str] = ()
) -> TrainingConfig:
    """Read a configuration file, or a shipped one by name ("paper"), or the defaults (None), and apply `changes`.

    `settings` are applied last: "data.size=128", "levels=[P0, P1]"; their values are YAML, keys those of the file.
    Raises `ConfigError` that names every fault.
    """
    raw: Any = {} if file is None else _read(_SHIPPED.find(file))
    if not isinstance(raw, dict):
        raise ConfigError("not a training configuration", where=file, expected="a mapping", got=str(raw)[:40])
    raw = {**raw, **(changes or {})}
    for setting in settings:
        raw = _with(raw, setting)
    try:
        return TrainingConfig.model_validate(raw)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors())
        raise ConfigError(
            "the training configuration has faults", where=file, got=faults, remedy="see docs/training.md"
        ) from error


def dump_config(config: TrainingConfig) -> str:
    """Return a configuration as YAML with every key, so that a run can be repeated from it."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)


def shipped_configs() -> tuple[str, ...]:
    """Return the names of the configurations that come with the package."""
    return _SHIPPED.names()


def _with(raw: dict[str, Any], setting: str) -> dict[str, Any]:
    """Return the configuration with one setting "a.b=value" applied."""
    key, equals, text = setting.partition("=")
    if not equals or not all(key.split(".")):
        raise ConfigError("not a setting", expected="KEY=VALUE, such as data.size=128", got=setting)
    try:
        value = parse_yaml(text)
    except ValueError as error:
        raise ConfigError("the value is not YAML", where=key, got=text) from error
    return _put(raw, key.split("."), value)


def _put(raw: Any, keys: Sequence[str], value: Any) -> dict[str, Any]:
    table = raw if isinstance(raw, dict) else {}
    first, rest = keys[0], keys[1:]
    return {**table, first: _put(table.get(first), rest, value) if rest else value}


def _read(path: Path) -> Any:
    try:
        return parse_yaml(path.read_text(encoding="utf-8")) or {}
    except (OSError, ValueError) as error:
        raise ConfigError("the configuration cannot be read", where=path, got=str(error)) from error
