"""The list of real regions that were judged by eye."""

import json

from benchmarks.bench_outliers import JUDGED
from iea40k.outliers.kinds import Kind


def test_every_judged_region_has_a_place_a_kind_and_a_verdict():
    rows = json.loads(JUDGED.read_text(encoding="utf-8"))["regions"]
    assert len(rows) >= 300
    assert len({(r["scene"], r["level"], *r["box"], r["kind"]) for r in rows}) == len(rows)
    for row in rows:
        assert row["verdict"] in ("true", "false")
        assert row["kind"] in {str(kind) for kind in Kind}
        assert min(row["box"][:2]) >= 0
        assert min(row["box"][2:]) >= 1
    true = [row["verdict"] == "true" for row in rows]
    assert 0 < sum(true) < len(true)
