"""croissant.json: the release described for machines, by the Croissant 1.0 vocabulary of MLCommons."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from iea40k.store.release import content

CONFORMS_TO = "http://mlcommons.org/croissant/1.0"

_TERMS = (
    "citeAs",
    "column",
    "equivalentProperty",
    "extract",
    "field",
    "fileProperty",
    "fileObject",
    "fileSet",
    "format",
    "includes",
    "isLiveDataset",
    "jsonPath",
    "key",
    "md5",
    "parentField",
    "path",
    "recordSet",
    "references",
    "regex",
    "repeated",
    "replace",
    "samplingRate",
    "separator",
    "source",
    "subField",
    "transform",
)
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{term: f"cr:{term}" for term in _TERMS},
}
_TABLES = {
    "images": "One row an exposure: where its pixels lie, its level, licence and statistics.",
    "scenes": "One row a scene: its composition, licence, and the recipe that made it.",
    "splits": "One row a scene: its split (train, valid, test) in each scheme.",
    "provenance": "One row an image and annotator who corrected it.",
}


def croissant(facts: Mapping[str, Any], folder: Path, sums: Mapping[str, str]) -> dict[str, Any]:
    """Return the Croissant description of the release in `folder`, whose files have the sha256 of `sums`."""
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": facts["name"],
        "version": facts["version"],
        "description": (
            f"{facts['images']} exposures of {facts['scenes']} scenes with a residual a pixel: the luma of the "
            "scene's reference minus the luma of the exposure, + = underexposed. The pixels are Zarr v3 arrays below "
            f"{content.ARRAYS}/; the tables say which entry is which image."
        ),
        "license": sorted(facts["licences"]),
        **({"datePublished": facts["published"]} if facts["published"] else {}),
        "distribution": [_file(name, sums) for name in content.TABLE_NAMES],
        "recordSet": [_record_set(name, folder) for name in content.TABLE_NAMES],
    }


def _file(name: str, sums: Mapping[str, str]) -> dict[str, Any]:
    path = f"{content.TABLES}/{name}.parquet"
    return {
        "@type": "cr:FileObject",
        "@id": f"{name}.parquet",
        "name": f"{name}.parquet",
        "contentUrl": path,
        "encodingFormat": "application/x-parquet",
        "sha256": sums[path],
    }


def _record_set(name: str, folder: Path) -> dict[str, Any]:
    schema = pq.read_schema(folder / content.TABLES / f"{name}.parquet")
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": _TABLES[name],
        "field": [_field(name, column) for column in schema],
    }


def _field(table: str, column: pa.Field) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"{table}/{column.name}",
        "name": f"{table}/{column.name}",
        "dataType": _data_type(column.type),
        "source": {"fileObject": {"@id": f"{table}.parquet"}, "extract": {"column": column.name}},
    }


def _data_type(kind: pa.DataType) -> str:
    if pa.types.is_boolean(kind):
        return "sc:Boolean"
    if pa.types.is_integer(kind):
        return "sc:Integer"
    return "sc:Float" if pa.types.is_floating(kind) else "sc:Text"
