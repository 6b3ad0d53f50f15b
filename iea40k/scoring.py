"""Scores from residual maps by a maker's own rules, as a criteria file (YAML) writes them.

A criteria file lists rules from top to bottom; the first whose conditions hold gives the score. A condition compares
one measure of one region with one bound:

- `under`, `over`, `either`: the share of the region's area whose residual is above `threshold`, below
  `-threshold`, or either
- `mean`: the mean |residual|; `bias`: the mean residual, + = dark on the whole, - = bright
- `region`: `all`, `background` (outside the mask), or the file's own region (inside the mask)

An unknown key, region or comparison is an error. Without a mask, conditions on the file's region read the whole
image and those on `background` are left out, and the verdict says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from iea40k.arrays import Residual, Validity
from iea40k.errors import ArrayError, BadInputError, ConfigError
from iea40k.shipped import Shipped
from iea40k.texts import parse_yaml

_SHIPPED = Shipped("manifests", "criteria", ".yaml", "a YAML file", "there is no such criteria file")

Measure = Literal["under", "over", "either", "mean", "bias"]
Share = Annotated[float, Field(ge=-1, le=1)]
Threshold = Annotated[float, Field(gt=0, lt=1)]

ALL, BACKGROUND = "all", "background"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Condition(_Strict):
    """`measure` of `region` compared with exactly one bound. `threshold` overrides the file's for this condition."""

    measure: Measure
    region: str = ALL
    threshold: Threshold | None = None
    below: Share | None = None
    at_most: Share | None = None
    above: Share | None = None
    at_least: Share | None = None

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        if len(self.bounds()) != 1:
            raise ValueError("a condition has exactly one of below, at_most, above, at_least")
        if self.threshold is not None and self.measure in ("mean", "bias"):
            raise ValueError(f"'{self.measure}' has no threshold: it is a mean, not an area")
        return self

    def bounds(self) -> dict[str, float]:
        """Return the comparisons that are set, by name."""
        named = {n: getattr(self, n) for n in ("below", "at_most", "above", "at_least")}
        return {n: float(v) for n, v in named.items() if v is not None}

    def holds(self, value: float) -> bool:
        """Return whether a measured value satisfies the bound."""
        name, bound = next(iter(self.bounds().items()))
        if name == "below":
            return value < bound
        if name == "at_most":
            return value <= bound
        return value > bound if name == "above" else value >= bound


class Rule(_Strict):
    """A score, why, and when: every condition of `all` and at least one of `any`."""

    score: Annotated[float, Field(ge=0, le=100)]
    because: str
    all: tuple[Condition, ...] = ()
    any: tuple[Condition, ...] = ()

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.all and not self.any:
            raise ValueError("a rule needs conditions under 'all' or 'any'; use 'otherwise' for the rest")
        return self

    def conditions(self) -> tuple[Condition, ...]:
        """Return every condition of the rule."""
        return self.all + self.any


class Otherwise(_Strict):
    """The score where no rule holds."""

    score: Annotated[float, Field(ge=0, le=100)]
    because: str


class Criteria(_Strict):
    """A criteria file. `region` names what the mask shows ("subject", "product", ...), None where no mask is used."""

    name: str
    source: str
    threshold: Threshold
    region: str | None = None
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]
    otherwise: Otherwise

    @model_validator(mode="after")
    def _known_regions(self) -> Self:
        known = {ALL} if self.region is None else {ALL, BACKGROUND, self.region}
        if self.region in (ALL, BACKGROUND):
            raise ValueError(f"'{self.region}' is a region of its own; name the mask's region otherwise")
        for rule in self.rules:
            for condition in rule.conditions():
                if condition.region not in known:
                    raise ValueError(f"region '{condition.region}' is not one of {sorted(known)}")
        return self


@dataclass(frozen=True)
class Verdict:
    """A score in 0 ... 100, the reason of the rule that gave it, its place (1 = first; 0 = otherwise), and the figures.

    `measured` maps "measure region@threshold" to its value for every condition that was looked at.
    """

    score: float
    because: str
    rule: int
    masked: bool
    measured: Mapping[str, float]


def load_criteria(file: str | Path) -> Criteria:
    """Read a criteria file, or one of the shipped ones by name (`portrait`). Raises `ConfigError` with every fault."""
    path = _SHIPPED.find(file)
    try:
        raw = parse_yaml(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError("the criteria file cannot be read", where=path, got=str(error)) from error
    if not isinstance(raw, dict):
        raise ConfigError("not a criteria file", where=path, expected="a mapping", got=type(raw).__name__)
    try:
        return Criteria.model_validate(raw)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise ConfigError(
            "the criteria file has faults",
            where=path,
            got=faults,
            remedy="see docs/criteria.md for the keys of a criteria file",
        ) from error


def shipped_criteria() -> tuple[str, ...]:
    """Return the names of the criteria files that come with the package."""
    return _SHIPPED.names()


def judge(residual: Residual, criteria: Criteria, mask: NDArray[np.bool_] | None = None) -> Verdict:
    """Return the verdict on a residual map (H, W), NaN = no data; `mask` (H, W) bool shows the file's region.

    Raises `ArrayError` where the mask has another size, or where a region that a rule reads has no valid pixel.

    >>> ideal = np.zeros((8, 8), np.float32)
    >>> judge(ideal, load_criteria("overall")).score, judge(ideal + 0.5, load_criteria("overall")).score
    (100.0, 0.0)
    """
    valid = ~np.isnan(residual)
    regions = _regions(valid, criteria, mask)
    measured: dict[str, float] = {}

    def holds(condition: Condition) -> bool:
        threshold = condition.threshold or criteria.threshold
        key = _key(condition, threshold)
        if key not in measured:
            measured[key] = _measure(residual, regions[condition.region], condition, threshold)
        return condition.holds(measured[key])

    for place, rule in enumerate(criteria.rules, start=1):
        must = [c for c in rule.all if c.region in regions]
        may = [c for c in rule.any if c.region in regions]
        applies = bool(must or may)
        if applies and all(map(holds, must)) and (not may or any(map(holds, may))):
            return Verdict(rule.score, rule.because, place, mask is not None, measured)
    last = criteria.otherwise
    return Verdict(last.score, last.because, 0, mask is not None, measured)


def _regions(
    valid: Validity, criteria: Criteria, mask: NDArray[np.bool_] | None
) -> dict[str, NDArray[np.bool_]]:
    regions = {ALL: valid}
    if mask is None:
        return regions if criteria.region is None else {**regions, criteria.region: valid}
    if mask.shape != valid.shape or mask.dtype != np.bool_:
        raise ArrayError(
            "the mask does not fit the residual",
            expected=f"bool {valid.shape}",
            got=f"{mask.dtype} {mask.shape}",
            remedy="draw the mask at the residual's size; white shows the region",
        )
    if criteria.region is None:
        raise BadInputError(f"the criteria '{criteria.name}' read no region, so a mask means nothing to them")
    return {**regions, criteria.region: valid & mask, BACKGROUND: valid & ~mask}


def _measure(residual: Residual, region: NDArray[np.bool_], condition: Condition, threshold: float) -> float:
    values = residual[region].astype(np.float64)
    if not values.size:
        raise ArrayError(
            f"the region '{condition.region}' has no pixel with data",
            remedy="check that the mask is white where the region is",
        )
    if condition.measure == "mean":
        return float(np.abs(values).mean())
    if condition.measure == "bias":
        return float(values.mean())
    under, over = values > threshold, values < -threshold
    chosen = {"under": under, "over": over, "either": under | over}[condition.measure]
    return float(chosen.mean())


def _key(condition: Condition, threshold: float) -> str:
    area = "" if condition.measure in ("mean", "bias") else f"@{threshold:g}"
    return f"{condition.measure} {condition.region}{area}"
