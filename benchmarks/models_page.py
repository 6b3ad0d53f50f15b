"""docs/benchmark-models.md from a run of `iea40k benchmark`: `python -m benchmarks.models_page DIR`.

The figures of the run are kept in `benchmarks/models.json`, and the page can be made from there again.
"""

import json
import sys
from pathlib import Path
from typing import Any

from iea40k.model.benchmark.writing import short_count

HERE = Path(__file__).parent
KEPT = HERE / "models.json"
PAGE = HERE.parent / "docs" / "benchmark-models.md"
INTRODUCTION = HERE / "models_page.md"

PAPER = (
    ("FEC", "9", ".08", ".35", "23.22", ".74", ".69"),
    ("MSLT", '"8"; its title says 8K', ".10", ".33", "21.02", ".75", ".70"),
    ("Retinexformer", "5", ".10", ".42", "23.8", ".71", ".67"),
    ("PyDiff", "374", ".07", ".50", "-", ".70", ".68"),
    ("SMG", "575", ".09", ".46", "24.17", ".69", ".67"),
    ("SKF", "22", ".07", ".44", "21.68", ".68", ".66"),
    ("GSAD", "67", ".08", ".41", "19.37", ".71", ".68"),
    ("LIT", "146", ".05", ".60", "23.51", ".72", ".69"),
    ("ARNIQA", "106", ".11", ".50", "-", ".70", ".68"),
    ("ReIQA", "560", ".08", ".37", "-", ".71", ".65"),
    ("DEIQT", "363.5", ".08", ".39", "-", ".63", ".54"),
    ("MUSIQ", "298", ".15", ".24", "-", ".64", ".60"),
    ("P-IEANet", '"2.7"; MB of 0.62 M numbers', ".03", ".75", "28.04", ".78", ".73"),
)
"""Model, millions of parameters, MAE, SSIM, PSNR on IEA40K; LCC and SRCC on SPAQ. As published."""

HOLISTIC = (
    ("NIMA", ".63", ".60"),
    ("A-Lamp", ".67", ".64"),
    ("MLSP", ".71", ".68"),
    ("TANet", ".75", ".69"),
    ("EAT", ".74", ".71"),
    ("Q-Align", ".75", ".70"),
)
"""Six further methods that the paper compares on SPAQ alone: LCC, SRCC."""

SHORT = (
    ("mae", "MAE", 4), ("ssim_range1", "SSIM", 3), ("ssim_range2", "SSIM, range 2", 3), ("psnr_range1", "PSNR", 2),
    ("sign", "sign", 3), ("acc", "ACC", 3), ("lcc", "LCC", 3), ("srcc", "SRCC", 3), ("sobel_iou", "Sobel", 3),
    ("canny_iou", "Canny", 3), ("histogram_difference", "hist.", 3),
)  # fmt: skip


def page(run: dict[str, Any]) -> str:
    """Return the page: our table, by level and zone, what was learnt, and the paper's tables."""
    text = INTRODUCTION.read_text(encoding="utf-8")
    ours, levels, zones, trained = _ours(run), _by(run, "levels"), _by(run, "zones"), _trained(run)
    parts = {
        "ours": ours,
        "levels": levels,
        "zones": zones,
        "trained": trained,
        "words": _words(run),
        "paper": _paper(),
    }
    for name, lines in parts.items():
        text = text.replace(f"<!-- {name} -->", "\n".join(lines))
    return text.replace(
        "<!-- ceiling -->", f"{run['ceiling']['mae']:.3f}" if run["ceiling"]["mae"] else "unknown"
    )


def _ours(run: dict[str, Any]) -> list[str]:
    heads = ["model", "parameters", "MACs", "images/s", *(title for _, title, _ in SHORT), "not told apart"]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for label, model in run["models"].items():
        facts = next(iter(model["training"].values()))
        cells = [label, short_count(facts.get("parameters")), short_count(facts.get("macs"))]
        speed = model["images_per_second"]
        cells.append("-" if speed is None or facts["kind"] == "enhanced" else f"{speed:.3g}")
        for name, _, digits in SHORT:
            mean, sd = (model["figures"][name][key] for key in ("mean", "sd"))
            spread = f" ±{sd:.{digits}f}" if sd is not None and name in ("mae", "psnr_range1") else ""
            cells.append("undefined" if mean is None else f"{mean:.{digits}f}{spread}")
        lines.append("| " + " | ".join([*cells, model["letters"] or "-"]) + " |")
    return lines


def _by(run: dict[str, Any], what: str) -> list[str]:
    keys = list(next(iter(run["models"].values()))[what])
    lines = ["| model | " + " | ".join(keys) + " |", "|---" * (len(keys) + 1) + "|"]
    for label, model in run["models"].items():
        values = [model[what][key]["mae"] for key in keys]
        lines.append("| " + " | ".join([label, *("-" if v is None else f"{v:.3f}" for v in values)]) + " |")
    return lines


def _trained(run: dict[str, Any]) -> list[str]:
    lines = ["| model | steps | batch | wall seconds a split |", "|---|---|---|---|"]
    for label, model in run["models"].items():
        facts = list(model["training"].values())
        if facts[0].get("steps"):
            seconds = ", ".join(f"{f.get('seconds', 0):.0f}" for f in facts)
            lines.append(f"| {label} | {facts[0]['steps']} | {facts[0]['batch']} | {seconds} |")
    return lines


def _words(run: dict[str, Any]) -> list[str]:
    said = [f"- {words}" for words in run["words"]]
    said += [f"- {label}: {words}" for label, m in run["models"].items() for words in m["undefined"]]
    return said + [f"- {label} failed: {error}" for label, error in run["failures"].items()]


def _paper() -> list[str]:
    lines = [
        "| published | parameters, M | MAE | SSIM | PSNR | LCC on SPAQ | SRCC on SPAQ |",
        "|---" * 7 + "|",
    ]
    lines += ["| " + " | ".join(row) + " |" for row in PAPER]
    return lines + [f"| {name} | | | | | {lcc} | {srcc} |" for name, lcc, srcc in HOLISTIC]


if __name__ == "__main__":
    if len(sys.argv) > 1:
        KEPT.write_text((Path(sys.argv[1]) / "benchmark.json").read_text(encoding="utf-8"), encoding="utf-8")
    PAGE.write_text(page(json.loads(KEPT.read_text(encoding="utf-8"))), encoding="utf-8")
