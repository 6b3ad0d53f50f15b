"""A benchmark as Markdown, JSON, CSV and plots."""

import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from iea40k.files import write_atomic
from iea40k.metrics import METRICS
from iea40k.model.benchmark.comparing import DRAWS, LEAST_UNITS, LEVEL, Compared, compare, unit_errors
from iea40k.model.benchmark.predicting import SIDE
from iea40k.model.benchmark.summing import MEANS, SCORES, Figures, lonely_classes, model_figures
from iea40k.recipe import without_nan
from iea40k.store.release import Release

TITLES = {
    **{name: metric.title for name, metric in METRICS.items()},
    "sobel_iou": "Sobel IoU",
    "canny_iou": "Canny IoU",
    "histogram_difference": "hist. diff.",
    "acc": "ACC",
    "lcc": "LCC",
    "srcc": "SRCC",
}
UNDEFINED = "undefined"


@dataclass(frozen=True, eq=False)
class Table:
    """Everything that is written: rows and facts by model, figures, comparison, ceiling, what could not be said."""

    release: Mapping[str, Any]
    part: str
    rows: Mapping[str, pd.DataFrame]
    facts: Mapping[str, Mapping[str, Mapping[str, Any]]]
    figures: Mapping[str, Figures]
    compared: Compared
    ceiling: Mapping[str, Any]
    words: Sequence[str]
    failures: Mapping[str, str]

    @classmethod
    def of(
        cls,
        release: Release,
        part: str,
        rows: Mapping[str, pd.DataFrame],
        facts: Mapping[str, Mapping[str, Mapping[str, Any]]],
        ceilings: pd.DataFrame,
        words: Sequence[str],
        failures: Mapping[str, str],
    ) -> "Table":
        """Return the table of what was measured so far."""
        figures = {label: model_figures(part_rows) for label, part_rows in rows.items()}
        compared = compare({label: unit_errors(part_rows) for label, part_rows in rows.items()})
        head = {
            "name": str(release.head.get("name", "")),
            "version": release.version,
            "digest": release.digest,
        }
        return cls(
            head,
            part,
            rows,
            facts,
            figures,
            compared,
            _ceiling(ceilings),
            [*words, *_few_words(compared, figures, ceilings)],
            failures,
        )

    @property
    def order(self) -> list[str]:
        """The models, the smallest MAE first; those without one last."""
        mae = {label: f["figures"]["mae"]["mean"] for label, f in self.figures.items()}
        return sorted(mae, key=lambda label: (mae[label] is None, mae[label] or 0.0, label))


def write_benchmark(table: Table, out: Path) -> None:
    """Write `benchmark.md`, `benchmark.json`, `benchmark.csv` and `benchmark.png` into a folder."""
    write_atomic(out / "benchmark.json", json.dumps(without_nan(as_json(table)), indent=1) + "\n")
    write_atomic(out / "benchmark.csv", _csv(table))
    write_atomic(out / "benchmark.md", markdown(table))
    write_atomic(out / "benchmark.png", _plots(table))


def as_json(table: Table) -> dict[str, Any]:
    """Return all figures; None where one is undefined."""
    models = {}
    for label in table.order:
        models[label] = {
            **table.figures[label],
            "training": {split: dict(facts) for split, facts in table.facts[label].items()},
            "letters": table.compared.letters.get(label),
            "interval": table.compared.intervals.get(label),
        }
    return {
        "release": dict(table.release),
        "part": table.part,
        "ceiling": dict(table.ceiling),
        "models": models,
        "pairs": [{"models": list(pair), "p": p} for pair, p in table.compared.p.items()],
        "units": table.compared.units,
        "words": list(table.words),
        "failures": dict(table.failures),
    }


def markdown(table: Table) -> str:
    """Return the benchmark as Markdown."""
    release = table.release
    splits = sorted({split for facts in table.facts.values() for split in facts})
    lines = [
        "# Benchmark",
        "",
        f"- release: {release['name']} {release['version']} ({release['digest'][:12]})".replace("  ", " "),
        f"- tested: {table.part} of {', '.join(splits)}; {table.compared.units} scenes in all",
        f"- noise ceiling: {_ceiling_words(table.ceiling)}",
        "",
        *_main(table),
        "",
        "Means over images, then +- standard deviation over splits where there are several. Models that share a letter "
        f"cannot be told apart in MAE (paired bootstrap over scenes, {DRAWS:,} draws, Holm, p >= {LEVEL:g}). MACs: "
        f"multiply-accumulates of one picture of {SIDE}x{SIDE}. images/s: of one second of processor time, pictures as "
        "large as the release has them. SSIM: Gaussian window 11x11, sigma 1.5, range 1 as published, range 2 as "
        "residuals span. ACC, LCC, SRCC: of 10 (1 - mean |r|), without fine-tuning. Sobel and Canny IoU and the "
        "difference of histograms compare the luma that a map makes of the image with the luma that the label makes of "
        "it.",
        "",
        "## MAE by level",
        "",
        *_by(table, "levels"),
        "",
        "## MAE by zone as exposed",
        "",
        *_by(table, "zones"),
    ]
    lines += _trainings(table)
    said = [
        *table.words,
        *(f"{label}: {w}" for label in table.order for w in table.figures[label]["undefined"]),
    ]
    said += [f"{label} fails: {error}" for label, error in table.failures.items()]
    said += [
        f"{label}: learnt from {f['seen']} of the scenes that are tested in {split}"
        for label in table.order
        for split, f in table.facts[label].items()
        if f.get("seen")
    ]
    if said:
        lines += ["", "## What could not be measured, and what is to be known", "", *(f"- {w}" for w in said)]
    return "\n".join(lines) + "\n"


def _main(table: Table) -> list[str]:
    columns = (*MEANS, *SCORES)
    head = ["model", "parameters", "MACs", "images/s", *(TITLES[c] for c in columns), "not told apart"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for label in table.order:
        figures = table.figures[label]
        cells = [
            label,
            short_count(_fact(table, label, "parameters")),
            short_count(_fact(table, label, "macs")),
            _speed(figures["images_per_second"]),
            *(_cell(figures["figures"][c], c) for c in columns),
            table.compared.letters.get(label, "-"),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _by(table: Table, what: str) -> list[str]:
    keys = list(dict.fromkeys(key for label in table.order for key in table.figures[label][what]))
    if what == "levels":
        evs = pd.concat([rows[["level", "ev"]] for rows in table.rows.values()]).groupby("level")["ev"].mean()
        keys = sorted(keys, key=lambda level: float(evs[level]))
    lines = ["| model | " + " | ".join(keys) + " |", "|---" * (len(keys) + 1) + "|"]
    for label in table.order:
        found = table.figures[label][what]
        cells = [
            f"{found[k]['mae']:.4f}" if k in found and found[k]["mae"] is not None else "-" for k in keys
        ]
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    if what == "levels" and table.ceiling["levels"]:
        cells = [f"{table.ceiling['levels'][k]:.4f}" if k in table.ceiling["levels"] else "-" for k in keys]
        lines.append("| *noise ceiling* | " + " | ".join(cells) + " |")
    return lines


def _trainings(table: Table) -> list[str]:
    rows = []
    for label in table.order:
        facts = list(table.facts[label].values())
        if any("steps" in f for f in facts):
            steps = ", ".join(str(f.get("steps", "?")) for f in facts)
            seconds = ", ".join(f"{f.get('seconds', 0):.0f}" for f in facts)
            batch, images = facts[0].get("batch", "?"), ", ".join(str(f.get("images", "?")) for f in facts)
            rows.append(f"| {label} | {steps} | {batch} | {seconds} | {images} |")
    if not rows:
        return []
    return [
        "",
        "## What was learnt here, by split",
        "",
        "| model | steps | batch | seconds | images |",
        "|---|---|---|---|---|",
        *rows,
    ]


def _csv(table: Table) -> str:
    lines = []
    for label in table.order:
        figures = table.figures[label]
        line: dict[str, Any] = {
            "model": label,
            "parameters": _fact(table, label, "parameters"),
            "macs": _fact(table, label, "macs"),
            "images_per_second": figures["images_per_second"],
        }
        for name in (*MEANS, *SCORES):
            line |= {name: figures["figures"][name]["mean"], f"{name}_sd": figures["figures"][name]["sd"]}
        for what in ("levels", "zones"):
            line |= {f"mae_{what[:-1]}_{key}": found["mae"] for key, found in figures[what].items()}
        low, high = table.compared.intervals.get(label, (None, None))
        line |= {"mae_low": low, "mae_high": high, "letters": table.compared.letters.get(label)}
        lines.append(line)
    text: str = pd.DataFrame(lines).to_csv(index=False)
    return text


def _plots(table: Table) -> bytes:
    from matplotlib.figure import Figure

    order = table.order
    figure = Figure(figsize=(15, max(4.0, 0.32 * len(order) + 1.5)), layout="constrained")
    bars, levels, sizes = figure.subplots(1, 3)
    mae = [table.figures[label]["figures"]["mae"]["mean"] or math.nan for label in order]
    bars.barh(order[::-1], mae[::-1], color="#4a7fd0")
    for place, label in enumerate(order[::-1]):
        if label in table.compared.intervals:
            bars.plot(table.compared.intervals[label], [place, place], color="#222222", linewidth=1)
    if table.ceiling["mae"] is not None:
        bars.axvline(table.ceiling["mae"], color="#d0562f", linestyle="--", linewidth=1)
    bars.set(
        title="MAE, 95 % over scenes; dashed: another expert", xlabel="mean absolute error of the residual"
    )
    for number, label in enumerate(order[:8]):
        found = table.figures[label]["levels"]
        style = "-" if number < 5 else ":"
        levels.plot(
            list(found), [f["mae"] or math.nan for f in found.values()], style, marker=".", label=label
        )
    levels.set(title="MAE by level, the best eight", ylabel="MAE")
    levels.legend(fontsize=7)
    for label, value in zip(order, mae, strict=True):
        parameters = _fact(table, label, "parameters")
        if parameters:
            sizes.scatter(parameters, value, s=18, color="#4a7fd0")
            sizes.annotate(label, (parameters, value), fontsize=7, xytext=(3, 2), textcoords="offset points")
    sizes.set(title="MAE by number of parameters", xlabel="parameters", ylabel="MAE", xscale="log")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    return buffer.getvalue()


def _ceiling(ceilings: pd.DataFrame) -> dict[str, Any]:
    known = ceilings.dropna(subset=["mae"])
    if known.empty:
        return {"mae": None, "levels": {}, "known_share": 0.0}
    by_level = known.groupby("level")["mae"].mean()
    return {
        "mae": float(known["mae"].mean()),
        "levels": {str(level): float(value) for level, value in by_level.items()},
        "known_share": len(known) / len(ceilings),
    }


def _ceiling_words(ceiling: Mapping[str, Any]) -> str:
    if ceiling["mae"] is None:
        return "unknown: no label of this release says how sure it is"
    share = "" if ceiling["known_share"] == 1 else f" ({ceiling['known_share']:.0%} of the labels say so)"
    return (
        f"MAE {ceiling['mae']:.4f}, by the labels' own uncertainty{share}: so far off another expert's label would be "
        "on average. Below it a model has learnt whose labels these are, or how they were made"
    )


def _few_words(compared: Compared, figures: Mapping[str, Figures], ceilings: pd.DataFrame) -> list[str]:
    said = []
    if figures and compared.units < LEAST_UNITS:
        said.append(
            f"{compared.units} scenes are tested: too few to tell models apart ({LEAST_UNITS} at least), so no letters "
            "are given"
        )
    if figures and ceilings["split"].nunique() < 2:
        said.append("one split is tested: there is no standard deviation over splits")
    if figures:
        said += lonely_classes(next(iter(figures.values())))
    said += [f"{label} lacks some of the scenes, and is not compared" for label in compared.left_out]
    return said


def _fact(table: Table, label: str, name: str) -> Any:
    return next((f[name] for f in table.facts[label].values() if f.get(name) is not None), None)


def short_count(value: int | None) -> str:
    """Return a count as tables show it: 217,921, 94.87 M, 2.45 G; - where it is not known."""
    if value is None:
        return "-"
    for limit, unit in ((1e9, " G"), (1e6, " M")):
        if value >= limit:
            return f"{value / limit:.2f}{unit}"
    return f"{value:,}"


def _speed(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def _cell(found: Mapping[str, float | None], column: str) -> str:
    mean, sd = found["mean"], found["sd"]
    if mean is None:
        return UNDEFINED
    digits = 2 if column.startswith("psnr") else 4 if column == "mae" else 3
    return f"{mean:.{digits}f}" + (f" +- {sd:.{digits}f}" if sd is not None else "")
