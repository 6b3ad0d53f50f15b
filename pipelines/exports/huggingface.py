"""Parquet that `datasets` loads, streams and shows: pictures as PNG, residuals as PNG of 16 bits."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from iea40k.escaping import markdown_text
from pipelines.exports.forms import FACTS, MORE_FACTS, OFFSET, Contents, Sample, png

_NUMBERS = {
    "ev": "float64",
    "height": "int64",
    "width": "int64",
    "score": "float64",
    "valid_fraction": "float64",
}
_PICTURES = ("exposure", "reference", "residual", "outliers", "uncertainty")
_BYTES = pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())])
_ROWS = 16  # a row group: what is held in memory, and what a stream fetches at a time
_HUB_SPLITS = {"valid": "validation"}

_CARD = """---
pretty_name: {pretty}
license: other
task_categories:
- image-to-image
- other
tags:
- image-exposure
- image-quality
- croissant
configs:
- config_name: default
  data_files:
{files}---

# {name} {version}

{images} images with a residual a pixel: how far the luma of an exposure is from that of the scene's
ideally exposed reference. **+ is underexposed, - is overexposed.** Splits are those of `{scheme}`, by scene.
Each image has its own licence (`licence`, `LICENCES.csv`).

`residual` is a PNG of 16 bits: the code plus 32768, where a code is 1/32640 of the whole range, and
**0 in the PNG is "no data"**, not perfect (32768 is).
`outliers` are bit flags, `uncertainty` codes of a standard deviation, `2 ** ((code - 252) / 24)`,
255 = unknown; null where it was not measured.

```python
import datasets, numpy as np

row = datasets.load_dataset(DIR, split="train")[0]
codes = np.asarray(row["residual"]).astype(np.int32) - 32768
residual = np.where(codes == -32768, np.nan, codes / 32640)
```
"""


class HuggingFace:
    """See the module."""

    name = "huggingface"
    suffix = "parquet"

    def write(self, file: Path, samples: Iterable[Sample]) -> None:
        """Write the samples as rows."""
        schema = _schema()
        with pq.ParquetWriter(file, schema, compression="none", write_page_index=True) as writer:
            rows: list[dict[str, Any]] = []
            for sample in samples:
                rows.append(_row(sample))
                if len(rows) == _ROWS:
                    writer.write_table(pa.Table.from_pylist(rows, schema))
                    rows = []
            if rows:
                writer.write_table(pa.Table.from_pylist(rows, schema))

    def describe(self, contents: Contents) -> Mapping[str, str]:
        """Return the card with its `configs`, and croissant.json with pictures that mlcroissant reads."""
        lines = ""
        for split, files in contents.files.items():
            lines += f"  - split: {_HUB_SPLITS.get(split, split)}\n    path:\n"
            lines += "".join(f"    - {name}\n" for name in files)
        card = _CARD.format(
            pretty=json.dumps(contents.head["name"], ensure_ascii=False),
            name=markdown_text(contents.head["name"]),
            version=contents.head["version"],
            images=sum(contents.images.values()),
            scheme=contents.scheme,
            files=lines,
        )
        croissant = json.dumps(_croissant(contents), indent=1, ensure_ascii=False)
        return {"README.md": card, "croissant.json": croissant + "\n"}


def _schema() -> pa.Schema:
    texts = [name for name in (*FACTS, *MORE_FACTS) if name not in _NUMBERS]
    fields = [
        *(pa.field(name, pa.string()) for name in texts),
        *(pa.field(name, pa.type_for_alias(kind)) for name, kind in _NUMBERS.items()),
        *(pa.field(name, _BYTES) for name in _PICTURES),
    ]
    features: dict[str, Any] = {name: {"dtype": "string", "_type": "Value"} for name in texts}
    features |= {name: {"dtype": kind, "_type": "Value"} for name, kind in _NUMBERS.items()}
    features |= {name: {"_type": "Image"} for name in _PICTURES}
    return pa.schema(fields, {"huggingface": json.dumps({"info": {"features": features}})})


def _row(sample: Sample) -> dict[str, Any]:
    shifted = (sample.residual.astype(np.int32) + OFFSET).astype(np.uint16)
    pictures: dict[str, NDArray[Any] | None] = {
        "exposure": sample.exposure,
        "reference": sample.reference,
        "residual": shifted,
        "outliers": sample.outliers,
        "uncertainty": sample.uncertainty,
    }
    name = sample.facts["image_id"]
    return dict(sample.facts) | {
        column: None if picture is None else {"bytes": png(picture), "path": f"{name}_{column}.png"}
        for column, picture in pictures.items()
    }


def _croissant(contents: Contents) -> dict[str, Any]:
    from iea40k.store.release.croissant import CONFORMS_TO, CONTEXT, identifier

    files = [(split, name) for split, names in contents.files.items() for name in names]
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": identifier(contents.head["name"]),
        "version": contents.head["version"],
        "description": "Photographs at several exposures with a residual a pixel. A residual is a 16-bit PNG of code "
        "+ 32768; code / 32640 is in [-1, 1], + = underexposed; 0 in the PNG is no data.",
        "license": sorted(contents.head["licences"]),
        **({"datePublished": contents.head["published"]} if contents.head.get("published") else {}),
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": name,
                "name": name,
                "contentUrl": name,
                "encodingFormat": "application/x-parquet",
                "sha256": contents.sums[name],
            }
            for _, name in files
        ],
        "recordSet": [_record_set(split, name) for split, name in files],
    }


def _record_set(split: str, file: str) -> dict[str, Any]:
    record = Path(file).stem

    def field(column: str, kind: str, **more: Any) -> dict[str, Any]:
        return {
            "@type": "cr:Field",
            "@id": f"{record}/{column}",
            "name": f"{record}/{column}",
            "dataType": kind,
            "source": {"fileObject": {"@id": file}, "extract": {"column": column}, **more},
        }

    return {
        "@type": "cr:RecordSet",
        "@id": record,
        "name": record,
        "description": f"Images of the split '{split}'.",
        "field": [
            *(
                field(
                    name,
                    {"float64": "sc:Float", "int64": "sc:Integer"}.get(_NUMBERS.get(name, ""), "sc:Text"),
                )
                for name in FACTS
            ),
            *(
                field(name, "sc:ImageObject", transform={"jsonPath": "bytes"})
                for name in ("exposure", "reference", "residual", "outliers")
            ),
        ],
    }
