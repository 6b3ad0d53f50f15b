"""What people said of proposals: taken or refused, by kind."""

import json
import threading
import weakref
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from iea40k.store.ledger.ledger import Ledger
from iea40k.store.ledger.schema import corrections

LATEST = 20_000
"""Strokes that are looked through, the latest: what was proposed long ago was proposed by other rules."""

DOUBT = 2.0
"""A kind that nobody judged counts as if so many had been taken and none refused."""


@dataclass(frozen=True)
class Verdicts:
    """How many proposals of a kind people took and refused; what was undone does not count."""

    kind: str
    taken: int
    refused: int

    @property
    def precision(self) -> float:
        """The share taken; NaN where none was judged."""
        total = self.taken + self.refused
        return self.taken / total if total else float("nan")


class _Said:
    """What a ledger's strokes said of proposals up to an entry; each look reads what came since."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entry: int | None = None
        self._said: dict[str, tuple[str, bool]] = {}
        self._traced: dict[str, tuple[str, bool]] = {}
        self._standing: dict[str, bool] = {}

    def look(self, ledger: Ledger) -> list[Verdicts]:
        """Read what is new, and count all by kind. Threads may look at once."""
        c = corrections.c
        query = sa.select(c.entry, c.stroke_id, c.undoes, c.kind, c.tool).order_by(c.entry.desc())
        with self._lock:
            # Entries are never changed, and none comes between two that were seen.
            new = query.limit(LATEST) if self._entry is None else query.where(c.entry > self._entry)
            with ledger.database.read() as connection:
                rows = connection.execute(new).all()
            for row in reversed(rows):
                self._add(row)
            if rows:
                self._entry = rows[0].entry
            return self._counted()

    def _add(self, row: sa.Row[Any]) -> None:
        if row.undoes is not None:
            # An undo of an undo brings the stroke again.
            stroke, stood = self._traced.get(row.undoes, (row.undoes, True))
            self._traced[row.stroke_id] = (stroke, not stood)
            self._standing[stroke] = not stood
        elif row.kind == "fill":
            tool = json.loads(row.tool)
            if tool.get("verdict") in ("taken", "refused"):
                self._said[row.stroke_id] = (str(tool.get("kind", "")), tool["verdict"] == "refused")

    def _counted(self) -> list[Verdicts]:
        found: dict[str, list[int]] = {}
        for stroke, (kind, refused) in self._said.items():
            if self._standing.get(stroke, True):
                found.setdefault(kind, [0, 0])[refused] += 1
        return [Verdicts(kind, *found[kind]) for kind in sorted(found)]


_SEEN: weakref.WeakKeyDictionary[Ledger, _Said] = weakref.WeakKeyDictionary()
_SEEN_LOCK = threading.Lock()


def verdicts(ledger: Ledger) -> list[Verdicts]:
    """Return what people said of proposals in the ledger's latest strokes, and since it was first asked, by kind.

    An open ledger reads a stroke once, however often it is asked: a window asks for each image. On PostgreSQL an
    annotator reads their own strokes, and so their own verdicts.
    """
    with _SEEN_LOCK:
        said = _SEEN.setdefault(ledger, _Said())
    return said.look(ledger)


def accepted_share(ledger: Ledger) -> dict[str, float]:
    """Return by kind which share of proposals people take, 1 where nobody has judged: what ranks the next ones."""
    return {v.kind: (v.taken + DOUBT) / (v.taken + v.refused + DOUBT) for v in verdicts(ledger)}
