"""A report of agreement as files: three tables and a picture."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from iea40k.files import write_atomic, write_file_with
from pipelines.agreement import Report


def as_json(report: Report) -> dict[str, Any]:
    """Return a report's figures as JSON-able tables: rows, pairs, people, consistency,
    against_adjudicator, skipped."""
    return {
        "rows": [
            {"group": r.group, "value": r.value, "region": r.region, **asdict(r.agreement)}
            for r in report.rows
        ],
        "pairs": [
            {"first": a, "second": b, "mae": mae, "sign_area": area, "pixels": pixels}
            for (a, b), (mae, area, pixels) in report.pairs.items()
        ],
        "people": [asdict(person) for person in report.people],
        "consistency": [asdict(person) for person in report.consistency],
        "against_adjudicator": [asdict(person) for person in report.against_adjudicator],
        "skipped": report.skipped,
    }


def write_report(report: Report, folder: Path) -> list[Path]:
    """Write agreement.csv, pairs.csv, people.csv and agreement.png into a folder; return their paths."""
    tables = as_json(report)
    files: list[Path] = []
    for name, key in (("agreement", "rows"), ("pairs", "pairs"), ("people", "people")):
        files.append(folder / f"{name}.csv")
        write_atomic(files[-1], _csv(tables[key]))
    files.append(folder / "agreement.png")
    write_file_with(files[-1], lambda path: _plot(report, path))
    return files


def _csv(rows: Sequence[dict[str, Any]]) -> str:
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return text.getvalue()


def _plot(report: Report, path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15, 4.6), layout="constrained")
    pairs, levels, bias = figure.subplots(1, 3)
    _plot_pairs(report, figure, pairs)
    _plot_levels(report, levels)
    _plot_bias(report, bias)
    figure.savefig(path, dpi=110)


def _plot_pairs(report: Report, figure: Any, axes: Any) -> None:
    names = sorted({name for pair in report.pairs for name in pair})
    grid = [[report.pairs.get((min(a, b), max(a, b)), (0.0,))[0] for b in names] for a in names]
    axes.set_title("Difference of two experts\n(mean |residual difference|, painted pixels)")
    if not names:
        return
    shown = axes.imshow(grid, cmap="cividis", vmin=0)
    figure.colorbar(shown, ax=axes, shrink=0.8)
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right")
    axes.set_yticks(range(len(names)), names)
    middle = max(map(max, grid)) / 2
    for y, row in enumerate(grid):
        for x, value in enumerate(row):
            if x != y:
                axes.text(
                    x,
                    y,
                    f"{value:.3f}",
                    ha="center",
                    va="center",
                    color="black" if value > middle else "white",
                )


def _plot_levels(report: Report, axes: Any) -> None:
    from iea40k.scene import ev_of_level

    rows = [r for r in report.rows if r.group == "level" and r.region == "painted"]
    rows.sort(key=lambda r: ev_of_level(r.value))
    axes.set_title("Agreement by level (painted pixels)")
    for name, marker in (("icc", "o"), ("alpha", "s")):
        values = [getattr(r.agreement, name) for r in rows]
        axes.plot(
            range(len(rows)),
            [float("nan") if v is None else v for v in values],
            marker=marker,
            label={"icc": "ICC(2,1)", "alpha": "Krippendorff's alpha"}[name],
        )
    axes.set_xticks(range(len(rows)), [r.value for r in rows])
    axes.set_ylim(min(0, axes.get_ylim()[0]), 1.02)
    axes.grid(alpha=0.3)
    axes.legend()


def _plot_bias(report: Report, axes: Any) -> None:
    axes.set_title("Each expert against the others, over time\n(+ = calls it more underexposed)")
    start = min((d.time for d in report.deviations), default=0.0)
    for number, person in enumerate(report.people):
        mine = sorted((d for d in report.deviations if d.annotator == person.annotator), key=lambda d: d.time)
        times = [d.time - start for d in mine]
        colour = f"C{number % 10}"
        axes.plot(times, [d.bias for d in mine], ".", alpha=0.4, color=colour)
        slope = (person.drift or 0.0) / 30
        centre = sum(times) / len(times)
        ends = [times[0], times[-1]]
        axes.plot(
            ends, [person.bias + slope * (t - centre) for t in ends], color=colour, label=person.annotator
        )
    axes.axhline(0, color="black", linewidth=0.6)
    axes.set_xlabel("days")
    if report.people:
        axes.legend(fontsize=8)
