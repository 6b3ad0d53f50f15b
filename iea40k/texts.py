"""JSON and YAML from anywhere: whatever is wrong with them is a `ValueError`, and none of them grows.

Parsers recurse where a text nests, and a YAML of a few lines can stand for millions of values, or for itself.
"""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

MOST_VALUES = 1_000_000
"""Values of a YAML file, at most, each counted as often as it is repeated."""
_DEEPEST = 100


def parse_json(text: str | bytes) -> Any:
    """Return what a JSON text says: numbers are finite, texts can be written again as UTF-8.

    Raises `ValueError` for what is no JSON (Python's parser takes NaN, infinities and half characters), and where it
    nests too deep.
    """
    if isinstance(text, bytes):
        text = text.decode(json.detect_encoding(text))
    try:
        value = json.loads(text, parse_constant=_finite, parse_float=_finite)
        if "\\ud" in text or "\\uD" in text:  # halves of a pair: fine where the other half follows
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("it nests too deep") from None
    return value


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no finite number")
    return number


def parse_yaml(text: str) -> Any:
    """Return what a YAML text says: plain values only. Raises `ValueError`, also where it is too deep or too much."""
    try:
        value = yaml.safe_load(text)
    except RecursionError:
        raise ValueError("it nests too deep") from None
    except (yaml.YAMLError, ArithmeticError, AttributeError, TypeError, LookupError) as error:
        raise ValueError(str(error)) from error  # some of its constructors let plain errors through
    waiting: list[tuple[Any, int]] = [(value, 0)]
    count = 0
    while waiting:
        one, depth = waiting.pop()
        count += 1
        if depth > _DEEPEST or count > MOST_VALUES:
            raise ValueError(
                "it nests too deep" if depth > _DEEPEST else f"it holds more than {MOST_VALUES} values"
            )
        parts: Iterable[Any] = (
            one.values() if isinstance(one, Mapping) else one if isinstance(one, list | set | tuple) else ()
        )
        waiting += [(part, depth + 1) for part in parts]
    return value
