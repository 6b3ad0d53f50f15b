"""Recipes: how an artefact was made, in a form whose digest is the same on every machine.

A recipe is a JSON object of parameters, versions and input digests. Same inputs + same recipe = same bytes.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

Recipe = Mapping[str, Any]

_ROUNDING = 12  # significant digits of a float in a recipe: more would differ between math libraries
_AS_THEY_ARE = (str, int, bool, type(None))
_ENCODE = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def without_nan(value: Any) -> Any:
    """Return JSON-able data with None for every number that JSON cannot hold: NaN and the infinities."""
    if isinstance(value, Mapping):
        return {key: without_nan(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def canonical_json(value: Any) -> str:
    """Return `value` as JSON with sorted keys, no spaces, and floats rounded to 12 significant digits."""
    return _ENCODE(_plain(value))


def digest(value: Any) -> str:
    """Return the sha256 (64 hex digits) of `canonical_json(value)`."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def versions(*packages: str) -> dict[str, str]:
    """Return the installed version of each distribution, `"absent"` where it is not installed."""
    return {name: _version(name) for name in sorted(packages)}


@cache  # parsing the metadata of a package takes milliseconds, and every scene asks for seven
def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"


def _plain(value: Any) -> Any:
    if type(value) in _AS_THEY_ARE:  # most are, and asking for a Mapping is slow
        return value
    if type(value) is float:
        return float(f"{value:.{_ROUNDING}g}")
    if isinstance(value, Mapping):
        return {str(key): item if type(item) in _AS_THEY_ARE else _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, str):
        return value
    if hasattr(value, "tolist"):  # numpy scalars and arrays
        return _plain(value.tolist())
    if isinstance(value, float):  # a class of somebody's own
        return float(f"{value:.{_ROUNDING}g}")
    if isinstance(value, int):
        return value
    return str(value)
