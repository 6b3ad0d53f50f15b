"""Which kind of sitting: at the queue, in review, or only looking."""

from pathlib import Path

from annotator.session import Session
from iea40k.errors import BadInputError

MODES = ("annotate", "review", "look only")


def sit_down(
    place: Path, annotator: str, *, ledger_url: str | None = None, mode: str = "annotate"
) -> Session:
    """Open a sitting at the store (or, to look only, the release) in folder `place`.

    Raises `BadInputError` for a mode that there is not, `StoreError` where there is no store, `LedgerError` where the
    ledger refuses.
    """
    if mode not in MODES:
        raise BadInputError("no such mode", expected=", ".join(MODES), got=mode)
    return Session.open(place, annotator, ledger_url=ledger_url)
