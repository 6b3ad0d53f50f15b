"""A report of agreement as one picture: pairs, levels, scene classes, bias over time, bias by level, consistency."""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from iea40k.scene import ev_of_level
from pipelines.agreement import Consistency, Report

_MOST_CLASSES = 12
_MOST_LEGEND = 20
_LONGEST = 18
_OTHER_SCRIPTS = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "WenQuanYi Micro Hei", "Droid Sans Fallback", "Arial Unicode MS",
    "PingFang SC", "Microsoft YaHei", "Yu Gothic", "Malgun Gothic", "Noto Sans Arabic", "Noto Sans Devanagari",
)  # fmt: skip


def plot(report: Report, path: Path) -> None:
    """Write the picture (PNG) of a report; a panel without data says so."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    people = len({p.figures.annotator for p in report.people})
    figure = Figure(figsize=(20, 10 + 0.2 * max(people - 5, 0)), layout="constrained")
    with rc_context({"font.family": _fonts()}), warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", "Glyph", UserWarning
        )  # no font here has a letter of somebody's name
        _draw(report, figure)
        figure.savefig(path, dpi=100, bbox_inches="tight")


def _draw(report: Report, figure: Any) -> None:
    axes = figure.subplots(2, 3)
    _pairs(report, figure, axes[0, 0])
    _levels(report, axes[0, 1])
    _classes(report, axes[0, 2])
    _bias_over_time(report, axes[1, 0])
    _bias_by_level(report, figure, axes[1, 1])
    _consistency(report, axes[1, 2])


def _pairs(report: Report, figure: Any, axes: Any) -> None:
    axes.set_title("Difference of two experts\nmean |residual difference|, painted pixels")
    found = {frozenset((p.first, p.second)): p.mae for p in report.pairs if p.group == "all"}
    names = sorted({name for pair in found for name in pair})
    grid = [[found.get(frozenset((a, b)), float("nan")) for b in names] for a in names]
    _heat(figure, axes, grid, names, names, cmap="cividis", low=0.0)


def _levels(report: Report, axes: Any) -> None:
    axes.set_title("Agreement by level\npainted pixels")
    rows = [r for r in report.rows if r.group == "level" and r.region == "painted"]
    rows.sort(key=lambda r: ev_of_level(r.value))
    if not rows:
        _nothing(axes, "no image mapped by two people")
        return
    places = range(len(rows))
    for values, marker, name in (
        ([r.agreement.icc for r in rows], "o", "ICC(2,1)"),
        ([r.agreement.alpha for r in rows], "s", "Krippendorff's alpha"),
        ([r.agreement.sign_area for r in rows], "x", "share of opposed signs"),
    ):
        dashes = ":" if marker == "x" else "-"
        # ICC and alpha often lie close: side by side both are seen.
        shift = {"o": -0.08, "s": 0.08}.get(marker, 0.0)
        moved = [place + shift for place in places]
        axes.plot(moved, list(map(_number, values)), marker=marker, linestyle=dashes, label=name)
    axes.set_xticks(places, [f"{r.value}\n{r.agreement.images}" for r in rows])
    axes.set_xlabel("level, and number of images")
    low = min([0.0, *(v for r in rows for v in (r.agreement.icc, r.agreement.alpha) if v is not None)])
    axes.set_ylim(low - 0.03, 1.03)
    axes.grid(alpha=0.3)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3, fontsize=9)


def _classes(report: Report, axes: Any) -> None:
    group = next((r.group for r in report.rows if r.group not in ("all", "level")), "scene_class")
    axes.set_title(f"Agreement by {group.replace('_', ' ')}\npainted pixels")
    rows = [r for r in report.rows if r.group == group and r.region == "painted"]
    rows = sorted(rows, key=lambda r: -r.agreement.images)[:_MOST_CLASSES]
    if not rows:
        _nothing(axes, f"no scene has a {group.replace('_', ' ')}")
        return
    names = [f"{r.value} ({r.agreement.images})" for r in rows]
    bars = (
        ("ICC(2,1)", [_number(r.agreement.icc) for r in rows]),
        ("Krippendorff's alpha", [_number(r.agreement.alpha) for r in rows]),
    )
    _bars(axes, names, bars, "{:.2f}")
    axes.set_xlim(min(0.0, axes.get_xlim()[0]), 1.12)


def _bias_over_time(report: Report, axes: Any) -> None:
    axes.set_title("Each expert against the others, over time\n+ = calls it more underexposed")
    people = [p.figures for p in report.people if p.group == "all"]
    if not people:
        _nothing(axes, "no image mapped by two people")
        return
    start = min(d.time for d in report.deviations)
    colours = _colours(len(people))
    lines: list[Any] = []
    names: list[str] = []
    for person, colour in zip(people, colours, strict=True):
        mine = sorted((d for d in report.deviations if d.annotator == person.annotator), key=lambda d: d.time)
        times = [d.time - start for d in mine]
        axes.plot(times, [d.bias for d in mine], ".", alpha=0.35, color=colour)
        slope, centre = (person.drift or 0.0) / 30, sum(times) / len(times)
        ends = [times[0], times[-1]]
        line = [person.bias + slope * (t - centre) for t in ends]
        lines += axes.plot(ends, line, color=colour, linewidth=2)
        drift = "" if person.drift is None else f" ({person.drift:+.3f} / 30 d)"
        names += [name + drift for name in _shown([person.annotator])]
    axes.axhline(0, color="black", linewidth=0.6)
    axes.set_xlabel("days since the first map")
    axes.set_ylabel("bias, residual units")
    axes.grid(alpha=0.3)
    if len(people) <= _MOST_LEGEND:
        # Handed over: a label that begins with _ would be left out.
        beside = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.15)}
        axes.legend(lines, names, fontsize=8, ncols=2, **beside)


def _bias_by_level(report: Report, figure: Any, axes: Any) -> None:
    axes.set_title("Each expert against the others, by level\n+ = calls it more underexposed")
    found = {(p.figures.annotator, p.value): p.figures.bias for p in report.people if p.group == "level"}
    names = sorted({name for name, _ in found})
    levels = sorted({level for _, level in found}, key=ev_of_level)
    grid = [[found.get((name, level), float("nan")) for level in levels] for name in names]
    _heat(figure, axes, grid, names, levels, cmap="PuOr")


def _consistency(report: Report, axes: Any) -> None:
    axes.set_title("Against themselves and the adjudicator\nmean |residual difference|, painted pixels")
    names = sorted({c.annotator for c in (*report.consistency, *report.against_adjudicator)})
    if not names:
        _nothing(axes, "no hidden repeat and no gold image yet")
        return
    bars = (
        ("own hidden repeats", _of_people(report.consistency, names)),
        ("adjudicator", _of_people(report.against_adjudicator, names)),
    )
    _bars(axes, names, bars, "{:.3f}")


def _of_people(found: Sequence[Consistency], names: Sequence[str]) -> list[float]:
    known = {c.annotator: c.mae for c in found}
    return [known.get(name, float("nan")) for name in names]


def _heat(
    figure: Any,
    axes: Any,
    grid: list[list[float]],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    cmap: str,
    low: float | None = None,
) -> None:
    """Draw a grid with its figures; without `low` the colours are symmetric around 0."""
    known = [value for row in grid for value in row if value == value]
    if not known:
        _nothing(axes, "no image mapped by two people")
        return
    high = max(abs(value) for value in known) or 1e-6
    bottom = -high if low is None else low
    shown = axes.imshow(grid, cmap=cmap, vmin=bottom, vmax=high, aspect="auto")
    figure.colorbar(shown, ax=axes, shrink=0.8)
    turned = max(map(len, columns)) > 4
    axes.set_xticks(
        range(len(columns)), _shown(columns), rotation=45 * turned, ha="right" if turned else "center"
    )
    axes.set_yticks(range(len(rows)), _shown(rows))
    size = 9 if max(len(rows), len(columns)) <= 7 else 7
    form: Callable[[float], str] = "{:+.3f}".format if low is None else "{:.3f}".format
    for y, row in enumerate(grid):
        for x, value in enumerate(row):
            if value == value:
                red, green, blue, _ = shown.cmap(shown.norm(value))
                dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
                axes.text(
                    x, y, form(value), ha="center", va="center", fontsize=size, color="w" if dark else "k"
                )


def _bars(axes: Any, names: Sequence[str], bars: Sequence[tuple[str, list[float]]], form: str) -> None:
    height = 0.8 / len(bars)
    for number, (label, values) in enumerate(bars):
        places = [y + (number - (len(bars) - 1) / 2) * height for y in range(len(names))]
        drawn = axes.barh(places, values, height * 0.9, label=label)
        axes.bar_label(drawn, [form.format(v) if v == v else "" for v in values], padding=3, fontsize=8)
    axes.set_yticks(range(len(names)), _shown(names))
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.grid(axis="x", alpha=0.3)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.08), ncols=2)


def _colours(count: int) -> list[Any]:
    from matplotlib import colormaps

    return [colormaps["tab10" if count <= 10 else "tab20"](n % 20) for n in range(count)]


def _nothing(axes: Any, why: str) -> None:
    axes.text(0.5, 0.5, why, ha="center", va="center", color="0.4", transform=axes.transAxes)
    axes.set_xticks([])
    axes.set_yticks([])


def _fonts() -> list[str]:
    """Return the font of the picture, and those after it that have letters of other scripts, where installed."""
    from matplotlib.font_manager import fontManager

    return ["DejaVu Sans", *(name for name in _OTHER_SCRIPTS if name in fontManager.get_font_names())]


def _shown(names: Sequence[str]) -> list[str]:
    """Return names as matplotlib shows them letter by letter: not too long, and a dollar begins no formula."""
    short = [name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…" for name in names]
    return [name.replace("$", r"\$") for name in short]


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
