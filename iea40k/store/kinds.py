"""What a folder is: a store, a release or neither, so that one named in place of the other is told from none at all."""

from collections.abc import Mapping
from pathlib import Path

_HEADS: Mapping[str, str] = {"store": "store.json", "release": "release.json"}
_WAYS_OUT = {
    (
        "release",
        "store",
    ): "cut a release from it with `iea40k release STORE OUT --version X.Y.Z` and name that",
    ("store", "release"): "name the store that this release was cut from; a release is never changed",
}


def mistaken(path: Path, wanted: str) -> tuple[str, str] | None:
    """Return (what the folder is instead, the way out) where "store" and "release" were mixed up, else None."""
    other = "store" if wanted == "release" else "release"
    if not (path / _HEADS[other]).is_file():
        return None
    return f"this is a {other}, not a {wanted}", _WAYS_OUT[wanted, other]
