"""croissant.json: the release described for machines, by the Croissant 1.1 vocabulary of MLCommons.

Croissant has no reader of Zarr. So a table is a record set of its rows; the small pictures are one of images;
the arrays of a frame shape are described, with shape, type and scale, in the record set `arrays`; and `files_HxW` gives
the bytes of every file of that Zarr group by its path, which any Zarr library opens from memory.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from iea40k.arrays import INVALID_CODE, RESIDUAL_SCALE
from iea40k.store.codecs import FILL
from iea40k.store.descriptions import attributes_of
from iea40k.store.release import content
from iea40k.store.release.publication import Publication

CONFORMS_TO = "http://mlcommons.org/croissant/1.1"

_TERMS = (
    "arrayShape",
    "citeAs",
    "column",
    "containedIn",
    "equivalentProperty",
    "extract",
    "field",
    "fileProperty",
    "fileObject",
    "fileSet",
    "format",
    "includes",
    "isArray",
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
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "prov": "http://www.w3.org/ns/prov#",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
    **{term: f"cr:{term}" for term in _TERMS},
}
_TABLES = {
    "images": "One row an exposure: where its pixels lie, its level, licence and statistics.",
    "scenes": "One row a scene: its composition, licence, and the recipe that made it.",
    "splits": "One row a scene: its split (train, valid, test) in each scheme.",
    "provenance": "One row an image and annotator who corrected it.",
}
_ARRAY_COLUMNS = {
    "frame": "sc:Text",
    "array": "sc:Text",
    "path": "sc:Text",
    "shape": "sc:Integer",
    "dtype": "sc:Text",
    "scale_factor": "sc:Float",
    "fill_value": "sc:Integer",
    "about": "sc:Text",
}


def croissant(facts: Mapping[str, Any], folder: Path, sums: Mapping[str, str]) -> dict[str, Any]:
    """Return the Croissant description of the release in `folder`, whose files have the sha256 of `sums`."""
    about = Publication(**_said(facts))
    previews = [name for name in facts["files"] if name.startswith(f"{content.PREVIEW}/")]
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": identifier(facts["name"]),
        "alternateName": facts["name"],
        "version": facts["version"],
        "description": about.description
        or (
            f"{facts['images']} exposures of {facts['scenes']} scenes with a residual a pixel: the luma of the "
            "scene's reference minus the luma of the exposure, + = underexposed. The pixels are Zarr v3 arrays below "
            f"{content.ARRAYS}/; the tables say which entry is which image."
        ),
        **_people(facts, about),
        **_licences(facts, about),
        **_provenance(facts),
        **_agreement(facts["agreement"]),
        "distribution": [
            *(_table_file(name, sums) for name in content.TABLE_NAMES),
            *(_file_object(name, sums[name]) for name in previews),
            *(_zarr_files(frame) for frame in facts["arrays"]),
        ],
        "recordSet": [
            *(_record_set(name, folder) for name in content.TABLE_NAMES),
            *(_pictures(name) for name in previews),
            _arrays(facts["arrays"]),
            *(_zarr_records(frame) for frame in facts["arrays"]),
        ],
    }


def _said(facts: Mapping[str, Any]) -> dict[str, Any]:
    said = dict(facts.get("about", {}))
    return said | {"creators": tuple(said.get("creators", ()))}


def identifier(name: str) -> str:
    """Return a dataset's name without the characters that the vocabulary's readers refuse."""
    return re.sub(r"[^\w -]", "_", name, flags=re.UNICODE).strip() or "dataset"


def _people(facts: Mapping[str, Any], about: Publication) -> dict[str, Any]:
    creators = [
        {"@type": "sc:Person", "name": f"{who['given']} {who['family']}"}
        if "family" in who
        else {"@type": "sc:Organization", "name": who["name"]}
        for who in about.people
    ]
    found: dict[str, Any] = {}
    if creators:
        found["creator"] = creators
    if about.citation:
        found["citeAs"] = about.citation
    if about.url:
        found["url"] = about.url
    if about.doi:
        found["sameAs"] = f"https://doi.org/{about.doi}"
    if facts["published"]:
        found["datePublished"] = facts["published"]
    return found


def _licences(facts: Mapping[str, Any], about: Publication) -> dict[str, Any]:
    """The photographs' licences and, where stated, that of the labels: two different works."""
    labels = [f"labels: {about.label_licence}"] if about.label_licence else []
    return {
        "license": [
            *(f"photographs: {name}" if labels else name for name in sorted(facts["licences"])),
            *labels,
        ]
    }


def _provenance(facts: Mapping[str, Any]) -> dict[str, Any]:
    """PROV-O: what the dataset was derived from, and by which activity of which software."""
    sources = facts["composition"]["counts"].get("origin", {})
    software = [
        {"@type": "prov:SoftwareAgent", "prov:label": f"{name} {version}"}
        for name, version in facts["software"].items()
    ]
    activity: dict[str, Any] = {
        "@type": "prov:Activity",
        "@id": f"#release-{facts['recipe_digest'][:16]}",
        "prov:label": "residuals computed, corrections replayed, arrays written",
        "prov:wasAssociatedWith": software,
    }
    if facts["ledger"]:
        activity["prov:used"] = {
            "@type": "prov:Entity",
            "prov:label": f"corrections of {facts['corrected_images']} images, ledger at entry "
            f"{facts['ledger'].get('cursor')}",
        }
    return {
        "prov:wasGeneratedBy": activity,
        "prov:wasDerivedFrom": [
            {"@type": "prov:Entity", "prov:label": f"{count['scenes']} scenes, {origin}"}
            for origin, count in sources.items()
        ],
    }


def _agreement(agreement: Mapping[str, Any]) -> dict[str, Any]:
    """The responsible-AI vocabulary's word on how sure annotations are, where two people corrected the same image."""
    if not agreement.get("images"):
        return {}
    every = agreement["rows"][0]
    said = {"ICC(2,1)": every["icc"], "Krippendorff's alpha": every["alpha"], "mean difference": every["mae"]}
    figures = ", ".join(f"{name} {value:.3f}" for name, value in said.items() if value is not None)
    counted = f"{agreement['people']} annotators, {agreement['images']} images corrected by two or more"
    return {"rai:dataAnnotationAnalysis": f"{counted}, over the pixels that one at least painted: {figures}."}


def _table_file(name: str, sums: Mapping[str, str]) -> dict[str, Any]:
    path = f"{content.TABLES}/{name}.parquet"
    return {**_file_object(path, sums[path]), "@id": f"{name}.parquet", "name": f"{name}.parquet"}


def _file_object(path: str, sha256: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": path,
        "name": path,
        "contentUrl": path,
        "encodingFormat": "application/x-parquet",
        "sha256": sha256,
    }


def _zarr_files(frame: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": f"zarr_{frame}",
        "name": f"zarr_{frame}",
        "description": f"The Zarr v3 group of frames of {frame} pixels (height x width): metadata and shards.",
        # Readers that do not know Zarr fall back to the bytes.
        "encodingFormat": ["https://zarr.dev", "text/plain"],
        "includes": f"{content.ARRAYS}/{frame}/**",
    }


def _record_set(name: str, folder: Path) -> dict[str, Any]:
    schema = pq.read_schema(folder / content.TABLES / f"{name}.parquet")
    key = {"images": "image_id", "scenes": "scene_id", "splits": "scene_id"}.get(name)
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": _TABLES[name],
        **({"key": {"@id": f"{name}/{key}"}} if key else {}),
        "field": [_field(name, column) for column in schema],
    }


def _field(table: str, column: pa.Field) -> dict[str, Any]:
    refers = table != "scenes" and column.name == "scene_id"
    return {
        "@type": "cr:Field",
        "@id": f"{table}/{column.name}",
        "name": f"{table}/{column.name}",
        "dataType": _data_type(column.type),
        **({"references": {"field": {"@id": "scenes/scene_id"}}} if refers else {}),
        "source": {"fileObject": {"@id": f"{table}.parquet"}, "extract": {"column": column.name}},
    }


def _data_type(kind: pa.DataType) -> str:
    if pa.types.is_boolean(kind):
        return "sc:Boolean"
    if pa.types.is_integer(kind):
        return "sc:Integer"
    return "sc:Float" if pa.types.is_floating(kind) else "sc:Text"


def _pictures(file: str) -> dict[str, Any]:
    split = Path(file).stem
    record = f"pictures_{split}"

    def field(column: str, kind: str, **transform: Any) -> dict[str, Any]:
        source = {"fileObject": {"@id": file}, "extract": {"column": column}, **transform}
        return {
            "@type": "cr:Field",
            "@id": f"{record}/{column}",
            "name": f"{record}/{column}",
            "dataType": kind,
            "source": source,
        }

    return {
        "@type": "cr:RecordSet",
        "@id": record,
        "name": record,
        "description": f"Small pictures of the images of '{split}' in the first split scheme, for eyes.",
        "field": [
            field("image_id", "sc:Text"),
            *(
                field(name, "sc:ImageObject", transform={"jsonPath": "bytes"})
                for name in ("exposure", "reference", "residual")
            ),
        ],
    }


def _arrays(arrays: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    rows = [
        {
            "arrays/frame": frame,
            "arrays/array": name,
            "arrays/path": f"{content.ARRAYS}/{frame}/{name}",
            "arrays/shape": list(fact["shape"]),
            "arrays/dtype": fact["dtype"],
            "arrays/scale_factor": 1 / RESIDUAL_SCALE if "scale_factor" in attributes_of(name) else 1.0,
            "arrays/fill_value": FILL[name],
            "arrays/about": attributes_of(name)["long_name"],
        }
        for frame, held in arrays.items()
        for name, fact in held.items()
    ]
    return {
        "@type": "cr:RecordSet",
        "@id": "arrays",
        "name": "arrays",
        "description": "The arrays: shape, type, scale and fill value of each. A value is code x scale_factor; "
        f"{INVALID_CODE} of a residual is no data.",
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"arrays/{name}",
                "name": f"arrays/{name}",
                "dataType": kind,
                # As many sides as the array has axes.
                **({"isArray": True, "arrayShape": "-1"} if name == "shape" else {}),
            }
            for name, kind in _ARRAY_COLUMNS.items()
        ],
        "data": rows,
    }


def _zarr_records(frame: str) -> dict[str, Any]:
    record = f"files_{frame}"
    return {
        "@type": "cr:RecordSet",
        "@id": record,
        "name": record,
        "description": f"Every file of the Zarr group of frames of {frame}: its path below the release, and its bytes.",
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"{record}/{name}",
                "name": f"{record}/{name}",
                "dataType": "sc:Text",
                "source": {"fileSet": {"@id": f"zarr_{frame}"}, "extract": {"fileProperty": file_property}},
            }
            for name, file_property in (("path", "fullpath"), ("content", "content"))
        ],
    }
