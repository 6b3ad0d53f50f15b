"""Another program reads the ledger by `docs/ledger.md` alone."""

import hashlib
import json
import re
import sqlite3
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from iea40k.store.ledger import Ledger, MapKey
from iea40k.store.ledger.zone_replay import zone_draft
from iea40k.zones import zone_change
from tests.iea40k.store.ledger.conftest import MAP, a_base, a_stroke, undo

PAGE = Path(__file__).parents[4] / "docs" / "ledger.md"


def rows_of(place: Path, table: str) -> list[dict[str, Any]]:
    connection = sqlite3.connect(place / "ledger.sqlite")
    connection.row_factory = sqlite3.Row
    rows = [dict(row) for row in connection.execute(f"SELECT * FROM {table} ORDER BY entry")]
    connection.close()
    return rows


def test_strokes_are_read_by_the_page_s_own_snippet(tmp_path: Path) -> None:
    snippet = next(
        b for b in re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL) if "def codes" in b
    )
    names: dict[str, Any] = {}
    exec(snippet, names)
    base = a_base()
    codes = base
    with Ledger.open(tmp_path, create=True) as ledger:
        for number in range(6):
            draft, codes = a_stroke(codes, number, base=base)
            ledger.append_correction(draft)
    painted = base.copy()
    for row in rows_of(tmp_path, "corrections"):
        size = row["height"] * row["width"]
        bits = (
            np.unpackbits(np.frombuffer(zlib.decompress(row["mask"]), np.uint8))
            if row["mask"]
            else np.ones(size)
        )
        mask = bits[:size].reshape(row["height"], row["width"]).astype(bool)
        box = painted[row["top"] : row["top"] + row["height"], row["left"] : row["left"] + row["width"]]
        assert np.array_equal(box[mask], names["codes"](row["old_codes"], row["pixels"]))
        box[mask] = names["codes"](row["new_codes"], row["pixels"])
    assert np.array_equal(painted, codes)


def test_hashes_are_as_the_page_says(tmp_path: Path) -> None:
    reference = np.full((24, 32, 3), 90, np.uint8)
    with Ledger.open(tmp_path, create=True) as ledger:
        for number in range(3):
            ledger.append_correction(a_stroke(a_base(), number)[0])
        undo(ledger, MAP)
        change = zone_change(reference, np.ones((24, 32), np.bool_), 6)
        ledger.append(zone_draft(MapKey("s1", "reference", "Ana"), reference, change))
    for table in ("corrections", "zone_edits"):
        previous = ""
        for row in rows_of(tmp_path, table):
            recorded = row.pop("hash")
            assert row["previous"] == previous
            plain = {k: hashlib.sha256(v).hexdigest() if isinstance(v, bytes) else v for k, v in row.items()}
            text = json.dumps(
                {"journal": table, "row": plain}, sort_keys=True, separators=(",", ":"), ensure_ascii=False
            )
            assert hashlib.sha256(text.encode()).hexdigest() == recorded
            previous = recorded


def test_every_column_is_on_the_page(tmp_path: Path) -> None:
    page = PAGE.read_text("utf-8")
    Ledger.open(tmp_path, create=True).close()
    connection = sqlite3.connect(tmp_path / "ledger.sqlite")
    columns = [row[1] for row in connection.execute("PRAGMA table_info(corrections)")]
    connection.close()
    assert [c for c in columns if f"`{c}`" not in page] == []
