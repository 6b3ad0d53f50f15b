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


def mistaken(path: Path, wanted: str) -> tuple[str, str] | None:
    """Return (what the folder is instead, the way out) where "store" and "release" were mixed up, else None."""
    other = "store" if wanted == "release" else "release"
    if not (path / _HEADS[other]).is_file():
        return None
    return f"this is a {other}, not a {wanted}", _WAYS_OUT[wanted, other]


def kind_of(path: Path) -> str | None:
    """Return "store" or "release", or None where the folder is neither."""
    return next((kind for kind, head in _HEADS.items() if (path / head).is_file()), None)


def refuse_mistaken(path: Path, wanted: str) -> None:
    """Raise `NotThereError` where the folder is a release and a store is wanted, or the other way round."""
    found = mistaken(path, wanted)
    if found is not None:
        raise NotThereError(found[0], where=path, remedy=found[1])
