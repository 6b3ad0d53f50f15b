"""What a folder is: a store, a release or neither, so that one named in place of the other is told from none at all."""

from collections.abc import Mapping
from pathlib import Path

from iea40k.errors import NotThereError

LEDGER_FILE = "ledger.sqlite"
"""The ledger of a store that has no server for it."""
SEALS_FILE = "ledger.seals"
"""The seals of a store's ledger, wherever the ledger is: see `iea40k.store.ledger.seals`."""

_HEADS: Mapping[str, str] = {"store": "store.json", "release": "release.json"}
_WAYS_OUT = {
    (
        "release",
        "store",
    ): "cut a release from it with `iea40k release STORE OUT --version X.Y.Z` and name that",
    ("store", "release"): "name the store that this release was cut from; a release is never changed",
}


_PARTS = ("SHA256SUMS", "arrays")
_NOT_WHOLE = (
    "this copy of a release is not whole: release.json, which is written last, is missing",
    "copy the release again; `iea40k fetch release ADDRESS -o FOLDER` goes on where it was stopped",
)


def mistaken(path: Path, wanted: str) -> tuple[str, str] | None:
    """Return (what the folder is instead, the way out), None where nothing is known of it.

    It may be a store where a release is wanted, or the other way round; or what an interrupted copy of one left.
    """
    other = "store" if wanted == "release" else "release"
    if not (path / _HEADS[other]).is_file():
        cut_off = kind_of(path) is None and any((path / part).exists() for part in _PARTS)
        return _NOT_WHOLE if wanted == "release" and cut_off else None
    return f"this is a {other}, not a {wanted}", _WAYS_OUT[wanted, other]


def kind_of(path: Path) -> str | None:
    """Return "store" or "release", or None where the folder is neither."""
    return next((kind for kind, head in _HEADS.items() if (path / head).is_file()), None)


def neither(path: Path) -> NotThereError:
    """Return the error for a folder that is no release and no store."""
    what, remedy = mistaken(path, "release") or ("there is neither a release nor a store here", "")
    expected = f"a folder with {_HEADS['release']} or {_HEADS['store']}"
    return NotThereError(what, where=path, expected=expected, remedy=remedy or None)


def refuse_mistaken(path: Path, wanted: str) -> None:
    """Raise `NotThereError` where the folder is a release and a store is wanted, or the other way round."""
    found = mistaken(path, wanted)
    if found is not None:
        raise NotThereError(found[0], where=path, remedy=found[1])
