"""A report of agreement as files: tables and a picture."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from iea40k.agreement import Agreement, PersonFigures
from iea40k.escaping import csv_text
from iea40k.files import write_atomic, write_file_with
from pipelines.agreement import Consistency, PairRow, Report
from pipelines.agreement_plot import plot


def as_json(report: Report) -> dict[str, Any]:
    """Return a report's figures as JSON-able tables: rows, pairs, people, consistency, against_adjudicator, raters,
    modelled (the agreement before and after people's biases are taken out), skipped, stale."""
    return {
        "rows": [
            {"group": r.group, "value": r.value, "region": r.region, **asdict(r.agreement)}
            for r in report.rows
        ],
        "pairs": [asdict(pair) for pair in report.pairs],
        "people": [{"group": p.group, "value": p.value, **asdict(p.figures)} for p in report.people],
        "consistency": [asdict(person) for person in report.consistency],
        "against_adjudicator": [asdict(person) for person in report.against_adjudicator],
        "raters": [asdict(rater) for rater in report.raters],
        "modelled": [
            {"maps": maps, **asdict(found)}
            for maps, found in (("as drawn", report.as_drawn), ("without biases", report.without_bias))
            if found is not None
        ],
        "skipped": report.skipped,
        "stale": [asdict(map_key) for map_key in report.stale],
    }


def write_report(report: Report, folder: Path) -> list[Path]:
    """Write agreement.csv, pairs.csv, people.csv, consistency.csv and agreement.png; return their paths."""
    tables = as_json(report)
    files: list[Path] = []
    kinds = (("repeats", "consistency"), ("adjudicator", "against_adjudicator"))
    tables["both"] = [{"against": kind, **row} for kind, key in kinds for row in tables[key]]
    for name, key in _TABLES:
        files.append(folder / f"{name}.csv")
        write_atomic(files[-1], _csv(tables[key], _COLUMNS[name]))
    files.append(folder / "agreement.png")
    write_file_with(files[-1], lambda path: plot(report, path))
    return files


def _csv(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({k: csv_text(v) if isinstance(v, str) else v for k, v in row.items()} for row in rows)
    return text.getvalue()


def _names(of: type[Any]) -> list[str]:
    return [field.name for field in fields(of)]


_TABLES = (("agreement", "rows"), ("pairs", "pairs"), ("people", "people"), ("consistency", "both"))
_COLUMNS = {
    "agreement": ["group", "value", "region", *_names(Agreement)],
    "pairs": _names(PairRow),
    "people": ["group", "value", *_names(PersonFigures)],
    "consistency": ["against", *_names(Consistency)],
}
