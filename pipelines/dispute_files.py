"""The files of a validation: tables, regions, contact sheets."""

import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from iea40k.arrays import EncodedRGB
from iea40k.disputes.finding import DISPUTED, Dispute
from iea40k.disputes.regions import Region
from iea40k.disputes.scenes import SmallScene
from iea40k.files import write_atomic, write_file_with
from iea40k.recipe import without_nan
from iea40k.render import heatmap

TABLE, LIST, REGIONS = "disputes.parquet", "disputes.csv", "regions.json"
_SHEET_ROWS = 20
_SHEETS = 5


def image_id(dispute: Dispute) -> str:
    """Return the image's name in the release."""
    return f"{dispute.scene_id}_{dispute.level}"


def region_facts(region: Region) -> dict[str, object]:
    """Return a region as JSON."""
    return {
        "box": list(region.box),
        "area": region.area,
        "score": region.score,
        "outline": [list(corner) for corner in region.outline],
        "error": region.error,
    }


def write_files(
    out: Path, disputes: Sequence[Dispute], scenes: Sequence[SmallScene], settled: set[str]
) -> None:
    """Write `disputes.parquet` and `.csv`, `regions.json`, and `sheet_1.png` ... of what is disputed."""
    table = table_of(disputes, scenes, settled)
    regions = [
        {"image_id": image_id(d), "kind": d.kind, **region_facts(r)} for d in disputes for r in d.regions
    ]
    out.mkdir(parents=True, exist_ok=True)
    write_atomic(out / REGIONS, json.dumps(without_nan(regions)) + "\n")
    write_atomic(out / LIST, table.to_csv(index=False))
    for number, picture in enumerate(_sheets(disputes, scenes), start=1):
        written, data = cv2.imencode(".png", picture[..., ::-1])
        if written:
            write_atomic(out / f"sheet_{number}.png", data.tobytes())
    # Last: it says that all is here.
    write_file_with(out / TABLE, lambda path: table.to_parquet(path, index=False))


def table_of(disputes: Sequence[Dispute], scenes: Sequence[SmallScene], settled: set[str]) -> pd.DataFrame:
    """Return a row an image, in the disputes' order: what `disputes.parquet` holds."""
    by_id = {scene.scene_id: scene for scene in scenes}
    return pd.DataFrame(
        {
            "image_id": image_id(d),
            "score": d.score,
            "kind": d.kind,
            "reason": d.reason,
            "settled": image_id(d) in settled,
            "label_error": _label_error(d, by_id[d.scene_id]),
            "deviation": d.deviation,
            **d.signals,
        }
        for d in disputes
    )


def _label_error(dispute: Dispute, scene: SmallScene) -> float:
    """Return how far a label lies from what is expected of it, in luma; NaN where nothing is."""
    away = np.abs(scene.labels[scene.levels.index(dispute.level)] - dispute.prediction)
    known = away[~np.isnan(away)]
    return float(known.mean()) if known.size else float("nan")


def _sheets(disputes: Sequence[Dispute], scenes: Sequence[SmallScene]) -> list[EncodedRGB]:
    by_id = {scene.scene_id: scene for scene in scenes}
    worst = [d for d in disputes if d.score >= DISPUTED][: _SHEETS * _SHEET_ROWS]
    return [_sheet(worst[k : k + _SHEET_ROWS], by_id) for k in range(0, len(worst), _SHEET_ROWS)]


def _sheet(disputes: Sequence[Dispute], by_id: dict[str, SmallScene]) -> EncodedRGB:
    """Return a row an image: exposure with its regions, label, prediction."""
    rows = []
    for dispute in disputes:
        scene = by_id[dispute.scene_id]
        number = scene.levels.index(dispute.level)
        maps = [
            heatmap(np.clip(m, -1, 1).astype(np.float32)) for m in (scene.labels[number], dispute.prediction)
        ]
        picture = scene.exposures[number].copy()
        share = np.array(scene.grey.shape[1:]) / scene.shape
        for region in dispute.regions:
            corners = [(round(c * share[1]), round(r * share[0])) for r, c in region.outline]
            cv2.polylines(picture, [np.array(corners, np.int32)], True, (255, 0, 255), 1)
        tile = np.concatenate([picture, *maps], axis=1)
        caption = np.full((18, tile.shape[1], 3), 255, np.uint8)
        words = f"{dispute.scene_id} {dispute.level}  {dispute.score:.2f}  {dispute.kind}"
        cv2.putText(caption, words, (3, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (0, 0, 0), 1, cv2.LINE_AA)
        rows += [caption, tile]
    width = max(row.shape[1] for row in rows)
    padded = [np.pad(r, ((0, 0), (0, width - r.shape[1]), (0, 0)), constant_values=255) for r in rows]
    return np.concatenate(padded)
