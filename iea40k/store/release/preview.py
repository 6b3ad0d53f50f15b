"""Small pictures of every image of a release, in parquet, so that dataset viewers have something to show.

One file a split of the first scheme; a row an image: its exposure, its reference and its residual in colour, as JPEG of
at most `SIDE` pixels a side. They are for eyes: labels are read from the arrays.
"""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from iea40k.arrays import EncodedRGB
from iea40k.files import write_file_with
from iea40k.render import heatmap
from iea40k.store.release import content
from iea40k.store.release.splits import SPLITS
from iea40k.store.shards import ShardedArray

SIDE = 192
_QUALITY = 85
_ROWS = 256  # a row group: what a viewer fetches at a time
_PICTURES = ("exposure", "reference", "residual")
_BYTES = pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())])
_TEXTS = ("image_id", "scene_id", "level", "licence")
_NUMBERS = ("ev", "score")

Row = Mapping[str, Any]


def write_preview(folder: Path, images: Sequence[Row], split_of: Mapping[str, str]) -> list[str]:
    """Write the previews of a release whose arrays lie in `folder`; return the files, one a split that has images.

    `images` are the rows of the table of images, `split_of` gives each scene's split ("train", "valid", "test").
    """
    (folder / content.PREVIEW).mkdir(exist_ok=True)
    written = []
    for split in SPLITS:
        rows = [row for row in images if split_of.get(row["scene_id"]) == split]
        if rows:
            name = f"{content.PREVIEW}/{split}.parquet"
            write_file_with(folder / name, partial(_write, folder=folder, rows=rows))
            written.append(name)
    return written


def schema() -> pa.Schema:
    """Return the columns of a preview, with the words by which `datasets` takes three of them for pictures."""
    fields = [
        *(pa.field(name, pa.string()) for name in _TEXTS),
        *(pa.field(name, pa.float64()) for name in _NUMBERS),
        *(pa.field(name, _BYTES) for name in _PICTURES),
    ]
    features: dict[str, Any] = {
        **{name: {"dtype": "string", "_type": "Value"} for name in _TEXTS},
        **{name: {"dtype": "float64", "_type": "Value"} for name in _NUMBERS},
        **{name: {"_type": "Image"} for name in _PICTURES},
    }
    told = json.dumps({"info": {"features": features}})
    return pa.schema(fields, {"huggingface": told})


def _write(file: Path, folder: Path, rows: Sequence[Row]) -> None:
    with pq.ParquetWriter(file, schema(), compression="zstd") as writer:
        for start in range(0, len(rows), _ROWS):
            writer.write_table(
                pa.Table.from_pylist(list(_filled(folder, rows[start : start + _ROWS])), schema())
            )


def _filled(folder: Path, rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    arrays: dict[tuple[str, str], ShardedArray] = {}
    for row in rows:
        pictures = {}
        for name, array, index in (
            ("exposure", "exposures", "index"),
            ("reference", "reference", "scene_index"),
            ("residual", "residual", "index"),
        ):
            key = row["frame"], array
            if key not in arrays:
                arrays[key] = ShardedArray(folder / content.ARRAYS / row["frame"] / array)
            entry = arrays[key][int(row[index])]
            picture = heatmap(entry) if name == "residual" else entry
            pictures[name] = {"bytes": _jpeg(picture), "path": f"{row['image_id']}_{name}.jpg"}
        yield {name: row[name] for name in (*_TEXTS, *_NUMBERS)} | pictures


def _jpeg(picture: EncodedRGB) -> bytes:
    height, width = picture.shape[:2]
    scale = min(1.0, SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA) if scale < 1 else picture
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(small)).save(stream, "JPEG", quality=_QUALITY)
    return stream.getvalue()
