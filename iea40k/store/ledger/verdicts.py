"""What people said of proposals: taken or refused, by kind."""

import json
from dataclasses import dataclass

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


def verdicts(ledger: Ledger) -> list[Verdicts]:
    """Return what people said of proposals in the ledger's latest strokes, by kind.

    On PostgreSQL an annotator reads their own strokes, and so their own verdicts.
    """
    c = corrections.c
    query = sa.select(c.stroke_id, c.undoes, c.kind, c.tool).order_by(c.entry.desc()).limit(LATEST)
    with ledger.database.read() as connection:
        rows = connection.execute(query).all()
    said: dict[str, tuple[str, bool]] = {}
    traced: dict[str, tuple[str, bool]] = {}
    standing: dict[str, bool] = {}
    for row in reversed(rows):
        if row.undoes is not None:
            # An undo of an undo brings the stroke again.
            stroke, stood = traced.get(row.undoes, (row.undoes, True))
            traced[row.stroke_id] = (stroke, not stood)
            standing[stroke] = not stood
        elif row.kind == "fill":
            tool = json.loads(row.tool)
            if tool.get("verdict") in ("taken", "refused"):
                said[row.stroke_id] = (str(tool.get("kind", "")), tool["verdict"] == "refused")
    found: dict[str, list[int]] = {}
    for stroke, (kind, refused) in said.items():
        if standing.get(stroke, True):
            found.setdefault(kind, [0, 0])[refused] += 1
    return [Verdicts(kind, *found[kind]) for kind in sorted(found)]


def accepted_share(ledger: Ledger) -> dict[str, float]:
    """Return by kind which share of proposals people take, 1 where nobody has judged: what ranks the next ones."""
    return {v.kind: (v.taken + DOUBT) / (v.taken + v.refused + DOUBT) for v in verdicts(ledger)}
