"""Which kind of session: at the queue, in review, or read-only."""

from pathlib import Path
from typing import get_args

from annotator.session.base import BaseSession, Role
from annotator.session.review import Review
from annotator.session.session import Session
from annotator.session.viewing import open_viewer
from annotator.shared.language import tr
from annotator.shared.progress import Progress, silent
from iea40k.errors import BadInputError, IEAError
from iea40k.store.ledger import Ledger
from iea40k.store.ledger.people import Recognised, recognise

MODES: tuple[str, ...] = get_args(Role)


def doubtful(name: str, place: str) -> Recognised | None:
    """Return what is known of a name that nobody has worked under at the ledger of `place`, where others have; None
    where there is no doubt about it."""
    try:
        with Ledger.open(place) as ledger:
            found = recognise(ledger, name)
    except IEAError:
        return None  # said better when it is opened for work
    return None if found.known or not found.others else found


def question_of(name: str, found: Recognised) -> str:
    """Return what to ask before such a name becomes a new person."""
    words = tr("Nobody called {name} has worked here.", name=repr(name))
    if found.similar:
        words += " " + tr("Did you mean {name}?", name=repr(found.similar))
    return f"{words} " + tr("Begin as a new person, {name}?", name=repr(name))


def open_session(
    place: Path,
    annotator: str,
    *,
    ledger_url: str | None = None,
    mode: str = "annotate",
    folders: Path | None = None,
    progress: Progress = silent,
) -> BaseSession:
    """Open a session at the store (or, read-only, the release) in folder `place`.

    Raises `BadInputError` for a mode that there is not, `StoreError` where there is no store, `LedgerError` where the
    ledger refuses. `folders` is where outboxes and settings are kept, by default the user's data folder;
    `progress` is told how far the opening of a big store is.
    """
    if mode not in MODES:
        raise BadInputError("no such mode", expected=", ".join(MODES), got=mode)
    if mode == "read only":
        return open_viewer(place, folders, progress)
    kind = Review if mode == "review" else Session
    return kind.open(place, annotator, ledger_url=ledger_url, folders=folders)
