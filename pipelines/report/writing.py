"""The report as a file: everything that the page shows stands in it."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple, get_args

import pandas as pd

from iea40k.errors import BadInputError, CorruptDataError, IEAError, NotThereError
from iea40k.files import AnyPath, disk_errors, write_atomic
from iea40k.render import Palette, palette_table
from pipelines.report.numbers import Numbers
from pipelines.report.pictures import BUDGET, WIDTHS, pack, width_for
from pipelines.report.sources import Pixels, ReportScene, Source, open_source

_SAMPLE = 8
_DISPUTES = ("image_id", "score", "kind", "reason")


class Written(NamedTuple):
    """A page that was written: its size in bytes, and (scene, why) of those that could not be read."""

    size: int
    unread: tuple[tuple[str, str], ...]


def write_report(
    place: AnyPath,
    file: AnyPath,
    *,
    disputes: AnyPath | None = None,
    ledger: str | None = None,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Written:
    """Write the report of the store or release in `place` as one HTML file. A damaged scene is named in it.

    `disputes` is a table (CSV or parquet) with image_id, score in [0, 1], kind and reason. `ledger` is
    where a store's ledger is, a PostgreSQL URL for instance; None: the file in the store, if there is one. The same
    input gives the same bytes. Raises `BadInputError` where there is nothing to report on, for a table without these
    columns, and for a ledger of a release; `LedgerError` where the ledger cannot be opened.
    """
    disputed = _disputes(Path(disputes)) if disputes is not None else []
    return write_report_of(open_source(Path(place), ledger), file, disputed, progress=progress)


def write_report_of(
    source: Source,
    file: AnyPath,
    disputes: Sequence[Sequence[Any]] = (),
    *,
    budget: int = BUDGET,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Written:
    """Write the report of a source. Pictures take about `budget` bytes at most: of many scenes they are smaller."""
    width = _width(source, budget)
    numbers = Numbers()
    scenes: list[dict[str, Any]] = []
    blobs: list[str] = []
    unread: list[tuple[str, str]] = []
    for number, scene in enumerate(source.scenes(), start=1):
        pixels = _pixels(scene)
        if isinstance(pixels, IEAError):
            unread.append((scene.scene_id, str(pixels)))
        else:
            means, stops = numbers.add(scene, pixels)
            packed = pack(pixels, width)
            blobs.append(f'<script type="text/plain" id="p{len(scenes)}">{packed.text}</script>\n')
            scenes.append(_scene(scene, means, stops, (packed.picture, packed.grid)))
        progress(number, source.count)
    data = {
        "kind": source.kind,
        "title": source.title,
        "facts": source.facts,
        "failures": source.failures,
        "unread": unread,
        "disputes": disputes,
        "scenes": scenes,
        "numbers": numbers.facts(),
        "palettes": {name: palette_table(name).tolist() for name in get_args(Palette)},
    }
    page = _page(data, blobs)
    with disk_errors(Path(file)):
        write_atomic(Path(file), page)
    return Written(len(page.encode()), tuple(unread))


def _pixels(scene: ReportScene) -> Pixels | IEAError:
    """Return a scene's pixels, or why they cannot be read."""
    try:
        return scene.pixels()
    except (CorruptDataError, NotThereError) as error:
        return error


def _width(source: Source, budget: int) -> int:
    """Return how wide the pictures can be, by scenes from the whole of the source."""
    every = max(1, source.count // _SAMPLE)
    found = (_pixels(s) for number, s in enumerate(source.scenes()) if number % every == 0)
    sample = [pixels for pixels in found if isinstance(pixels, Pixels)][:_SAMPLE]
    return width_for(sample, source.count, budget) if sample else WIDTHS[-1]


def _scene(
    scene: ReportScene,
    means: Sequence[float | None],
    stops: Sequence[float | None],
    sizes: tuple[tuple[int, int], tuple[int, int]],
) -> dict[str, Any]:
    return {
        "id": scene.scene_id,
        "facts": {name: value for name, value in scene.facts.items() if value},
        "levels": scene.levels,
        "evs": scene.evs,
        "priority": _plain(scene.priority),
        "touched": _plain(scene.touched),
        "uncertainty": _plain(scene.uncertainty),
        "apart": _plain(scene.disagreement or (math.nan,) * len(scene.levels)),
        "mean": means,
        "stops": stops,
        "quality": scene.quality,
        "words": scene.words,
        "left": [[f.name, f.score, f.reason, f.picture] for f in scene.left_out],
        "size": sizes,
    }


def _plain(values: Sequence[float]) -> list[float | None]:
    return [round(value, 4) if math.isfinite(value) else None for value in values]


def _disputes(file: Path) -> list[list[Any]]:
    with disk_errors(file):
        table = pd.read_parquet(file) if file.suffix == ".parquet" else pd.read_csv(file)
    missing = [name for name in _DISPUTES if name not in table]
    if missing:
        raise BadInputError(
            "this is no table of disputes",
            where=file,
            expected=", ".join(_DISPUTES),
            got=", ".join(map(str, table.columns)),
        )
    ordered = table.sort_values(["score", "image_id"], ascending=[False, True])
    return [
        [str(row["image_id"]), round(float(row["score"]), 4), str(row["kind"]), str(row["reason"])]
        for row in ordered.to_dict("records")
    ]


def _page(data: Mapping[str, Any], blobs: Sequence[str]) -> str:
    """Return the page. Text of the data cannot end its element: every `<` in it is written as an escape."""
    part = files("pipelines.report").joinpath("page")

    def text(name: str) -> str:
        return part.joinpath(name).read_text(encoding="utf-8")

    encoded = json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    page = text("report.html")
    for name, content in (
        ("STYLE", text("report.css")),
        ("DATA", encoded),
        ("PROGRAM", "\n".join(text(name) for name in ("data.js", "gallery.js", "viewer.js", "report.js"))),
        ("PICTURES", "".join(blobs)),
        ("LICENCES", text("vendor/LICENCES.txt")),
        ("CHARTS", f"{text('vendor/d3.min.js')}\n{text('vendor/plot.umd.min.js')}\n{text('charts.js')}"),
    ):
        before, mark, after = page.partition(f"@@{name}@@")
        if not mark:
            raise IEAError(f"the page has no place for {name}")
        page = before + content + after
    return page
