"""An evaluation as markdown and as plots, for people."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from iea40k.files import write_atomic
from iea40k.metrics import METRICS, SIGN_DEAD_ZONE
from iea40k.model.evaluate import Evaluation

_HEADS = {
    **{name: metric.title for name, metric in METRICS.items()},
    "pixels": "pixels",
    "images": "images",
}


def markdown(evaluation: Evaluation, title: str, notes: Mapping[str, Any]) -> str:
    """Return the evaluation as markdown; `notes` are facts such as the weights, the release, the split."""
    lines = [f"# {title}", "", *(f"- {name}: {value}" for name, value in notes.items()), ""]
    lines += _table({"all": evaluation.overall}, "", (*METRICS, "images"))
    lines += [
        "",
        "MAE in units of residual. SSIM: Gaussian window 11x11, sigma 1.5; range 1 as published, range 2 is what "
        f"residuals span. Sign: share of pixels with |label| >= {SIGN_DEAD_ZONE:g} whose sign is right.",
        "",
        "## Scores from maps",
        "",
        "| score | ACC (> 5) | LCC | SRCC |",
        "|---|---|---|---|",
        *(
            f"| {name} | {found['acc']:.3f} | {found['lcc']:.3f} | {found['srcc']:.3f} |"
            for name, found in evaluation.holistic.items()
        ),
    ]
    for name, rows in evaluation.groups.items():
        lines += ["", f"## By {name.replace('_', ' ')}", "", *_table(rows, name, ("mae", "sign", "images"))]
    lines += ["", "## By |label|", "", *_table(evaluation.bands, "|label|", ("mae", "pixels"))]
    lines += ["", "## By zone as exposed", "", *_table(evaluation.zones, "zone", ("mae", "pixels"))]
    return "\n".join(lines) + "\n"


def write_plots(evaluation: Evaluation, folder: Path) -> None:
    """Write `evaluation.png`: error by level and by band of |label|, and predicted against true scores."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 4), layout="constrained")
    by_level, by_band, scores = figure.subplots(1, 3)
    levels = evaluation.groups["level"]
    by_level.bar(list(levels), [row["mae"] for row in levels.values()], color="#4a7fd0")
    by_level.set(title="by level", ylabel="mean absolute error of the residual")
    bands = {name: row for name, row in evaluation.bands.items() if row["pixels"]}
    by_band.bar(list(bands), [row["mae"] for row in bands.values()], color="#4a7fd0")
    by_band.set(title="by |label|")
    by_band.tick_params(axis="x", rotation=30)
    scores.plot([0, 10], [0, 10], color="#999999", linewidth=1)
    scores.scatter(evaluation.images["truth"], evaluation.images["score"], s=14, color="#d0562f")
    scores.set(title="10 (1 - mean |residual|)", xlabel="of the label", ylabel="of the prediction")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    write_atomic(folder / "evaluation.png", buffer.getvalue())


def _table(rows: Mapping[str, Mapping[str, float]], first: str, columns: tuple[str, ...]) -> list[str]:
    lines = [
        f"| {first} | " + " | ".join(_HEADS[c] for c in columns) + " |",
        "|---" * (len(columns) + 1) + "|",
    ]
    lines += [
        f"| {name} | " + " | ".join(_cell(row[c], c) for c in columns) + " |" for name, row in rows.items()
    ]
    return lines


def _cell(value: float, column: str) -> str:
    if column in ("images", "pixels"):
        return f"{int(value):,}"
    return f"{value:.2f}" if column.startswith("psnr") else f"{value:.4f}"
