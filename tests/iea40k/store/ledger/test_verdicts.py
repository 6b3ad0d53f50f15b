"""What people said of proposals, asked again and again while work goes on."""

from dataclasses import replace

import numpy as np
import sqlalchemy as sa

from iea40k.store.ledger import Ledger
from iea40k.store.ledger.verdicts import Verdicts, verdicts
from tests.iea40k.store.ledger.conftest import MAP, a_base, a_stroke, redo, undo


def said(ledger: Ledger, codes: np.ndarray, seed: int, base: np.ndarray, **tool: object) -> np.ndarray:
    draft, after = a_stroke(codes, seed, base=base)
    ledger.append(replace(draft, kind="fill" if tool else "brush", tool=tool or draft.tool))
    return after


def test_each_look_reads_what_came_since_and_counts_all(ledger: Ledger) -> None:
    base = a_base()
    codes = said(ledger, base, 1, base, verdict="taken", kind="light")
    assert verdicts(ledger) == [Verdicts("light", 1, 0)]
    codes = said(ledger, codes, 2, base)
    codes = said(ledger, codes, 3, base, verdict="refused", kind="light")
    assert verdicts(ledger) == [Verdicts("light", 1, 1)]
    assert undo(ledger, MAP)
    assert verdicts(ledger) == [Verdicts("light", 1, 0)]
    assert redo(ledger, MAP)
    said(ledger, codes, 4, base, verdict="taken", kind="moved")
    found = [Verdicts("light", 1, 1), Verdicts("moved", 1, 0)]
    assert verdicts(ledger) == found
    rows = []

    @sa.event.listens_for(ledger.database.engine, "after_cursor_execute")
    def _count(_connection, cursor, statement, *_rest) -> None:
        if "FROM corrections" in statement:
            rows.append(statement)

    assert verdicts(ledger) == found
    assert len(rows) == 1
    assert "entry >" in rows[0]  # from the last entry seen on: a window asks for each image
    with Ledger(ledger.database) as other:
        assert verdicts(other) == found
