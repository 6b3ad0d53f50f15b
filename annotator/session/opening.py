"""Which kind of sitting: at the queue, in review, or only looking."""

from pathlib import Path

from annotator.session.review import Review
from annotator.session.session import Session
from annotator.session.viewing import Gallery, open_gallery
from annotator.shared.progress import Progress, silent
from iea40k.errors import BadInputError

Sitting = Session | Gallery
MODES = ("annotate", "review", "look only")


def sit_down(
    place: Path,
    annotator: str,
    *,
    ledger_url: str | None = None,
    mode: str = "annotate",
    desks: Path | None = None,
    progress: Progress = silent,
) -> Sitting:
    """Open a sitting at the store (or, to look only, the release) in folder `place`.

    Raises `BadInputError` for a mode that there is not, `StoreError` where there is no store, `LedgerError` where the
    ledger refuses. `desks` is where outboxes and settings are kept, by default the user's data folder;
    `progress` is told how far the opening of a big store is.
    """
    if mode not in MODES:
        raise BadInputError("no such mode", expected=", ".join(MODES), got=mode)
    if mode == "look only":
        return open_gallery(place, desks, progress)
    kind = Review if mode == "review" else Session
    return kind.open(place, annotator, ledger_url=ledger_url, desks=desks)
