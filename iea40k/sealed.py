"""Small JSON files of our own that hold a digest of what they say, so that a bit that flipped is told.

    {"format": NAME, "version": 2, "sha256": 64 hex digits of the canonical JSON of all the rest, ...}

Version 1 of each format has no digest. Against whoever writes files on purpose this is no guard: they make the digest
fit again.
"""

import json
from collections.abc import Mapping
from typing import Any

from iea40k.recipe import digest
from iea40k.texts import parse_json

_SHA256 = "sha256"


def sealed_json(format_name: str, content: Mapping[str, Any]) -> str:
    """Return an object as the text of a file of a format, with its digest; `parse_sealed` reads it again."""
    whole = {**content, "format": format_name, "version": 2}
    return json.dumps({**whole, _SHA256: digest(whole)}, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def parse_sealed(format_name: str, data: bytes) -> dict[str, Any]:
    """Return the object of a file of a format.

    Raises `ValueError` where it is another format, an unknown version, or not what was written.
    """
    value = parse_json(data)
    if not isinstance(value, dict) or "format" not in value:
        raise ValueError("it names no format")
    if value["format"] != format_name or value.get("version") not in (1, 2):
        raise ValueError(f"format {value['format']}, version {value.get('version')}")
    if value["version"] == 2 and sealed_json(format_name, _content(value)).encode() != data:
        raise ValueError("it is not what was written: its digest does not fit")
    return _content(value)


def _content(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: part for key, part in value.items() if key not in ("format", "version", _SHA256)}
